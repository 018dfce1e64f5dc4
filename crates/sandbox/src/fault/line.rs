//! A fault as a line: the same table, its words parted by spaces and quoted as in a shell.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{Fault, ParseFaultError};

/// The keys whose value is behind them as a word of its own.
const PAIRS: [&str; 6] = ["on", "of", "times", "nth", "from", "from-request"];

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let line = line.trim();
        if line.starts_with('{') {
            let table = serde_json::from_str(line).map_err(|error| ParseFaultError(error.to_string()))?;
            return Self::read(table, line.to_owned());
        }
        let words = shlex::split(line).ok_or_else(|| ParseFaultError("an unclosed quote".to_owned()))?;
        let mut words = words.into_iter().peekable();
        let mut table = Map::new();
        // An act comes first; without one, the first word is an effect.
        if words.peek().is_none_or(|word| !word.contains('=') && !["unapplied", "hold"].contains(&&**word)) {
            table.insert("act".to_owned(), words.next().unwrap_or_default().into());
        }
        while let Some(word) = words.next() {
            let (key, value) = match word.split_once('=') {
                Some((key, value)) => (key.to_owned(), Value::from(value)),
                None if PAIRS.contains(&&*word) => {
                    let value =
                        words.next().ok_or_else(|| ParseFaultError(format!("`{word}` needs a value")))?;
                    (word, value.into())
                }
                None => (word, true.into()),
            };
            match table.get_mut(&key) {
                None => drop(table.insert(key, value)),
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Self::read(table, line.to_owned())
    }
}
