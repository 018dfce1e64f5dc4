//! Opening what the user wrote: a bare CSV, or a rollout file that names CSVs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use orgwave_core::code::Code;
use orgwave_core::manifest::{
    Inputs, LimitValue, Manifest, Problem, Problems, RolloutFile, RowsError, Severity, Source,
};
use orgwave_core::plan::InputDigest;
use orgwave_core::run::Exit;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::console;
use crate::failure::Failure;

/// Problems that are shown on a terminal before they are only counted.
const SHOWN: u64 = 1_000;

/// A file, or (what can't be sought in) its bytes.
pub enum InputFile {
    File(BufReader<File>),
    Held(Cursor<Vec<u8>>),
}

impl Read for InputFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Held(held) => held.read(buffer),
        }
    }
}

impl Seek for InputFile {
    fn seek(&mut self, place: SeekFrom) -> std::io::Result<u64> {
        match self {
            Self::File(file) => file.seek(place),
            Self::Held(held) => held.seek(place),
        }
    }
}

/// A rollout without an error.
pub struct Rollout {
    /// Its rows.
    pub manifest: Manifest<InputFile>,
    /// `[limits]`.
    pub limits: BTreeMap<String, LimitValue>,
    /// `[sandbox]`.
    pub sandbox: Option<Value>,
    /// `[settings]`, as typed, for files that give the rollout back.
    pub settings: BTreeMap<String, Value>,
    /// The rollout file and its bytes, to see whether it changes.
    toml: Option<(PathBuf, Vec<u8>)>,
}

/// How problems are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// One a line on stderr, the first thousand.
    People,
    /// One JSON object a line on stdout, all.
    Json,
}

/// Opens a rollout and checks it whole; tells every problem.
///
/// # Errors
/// 66 if a file isn't there, 65 if something in it is wrong.
pub fn open(path: &Path, telling: Telling) -> Result<Rollout, Failure> {
    let mut teller = Teller { telling, shown: 0, errors: 0, warnings: 0 };
    let mut sink = |problem: Problem| teller.tell(&problem);
    let mut problems = Problems::new(&mut sink);
    let opened = read(path, &mut problems)?;
    teller.end();
    opened.ok_or_else(|| Failure::told(Exit::BadInput))
}

fn read(path: &Path, problems: &mut Problems<'_>) -> Result<Option<Rollout>, Failure> {
    let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    if !is_toml {
        let inputs = Inputs::bare(source(path)?);
        let manifest = Manifest::read(inputs, problems).map_err(|error| unreadable(path, error))?;
        return Ok(manifest.map(|manifest| Rollout {
            manifest,
            limits: BTreeMap::new(),
            sandbox: None,
            settings: BTreeMap::new(),
            toml: None,
        }));
    }
    let bytes = std::fs::read(path).map_err(|error| missing(path, error))?;
    let file = RolloutFile::parse(&path.display().to_string(), &bytes, problems);
    let errors = problems.errors();
    let folder = path.parent().unwrap_or(Path::new(""));
    let Some(orgs) = &file.orgs else { return Ok(None) };
    let mut sides = Vec::new();
    for (table, name) in &file.sides {
        sides.push((*table, source(&folder.join(name))?));
    }
    let inputs = Inputs { orgs: source(&folder.join(orgs))?, sides, defaults: file.defaults.clone() };
    let manifest = Manifest::read(inputs, problems).map_err(|error| unreadable(path, error))?;
    let settings = settings_as_typed(&bytes);
    Ok(manifest.filter(|_| errors == 0).map(|manifest| Rollout {
        manifest,
        limits: file.limits.into_iter().map(|(name, limit)| (name, limit.value)).collect(),
        sandbox: file.sandbox,
        settings,
        toml: Some((path.to_owned(), bytes)),
    }))
}

fn settings_as_typed(bytes: &[u8]) -> BTreeMap<String, Value> {
    let table: Option<toml::Table> =
        std::str::from_utf8(bytes).ok().and_then(|text| text.trim_start_matches('\u{feff}').parse().ok());
    let settings = table.and_then(|mut table| table.remove("settings"));
    settings
        .and_then(|settings| serde_json::to_value(settings).ok())
        .and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default()
}

impl Rollout {
    /// The files it was made from, with their digests.
    pub fn digests(&self) -> Vec<InputDigest> {
        let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let toml = self.toml.iter().map(|(path, bytes)| InputDigest {
            name: path.display().to_string(),
            sha256: hex(&Sha256::digest(bytes)),
        });
        let tables = self.manifest.header().digests.iter();
        toml.chain(tables.map(|(name, digest)| InputDigest { name: name.to_string(), sha256: hex(digest) }))
            .collect()
    }

    /// Whether the rollout file still is what was read at first. The tables tell by themselves.
    ///
    /// # Errors
    /// 65: it changed.
    pub fn still_the_same(&self) -> Result<(), Failure> {
        match &self.toml {
            Some((path, bytes)) if std::fs::read(path).ok().as_ref() != Some(bytes) => {
                let what =
                    format!("{}: {} changed while the plan was made", Code::FileChanged, path.display());
                Err(Failure::new(Exit::BadInput, what).hint("nothing was sent; run it again"))
            }
            _ => Ok(()),
        }
    }
}

/// What to say when rows end early.
pub fn rows_failure(error: RowsError) -> Failure {
    match error {
        RowsError::Changed { .. } => Failure::new(Exit::BadInput, format!("{}: {error}", Code::FileChanged))
            .hint("nothing was sent; run it again"),
        RowsError::Read(error) => Failure::new(Exit::NoInput, "the rollout can't be read").because(error),
    }
}

fn source(path: &Path) -> Result<Source<InputFile>, Failure> {
    let name = path.display().to_string();
    let mut file = File::open(path).map_err(|error| missing(path, error))?;
    let kind = file.metadata().map_err(|error| missing(path, error))?.file_type();
    if kind.is_dir() {
        return Err(Failure::new(Exit::NoInput, format!("{name} is a folder")));
    }
    if kind.is_file() {
        return Ok(Source::new(&name, InputFile::File(BufReader::with_capacity(1 << 16, file))));
    }
    // A pipe can be read once only, and a manifest is read twice.
    let mut held = Vec::new();
    file.read_to_end(&mut held).map_err(|error| missing(path, error))?;
    Ok(Source::new(&name, InputFile::Held(Cursor::new(held))))
}

fn missing(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(Exit::NoInput, format!("{} can't be opened", path.display())).because(error)
}

fn unreadable(path: &Path, error: orgwave_core::manifest::ReadError) -> Failure {
    Failure::new(Exit::NoInput, format!("{} can't be read", path.display())).because(error)
}

struct Teller {
    telling: Telling,
    shown: u64,
    errors: u64,
    warnings: u64,
}

impl Teller {
    fn tell(&mut self, problem: &Problem) {
        match problem.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => {}
        }
        match self.telling {
            Telling::Json => {
                if let Ok(line) = serde_json::to_string(problem) {
                    console::out(&format!("{line}\n"));
                }
            }
            Telling::People if self.shown < SHOWN => {
                self.shown += 1;
                console::note(&format!("{problem}\n"));
            }
            Telling::People => {}
        }
    }

    fn end(&self) {
        if self.errors + self.warnings == 0 {
            return;
        }
        let more = if self.telling == Telling::People && self.shown == SHOWN {
            ", the first 1,000 problems shown"
        } else {
            ""
        };
        console::note(&format!(
            "{} error{}, {} warning{}{more}; `orgwave explain CODE` says more\n",
            self.errors,
            if self.errors == 1 { "" } else { "s" },
            self.warnings,
            if self.warnings == 1 { "" } else { "s" },
        ));
    }
}
