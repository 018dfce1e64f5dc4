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
    /// A profile of ~/.rhombus/credentials.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// A TOML file with secrets, readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
}

/// The same, or the sandbox.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// Which API, with which key and secrets.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Against the stand-in API, in this process: no key, no network.
    #[arg(long, conflicts_with_all = ["region", "endpoint", "token_file", "profile"])]
    pub sandbox: bool,
}
