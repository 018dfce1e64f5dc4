//! Whose settings were read, and whether they may be sent back.
//!
//! The org of a call is in a header that no reply repeats. A lost header would read, and then write, the
//! partner's own org, so the settings themselves must say whose they are.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::code::Code;
use crate::ids::Ruuid;
use crate::operation::{Discriminator, Operation, Owner, Path};
use crate::outcome::OrgError;
use crate::secret::is_masked;
use crate::settings::{RawObject, found_in};

/// Whether settings say whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// They name the org that was asked for.
    Proven,
    /// They name no org.
    Unproven,
}

/// Whether these are the settings of an operation of this org.
///
/// # Errors
/// They name another org, or another integration.
pub fn check_owner(operation: &Operation, org: &Ruuid, object: &RawObject) -> Result<Ownership, OrgError> {
    if let Some(Discriminator { member, is }) = &operation.discriminator
        && let Some(raw) = object.get(member).map(RawValue::get)
        && raw != "null"
        && raw != format!("\"{is}\"")
    {
        let message = format!("these are the settings of {raw:.60}, not of \"{is}\"");
        return Err(org_error(Code::OrgIntegration, message));
    }
    let owner = match &operation.owner {
        Owner::Inside(at) => object.inside(at),
        Owner::Beside(_) => object.owner(),
        Owner::Unproven => None,
    };
    let named = owner.map(|raw| serde_json::from_str::<Value>(raw.get()));
    match named {
        None | Some(Ok(Value::Null)) => Ok(Ownership::Unproven),
        Some(Ok(Value::String(text))) if text.parse::<Ruuid>().is_ok_and(|named| named == *org) => {
            Ok(Ownership::Proven)
        }
        Some(other) => {
            let found = other.map_or_else(|_| "something unreadable".to_owned(), |value| value.to_string());
            Err(org_error(Code::OrgOther, format!("asked for {org}, but got the settings of {found:.60}")))
        }
    }
}

/// Whether sending the object back would write a masked secret over the real one. Secrets that are managed
/// are replaced, so they are no hazard.
pub fn masked_secret<'a>(
    operation: &Operation,
    object: &RawObject,
    managed: impl Iterator<Item = &'a Path>,
) -> Option<OrgError> {
    let managed: Vec<&Path> = managed.collect();
    let covers = |place: &[String]| managed.iter().any(|path| path.leads_to(place));
    let found = found_in(operation, object);
    let masked = found.iter().find(|found| is_masked(found.text.expose()) && !covers(&found.place))?;
    let message = format!(
        "{} was returned masked, and sending it back would destroy it: set it in the row",
        masked.shown
    );
    Some(org_error(Code::OrgMaskedSecret, message))
}

fn org_error(code: Code, message: String) -> OrgError {
    OrgError { code, message, http_status: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &str) -> Result<Ownership, Code> {
        let org: Ruuid = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        check_owner(&Operation::default_one(), &org, &RawObject::parse(settings).unwrap())
            .map_err(|org_error| org_error.code)
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
        let operation = Operation::default_one();
        let object = RawObject::parse(r#"{"apiToken":"***","refreshToken":null}"#).unwrap();
        assert_eq!(masked_secret(&operation, &object, [].into_iter()).unwrap().code, Code::OrgMaskedSecret);
        let managed = operation.path("apiToken").unwrap();
        assert!(masked_secret(&operation, &object, [&managed].into_iter()).is_none());
    }
}
