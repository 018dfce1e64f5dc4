//! What must be known of a plan before its seal can be proved: for whom it is, and which secrets it names.
//! Nothing that is found here is acted upon until the seal has been proved.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use orgwave_core::manifest::LimitValue;
use orgwave_core::plan::{Header, PlanLine, PlanReader};
use orgwave_core::secret::SecretName;
use serde_json::Value;

use super::open::bad_plan;
use crate::failure::Failure;
use crate::input::Input;

/// A plan's first line.
///
/// # Errors
/// 66, 65, or 12: it isn't there, no plan, or a newer one.
pub fn header_of(path: &Path) -> Result<Header, Failure> {
    Ok(reader_of(path)?.header().clone())
}

/// The names of the secrets that a plan's writes need, each with a line that names it.
///
/// # Errors
/// As [`header_of`].
pub fn secrets_named(path: &Path) -> Result<BTreeMap<SecretName, Option<u64>>, Failure> {
    let mut names = BTreeMap::new();
    let mut reader = reader_of(path)?;
    while let Some((_, has_secrets)) = reader.next_entry().map_err(|error| bad_plan(path, error))? {
        if has_secrets {
            let line = reader.line().map_err(|error| bad_plan(path, error))?;
            for name in line.secrets {
                names.entry(name).or_insert(Some(line.line));
            }
        }
    }
    Ok(names)
}

/// Every org's line.
///
/// # Errors
/// As [`header_of`].
pub fn each_line(path: &Path, mut each: impl FnMut(PlanLine)) -> Result<(), Failure> {
    let mut reader = reader_of(path)?;
    while let Some((_, line)) = reader.next_org().map_err(|error| bad_plan(path, error))? {
        each(line);
    }
    Ok(())
}

/// `[limits]` of the rollout that a plan was made from.
pub fn limits_of(header: &Header) -> BTreeMap<String, LimitValue> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let limit = |value: &Value| match value {
        Value::Bool(flag) => LimitValue::Flag(*flag),
        Value::Array(parts) => LimitValue::List(parts.iter().map(text).collect()),
        other => LimitValue::Text(text(other)),
    };
    header.limits.iter().map(|(name, value)| (name.clone(), limit(value))).collect()
}

fn reader_of(path: &Path) -> Result<PlanReader<BufReader<File>>, Failure> {
    let file = Input::open(path).map_err(|error| Failure::no_input(path, error))?.into_file();
    PlanReader::open(BufReader::with_capacity(1 << 16, file)).map_err(|error| bad_plan(path, error))
}
