//! The proxy that requests go through, if one is in force. What it is chosen by is the caller's business; that none is
//! used towards this machine is decided here.

use std::fmt;
use std::str::FromStr;

use hyper_util::client::proxy::matcher::Matcher;
use orgwave_core::secret::SecretText;
use reqwest::Url;

use crate::endpoint::Endpoint;

/// A proxy that tunnels (CONNECT). Its URL may hold a password, so it is shown without its user.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

/// Why a text is no proxy. None of these quotes the text: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// No URL with a host.
    #[error("a proxy is a URL like `http://proxy.example:3128`")]
    Syntax,
    /// SOCKS and others.
    #[error("a proxy begins with `http://` or `https://`; SOCKS isn't supported")]
    Scheme,
}

impl Proxy {
    /// Whether requests to this endpoint may go through a proxy, given a list as `NO_PROXY` has it: hosts, domains,
    /// addresses, networks, each with or without a port, or `*`.
    pub fn is_for(endpoint: &Endpoint, exceptions: &str) -> bool {
        let url = endpoint.join("");
        let of_this_port = |entry: &str| match entry.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => port
                .parse()
                .ok()
                .is_none_or(|port: u16| url.port_or_known_default() == Some(port))
                .then(|| host.to_owned()),
            _ => Some(entry.to_owned()),
        };
        let entries = exceptions.split([',', ' ']).filter(|entry| !entry.is_empty());
        let hosts: Vec<String> = entries.filter_map(of_this_port).collect();
        if endpoint.is_loopback() || hosts.iter().any(|host| host == "*") {
            return false;
        }
        let matcher = Matcher::builder().all("http://proxy.invalid").no(hosts.join(",")).build();
        url.as_str().parse().is_ok_and(|uri| matcher.intercept(&uri).is_some())
    }

    /// What the URL says of its user, to be masked wherever it appears.
    pub(crate) fn password(&self) -> Option<SecretText> {
        self.0.password().map(|password| SecretText::new(password.to_owned()))
    }

    pub(crate) fn to_reqwest(&self) -> reqwest::Result<reqwest::Proxy> {
        reqwest::Proxy::all(self.0.clone())
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // As curl and most others read it.
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&whole).map_err(|_| ProxyError::Syntax)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ProxyError::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) { Err(ProxyError::Syntax) } else { Ok(Self(url)) }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_user() {
        for (typed, shown) in [
            ("http://me:hunter2@proxy.example:3128/", "http://proxy.example:3128"),
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("me:hunter2@proxy.example:3128", "http://proxy.example:3128"),
            ("https://proxy.example", "https://proxy.example"),
        ] {
            let proxy: Proxy = typed.parse().unwrap();
            assert_eq!(proxy.to_string(), shown, "{typed}");
            assert!(!format!("{proxy:?}").contains("hunter2"));
        }
        for (typed, error) in [
            ("socks5://me:hunter2@host", ProxyError::Scheme),
            ("", ProxyError::Syntax),
            ("http://", ProxyError::Syntax),
            ("http://a b", ProxyError::Syntax),
        ] {
            assert_eq!(typed.parse::<Proxy>(), Err(error), "{typed}");
        }
    }

    #[test]
    fn exceptions_are_hosts_domains_addresses_and_all() {
        let is_for = |url: &str, list: &str| Proxy::is_for(&url.parse().unwrap(), list);
        for list in ["", "other.example", "ample", "10.0.0.0/8", "i.gateway.example"] {
            assert!(is_for("https://gateway.example", list), "{list}");
        }
        assert!(is_for("https://gateway.example", "gateway.example:8443"));
        for list in
            ["gateway.example", "example", ".example", " a, gateway.example ", "*", "a gateway.example:443"]
        {
            assert!(!is_for("https://gateway.example", list), "{list}");
        }
        for list in ["10.0.0.0/8", "10.1.2.3", "*", "10.1.2.3:443"] {
            assert!(!is_for("https://10.1.2.3", list), "{list}");
        }
        assert!(!is_for("https://[fd00::1]", "fd00::/8"));
        for url in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "https://localhost",
            "https://127.0.0.1",
            "http://[::1]",
        ] {
            assert!(!is_for(url, ""), "{url}");
        }
    }
}
