//! An org as the vendor holds it. Values are kept as the very text of their JSON: a number that no float can hold must
//! come back as it was.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// An org of the partner.
#[derive(Debug, Clone)]
pub(crate) struct Org {
    /// Its id.
    pub(crate) uuid: String,
    /// Its name in the client list.
    pub(crate) name: String,
    /// Names of its settings, each with its JSON.
    pub(crate) settings: BTreeMap<String, String>,
    /// Whether the integration was ever connected.
    pub(crate) connected: bool,
}

/// The id of the n-th org of a test: well-formed, canonical, and every 64th begins with `-`.
pub(crate) fn uuid(n: usize) -> String {
    const ALPHABET: &[u8; 64] = b"-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let digit = |place: usize| char::from(ALPHABET[n / place % 64]);
    format!("{}{}{}e2eAAAAAAAAAAAAAAAw", digit(1), digit(64), digit(4096))
}

impl Org {
    /// The n-th org of a test, with settings of every kind: managed and not, known and unknown.
    pub(crate) fn new(n: usize) -> Self {
        let uuid = uuid(n);
        let settings = parse(&format!(
            r#"{{"integration":"ENVOY","orgUuid":"{uuid}","userUuid":"AAAAAAAAAAAAAAAAAAAAAA","enabled":true,
            "saveClips":false,"indexFaces":null,"createSeekPoints":true,"badgeFaceVerificationMode":"OFF",
            "badgeAuthDisablesAlarmMonitoring":false,"tokenValid":true,"envoyIntegrationInstalled":true,
            "doorsValidated":false,"misconfiguredDoors":[null],
            "doorInfoMap":{{"d.1":{{"doorName":"Front {n}","clipDuration":30,"remoteUnlock":null,
            "newDoorField":[1,{{"deep":1e400}}]}},"d2":null}},
            "locationInfoMap":{{"7":{{"locationName":"HQ"}}}},"envoyUserSettingsMap":null,
            "integrationAuditMap":{{"1700000000000":{{"enabledTimestampMs":1700000000000,"user":null}}}},
            "futureNumber":123456789012345678901234567890,"futureFloat":1.50e-7,"futureNull":null,
            "futureText":"\u0000 \ud83d\ude00 caf\u00e9 \/","futureObject":{{"b":1,"a":[{{}},[],null,-0.0]}}}}"#
        ));
        Self { uuid, name: format!("Org {n}"), settings, connected: true }
    }

    /// With another value.
    pub(crate) fn with(mut self, name: &str, json: &str) -> Self {
        self.settings.insert(name.to_owned(), json.to_owned());
        self
    }

    /// Without a value.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.settings.remove(name);
        self
    }

    /// With another name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// That never connected the integration.
    pub(crate) fn not_connected(mut self) -> Self {
        self.connected = false;
        self
    }

    /// Its settings as one JSON object.
    pub(crate) fn object(&self) -> String {
        let fields: Vec<String> =
            self.settings.iter().map(|(name, json)| format!("{}:{json}", quoted(name))).collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// The fields of a JSON object, each with its own text.
pub(crate) fn parse(object: &str) -> BTreeMap<String, String> {
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(object).unwrap();
    fields.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect()
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}
