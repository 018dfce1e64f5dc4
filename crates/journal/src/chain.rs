//! A digest over everything written so far, kept beside each entry.
//!
//! SQLite finds a broken page, but not a flipped bit in a text. Each entry's link is the digest of the link before
//! it and of the entry's own bytes, the first link that of the header's: an entry that was altered, taken out or
//! moved breaks it there. It guards against failing disks, not against forgers: it has no key.

use sha2::{Digest as _, Sha256};

/// The link after some entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link(i64);

impl Link {
    /// The first: of the header's bytes.
    pub(crate) fn first(header: &str) -> Self {
        Self::of(Sha256::new().chain_update(header))
    }

    /// The next: of an entry's bytes.
    #[must_use]
    pub(crate) fn next(self, body: &str) -> Self {
        Self::of(Sha256::new().chain_update(self.0.to_be_bytes()).chain_update(body))
    }

    pub(crate) const fn from_stored(number: i64) -> Self {
        Self(number)
    }

    pub(crate) const fn to_stored(self) -> i64 {
        self.0
    }

    fn of(digest: Sha256) -> Self {
        let bytes = digest.finalize();
        let head = bytes.first_chunk().expect("SHA-256 has 32 bytes");
        Self(i64::from_be_bytes(*head))
    }
}
