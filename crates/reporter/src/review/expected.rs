//! The pace that a plan's cost assumes: a rate is one thing where it was asked for, and another where planning, or
//! the sandbox, came to it.

use std::fmt;

use orgwave_core::policy::Rate;

use crate::terminal::pace;

/// Calls a second that are expected of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expected {
    /// As many as the vendor answers.
    Unlimited,
    /// What was asked for: no run goes faster.
    Wanted(f64),
    /// What planning came to; a run begins where the last one on this machine ended, and climbs from there.
    Reached(f64),
    /// What planning came to in the sandbox, which says nothing of the vendor.
    InSandbox(f64),
}

impl Expected {
    /// The rate, if there is one.
    pub const fn rate(self) -> Option<f64> {
        match self {
            Self::Unlimited => None,
            Self::Wanted(rate) | Self::Reached(rate) | Self::InSandbox(rate) => Some(rate),
        }
    }
}

impl Expected {
    /// The rate at which a run begins that has to find its own, if that is lower.
    pub fn slowest(self) -> Option<f64> {
        match self {
            Self::Reached(rate) | Self::InSandbox(rate) => Some(Rate::FIRST).filter(|first| *first < rate),
            Self::Unlimited | Self::Wanted(_) => None,
        }
    }
}

/// Follows a time: `at 8.0/s`.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("without a limit"),
            Self::Wanted(rate) => write!(f, "at {}", pace(*rate)),
            Self::Reached(rate) => write!(f, "at {}, reached while planning", pace(*rate)),
            Self::InSandbox(rate) => {
                write!(f, "at {}, reached in the sandbox; the vendor's may differ", pace(*rate))
            }
        }
    }
}
