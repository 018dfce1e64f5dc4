//! Cells that a person can start from.

use orgwave_core::operation::{Field, Fields, Kind, Operation, Thing};
use serde_json::Value;

use super::{fields, path, prefix};

/// An id as the vendor writes them; which one is not known.
const ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// As many columns as a line of an example has room for.
const COLUMNS: usize = 5;

/// A cell that sets a field: the description's own, or the safest of its type.
pub(super) fn cell(field: &Field) -> String {
    if let Some(example) = &field.example {
        return example.to_string();
    }
    if field.is_secret() {
        return match field.kind {
            Kind::List { .. } => "<secret:ONE>;<secret:OTHER>".to_owned(),
            _ => "<secret:NAME>".to_owned(),
        };
    }
    // Rather a risk than a guard, which would stop the plan that is made of it.
    let danger = |value: &Value| {
        let risks = field.risks.iter().filter(|risk| risk.covers(Some(value), value));
        risks.map(|risk| 1 + usize::from(risk.guard.is_some())).max().unwrap_or(0)
    };
    match &field.kind {
        Kind::Bool => (danger(&Value::Bool(true)) <= danger(&Value::Bool(false))).to_string(),
        Kind::Int32 | Kind::Int64 => "30".to_owned(),
        Kind::Number => "0.5".to_owned(),
        Kind::Enum(words) => {
            let safest = words.iter().min_by_key(|word| danger(&Value::from(&***word)));
            safest.map(ToString::to_string).unwrap_or_default()
        }
        Kind::Ruuid(Some(Thing::Camera)) => "CamLobby0AAAAAAAAAAAAA".to_owned(),
        Kind::Ruuid(Some(Thing::Location)) => "HQ00000000AAAAAAAAAAAA".to_owned(),
        Kind::Ruuid(None) => ID.to_owned(),
        Kind::HierarchyKey => format!("HQ00000000AAAAAAAAAAAA.{ID}"),
        Kind::AddressRange => "192.0.2.0/24".to_owned(),
        Kind::List { of, .. } | Kind::Map(of) => cell(of),
        Kind::Text | Kind::Object(_) | Kind::Opaque => "text".to_owned(),
    }
}

/// A manifest, and the files that it needs beside it, by name.
pub(super) struct Example {
    pub(super) manifest: String,
    /// The rollout file, where there are tables.
    pub(super) rollout: Option<String>,
    pub(super) tables: Vec<(String, String)>,
}

impl Example {
    pub(super) fn of(operation: &Operation) -> Self {
        let columns = fields::settable(operation);
        // A map's entries are in tables; without tables, one of them is shown as a column.
        let mut shown: Vec<&Field> =
            columns.iter().map(AsRef::as_ref).filter(|field| !field.place().contains('*')).collect();
        // Secrets have to be somewhere before a manifest that names them can be checked.
        shown.sort_by_key(|field| field.is_secret());
        shown.truncate(COLUMNS);
        let column = |field: &Field| match &field.kind {
            Kind::Map(_) => format!("{}{}.1234", prefix(operation), path(field)),
            _ => format!("{}{}", prefix(operation), path(field)),
        };
        let line = |first: [&str; 2], cells: Vec<String>| {
            let cells = first.iter().map(ToString::to_string).chain(cells);
            cells.map(|cell| quoted(&cell)).collect::<Vec<_>>().join(",") + "\n"
        };
        let mut manifest = line(["org_uuid", "org_name"], shown.iter().map(|field| column(field)).collect());
        manifest += &line([ID, "Acme Dental"], shown.iter().map(|field| cell(field)).collect());
        let tables: Vec<(String, String)> = operation
            .tables
            .iter()
            .map(|table| {
                let members = table.entry().members();
                let members = members.into_iter().flat_map(Fields::iter);
                let shown: Vec<_> = members
                    .filter(|member| member.class.is_settable() && member.members().is_none())
                    .filter(|member| member.entry().is_none())
                    .collect();
                let mut text = line(
                    ["org_uuid", &table.key_column],
                    shown.iter().map(|member| member.name.to_string()).collect(),
                );
                text += &line([ID, "1234"], shown.iter().map(|member| cell(member)).collect());
                (table.name.to_string(), text)
            })
            .collect();
        let rollout = (!tables.is_empty()).then(|| {
            let mut text = "[rollout]\norgs = \"orgs.csv\"\n".to_owned();
            if !prefix(operation).is_empty() {
                text.extend(["\n[operation.", &operation.name, "]\n"]);
            }
            for (name, _) in &tables {
                text.extend([name, " = \"", name, ".csv\"\n"]);
            }
            text
        });
        Self { manifest, rollout, tables }
    }
}

/// A cell of a CSV.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
