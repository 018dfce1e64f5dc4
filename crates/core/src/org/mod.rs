//! One org's way through a run.
//!
//! * [`OrgState`]: a state, and one match that says which [`Input`]s may change it, and to what. It is the grammar of
//!   the journal: a run is its inputs, and resuming one is handing a fresh state the same inputs again, and then
//!   [`Input::Resumed`].
//! * [`Driver`]: walks that state for one org. It takes an [`Event`] and says the next [`Step`]: a read, an entry in
//!   the journal, a send, a wait, or the outcome.
//! * [`Reader`]: the same for one read of an org, or of a list; [`OrgReader`]: for all reads of an org.
//!
//! Nothing here waits, sends, records or asks what time it is: the executor does, which performs the steps.

mod driver;
mod entry;
mod held;
mod input;
mod org_reader;
mod patience;
mod progress;
mod reader;
mod state;
mod step;

pub use driver::{Applied, Driver, Ended, Rules};
pub use entry::Entry;
pub use held::HeldRead;
pub use input::Input;
pub use org_reader::{OrgReader, OrgReads, SharedRead};
pub use progress::OrgProgress;
pub use reader::{Reader, Unread};
pub use state::{IllegalTransition, OrgState, Phase};
pub use step::{Drive, Event, Step};
