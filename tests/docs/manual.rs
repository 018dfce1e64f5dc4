//! Completions and man pages.

use std::path::Path;

use orgwave_core::run::Exit;

use crate::shell::Shell;

#[test]
fn completions_are_scripts_that_name_the_commands() {
    let shell = Shell::new();
    for kind in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = shell.orgwave(&format!("completions {kind}")).with_code(0).out;
        assert!(script.contains("export") && script.contains("max-failures"), "{kind}");
    }
    shell.line("orgwave completions bash >completions && bash -n completions").with_code(0);
    shell.orgwave("completions csh").with_code(64);
}

#[test]
fn every_command_has_a_page_that_shows_its_examples() {
    let shell = Shell::new();
    let page = shell.orgwave("man").with_code(0).out;
    assert!(page.contains(".TH ORGWAVE 1") && page.contains("orgwave\\-plan(1)"), "{page}");
    shell.orgwave("man -o pages").with_code(0);
    let help = shell.orgwave("--help").with_code(0).out;
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let mut seen = 0;
    for name in commands.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next())
    {
        if name != "help" && shell.path(&format!("pages/orgwave-{name}.1")).exists() {
            let page = shell.read(&format!("pages/orgwave-{name}.1"));
            assert!(page.contains(&format!(".SH EXAMPLES\n.nf\n\\&  orgwave {name}")), "{page}");
            seen += 1;
        }
    }
    assert_eq!(seen + 1, std::fs::read_dir(shell.path("pages")).unwrap().count());
    assert!(seen >= 10, "{help}");
}

/// One table: the page in the guide, `explain` and the manual all say the same of each.
#[test]
fn every_exit_code_is_on_the_page_in_the_manual_and_explained() {
    let shell = Shell::new();
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/exit-codes.md"));
    let page = page.unwrap();
    let plain = |text: &str| text.replace("\\-", "-").replace("\\&", "");
    let manual = plain(&shell.orgwave("man").with_code(0).out);
    shell.orgwave("man -o pages").with_code(0);
    let of_apply = plain(&shell.read("pages/orgwave-apply.1"));
    for exit in Exit::ALL {
        let (code, meaning, advice) = (exit.code(), exit.meaning(), exit.advice());
        assert!(page.contains(&format!("\n| {code} | {meaning} | {advice} |\n")), "{code}: {page}");
        for manual in [&manual, &of_apply] {
            assert!(manual.contains(&format!(".TP\n\\fB{code}\\fR\n{meaning}.\n{advice}\n")), "{manual}");
        }
        let printed = shell.orgwave(&format!("explain {code}")).with_code(0).out;
        assert!(printed.contains(meaning) && printed.contains(advice), "{printed}");
    }
    assert_eq!(page.lines().filter(|line| line.starts_with("| ")).count(), Exit::ALL.len() + 1);
    for code in ["1", "256", "013"] {
        shell.orgwave(&format!("explain {code}")).with_code(64);
    }
}
