//! The proxy that requests go through, if one is in force. What it is chosen by is the caller's business; that none is
//! used towards this machine is decided here.

use std::fmt;
use std::str::FromStr;

use hyper_util::client::proxy::matcher::Matcher;
use orgwave_core::secret::SecretText;
use reqwest::Url;

use crate::endpoint::Endpoint;

/// A proxy that tunnels (CONNECT, SOCKS). Its URL may hold a password, so it is shown without its user.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

/// Why a text is no proxy. None of these quotes the text: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// No URL with a host.
    #[error("a proxy is a URL like `http://proxy.example:3128`")]
    Syntax,
    /// Another way of asking a proxy.
    #[error("a proxy begins with `http://`, `https://`, `socks5://` or `socks5h://`")]
    Scheme,
}

impl Proxy {
    /// Whether requests to this endpoint may go through a proxy, given a list as `NO_PROXY` has it: hosts, domains,
    /// addresses, networks, each with or without a port, or `*`.
    pub fn is_for(endpoint: &Endpoint, exceptions: &str) -> bool {
        let ours = endpoint.join("").port_or_known_default();
        let is_ours = |port: &str| port.parse().ok().is_none_or(|port: u16| ours == Some(port));
        let of_this_port = |entry: &str| -> Option<String> {
            // `[::1]`, `[::1]:443` and `[fd00::]/8`: an address is matched without its brackets.
            let (host, rest) = match entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
                Some((host, rest)) if rest.starts_with('/') => return Some(format!("{host}{rest}")),
                Some((host, rest)) => (host, rest.strip_prefix(':')),
                None => match entry.rsplit_once(':') {
                    Some((host, port)) if !host.contains(':') => (host, Some(port)),
                    _ => (entry, None),
                },
            };
            // `*.example` is what others write for `.example`, and `example.` is `example`.
            let host = host.strip_prefix("*.").unwrap_or(host).trim_end_matches('.');
            rest.is_none_or(is_ours).then(|| host.to_owned())
        };
        let is_between = |c: char| c == ',' || c.is_whitespace();
        let entries = exceptions.split(is_between).filter(|entry| !entry.is_empty());
        let hosts: Vec<String> = entries.filter_map(of_this_port).collect();
        if endpoint.is_here() || hosts.iter().any(|host| host == "*") {
            return false;
        }
        let matcher = Matcher::builder().all("http://proxy.invalid").no(hosts.join(",")).build();
        format!("https://{}", endpoint.canonical()).parse().is_ok_and(|uri| matcher.intercept(&uri).is_some())
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
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
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
            ("socks5://me:hunter2@proxy.example:1080", "socks5://proxy.example:1080"),
            ("socks5h://proxy.example", "socks5h://proxy.example"),
        ] {
            let proxy: Proxy = typed.parse().unwrap();
            assert_eq!(proxy.to_string(), shown, "{typed}");
            assert!(!format!("{proxy:?}").contains("hunter2"));
        }
        for (typed, error) in [
            ("socks4://me:hunter2@host", ProxyError::Scheme),
            ("ftp://me:hunter2@host", ProxyError::Scheme),
            ("socks5://", ProxyError::Syntax),
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
        for list in ["", "other.example", "ample", "10.0.0.0/8", "i.gateway.example", "*.other.example", "."]
        {
            assert!(is_for("https://gateway.example", list), "{list}");
        }
        assert!(is_for("https://gateway.example", "gateway.example:8443"));
        for list in [
            "gateway.example",
            "GATEWAY.Example",
            "gateway.example.",
            "example",
            ".example",
            "*.example",
            "*.example:443",
            " a, gateway.example ",
            "a\tgateway.example",
            "*",
            "a gateway.example:443",
        ] {
            assert!(!is_for("https://gateway.example", list), "{list}");
            assert!(!is_for("https://gateway.example./", list), "{list}");
        }
        for list in ["10.0.0.0/8", "10.1.2.3", "*", "10.1.2.3:443"] {
            assert!(!is_for("https://10.1.2.3", list), "{list}");
        }
        for list in ["fd00::/8", "[fd00::]/8", "fd00::1", "[fd00::1]", "[fd00::1]:443", "*:443"] {
            assert!(!is_for("https://[fd00::1]", list), "{list}");
        }
        assert!(is_for("https://[fd00::1]", "[fd00::1]:8443"));
        for url in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "https://localhost",
            "https://localhost.",
            "https://127.0.0.1",
            "http://[::1]",
        ] {
            assert!(!is_for(url, ""), "{url}");
        }
    }
}
