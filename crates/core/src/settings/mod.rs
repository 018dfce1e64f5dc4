//! What the vendor's Envoy settings are: their catalog, the paths into them, and how values compare.
//!
//! * [`catalog`](Field): every field by its wire name, with its type and its class.
//! * [`Path`]: the place of one value, as a manifest's column names it.
//! * [`schema`]: the seed's schemas as types, where absent, null and a value differ.
//! * [`RawObject`]: an object exactly as read, so that what nobody manages passes through untouched.
//! * [`Settings`]: what is to be seen at a path, as a [`Sight`].
//! * [`same`]: when two values of a path mean the same.
//! * `Lookalikes`: which live keys a key that isn't live may be a misspelling of.
//!
//! Nothing here knows manifests, plans or HTTP.

mod catalog;
mod equality;
mod ignored;
mod lookalike;
mod members;
mod node;
mod path;
mod raw_object;
pub mod schema;
mod sight;
mod tri;

pub use catalog::{Class, FIELDS, Field, Kind, MapSpec, Member, Risk, Risky};
pub use equality::same;
pub use ignored::{Ignored, ParseIgnoredError};
pub(crate) use lookalike::Lookalikes;
pub(crate) use members::decoded;
pub(crate) use node::{Node, Object};
pub(crate) use path::nearest;
pub use path::{ParsePathError, Path};
pub use raw_object::RawObject;
pub(crate) use sight::no_object;
pub use sight::{Settings, ShapeError, Sight, secrets_in};
pub use tri::Tri;
