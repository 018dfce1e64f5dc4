//! Every flag from the environment: `--max-failures` is `ORGWAVE_MAX_FAILURES`. What is typed comes first; a variable that
//! is empty says nothing. Flags that give a yes, or make another command of one, are typed or not given.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};

use clap::builder::FalseyValueParser;
use clap::{Arg, ArgAction, Command};

/// Flags without a variable.
const TYPED_ONLY: [&str; 9] =
    ["yes", "ack", "allow", "unattended", "allow-outside", "dry-run", "sandbox", "help", "version"];

/// A flag that is typed, and those whose variables say nothing beside it.
const INSTEAD_OF: [(&str, &[&str]); 8] = [
    ("region", &["endpoint"]),
    ("endpoint", &["region"]),
    ("token-file", &["token-command"]),
    ("token-command", &["token-file"]),
    ("profile", &["token-file", "token-command"]),
    ("proxy", &["no-proxy"]),
    ("no-proxy", &["proxy"]),
    ("sandbox", &["region", "endpoint", "token-file", "token-command", "profile"]),
];

/// Flags that go with another alone, which has to be typed.
const ONLY_WITH: [(&str, &str, &[&str]); 1] = [("apply", "dry-run", &["detailed-exitcode", "output-file"])];

/// Gives every flag its variable, as far as it counts beside these words.
pub fn with_environment(command: Command, typed: &[OsString]) -> Command {
    let is_typed = |flag: &str| {
        typed
            .iter()
            .filter_map(|word| word.to_str()?.strip_prefix("--"))
            .any(|word| word == flag || word.strip_prefix(flag).is_some_and(|value| value.starts_with('=')))
    };
    let is_beside =
        |name: &str| INSTEAD_OF.iter().any(|(flag, others)| others.contains(&name) && is_typed(flag));
    command.mut_subcommands(|subcommand| {
        let lacks = |name: &str| {
            ONLY_WITH.iter().any(|(command, flag, others)| {
                *command == subcommand.get_name() && others.contains(&name) && !is_typed(flag)
            })
        };
        let counts: Vec<String> = subcommand
            .get_arguments()
            .filter_map(Arg::get_long)
            .filter(|name| !TYPED_ONLY.contains(name) && !is_beside(name) && !lacks(name))
            .map(ToOwned::to_owned)
            .collect();
        let subcommand = subcommand.mut_args(|arg| match arg.get_long() {
            Some(name) if counts.iter().any(|counted| counted == name) && arg.get_env().is_none() => {
                let variable = variable(name);
                with_variable(arg, variable)
            }
            _ => arg,
        });
        // `runs prune` has flags of its own.
        with_environment(subcommand, typed)
    })
}

/// The variables of flags that are set, of any command: what is wrong with a command line may come from one of them.
pub fn in_force(command: &Command) -> BTreeSet<String> {
    let is_set = |variable: &&OsStr| env::var_os(variable).is_some_and(|value| !value.is_empty());
    let own = command.get_arguments().filter_map(Arg::get_env).filter(is_set);
    let own = own.map(|variable| variable.to_string_lossy().into_owned()).filter(|name| name != "NO_COLOR");
    own.chain(command.get_subcommands().flat_map(in_force)).collect()
}

fn with_variable(arg: Arg, variable: String) -> Arg {
    if env::var_os(&variable).is_some_and(|value| value.is_empty()) {
        return arg;
    }
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    // The help shows the names only: a value may be a proxy's password.
    // clap takes names that live as long as the program; there are some dozen, made once.
    let variable: &'static str = variable.leak();
    let arg = arg.env(variable).hide_env_values(true);
    if is_switch { arg.value_parser(FalseyValueParser::new()) } else { arg }
}

/// The variable of a flag.
fn variable(name: &str) -> String {
    format!("ORGWAVE_{}", name.to_ascii_uppercase().replace('-', "_"))
}
