//! Whose settings were read, and whether they may be sent back.
//!
//! The org of a call stands in a header that no reply repeats. A lost header would read, and then write, the
//! partner's own org, so the settings themselves must say whose they are.

use serde_json::Value;

use crate::code::Code;
use crate::ids::Ruuid;
use crate::outcome::Complaint;
use crate::settings::{FIELDS, Path, RawObject};

/// Whether settings say whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// They name the org that was asked for.
    Proven,
    /// They name no org.
    Unproven,
}

/// Whether these are the Envoy settings of this org.
///
/// # Errors
/// They name another org, or another integration.
pub fn whose(org: &Ruuid, object: &RawObject) -> Result<Ownership, Complaint> {
    if let Some(raw) = object.get("integration").map(serde_json::value::RawValue::get)
        && !matches!(raw, "null" | "\"ENVOY\"")
    {
        return Err(complaint(
            Code::OrgIntegration,
            format!("these are settings of {raw:.60}, not of \"ENVOY\""),
        ));
    }
    let named = object.get("orgUuid").map(|raw| serde_json::from_str::<Value>(raw.get()));
    match named {
        None | Some(Ok(Value::Null)) => Ok(Ownership::Unproven),
        Some(Ok(Value::String(text))) if text.parse::<Ruuid>().is_ok_and(|named| named == *org) => {
            Ok(Ownership::Proven)
        }
        Some(other) => {
            let found = other.map_or_else(|_| "something unreadable".to_owned(), |value| value.to_string());
            Err(complaint(Code::OrgOther, format!("asked for {org}, and settings of {found:.60} came back")))
        }
    }
}

/// Whether sending the object back would write a masked secret over the real one. Secrets that are managed
/// are replaced, so they are no hazard.
pub fn echo_hazard<'a>(object: &RawObject, managed: impl Iterator<Item = &'a Path>) -> Option<Complaint> {
    let managed: Vec<&str> = managed.map(|path| path.field().name).collect();
    FIELDS.iter().filter(|field| field.is_secret() && !managed.contains(&field.name)).find_map(|field| {
        let raw = object.get(field.name)?;
        let text: Option<String> = serde_json::from_str(raw.get()).ok().flatten();
        crate::secret::is_masked(&text?).then(|| {
            complaint(
                Code::OrgMaskedSecret,
                format!(
                    "{} came back masked, and sending it back would destroy it: supply it in the row",
                    field.name
                ),
            )
        })
    })
}

fn complaint(code: Code, message: String) -> Complaint {
    Complaint { code, message, http_status: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &str) -> Result<Ownership, Code> {
        let org: Ruuid = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        whose(&org, &RawObject::parse(settings).unwrap()).map_err(|complaint| complaint.code)
    }

    #[test]
    fn settings_must_name_the_org() {
        assert_eq!(
            check(r#"{"orgUuid":"AAAAAAAAAAAAAAAAAAAAAA","integration":"ENVOY"}"#),
            Ok(Ownership::Proven)
        );
        assert_eq!(check(r#"{"orgUuid":"AAAAAAAAAAAAAAAAAAAAAB"}"#), Ok(Ownership::Proven));
        assert_eq!(check(r#"{"orgUuid":null}"#), Ok(Ownership::Unproven));
        assert_eq!(check("{}"), Ok(Ownership::Unproven));
        assert_eq!(check(r#"{"orgUuid":"BAAAAAAAAAAAAAAAAAAAAA"}"#), Err(Code::OrgOther));
        assert_eq!(check(r#"{"orgUuid":7}"#), Err(Code::OrgOther));
        assert_eq!(check(r#"{"integration":"KISI"}"#), Err(Code::OrgIntegration));
    }

    #[test]
    fn a_masked_secret_is_a_hazard_unless_it_is_replaced() {
        let object = RawObject::parse(r#"{"apiToken":"***","refreshToken":null}"#).unwrap();
        assert_eq!(echo_hazard(&object, [].into_iter()).unwrap().code, Code::OrgMaskedSecret);
        let managed: Path = "apiToken".parse().unwrap();
        assert!(echo_hazard(&object, [&managed].into_iter()).is_none());
    }
}
