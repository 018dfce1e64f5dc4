//! What an org's settings are as they were read: what is to be seen in them, and how values compare.
//!
//! * [`RawObject`]: an object exactly as read, so that unmanaged fields passe through untouched.
//! * [`Settings`]: what is to be seen at a path, as a [`Observed`]; [`StoredValue`]: the same as it may be written down.
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
mod stored_value;

pub use equality::same;
pub(crate) use lookalike::Lookalikes;
pub(crate) use members::decoded;
pub(crate) use node::{Node, Object};
pub(crate) use observed::no_object;
pub use observed::{Observed, Settings, ShapeError, secrets_in};
pub use raw_object::RawObject;
pub use stored_value::StoredValue;
