//! Certificates that the user names: authorities to be trusted beside the system's, and a certificate of our own.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Authorities that are trusted beside the system's.
#[derive(Debug, Clone, Default)]
pub struct Authorities(pub(crate) Vec<CertificateDer<'static>>);

/// A certificate with its key, for servers that ask for one: the vendor's scheme `partner-api`.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

/// What a file of certificates lacks. None of these quotes the file: it may be that of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No certificate, or something beside it that is damaged.
    #[error("it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// No key, or one under a password.
    #[error("it holds no private key in PEM (-----BEGIN PRIVATE KEY-----, without a password)")]
    NoKey,
}

impl Authorities {
    /// The certificates of a file.
    ///
    /// # Errors
    /// There is none.
    pub fn from_pem(text: &[u8]) -> Result<Self, PemError> {
        certificates(text).map(Self)
    }
}

impl ClientCertificate {
    /// A chain, our own certificate first, and its key.
    ///
    /// # Errors
    /// One of them isn't there.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, PemError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PemError::NoKey)?;
        Ok(Self { chain: certificates(chain)?, key: Arc::new(key) })
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or(PemError::NoCertificate)
}
