//! The Envoy integration: visitors and badges of Envoy at an org's doors.
//!
//! Source: the seed page's `IEnvoyType` and the schemas below it, plus `badgeFaceVerificationMode` and
//! `createAccessAnomalyAlerts`, which are newer than the seed.

use std::sync::{Arc, LazyLock};

use super::{
    Call, Class, Confession, Discriminator, Examples, Field, Fields, Form, Kind, OnePlace, Operation, Risky,
    SideTable,
};

pub(super) const NAME: &str = "envoy";

const MIB: usize = 1024 * 1024;

/// The description.
pub(super) fn operation() -> Arc<Operation> {
    static DESCRIBED: LazyLock<Arc<Operation>> = LazyLock::new(|| Arc::new(describe()));
    Arc::clone(&DESCRIBED)
}

fn describe() -> Operation {
    let fields = fields();
    let table = |name: &str, key_column: &str, map: &str| {
        let map = fields.get(map).expect("the map of a side table is described").clone();
        Arc::new(SideTable { name: name.into(), key_column: key_column.into(), map })
    };
    Operation {
        name: NAME.into(),
        title: "Envoy".into(),
        absent: "the org has no Envoy settings".into(),
        read: Call { path: "/api/integrations/serviceManagement/getEnvoyIntegration".into(), cap: 8 * MIB },
        write: Call { path: "/api/integrations/serviceManagement/updateEnvoyIntegrationV2".into(), cap: MIB },
        at: "orgIntegrationV2".into(),
        wrap: "envoySettings".into(),
        owner: Some("orgUuid".into()),
        discriminator: Some(Discriminator { member: "integration".into(), is: "ENVOY".into() }),
        watch: vec!["envoyIntegrationInstalled".into(), "tokenValid".into()],
        tables: vec![
            table("doors", "door_key", "doorInfoMap"),
            table("locations", "location_key", "locationInfoMap"),
            table("users", "user_key", "envoyUserSettingsMap"),
        ],
        confesses: confesses().map(Arc::new).into(),
        one_place: Some(OnePlace {
            map: "doorInfoMap".into(),
            name: "doorName".into(),
            place: "locationUuid".into(),
            words: "a door would be in two locations".into(),
            advice: "give the doors different names, or one of them another location".into(),
        }),
        examples: Examples {
            field: "saveClips".into(),
            entry: "doorInfoMap.<key>".into(),
            member: "doorInfoMap.<key>.doorName".into(),
        },
        fields,
    }
}

fn fields() -> Fields {
    use Class::{Audit, Identity, Secret, ServerState};
    use Kind::{Bool, Opaque, Ruuid, Text, Texts};

    let modes = ["OFF", "SHADOW", "SUPERVISED", "AUTO"].map(Into::into).into();
    Fields::top([
        protection("alertUnauthorizedFaces", "alerts on unauthorized faces are turned off"),
        Field::new("apiToken", Text).of(Secret),
        Field::new("badgeAuthDisablesAlarmMonitoring", Bool).risks(
            [Risky::Is(true)],
            "badges disarm the alarm monitoring",
            true,
        ),
        Field::new("badgeFaceVerificationMode", Kind::Enum(modes)).risks(
            [Risky::Word("OFF".into()), Risky::Null],
            "faces are no longer compared with badges",
            false,
        ),
        protection("createAccessAnomalyAlerts", "alerts on access anomalies are turned off"),
        Field::new("createSeekPoints", Bool),
        Field::new("doorInfoMap", map(doors())),
        Field::new("doorsValidated", Bool).of(ServerState),
        protection("enabled", "the integration is turned off"),
        Field::new("envoyIntegrationInstalled", Bool).of(ServerState),
        Field::new("envoyUserSettingsMap", map(users())),
        Field::new("identifyFacesFromBadge", Bool),
        Field::new("indexFaces", Bool),
        Field::new("integration", Text).of(Class::Discriminator),
        Field::new("integrationAuditMap", Opaque).of(Audit),
        Field::new("locationInfoMap", map(locations())),
        Field::new("misconfiguredDoors", Texts).of(ServerState),
        Field::new("orgUuid", Ruuid).of(Identity),
        Field::new("refreshToken", Text).of(Secret),
        Field::new("saveClips", Bool),
        Field::new("tokenValid", Bool).of(ServerState),
        Field::new("userUuid", Ruuid).of(Identity),
    ])
}

fn doors() -> Fields {
    Fields::new([
        Field::new("assignedCameraList", Kind::Cameras),
        Field::new("clipDuration", Kind::Int32),
        Field::new("doorName", Kind::Text),
        Field::new("leadingSeconds", Kind::Int32),
        Field::new("locationUuid", Kind::Ruuid),
        Field::new("remoteUnlock", Kind::Bool).risks(
            [Risky::Is(true)],
            "doors can be unlocked remotely",
            false,
        ),
        Field::new("subLocationsHierarchyKey", Kind::HierarchyKey),
    ])
}

fn locations() -> Fields {
    Fields::new([Field::new("assignedCameraList", Kind::Cameras), Field::new("locationName", Kind::Text)])
}

fn users() -> Fields {
    Fields::new([Field::new("guestsEnabled", Kind::Bool), Field::new("packagesEnabled", Kind::Bool)])
}

/// A map of such entries.
fn map(members: Fields) -> Kind {
    Kind::Map(Arc::new(Field::new("", Kind::Object(members))))
}

/// A protection that is off with `false` and without a value.
fn protection(name: &str, effect: &str) -> Field {
    Field::new(name, Kind::Bool).risks([Risky::Is(false), Risky::Null], effect, false)
}

fn confesses() -> [Confession; 3] {
    [
        Confession {
            member: "misconfiguredDoors".into(),
            column: "misconfigured_doors".into(),
            about: "doors that are in more than one location, separated by `;`".into(),
            form: Form::Names,
            words: "doors in more than one location".into(),
            label: "doors in two locations".into(),
            advice: "in Envoy, leave each door of misconfigured_doors in one location only".into(),
        },
        Confession {
            member: "failedGuids".into(),
            column: "failed_guids".into(),
            about: "ids that the vendor rejected, separated by `;`".into(),
            form: Form::Ids,
            words: "ids that the vendor rejected".into(),
            label: "rejected ids".into(),
            advice: "check that each id of failed_guids still exists in this org".into(),
        },
        Confession {
            member: "warningMsg".into(),
            column: "warning".into(),
            about: "the vendor's message with an accepted write".into(),
            form: Form::Text,
            words: "a message of the vendor".into(),
            label: "warning".into(),
            advice: "the settings are live; read the vendor's warning".into(),
        },
    ]
}
