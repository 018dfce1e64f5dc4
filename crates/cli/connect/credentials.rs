//! The partner's key: where it may come from, in order.
//!
//! 1. `--token-file FILE`, or `-` for stdin; or `--token-command CMD`
//! 2. `$CREDENTIALS_DIRECTORY/orgwave-token` (systemd's LoadCredential)
//! 3. `RHOMBUS_API_KEY`
//! 4. `--profile` of `~/.rhombus/credentials`, the vendor CLI's INI file

use std::env;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ini::Ini;
use orgwave_client::ApiKey;
use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;
use orgwave_core::secret::SecretText;

use super::command::first_line_of;
use super::private_file::{read_handed_over, read_private};
use crate::args::KeyArgs;
use crate::failure::Failure;

/// The key that these arguments and this environment give, and where it comes from.
///
/// # Errors
/// 78: there is none, it is unsafe, or it is malformed.
pub fn api_key(args: &KeyArgs) -> Result<(ApiKey, String), Failure> {
    if let Some(path) = &args.token_file {
        return of_file(path);
    }
    if let Some(command) = &args.token_command {
        let key = ApiKey::new(&first_line_of(command)?);
        let key =
            key.map_err(|error| bad("what --token-command printed is unusable".to_owned()).because(error))?;
        return Ok((key, "--token-command".to_owned()));
    }
    if let Some((text, path)) = read_handed_over("orgwave-token")? {
        let source = path.shown();
        return parse(text, &source).map(|key| (key, source));
    }
    if let Some(key) = env::var_os("RHOMBUS_API_KEY") {
        let key = key.into_string().map_err(|_| bad("RHOMBUS_API_KEY is not valid UTF-8".to_owned()))?;
        return parse(key, "RHOMBUS_API_KEY").map(|key| (key, "RHOMBUS_API_KEY".to_owned()));
    }
    let file = env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(|home| PathBuf::from(home).join(".rhombus/credentials"));
    match file.filter(|file| args.profile.is_some() || file.exists()) {
        Some(file) => {
            let profile = args.profile.as_deref().unwrap_or("default");
            let source = format!("profile {profile:?} of {}", file.shown());
            of_profile(&file, profile).map(|key| (key, source))
        }
        None => Err(bad("no key found".to_owned()).hint(
            "use --token-file FILE, --token-command CMD, RHOMBUS_API_KEY, or --profile NAME of ~/.rhombus/credentials; or try `apply ROLLOUT --sandbox`, which needs none",
        )),
    }
}

/// The key in a file, or (`-`) on stdin.
///
/// # Errors
/// As [`api_key`].
pub fn api_key_of(path: &Path) -> Result<ApiKey, Failure> {
    of_file(path).map(|(key, _)| key)
}

fn of_file(path: &Path) -> Result<(ApiKey, String), Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .take(1 << 16)
            .read_to_string(&mut text)
            .map_err(|error| bad("the key on stdin can't be read".to_owned()).because(error))?;
        return parse(text, "stdin").map(|key| (key, "stdin".to_owned()));
    }
    let source = path.shown();
    let (text, note) = read_private(path)?;
    let key = parse(text, &source)?;
    Ok((key, note.map_or(source.clone(), |note| format!("{source} ({note}, which others can read)"))))
}

fn of_profile(file: &Path, profile: &str) -> Result<ApiKey, Failure> {
    let (text, _) = read_private(file)?;
    // The parser's own error may quote a line, and with it the key.
    let ini = Ini::load_from_str(&text)
        .map_err(|error| bad(format!("{}:{}: not an INI file", file.shown(), error.line)))?;
    let section = ini
        .section(Some(profile))
        .ok_or_else(|| bad(format!("{} has no profile {profile:?}", file.shown())))?;
    if section.get("is_partner").is_some_and(|value| value.trim().eq_ignore_ascii_case("false")) {
        return Err(bad(format!("profile {profile:?} has no partner key (is_partner is false)"))
            .hint("orgwave needs a partner key (partner-api-token)"));
    }
    let key = section
        .get("api_key")
        .ok_or_else(|| bad(format!("profile {profile:?} of {} has no api_key", file.shown())))?;
    parse(key.to_owned(), &format!("profile {profile:?}"))
}

fn parse(text: String, source: &str) -> Result<ApiKey, Failure> {
    ApiKey::new(&SecretText::new(text))
        .map_err(|error| bad(format!("the key of {source} is unusable")).because(error))
}

fn bad(what: String) -> Failure {
    Failure::new(Exit::BadConfig, what)
}
