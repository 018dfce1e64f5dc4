//! The binary as its users meet it: the real program, real files, a real socket, and the sandbox in the vendor's place.
//!
//! No test here looks inside: all that counts is what was sent, what lies on disk, what was printed, and the exit code.

#![expect(clippy::unwrap_used, reason = "in a test, what isn't there is a failure")]
#![expect(clippy::disallowed_methods, reason = "a test knows the names of its own paths")]

/// The vendor: the sandbox in this process, with the tests' own orgs; its faults, what it saw.
mod vendor;

/// An org as the tests make it, in JSON.
mod org;

/// Running the binary in a new folder, and reading what it leaves there.
mod desk;

/// What a healthy rollout sends and leaves: headers, bodies, unmanaged fields, results, and the second run.
mod rollout;

/// Who may write: commands that only look, and the modes of writing.
mod looking;

/// What the vendor does wrong, one fault at a time, on some of the orgs.
mod faults;

/// What stops a whole run: the key, a redirect, a closed port, a spent budget, a disturbed canary.
mod stops;

/// Ctrl-C, SIGTERM and SIGHUP.
mod signals;

/// Exit codes of command lines, keys, secrets and inputs that are wrong before anything is sent.
mod refusals;

/// What the client list says of orgs, and what `--only` and `--skip` select of them.
mod clients;

/// Plans as a thing to keep: altered, expired, used, for another key or endpoint; guards and their acknowledgement.
mod plans;

/// Keys that aren't live: entries that a plan would add beside others, and removals of nothing.
mod additions;

/// What makes an org less safe, shown first.
mod risk;

/// How fast, as the vendor counts it.
mod pace;

/// How many calls each command makes, as the guide's table and a plan say it.
mod calls;

/// Inputs that are something else, and what the process's memory holds.
mod cage;

/// Keys as people and platforms hand them over.
mod credentials;

/// Proxies and certificates.
mod network;

/// Paths that are no plain files, and flags from the environment.
mod paths;

/// That no secret is found in any file or stream.
mod secrets;

/// Files as spreadsheets and people make them.
mod manifests;

/// Runs that must not overlap.
mod apart;

/// What spreadsheets make of a manifest.
mod tables;

/// All operations there are, each with all of its settings.
mod operations;

/// The example that the documentation begins with.
mod demo;

/// A million rows.
mod memory;

/// Output that can't be written.
mod outputs;

/// Foreign text where it is read: terminals, CI logs, spreadsheets, Markdown.
mod harmless;

/// What nightly runs leave behind, what is removed again, and what monitoring sees.
mod nights;

/// Programs that cargo can't bring.
#[path = "../machine/debian.rs"]
mod debian;
