//! Foreign text where it is read: on a terminal, in the log of a CI job, in a spreadsheet, in Markdown, in XML. Whatever
//! clients, vendors, files and folders are called, nothing of it acts there.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Desk, Ended, FAST, saving_clips};
use crate::org::{Org, quoted};
use crate::vendor::{Fault, Vendor};

/// One of each kind: a terminal's, a CI system's, a spreadsheet's, Markdown's and HTML's.
const HOSTILE: [&str; 12] = [
    "\u{1b}]0;owned\u{7}\u{1b}[2J",
    "\u{9b}31mred",
    "a\n::error file=x::b",
    "##vso[task.setvariable variable=x]y",
    "##[error]z ##teamcity[buildStop]",
    "::set-output name=a::b",
    "Acme;=cmd|' /C calc'!A0",
    "tab\t+1|@SUM(1)",
    "＝1+1",
    "\u{202e}\u{200b}\u{feff}=1+1",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:x) `` **b** | c\n\n# d",
];

/// What a line of a log does: moves the cursor, or is a command of a CI system.
fn acts(line: &str) -> bool {
    let is_command = |rest: &str| {
        rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "._-".contains(c)).starts_with('[')
    };
    line.contains(|c: char| c.is_control() || "\u{202e}\u{200b}\u{feff}\u{2066}".contains(c))
        || line.match_indices("##").any(|(place, _)| is_command(&line[place + 2..]))
        || line.trim_start().starts_with("::")
}

/// Nothing that a command printed acts.
#[track_caller]
fn is_harmless(what: &str, ended: &Ended) {
    // A CSV begins with the mark of its encoding, and its names are to be compared: marks that hide stay in them.
    let out = if what.ends_with("csv") {
        ended.out.replace(['\u{202e}', '\u{200b}', '\u{feff}'], "")
    } else {
        ended.out.clone()
    };
    for line in out.lines().chain(ended.err.lines()) {
        assert!(!acts(line), "{what}: {line:?}");
    }
}

/// Nothing in a CSV is a formula, whatever it is split at. Ids may begin with `-`.
#[track_caller]
fn is_no_formula(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    for record in reader.records() {
        for (column, cell) in record.unwrap().iter().enumerate() {
            if column <= 1 && cell.ends_with("AAAAAAAw") {
                continue;
            }
            for part in cell.split([';', '|', '\t', '\n', '\r']) {
                let part = part.trim_start_matches(['\u{202e}', '\u{200b}', '\u{feff}']);
                assert!(!part.starts_with(['=', '+', '-', '@', '＝']), "{}: {cell:?}", path.display());
            }
        }
    }
}

/// Markdown with its code spans taken out, in which nothing is live. (Spans never cross a line here.)
fn live_markdown(text: &str) -> String {
    let mut live = String::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(open) = rest.find('`') {
            live.push_str(&rest[..open]);
            let fence = rest[open..].len() - rest[open..].trim_start_matches('`').len();
            let body = &rest[open + fence..];
            let close = body
                .match_indices(&"`".repeat(fence))
                .map(|(place, _)| place)
                .find(|place| !body[place + fence..].starts_with('`') && !body[..*place].ends_with('`'));
            rest = close.map_or("", |close| &body[close + fence..]);
        }
        live.push_str(rest);
        live.push('\n');
    }
    live
}

fn run(desk: &Desk, vendor: &Vendor, words: &[&OsStr]) -> Ended {
    let mut command = desk.command();
    command.args(words).args(["--endpoint", &vendor.url(), "--token-file", "key"]);
    desk.spawn(command).wait()
}

fn hostile_orgs() -> Vec<Org> {
    let org = |(number, text): (usize, &&str)| {
        let door = format!(r#"{{"doorName":{},"clipDuration":30}}"#, quoted(text));
        Org::new(number)
            .named(text)
            .with("doorInfoMap", &format!("{{{}:{door},\"plain\":{door}}}", quoted(text)))
    };
    HOSTILE.iter().enumerate().map(org).collect()
}

#[test]
fn hostile_texts_have_no_effect_in_terminals_logs_or_files() {
    let desk = Desk::new();
    let orgs = hostile_orgs();
    let vendor = Vendor::start(Server::Merge, orgs.clone());
    // The row's own cells are hostile too, as far as a manifest takes them.
    let mut text = "org_uuid,saveClips,doorInfoMap.plain.doorName,note,_ticket\n".to_owned();
    for (org, hostile) in orgs.iter().zip(HOSTILE) {
        let cell = format!("\"{}\"", hostile.replace('"', "\"\"").replace(['\u{1b}', '\u{7}', '\u{9b}'], ""));
        text.push_str(&format!("{},true,Main,{cell},{cell}\n", org.uuid));
    }
    desk.write("orgs.csv", text);
    for (org, hostile) in orgs.iter().zip(HOSTILE).skip(1).step_by(3) {
        let body = format!("{{\"error\":true,\"msg\":{0},\"warningMsg\":{0}}}", quoted(hostile));
        vendor.on(Fault::ok(&body).on(Route::Write).of(&org.uuid));
    }
    for line in
        ["orgs", "orgs --format csv", "doctor", "export -o live", "plan orgs.csv", "plan orgs.csv --json"]
    {
        let ended = desk.run(
            &vendor,
            &if line.starts_with("orgs") { line.to_owned() } else { format!("{line} {}", limits(line)) },
        );
        assert_eq!(ended.code, 0, "{line}: {}", ended.err);
        is_harmless(if line == "orgs --format csv" { line } else { "command" }, &ended);
    }
    let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}"));
    assert_eq!(ended.code, 3, "{}", ended.err);
    is_harmless("apply", &ended);
    for line in ["verify orgs.csv", "verify orgs.csv --json"] {
        is_harmless("verify", &desk.run(&vendor, &format!("{line} {FAST}")));
    }
    is_harmless("runs", &desk.run_bare("runs"));
    for path in desk.files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let shown = path.display().to_string();
        match path.extension().and_then(OsStr::to_str) {
            Some("csv") if !shown.ends_with("/orgs.csv") || shown.contains("/live/") => is_no_formula(&path),
            Some("md") => {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.lines().any(acts), "{shown}");
                let live = live_markdown(&text);
                for markup in ["<img", "](", "**b**", "javascript"] {
                    assert!(!live.contains(markup), "{shown}: {live}");
                }
            }
            Some("xml") => {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.lines().any(acts), "{shown}");
                roxmltree::Document::parse(&text).unwrap();
            }
            Some("json" | "jsonl") if name != "plan.jsonl" => {
                assert!(!fs::read_to_string(&path).unwrap().lines().any(acts), "{shown}");
            }
            _ => {}
        }
    }
}

fn limits(line: &str) -> &'static str {
    if line == "doctor" {
        "--rate unlimited"
    } else if line.starts_with("export") {
        "--rate unlimited --org-rate unlimited"
    } else {
        FAST
    }
}

#[test]
fn what_stopped_a_run_is_no_live_markdown() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 3);
    let place = "https://x/[a](javascript:x)<img src=x>**b**";
    vendor.on(Fault::status(302, &[("location", place)], "").on(Route::Write));
    let ended = desk.run(&vendor, &format!("apply orgs.csv {ALL} {FAST}"));
    is_harmless("apply", &ended);
    let page = fs::read_to_string(ended.file("report.md")).unwrap();
    assert!(page.contains("Stopped early: `"), "{page}");
    let live = live_markdown(&page);
    for markup in ["<img", "](", "**b**"] {
        assert!(!live.contains(markup), "{live}");
    }
}

#[test]
fn hostile_paths_folders_and_keys_of_a_rollout_act_nowhere() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 2);
    let table = fs::read_to_string(desk.path("orgs.csv")).unwrap();
    for hostile in ["a\n::error::b", "::error::b", "##vso[x]y", "\u{1b}]0;t\u{7}", "\u{202e}x", "\u{9b}2J"] {
        let folder = format!("{hostile} reports");
        let file = format!("{hostile}.csv");
        desk.write(&file, &table);
        let fast: Vec<&str> = FAST.split_whitespace().collect();
        let words = |line: &[&str]| -> Vec<String> {
            line.iter().chain(&fast).map(|word| (*word).to_owned()).collect()
        };
        for (line, code) in [
            (words(&["plan", &file, "--reports", &folder]), 0),
            (words(&["apply", &file, "--yes", "--reports", &folder, "--metrics-file", "m.prom"]), 0),
            (words(&["apply", &file, "--yes", "--metrics-file", &format!("{folder}/no/m.prom")]), 78),
            (words(&["plan", &format!("{hostile}.missing")]), 66),
            (words(&["plan", &file, "--nonsense", hostile]), 64),
            (words(&["plan", &file, "--rate", hostile]), 64),
        ] {
            let line: Vec<&OsStr> = line.iter().map(OsStr::new).collect();
            let ended = run(&desk, &vendor, &line);
            assert_eq!(ended.code, code, "{line:?}: {}", ended.err);
            is_harmless(&format!("{line:?}"), &ended);
        }
        for line in [
            vec!["runs", "--reports", &folder],
            vec!["runs", "--json", "--reports", &folder],
            vec!["explain", hostile],
            vec!["check", &file],
            vec!["check", "--json", &file],
            vec!["report", hostile],
            vec![hostile],
            vec!["runs", "prune", "--keep", "0s", "--reports", &folder],
        ] {
            let mut command = desk.command();
            command.args(&line);
            is_harmless(&format!("{line:?}"), &desk.spawn(command).wait());
        }
        let key = hostile.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>();
        desk.write(
            "rollout.toml",
            format!(
                "[rollout]\norgs = \"orgs.csv\"\n\"{key}\" = 1\n[limits]\n\"{key}\" = 2\n[\"{key}\"]\nx = 1\n"
            ),
        );
        for flag in ["", "--json"] {
            let ended = desk.run_bare(&format!("check rollout.toml {flag}"));
            assert_eq!(ended.code, 65, "{}", ended.err);
            is_harmless("check", &ended);
        }
    }
}

#[test]
fn a_name_that_is_a_command_is_left_out_of_a_starter_manifest() {
    let desk = Desk::new();
    let vendor = Vendor::start(Server::Merge, [Org::new(0).named("##vso[x]y"), Org::new(1).named("Acme;=1")]);
    let ended = desk.run(&vendor, "orgs --format csv").expect(0).says("has control characters or a command");
    desk.write("starter.csv", &ended.out);
    let starter = crate::desk::rows(&desk.path("starter.csv"));
    let mut names: Vec<&str> = starter.iter().map(|row| row["org_name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["", "Acme;'=1"]);
    // What is guarded is read as it was: the name is asserted, and it is the org's.
    let mut lines = ended.out.trim_start_matches('\u{feff}').lines();
    let mut table = format!("{},saveClips\n", lines.next().unwrap());
    table.extend(lines.map(|line| format!("{line},true\n")));
    desk.write("orgs.csv", table);
    desk.run(&vendor, &format!("apply orgs.csv --yes {FAST}")).expect(0);
}

#[test]
fn a_line_break_in_a_path_breaks_no_line_of_any_command() {
    const NAME: &str = "two\nlines";
    let desk = Desk::new();
    let org = Org::new(1).with("enabled", "true");
    let vendor = Vendor::start(Server::Replace, [org.clone()]);
    let folder = desk.path(NAME);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("orgs.csv"), format!("org_uuid,enabled\n{},FALSE\n", org.uuid)).unwrap();
    fs::write(folder.join("bad.csv"), "org_uuid,enabeld\nx,1\n").unwrap();
    fs::write(folder.join("bad.toml"), "[rollout]\norgs = \"none.csv\"\n").unwrap();
    let below = |name: &str| format!("{NAME}/{name}");
    let mut broken = Vec::new();
    for words in [
        &["check", &below("orgs.csv")][..],
        &["check", &below("none.csv")],
        &["check", &below("bad.csv")],
        &["check", &below("bad.toml")],
        &["check", NAME],
        &["plan", &below("orgs.csv"), "-o", &below("plan.jsonl")],
        &["plan", &below("orgs.csv"), "-o", &below("plan.jsonl")],
        &["plan", &below("orgs.csv"), "-o", &below("none/plan.jsonl")],
        &["plan", &below("orgs.csv"), "--only", &format!("@{}", below("none"))],
        &["plan", &below("orgs.csv"), "--secrets", &below("none")],
        &["apply", &below("none.jsonl"), "--yes"],
        &["apply", &below("orgs.csv"), "--yes", "--reports", &below("reports")],
        &["apply", &below("orgs.csv"), "--yes", "--metrics-file", NAME],
        &["runs", "--reports", &below("reports")],
        &["runs", "--reports", &below("none")],
        &["resume", "--reports", &below("none")],
        &["resume", NAME],
        &["report", NAME],
        &["verify", NAME],
        &["undo", NAME],
        &["export", "-o", NAME],
        &["export", "-o", &below("live")],
        &["init", NAME],
        &["init", NAME],
        &["doctor", "--reports", &below("reports"), "--state-dir", &below("state")],
        &["doctor", "--ca-file", &below("none")],
        &["doctor", "--token-file", &below("none")],
        &["orgs", "--token-file", NAME],
    ] {
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let ended = run(&desk, &vendor, &words);
        let text = format!("{}{}", ended.out, ended.err);
        broken.extend(text.contains(NAME).then(|| format!("{words:?}: {text}")));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
