//! Unattended runs: silence when there is nothing to report, and metrics for monitoring.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use crate::shell::Shell;

#[test]
fn quiet_says_nothing_when_nothing_changed() {
    let shell = Shell::new();
    shell.orgwave("export -o live --sandbox --rate unlimited --org-rate unlimited").with_code(0);
    let quiet =
        shell.orgwave("apply live/rollout.toml --sandbox --unattended -q --metrics-file m.prom").with_code(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    let metrics = shell.read("m.prom");
    assert!(metrics.contains(",endpoint=\"sandbox\",status=\"unchanged\"} 50\n"), "{metrics}");
}

#[test]
fn quiet_speaks_when_something_changed() {
    let shell = Shell::new();
    shell.orgwave("init").with_code(0);
    let ran = shell.orgwave("apply rollout.toml --sandbox --yes -q").with_code(0);
    assert!(ran.out.contains("3  applied"), "{}", ran.out);
}

#[test]
fn the_metrics_say_what_the_summary_says() {
    let shell = Shell::new();
    shell.orgwave("init").with_code(0);
    shell.write("m.prom", "of yesterday");
    shell.orgwave("apply rollout.toml --sandbox --yes --metrics-file m.prom").with_code(0);
    let metrics = shell.read("m.prom");
    let run = std::fs::read_dir(shell.path("reports")).unwrap().next().unwrap().unwrap().path();
    let summary = std::fs::read_to_string(run.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    for (status, orgs) in summary["counts"].as_object().unwrap() {
        assert!(metrics.contains(&format!(",status=\"{status}\"}} {orgs}\n")), "{metrics}");
    }
    assert!(metrics.contains(&format!("run_id={}", summary["run_id"])), "{metrics}");
    let rollout = shell.path("rollout.toml").canonicalize().unwrap();
    let labels = format!("{{rollout=\"{}\",endpoint=\"sandbox\"}}", rollout.display());
    assert!(metrics.contains(&format!("orgwave_run_calls{labels} {}\n", summary["calls"])), "{metrics}");
    assert!(metrics.contains(&format!("orgwave_run_exit_code{labels} 0\n")), "{metrics}");
    assert!(metrics.contains(&format!("orgwave_run_finished_timestamp_seconds{labels} 1")), "{metrics}");
    // The form that the collector reads: comments, or a name, labels and a number.
    for line in metrics.lines().filter(|line| !line.starts_with("# ")) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("orgwave_run_") && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn what_ends_without_a_run_takes_the_good_nights_exit_code_away() {
    let shell = Shell::new();
    shell.orgwave("init").with_code(0);
    shell.orgwave("apply rollout.toml --sandbox --yes --metrics-file m.prom").with_code(0);
    let of = |name: &str| {
        let metrics = shell.read("m.prom");
        let sample = metrics.lines().find(|line| line.starts_with(&format!("orgwave_run_{name}{{")))?;
        sample.rsplit_once(' ').map(|(_, value)| value.to_owned())
    };
    let success = of("last_success_timestamp_seconds").unwrap();
    shell.write("bad.toml", "[rollout]\nnonsense = 1\n");
    let unreachable = "--endpoint http://127.0.0.1:1 --token-file partner.key";
    shell.write("partner.key", "sandbox\n");
    std::fs::set_permissions(shell.path("partner.key"), Permissions::from_mode(0o600)).unwrap();
    for (command, code) in [
        ("apply rollout.toml --sandbox --unattended --max-changed 1%".to_owned(), 13),
        ("apply bad.toml --sandbox --yes".to_owned(), 65),
        ("apply nothing.toml --sandbox --yes".to_owned(), 66),
        (format!("apply rollout.toml --yes {unreachable}"), 69),
        (format!("resume nothing {unreachable}"), 66),
    ] {
        let since = of("finished_timestamp_seconds").unwrap();
        shell.orgwave(&format!("{command} --metrics-file m.prom")).with_code(code);
        assert_eq!(of("exit_code"), Some(code.to_string()), "{command}");
        assert_eq!(of("last_success_timestamp_seconds").as_ref(), Some(&success), "{command}");
        let ended = of("finished_timestamp_seconds").unwrap();
        assert!(ended.parse::<f64>().unwrap() >= since.parse().unwrap(), "{command}");
        assert_eq!(of("calls"), None, "{command}");
    }
    // A plan is no run: what the last one came to stays.
    let before = shell.read("m.prom");
    shell.orgwave("apply rollout.toml --sandbox --dry-run --metrics-file m.prom").with_code(0);
    assert_eq!(shell.read("m.prom"), before);
}

#[test]
fn unwritable_metrics_stop_the_run_before_it_begins() {
    let shell = Shell::new();
    shell.orgwave("init").with_code(0);
    shell.orgwave("apply rollout.toml --sandbox --yes --metrics-file nowhere/m.prom").with_code(78);
    assert!(!shell.path("reports").exists());
}
