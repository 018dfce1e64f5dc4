//! The rules, one named case each, through the whole reader. What one module promises alone is tested beside it.

mod cells;
mod files;
mod operations;
mod rereading;
mod side_tables;

use std::io::Cursor;

use serde_json::Value;

use super::*;
use crate::code::Code;
use crate::desired::DesiredValue;
use crate::operation::Catalog;

const DOORS: &str = "doors";

/// Ids that are canonical and easy to tell apart.
const A: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const B: &str = "BAAAAAAAAAAAAAAAAAAAAA";
const C: &str = "CAAAAAAAAAAAAAAAAAAAAA";

type Bytes = Cursor<Vec<u8>>;

/// Text with `{A}`, `{B}`, `{C}` for ids.
fn fill(text: &str) -> Vec<u8> {
    text.replace("{A}", A).replace("{B}", B).replace("{C}", C).into_bytes()
}

/// A side table of the default operation.
fn side<R>(table: &str, reader: R) -> SideSource<R> {
    let operation = Catalog::built_in().default_one().clone();
    let table = operation.table(table).unwrap().clone();
    let source = Source::new(&format!("{}.csv", table.name), reader);
    SideSource { operation, table, source }
}

fn inputs(orgs: Vec<u8>, sides: &[(&str, &str)]) -> Inputs<Bytes> {
    Inputs {
        sides: sides.iter().map(|(table, text)| side(table, Cursor::new(fill(text)))).collect(),
        ..Inputs::bare(Catalog::built_in(), Source::new("orgs.csv", Cursor::new(orgs)))
    }
}

fn read(inputs: Inputs<Bytes>) -> (Option<Manifest<Bytes>>, Vec<Problem>) {
    let mut found = Vec::new();
    let mut sink = |problem| found.push(problem);
    let manifest = Manifest::read(inputs, &mut Problems::new(&mut sink)).unwrap();
    (manifest, found)
}

fn rows(inputs: Inputs<Bytes>) -> Vec<Row> {
    let (manifest, found) = read(inputs);
    let found: Vec<_> =
        found.iter().filter(|problem| problem.severity == Severity::Error).map(ToString::to_string).collect();
    assert_eq!(found, [] as [String; 0]);
    manifest.unwrap().rows().unwrap().map(Result::unwrap).collect()
}

fn row(text: &str) -> Row {
    rows(inputs(fill(text), &[])).remove(0)
}

/// Codes with lines.
fn found(orgs: impl Into<Vec<u8>>, sides: &[(&str, &str)]) -> Vec<(Code, u64)> {
    let (manifest, found) = read(inputs(orgs.into(), sides));
    assert_eq!(manifest.is_none(), found.iter().any(|problem| problem.severity == Severity::Error));
    found.iter().map(|problem| (problem.code, problem.line.unwrap_or(0))).collect()
}

fn desired_values(row: &Row) -> Vec<(String, DesiredValue)> {
    row.steps[0]
        .desired
        .managed
        .iter()
        .map(|managed| (managed.path.to_string(), managed.desired.clone()))
        .collect()
}

fn set(path: &str, value: Value) -> (String, DesiredValue) {
    (path.to_owned(), DesiredValue::Set(value))
}
