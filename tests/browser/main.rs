//! The pages, in a real browser.
//!
//! * `debian`: where the browser comes from. `chromium`: how it is started, what it saw.
//! * `made`: pages of plans and runs, from the binary and from the library.
//! * `plan`, `report`: what people do on them.
//! * `harm`: names that mean harm, and what a page must never do.
//! * `looks`: contrast, in the light, in the dark and on paper. `size`: many orgs; a narrow screen.

#![expect(clippy::unwrap_used, reason = "what a test can't make or read fails it")]
#![expect(clippy::disallowed_methods, reason = "a test knows the names of its own paths")]

mod chromium;
#[path = "../machine/debian.rs"]
mod debian;
mod harm;
mod looks;
mod made;
mod plan;
mod report;
mod size;
