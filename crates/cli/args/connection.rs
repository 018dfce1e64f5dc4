//! The flags of every command that calls the API: which one, with which key and secrets, and which operations it has.

use std::path::PathBuf;

use clap::Args;
use orgwave_client::Region;

/// Which operations are known beside those that are built in.
#[derive(Debug, Clone, Default, Args)]
pub struct CatalogArgs {
    /// Description of an operation that isn't built in, from `orgwave operations derive`; can be repeated.
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub catalog: Vec<PathBuf>,
}

/// Which API, with which key and secrets.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct KeyArgs {
    /// Which operations.
    #[command(flatten)]
    pub catalog: CatalogArgs,
    /// Region of the API: us or eu.
    #[arg(long, value_name = "us|eu", conflicts_with = "endpoint")]
    pub region: Option<Region>,
    /// URL of the API; plain http only on loopback.
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// File with the partner's key, readable only by its owner; `-` reads stdin.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Command that prints the key on its first line; run without a shell.
    #[arg(long, value_name = "CMD", conflicts_with = "token_file")]
    pub token_command: Option<String>,
    /// Profile of ~/.rhombus/credentials.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// TOML file with secrets, readable only by its owner.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Folder of locks, applied plans and measured rates [default: $XDG_STATE_HOME/orgwave].
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Proxy [default: HTTPS_PROXY or ALL_PROXY]; never used for loopback.
    #[arg(long, value_name = "URL", conflicts_with = "no_proxy")]
    pub proxy: Option<String>,
    /// Use no proxy; ignore the proxy variables.
    #[arg(long)]
    pub no_proxy: bool,
    /// Additional CA certificates (PEM) to trust.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Client certificate (PEM), for the auth scheme partner-api.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM).
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
    /// Use the built-in sandbox instead of the API: no key, no network.
    #[arg(long, conflicts_with_all = ["region", "endpoint", "token_file", "token_command", "profile"])]
    pub sandbox: bool,
}

/// How a rollout is read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Operation of a bare CSV's columns without a prefix [default: envoy].
    #[arg(long, value_name = "NAME")]
    pub operation: Option<String>,
    /// Which files it may name.
    #[command(flatten)]
    pub files: FileArgs,
}

/// Which files a rollout may name.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input")]
pub struct FileArgs {
    /// Allow the rollout to name files outside its folder.
    #[arg(long)]
    pub allow_outside: bool,
}
