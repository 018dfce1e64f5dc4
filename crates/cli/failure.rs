//! What ends a command: an exit code, what went wrong, and what to do about it.

use std::fmt;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;

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

    /// Whose problems have been told one by one already.
    pub fn told(exit: Exit) -> Self {
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

    /// To be mended so.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A command line that can't be meant.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what).hint("`orgwave help` shows what there is")
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

/// What to do about an error that only says what the system says.
fn of_the_system(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let error: &std::io::Error = error.downcast_ref()?;
    match rustix::io::Errno::from_io_error(error)? {
        rustix::io::Errno::NOLCK => Some(
            "the file system has no locks (a network's without its lock service?): --reports and --state-dir belong \
             on a local disk",
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

impl From<orgwave_reporter::ReportError> for Failure {
    fn from(error: orgwave_reporter::ReportError) -> Self {
        use orgwave_core::plan::PlanError;
        use orgwave_reporter::ReportError;
        let exit = match &error {
            ReportError::Write { .. } => Exit::CannotWrite,
            // A plan in a run's folder that isn't the run's own any more is refused as it is anywhere.
            ReportError::Plan(PlanError::Seal | PlanError::Newer { .. } | PlanError::NoFooter)
            | ReportError::Stray { .. } => Exit::PlanRefused,
            ReportError::Plan(PlanError::Line { .. } | PlanError::Io(_)) | ReportError::Journal(_) => {
                Exit::BadInput
            }
        };
        let failure = Self::new(exit, "the reports can't be made").because(error);
        match exit {
            Exit::CannotWrite => failure,
            _ => failure.hint("apply the rollout again: its reads find what is done"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
