//! The descriptions that are compiled in. Another one is its file and its name in a list here.
//!
//! Each is read when it is first asked for, so a rollout of one operation reads one.

use std::sync::{Arc, OnceLock};

use super::{Operation, Provenance, description};

/// The operation of a rollout that names none.
pub(super) const DEFAULT: &str = "envoy";

macro_rules! descriptions {
    ($($name:literal)*) => {
        /// The names, in the order in which operations are listed.
        pub(super) const NAMES: [&str; [$($name),*].len()] = [$($name),*];
        /// The texts, in the same order.
        const TEXTS: [&str; NAMES.len()] =
            [$(include_str!(concat!("../../operations/", $name, ".toml"))),*];
    };
}

descriptions! {
    "envoy"
    "org-mfa"
    "org-general"
    "login-ip-allowlist"
    "data-retention"
    "org-audio-recording"
    "org-audio-analysis"
    "org-llm"
    "org-ai-training"
    "org-firmware"
    "brivo"
    "butterflymx"
    "genea"
    "avigilon-alta"
    "pdk"
    "placeos"
    "toast"
    "email"
    "pagerduty"
    "servicenow"
    "mattermost"
    "slack"
    "msteams"
    "openai"
    "informacast"
    "shelly"
    "omnialert"
    "dice"
    "lumeo"
    "google-drive"
    "boulevard"
    "scim"
    "face-matching"
    "kisi"
    "inner-range"
    "opentech-alliance"
}

macro_rules! shared {
    ($($name:literal)*) => {
        /// The names of the field sets that descriptions may include.
        pub(super) const SHARED_NAMES: [&str; [$($name),*].len()] = [$($name),*];
        /// Their files, in the same order.
        const SHARED: [(&str, &str); SHARED_NAMES.len()] = [$((
            concat!("operations/shared/", $name, ".toml"),
            include_str!(concat!("../../operations/shared/", $name, ".toml")),
        )),*];
    };
}

shared! {
    "badge"
    "doors"
    "enabled-by"
    "integration"
}

static READ: [OnceLock<Arc<Operation>>; NAMES.len()] = [const { OnceLock::new() }; NAMES.len()];

/// The operation of this name.
pub(super) fn operation(name: &str) -> Option<&'static Arc<Operation>> {
    NAMES.iter().position(|known| *known == name).map(at)
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Arc<Operation>> {
    (0..NAMES.len()).map(at)
}

/// The operation at a place; the tests read each.
fn at(place: usize) -> &'static Arc<Operation> {
    READ[place].get_or_init(|| {
        let file = format!("operations/{}.toml", NAMES[place]);
        let operation = description::read(&file, TEXTS[place], Provenance::BuiltIn);
        Arc::new(operation.unwrap_or_else(|error| panic!("a description that is compiled in: {error}")))
    })
}

/// The file of a field set that descriptions may include: its name and its text.
pub(super) fn shared(name: &str) -> Option<(&'static str, &'static str)> {
    SHARED_NAMES.iter().position(|known| *known == name).map(|place| SHARED[place])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_description_loads_under_its_name() {
        let mut wrong = Vec::new();
        for (name, text) in NAMES.iter().zip(TEXTS) {
            let file = format!("operations/{name}.toml");
            match description::read(&file, text, Provenance::BuiltIn) {
                Ok(operation) => assert_eq!(*operation.name, **name),
                Err(error) => wrong.push(error.to_string()),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let mut codes: BTreeMap<&str, &str> = BTreeMap::new();
        for guard in all().flat_map(|operation| &operation.guards) {
            assert_eq!(*codes.entry(&guard.code).or_insert(&guard.words), &*guard.words, "{}", guard.code);
        }
    }
}
