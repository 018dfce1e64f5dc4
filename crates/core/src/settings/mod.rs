//! What an org's settings are as they were read: what is to be seen in them, and how values compare.
//!
//! * [`RawObject`]: an object exactly as read, so that unmanaged fields passe through untouched.
//! * [`Settings`]: what is to be seen at a path, as a [`Observed`]; [`StoredValue`]: the same as it may be written down.
//! * [`secrets_in`]: the secrets that a read shows, which must be written down nowhere.
//! * [`same`]: when two values of a path mean the same.
//! * `Lookalikes`: which live keys a key that isn't live may be a misspelling of.
//!
//! Which fields there are is in an [operation](crate::operation). Nothing here knows manifests, plans or HTTP.

mod equality;
mod lookalike;
mod members;
mod node;
mod observed;
mod raw_object;
mod secrets;
mod stored_value;

pub use equality::same;
pub(crate) use lookalike::Lookalikes;
pub(crate) use members::decoded;
pub(crate) use node::{Node, Object};
pub(crate) use observed::no_object;
pub use observed::{Observed, Settings, ShapeError};
pub use raw_object::RawObject;
pub use secrets::secrets_in;
pub(crate) use secrets::{found_in, has_secrets, shown_key, veiled};
pub use stored_value::StoredValue;
