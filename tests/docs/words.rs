//! What people type and read: runs by their beginnings, limits with their places, drift with its values, numbers
//! with their nouns.

use std::path::{Path, PathBuf};

use crate::shell::{Api, Shell};

const FOUR: &str = "org_uuid,org_name,saveClips\nHp7YW6y2ztaa4ssOe7u6yw,Acme,true\np7LwiLtoP9jlVcU4OoXtJA,Bolt,true\n\
                    pJneB9mMo-HaPRD4Hjcl5Q,=Core,true\n51p-OwjhmZV5mMecuv-QQA,Dock,true\n";

/// Four orgs that are served with `saveClips` off, and a rollout that sets it.
fn four() -> (Shell, Api, String) {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    shell.write("orgs.csv", FOUR);
    shell.write(
        "rollout.toml",
        "[rollout]\norgs = \"orgs.csv\"\n[sandbox]\nsettings = { saveClips = false }\n",
    );
    let api = shell.sandbox("rollout.toml");
    let endpoint = format!("--endpoint {}", api.url);
    (shell, api, endpoint)
}

/// The ids of the runs, the oldest first.
fn runs(shell: &Shell) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(shell.path("reports"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| shell.path("reports").join(name).join("run.db").exists())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_is_named_by_any_unique_beginning() {
    let (shell, _api, endpoint) = four();
    shell.orgwave(&format!("apply rollout.toml --yes -q {endpoint}")).with_code(0);
    let [only] = &runs(&shell)[..] else { panic!("one run") };
    for prefix in [&only[..1], &only[..8], &only[..only.len() - 1]] {
        shell.orgwave(&format!("report {prefix}")).with_code(0);
        shell.orgwave(&format!("resume {prefix} {endpoint}")).with_code(0);
        shell.orgwave(&format!("verify {prefix} {endpoint}")).with_code(0);
        shell.orgwave(&format!("undo {prefix} {endpoint} -o {prefix}.jsonl")).with_code(0);
    }
    shell.orgwave(&format!("report {only}x")).with_code(66);
    // A folder of plans is no run, and neither is a file that happens to be called so.
    shell.orgwave("report pla").with_code(66);
    shell.orgwave(&format!("apply rollout.toml --yes -q {endpoint}")).with_code(0);
    let both = runs(&shell);
    let ran = shell.orgwave(&format!("report {}", &only[..4])).with_code(64);
    assert!(ran.err.contains(&both[0]) && ran.err.contains(&both[1]), "{}", ran.err);
    assert!(ran.err.contains("give more of the id"), "{}", ran.err);
    shell.write("20", FOUR);
    shell.orgwave(&format!("verify 20 {endpoint}")).with_code(0);
}

#[test]
fn bad_limits_are_all_reported_each_with_its_line() {
    let shell = Shell::new();
    shell.write("orgs.csv", FOUR);
    shell.write(
        "rollout.toml",
        "[rollout]\norgs = \"orgs.csv\"\n\n[limits]\nrate = \"fast\"\nattempts = 0\nmax_failures = \"130%\"\n\
         waves = [\"rest\", \"1\"]\nno_read = \"yes\"\ntimeout = true\nconcurrency = 1.5\nsoap = \"1m\"\n",
    );
    for command in ["check", "plan --sandbox", "apply --sandbox --yes"] {
        let (command, flags) = command.split_once(' ').unwrap_or((command, ""));
        let ran = shell.orgwave(&format!("{command} rollout.toml {flags}")).with_code(65);
        let places: Vec<&str> = ran
            .err
            .lines()
            .filter_map(|line| line.strip_prefix("rollout.toml:")?.split(": expected").next())
            .collect();
        let expected = [
            "5: E-ROLL-003 rate",
            "6: E-ROLL-003 attempts",
            "7: E-ROLL-003 max_failures",
            "8: E-ROLL-003 waves",
            "9: E-ROLL-003 no_read",
            "10: E-ROLL-003 timeout",
            "11: E-ROLL-003 concurrency",
            "12: E-ROLL-002",
        ];
        assert_eq!(places, expected, "{}", ran.err);
        assert!(ran.err.contains("8 errors, 0 warnings"), "{}", ran.err);
    }
    assert!(!shell.path("reports").exists());
}

#[test]
fn a_manifest_that_sets_nothing_is_worth_a_warning() {
    let shell = Shell::new();
    let bare = "org_uuid,org_name,note,_ticket\nHp7YW6y2ztaa4ssOe7u6yw,Acme,x,y\n";
    shell.write("orgs.csv", bare);
    shell.write("toml.csv", bare);
    shell.write("rollout.toml", "[rollout]\norgs = \"toml.csv\"\n");
    for target in ["orgs.csv", "rollout.toml"] {
        let ran = shell.orgwave(&format!("check {target}")).with_code(0);
        assert!(ran.err.contains("W-COL-001") && ran.err.contains("0 errors, 1 warning;"), "{}", ran.err);
        let ran = shell.orgwave(&format!("plan {target} --sandbox")).with_code(0);
        assert!(ran.err.contains("W-COL-001") && ran.out.contains("1 org: nothing to write"), "{ran:?}");
    }
    shell.write("doors.csv", "org_uuid,door_key,doorName\nHp7YW6y2ztaa4ssOe7u6yw,1,x\n");
    for more in ["[settings]\nsaveClips = true\n", "doors = \"doors.csv\"\n"] {
        shell.write("rollout.toml", &format!("[rollout]\norgs = \"toml.csv\"\n{more}"));
        let ran = shell.orgwave("check rollout.toml").with_code(0);
        assert_eq!(ran.err, "", "{more}");
    }
}

#[test]
fn a_rollout_without_a_terminal_is_refused_before_any_call() {
    let (shell, _api, endpoint) = four();
    // A session of its own has no terminal, even if the test has one.
    let alone = |words: &str| shell.line(&format!("exec setsid -w orgwave {words}"));
    for target in ["rollout.toml", "orgs.csv"] {
        let ran = alone(&format!("apply {target} {endpoint}")).with_code(64);
        assert!(ran.err.contains("no terminal for the prompt") && ran.err.contains("--yes"), "{}", ran.err);
    }
    assert_eq!(shell.read("ledger.jsonl"), "");
    assert!(!shell.path("reports").exists());
    // Where nothing is asked, no terminal is needed.
    alone(&format!("apply rollout.toml --dry-run {endpoint}")).with_code(0);
    alone(&format!("apply rollout.toml --yes {endpoint}")).with_code(0);
}

#[test]
fn drift_is_shown_per_field_with_values_and_written_to_a_file() {
    let (shell, _api, endpoint) = four();
    let ran = shell.orgwave(&format!("verify rollout.toml -o drift.csv {endpoint}")).with_code(2);
    assert!(ran.out.contains("line 3, Bolt: saveClips is false, desired true\n"), "{}", ran.out);
    assert!(ran.out.contains("0 orgs in sync, 4 drifted, 0 not checked\n"), "{}", ran.out);
    let table = shell.read("drift.csv");
    assert!(
        table.starts_with(
            "\u{feff}line,org_uuid,org_name,result,path,wanted,live,error_code,error_message\r\n\
             2,Hp7YW6y2ztaa4ssOe7u6yw,Acme,drifted,saveClips,true,false,,\r\n"
        ),
        "{table}"
    );
    assert!(table.contains(",'=Core,drifted,"), "{table}");
    // An org that can't be checked is in it too, and -q still writes it.
    shell.write("orgs.csv", &FOUR.replace("Acme", "Other"));
    shell.orgwave(&format!("verify rollout.toml -q -o drift.csv {endpoint}")).with_code(3);
    let table = shell.read("drift.csv");
    assert!(table.contains("\r\n2,Hp7YW6y2ztaa4ssOe7u6yw,Other,blocked,,,,E-ORG-001,"), "{table}");
    // In sync, there is the header alone.
    shell.write("orgs.csv", FOUR);
    shell.orgwave(&format!("apply rollout.toml --yes -q {endpoint}")).with_code(0);
    shell.orgwave(&format!("verify rollout.toml -o drift.csv {endpoint}")).with_code(0);
    assert_eq!(shell.read("drift.csv").lines().count(), 1);
    let ran = shell.orgwave(&format!("verify rollout.toml -o nowhere/drift.csv {endpoint}")).with_code(74);
    assert!(ran.err.contains("nowhere/drift.csv"), "{}", ran.err);
}

#[test]
fn one_is_not_several() {
    let shell = Shell::new().with("RHOMBUS_API_KEY", "sandbox");
    shell.write("orgs.csv", "org_uuid,org_name,saveClips\nHp7YW6y2ztaa4ssOe7u6yw,Acme,true\n");
    shell.write(
        "rollout.toml",
        "[rollout]\norgs = \"orgs.csv\"\n[sandbox]\nsettings = { saveClips = false }\n",
    );
    shell.write("narrow.csv", "org_uuid\nHp7YW6y2ztaa4ssOe7u6yw,x\n");
    let api = shell.sandbox("rollout.toml");
    let endpoint = format!("--endpoint {}", api.url);
    let run = "$(basename $(dirname reports/*/run.db))";
    for line in [
        "orgwave check rollout.toml".to_owned(),
        "orgwave check narrow.csv || true".to_owned(),
        format!("orgwave check rollout.toml --online {endpoint}"),
        format!("orgwave plan rollout.toml {endpoint}"),
        format!("orgwave apply rollout.toml --unattended {endpoint} || true"),
        format!("orgwave apply rollout.toml --yes {endpoint}"),
        format!("orgwave verify rollout.toml {endpoint}"),
        format!("orgwave undo {run} {endpoint}"),
        format!("orgwave orgs {endpoint}"),
        format!("orgwave export -o live {endpoint}"),
        format!("orgwave doctor --attempts 1 {endpoint}"),
        "timeout 1 orgwave sandbox --orgs 1 || true".to_owned(),
    ] {
        let ran = shell.line(&line).with_code(0);
        for text in [&ran.out, &ran.err] {
            for words in
                text.split(['\n', ',', ';', ':', '(']).map(|part| part.trim().split(' ').collect::<Vec<_>>())
            {
                for pair in words.windows(2) {
                    let is_one = pair[0] == "1" || pair[0].ends_with("/1");
                    let is_plural = pair[1].ends_with('s')
                        && pair[1].chars().all(|c| c.is_ascii_lowercase())
                        && pair[1] != "s";
                    assert!(!(is_one && is_plural), "{line}: {} {}", pair[0], pair[1]);
                }
            }
        }
    }
}

#[test]
fn verify_and_undo_take_only_and_skip() {
    let (shell, _api, endpoint) = four();
    let drifted = |flags: &str, code| {
        let ran = shell.orgwave(&format!("verify rollout.toml {flags} {endpoint}")).with_code(code);
        ran.out.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(drifted("--only Acme", 2), "0 orgs in sync, 1 drifted, 0 not checked");
    assert_eq!(drifted("--skip Ac*", 2), "0 orgs in sync, 3 drifted, 0 not checked");
    shell.orgwave(&format!("verify rollout.toml --only acme {endpoint}")).with_code(64);
    shell.orgwave(&format!("apply rollout.toml --yes -q {endpoint}")).with_code(0);
    let [run] = &runs(&shell)[..] else { panic!("one run") };
    let ran = shell.orgwave(&format!("verify {run} --only Acme --only Bolt {endpoint}")).with_code(0);
    assert!(ran.out.contains("2 orgs in sync"), "{}", ran.out);
    shell.orgwave(&format!("undo {run} --only Bolt -o undo.jsonl {endpoint}")).with_code(0);
    let plan = shell.read("undo.csv");
    assert!(plan.contains("Bolt") && !plan.contains("Acme") && !plan.contains("Dock"), "{plan}");
    for command in ["verify", "undo"] {
        for flag in ["--only Nobody", "--skip Nobody"] {
            let ran = shell.orgwave(&format!("{command} {run} {flag} {endpoint}")).with_code(64);
            assert!(ran.err.contains("Nobody"), "{}", ran.err);
        }
    }
    // What is asked for as JSON is nothing but JSON.
    for command in ["verify rollout.toml".to_owned(), format!("undo {run}")] {
        let ran = shell.orgwave(&format!("{command} --json --no-progress {endpoint}")).with_code(0);
        assert!(ran.out.lines().all(|line| line.starts_with("{\"v\":1,")), "{}", ran.out);
    }
}

/// Words of a dialect, and what the field says instead: see `docs/glossary.md`.
const DIALECT: &[(&str, &str)] = &[
    ("nobody manages", "unmanaged"),
    ("wish", "desired value"),
    ("wished", "desired"),
    ("as wanted", "in sync"),
    ("told", "reported"),
    ("stands", "is"),
    ("goes on with", "resumes"),
    ("go on with", "resume"),
    ("gone on with", "resumed"),
    ("waited out", "rate-limited, retried"),
    ("good until", "expires"),
    ("once more", "again"),
    ("left out on request", "skipped"),
    ("left alone", "unchanged"),
    ("not begun", "not started"),
    ("could not be judged", "not checked"),
    ("nobody could find out", "outcome unknown: the read-back failed"),
    ("attempts spent", "gave up after 3 attempts"),
    ("is no rate", "not a valid rate"),
    ("is no code", "unknown code"),
    ("holds no run", "no run in"),
    ("at the most", "at most"),
    ("drain after", "stop starting new orgs after"),
    ("settling doubt", "resolving in-doubt writes"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("say yes", "approve"),
    ("your yes", "your approval"),
    ("so many", "this many"),
    ("taken down", "spooled"),
    ("speaks of", "refers to"),
    ("in trouble", "failing"),
    ("nobody knows", "unknown"),
];

/// The dialect in a text, outside of `code`.
fn dialect(text: &str) -> Vec<&'static str> {
    let prose: Vec<&str> = text.split('`').step_by(2).collect();
    let words: String = prose.join(" ").to_lowercase();
    let words: Vec<&str> =
        words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let spoken = format!(" {} ", words.join(" "));
    DIALECT.iter().map(|(word, _)| *word).filter(|word| spoken.contains(&format!(" {word} "))).collect()
}

/// The files below a folder with this ending.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

/// The parts of a line of source between double quotes, of one that is no comment.
fn literals(line: &str) -> Vec<&str> {
    let line = line.trim_start();
    if line.starts_with("//") { Vec::new() } else { line.split('"').skip(1).step_by(2).collect() }
}

#[test]
fn help_messages_and_documents_use_the_words_of_the_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let mut look = |place: &str, text: &str| {
        wrong.extend(dialect(text).into_iter().map(|word| format!("{place}: {word:?} in {text:?}")));
    };
    let shell = Shell::new();
    let help = shell.orgwave("--help").with_code(0).out;
    let list = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let list = list.take_while(|line| !line.is_empty());
    // A long description continues in the next line, further to the right.
    let commands = list.filter(|line| !line.starts_with("   "));
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        let help = shell.orgwave(&format!("help {command}")).with_code(0).out;
        help.lines().for_each(|line| look(&format!("help {command}"), line));
    }
    help.lines().for_each(|line| look("--help", line));
    let mut pages = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    files(&root.join("docs"), "md", &mut pages);
    files(&root.join("crates/reporter/templates"), "html", &mut pages);
    files(&root.join("crates/reporter/tests/golden"), "md", &mut pages);
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        text.split("\n\n").for_each(|text| look(&page.display().to_string(), text));
    }
    let mut sources = Vec::new();
    files(&root.join("crates"), "rs", &mut sources);
    let is_test = |path: &PathBuf| {
        path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    };
    for source in sources.iter().filter(|path| !is_test(path)) {
        let text = std::fs::read_to_string(source).unwrap();
        let shown = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for literal in shown.lines().flat_map(literals) {
            look(&source.display().to_string(), literal);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(sources.len() > 100 && pages.len() > 80, "{} {}", sources.len(), pages.len());
    assert_eq!(dialect("Nobody manages it; mend `told`."), ["nobody manages", "mend"]);
}
