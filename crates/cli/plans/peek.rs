//! What a plan's file says, not proved: for those who show it, or have proved it already.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use orgwave_core::manifest::LimitValue;
use orgwave_core::plan::{Header, PlanLine, PlanReader};
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

/// Every org's line.
///
/// # Errors
/// As [`header_of`].
pub fn each_line(path: &Path, each: impl FnMut(PlanLine)) -> Result<(), Failure> {
    let mut lines = Lines::of(path)?;
    lines.by_ref().for_each(each);
    lines.end()
}

/// The lines of a plan, read as they are asked for: one is held at a time, however many there are.
pub struct Lines {
    reader: PlanReader<BufReader<File>>,
    path: PathBuf,
    failed: Option<Failure>,
}

impl Lines {
    /// Begins at the first org.
    ///
    /// # Errors
    /// As [`header_of`].
    pub fn of(path: &Path) -> Result<Self, Failure> {
        Ok(Self { reader: reader_of(path)?, path: path.to_owned(), failed: None })
    }

    /// Whether the lines ended where the plan does.
    ///
    /// # Errors
    /// They ended earlier: as [`header_of`].
    pub fn end(self) -> Result<(), Failure> {
        self.failed.map_or(Ok(()), Err)
    }
}

impl Iterator for Lines {
    type Item = PlanLine;

    fn next(&mut self) -> Option<PlanLine> {
        if self.failed.is_some() {
            return None;
        }
        match self.reader.next_org() {
            Ok(next) => next.map(|(_, line)| line),
            Err(error) => {
                self.failed = Some(bad_plan(&self.path, error));
                None
            }
        }
    }
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
