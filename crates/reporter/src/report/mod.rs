//! A run as people read it: `report.html` and `report.md`, made of the same [`Tally`](crate::tally::Tally).

mod markdown;
mod words;

pub(crate) use markdown::ReportMd;
