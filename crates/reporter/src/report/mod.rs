//! A run as people read it: `report.html` and `report.md`, made of the same [`Tally`](crate::tally::Tally).

mod charts;
mod markdown;
mod page;
mod timeline;
mod words;

pub(crate) use markdown::ReportMd;
pub(crate) use page::ReportHtml;
