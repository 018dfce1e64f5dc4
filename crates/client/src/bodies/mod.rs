//! What the operations bring, one file each: its type, its shape, and how it is read.

mod ack;
mod api_tokens;
mod cameras;
mod clients;
mod live;
mod locations;

pub use api_tokens::ApiToken;
pub use cameras::Camera;
pub use locations::Location;
