//! The flags of every command that calls the API: which one, with which key and secrets.

use std::path::PathBuf;

use clap::Args;
use orgwave_client::Region;

/// Which API, with which key and secrets.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct KeyArgs {
    /// The vendor's region: us or eu.
    #[arg(long, value_name = "us|eu", conflicts_with = "endpoint")]
    pub region: Option<Region>,
    /// Another address of the API; plain http to loopback only.
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// A file with the partner's key, readable by its owner alone; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A program that prints the key on its first line; split into words, run without a shell.
    #[arg(long, value_name = "CMD", conflicts_with = "token_file")]
    pub token_command: Option<String>,
    /// A profile of ~/.rhombus/credentials.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// A TOML file with secrets, readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Where orgwave remembers locks, applied plans and learned rates [default: $XDG_STATE_HOME/orgwave].
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The proxy to go through; else that of HTTPS_PROXY or ALL_PROXY. Never used for this machine.
    #[arg(long, value_name = "URL", conflicts_with = "no_proxy")]
    pub proxy: Option<String>,
    /// Use no proxy, whatever the environment says.
    #[arg(long)]
    pub no_proxy: bool,
    /// Authorities (PEM) to trust beside the system's: a company's.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// A client certificate (PEM), for the vendor's scheme partner-api.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
}

/// The same, or the sandbox.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// Which API, with which key and secrets.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Against the stand-in API, in this process: no key, no network.
    #[arg(long, conflicts_with_all = ["region", "endpoint", "token_file", "token_command", "profile"])]
    pub sandbox: bool,
}

/// Which files a rollout may name.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Read the files that the rollout names wherever they are, not only below its folder.
    #[arg(long)]
    pub allow_outside: bool,
}
