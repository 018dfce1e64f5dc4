//! The orgs, and for every contender the same work in its own terms.
//!
//! ```text
//! orgs.txt          one id a line                        for xargs
//! bodies/ID.json    the body of each org's update         for one curl per org
//! requests.tsv      id, tab, body                         for loops
//! curl.conf         all requests                          for one curl
//! on.toml, off.toml one switch, on or off for all orgs    for orgwave, in turn: there is always something to change
//! eight.toml        eight switches an org                 for orgwave, what a rollout usually is like
//! doors.toml        six doors an org, about 2 KB          for orgwave, the very bodies above
//! ```

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use orgwave_core::ids::Ruuid;
use serde_json::{Map, Value, json};

/// Doors an org; they make its body about 2 KB.
const DOORS: usize = 6;
/// A rollout of several settings at once.
const SWITCHES: [&str; 8] = [
    "alertUnauthorizedFaces",
    "createAccessAnomalyAlerts",
    "createSeekPoints",
    "enabled",
    "identifyFacesFromBadge",
    "indexFaces",
    "saveClips",
    "doorInfoMap.main.remoteUnlock",
];
/// Above this many orgs only orgwave's own files are made.
const MOST_FOR_PEERS: usize = 20_000;

/// A folder with all of it.
pub(crate) struct Estate {
    pub(crate) folder: PathBuf,
    pub(crate) orgs: usize,
}

impl Estate {
    pub(crate) fn make(folder: &Path, orgs: usize) -> Result<Self, String> {
        write_all(folder, orgs).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), orgs })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A manifest as partners keep them, of many rows, to be checked alone. Returns its bytes.
    pub(crate) fn long_manifest(&self, name: &str, rows: usize) -> Result<u64, String> {
        let path = self.file(name);
        let write = || -> std::io::Result<u64> {
            let mut out = BufWriter::new(File::create(&path)?);
            writeln!(
                out,
                "org_uuid,org_name,note,saveClips,enabled,indexFaces,doorInfoMap.main.doorName,doorInfoMap.main.clipDuration"
            )?;
            for number in 0..rows {
                let org = id(number);
                writeln!(
                    out,
                    "{org},Client number {number},rolled out in autumn,true,TRUE,false,Main entrance,30"
                )?;
            }
            out.flush()?;
            out.get_ref().metadata().map(|file| file.len())
        };
        write().map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The configuration of one curl that sends the first this many requests.
    pub(crate) fn curl_config(&self, url: &str, orgs: usize) -> Result<PathBuf, String> {
        let path = self.file("curl.conf");
        let write = || -> std::io::Result<()> {
            let mut out = BufWriter::new(File::create(&path)?);
            let requests = fs::read_to_string(self.file("requests.tsv"))?;
            for (place, (org, body)) in
                requests.lines().filter_map(|line| line.split_once('\t')).take(orgs).enumerate()
            {
                if place > 0 {
                    writeln!(out, "next")?;
                }
                let body = body.replace('\\', "\\\\").replace('"', "\\\"");
                writeln!(out, "url = \"{url}\"\nheader = \"x-auth-scheme: partner-api-token\"")?;
                writeln!(out, "header = \"x-auth-apikey: sandbox\"\nheader = \"x-auth-org: {org}\"")?;
                writeln!(out, "header = \"content-type: application/json\"\ndata-raw = \"{body}\"")?;
                writeln!(out, "output = \"/dev/null\"")?;
            }
            out.flush()
        };
        write().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

fn id(number: usize) -> Ruuid {
    let spread = (number as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    Ruuid::from_bytes(spread.to_be_bytes())
}

fn write_all(folder: &Path, orgs: usize) -> std::io::Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder.join("bodies"))?;
    let file = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let for_peers = orgs <= MOST_FOR_PEERS;

    let (mut list, mut requests) = (file("orgs.txt")?, file("requests.tsv")?);
    let (mut on, mut off, mut doors) = (file("on.csv")?, file("off.csv")?, file("doors.csv")?);
    let mut eight = file("eight.csv")?;
    writeln!(eight, "org_uuid,{}", SWITCHES.join(","))?;
    writeln!(on, "org_uuid,saveClips")?;
    writeln!(off, "org_uuid,saveClips")?;
    writeln!(
        doors,
        "org_uuid,door_key,assignedCameraList,clipDuration,doorName,leadingSeconds,locationUuid,remoteUnlock"
    )?;
    for number in 0..orgs {
        let org = id(number);
        writeln!(list, "{org}")?;
        writeln!(on, "{org},true")?;
        writeln!(off, "{org},false")?;
        writeln!(eight, "{org}{}", ",true".repeat(SWITCHES.len()))?;
        if !for_peers {
            continue;
        }
        let mut map = Map::new();
        for door in 0..DOORS {
            let (key, name) =
                (format!("door-{door}"), format!("Entrance {door}, north wing, second building"));
            let cameras = [id(door + 1), id(door + 2), id(door + 3)];
            writeln!(
                doors,
                "{org},{key},{};{};{},30,\"{name}\",5,{},TRUE",
                cameras[0],
                cameras[1],
                cameras[2],
                id(7)
            )?;
            map.insert(
                key,
                json!({"assignedCameraList": cameras, "clipDuration": 30, "doorName": name,
                "leadingSeconds": 5, "locationUuid": id(7), "remoteUnlock": true}),
            );
        }
        let body =
            json!({"envoySettings": {"doorInfoMap": Value::Object(map), "saveClips": true}}).to_string();
        writeln!(requests, "{org}\t{body}")?;
        fs::write(folder.join(format!("bodies/{org}.json")), &body)?;
    }
    for mut out in [list, requests, on, off, eight, doors] {
        out.flush()?;
    }
    for (name, tables) in [
        ("on", "orgs = \"on.csv\""),
        ("off", "orgs = \"off.csv\""),
        ("eight", "orgs = \"eight.csv\""),
        ("doors", "orgs = \"on.csv\"\ndoors = \"doors.csv\""),
    ] {
        let sandbox = "[sandbox]\nledger = \"counts\"\nserver = \"merge\"";
        fs::write(folder.join(format!("{name}.toml")), format!("[rollout]\n{tables}\n\n{sandbox}\n"))?;
    }
    Ok(())
}
