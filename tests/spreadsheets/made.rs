//! Tables to be opened: of rollouts in which nothing is as a spreadsheet expects it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Door names that are formulas, numbers, dates and truths to a spreadsheet, or hard to quote.
pub(crate) const NAMES: [&str; 24] = [
    "007",
    "1/2",
    "10:20",
    "1E5",
    "1.20",
    "50%",
    "Jan 5",
    "5. Mai",
    "12 AM",
    "true",
    "12345678901234567890",
    "=1+1",
    "+1 ÄÖ 門",
    "-x",
    "@home",
    "'-y",
    "#N/A",
    "<b>",
    "\\n",
    "a, \"b\"; c",
    "  spaced  ",
    "2026-11-24",
    "two  gaps",
    "½",
];

/// The client orgs: the third has an id that looks like a formula.
const ORGS: [(&str, &str); 6] = [
    ("Hp7YW6y2ztaa4ssOe7u6yw", "Plain & Sons"),
    ("p7LwiLtoP9jlVcU4OoXtJA", "Comma, \"Quote\"; GmbH"),
    ("-S1GklJhT86tNIb9VfVxMA", "=HYPERLINK(\"http://x\")"),
    ("pJneB9mMo-HaPRD4Hjcl5Q", "Überlänge "),
    ("51p-OwjhmZV5mMecuv-QQA", "-5 degrees"),
    ("PgtcnY8ReB34px84C5ixAQ", "'@quoted \u{202e}and turned"),
];

/// A folder in which orgwave runs.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// With `rollout.toml`: orgs whose live doors have the odd names, and rows that set some more.
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let mut orgs = "org_uuid,org_name,wave,skip,note,_ticket,expect.saveClips,saveClips,indexFaces,\
                        badgeFaceVerificationMode\n"
            .to_owned();
        for (place, (id, name)) in ORGS.iter().enumerate() {
            let long = if place == 3 { "x".repeat(290) } else { String::new() };
            let skip = if place == 5 { "@later: =not yet" } else { "" };
            let name = quoted(&guarded(&format!("{name}{long}")));
            orgs += &format!(
                "{id},{name},{},{},\"two\nlines, {place}\",CHG-{place},false,TRUE,<null>,SHADOW\n",
                place + 1,
                guarded(skip),
            );
        }
        folder.write("orgs.csv", &orgs);

        let mut doors = "org_uuid,door_key,doorName,clipDuration,remoteUnlock,remove\n".to_owned();
        let mut live = String::new();
        for (place, name) in NAMES.iter().enumerate() {
            let (id, _) = ORGS[place % 5];
            // A backslash says that the rest is meant literally.
            doors += &format!(
                "{id},{},{},-5,FALSE,\n",
                quoted(&format!("\\new {name}")),
                quoted(&format!("\\{name}"))
            );
            let name = serde_json::to_string(name).unwrap();
            live += &format!("{name} = {{ doorName = {name}, clipDuration = 0 }}\n");
        }
        doors += &format!("{},\\007,,,,TRUE\n", ORGS[1].0);
        folder.write("doors.csv", &doors);
        folder.write(
            "locations.csv",
            &format!("org_uuid,location_key,locationName\n{},482150,\\1-2\n", ORGS[0].0),
        );
        folder.write("users.csv", &format!("org_uuid,user_key,guestsEnabled\n{},u.1,<null>\n", ORGS[0].0));
        folder.write(
            "rollout.toml",
            &format!(
                "[rollout]\norgs = \"orgs.csv\"\ndoors = \"doors.csv\"\nlocations = \"locations.csv\"\n\
                 users = \"users.csv\"\n\
                 [limits]\nrate = \"unlimited\"\norg_rate = \"unlimited\"\nmax_failures = \"0\"\n\
                 [sandbox]\nseed = 3\nfaults = [\"error msg=\\\"=bad\\\" on write of {}\"]\n\
                 [sandbox.settings]\nsaveClips = false\n[sandbox.settings.doorInfoMap]\n{live}",
                ORGS[1].0
            ),
        );
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs orgwave; what it printed, if it ended with this code.
    #[track_caller]
    pub(crate) fn orgwave(&self, words: &str, code: i32) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_orgwave"))
            .args(words.split_whitespace())
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "orgwave {words}\n{out}{err}");
        out
    }

    /// Carries the rollout out: the first org is written, the second refused, and the others are left for a
    /// retry. Its plan's pages are `run.csv` and so on.
    pub(crate) fn run(&self) -> PathBuf {
        let ran = self.orgwave("plan rollout.toml --sandbox -o run.jsonl", 0);
        // The line that the plan prints, and the codes below it, which acknowledge the guards.
        let command = ran.lines().find_map(|line| line.strip_prefix("apply it: orgwave ")).unwrap();
        let codes = ran.lines().filter_map(|line| line.split_once(": --ack ")).map(|(_, code)| code);
        let acks: String = codes.map(|code| format!(" --ack {code}")).collect();
        self.orgwave(&format!("{command} --yes{acks}"), 4);
        self.newest_run()
    }

    fn newest_run(&self) -> PathBuf {
        let runs = fs::read_dir(self.path("reports")).unwrap().map(|entry| entry.unwrap().path());
        runs.filter(|path| path.join("run.db").exists()).max().unwrap()
    }

    /// The table of what a rollout's plan would change.
    pub(crate) fn planned(&self, rollout: &Path) -> String {
        self.orgwave(&format!("plan {} --sandbox --no-progress -o p.jsonl", rollout.display()), 0);
        let table = fs::read_to_string(self.path("p.csv")).unwrap();
        for name in ["p.jsonl", "p.csv", "p.html", "p.md"] {
            fs::remove_file(self.path(name)).unwrap();
        }
        table
    }
}

/// A name as a literal column takes it.
fn guarded(text: &str) -> String {
    let is_formula = text.trim_start_matches('\'').starts_with(['=', '+', '-', '@']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
