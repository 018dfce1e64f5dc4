//! Opening what the user wrote: a bare CSV, or a rollout file that names CSVs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orgwave_core::code::Code;
use orgwave_core::legible::ShowPath as _;
use orgwave_core::manifest::{Inputs, Manifest, Problem, Problems, RolloutFile, SideSource, Source, quote};
use orgwave_core::operation::{Catalog, Operation, Operations};
use orgwave_core::plan::InputDigest;
use orgwave_core::run::Exit;
use orgwave_core::secret::Secrets;
use orgwave_planner::plan;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::args::{InputArgs, RolloutLimits, limit_problems};
use crate::failure::Failure;
use crate::input::{self, Input, TableFile};
pub use crate::problem_report::ProblemFormat;
use crate::problem_report::ProblemReport;

/// A rollout without an error.
pub struct Rollout {
    /// Its rows.
    pub manifest: Manifest<TableFile>,
    /// `[connection] region`: the region that the rollout is for.
    pub region: Option<String>,
    /// `[limits]`.
    pub limits: RolloutLimits,
    /// The same as typed, for the plan.
    typed_limits: BTreeMap<String, Value>,
    /// `[sandbox]`.
    pub sandbox: Option<Value>,
    /// The rollout file and its bytes, to see whether it changes.
    toml: Option<(PathBuf, Vec<u8>)>,
}

/// Opens a rollout and checks it whole; reports every problem.
///
/// # Errors
/// 66 if a file isn't there, 65 if something in it is wrong, 64 if `--operation` doesn't fit.
pub fn open(
    catalog: &Catalog,
    path: &Path,
    input: &InputArgs,
    format: ProblemFormat,
) -> Result<Rollout, Failure> {
    let mut report = ProblemReport::new(format);
    let mut sink = |problem: Problem| report.add(problem);
    let mut problems = Problems::new(&mut sink);
    let opened = read(catalog, path, input, &mut problems);
    report.print();
    opened?.ok_or_else(|| Failure::reported(Exit::BadInput))
}

fn read(
    catalog: &Catalog,
    path: &Path,
    args: &InputArgs,
    problems: &mut Problems<'_>,
) -> Result<Option<Rollout>, Failure> {
    let operation = args.operation.as_deref().map(|name| operation_of(catalog, name)).transpose()?;
    let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    if !is_toml {
        let input = Input::open(path).map_err(|error| Failure::no_input(path, error))?;
        let bare = Inputs::bare(catalog.clone(), source(path, input)?);
        let inputs = Inputs { operation: operation.unwrap_or_else(|| bare.operation.clone()), ..bare };
        let manifest = manifest(path, inputs, problems)?;
        return Ok(manifest.map(|manifest| Rollout {
            manifest,
            region: None,
            limits: RolloutLimits::default(),
            typed_limits: BTreeMap::new(),
            sandbox: None,
            toml: None,
        }));
    }
    let bytes = input::read(path).map_err(|error| Failure::no_input(path, error))?;
    let name_of_toml = path.to_string_lossy().into_owned();
    let file = rollout_file(catalog, path, &bytes, problems);
    if let Some(other) = operation.filter(|operation| operation.name != file.operation.name) {
        return Err(Failure::usage(format!(
            "--operation {} is for a bare CSV: this rollout file is about {}",
            other.name, file.operation.name
        ))
        .hint("write operation = \"...\" in its [rollout], or a prefix in front of columns"));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let named = |key: &str, name: &str, problems: &mut Problems<'_>| {
        let path = folder.join(name);
        match Input::open_below(folder, Path::new(name), args.files.allow_outside) {
            Ok(Some(input)) => source(&path, input).map(Some),
            Ok(None) => {
                problems.report(outside(&name_of_toml, key));
                Ok(None)
            }
            Err(error) => Err(Failure::no_input(&path, error)),
        }
    };
    let Some(orgs) = &file.orgs else { return Ok(None) };
    let orgs = named("orgs", orgs, problems)?;
    let mut sides = Vec::new();
    for side in &file.sides {
        if let Some(source) = named(&side.key, &side.path, problems)? {
            sides.push(SideSource { operation: side.operation.clone(), table: side.table.clone(), source });
        }
    }
    let errors = problems.errors();
    let Some(orgs) = orgs else { return Ok(None) };
    let inputs =
        Inputs { catalog: catalog.clone(), operation: file.operation, orgs, sides, defaults: file.defaults };
    let manifest = manifest(path, inputs, problems)?;
    let Some(manifest) = manifest.filter(|_| errors == 0) else { return Ok(None) };
    let limits = file.limits.into_iter().filter_map(|(key, limit)| Some((key, limit.value.ok()?)));
    let typed_limits: BTreeMap<String, Value> = limits.collect();
    Ok(Some(Rollout {
        manifest,
        region: file.region,
        limits: RolloutLimits::of(&typed_limits)?,
        typed_limits,
        sandbox: file.sandbox,
        toml: Some((path.to_owned(), bytes)),
    }))
}

/// Checks the tables; that they set nothing is worth a warning, for then a plan of them changes nothing.
fn manifest(
    path: &Path,
    inputs: Inputs<TableFile>,
    problems: &mut Problems<'_>,
) -> Result<Option<Manifest<TableFile>>, Failure> {
    let manifest = Manifest::read(inputs, problems).map_err(|error| unreadable(path, error))?;
    if let Some(header) = manifest.as_ref().map(Manifest::header)
        && !header.sets_something
    {
        let expected =
            "a column of a setting, a side table or [settings]: a plan of this rollout changes nothing";
        let found = quote(&header.columns.join(", "));
        problems.report(Problem::new(Code::ColNothing, &header.digests[0].0, expected, found));
    }
    Ok(manifest)
}

/// Reads the file; its limits as flags are read. Every problem, in line order.
fn rollout_file(catalog: &Catalog, path: &Path, bytes: &[u8], problems: &mut Problems<'_>) -> RolloutFile {
    let name = path.to_string_lossy().into_owned();
    let mut found = Vec::new();
    let mut sink = |problem| found.push(problem);
    let file =
        RolloutFile::parse(catalog, &name, bytes, &RolloutLimits::keys(), &mut Problems::new(&mut sink));
    found.extend(limit_problems(&name.into(), &file.limits));
    found.sort_by_key(|problem| problem.line);
    for problem in found {
        problems.report(problem);
    }
    file
}

/// The operation that `--operation` names.
///
/// # Errors
/// 64: there is none of this name.
pub fn operation_of(catalog: &Catalog, name: &str) -> Result<Arc<Operation>, Failure> {
    catalog.get(name).cloned().ok_or_else(|| {
        let near = catalog.nearest(name).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Failure::usage(format!("--operation {}: no such operation{near}", quote(name)))
    })
}

impl Rollout {
    /// The operations of the rollout.
    pub fn operations(&self) -> Operations {
        self.manifest.header().operations.clone()
    }

    /// The files it was made from, with their digests.
    pub fn digests(&self) -> Vec<InputDigest> {
        let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let toml = self.toml.iter().map(|(path, bytes)| InputDigest {
            name: path.to_string_lossy().into_owned(),
            sha256: hex(&Sha256::digest(bytes)),
        });
        let tables = self.manifest.header().digests.iter();
        toml.chain(tables.map(|(name, digest)| InputDigest { name: name.to_string(), sha256: hex(digest) }))
            .collect()
    }

    /// What the planner makes a plan from; `in_sandbox` if it is for that.
    pub fn as_source<'a>(
        &'a mut self,
        secrets: &'a Secrets,
        in_sandbox: bool,
    ) -> plan::Rollout<'a, TableFile> {
        let inputs = self.digests();
        let toml = self.toml.as_ref();
        plan::Rollout {
            inputs,
            limits: self.typed_limits.clone(),
            sandbox: in_sandbox.then(|| self.sandbox.clone().unwrap_or_else(|| serde_json::json!({}))),
            secrets,
            changed: Box::new(move || {
                let (path, bytes) = toml?;
                (input::read(path).ok().as_ref() != Some(bytes)).then(|| path.clone())
            }),
            manifest: &mut self.manifest,
        }
    }
}

fn source(path: &Path, input: Input) -> Result<Source<TableFile>, Failure> {
    let table = input.into_table().map_err(|error| Failure::no_input(path, error))?;
    Ok(Source::new(&path.to_string_lossy(), table))
}

fn outside(file: &str, key: &str) -> Problem {
    let expected = "a file below the rollout's folder, links resolved (--allow-outside allows any)";
    Problem::new(Code::RollOutside, &file.into(), expected, "one outside").under(key)
}

fn unreadable(path: &Path, error: orgwave_core::manifest::ReadError) -> Failure {
    Failure::new(Exit::NoInput, format!("{} can't be read", path.shown())).because(error)
}
