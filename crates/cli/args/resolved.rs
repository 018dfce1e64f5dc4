//! Groups of flags that parse as the plain values that they resolve to: the user of a value sees no flags.

/// Lets `$value` stand where the flags of `$flags` are parsed, which resolve to it.
macro_rules! resolved {
    ($value:ty, $flags:ty) => {
        impl clap::FromArgMatches for $value {
            fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
                <$flags>::from_arg_matches(matches).map(Into::into)
            }

            fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }

        impl clap::Args for $value {
            fn augment_args(command: clap::Command) -> clap::Command {
                <$flags>::augment_args(command)
            }

            fn augment_args_for_update(command: clap::Command) -> clap::Command {
                <$flags>::augment_args_for_update(command)
            }
        }
    };
}

pub(super) use resolved;
