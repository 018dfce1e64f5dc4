//! The calls that only list: clients, locations, cameras, API tokens.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admit::Admitted;
use crate::dice::Dice;
use crate::reply::HttpReply;
use crate::route::Route;
use crate::world::World;
use crate::world::estate::Estate;

/// Every field that a listing request may hold.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ask {
    sub_locations_included: Option<bool>,
    include_mummified: Option<bool>,
    include_deactivated: Option<bool>,
}

pub(super) fn answer(call: &Admitted, route: Route, world: &Arc<World>, body: &[u8]) -> HttpReply {
    // An array would do for serde; the vendor wants an object.
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    let Some(ask) = serde_json::from_slice::<Ask>(body).ok().filter(|_| is_object) else {
        return HttpReply::bad_request("JSON doesn't match expected object structure");
    };
    let estate = || Estate::generate(world.config.seed, call.org.id);
    let body = match route {
        Route::Clients => {
            let deactivated = ask.include_deactivated == Some(true);
            world.client_lists[usize::from(deactivated)].get_or_init(|| clients(world, deactivated)).clone()
        }
        Route::Locations => {
            let mut locations = estate().locations;
            if ask.sub_locations_included != Some(true) {
                for location in &mut locations {
                    location.sub_locations.clear();
                }
            }
            json!({"locations": locations}).to_string().into()
        }
        Route::Cameras => {
            let mut cameras = estate().cameras;
            cameras.retain(|camera| ask.include_mummified == Some(true) || !camera.mummified);
            json!({"cameraStates": cameras}).to_string().into()
        }
        Route::Tokens => {
            let rate = world.config.partner_bucket.or(world.config.org_bucket).map(|quota| quota.rate);
            // Misspelt on the wire.
            json!({"apiTokens": [{"allowedRequetsPerSecond": rate, "name": "provisioning"}]})
                .to_string()
                .into()
        }
        Route::Read | Route::Write => Bytes::new(),
    };
    HttpReply::json(200, body)
}

fn clients(world: &World, deactivated: bool) -> Bytes {
    let seed = world.config.seed;
    let clients: Vec<Value> = world
        .clients
        .iter()
        .filter(|org| org.traits.listed && (deactivated || org.traits.deactivated != Some(true)))
        .map(|org| {
            let mut dice = Dice::new(seed, &[b"client", org.id.as_bytes()]);
            let mut client = json!({
                "clientOrgUuid": org.id,
                "clientOrgName": org.name,
                "clientAccessAllowed": org.traits.access,
                "createdAtMillis": 1_500_000_000_000 + dice.below(200_000_000_000),
                "totalCameras": Estate::camera_count(seed, org.id),
            });
            // Newer than most clients of the API: sent only for orgs that are set up with it.
            if let Some(deactivated) = org.traits.deactivated {
                client["deactivated"] = deactivated.into();
                client["deactivatedAtMillis"] = json!(deactivated.then_some(1_750_000_000_000_u64));
            }
            if let Some(managed) = org.traits.managed_by_msp {
                client["managedByMsp"] = managed.into();
                client["clientSuperAdminAssignable"] = managed.into();
            }
            client
        })
        .collect();
    let body = json!({"clients": clients, "error": false, "errorMsg": null, "warningMsg": null});
    body.to_string().into()
}
