//! Who could decide instead, each in its competent form.

pub(crate) mod adaptive;
pub(crate) mod concurrency;
pub(crate) mod fixed;
