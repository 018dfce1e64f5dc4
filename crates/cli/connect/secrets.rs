//! The values of `<secret:NAME>`: from `--secrets FILE`, `$CREDENTIALS_DIRECTORY/NAME`, or `ORGWAVE_SECRET_NAME`.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;
use orgwave_core::secret::{SecretName, SecretText, Secrets};

use super::private_file::{read_handed_over, read_private};
use crate::failure::Failure;

/// Resolves every name, or says of all that can't be.
///
/// # Errors
/// 78.
pub fn resolve(file: Option<&Path>, needed: &BTreeMap<SecretName, Option<u64>>) -> Result<Secrets, Failure> {
    let in_file = file.map(of_file).transpose()?.unwrap_or_default();
    let mut secrets = Secrets::new();
    let mut missing = Vec::new();
    for (name, line) in needed {
        match value_of(name, &in_file)? {
            Some(value) if value.expose().is_empty() => {
                return Err(bad(format!("the secret {name} is empty")));
            }
            Some(value) => {
                secrets.insert(name.clone(), value);
            }
            None => missing.push(
                line.map_or_else(|| format!("{name} ([settings])"), |line| format!("{name} (line {line})")),
            ),
        }
    }
    if missing.is_empty() {
        return Ok(secrets);
    }
    Err(bad(format!("secrets without a value: {}", missing.join(", "))).hint(
        "set them in --secrets FILE (TOML: NAME = \"value\"), $CREDENTIALS_DIRECTORY/NAME, or ORGWAVE_SECRET_NAME",
    ))
}

/// Names of the needed secrets that can't be resolved here: for a check, which only notes them.
pub fn unresolved<'a>(
    file: Option<&Path>,
    needed: impl Iterator<Item = &'a SecretName>,
) -> Result<Vec<&'a SecretName>, Failure> {
    let in_file = file.map(of_file).transpose()?.unwrap_or_default();
    let mut missing = Vec::new();
    for name in needed {
        if value_of(name, &in_file)?.is_none() {
            missing.push(name);
        }
    }
    Ok(missing)
}

fn value_of(name: &SecretName, in_file: &Secrets) -> Result<Option<SecretText>, Failure> {
    if let Some(value) = in_file.get(name) {
        return Ok(Some(value.clone()));
    }
    if let Some((text, _)) = read_handed_over(name.as_str())? {
        return Ok(Some(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned())));
    }
    let variable = format!("ORGWAVE_SECRET_{name}");
    match env::var_os(&variable) {
        None => Ok(None),
        Some(value) => {
            let value = value.into_string().map_err(|_| bad(format!("{variable} is not valid UTF-8")))?;
            Ok(Some(SecretText::new(value)))
        }
    }
}

fn of_file(path: &Path) -> Result<Secrets, Failure> {
    let (text, _) = read_private(path)?;
    // The parser's own error quotes the line, and with it the secret: only its place is reported.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        bad(format!("{}:{line}: not TOML (a line is NAME = \"value\")", path.shown()))
    })?;
    let mut secrets = Secrets::new();
    for (name, value) in table {
        let parsed: SecretName = name.parse().map_err(|error| {
            bad(format!("{}: {name:?} is not a valid name of a secret", path.shown()))
                .because(anyhow::Error::from(error))
        })?;
        let toml::Value::String(value) = value else {
            return Err(bad(format!("{}: the value of {name} is not a string", path.shown())));
        };
        secrets.insert(parsed, SecretText::new(value));
    }
    Ok(secrets)
}

fn bad(what: String) -> Failure {
    Failure::new(Exit::BadConfig, what)
}
