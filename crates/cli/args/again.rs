//! A connection as typed, to be typed again: every command that we tell people to run must work as it is.

use std::fmt::Write as _;
use std::path::Path;

use orgwave_client::Region;
use orgwave_reporter::terminal::{shell, shell_path};

use super::connection::{ConnectArgs, KeyArgs};

impl KeyArgs {
    /// The flags of this connection, each with a space before it.
    pub fn again(&self) -> String {
        let mut line = String::new();
        let mut flag = |name: &str, value: &str| {
            let _ = write!(line, " --{name} {}", shell(value));
        };
        match self.region {
            Some(Region::Us) => flag("region", "us"),
            Some(Region::Eu) => flag("region", "eu"),
            None => {}
        }
        if let Some(endpoint) = &self.endpoint {
            flag("endpoint", endpoint);
        }
        if let Some(file) = &self.token_file {
            flag("token-file", &file.to_string_lossy());
        }
        if let Some(command) = &self.token_command {
            flag("token-command", command);
        }
        if let Some(profile) = &self.profile {
            flag("profile", profile);
        }
        let files = [("secrets", &self.secrets), ("state-dir", &self.state_dir), ("ca-file", &self.ca_file)];
        for (name, file) in
            files.into_iter().chain([("client-cert", &self.client_cert), ("client-key", &self.client_key)])
        {
            if let Some(file) = file {
                flag(name, &file.to_string_lossy());
            }
        }
        for file in &self.catalog.catalog {
            flag("catalog", &file.to_string_lossy());
        }
        // A proxy's URL may hold a password, so it is not repeated: the environment is the place for it.
        if self.no_proxy {
            line.push_str(" --no-proxy");
        }
        line
    }
}

impl ConnectArgs {
    /// As [`KeyArgs::again`].
    pub fn again(&self) -> String {
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        format!("{}{sandbox}", self.key.again())
    }
}

/// A path as a shell takes it for one word, and we for no flag.
pub fn path_again(path: &Path) -> String {
    shell_path(path)
}

#[cfg(test)]
mod tests {
    use super::super::connection::CatalogArgs;
    use super::*;

    #[test]
    fn every_flag_comes_back_as_one_word() {
        let key = KeyArgs {
            endpoint: Some("http://[::1]:8080".to_owned()),
            token_file: Some("my key's".into()),
            profile: Some("main".to_owned()),
            secrets: Some("/run/secrets.toml".into()),
            catalog: CatalogArgs { catalog: vec!["a.toml".into(), "b c.toml".into()] },
            ..KeyArgs::default()
        };
        assert_eq!(
            key.again(),
            r" --endpoint 'http://[::1]:8080' --token-file 'my key'\''s' --profile main --secrets /run/secrets.toml --catalog a.toml --catalog 'b c.toml'"
        );
        assert_eq!(ConnectArgs { sandbox: true, ..ConnectArgs::default() }.again(), " --sandbox");
        assert_eq!(path_again(Path::new("-p.jsonl")), "./-p.jsonl");
    }
}
