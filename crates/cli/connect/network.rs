//! What lies between here and the endpoint: a proxy, a company's authorities, a certificate of our own.

use std::env;
use std::path::Path;

use orgwave_client::{Authorities, ClientCertificate, Endpoint, PemError, Proxy, Setup};
use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;

use super::private_file::read_private;
use crate::args::KeyArgs;
use crate::failure::Failure;
use crate::input;

/// What is in force, each with where it comes from.
#[derive(Debug, Clone, Default)]
pub struct Network {
    proxy: Option<(Proxy, String)>,
    /// A proxy that the environment names, and why it isn't used.
    unused: Option<String>,
    authorities: Option<(Authorities, String)>,
    certificate: Option<(ClientCertificate, String)>,
}

impl Network {
    /// What these arguments and this environment say of an endpoint.
    ///
    /// # Errors
    /// 78: a proxy or a certificate that can't be used.
    pub fn of(args: &KeyArgs, endpoint: &Endpoint) -> Result<Self, Failure> {
        let mut network = Self::default();
        network.find_proxy(args, endpoint)?;
        if let Some(path) = &args.ca_file {
            let text = input::read(path).map_err(|error| unusable(path).because(error))?;
            let authorities = Authorities::from_pem(&text).map_err(|error| no_pem(path, error))?;
            network.authorities = Some((authorities, path.shown()));
        }
        if let (Some(cert), Some(key)) = (&args.client_cert, &args.client_key) {
            if !endpoint.is_encrypted() {
                return Err(bad("a client certificate needs an https endpoint".to_owned()));
            }
            let chain = input::read(cert).map_err(|error| unusable(cert).because(error))?;
            let (key_text, _) = read_private(key)?;
            let certificate = ClientCertificate::from_pem(&chain, key_text.as_bytes())
                .map_err(|error| no_pem(if error == PemError::NoKey { key } else { cert }, error))?;
            network.certificate = Some((certificate, cert.shown()));
        }
        Ok(network)
    }

    fn find_proxy(&mut self, args: &KeyArgs, endpoint: &Endpoint) -> Result<(), Failure> {
        let found = match &args.proxy {
            Some(url) => Some((url.clone(), "--proxy".to_owned(), String::new())),
            None => variable(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]).map(|(name, url)| {
                let exceptions = variable(&["no_proxy", "NO_PROXY"]).map_or(String::new(), |(_, list)| list);
                (url, name.to_owned(), exceptions)
            }),
        };
        let Some((url, whence, exceptions)) = found else { return Ok(()) };
        let why_not = if args.no_proxy {
            "by --no-proxy"
        } else if endpoint.is_here() {
            "never for loopback"
        } else if !Proxy::is_for(endpoint, &exceptions) {
            "by NO_PROXY"
        } else {
            let proxy = url.parse().map_err(|error: orgwave_client::ProxyError| {
                bad(format!("the proxy of {whence} can't be used")).because(error)
            })?;
            self.proxy = Some((proxy, whence));
            return Ok(());
        };
        self.unused = Some(format!("{whence} is not used, {why_not}"));
        Ok(())
    }

    /// Tells the client.
    pub fn apply(self, setup: &mut Setup) {
        setup.proxy = self.proxy.map(|(proxy, _)| proxy);
        setup.authorities = self.authorities.map(|(authorities, _)| authorities).unwrap_or_default();
        setup.client_certificate = self.certificate.map(|(certificate, _)| certificate);
    }

    /// For people: what is in force, and whence.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let proxy = match (&self.proxy, &self.unused) {
            (Some((proxy, whence)), _) => format!("{proxy}, from {whence}"),
            (None, Some(unused)) => format!("none: {unused}"),
            (None, None) => "none".to_owned(),
        };
        let mut lines = vec![("proxy", proxy)];
        if let Some((_, file)) = &self.authorities {
            lines.push(("trust", format!("the system's CAs and those of {file}")));
        }
        if let Some((_, file)) = &self.certificate {
            lines.push(("identity", format!("the client certificate {file}, with the scheme partner-api")));
        }
        lines
    }
}

/// The first of these variables that says something.
fn variable(names: &[&'static str]) -> Option<(&'static str, String)> {
    names.iter().find_map(|name| {
        // What is no text is no URL either, and is to be said to be none.
        let value = env::var_os(name)?.to_string_lossy().into_owned();
        (!value.trim().is_empty()).then_some((*name, value))
    })
}

fn unusable(path: &Path) -> Failure {
    bad(format!("{} can't be read", path.shown()))
}

fn no_pem(path: &Path, error: PemError) -> Failure {
    bad(format!("{} can't be used", path.shown())).because(error)
}

fn bad(what: String) -> Failure {
    Failure::new(Exit::BadConfig, what)
}
