//! What is on a terminal, however narrow it is and whatever clients are called; and colour only where it helps.

use crate::shell::Shell;

const NAMES: [&str; 4] =
    ["\u{202e}gnp.exe", "مطاعم الشرق", "日本語のお客様の名前", "<script>alert(1)</script>"];

fn desk() -> Shell {
    let shell = Shell::new().with("TERM", "xterm");
    let mut orgs = "org_uuid,org_name,saveClips\n".to_owned();
    let long = "Wide".repeat(75);
    for (number, name) in NAMES.into_iter().chain([&*long]).enumerate() {
        orgs +=
            &format!("{}AAAAAAAAAAAAAAAAAAAAg,{name},true\n", (b'A' + u8::try_from(number).unwrap()) as char);
    }
    shell.write("orgs.csv", &orgs);
    shell.write(
        "rollout.toml",
        "[rollout]\norgs = \"orgs.csv\"\n[limits]\nrate = \"unlimited\"\norg_rate = \"unlimited\"\nmax_failures = \"100%\"\n\
         [sandbox.settings]\nsaveClips = false\n\
         [[sandbox.orgs]]\nmatch = \"日本*\"\nconnected = false\n",
    );
    shell
}

/// What a command prints on a terminal of this width, without what the terminal itself adds.
fn on_a_terminal(shell: &Shell, columns: usize, words: &str) -> String {
    let line = format!("stty cols {columns} rows 40; ({words}) 2>/dev/null");
    shell.line(&format!("script -qec '{line}' /dev/null")).with_code(0).out.replace('\r', "")
}

/// Columns that a line takes, as far as it matters here: wide characters take two.
fn width(line: &str) -> usize {
    line.chars().map(|c| if ('\u{3000}'..'\u{a000}').contains(&c) { 2 } else { 1 }).sum()
}

#[test]
fn only_lines_to_be_copied_are_wider_than_the_terminal() {
    let shell = desk();
    for columns in [20, 80] {
        for words in [
            "plan rollout.toml --sandbox",
            "apply rollout.toml --sandbox --yes --no-progress || true",
            "orgs rollout.toml --sandbox",
            "runs",
        ] {
            let text = on_a_terminal(&shell, columns, &format!("NO_COLOR=1 orgwave {words}"));
            assert!(text.lines().count() >= 2, "{words}: {text}");
            for line in text.lines().filter(|line| width(line) > columns) {
                let is_to_copy =
                    ["orgwave ", "reports/", "--ack ", "plan 20", "review it: ", "apply it: ", "20"]
                        .iter()
                        .any(|start| line.trim_start().starts_with(start));
                let is_id = line.len() == 22 && line.ends_with("AAAAAAAAAAAAAAAAAAAAg");
                assert!(is_to_copy || is_id, "{columns} columns, {words}: {line:?}");
            }
            assert!(!text.contains('\u{202e}'), "{words}");
        }
    }
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for_or_declined() {
    let shell = desk();
    let plan = "orgwave plan rollout.toml --sandbox";
    let escape = '\u{1b}';
    assert!(on_a_terminal(&shell, 80, plan).contains(escape));
    assert!(!on_a_terminal(&shell, 80, &format!("{plan} --color never")).contains(escape));
    assert!(!shell.line(plan).with_code(0).out.contains(escape));
    assert!(shell.line(&format!("{plan} --color always")).with_code(0).out.contains(escape));
    assert!(!on_a_terminal(&shell, 80, &format!("NO_COLOR=1 {plan}")).contains(escape));
}
