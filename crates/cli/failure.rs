//! What ends a command: an exit code, what went wrong, and what to do about it.

use std::fmt;

use orgwave_core::code::Code;
use orgwave_core::legible::ShowPath as _;
use orgwave_core::manifest::RowsError;
use orgwave_core::operation::UnknownOperation;
use orgwave_core::plan::PlanError;
use orgwave_core::run::{Exit, StopReason};
use orgwave_reporter::terminal::several;

/// The end of a command that could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// What the process ends with.
    pub exit: Exit,
    /// What went wrong; a lower-case fragment. Empty where everything was said already.
    pub what: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with this exit code.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), causes: Vec::new(), hint: None }
    }

    /// Whose problems have been reported one by one already.
    pub fn reported(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// Caused by this. Where two texts in a row end alike, one within the other, the first says it all.
    #[must_use]
    pub fn because(mut self, error: impl Into<anyhow::Error>) -> Self {
        let error: anyhow::Error = error.into();
        if let Some(hint) = error.chain().find_map(of_the_system) {
            self.hint.get_or_insert_with(|| hint.to_owned());
        }
        for cause in error.chain().map(ToString::to_string) {
            let before = self.causes.last().unwrap_or(&self.what);
            let is_said =
                before.ends_with(&cause) || (!before.is_empty() && cause.ends_with(before.as_str()));
            if !is_said {
                self.causes.push(cause);
            }
        }
        self
    }

    /// To be fixed so.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A command line that can't be meant.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what).hint("see `orgwave help`")
    }

    /// A file of the user's that can't be read.
    pub fn no_input(path: &std::path::Path, error: std::io::Error) -> Self {
        Self::new(Exit::NoInput, format!("{} can't be opened", path.shown())).because(error)
    }

    /// A path at which a file for this can't be written: what is there is no file (78), or the system says no (74).
    pub fn no_file_for(what: &str, path: &std::path::Path, error: std::io::Error) -> Self {
        // Our own errors have no number of the system's.
        let exit =
            if error.kind() == std::io::ErrorKind::Other { Exit::BadConfig } else { Exit::CannotWrite };
        Self::new(exit, format!("{} can't be a file for {what}", path.shown())).because(error)
    }

    /// A file or folder of ours that can't be written.
    pub fn cannot_write(path: &std::path::Path, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::CannotWrite, format!("{} can't be written", path.shown())).because(error)
    }
}

/// What to do about a plan of another format, or of an operation that is not known or was described anew.
fn of_plan(error: &PlanError) -> Option<&'static str> {
    match error {
        PlanError::Operation(UnknownOperation::NotKnown(_)) => {
            Some("give the file that describes the operation with --catalog FILE")
        }
        PlanError::Operation(UnknownOperation::Changed(_)) => Some(
            "give the description that the plan was made with (--catalog FILE), or plan again and review the plan",
        ),
        PlanError::Older { .. } => {
            Some("plan again; a run that is not finished is finished by the version that made it")
        }
        _ => None,
    }
}

/// What to do about an error that only says what the system says.
fn of_the_system(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let error: &std::io::Error = error.downcast_ref()?;
    match rustix::io::Errno::from_io_error(error)? {
        rustix::io::Errno::NOLCK => Some(
            "the file system has no locks (a network file system?): use a local disk for --reports and --state-dir",
        ),
        rustix::io::Errno::NAMETOOLONG => Some("the path is too long: choose a shorter one (--reports, -o)"),
        _ => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl From<orgwave_planner::Error> for Failure {
    fn from(error: orgwave_planner::Error) -> Self {
        use orgwave_planner::Error;
        let what = error.to_string();
        match error {
            Error::Write { path, source } => Self::cannot_write(&path, source),
            Error::Scratch { path, source } => Self::cannot_write(&path, source)
                .hint("the command needs temporary files: set TMPDIR or --state-dir to a writable folder"),
            Error::Spool(source) => Self::new(Exit::CannotWrite, what).because(source),
            Error::Plan { source, .. } => {
                let exit = match &source {
                    PlanError::Seal
                    | PlanError::Newer { .. }
                    | PlanError::Older { .. }
                    | PlanError::NoFooter
                    | PlanError::Operation(_) => Exit::PlanRefused,
                    PlanError::Line { .. } => Exit::BadInput,
                    PlanError::Io(_) => Exit::NoInput,
                };
                let hint = of_plan(&source).unwrap_or("plan again, review the plan, and apply it");
                Self::new(exit, what).because(source).hint(hint)
            }
            Error::NotTogether => Self::new(Exit::PlanRefused, what),
            Error::SecretChanged(_) => {
                Self::new(Exit::PlanRefused, what).hint("plan again with the current secret")
            }
            Error::Rows(error) => error.into(),
            Error::Changed(_) => Self::new(Exit::BadInput, format!("{}: {what}", Code::FileChanged))
                .hint("nothing was sent; run it again"),
            Error::AllPinned => Self::usage(format!("--waves has no effect: {what}")),
            Error::NeedsRead(_) => Self::new(Exit::BadInput, format!("--no-read, and {what}"))
                .hint("that requires a read of the live settings: remove --no-read"),
            Error::Unmatched(_, more) => {
                let more = match more as u64 {
                    0 => String::new(),
                    more => {
                        let more = several(more, "more pattern matches", "more patterns match");
                        format!("\nand {more} no org")
                    }
                };
                Self::new(Exit::Usage, what + &more).hint(
                    "a pattern is an org's id or full name, `*` any characters and `?` one; nothing was sent",
                )
            }
            Error::NeverRead => Self::new(Exit::BadInput, what),
            Error::NoOrg => Self::new(Exit::NoInput, what).hint("`orgwave orgs` lists the orgs"),
            Error::Stopped(reason) => reason.into(),
        }
    }
}

impl From<RowsError> for Failure {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Changed { .. } => Self::new(Exit::BadInput, format!("{}: {error}", Code::FileChanged))
                .hint("nothing was sent; run it again"),
            RowsError::Read(error) => Self::new(Exit::NoInput, "the rollout can't be read").because(error),
        }
    }
}

/// What a stop before any write ends with.
impl From<StopReason> for Failure {
    fn from(reason: StopReason) -> Self {
        let exit = match &reason {
            StopReason::KeyRefused => Exit::KeyRefused,
            StopReason::Interrupted => Exit::Interrupted,
            StopReason::Terminated => Exit::Terminated,
            StopReason::HungUp => Exit::HungUp,
            StopReason::MaxDuration => Exit::MaxDuration,
            StopReason::JournalFailed(_) => Exit::CannotWrite,
            StopReason::Unreachable(_)
            | StopReason::Unusable(_)
            | StopReason::Redirected(_)
            | StopReason::BudgetSpent
            | StopReason::CanaryStopped(_)
            | StopReason::CanariesRejected
            | StopReason::CanaryDisturbed(_)
            | StopReason::Expired => Exit::Unreachable,
        };
        let failure = Self::new(exit, reason.to_string());
        match &reason {
            StopReason::KeyRefused => failure
                .hint("check that it is a partner's key, and of this region (--region us|eu)"),
            StopReason::Unreachable(why) if why.contains("UnknownIssuer") => failure.hint(
                "the certificate's CA is not trusted here; if it is your company's (a gateway or a proxy that intercepts TLS), give it with --ca-file FILE",
            ),
            StopReason::Unreachable(why) if why.contains("CertificateRequired") => failure
                .hint("the server requires a client certificate: use --client-cert FILE and --client-key FILE"),
            // As reqwest names what failed on the way through a proxy.
            StopReason::Unreachable(why) if why.contains("tunnel error") || why.contains("socks") => failure.hint(
                "the proxy refused, or can't be reached: `orgwave doctor` shows which one is used; --no-proxy or NO_PROXY bypasses it",
            ),
            _ => failure,
        }
    }
}

impl From<orgwave_reporter::ReportError> for Failure {
    fn from(error: orgwave_reporter::ReportError) -> Self {
        use orgwave_reporter::ReportError;
        let exit = match &error {
            ReportError::Write { .. } => Exit::CannotWrite,
            // A plan in a run's folder that isn't the run's own any more is refused as it is anywhere.
            ReportError::Plan(
                PlanError::Seal
                | PlanError::Newer { .. }
                | PlanError::Older { .. }
                | PlanError::NoFooter
                | PlanError::Operation(_),
            )
            | ReportError::Stray { .. } => Exit::PlanRefused,
            ReportError::Plan(PlanError::Line { .. } | PlanError::Io(_)) | ReportError::Journal(_) => {
                Exit::BadInput
            }
        };
        let of_plan = match &error {
            ReportError::Plan(error) => of_plan(error),
            _ => None,
        };
        let failure = Self::new(exit, "the reports can't be written").because(error);
        if let Some(hint) = of_plan {
            return failure.hint(hint);
        }
        match exit {
            Exit::CannotWrite => failure,
            _ => failure.hint("apply the rollout again: orgs in sync are not written again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_are_not_named_are_counted() {
        let failure = |more| {
            Failure::from(orgwave_planner::Error::Unmatched(vec!["--only \"x\" matches no org".into()], more))
        };
        assert_eq!(failure(0).what, "--only \"x\" matches no org");
        assert!(failure(1).what.ends_with("org\nand 1 more pattern matches no org"));
        assert!(failure(5).what.ends_with("org\nand 5 more patterns match no org"));
    }

    #[test]
    fn a_cause_is_said_once() {
        let failure = |chain: &[&'static str]| {
            let (root, outer) = chain.split_last().unwrap();
            let error = outer.iter().rev().fold(anyhow::anyhow!(*root), |error, text| error.context(*text));
            Failure::new(Exit::BadInput, "the journal can't be used").because(error).to_string()
        };
        for (chain, said) in [
            // As SQLite has it.
            (
                &["can't read", "image is malformed", "Error code 11: image is malformed"][..],
                "can't read: image is malformed",
            ),
            (&["can't read: image is malformed", "image is malformed"], "can't read: image is malformed"),
            (&["can't read", "no such file"], "can't read: no such file"),
        ] {
            assert_eq!(failure(chain), format!("the journal can't be used: {said}"));
        }
    }
}
