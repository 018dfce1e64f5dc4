//! The orgs and their rows, and for every contender the same work in its own terms.
//!
//! ```text
//! on.csv, off.csv     the manifests; they differ in every field, so there is always something to change
//! on.toml, off.toml   rollouts of them, for orgwave
//! operations.json     where the updates of each operation go, for clients that read a manifest
//! on.tsv, off.tsv     org, path and body of each request, for the bare loop
//! curl.conf           the same requests, for one curl
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use orgwave_core::operation::{Catalog, Operation};
use serde_json::{Map, Value, json};

use super::rows::{self, Field, id};
use super::server::Sent;

/// What rows are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// One switch.
    Narrow,
    /// 31 fields.
    Wide,
    /// A field of each of five operations.
    Steps,
}

impl Work {
    pub(crate) const ALL: [Self; 3] = [Self::Narrow, Self::Wide, Self::Steps];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Narrow => "Narrow rows: one switch",
            Self::Wide => "Wide rows: 31 fields",
            Self::Steps => "Five steps an org: five operations",
        }
    }

    fn row(self, number: u64, on: bool) -> Vec<Field> {
        match self {
            Self::Narrow => rows::narrow(number, on),
            Self::Wide => rows::wide(number, on),
            Self::Steps => vec![
                ("saveClips", json!(on)),
                ("brivo:createSeekPoints", json!(on)),
                ("genea:doorInfoMap.front.clipDuration", json!(if on { 30 } else { 20 })),
                ("kisi:defaultOptions.saveClips", json!(on)),
                ("toast:enabled", json!(on)),
            ],
        }
    }

    /// Writes an org.
    pub(crate) fn steps(self) -> usize {
        updates(&self.row(0, true)).len()
    }
}

/// The operation and the path in its settings that a column names.
fn column(name: &'static str) -> (&'static str, &'static str) {
    name.split_once(':').unwrap_or(("envoy", name))
}

/// The settings that a row sends, by operation.
fn updates(row: &[Field]) -> BTreeMap<&'static str, Value> {
    let mut updates: BTreeMap<&str, Value> = BTreeMap::new();
    for (name, value) in row {
        let (operation, path) = column(name);
        let settings = updates.entry(operation).or_insert_with(|| json!({}));
        let place = path.split('.').fold(settings, |place, member| {
            let members = place.as_object_mut().expect("a column is a member or has members");
            members.entry(member).or_insert_with(|| json!({}))
        });
        *place = value.clone();
    }
    updates
}

fn operation(name: &str) -> std::sync::Arc<Operation> {
    Catalog::built_in().get(name).cloned().expect("a built-in operation")
}

fn body(operation: &Operation, settings: Value) -> String {
    let wrap = operation.wrap.as_deref().expect("a wrapped operation");
    Value::from(Map::from_iter([(wrap.to_owned(), settings)])).to_string()
}

/// A folder with all of it.
pub(crate) struct Estate {
    pub(crate) folder: PathBuf,
    pub(crate) orgs: usize,
    pub(crate) work: Work,
}

impl Estate {
    /// What orgwave needs, and what every contender needs that reads a manifest.
    pub(crate) fn make(folder: &Path, work: Work, orgs: usize) -> Result<Self, String> {
        let estate = Self { folder: folder.to_owned(), orgs, work };
        estate.rollouts().map_err(|error| format!("{}: {error}", folder.to_string_lossy()))?;
        Ok(estate)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// All writes.
    pub(crate) fn updates(&self) -> usize {
        self.orgs * self.work.steps()
    }

    fn create(&self, name: &str) -> io::Result<BufWriter<File>> {
        File::create(self.file(name)).map(BufWriter::new)
    }

    fn rollouts(&self) -> io::Result<()> {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder)?;
        for (name, on) in [("on", true), ("off", false)] {
            let mut out = self.create(&format!("{name}.csv"))?;
            out.write_all(rows::header(&self.work.row(0, on)).as_bytes())?;
            for number in 0..self.orgs as u64 {
                out.write_all(rows::line(id(number), &self.work.row(number, on)).as_bytes())?;
            }
            out.flush()?;
            // What wide rows do besides, and people would be asked about.
            let limits = "[limits]\nallow = [\"additions\", \"clears\", \"disarms\"]";
            let sandbox = "[sandbox]\nledger = \"sent\"\nserver = \"merge\"";
            let text = format!("[rollout]\norgs = \"{name}.csv\"\n\n{limits}\n\n{sandbox}\n");
            fs::write(self.file(&format!("{name}.toml")), text)?;
        }
        let operations = updates(&self.work.row(0, true)).into_keys().map(|name| {
            let operation = operation(name);
            (name.to_owned(), json!({"path": operation.write.path, "wrap": operation.wrap}))
        });
        let operations = Value::Object(operations.collect());
        fs::write(self.file("operations.json"), operations.to_string())
    }

    /// What contenders are handed that make no body themselves.
    pub(crate) fn prebuild(&self, url: &str) -> Result<(), String> {
        let write = || -> io::Result<()> {
            let mut curl = self.create("curl.conf")?;
            for (name, on) in [("off.tsv", false), ("on.tsv", true)] {
                let mut out = self.create(name)?;
                for number in 0..self.orgs as u64 {
                    for (name, settings) in updates(&self.work.row(number, on)) {
                        let operation = operation(name);
                        let (org, path, body) =
                            (id(number), &operation.write.path, body(&operation, settings));
                        writeln!(out, "{org}\t{path}\t{body}")?;
                        if on {
                            let quoted = body.replace('\\', "\\\\").replace('"', "\\\"");
                            writeln!(curl, "next\nurl = \"{url}{path}\"\nheader = \"x-auth-org: {org}\"")?;
                            writeln!(curl, "header = \"x-auth-scheme: partner-api-token\"")?;
                            writeln!(curl, "header = \"x-auth-apikey: sandbox\"")?;
                            writeln!(curl, "header = \"content-type: application/json\"")?;
                            writeln!(curl, "data-raw = \"{quoted}\"\noutput = \"/dev/null\"")?;
                        }
                    }
                }
                out.flush()?;
            }
            curl.flush()
        };
        write().map_err(|error| format!("{}: {error}", self.folder.to_string_lossy()))
    }

    /// The bytes of an org's bodies.
    pub(crate) fn body_bytes(&self) -> usize {
        let bodies = updates(&self.work.row(1, true)).into_iter();
        bodies.map(|(name, settings)| body(&operation(name), settings).len()).sum()
    }

    /// Makes sure that each org was sent what its row says: this and nothing else, or within the settings that were read.
    pub(crate) fn prove(&self, sent: &Sent, whole: bool) -> Result<(), String> {
        if sent.len() != self.updates() {
            return Err(format!("{} updates were sent, not {}", sent.len(), self.updates()));
        }
        for number in 0..self.orgs as u64 {
            for (operation, settings) in updates(&self.work.row(number, true)) {
                let key = (id(number).to_string(), operation.to_owned());
                let sent = sent.get(&key).ok_or_else(|| format!("{key:?} was sent nothing"))?;
                let is_so = if whole { holds(sent, &settings) } else { *sent == settings };
                if !is_so {
                    return Err(format!("{key:?} was sent {sent}, not {settings}"));
                }
            }
        }
        Ok(())
    }

    /// A manifest as partners keep them, of many rows, to be checked alone. Returns its bytes.
    pub(crate) fn long_manifest(&self, name: &str, rows: usize) -> Result<u64, String> {
        let write = || -> io::Result<u64> {
            let mut out = self.create(name)?;
            let doors = "doorInfoMap.main.doorName,doorInfoMap.main.clipDuration";
            writeln!(out, "org_uuid,org_name,note,saveClips,enabled,indexFaces,{doors}")?;
            for number in 0..rows as u64 {
                let (org, cells) = (id(number), "rolled out in autumn,true,TRUE,false,Main entrance,30");
                writeln!(out, "{org},Client number {number},{cells}")?;
            }
            out.flush()?;
            out.get_ref().metadata().map(|file| file.len())
        };
        write().map_err(|error| format!("{name}: {error}"))
    }
}

/// Whether an object has these members, with what they have in turn.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| holds(whole, part)))
        }
        _ => whole == part,
    }
}
