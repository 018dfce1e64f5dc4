//! The answer to a read of an org's settings: of one operation, or of several whose settings one reply holds.

use std::borrow::Cow;
use std::sync::Arc;

use orgwave_core::operation::{Absent, Operation, Owner};
use orgwave_core::reply::{Live, Refusal, RefusalKind, Reply};
use orgwave_core::settings::RawObject;
use orgwave_core::timestamp::Timestamp;
use serde_json::value::RawValue;

use crate::body_members::{BodyMembers, Misshapen};
use crate::message::Words;
use crate::reply_body::ReplyBody;

/// What every read may answer beside the settings.
const BESIDE: [&str; 4] = ["authError", "error", "errorMsg", "warningMsg"];

impl ReplyBody for Live {
    type Of = Operation;

    fn expected(operation: &Operation) -> Cow<'static, str> {
        match &*operation.at {
            "" => "the settings of an org, an object".into(),
            at => format!("the settings of an org, an object `{at}` or null").into(),
        }
    }

    fn read(members: &BodyMembers<'_>, _: Words<'_>, operation: &Operation) -> Result<Self, Misshapen> {
        if is_foreign(members, [operation].into_iter()) {
            return Err(Misshapen(members.names()));
        }
        live(members, operation)
    }

    fn dated(self, date: Option<Timestamp>) -> Self {
        match self {
            Self::Connected(settings, _) => Self::Connected(settings, date),
            Self::NotConnected(message) => Self::NotConnected(message),
        }
    }

    /// How the vendor says that an org never connected isn't documented; an error may be it.
    fn refused(refusal: Refusal, operation: &Operation) -> Reply<Self> {
        match (refusal.kind, operation.absent) {
            (RefusalKind::Error, Absent::NotConnected) => {
                Reply::Good(Self::NotConnected(Some(refusal.message).filter(|message| !message.is_empty())))
            }
            (RefusalKind::Error, Absent::Empty) | (RefusalKind::AuthError | RefusalKind::Status, _) => {
                Reply::Refused(refusal)
            }
        }
    }
}

/// The settings of several operations, in their order.
impl ReplyBody for Vec<Live> {
    type Of = [Arc<Operation>];

    fn expected(operations: &[Arc<Operation>]) -> Cow<'static, str> {
        operations.first().map_or("".into(), |operation| Live::expected(operation))
    }

    fn read(
        members: &BodyMembers<'_>,
        _: Words<'_>,
        operations: &[Arc<Operation>],
    ) -> Result<Self, Misshapen> {
        if is_foreign(members, operations.iter().map(AsRef::as_ref)) {
            return Err(Misshapen(members.names()));
        }
        operations.iter().map(|operation| live(members, operation)).collect()
    }

    fn dated(self, date: Option<Timestamp>) -> Self {
        self.into_iter().map(|live| live.dated(date)).collect()
    }

    /// One refusal is all that is said, so what it means to one of them is said of each.
    fn refused(refusal: Refusal, operations: &[Arc<Operation>]) -> Reply<Self> {
        let is_all = operations.iter().all(|operation| operation.absent == Absent::NotConnected);
        match operations.first().filter(|_| is_all) {
            Some(operation) => Live::refused(refusal, operation).map(|live| vec![live; operations.len()]),
            None => Reply::Refused(refusal),
        }
    }
}

/// Whether a reply has nothing of what these operations' reads answer.
fn is_foreign<'o>(members: &BodyMembers<'_>, operations: impl Iterator<Item = &'o Operation>) -> bool {
    let mut known = BESIDE.to_vec();
    for operation in operations {
        match operation.at.split('.').next() {
            Some("") | None => known.extend(operation.fields.names()),
            Some(first) => known.push(first),
        }
    }
    members.is_foreign(&known)
}

/// The settings of an operation in a reply.
fn live(members: &BodyMembers<'_>, operation: &Operation) -> Result<Live, Misshapen> {
    let settings: Option<RawObject> = match &*operation.at {
        "" => Some(members.without(&BESIDE)?),
        at => members.inside(at, BodyMembers::optional)?,
    };
    let settings = match (settings, operation.absent) {
        (Some(settings), _) => settings,
        // A reply without what they would be in says nothing of them.
        (None, Absent::Empty) if is_placed(members, &operation.at)? => RawObject::default(),
        (None, Absent::Empty) => return Err(Misshapen(members.names())),
        (None, Absent::NotConnected) => return Ok(Live::NotConnected(None)),
    };
    let owner: Option<Box<RawValue>> = match &operation.owner {
        Owner::Beside(at) => {
            members.inside(at, |members, name| Ok(members.get(name).map(ToOwned::to_owned)))?
        }
        Owner::Inside(_) | Owner::Unproven => None,
    };
    Ok(Live::Connected(settings.owned_by(owner), None))
}

/// Whether the object that the settings would be in is there.
fn is_placed(members: &BodyMembers<'_>, at: &str) -> Result<bool, Misshapen> {
    let Some((parent, _)) = at.rsplit_once('.') else { return Ok(true) };
    let parent: Option<RawObject> = members.inside(parent, BodyMembers::optional)?;
    Ok(parent.is_some())
}

#[cfg(test)]
mod tests {
    use orgwave_core::operation::Catalog;
    use orgwave_core::redactor::Redactor;

    use super::*;

    fn operation(name: &str) -> Arc<Operation> {
        Catalog::built_in().get(name).unwrap().clone()
    }

    fn read<A: ReplyBody>(of: &A::Of, body: &str) -> Result<A, String> {
        let members = BodyMembers::parse(body.as_bytes()).unwrap();
        A::read(&members, Words(&Redactor::default()), of).map_err(|Misshapen(found)| found)
    }

    fn shown(live: Live) -> (Option<String>, Option<String>) {
        match live {
            Live::Connected(settings, _) => {
                (Some(settings.text()), settings.owner().map(|owner| owner.get().to_owned()))
            }
            Live::NotConnected(_) => (None, None),
        }
    }

    #[test]
    fn settings_and_owner_lie_where_the_description_says() {
        let retention = operation("data-retention");
        let one = |body| shown(read::<Live>(&retention, body).unwrap());
        let owner = Some("\"AAAAAAAAAAAAAAAAAAAAAA\"".to_owned());
        assert_eq!(
            one(
                r#"{"org":{"uuid":"AAAAAAAAAAAAAAAAAAAAAA","dataRetentionSettings":{"faceEventRetentionDays": 30}},"error":false}"#
            ),
            (Some(r#"{"faceEventRetentionDays":30}"#.into()), owner.clone())
        );
        // Settings that were never set are written as new.
        for body in [
            r#"{"org":{"uuid":"AAAAAAAAAAAAAAAAAAAAAA"}}"#,
            r#"{"org":{"uuid":"AAAAAAAAAAAAAAAAAAAAAA","dataRetentionSettings":null}}"#,
        ] {
            assert_eq!(one(body), (Some("{}".into()), owner.clone()), "{body}");
        }
        for body in [
            r#"{"org":5}"#,
            r#"{"organization":{}}"#,
            r#"{"org":{"dataRetentionSettings":[]}}"#,
            r#"{"org":null}"#,
            r#"{"error":false}"#,
        ] {
            assert!(read::<Live>(&retention, body).is_err(), "{body}");
        }
    }

    #[test]
    fn one_reply_has_the_settings_of_several_operations() {
        let operations = [operation("org-mfa"), operation("data-retention")];
        assert_eq!(operations[0].read, operations[1].read);
        let body = r#"{"org":{"uuid":"AAAAAAAAAAAAAAAAAAAAAA","dataRetentionSettings":{"a":1}}}"#;
        let all: Vec<Live> = read(&operations[..], body).unwrap();
        let all: Vec<_> = all.into_iter().map(|live| shown(live).0.unwrap()).collect();
        assert_eq!(
            all,
            [r#"{"uuid":"AAAAAAAAAAAAAAAAAAAAAA","dataRetentionSettings":{"a":1}}"#, r#"{"a":1}"#]
        );
    }

    #[test]
    fn an_error_is_no_connection_only_where_absence_is_allowed() {
        let error = || Refusal { http_status: 200, kind: RefusalKind::Error, message: "no".into() };
        let meaning = |name: &str| Live::refused(error(), &operation(name));
        assert!(matches!(meaning("envoy"), Reply::Good(Live::NotConnected(Some(_)))));
        assert!(matches!(meaning("data-retention"), Reply::Refused(_)));
    }

    #[test]
    fn a_reply_may_be_the_settings_itself() {
        let text = r#"
            format = 1
            name = "root"
            title = "Root"
            about = "The reply itself."
            read = { path = "/api/org/getRoot", at = "" }
            write = { path = "/api/org/updateRoot", body = "whole" }
            owner = { at = "orgUuid" }
            absent = "empty"
            [fields]
            on = "bool"
            orgUuid = { type = "ruuid", class = "identity" }
        "#;
        let catalog = Catalog::built_in().with(text, "root.toml").unwrap();
        let root = catalog.get("root").unwrap();
        let body = r#"{"error":false,"on":true,"a\"b":1.0,"errorMsg":null}"#;
        assert_eq!(shown(read::<Live>(root, body).unwrap()).0.unwrap(), r#"{"on":true,"a\"b":1.0}"#);
        assert!(read::<Live>(root, r#"{"html":1}"#).is_err());
    }
}
