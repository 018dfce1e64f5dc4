//! Every command in the README and in `docs/guide/` runs, as it is there.
//!
//! A page's blocks of `sh` are one script: later ones find what earlier ones made. It runs in a folder that has what
//! a reader would have by then (a rollout, a key, a run), against the sandbox API. `PLAN` and `RUN` are the
//! newest ones, `CODE` is each of a plan's guards. A line ends with 0, or with what its comment says: `# ends with 13`.
//!
//! Two things the reader does and a test can't: an address is given with each command that calls the API, and
//! `apply` gets its yes.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

use crate::shell::{Api, Shell};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Calls the real binary, at the sandbox's address, with `apply` approved.
const WRAPPER: &str = r#"#!/bin/sh
command=$1
more=
case " $* " in
*" --sandbox "*) ;;
*) case $command in
    orgs|export|plan|apply|resume|verify|undo|doctor) more="--endpoint $API" ;;
    check) case " $* " in *" --online "*) more="--endpoint $API" ;; esac ;;
    esac ;;
esac
case " $* " in
*" --yes "*|*" --unattended "*) ;;
*) [ "$command" != apply ] || more="$more --yes" ;;
esac
exec "$ORGWAVE" "$@" $more
"#;

/// What is before every script: where the newest plan and run are, and how a line is judged.
const PRELUDE: &str = r#"set -u +e
PATH=$HOME/bin:$PATH
plan() { ls -dt reports/plans/*/plan.jsonl | head -n 1; }
run() { ls -dt reports/*/run.db | head -n 1 | xargs dirname; }
acks() { tail -n 1 "$(plan)" | grep -o '"ack":"[^"]*"' | sed 's/"ack":"\(.*\)"/--ack \1/'; }
ended() { if [ "$1" != "$2" ]; then echo "ended with $1, not $2: $3" >&2; exit 99; fi; }
"#;

/// A reader's desk, halfway through.
fn desk() -> (Shell, Api) {
    desk_where(None)
}

/// The same, where something goes wrong.
fn desk_where(fault: Option<&str>) -> (Shell, Api) {
    let shell =
        Shell::new().with("RHOMBUS_API_KEY", "sandbox").with("ORGWAVE", env!("CARGO_BIN_EXE_orgwave"));
    shell.orgwave("init").with_code(0);
    for folder in ["inputs/demo", "inputs/baseline"] {
        for file in std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            let file = file.unwrap();
            let text = std::fs::read_to_string(file.path()).unwrap();
            shell.write(&format!("{folder}/{}", file.file_name().to_str().unwrap()), &text);
        }
    }
    for (name, text, mode) in [
        ("bin/orgwave", WRAPPER, 0o700),
        ("partner.key", "sandbox\n", 0o600),
        ("secrets.toml", "ENVOY_TOKEN = \"x\"\n", 0o600),
    ] {
        shell.write(name, text);
        std::fs::set_permissions(shell.path(name), Permissions::from_mode(mode)).unwrap();
    }
    let mut served = shell.read("rollout.toml");
    if let Some(fault) = fault {
        served += &format!("faults = [\"{fault}\"]\n");
    }
    shell.write("served.toml", &served);
    let api = shell.sandbox("served.toml");
    let shell = shell.with("API", &api.url);
    (shell, api)
}

/// The blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(fence) = lines.by_ref().find_map(|line| line.strip_prefix("```")) {
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if fence == language {
            blocks.push(block.join("\n") + "\n");
        }
    }
    blocks
}

fn script(page: &str) -> String {
    let mut script = PRELUDE.to_owned();
    for line in blocks(page, "sh").concat().lines() {
        let command = line.split(" #").next().unwrap_or_default().trim_end();
        if command.is_empty() || command == "cargo test" {
            continue;
        }
        let code = line
            .split_once("# ends with ")
            .map_or("0", |(_, code)| code.split([' ', ',']).next().unwrap_or("0"));
        let command = command
            .replace("cargo run --release --", "orgwave")
            .replace("--ack CODE", "$(acks)")
            .replace("reports/RUN/", "\"$(run)\"/")
            .replace("reports/plans/PLAN/plan.jsonl", "\"$(plan)\"")
            .replace("PLAN", "\"$(plan)\"")
            .replace("RUN", "\"$(run)\"");
        let shown = line.replace('\'', "");
        script.extend([&command, "\nended $? ", code, " '", &shown, "'\n"]);
    }
    script
}

/// Runs a page after a run in which all went well.
#[track_caller]
fn runs(page: &str) {
    runs_at(page, desk(), 0);
}

/// Runs a page at this desk, after a run that ended so if the page refers to one.
#[track_caller]
fn runs_at(page: &str, (shell, _api): (Shell, Api), code: i32) {
    let text = std::fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let script = script(&text);
    assert!(script.contains("\norgwave "), "{page} shows no command");
    if script.contains("$(run)") || script.contains("$(plan)") {
        shell.line("\"$ORGWAVE\" apply rollout.toml --yes --endpoint \"$API\"").with_code(code);
    }
    shell.line(&script).with_code(0);
}

#[test]
fn the_first_rollout() {
    runs("docs/guide/first-rollout.md");
}

#[test]
fn other_operations() {
    let (shell, api) = desk();
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/guide/other-operations.md")).unwrap();
    shell.write("spec.json", crate::derive::SPEC);
    shell.write("foo.csv", &blocks(&page, "csv").concat());
    runs_at("docs/guide/other-operations.md", (shell, api), 0);
}

#[test]
fn spreadsheets() {
    // Its last command is for what a run left: here one org, which was not to be called for too long.
    let desk = desk_where(Some("429 retry-after=901 on write of Hp7YW6y2ztaa4ssOe7u6yw nth 1"));
    runs_at("docs/guide/spreadsheets.md", desk, 5);
}

#[test]
fn secrets() {
    runs("docs/guide/secrets.md");
}

#[test]
fn recovering() {
    runs("docs/guide/recovering.md");
}

#[test]
fn undo() {
    // The run that it refers to added entries.
    let (shell, api) = desk();
    let doors = shell.read("doors.csv");
    shell.write("doors.csv", &format!("{doors}Hp7YW6y2ztaa4ssOe7u6yw,side,Side door,30,5,false,\n"));
    let rollout = shell.read("rollout.toml").replace("[limits]", "[limits]\nallow = [\"additions\"]");
    shell.write("rollout.toml", &rollout);
    runs_at("docs/guide/undo.md", (shell, api), 0);
}

#[test]
fn the_readme() {
    runs("README.md");
}

/// A command that is in a block of another kind would never be run.
#[test]
fn every_command_is_in_a_block_that_is_run() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let run: Vec<String> = blocks(&text, "sh")
            .concat()
            .lines()
            .map(|line| {
                line.split(" #")
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .replace("cargo run --release --", "orgwave")
            })
            .collect();
        for kind in ["", "text", "bash", "console", "shell"] {
            for line in blocks(&text, kind).concat().lines() {
                // What a terminal shows begins with the command that is run elsewhere on the page.
                let shown = line.strip_prefix("$ ").unwrap_or(line);
                let is_command = shown.starts_with("orgwave ") || shown.starts_with("cargo ");
                assert!(!is_command || run.iter().any(|line| line == shown), "{}: {line}", page.display());
            }
        }
    }
}

/// Commands that are named in a sentence: they exist, and so does each of their flags.
#[test]
fn every_command_that_is_named_exists() {
    let shell = Shell::new();
    let mut helps = std::collections::BTreeMap::new();
    let mut seen = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for code in text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("orgwave ")) {
            let mut words = code.split_whitespace();
            let command = words.next().unwrap().to_owned();
            let help = helps.entry(command.clone()).or_insert_with(|| {
                shell.orgwave(&format!("help {command}").replace("help help", "help")).with_code(0).out
            });
            for flag in words.filter(|word| word.starts_with('-')) {
                let known =
                    help.split(|c: char| c.is_whitespace() || ",[]".contains(c)).any(|word| word == flag);
                assert!(known, "{}: `orgwave {code}`", page.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

/// Every page that people read.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    let mut pages = vec![root.join("README.md"), root.join("CHANGELOG.md"), root.join("reports/README.md")];
    for folder in ["docs", "docs/guide", "docs/errors", "inputs/hostile"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    pages
}

#[test]
fn no_page_is_forgotten() {
    let tested = [
        "cron.md",
        "first-rollout.md",
        "other-operations.md",
        "recovering.md",
        "secrets.md",
        "spreadsheets.md",
        "undo.md",
    ];
    for entry in std::fs::read_dir(Path::new(ROOT).join("docs/guide")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let shows = std::fs::read_to_string(&path).is_ok_and(|text| !blocks(&text, "sh").is_empty());
        assert!(tested.contains(&name.as_str()) || !shows, "{name} shows commands that no test runs");
    }
}

fn cron_page() -> String {
    std::fs::read_to_string(Path::new(ROOT).join("docs/guide/cron.md")).unwrap()
}

#[test]
fn the_crontab_line() {
    let (shell, _api) = desk();
    let block = blocks(&cron_page(), "cron").concat();
    let when: Vec<&str> = block.split_whitespace().take(5).collect();
    for (field, most) in when.iter().zip([59, 23, 31, 12, 7]) {
        assert!(*field == "*" || field.parse::<u8>().is_ok_and(|number| number <= most), "{when:?}");
    }
    let command = block.splitn(7, ' ').nth(6).unwrap().trim();
    // cron would cut it at the first percent sign.
    assert!(!command.contains('%'), "{command}");
    let here = shell.path("").display().to_string();
    // cron's own path: nothing that lies elsewhere is found by its name alone.
    let command = command.replace("/srv/orgwave", &here).replace("/usr/local/bin/", &format!("{here}bin/"));
    let ran = shell.line(&format!("PATH=/usr/bin:/bin; {command} --max-changed 100%")).with_code(0);
    assert!(ran.out.contains("3  applied"), "{}", ran.out);
    assert!(shell.read("orgwave.prom").contains("endpoint=\"http://127.0.0.1:"));
    // The next night there is nothing to do, and nothing to say.
    let ran = shell.line(&format!("PATH=/usr/bin:/bin; {command}")).with_code(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

/// What a unit sets a key to.
fn value_of(unit: &str, key: &str) -> String {
    let value = unit.lines().find_map(|line| line.strip_prefix(key));
    value.unwrap_or_else(|| panic!("no {key}")).to_owned()
}

#[test]
fn the_systemd_service() {
    let (shell, _api) = desk();
    let unit = blocks(&cron_page(), "ini").remove(0);
    let value = |key: &str| value_of(&unit, key);
    // What systemd would do: hand the credential over, make the state directory, name both.
    assert_eq!(value("LoadCredential="), "orgwave-token:/etc/orgwave/partner.key");
    shell.write("credentials/orgwave-token", "sandbox\n");
    std::fs::set_permissions(shell.path("credentials/orgwave-token"), Permissions::from_mode(0o400)).unwrap();
    let state = shell.path("lib").join(value("StateDirectory="));
    std::fs::create_dir_all(&state).unwrap();
    let environment = value("Environment=").replace("%S", &shell.path("lib").display().to_string());
    let command = value("ExecStart=").replace("/usr/local/bin/orgwave", "orgwave");
    let collected = value("ReadWritePaths=");
    assert!(command.contains(&format!("--metrics-file {collected}/orgwave.prom ")), "{command}");
    let command = command.replace(&collected, &shell.path("collected").display().to_string());
    std::fs::create_dir_all(shell.path("collected")).unwrap();
    let line = format!(
        "unset RHOMBUS_API_KEY; PATH=$HOME/bin:$PATH; export CREDENTIALS_DIRECTORY=$HOME/credentials \
         STATE_DIRECTORY={} {environment}; {command} --max-changed 100%",
        state.display()
    );
    let ran = shell.line(&line).with_code(0);
    assert!(ran.out.contains("3  applied") && ran.err.is_empty(), "{}{}", ran.out, ran.err);
    assert!(shell.path("collected/orgwave.prom").exists() && state.join("reports").is_dir());
    assert!(state.join("locks").is_dir(), "the lock is in the state directory");
    assert!(!shell.path("reports").exists(), "nothing is written into the working directory");
}

/// systemd's own judgement of both units, on machines that have it.
#[test]
fn the_systemd_units_are_what_systemd_takes() {
    let shell = Shell::new();
    let units = blocks(&cron_page(), "ini");
    let [service, timer] = &units[..] else { panic!("a service and a timer") };
    for (unit, file) in [(service, "orgwave.service"), (timer, "orgwave.timer")] {
        assert!(unit.starts_with(&format!("# /etc/systemd/system/{file}\n")), "{unit}");
        for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let is_section = line.starts_with('[') && line.ends_with(']');
            assert!(is_section || line.split_once('=').is_some_and(|(_, value)| !value.is_empty()), "{line}");
        }
        // It must find the program that it is to start.
        shell.write(file, &unit.replace("/usr/local/bin/orgwave", env!("CARGO_BIN_EXE_orgwave")));
    }
    if Path::new("/usr/bin/systemd-analyze").exists() {
        let ran = shell.line("systemd-analyze verify ./orgwave.service ./orgwave.timer").with_code(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
        shell.line(&format!("systemd-analyze calendar '{}'", value_of(timer, "OnCalendar="))).with_code(0);
    }
}

/// A recipe by the file that its first line names, as YAML reads it.
fn recipe(name: &str) -> Vec<Yaml> {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/guide/ci.md")).unwrap();
    let mut recipes = blocks(&page, "yaml").into_iter();
    let text = recipes.find(|text| text.starts_with(&format!("# {name}\n"))).unwrap();
    YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs the steps of a recipe's jobs, one after the other, where a plan can be made and applied.
fn run_steps<'a>(steps: impl Iterator<Item = &'a Yaml>) -> Shell {
    let (shell, _api) = desk();
    // The made-up cameras of `init` exist nowhere, which is what `check --online` is there to find.
    shell.write("locations.csv", "org_uuid,location_key,locationName\np7LwiLtoP9jlVcU4OoXtJA,174748,Main\n");
    let steps: Vec<&str> = steps.filter_map(Yaml::as_str).filter(|step| !step.starts_with("curl ")).collect();
    assert_eq!(steps.iter().filter(|step| step.starts_with("orgwave ")).count(), 3, "{steps:?}");
    let line = format!("ACKS=''; GITHUB_STEP_SUMMARY=summary; PATH=$HOME/bin:$PATH\n{}", steps.join("\n"));
    shell.line(&line).with_code(0);
    assert!(shell.read("plan.md").contains("saveClips"));
    let runs = std::fs::read_dir(shell.path("reports")).unwrap().map(|entry| entry.unwrap().path());
    assert!(runs.into_iter().any(|run| run.join("junit.xml").exists()));
    shell
}

#[test]
fn the_gitlab_pipeline() {
    let documents = recipe(".gitlab-ci.yml");
    let pipeline = &documents[0];
    for job in ["plan", "apply"] {
        // A key that is scoped to an environment reaches only the jobs that name one.
        assert_eq!(pipeline[job]["variables"]["RHOMBUS_API_KEY"].as_str(), Some("$CLIENTS_KEY"), "{job}");
        assert!(pipeline[job]["environment"]["name"].as_str().unwrap().starts_with("clients"), "{job}");
    }
    assert_eq!(pipeline["apply"]["variables"]["ACKS"].as_str(), Some(""));
    run_steps(["plan", "apply"].into_iter().flat_map(|job| pipeline[job]["script"].as_vec().unwrap()));
}

#[test]
fn the_github_workflow() {
    let documents = recipe(".github/workflows/clients.yml");
    let jobs = &documents[0]["jobs"];
    for job in ["plan", "apply"] {
        assert!(jobs[job]["env"]["RHOMBUS_API_KEY"].as_str().unwrap().contains("secrets."), "{job}");
        assert!(jobs[job]["environment"].as_str().unwrap().starts_with("clients"), "{job}");
    }
    let steps = ["plan", "apply"].into_iter().flat_map(|job| jobs[job]["steps"].as_vec().unwrap());
    let shell = run_steps(steps.map(|step| &step["run"]));
    assert_eq!(shell.read("summary"), shell.read("plan.md"));
}

#[test]
fn the_azure_pipeline() {
    let documents = recipe("azure-pipelines.yml");
    let stages = &documents[0]["stages"];
    let deploy = &stages[1]["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"];
    let steps = [&stages[0]["jobs"][0]["steps"], deploy];
    let steps = || steps.into_iter().flat_map(|steps| steps.as_vec().unwrap());
    for step in
        steps().filter(|step| step["script"].as_str().is_some_and(|step| step.starts_with("orgwave ")))
    {
        assert_eq!(step["env"]["RHOMBUS_API_KEY"].as_str(), Some("$(RHOMBUS_API_KEY)"), "{step:?}");
    }
    run_steps(steps().map(|step| &step["script"]));
}

#[test]
fn the_kubernetes_cron_job() {
    let documents = recipe("orgwave.yml");
    let spec = &documents[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let container = &spec["containers"][0];
    let words = ["command", "args"].into_iter().flat_map(|name| container[name].as_vec().unwrap());
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    let mounts: Vec<&str> = container["volumeMounts"]
        .as_vec()
        .unwrap()
        .iter()
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    assert_eq!(mounts, ["/run/secrets/orgwave", "/etc/orgwave", "/var/lib/orgwave", "/tmp"]);
    assert_eq!(container["workingDir"].as_str(), Some("/etc/orgwave"));
    let (shell, _api) = desk();
    // As a kubelet lays a config map out: each file is a link into a folder of this version.
    let files = "rollout.toml orgs.csv doors.csv locations.csv users.csv";
    shell
        .line(&format!("mkdir -p etc/..2026 && mv {files} etc/..2026 && ln -s ..2026 etc/..data"))
        .with_code(0);
    shell.line(&format!("cd etc && for file in {files}; do ln -s ..data/$file $file; done")).with_code(0);
    let here = shell.path("").display().to_string();
    let command = words.join(" ").replace("/run/secrets/orgwave/token", &format!("{here}partner.key"));
    let command = command.replace("/var/lib/orgwave", &format!("{here}var"));
    let environment = &container["env"][0];
    assert_eq!(environment["name"].as_str(), Some("XDG_STATE_HOME"));
    let line = format!(
        "unset RHOMBUS_API_KEY HOME; PATH={here}bin:$PATH; export XDG_STATE_HOME={here}var/state; \
         mkdir var; cd etc; {command} --max-changed 100%"
    );
    let ran = shell.line(&line).with_code(0);
    assert!(ran.out.contains("3  applied") && ran.err.is_empty(), "{}{}", ran.out, ran.err);
    assert!(shell.path("var/reports").is_dir() && shell.path("var/state").is_dir());
}
