//! What runs when nobody watches: silence when there is nothing to say, and numbers for whoever looks later.

use crate::shell::Shell;

#[test]
fn quiet_says_nothing_when_nothing_changed() {
    let shell = Shell::new();
    shell.orgwave("export -o live --sandbox --rate unlimited --org-rate unlimited").with_code(0);
    let quiet =
        shell.orgwave("apply live/rollout.toml --sandbox --unattended -q --metrics-file m.prom").with_code(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    assert!(shell.read("m.prom").contains("orgwave_run_orgs{status=\"unchanged\"} 50\n"));
}

#[test]
fn quiet_speaks_when_something_changed() {
    let shell = Shell::new();
    shell.orgwave("init").with_code(0);
    let told = shell.orgwave("apply rollout.toml --sandbox --yes -q").with_code(0);
    assert!(told.out.contains("3  applied"), "{}", told.out);
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
        assert!(metrics.contains(&format!("orgwave_run_orgs{{status=\"{status}\"}} {orgs}\n")), "{metrics}");
    }
    assert!(metrics.contains(&format!("run_id={}", summary["run_id"])), "{metrics}");
    assert!(metrics.contains(&format!("orgwave_run_calls {}\n", summary["calls"])), "{metrics}");
    assert!(metrics.contains("orgwave_run_exit_code 0\n"), "{metrics}");
    assert!(metrics.contains("orgwave_run_finished_timestamp_seconds 1"), "{metrics}");
    // The form that the collector reads: comments, or a name, labels and a number.
    for line in metrics.lines().filter(|line| !line.starts_with("# ")) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("orgwave_run_") && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn metrics_that_could_not_be_written_stop_the_run_before_it_begins() {
    let shell = Shell::new();
    shell.orgwave("init").with_code(0);
    shell.orgwave("apply rollout.toml --sandbox --yes --metrics-file nowhere/m.prom").with_code(78);
    assert!(!shell.path("reports").exists());
}
