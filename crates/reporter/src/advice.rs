//! What a person does now: one short sentence for each way in which an org can end.

use std::borrow::Cow;

use orgwave_core::code::Code;
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::status::Status;

use crate::record::Record;
use crate::stage::Stage;

/// What to do about an org; empty if there is nothing to do.
pub fn next_step(record: &Record) -> Cow<'_, str> {
    after(&record.outcome, record)
}

/// What to do about a step of an org, or about the org, that ended so.
pub(crate) fn after<'a>(outcome: &OrgOutcome, record: &'a Record) -> Cow<'a, str> {
    let operations = record.operations();
    let operation = operations.get(outcome.place).unwrap_or(operations.first());
    let advice = |code| advice(code, record.stage, &operation.title);
    let code = outcome.org_error.as_ref().map(|org_error| org_error.code);
    match (outcome.status, code) {
        (Status::Applied | Status::Unchanged | Status::Skipped, _) => "".into(),
        (Status::AppliedWithWarnings, _) => {
            let confessed = operation.confesses.iter().find(|confession| outcome.ack.has(&confession.column));
            // A journal of another version may hold what this description doesn't know.
            confessed
                .or(operation.confesses.last())
                .map_or("".into(), |confession| (*confession.advice).into())
        }
        (_, Some(code)) => advice(code),
        (Status::Conflict, None) => advice(Code::OrgConflict),
        (Status::Blocked, None) => "fix the row or the org, then apply the rollout again".into(),
        (Status::Rejected, None) => advice(Code::OrgRefused),
        (Status::Failed, None) => advice(Code::OrgSendsSpent),
        (Status::Diverged, None) => advice(Code::OrgDivergedDoubt),
        (Status::Unknown, None) => advice(Code::OrgUnknownStopped),
        (Status::NotAttempted, None) => advice(Code::OrgStopped),
    }
}

const ELSEWHERE: &str = "fix the rollout as `orgwave explain` describes for this code";

/// What to do about a code, of the operation with this title.
pub fn advice(code: Code, stage: Stage, title: &str) -> Cow<'static, str> {
    match code {
        Code::OrgNotConnected => {
            format!("connect {title} for this org in the console, then apply again").into()
        }
        Code::OrgAuthError => {
            format!("reconnect {title} for this org in the console, then apply again").into()
        }
        _ => of_stage(code, stage).into(),
    }
}

const fn of_stage(code: Code, stage: Stage) -> &'static str {
    match stage {
        Stage::Run => of_run(code),
        Stage::Plan => match code {
            Code::OrgReadsSpent | Code::OrgParked => "plan again when the vendor answers again",
            Code::OrgStopped => "plan again",
            _ => of_run(code),
        },
        Stage::SandboxRun => match code {
            Code::OrgUnknownReads | Code::OrgUnknownStopped | Code::OrgUnknownParked => {
                "apply retry.toml: it reads the org first"
            }
            Code::OrgStopped | Code::OrgParked => "apply retry.toml",
            Code::OrgDisturbed => {
                "check what changed; apply retry.toml if that is fine, or list the field in [limits] ignore"
            }
            _ => of_run(code),
        },
        Stage::Undo => match code {
            Code::OrgName => "check the org's current name, then undo the first run again",
            Code::OrgExpect => "check the live value, then undo the first run again",
            Code::OrgConflict => "find out who else edits this org, then undo the first run again",
            Code::OrgRefused => "fix what the vendor's message names, then undo the first run again",
            Code::OrgReadsSpent => "undo the first run again when the vendor answers again",
            Code::OrgSendsSpent => "nothing was changed: undo the first run again",
            Code::OrgDivergedDoubt => "check the org in the console, then undo the first run again",
            Code::OrgUnknownHidden => {
                "check in the console whether the integration works, then undo the first run again"
            }
            _ => of_run(code),
        },
    }
}

const fn of_run(code: Code) -> &'static str {
    match code {
        Code::OrgName => "correct org_uuid or org_name in this row, then apply the rollout again",
        Code::OrgUnlisted => "check the id, and that the client still gives you access; else skip the row",
        Code::OrgExpect => {
            "check the live value; fix the expect cell or the org, then apply the rollout again"
        }
        Code::OrgMaskedSecret => "supply the secret in the row as <secret:NAME>, or use --write patch",
        Code::OrgOther => {
            "send nothing more to this org; report to the vendor that another org's settings came back"
        }
        Code::OrgIntegration => {
            "check the org's integration in the console: it is not the one of this rollout"
        }
        Code::OrgUnproven => "compare the org's settings with the console, then acknowledge the guard",
        Code::OrgShape => "update orgwave, or remove the field from the rollout",
        Code::OrgConflict => "find out who else edits this org, then apply retry.toml",
        Code::OrgNoAccess => "ask the client to allow partner access, then apply again; else skip the row",
        Code::OrgDeactivated => "check the id; if the org is closed, remove or skip its row",
        Code::OrgRefused => {
            "fix what the vendor's message names (if it names nothing, try fewer settings), then apply the rollout again"
        }
        Code::OrgError => "read the vendor's message; if it names no cause, apply again later",
        Code::OrgForbidden => "ask the client to give your partner account access, then apply again",
        Code::OrgReadsSpent => "apply retry.toml when the vendor answers again",
        Code::OrgSendsSpent => "nothing was changed: apply retry.toml",
        Code::OrgPanic => "run verify for this org, and report the bug with run.log.jsonl",
        Code::OrgDivergedAck => {
            "check the org in the console: the vendor accepted the write, but another value is live"
        }
        Code::OrgDivergedDoubt => "check the org in the console, then apply the rollout again",
        Code::OrgDisturbed => {
            "check what changed; resume if that is fine, or list the field in [limits] ignore"
        }
        Code::OrgGone => "ask the client whether the org is gone for good; if so, remove or skip its row",
        Code::OrgUnknownReads | Code::OrgUnknownStopped => "resume the run: it reads the org first",
        Code::OrgUnknownParked => "resume the run later: it reads the org first",
        Code::OrgUnknownHidden => "check in the console whether the integration works, then apply retry.toml",
        Code::OrgStopped => "resume the run",
        Code::OrgParked => "resume the run later: the org is rate-limited",
        Code::OrgStep => "fix what the org's other step says, then apply again; or use --keep-going",
        // The other families are reported while a rollout is checked, and never are beside an org's outcome.
        _ => ELSEWHERE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_advice_that_fits_a_cell() {
        for code in Code::ALL {
            for stage in [Stage::Plan, Stage::Run, Stage::SandboxRun, Stage::Undo] {
                let advice = advice(*code, stage, "Envoy");
                assert!((10..=110).contains(&advice.len()), "{code}: {advice}");
                assert_eq!(advice == ELSEWHERE, !code.as_str().starts_with("E-ORG"), "{code}");
                assert!(!advice.ends_with('.') && !advice.starts_with(['=', '+', '-', '@']), "{code}");
                // A run of the sandbox can't be resumed.
                assert!(stage != Stage::SandboxRun || !advice.contains("resume"), "{code}: {advice}");
                // The rows of an undo can't be applied.
                let applies = advice.contains("retry.toml") || advice.contains("the rollout again");
                assert!(stage != Stage::Undo || !applies, "{code}: {advice}");
            }
        }
    }

    #[test]
    fn a_plan_suggests_neither_resume_nor_retry() {
        for code in [Code::OrgReadsSpent, Code::OrgParked, Code::OrgStopped, Code::OrgUnlisted, Code::OrgName]
        {
            let advice = advice(code, Stage::Plan, "Envoy");
            assert!(!advice.contains("resume") && !advice.contains("retry"), "{code}: {advice}");
        }
    }
}
