//! The partner's client orgs.

use orgwave_core::ids::Ruuid;
use serde::Deserialize;

use crate::answer::Answer;
use crate::members::{Members, Misshapen};
use crate::message::Words;

/// A client org, as the partner's list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub org: Ruuid,
    /// Its name, exactly as it came: whoever shows it cleans it. Names are not unique.
    pub name: Option<String>,
    /// Whether the client lets the partner in, if the list says so.
    pub access_allowed: Option<bool>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "clientOrgUuid")]
    org: Ruuid,
    #[serde(rename = "clientOrgName")]
    name: Option<String>,
    #[serde(rename = "clientAccessAllowed")]
    access_allowed: Option<bool>,
}

impl Answer for Vec<Client> {
    const EXPECTED: &'static str = "the client list, a list `clients` of objects with `clientOrgUuid`";

    fn read(members: &Members<'_>, _: Words<'_>) -> Result<Self, Misshapen> {
        let list: Vec<Wire> = members.list("clients")?;
        Ok(list
            .into_iter()
            .map(|Wire { org, name, access_allowed }| Client { org, name, access_allowed })
            .collect())
    }
}
