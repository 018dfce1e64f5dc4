//! One org's way through a run: a state, and one match that says which inputs may change it, and to what.
//!
//! The machine doesn't know who drives it, what an input looked like on the wire, or what time it is. A run is
//! its inputs; resuming one is telling a fresh machine the same inputs again, and then [`Input::Resumed`].

mod input;
mod state;

pub use input::Input;
pub use state::{IllegalTransition, OrgState, Phase};
