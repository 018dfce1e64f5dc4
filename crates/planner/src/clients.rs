//! The partner's client list, and what it says of an org.

use std::collections::HashMap;

use orgwave_core::alike::differing;
use orgwave_core::code::Code;
use orgwave_core::ids::Ruuid;
use orgwave_core::legible::{quoted, without_commands};
use orgwave_core::names::comparable;
use orgwave_core::outcome::OrgError;
use orgwave_core::reply::{ClientList, Listed, UnreadableClient};
use orgwave_executor::ports::{Clock, ReadApi};
use orgwave_executor::survey::client_list;

use crate::error::Error;
use crate::reads::Reads;
use crate::warning::Warning;

/// Records that are named one by one where they can't be read.
const SHOWN: usize = 20;

/// Asks for the list once, and warns of each record that can't be read.
///
/// # Errors
/// [`Error::Stopped`]: the key is refused, or the list can't be had.
pub async fn ask<C: Clock, A: ReadApi>(reads: &mut Reads<'_, C, A>) -> Result<ClientList, Error> {
    let list = client_list(reads.api, reads.gate, reads.control).await.map_err(Error::Stopped)?;
    for unreadable in list.unreadable.iter().take(SHOWN) {
        (reads.warn)(&Warning::UnreadableClient(unreadable.clone()));
    }
    if let Some(more) = list.unreadable.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        (reads.warn)(&Warning::MoreUnreadableClients(more));
    }
    Ok(list)
}

/// The list, by org.
pub struct Clients {
    listed: HashMap<Ruuid, Listed>,
    unreadable: Vec<UnreadableClient>,
}

impl Clients {
    /// The list, to be looked up. Of several records of an org, those that close it count.
    pub fn new(list: ClientList) -> Self {
        let mut listed: HashMap<Ruuid, Listed> = HashMap::with_capacity(list.clients.len());
        for client in list.clients {
            let org = listed.entry(client.org).or_insert_with(|| client.clone());
            if closed(org).is_none() {
                *org = client;
            }
        }
        Self { listed, unreadable: list.unreadable }
    }

    /// The live name.
    pub fn name(&self, org: &Ruuid) -> Option<&str> {
        self.listed.get(org)?.name.as_deref()
    }

    /// Whether an org may be written as far as the list says: it is there, it has this name, and it is open to the
    /// partner.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, org: &Ruuid, name: Option<&str>) -> Result<(), OrgError> {
        let org_error = |code, message| OrgError { code, message, http_status: None };
        let Some(listed) = self.listed.get(org) else {
            return Err(org_error(Code::OrgUnlisted, self.absent(org)));
        };
        let live = listed.name.as_deref().unwrap_or("").trim();
        if let Some(name) = name.map(str::trim)
            && comparable(name) != comparable(live)
        {
            let places = differing(name, live).map(|places| format!(": {places}")).unwrap_or_default();
            let message = format!("expected the name {}, found {}{places}", quoted(name), quoted(live));
            return Err(org_error(Code::OrgName, message));
        }
        closed(listed).map_or(Ok(()), |(code, message)| Err(org_error(code, message.to_owned())))
    }

    fn absent(&self, org: &Ruuid) -> String {
        if let Some(record) = self.unreadable.iter().find(|record| record.org == Some(*org)) {
            return format!("its record in the partner's client list can't be read: {}", record.why);
        }
        match self.unreadable.len() {
            0 => "not among the partner's client orgs".to_owned(),
            1 => "not among the partner's client orgs, one of which can't be read".to_owned(),
            count => format!("not among the partner's client orgs, {count} of which can't be read"),
        }
    }
}

/// An org's name as a manifest's `org_name` can assert it. `None` with control characters, which a manifest doesn't take,
/// and with a command for CI systems, which would act in the log of the job that prints the manifest. A name that was
/// changed would block the org; none asserts nothing.
pub fn name_in_a_cell(listed: &Listed) -> Option<&str> {
    let name = listed.name.as_deref().unwrap_or("").trim();
    (!name.chars().any(char::is_control) && without_commands(name) == name).then_some(name)
}

/// Why a listed org can't be written, if it can't. What the list doesn't say is no reason.
pub fn closed(listed: &Listed) -> Option<(Code, &'static str)> {
    if listed.deactivated == Some(true) {
        Some((Code::OrgDeactivated, "the client list says that the org is deactivated"))
    } else if listed.access_allowed == Some(false) {
        Some((Code::OrgNoAccess, "the client list says that the client doesn't allow partner access"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(letter: char) -> Ruuid {
        format!("{}A", letter.to_string().repeat(21)).parse().unwrap()
    }

    fn listed(letter: char, access_allowed: Option<bool>, deactivated: Option<bool>) -> Listed {
        Listed { org: org(letter), name: Some(" Zo\u{eb} ".to_owned()), access_allowed, deactivated }
    }

    fn code(clients: &Clients, letter: char, name: Option<&str>) -> Option<Code> {
        clients.judge(&org(letter), name).err().map(|org_error| org_error.code)
    }

    #[test]
    fn what_the_list_says_blocks_and_what_it_does_not_say_does_not() {
        let clients = vec![
            listed('A', None, None),
            listed('B', Some(true), Some(false)),
            listed('C', Some(false), None),
            listed('D', Some(true), Some(true)),
            // Two records of one org: the one that closes it counts, whichever comes first.
            listed('E', Some(false), None),
            listed('E', Some(true), None),
            listed('F', Some(true), None),
            listed('F', Some(false), None),
        ];
        let clients = Clients::new(ClientList { clients, unreadable: Vec::new() });
        for (letter, expected) in [
            ('A', None),
            ('B', None),
            ('C', Some(Code::OrgNoAccess)),
            ('D', Some(Code::OrgDeactivated)),
            ('E', Some(Code::OrgNoAccess)),
            ('F', Some(Code::OrgNoAccess)),
            ('G', Some(Code::OrgUnlisted)),
        ] {
            assert_eq!(code(&clients, letter, None), expected, "{letter}");
        }
        assert_eq!(code(&clients, 'A', Some("Zoe\u{308}")), None);
        assert_eq!(code(&clients, 'A', Some("Zoe")), Some(Code::OrgName));
    }

    #[test]
    fn an_org_with_an_unreadable_record_is_blocked_saying_so() {
        let record = |org| UnreadableClient { place: 1, org, name: None, why: "no `x`".to_owned() };
        let unreadable = vec![record(Some(org('A'))), record(None)];
        let clients = Clients::new(ClientList { clients: vec![listed('B', None, None)], unreadable });
        let said = |letter| clients.judge(&org(letter), None).unwrap_err().message;
        assert_eq!(said('A'), "its record in the partner's client list can't be read: no `x`");
        assert_eq!(said('C'), "not among the partner's client orgs, 2 of which can't be read");
        assert!(clients.judge(&org('B'), None).is_ok());
    }
}
