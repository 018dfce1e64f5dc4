//! What a read after a write proves.

use super::diff::Context;
use super::{Fit, fit};
use crate::change::Before;
use crate::plan::PlannedField;
use crate::settings::{RawObject, Settings, ShapeError};

/// What is live, seen from a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadBack {
    /// Every managed field that is shown is as desired.
    AsDesired {
        /// Some secret isn't shown.
        partly: bool,
    },
    /// Every managed field that is shown is as before the write, and that differs from what is desired.
    AsBefore,
    /// Neither; the paths that are not as desired.
    Neither(Vec<String>),
    /// Only secrets that aren't shown were changed: nothing that can be read tells before from after.
    CannotTell,
}

/// Compares all managed fields with what is desired, and those that were to change with what was there before the write.
/// Where nothing was read before it, whatever isn't as desired counts as before.
///
/// # Errors
/// A managed path can't be seen.
pub fn read_back(
    fields: &[PlannedField],
    before: &Before,
    live: &RawObject,
    context: Context<'_>,
) -> Result<ReadBack, ShapeError> {
    let settings = Settings::new(live);
    let (mut hidden, mut telling) = (false, false);
    let mut as_before = true;
    let mut off = Vec::new();
    let unread = *before == Before::Unread;
    for (field, before) in before.at(fields) {
        let observed = settings.at(&field.path)?;
        let fit = fit(&observed, &field.path, &field.after, context.secrets);
        if fit == Fit::Hidden {
            hidden = true;
            continue;
        }
        if fit == Fit::No {
            off.push(field.path.to_string());
        }
        match before {
            Some(before) => {
                telling = true;
                as_before &=
                    if unread { fit == Fit::No } else { observed.is(before, &field.path, context.seal) };
            }
            None => as_before &= fit == Fit::Yes,
        }
    }
    Ok(match (telling, off.is_empty()) {
        (false, true) if hidden => ReadBack::CannotTell,
        (_, true) => ReadBack::AsDesired { partly: hidden },
        (true, false) if as_before || unread => ReadBack::AsBefore,
        (_, false) => ReadBack::Neither(off),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::compare::{Judgement, diff, judge};
    use crate::desired::{Desired, DesiredValue, Managed, Origin};
    use crate::operation::{Operation, fixture};
    use crate::secret::{SealKey, SecretText, Secrets};

    struct Case {
        operation: Arc<Operation>,
        seal: SealKey,
        secrets: Secrets,
        desired: Desired,
    }

    fn raw(value: &Value) -> RawObject {
        RawObject::parse(&value.to_string()).unwrap()
    }

    impl Case {
        fn new(desired: &[(&str, DesiredValue)]) -> Self {
            let managed = desired
                .iter()
                .map(|(path, desired)| Managed {
                    path: Operation::default_one().path(path).unwrap(),
                    desired: desired.clone(),
                    origin: Origin::Row,
                })
                .collect();
            let secrets = [("TOKEN".parse().unwrap(), SecretText::new("t2".into()))].into();
            let seal = SealKey::derive(&SecretText::new("k".into()), "p");
            Self {
                operation: Operation::default_one(),
                seal,
                secrets,
                desired: Desired { managed, expects: Vec::new() },
            }
        }

        fn context(&self) -> Context<'_> {
            Context { operation: &self.operation, secrets: &self.secrets, seal: &self.seal }
        }

        fn proven(&self, old: &Value, new: &Value) -> ReadBack {
            let fields = diff(&self.desired, Some(&raw(old)), self.context()).unwrap().fields;
            let Judgement::Differs(before) = judge(&fields, &[], &raw(old), self.context()).unwrap() else {
                panic!("nothing to write")
            };
            read_back(&fields, &before, &raw(new), self.context()).unwrap()
        }
    }

    fn set(value: Value) -> DesiredValue {
        DesiredValue::Set(value)
    }

    #[test]
    fn desired_before_and_neither() {
        let case = Case::new(&[("enabled", set(json!(true))), ("saveClips", set(json!(true)))]);
        let before = json!({"enabled": false, "saveClips": true});
        assert_eq!(
            case.proven(&before, &json!({"enabled": true, "saveClips": true})),
            ReadBack::AsDesired { partly: false }
        );
        assert_eq!(case.proven(&before, &before), ReadBack::AsBefore);
        let unmanaged_edit = json!({"enabled": false, "saveClips": true, "indexFaces": true});
        assert_eq!(case.proven(&before, &unmanaged_edit), ReadBack::AsBefore);
    }

    #[test]
    fn a_managed_field_that_was_not_changed_counts_too() {
        let case = Case::new(&[("enabled", set(json!(true))), ("saveClips", set(json!(true)))]);
        let before = json!({"enabled": false, "saveClips": true});
        let proven = case.proven(&before, &json!({"enabled": true, "saveClips": false}));
        assert_eq!(proven, ReadBack::Neither(vec!["saveClips".into()]));
        let proven = case.proven(&before, &json!({"enabled": false, "saveClips": false}));
        assert_eq!(proven, ReadBack::Neither(vec!["enabled".into(), "saveClips".into()]));
    }

    #[test]
    fn hidden_secrets_prove_nothing_but_do_not_disturb() {
        let case = Case::new(&[
            ("apiToken", DesiredValue::Secret("TOKEN".parse().unwrap())),
            ("enabled", set(json!(true))),
        ]);
        let before = json!({"apiToken": "t1", "enabled": false});
        assert_eq!(
            case.proven(&before, &json!({"apiToken": "***", "enabled": true})),
            ReadBack::AsDesired { partly: true }
        );
        assert_eq!(
            case.proven(&before, &json!({"apiToken": "t2", "enabled": true})),
            ReadBack::AsDesired { partly: false }
        );
        assert_eq!(case.proven(&before, &json!({"apiToken": null, "enabled": false})), ReadBack::AsBefore);
        let only = Case::new(&[("apiToken", DesiredValue::Secret("TOKEN".parse().unwrap()))]);
        assert_eq!(
            only.proven(&json!({"apiToken": "***"}), &json!({"apiToken": "***"})),
            ReadBack::CannotTell
        );
        assert_eq!(only.proven(&json!({"apiToken": "t1"}), &json!({"apiToken": "t1"})), ReadBack::AsBefore);
    }

    #[test]
    fn a_conflict_is_neither_the_planned_before_nor_after() {
        let case =
            Case::new(&[("saveClips", set(json!(true))), ("badgeFaceVerificationMode", set(json!("AUTO")))]);
        let planned = json!({"saveClips": false, "badgeFaceVerificationMode": "OFF"});
        let fields = diff(&case.desired, Some(&raw(&planned)), case.context()).unwrap().fields;
        let judged = |live: Value| judge(&fields, &[], &raw(&live), case.context()).unwrap();
        let changed = |before: &Before| before.at(&fields).filter(|(_, before)| before.is_some()).count();
        assert!(matches!(judged(planned.clone()), Judgement::Differs(before) if changed(&before) == 2));
        assert_eq!(
            judged(json!({"saveClips": true, "badgeFaceVerificationMode": "AUTO"})),
            Judgement::AsDesired
        );
        let half = judged(json!({"saveClips": true, "badgeFaceVerificationMode": "OFF"}));
        assert!(matches!(half, Judgement::Differs(before) if changed(&before) == 1));
        let foreign = judged(json!({"saveClips": false, "badgeFaceVerificationMode": "SHADOW"}));
        assert!(matches!(foreign, Judgement::Conflicts(_)));
    }

    #[test]
    fn a_field_that_reads_omit_is_proven_in_part_not_diverged() {
        let operation = fixture::operation(
            r#"
            [fields]
            on = { type = "bool", words = "Turns codes on." }
            digits = { type = "int32", words = "Digits of a code.", readback = false }
            "#,
        );
        let managed = |path: &str, value: Value| Managed {
            path: operation.path(path).unwrap(),
            desired: set(value),
            origin: Origin::Row,
        };
        let managed = vec![managed("digits", json!(6)), managed("on", json!(true))];
        let desired = Desired { managed, expects: Vec::new() };
        let case = Case { operation, desired, ..Case::new(&[]) };
        let before = json!({"on": false});
        assert_eq!(case.proven(&before, &json!({"on": true})), ReadBack::AsDesired { partly: true });
        assert_eq!(case.proven(&before, &before), ReadBack::AsBefore);
    }
}
