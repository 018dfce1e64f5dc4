//! What an org's settings are as they were read: what is to be seen in them, and how values compare.
//!
//! * [`RawObject`]: an object exactly as read, so that what nobody manages passes through untouched.
//! * [`Settings`]: what is to be seen at a path, as a [`Sight`]; [`Image`]: the same as it may be written down.
//! * [`same`]: when two values of a path mean the same.
//! * `Lookalikes`: which live keys a key that isn't live may be a misspelling of.
//!
//! Which fields there are stands in an [operation](crate::operation). Nothing here knows manifests, plans or HTTP.

mod equality;
mod image;
mod lookalike;
mod members;
mod node;
mod raw_object;
mod sight;

pub use equality::same;
pub use image::Image;
pub(crate) use lookalike::Lookalikes;
pub(crate) use members::decoded;
pub(crate) use node::{Node, Object};
pub use raw_object::RawObject;
pub(crate) use sight::no_object;
pub use sight::{Settings, ShapeError, Sight, secrets_in};
