//! How far a rollout has come when a next step is suggested.

use orgwave_core::run::RunHeader;

/// What the user has in front of them, and so what there is to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A plan: nothing was sent, and there is neither a run nor a retry.
    Plan,
    /// A run, which can be resumed.
    Run,
    /// A run whose server ended with it: it can't be resumed, but its rows can be applied again.
    SandboxRun,
    /// A run that took another back: it can be resumed, but its rows name no settings to be applied again.
    Undo,
}

impl Stage {
    /// Of this run, which takes another back or doesn't.
    pub fn of(run: &RunHeader, undoes: bool) -> Self {
        match (undoes, run.endpoint.as_str()) {
            (true, _) => Self::Undo,
            (false, "sandbox") => Self::SandboxRun,
            (false, _) => Self::Run,
        }
    }
}
