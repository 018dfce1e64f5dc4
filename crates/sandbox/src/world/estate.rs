//! What an org has besides its settings: locations, cameras, sites. A pure function of seed and org,
//! made anew whenever it is asked for, so that a hundred thousand orgs cost nothing.

use orgwave_core::ids::Ruuid;
use serde::Serialize;

use crate::dice::Dice;

/// What an org has.
#[derive(Debug, Clone, PartialEq)]
pub struct Estate {
    /// The tree of locations; there is at least one, and the first has sub-locations.
    pub locations: Vec<Location>,
    /// Cameras, at least two; the last is retired ("mummified").
    pub cameras: Vec<Camera>,
    /// Locations as the service behind an integration knows them; at least one.
    pub sites: Vec<Site>,
}

/// A location, on the wire as `getLocations` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Its id.
    pub uuid: Ruuid,
    /// Its name.
    pub name: String,
    /// What is inside it.
    pub sub_locations: Vec<Location>,
}

/// A camera, on the wire as `getMinimalCameraStateList` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Camera {
    /// Its id.
    pub uuid: Ruuid,
    /// Its name.
    pub name: String,
    /// Where it hangs.
    pub location_uuid: Ruuid,
    /// Whether it was retired.
    pub mummified: bool,
    /// `GREEN` or `RED`.
    pub connection_status: &'static str,
}

/// A location of the service behind an integration.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its number there; as text, it is a key of the map of locations.
    pub id: i32,
    /// Its name.
    pub name: String,
}

const PLACES: [&str; 6] = ["Headquarters", "Warehouse", "Harbour", "Depot", "Laboratory", "Clinic"];
const PARTS: [&str; 5] = ["Ground floor", "First floor", "East wing", "Yard", "Annex"];
const SPOTS: [&str; 5] = ["Lobby", "Loading dock", "Stairs", "Car park", "Reception"];

impl Estate {
    /// What this org has in the world of this seed.
    pub fn generate(seed: u64, org: Ruuid) -> Self {
        let mut dice = Dice::new(seed, &[b"estate", org.as_bytes()]);
        let locations: Vec<Location> = (0..=dice.below(3))
            .map(|place| {
                let subs = if place == 0 { 1 + dice.below(3) } else { dice.below(3) };
                let name = numbered(&mut dice, &PLACES, place);
                location(&mut dice, name, subs)
            })
            .collect();
        let places: Vec<Ruuid> = locations
            .iter()
            .flat_map(|l| std::iter::once(l.uuid).chain(l.sub_locations.iter().map(|s| s.uuid)))
            .collect();
        let count = Self::camera_count(seed, org);
        let cameras = (0..count)
            .map(|place| Camera {
                uuid: dice.ruuid(),
                name: numbered(&mut dice, &SPOTS, place),
                location_uuid: *dice.pick(&places),
                mummified: place + 1 == count,
                connection_status: if dice.chance(0.9) { "GREEN" } else { "RED" },
            })
            .collect();
        let sites = locations
            .iter()
            .map(|location| Site {
                id: i32::try_from(10_000 + dice.below(900_000)).unwrap_or(i32::MAX),
                name: location.name.clone(),
            })
            .collect();
        Self { locations, cameras, sites }
    }

    /// How many cameras it has, retired ones included: the client list says so for every org.
    pub(crate) fn camera_count(seed: u64, org: Ruuid) -> u64 {
        2 + Dice::new(seed, &[b"cameras", org.as_bytes()]).below(7)
    }
}

fn location(dice: &mut Dice, name: String, subs: u64) -> Location {
    let sub_locations = (0..subs)
        .map(|place| {
            let name = numbered(dice, &PARTS, place);
            location(dice, name, 0)
        })
        .collect();
    Location { uuid: dice.ruuid(), name, sub_locations }
}

/// One of the names and the place, so that names are unique within an org.
fn numbered(dice: &mut Dice, names: &[&str], place: u64) -> String {
    format!("{} {}", dice.pick(names), place + 1)
}
