//! Where requests go: one of the vendor's regions, or what the user named, as far as it is safe.
//!
//! The text of an endpoint is what plans record and compare. Nothing here resolves names or connects.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// The vendor's regions. A key belongs to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Region {
    /// The United States.
    #[default]
    Us,
    /// The European Union.
    Eu,
}

impl Region {
    const fn base(self) -> &'static str {
        match self {
            Self::Us => "https://api2.rhombussystems.com/",
            Self::Eu => "https://api2.eu.rhombussystems.com/",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Us => "us",
            Self::Eu => "eu",
        })
    }
}

/// A text that names no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a region is `us` or `eu`")]
pub struct ParseRegionError;

impl FromStr for Region {
    type Err = ParseRegionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "us" => Ok(Self::Us),
            "eu" => Ok(Self::Eu),
            _ => Err(ParseRegionError),
        }
    }
}

/// A base URL that requests, and with them the key, may be sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Ends in `/`, so that paths join below it.
    base: Url,
    is_sandbox: bool,
}

/// Why a text is no endpoint. None of these quotes the text: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No URL at all.
    #[error("an endpoint is a URL like `https://api2.rhombussystems.com`")]
    Syntax(#[source] Box<dyn Error + Send + Sync>),
    /// Spaces and control characters, which a URL parser would silently take out.
    #[error("an endpoint has no spaces or control characters")]
    Character,
    /// Neither http nor https.
    #[error("an endpoint begins with `https://`, or with `http://` on this machine")]
    Scheme,
    /// Plain http to another machine: the key could be read on its way.
    #[error("plain http goes to this machine only (127.0.0.0/8, ::1, localhost); use https")]
    PlainHttp,
    /// User name or password.
    #[error("an endpoint has no user name and no password")]
    UserInfo,
    /// A query or a fragment.
    #[error("an endpoint has no `?` and no `#`")]
    Query,
}

impl Endpoint {
    /// The stand-in on this machine, at this port; recorded as `sandbox`, whatever the port.
    #[expect(clippy::missing_panics_doc, reason = "an address and a port are always a URL")]
    pub fn sandbox(port: u16) -> Self {
        let base = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("an address and a port are a URL");
        Self { base, is_sandbox: true }
    }

    /// Host, port and path, the same for every way in which one server is commonly written: all names and addresses of
    /// this machine are `localhost`.
    pub fn canonical(&self) -> String {
        let host = self.base.host_str().unwrap_or_default().trim_end_matches('.');
        let host = if self.is_here() { "localhost" } else { host };
        let port = self.base.port_or_known_default().unwrap_or_default();
        format!("{host}:{port}{}", self.base.path().trim_end_matches('/'))
    }

    /// Whether it is on this machine.
    pub fn is_here(&self) -> bool {
        self.base.host_str().is_some_and(|host| is_loopback(host.trim_end_matches('.')))
    }

    /// Where the ids of orgs mean the same orgs: the vendor, through whatever gateway; or a server of this machine, which
    /// its port tells from others.
    pub fn realm(&self) -> String {
        let port = self.base.port_or_known_default().unwrap_or_default();
        if self.is_here() { format!("localhost:{port}") } else { String::new() }
    }

    /// Whether requests travel unencrypted, on this machine.
    pub(crate) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Whether requests travel encrypted.
    pub fn is_encrypted(&self) -> bool {
        !self.is_plain()
    }

    /// The vendor's region that this is, if it is one.
    pub fn region(&self) -> Option<Region> {
        [Region::Us, Region::Eu].into_iter().find(|region| *self == Self::from(*region))
    }

    /// The URL of a path, which is given without a leading `/`.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

impl From<Region> for Endpoint {
    fn from(region: Region) -> Self {
        Self { base: Url::parse(region.base()).expect("the regions' URLs are URLs"), is_sandbox: false }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(EndpointError::Character);
        }
        let mut base = Url::parse(text).map_err(|error| EndpointError::Syntax(error.into()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(EndpointError::Scheme);
        }
        // The parser takes `https://@host` for a URL without user info; the text tells.
        if !base.username().is_empty() || base.password().is_some() || authority(text).contains('@') {
            return Err(EndpointError::UserInfo);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(EndpointError::Query);
        }
        if base.scheme() == "http" && !base.host_str().is_some_and(is_loopback) {
            return Err(EndpointError::PlainHttp);
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        Ok(Self { base, is_sandbox: false })
    }
}

/// What is between the scheme and the path. `\` is a `/` to the parser.
fn authority(text: &str) -> &str {
    let rest = text.split_once(':').map_or(text, |(_, rest)| rest).trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What plans record, and what they compare with: normalised, without a trailing `/`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sandbox { f.pad("sandbox") } else { f.pad(self.base.as_str().trim_end_matches('/')) }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_an_endpoint_each() {
        assert_eq!(Endpoint::from(Region::Us).to_string(), "https://api2.rhombussystems.com");
        assert_eq!(
            Endpoint::from("eu".parse::<Region>().unwrap()).to_string(),
            "https://api2.eu.rhombussystems.com"
        );
        assert_eq!("EU".parse::<Region>(), Err(ParseRegionError));
    }

    #[test]
    fn an_endpoint_is_normalised_for_plans() {
        for (typed, recorded) in [
            ("https://api2.rhombussystems.com", "https://api2.rhombussystems.com"),
            ("https://API2.rhombussystems.com:443/", "https://api2.rhombussystems.com"),
            ("https://gateway.example/vendor//", "https://gateway.example/vendor"),
            ("https://gateway.example:8443", "https://gateway.example:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:80/", "http://[::1]"),
            ("http://localhost:3000/x", "http://localhost:3000/x"),
            ("http://LOCALHOST", "http://localhost"),
        ] {
            assert_eq!(typed.parse::<Endpoint>().unwrap().to_string(), recorded, "{typed}");
        }
        assert_eq!(
            "https://api2.rhombussystems.com/".parse::<Endpoint>().unwrap(),
            Endpoint::from(Region::Us)
        );
    }

    #[test]
    fn one_server_is_one_however_it_is_written_and_ports_are_apart() {
        let canonical = |text: &str| text.parse::<Endpoint>().unwrap().canonical();
        for same in
            ["http://localhost:3000", "http://127.0.0.1:3000/", "http://[::1]:3000", "http://127.9.9.9:3000"]
        {
            assert_eq!(canonical(same), "localhost:3000", "{same}");
        }
        assert_eq!(canonical("http://LOCALHOST"), canonical("http://127.0.0.1:80"));
        assert_eq!(
            canonical("https://API2.rhombussystems.com.:443/"),
            Endpoint::from(Region::Us).canonical()
        );
        assert_ne!(canonical("http://localhost:3000"), canonical("http://localhost:3001"));
        assert_ne!(canonical("https://host/a"), canonical("https://host/b"));
        let realm = |text: &str| text.parse::<Endpoint>().unwrap().realm();
        assert_eq!(realm("https://gateway.example/a"), Endpoint::from(Region::Eu).realm());
        assert_eq!(realm("http://[::1]:3000/x"), realm("http://localhost:3000"));
        assert_ne!(realm("http://localhost:3000"), realm("http://localhost:3001"));
    }

    #[test]
    fn what_is_no_endpoint_says_why() {
        for (typed, why) in [
            ("", "a URL"),
            ("api2.rhombussystems.com", "a URL"),
            ("https://", "a URL"),
            ("ftp://127.0.0.1", "begins with"),
            ("file:///etc/passwd", "begins with"),
            ("http://api2.rhombussystems.com", "this machine only"),
            ("http://10.0.0.1", "this machine only"),
            ("http://0.0.0.0:80", "this machine only"),
            ("http://localhost.example", "this machine only"),
            ("http://127.0.0.1.example", "this machine only"),
            ("http://[::ffff:127.0.0.1]", "this machine only"),
            ("https://me:secret@host", "no user name"),
            ("https://me@host", "no user name"),
            ("https://@host", "no user name"),
            ("https:\\\\@host", "no user name"),
            ("http://127.0.0.1@evil.example", "no user name"),
            ("https://host/?x=1", "no `?`"),
            ("https://host/?", "no `?`"),
            ("https://host/#x", "no `?`"),
            ("https://ho\tst", "control"),
        ] {
            let error = typed.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(why), "{typed}: {error}");
            assert!(!error.contains("secret"));
        }
    }

    #[test]
    fn paths_join_below_the_base() {
        let at = |base: &str| base.parse::<Endpoint>().unwrap().join("api/x").to_string();
        assert_eq!(at("https://host"), "https://host/api/x");
        assert_eq!(at("https://host/below/"), "https://host/below/api/x");
    }

    #[test]
    fn the_sandbox_is_recorded_without_its_port() {
        assert_eq!(Endpoint::sandbox(4711).to_string(), "sandbox");
        assert_eq!(Endpoint::sandbox(4711).join("x").as_str(), "http://127.0.0.1:4711/x");
    }
}
