//! A plan as its reviewer reads it: on the terminal, in `plan.md` and in `plan.html`.

use crate::shell::{Ended, Shell};

/// Thirteen orgs: most of them get the same, and some get what a reviewer is there to find.
fn desk() -> Shell {
    let shell = Shell::new();
    let ids: Vec<String> = (0..13)
        .map(|number| format!("{}{}AAAAAAAAAAAAAAAAAAAg", (b'A' + number) as char, number % 10))
        .collect();
    let mut orgs =
        "org_uuid,org_name,saveClips,indexFaces,badgeAuthDisablesAlarmMonitoring,badgeFaceVerificationMode\n"
            .to_owned();
    for (number, id) in ids.iter().enumerate() {
        let clips = if number == 3 { "false" } else { "true" };
        let faces = if number == 4 { "<null>" } else { "" };
        let alarms = if number == 5 { "true" } else { "" };
        let mode = ["OFF", "SHADOW", "SUPERVISED", "AUTO"][number % 4];
        orgs += &format!("{id},Client {number},{clips},{faces},{alarms},{mode}\n");
    }
    shell.write("orgs.csv", &orgs);
    let camera = "zzzzzzzzzzzzzzzzzzzzzg";
    shell.write(
        "doors.csv",
        &format!(
            "org_uuid,door_key,doorName,locationUuid,assignedCameraList,clipDuration,remove\n\
             {six},north,Loading dock,AAAAAAAAAAAAAAAAAAAAAA,,20,\n\
             {six},south,Loading dock,BBBBBBBBBBBBBBBBBBBBBA,{camera},20,\n\
             {seven},old,,,,,TRUE\n\
             {eight},a,One,,,1,\n{eight},b,Two,,,2,\n{eight},c,Three,,,3,\n{eight},d,Four,,,4,\n",
            six = ids[6],
            seven = ids[7],
            eight = ids[8],
        ),
    );
    shell.write(
        "rollout.toml",
        "[rollout]\norgs = \"orgs.csv\"\ndoors = \"doors.csv\"\n[limits]\nrate = \"50/s\"\norg_rate = \"unlimited\"\n\
         [sandbox]\nseed = 9\n\
         [sandbox.settings]\nsaveClips = false\nindexFaces = true\nbadgeAuthDisablesAlarmMonitoring = false\n\
         badgeFaceVerificationMode = \"<null>\"\n\
         [sandbox.settings.doorInfoMap]\nold = { doorName = \"Old\" }\n\
         [[sandbox.orgs]]\nmatch = \"Client 3\"\nsettings = { saveClips = true }\n",
    );
    shell
}

fn planned(shell: &Shell, more: &str) -> Ended {
    shell.orgwave(&format!("plan rollout.toml --sandbox --no-progress -o p.jsonl {more}")).with_code(0)
}

/// Takes the plan and its pages away.
fn clear(shell: &Shell) {
    for name in ["p.jsonl", "p.html", "p.md", "p.csv"] {
        std::fs::remove_file(shell.path(name)).unwrap();
    }
}

/// The place of a text in another, which has it.
#[track_caller]
fn place(text: &str, part: &str) -> usize {
    text.find(part).unwrap_or_else(|| panic!("{part:?} isn't in {text}"))
}

#[test]
fn a_review_is_changes_guards_warnings_orgs_then_cost() {
    let printed = planned(&desk(), "--online").out;
    let parts = [
        "13 orgs: 13 to write",
        "Risk  4 orgs: faces are no longer compared with badges",
        "line 2, Client 0: badgeFaceVerificationMode <null> -> OFF",
        "and 1 org more: see p.csv",
        "Risk  1 org: badges disarm the alarm monitoring",
        "line 7, Client 5: badgeAuthDisablesAlarmMonitoring false -> true",
        "12 orgs: saveClips false -> true",
        "1 org: saveClips true -> false (against the majority)",
        "Guard  1 org: values become null",
        "Guard  1 org: entries are removed",
        "Guard  2 orgs: entries are added that are not live",
        "line 8, Client 6: doorInfoMap \"north\", nearest live: \"old\"; doorInfoMap \"south\"",
        "Guard  1 org: badges would disarm the alarm monitoring",
        "Warning  1 org: a door would be in two locations",
        "line 8, Client 6: Loading dock",
        "Warning  1 org: a camera or a location doesn't exist in the org",
        "line  org",
        "Cost: at least 39 calls (13 reads, 13 writes, 13 read-backs), at least 780 ms at",
        "Waves: 1, then 1, then 4, then 7",
        "apply it: orgwave apply p.jsonl --sandbox\n",
        "values become null in 1 org: --ack clears-",
        "entries are removed in 1 org: --ack removals-",
        "entries are added that are not live in 2 orgs: --ack additions-",
    ];
    let places: Vec<usize> = parts.iter().map(|part| place(&printed, part)).collect();
    assert!(places.is_sorted(), "{printed}");
    // What is odd is shown however many kinds of change there are before it.
    assert!(printed.contains("more kinds of change: see p.csv"), "{printed}");
    assert!(
        printed.contains(
            "1 org: badgeAuthDisablesAlarmMonitoring false -> true (risk: badges disarm the alarm monitoring)"
        ),
        "{printed}"
    );
    assert!(
        printed.contains(r#"1 org: doorInfoMap.* {"doorName":"Old"} -> <removed> (removes)"#),
        "{printed}"
    );
}

#[test]
fn missing_cameras_are_reported_only_with_online() {
    let shell = desk();
    let printed = planned(&shell, "--online").out;
    let line = printed.lines().find(|line| line.contains("camera zzzzzzzzzzzzzzzzzzzzzg")).unwrap();
    assert!(line.contains("line 8, Client 6") && line.contains("location AAAAAAAAAAAAAAAAAAAAAA"), "{line}");
    for page in ["p.md", "p.html"] {
        assert!(shell.read(page).contains("camera zzzzzzzzzzzzzzzzzzzzzg"), "{page}");
    }
    clear(&shell);
    let printed = planned(&shell, "").out;
    assert!(!printed.contains("doesn't exist in the org"), "{printed}");
    clear(&shell);
    let json = planned(&shell, "--online --json").out;
    assert!(json.lines().any(|line| line.contains("E-LIVE-002") && line.contains("zzzz")), "{json}");
}

#[test]
fn the_pages_say_the_same_and_where_each_value_came_from() {
    let shell = desk();
    planned(&shell, "--online");
    let (page, text, table) = (shell.read("p.html"), shell.read("p.md"), shell.read("p.csv"));
    for (part, in_text) in [
        ("against the majority", "against the majority"),
        ("removes", "removes"),
        ("risk: badges disarm the alarm monitoring", "risk: badges disarm the alarm monitoring"),
        ("--ack additions-", "--ack additions-"),
        ("--ack clears-", "--ack clears-"),
        ("--ack removals-", "--ack removals-"),
        ("--ack disarms-", "--ack disarms-"),
        ("a door would be in two locations", "a door would be in two locations"),
        ("the canary", "Waves: 1, then 1, then 4, then 7"),
        ("780 ms", "780 ms at 50.0/s"),
    ] {
        place(&page, part);
        place(&text, in_text);
    }
    for from in [",row,", ",doors:2,"] {
        place(&table, from);
    }
    assert!(place(&page, "Risks") < place(&page, "What would change"));
    assert!(place(&text, "## Risks") < place(&text, "## Changes"));
    assert!(place(&page, "What would change") < place(&page, "Before you approve"));
    assert!(place(&page, "Before you approve") < place(&page, "Every org"));
}

/// What a review says of the cost, in one line.
fn cost_in(printed: &str) -> String {
    let (_, cost) = printed.split_once("\nCost: ").unwrap();
    let (cost, _) = cost.split_once("\nWaves: ").unwrap();
    cost.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A rate that was found in the sandbox is not taken for the vendor's.
#[test]
fn the_cost_of_a_plan_names_the_rate_it_assumes() {
    let shell = desk();
    let printed = planned(&shell, "--rate auto").out;
    let cost = cost_in(&printed);
    assert!(cost.contains("at 8.0/s"), "where a run begins: {cost}");
    assert!(cost.ends_with("/s, reached in the sandbox; the vendor's may differ"), "{cost}");
    let api = shell.sandbox("rollout.toml");
    shell.write("key", "sandbox");
    std::fs::set_permissions(shell.path("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let live = format!("plan rollout.toml --no-progress --token-file key --endpoint {} --rate", api.url);
    let printed = shell.orgwave(&format!("{live} auto")).with_code(0).out;
    assert!(cost_in(&printed).ends_with("/s, reached while planning"), "{printed}");
    let printed = shell.orgwave(&format!("{live} unlimited")).with_code(0).out;
    assert!(printed.contains("Cost: at least 39 calls (13 reads, 13 writes, 13 read-backs)\n"), "{printed}");
}
