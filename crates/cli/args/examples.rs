//! What `--help` of each command starts with, and its man page too: commands that can be run as they are.

use clap::Command;

/// The command line, each command with its examples.
pub fn with_examples(command: Command) -> Command {
    command.mut_subcommands(|command| {
        let examples = of(command.get_name());
        command.before_help(format!("Examples:\n{examples}"))
    })
}

fn of(command: &str) -> &'static str {
    match command {
        "orgs" => {
            "  orgwave orgs                            list the client orgs\n  \
               orgwave orgs --format csv >orgs.csv     a starter manifest: fill in columns"
        }
        "export" => {
            "  orgwave export -o live                  all orgs' settings, as a rollout\n  \
               orgwave export -o live --only 'Acme*'   of some of them\n  \
               orgwave export -o live --sandbox        of example orgs, without a key"
        }
        "check" => {
            "  orgwave check rollout.toml              validate the files\n  \
               orgwave check orgs.csv --online         do its orgs, cameras and locations exist?"
        }
        "plan" => {
            "  orgwave plan rollout.toml               what would change? (writes nothing)\n  \
               orgwave plan rollout.toml --online      and do its cameras and locations exist?\n  \
               orgwave plan rollout.toml --only 'Acme*' -o acme.jsonl\n  \
               orgwave plan rollout.toml --sandbox     try it, without a key"
        }
        "apply" => {
            "  orgwave apply reports/plans/20260101T090000Z-0123456789abcdef/plan.jsonl\n  \
               orgwave apply rollout.toml              plan, confirm, apply\n  \
               orgwave apply rollout.toml --unattended -q --metrics-file orgwave.prom\n  \
               orgwave apply rollout.toml --sandbox --yes"
        }
        "resume" => {
            "  orgwave resume                          finish the newest run that was interrupted\n  \
               orgwave resume reports/20260101T090000Z-0123456789abcdef"
        }
        "verify" => {
            "  orgwave verify rollout.toml             has anything drifted? (exit 2)\n  \
               orgwave verify rollout.toml -o drift.csv\n  \
               orgwave verify reports/20260101T090000Z-0123456789abcdef"
        }
        "undo" => {
            "  orgwave undo reports/20260101T090000Z-0123456789abcdef\n  \
               orgwave apply PLAN                      `undo` only plans, and prints this line"
        }
        "report" => "  orgwave report reports/20260101T090000Z-0123456789abcdef    rebuild its files",
        "runs" => {
            "  orgwave runs                            list runs under reports/\n  \
               orgwave runs prune --keep 90d --keep-last 10"
        }
        "doctor" => {
            "  orgwave doctor                          check key, region, orgs and folders\n  \
               orgwave doctor --region eu --token-file partner.key"
        }
        "sandbox" => {
            "  orgwave sandbox --orgs 100 --port 8080  serve the API locally, until Ctrl-C\n  \
               orgwave sandbox rollout.toml --fault '429 retry-after=3 on write times 2'"
        }
        "init" => {
            "  orgwave init                            a commented rollout, in this folder\n  \
               orgwave init spring                     in a new folder"
        }
        "explain" => {
            "  orgwave explain E-ROW-003               explain an error code\n  \
               orgwave explain 13                      explain exit code 13\n  \
               orgwave explain org-mfa:mfaEnabled      what is this field?"
        }
        "operations" => {
            "  orgwave operations                      what can be set?\n  \
               orgwave operations org-mfa              its columns, with an example\n  \
               orgwave operations derive updateFooIntegration --openapi spec.json -o foo.toml"
        }
        "completions" => {
            "  orgwave completions bash >~/.local/share/bash-completion/completions/orgwave\n  \
               orgwave completions zsh >~/.zfunc/_orgwave"
        }
        "man" => {
            "  orgwave man | man -l -                  read the manual\n  \
               orgwave man -o /usr/local/share/man/man1"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::super::Cli;
    use super::*;

    /// No flag twice, and whatever else clap finds only when a command is used.
    #[test]
    fn the_definitions_are_sound() {
        with_examples(Cli::command()).debug_assert();
    }

    #[test]
    fn the_help_of_every_command_starts_with_examples() {
        for mut command in with_examples(Cli::command()).get_subcommands().cloned() {
            let help = command.render_long_help().to_string();
            assert!(help.starts_with("Examples:\n  orgwave "), "{help}");
        }
    }

    /// Quotes are the shell's business, and so is what is behind `>` and `|`.
    #[test]
    fn every_example_parses() {
        let there: Vec<String> =
            Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for line in there.iter().flat_map(|name| of(name).lines()) {
            let command = line.trim().split("  ").next().unwrap_or_default();
            let command = command.split(['>', '|']).next().unwrap_or_default();
            let mut words = Vec::new();
            for (place, part) in command.split('\'').enumerate() {
                if place % 2 == 1 {
                    words.push(part);
                } else {
                    words.extend(part.split_whitespace());
                }
            }
            Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
