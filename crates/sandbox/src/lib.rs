//! A stand-in for the vendor API, on loopback: orgs with settings, token buckets, scripted faults, and a ledger of
//! every request, by which a run's claims are judged.
//!
//! It is the independent witness. Of `orgwave-core` it uses the ids and the operations' descriptions; with the client, which
//! says what a reply means, it shares nothing.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use orgwave_core::operation::Catalog;
//! use orgwave_sandbox::{Config, OrgSeed, Sandbox};
//!
//! let org = OrgSeed { org: "AAAAAAAAAAAAAAAAAAAAAA".parse()?, name: "Acme".to_owned() };
//! let config = Config { faults: vec!["reset applied on write nth 1".parse()?], ..Config::default() };
//! let sandbox = Sandbox::new(&Catalog::built_in(), config, vec![org])?.start(([127, 0, 0, 1], 0).into()).await?;
//! // ... calls to sandbox.url() with sandbox.api_key() ...
//! for entry in sandbox.ledger() {
//!     println!("{}", entry.to_json());
//! }
//! sandbox.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! * [`Config`]: the `[sandbox]` table of a rollout file.
//! * [`fault`]: what can go wrong, one line each.
//! * [`Estate`], [`starting_settings`], [`partner_org`]: the world before the first request, a pure function of the
//!   seed and the org's id.
//! * [`Running`]: the ledger, the states, and the hands that a test puts in; [`Received`], the requests word for word, for
//!   tests that look at those. Other processes use the routes
//!   `/ledger`, `/totals`, `/state/ORG`, `/admin/edit/ORG` and `/admin/faults`.
//!
//! What it does not do: TLS, HTTP/2, any operation of the vendor beyond those of the catalog and the four lists of [`Route`], and anything on
//! another interface than loopback.

mod bucket;
mod config;
mod dice;
pub mod fault;
mod latency;
mod ledger;
mod members;
mod pattern;
mod received;
mod reply;
mod route;
mod routes;
mod secrets;
mod served;
mod server;
mod tree;
mod wire;
mod world;

pub use bucket::Quota;
pub use config::{Config, ConfigError, Keep, OrgOverride, OrgSeed, Server, Spend, Start};
pub use latency::Latency;
pub use ledger::{KeyCheck, LedgerEntry, LedgerEvent, Totals, secret_fingerprint};
pub use pattern::Pattern;
pub use received::Received;
pub use route::Route;
pub use server::{Running, SANDBOX_KEY, Sandbox};
pub use world::estate::{Camera, Estate, Location, Site};
pub use world::partner_org;
pub use world::starting::starting_settings;
