//! A run as people read it: `report.html` and `report.md`, made of the same [`RunDigest`](crate::digest::RunDigest).

mod charts;
mod markdown;
mod page;
mod screen;
mod timeline;

pub(crate) use markdown::ReportMd;
pub(crate) use page::ReportHtml;
pub use screen::Summary;
