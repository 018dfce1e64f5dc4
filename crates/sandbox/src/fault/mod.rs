//! Faults by name: what goes wrong, in which call, of which org, how often. A fault is a table of a TOML file, or a line:
//!
//! ```toml
//! { act = 429, retry-after = 3, on = "write", of = "Acme*", times = 2 }
//! ```
//! ```text
//! ACT [KEY=VALUE | FLAG]... [on CALL] [of GLOB] [share=P] [WHEN]
//!
//! 429 retry-after=3 on write of Acme* times 2     500 applied on write nth 1
//! reset applied stale=10s on write p=0.05         401 from-request 40
//! ok edit='{"saveClips":false}' on read nth 2     drip-body every=200ms on read times 1
//! ```
//!
//! In a line, words are parted by spaces and quoted as in a shell; a flag is `true` in a table, and what is said several times
//! is a list there.
//!
//! **Acts: what the caller sees**
//!
//! | act | the caller sees |
//! |---|---|
//! | `ok` | the plain reply; for the effects below. May be omitted when an effect is |
//! | `200` ... `599` | that status; `body=TEXT`, `header='Name: value'`, `retry-after=TEXT` and `location=URL`, the first three as often as liked. Without `body`, the vendor's own body for that status |
//! | `error`, `auth-error` | 200 with `error` or `authError` true; `msg=TEXT` |
//! | `warning` | 200 with `msg=TEXT`, `failed-guids=A;B`, `misconfigured-doors=A;B` |
//! | `echo` | writes: the plain reply, and in it the settings as they are now, secrets and all |
//! | `html`, `empty`, `null`, `array`, `string` | 200 with that for a body |
//! | `truncate` | the plain reply, cut in half (`at=N`: after N bytes), connection closed |
//! | `too-long`, `too-short` | the plain reply, its Content-Length ten too many, or ten too few |
//! | `drip-headers`, `drip-body` | the plain reply, byte by byte, `every=100ms` |
//! | `gzip-bomb`, `huge` | a body of `size=1G` once decoded, packed or plain; `K`, `M`, `G` are powers of 1024 |
//! | `deep` | JSON nested `depth=100000` deep |
//! | `garbage` | what isn't HTTP, connection closed |
//! | `reset` | a TCP reset, once the request was read |
//! | `close` | the connection closed, once the request was read |
//! | `drop` | the connection closed as the request starts, its body unread; never applied |
//! | `hang` | nothing, until the caller gives up |
//! | `refuse` | the plain reply; then the port is closed for `for=2s`, and so are open connections |
//! | `other-org` | reads: the settings of another org (`org=ID`, else of the next one) |
//! | `settings-null`, `settings-absent` | reads: an org that isn't connected |
//! | `masked` | reads: secrets as `***` |
//! | `reshaped` | reads: absent known fields as null, and every map in another order |
//! | `unknown-shape` | the client list: a shape that no spec has |
//!
//! **Effects: what happens on the server**
//!
//! * `applied`: the write is applied, whatever the caller sees. `applied=2s`: that long after it came in, and by then
//!   the reply is gone. `unapplied`: not at all. Unless said, `ok`, `warning` and `echo` apply, and so does what shows the
//!   plain reply whole (`refuse`); everything else doesn't.
//! * `delay=500ms`: the reply is held back; what is applied is applied before. `hold`: until the faults are removed.
//! * `stale=10s`: for that long, reads of the org show what was there before this call.
//! * `flip=FIELD`: that bool of the org changes by itself, just after a write or just before a read.
//! * `edit=JSON`: another writer sets these fields, just after a write or just before a read.
//!
//! **Which calls**
//!
//! * `on` one of read, write, clients, locations, cameras, tokens, any. Unless said: any, or what the
//!   act is about.
//! * `operation=NAME`: the reads and writes of this operation. The read of a reply that several operations share is a read of
//!   each; what the act shows or changes is then the named one's.
//! * `of` a glob on the org's id or name (`*`, `?`). Unless said every org, and calls without one.
//! * `share=0.5`: only that share of the orgs, chosen by the seed.
//! * `times N`: the first N such calls of each org; `from N`: the N-th and all after it, or this many as `times` says;
//!   `nth N`: the N-th alone; `from-request N`: all from the N-th request to the server on; `p=0.05`: each with that
//!   probability, by the seed, the org and the count of its calls, so that a run can be repeated. Unless said: always.
//!
//! A call counts for every fault that it fits; of several that then apply, the first in the list is the one that happens.
//! Calls that the server refuses anyway (key, unknown org, empty bucket) don't count.
//!
//! TLS and DNS failures are not here: they happen before there is a server.

mod armed;
mod line;
mod table;
mod values;

pub(crate) use armed::{Armed, Occasion};
pub(crate) use table::Act;
pub use table::{Fault, ParseFaultError};
pub(crate) use values::{Applied, Header};

#[cfg(test)]
mod tests;
