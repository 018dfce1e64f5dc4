//! The sandbox from outside, over plain sockets: what a client would see, and what the ledger says about it.
//!
//! * `caller`: a client that does no more than write a request and read to the end.
//! * `endpoints`: every operation as `API.md`'s vendor answers it.
//! * `faults`: every act and every effect by name.
//! * `ledger`: that it tells what happened.
//! * `operations`: those beside Envoy, and the documents that several share.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests; Clippy spares only the test functions")]

mod caller;
mod endpoints;
mod faults;
mod ledger;
mod operations;
