//! The seed's schemas as types, one to one.
//!
//! Every field is optional and nullable, so each is a [`Tri`]; what isn't known is kept in `other`, as raw
//! JSON. Enums are open: the vendor's grow. The engine itself works on [`RawObject`](super::RawObject), which
//! no surprise in a field that nobody manages can break; these types are for who builds or inspects whole
//! settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Tri;
use crate::ids::{HierarchyKey, Ruuid};

/// Fields that these schemas don't know, exactly as they came.
pub type Other = BTreeMap<String, Value>;

/// `Integration_UpdateEnvoyIntegrationV2WSRequest`: the body of an update.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateRequest {
    /// The settings to write.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub envoy_settings: Tri<EnvoySettings>,
}

/// `Integration_UpdateOrgIntegrationsWSResponse`: what an update answers with status 200.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateResponse {
    /// The integration itself must be connected anew.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub auth_error: Tri<bool>,
    /// The update failed, in spite of status 200.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub error: Tri<bool>,
    /// Why.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub error_msg: Tri<String>,
    /// GUIDs that failed to update.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub failed_guids: Tri<Vec<Option<String>>>,
    /// Names of doors that are assigned to more than one location.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub misconfigured_doors: Tri<Vec<Option<String>>>,
    /// A warning of an update that succeeded.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub warning_msg: Tri<String>,
}

/// `IEnvoyType`: the Envoy settings of an org.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvoySettings {
    /// Alert on faces that don't belong to the badge.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub alert_unauthorized_faces: Tri<bool>,
    /// A secret.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub api_token: Tri<String>,
    /// A badge disarms the alarm monitoring.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub badge_auth_disables_alarm_monitoring: Tri<bool>,
    /// Newer than the seed.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub badge_face_verification_mode: Tri<String>,
    /// Alert on unusual access.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub create_access_anomaly_alerts: Tri<bool>,
    /// Mark events in the footage.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub create_seek_points: Tri<bool>,
    /// Doors by the third party's key.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub door_info_map: Tri<BTreeMap<String, Option<DoorInfo>>>,
    /// Server state.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub doors_validated: Tri<bool>,
    /// The integration is on.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub enabled: Tri<bool>,
    /// Server state.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub envoy_integration_installed: Tri<bool>,
    /// Settings of users.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub envoy_user_settings_map: Tri<BTreeMap<String, Option<UserSettings>>>,
    /// Tell faces by their badges.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub identify_faces_from_badge: Tri<bool>,
    /// Index faces.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub index_faces: Tri<bool>,
    /// Here `ENVOY`; an open enum.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub integration: Tri<String>,
    /// Server audit.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub integration_audit_map: Tri<BTreeMap<String, AuditEvent>>,
    /// Locations by their Envoy id.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub location_info_map: Tri<BTreeMap<String, Option<LocationInfo>>>,
    /// Server state: doors in more than one location.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub misconfigured_doors: Tri<Vec<Option<String>>>,
    /// Whose settings these are.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub org_uuid: Tri<Ruuid>,
    /// A secret.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub refresh_token: Tri<String>,
    /// Keep clips.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub save_clips: Tri<bool>,
    /// Server state: the connection to Envoy works.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub token_valid: Tri<bool>,
    /// Who connected it.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub user_uuid: Tri<Ruuid>,
    /// Fields that aren't known.
    #[serde(flatten)]
    pub other: Other,
}

/// `BadgeIntegrationDoorInfoType`: one door.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoorInfo {
    /// Cameras that watch the door.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub assigned_camera_list: Tri<Vec<Option<Ruuid>>>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub clip_duration: Tri<i32>,
    /// The door's name.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub door_name: Tri<String>,
    /// Seconds before the event.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub leading_seconds: Tri<i32>,
    /// The location it is in.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub location_uuid: Tri<Ruuid>,
    /// It may be unlocked from afar.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub remote_unlock: Tri<bool>,
    /// Where in the tree of locations it is.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub sub_locations_hierarchy_key: Tri<HierarchyKey>,
    /// Fields that aren't known.
    #[serde(flatten)]
    pub other: Other,
}

/// `EnvoyLocationInfoType`: one Envoy location.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationInfo {
    /// Cameras of the location.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub assigned_camera_list: Tri<Vec<Option<Ruuid>>>,
    /// The location's name.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub location_name: Tri<String>,
    /// Fields that aren't known.
    #[serde(flatten)]
    pub other: Other,
}

/// `EnvoyUserSettings`: what a user may do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSettings {
    /// May have guests.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub guests_enabled: Tri<bool>,
    /// May have packages.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub packages_enabled: Tri<bool>,
    /// Fields that aren't known.
    #[serde(flatten)]
    pub other: Other,
}

/// `IntegrationAuditEvent`: who changed what, and when.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Epoch milliseconds.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub enabled_timestamp_ms: Tri<i64>,
    /// `UPDATE` or `DELETE`; an open enum.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub integration_audit_event: Tri<String>,
    /// The user's name.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub user: Tri<String>,
    /// The user's id.
    #[serde(default, skip_serializing_if = "Tri::is_absent")]
    pub user_uuid: Tri<Ruuid>,
    /// Fields that aren't known.
    #[serde(flatten)]
    pub other: Other,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::FIELDS;

    #[test]
    fn every_field_of_the_catalog_is_a_field_of_the_type() {
        for field in FIELDS {
            let object = json!({ field.name: null });
            let settings: EnvoySettings = serde_json::from_value(object.clone()).unwrap();
            assert!(settings.other.is_empty(), "{} isn't in the type", field.name);
            assert_eq!(serde_json::to_value(settings).unwrap(), object);
        }
        for (map, other) in
            FIELDS.iter().filter_map(|field| Some((field, field.map()?))).map(|(field, spec)| {
                let entry: serde_json::Map<_, _> =
                    spec.members.iter().map(|member| (member.name.to_owned(), Value::Null)).collect();
                let object = json!({ field.name: { "key": entry } });
                (field.name, serde_json::from_value::<EnvoySettings>(object).unwrap())
            })
        {
            let others = [
                other.door_info_map.value().and_then(|m| m["key"].as_ref()).map(|e| &e.other),
                other.location_info_map.value().and_then(|m| m["key"].as_ref()).map(|e| &e.other),
                other.envoy_user_settings_map.value().and_then(|m| m["key"].as_ref()).map(|e| &e.other),
            ];
            assert!(others.into_iter().flatten().all(BTreeMap::is_empty), "{map}");
        }
    }

    #[test]
    fn unknown_fields_and_enum_values_pass_through() {
        let text = json!({"enabled": null, "integration": "TOMORROW", "new": {"a": [1]}, "saveClips": true});
        let settings: EnvoySettings = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(settings.enabled, Tri::Null);
        assert_eq!(settings.index_faces, Tri::Absent);
        assert_eq!(serde_json::to_value(settings).unwrap(), text);
    }
}
