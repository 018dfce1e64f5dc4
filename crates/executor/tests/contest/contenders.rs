//! Who takes part.

use std::time::Duration;

use crate::arena::{Match, RateFinder, Vendor, play};
use crate::ours::Ours;
use crate::rivals::adaptive::Adaptive;
use crate::rivals::concurrency::Window;
use crate::rivals::fixed::Fixed;

/// Who decides when calls are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    Ours,
    /// 8/s: what a careful user would choose.
    Careful,
    /// The limit itself, as it is at first.
    Oracle,
    Window,
    Adaptive,
}

impl Contender {
    pub(crate) const ALL: [Self; 5] = [Self::Ours, Self::Careful, Self::Oracle, Self::Window, Self::Adaptive];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "`--rate auto`",
            Self::Careful => "8/s, fixed",
            Self::Oracle => "the first limit, fixed",
            Self::Window => "calls at once, AIMD",
            Self::Adaptive => "AWS SDK, adaptive",
        }
    }

    fn finder(self, vendor: &Vendor) -> Box<dyn RateFinder> {
        match self {
            Self::Ours => Box::new(Ours::new(None)),
            Self::Careful => Box::new(Fixed::new(8.0)),
            Self::Oracle => Box::new(Fixed::new(vendor.limits[0].1)),
            Self::Window => Box::new(Window::new()),
            Self::Adaptive => Box::new(Adaptive::new()),
        }
    }

    pub(crate) fn plays(self, vendor: &Vendor, length: Duration, seed: u64) -> Match {
        play(vendor, &mut *self.finder(vendor), length, seed)
    }
}
