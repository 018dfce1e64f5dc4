//! All operations that are compiled in, in one rollout: every setting of each is given another value, checked, planned,
//! applied, verified, exported and undone. What was sent is judged by the vendor, which refuses what isn't the caller's
//! to set and blanks what a projected body leaves out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use orgwave_core::manifest::write_cell;
use orgwave_core::operation::{Body, Catalog, Class, Field, Kind, Operation};
use orgwave_sandbox::Route;
use serde_json::{Value, json};

use crate::desk::{Desk, Ended, FAST, acks, rows};
use crate::org::{quoted, uuid};
use crate::secrets::assert_none;
use crate::vendor::{Fault, Vendor};

/// Nothing that is sent in part or too much goes unnoticed.
const EXACT: &str = "seed = 11\nstrict = true\nblank_absent = true\nunaudited = true";

/// For commands that take no other flags of pace.
const UNLIMITED: &str = "--rate unlimited --org-rate unlimited";

/// An entry that no org has.
const ADDED: &str = "added.1";

/// Where a value is: names and keys.
type Place = Vec<String>;

/// What is asked of an org.
#[derive(Default)]
struct Asked {
    /// The cells of its row, by column.
    cells: BTreeMap<String, String>,
    /// The lines of side tables: by operation and table, then by key; cells by column.
    lines: BTreeMap<(String, String), BTreeMap<String, BTreeMap<String, String>>>,
    /// What is live afterwards.
    values: Vec<(Arc<Operation>, Place, Value)>,
    /// The secrets that its cells name, and where they go.
    secrets: Vec<(Arc<Operation>, Place, Value)>,
}

impl Asked {
    fn all(vendor: &Vendor, org: &str) -> Self {
        Self::of(&Catalog::built_in(), vendor, org)
    }

    fn of(catalog: &Catalog, vendor: &Vendor, org: &str) -> Self {
        let mut asked = Self::default();
        for operation in catalog.iter() {
            let live = vendor.settings_of(org, &operation.name);
            for field in operation.fields.iter() {
                asked.field(operation, field, &[field.name.to_string()], &live[&*field.name]);
            }
        }
        asked
    }

    fn field(&mut self, operation: &Arc<Operation>, field: &Field, place: &[String], live: &Value) {
        let below = |name: &str| [place, &[name.to_owned()]].concat();
        match &field.kind {
            _ if field.unsettable().is_some() => {}
            _ if field.is_secret() => {
                let value = self.secret(field);
                let name = |value: &Value| format!("<secret:{}>", name_of(value.as_str().unwrap()));
                let cell = match &value {
                    Value::Array(items) => items.iter().map(name).collect::<Vec<_>>().join(";"),
                    value => name(value),
                };
                self.cell(operation, place, cell);
                self.secrets.push((operation.clone(), place.to_vec(), value));
            }
            Kind::Object(members) => {
                for member in members.iter() {
                    self.field(operation, member, &below(&member.name), &live[&*member.name]);
                }
            }
            Kind::Map(entry) => {
                let first = live.as_object().and_then(|live| live.keys().next());
                for key in first.into_iter().map(String::as_str).chain([ADDED]) {
                    self.field(operation, entry, &below(key), &live[key]);
                }
            }
            Kind::Opaque => {}
            kind => {
                let value = other(kind, live, self.values.len());
                let cell = write_cell(operation, field, &value)
                    .unwrap_or_else(|| panic!("{} {place:?} {value}", operation.name));
                self.cell(operation, place, cell);
                self.values.push((operation.clone(), place.to_vec(), value));
            }
        }
    }

    /// Writes a cell where it belongs: in the row, or in the line of a side table.
    fn cell(&mut self, operation: &Operation, place: &[String], cell: String) {
        let table = operation.tables.iter().find(|table| *table.map.name == *place[0]);
        let keys = operation.path(&path(place)).unwrap().keys().len();
        match table {
            Some(table) if keys == 1 => {
                let table = (operation.name.to_string(), table.name.to_string());
                let lines = self.lines.entry(table).or_default();
                lines.entry(place[1].clone()).or_default().insert(place[2..].join("."), cell);
            }
            _ => {
                self.cells.insert(format!("{}:{}", operation.name, path(place)), cell);
            }
        }
    }

    /// The texts of the secrets.
    fn sent(&self) -> Vec<String> {
        self.secrets.iter().flat_map(|(_, _, value)| texts(value)).collect()
    }

    /// A secret of its own for each place.
    fn secret(&self, field: &Field) -> Value {
        let (count, of) = match &field.kind {
            Kind::List { of, .. } => (2, &of.kind),
            kind => (1, kind),
        };
        let texts: Vec<String> = (0..count)
            .map(|nth| {
                let number = self.secrets.len() * 10 + nth;
                match of {
                    Kind::Ruuid(_) => format!("SentSecret{number:011}A"),
                    _ => format!("sent-SECRET-\"q{number}\"\\Zk/ü"),
                }
            })
            .collect();
        if count == 1 { texts[0].clone().into() } else { texts.into() }
    }
}

/// The texts that are a secret.
fn texts(secret: &Value) -> Vec<String> {
    let texts = match secret {
        Value::Array(items) => items.clone(),
        value => vec![value.clone()],
    };
    texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The name of a secret: all that isn't a digit is what all have.
fn name_of(secret: &str) -> String {
    let digits: String = secret.chars().filter(char::is_ascii_digit).collect();
    format!("S{}", digits.parse::<u32>().unwrap())
}

/// A value that isn't the live one.
fn other(kind: &Kind, live: &Value, number: usize) -> Value {
    match kind {
        Kind::Bool => (!live.as_bool().unwrap_or_default()).into(),
        Kind::Int32 | Kind::Int64 => (live.as_i64().unwrap_or_default() + 7).into(),
        Kind::Number => (live.as_f64().unwrap_or_default() + 0.25).into(),
        Kind::Text => format!("another {number}").into(),
        Kind::Enum(words) => {
            let word = words.iter().find(|word| live.as_str() != Some(word)).or(words.first());
            word.unwrap().as_ref().into()
        }
        Kind::Ruuid(_) | Kind::HierarchyKey => "BAAAAAAAAAAAAAAAAAAAAA".into(),
        Kind::AddressRange => "192.0.2.0/24".into(),
        Kind::List { of, .. } => json!([other(&of.kind, &Value::Null, number)]),
        Kind::Object(members) => {
            let members = members.iter().filter(|member| member.class == Class::Setting);
            let member =
                |member: &Arc<Field>| (member.name.to_string(), other(&member.kind, &Value::Null, number));
            Value::Object(members.map(member).collect())
        }
        Kind::Map(_) | Kind::Opaque => Value::Null,
    }
}

/// A place as a column names it.
fn path(place: &[String]) -> String {
    let escaped = place.iter().map(|part| part.replace('\\', "\\\\").replace('.', "\\."));
    escaped.collect::<Vec<_>>().join(".")
}

/// Writes a table of these lines, with a column for whatever any of them has a cell in.
fn write_table(desk: &Desk, file: &str, lines: &[BTreeMap<String, String>]) {
    let columns: BTreeSet<&String> = lines.iter().flat_map(BTreeMap::keys).collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(&columns).unwrap();
    for line in lines {
        let cell = |column: &&String| line.get(*column).map_or("", String::as_str);
        table.write_record(columns.iter().map(cell)).unwrap();
    }
    desk.write(file, table.into_inner().unwrap());
}

/// Writes the rollout that asks for all of it.
fn write_rollout(desk: &Desk, asked: &[(String, Asked)]) {
    let cell = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let row = |(org, asked): &(String, Asked)| {
        asked.cells.clone().into_iter().chain([cell("org_uuid", org)]).collect()
    };
    write_table(desk, "orgs.csv", &asked.iter().map(row).collect::<Vec<_>>());
    let mut rollout = "[rollout]\norgs = \"orgs.csv\"\n[limits]\nkeep_going = true\n".to_owned();
    let mut tables: BTreeMap<_, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for (org, asked) in asked {
        for ((operation, table), lines) in &asked.lines {
            let described = Operation::named(operation).unwrap();
            let key_column = &described.table(table).unwrap().key_column;
            for (key, cells) in lines {
                let fixed = [cell("org_uuid", org), cell(key_column, key)];
                let line = cells.clone().into_iter().chain(fixed).collect();
                tables.entry((operation, table)).or_default().push(line);
            }
        }
    }
    let mut named = "";
    for ((operation, table), lines) in &tables {
        if named != operation.as_str() {
            rollout.push_str(&format!("[operation.{operation}]\n"));
            named = operation;
        }
        let file = format!("{operation}-{table}.csv");
        rollout.push_str(&format!("{table} = {file:?}\n"));
        write_table(desk, &file, lines);
    }
    desk.write("rollout.toml", rollout);
    let secrets = asked.iter().flat_map(|(_, asked)| asked.sent());
    let secrets = secrets.map(|secret| format!("{} = {}\n", name_of(&secret), quoted(&secret)));
    desk.write_private("secrets.toml", &secrets.collect::<BTreeSet<_>>().into_iter().collect::<String>());
}

/// All settings of an org, by operation.
fn everything(vendor: &Vendor, org: &str) -> BTreeMap<String, Value> {
    let of = |operation: &Arc<Operation>| {
        let mut settings = vendor.settings_of(org, &operation.name);
        settings.as_object_mut().unwrap().retain(|member, _| !is_of_another(operation, member));
        (operation.name.to_string(), settings)
    };
    Catalog::built_in().iter().map(of).collect()
}

/// Whether a member of an operation's settings is, or has inside, those of another that have the object in common.
fn is_of_another(operation: &Operation, member: &str) -> bool {
    let around = [&*operation.at, ".", member].concat();
    let is_here = |other: &&Arc<Operation>| {
        other.read == operation.read
            && (other.at == operation.at && other.fields.get(member).is_some() || *other.at == *around)
    };
    operation.fields.get(member).is_none() && Catalog::built_in().iter().any(|other| is_here(&other))
}

/// Puts a value at a place, nothing where there is none.
fn put(settings: &mut Value, place: &[String], value: Value) {
    let (last, above) = place.split_last().unwrap();
    let mut within = settings;
    for name in above {
        within = &mut within[name];
    }
    within[last] = value;
}

/// Without members that are null or have nothing inside, which is as good as absent.
fn filled(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), filled(value)));
            Value::Object(members.filter(|(_, value)| !value.is_null() && *value != json!({})).collect())
        }
        Value::Array(items) => items.iter().map(filled).collect(),
        value => value.clone(),
    }
}

/// What an org is to be afterwards, by what was asked of it.
fn expected(before: &BTreeMap<String, Value>, asked: &Asked) -> BTreeMap<String, Value> {
    let mut expected = before.clone();
    for (operation, place, value) in asked.values.iter().chain(&asked.secrets) {
        put(expected.get_mut(&*operation.name).unwrap(), place, value.clone());
    }
    expected
}

/// The bodies of the updates since, by org and operation, without what wraps them.
fn bodies(vendor: &Vendor, from: usize) -> BTreeMap<(String, String), Value> {
    let writes = vendor.seen().into_iter().skip(from).filter(|seen| seen.route == Some(Route::Write));
    let mut bodies = BTreeMap::new();
    for write in writes {
        let path = write.line.split_once(' ').unwrap().1;
        let operation = Catalog::built_in().iter().find(|operation| *operation.write.path == *path).cloned();
        let operation = operation.unwrap();
        let mut body: Value = serde_json::from_str(&write.body).unwrap();
        if let Some(wrap) = &operation.wrap {
            assert_eq!(body.as_object().unwrap().len(), 1, "{}", operation.name);
            body = body[&**wrap].take();
        }
        let place = (write.org().unwrap().to_owned(), operation.name.to_string());
        assert!(bodies.insert(place, body).is_none(), "{} is written once", operation.name);
    }
    bodies
}

/// The members that an update must have: whatever was read that is written at all.
fn sent_members(operation: &Operation, read: &Value) -> BTreeSet<String> {
    let is_sent = |name: &&String| match operation.fields.get(name) {
        None => operation.body == Body::Whole,
        Some(field) if operation.body == Body::Projected => field.class.is_written(),
        Some(field) => field.class != Class::Omit,
    };
    read.as_object().unwrap().keys().filter(is_sent).cloned().collect()
}

#[test]
fn every_setting_of_every_operation_goes_there_and_back() {
    let desk = Desk::new();
    let orgs = [uuid(0), uuid(1)];
    let vendor = Vendor::configured(&Catalog::built_in(), toml::from_str(EXACT).unwrap(), &orgs);
    let before: Vec<_> = orgs.iter().map(|org| everything(&vendor, org)).collect();
    let asked: Vec<(String, Asked)> =
        orgs.iter().map(|org| (org.clone(), Asked::all(&vendor, org))).collect();
    write_rollout(&desk, &asked);
    let flags = format!("--secrets secrets.toml {FAST}");
    let run = |line: &str| desk.run(&vendor, &format!("{line} {flags}")).expect(0);

    let apply = |planned: &Ended| {
        let acks = acks(&format!("{}{}", planned.out, planned.err));
        run(&format!("apply {} --yes {acks}", planned.plan_file()))
    };

    desk.run_bare("check rollout.toml --secrets secrets.toml").expect(0);
    let planned = run("plan rollout.toml");
    let catalog = Catalog::built_in();
    let documents: BTreeSet<&str> = catalog.iter().map(|operation| &*operation.read.path).collect();
    assert_eq!(
        vendor.of(Route::Read).len(),
        orgs.len() * documents.len(),
        "a read that is shared is made once"
    );
    let from = vendor.seen().len();
    let applied = apply(&planned);

    let bodies = bodies(&vendor, from);
    assert_eq!(bodies.len(), orgs.len() * Catalog::built_in().iter().count());
    for ((org, asked), before) in asked.iter().zip(&before) {
        let expected = expected(before, asked);
        for (name, live) in everything(&vendor, org) {
            assert_eq!(live, expected[&name], "{name}");
            let body = &bodies[&(org.clone(), name.clone())];
            let sent: BTreeSet<String> = body.as_object().unwrap().keys().cloned().collect();
            assert_eq!(sent, sent_members(&Operation::named(&name).unwrap(), &before[&name]), "{name}");
        }
    }
    let run_folder = applied.run.as_ref().unwrap().display().to_string();
    for target in [&run_folder, "rollout.toml"] {
        run(&format!("verify {target}"));
    }
    run("plan rollout.toml --detailed-exitcode");

    for (folder, flags) in [("live", ""), ("baseline", "--as-defaults")] {
        let read = vendor.of(Route::Read).len();
        desk.run(&vendor, &format!("export -o {folder} --operation all {flags} {UNLIMITED}")).expect(0);
        assert_eq!(vendor.of(Route::Read).len() - read, orgs.len() * documents.len(), "{folder}");
        run(&format!("plan {folder}/rollout.toml --detailed-exitcode"));
    }

    let undone = run(&format!("undo {run_folder}"));
    assert!(undone.out.contains("irreversible, not restored: "), "{}", undone.out);
    apply(&undone);
    for ((org, asked), before) in asked.iter().zip(before) {
        let mut before = before;
        for (operation, place, value) in &asked.secrets {
            put(before.get_mut(&*operation.name).unwrap(), place, value.clone());
        }
        for (operation, place, value) in &asked.values {
            if operation.irreversible.is_some() {
                put(before.get_mut(&*operation.name).unwrap(), place, value.clone());
            }
        }
        for (name, live) in everything(&vendor, org) {
            assert_eq!(filled(&live), filled(&before[&name]), "{name}");
        }
    }
}

#[test]
fn an_export_has_defaults_but_for_orgs_without_the_operation() {
    let desk = Desk::new();
    let orgs = [uuid(0), uuid(1), uuid(2)];
    let config = "operation.org-mfa.settings.mfaEnabled = true\noperation.toast.settings.enabled = false\n\
         [[orgs]]\nnot_connected = [\"slack\"]\n\
         [[orgs]]\nmatch = \"Org 1\"\nnot_connected = [\"toast\"]\n\
         [[orgs]]\nmatch = \"Org 2\"\naccess = false\n";
    let vendor = Vendor::configured(&Catalog::built_in(), toml::from_str(config).unwrap(), &orgs);
    let export = "export -o live --operation org-mfa --operation toast,slack,org-mfa --as-defaults";
    desk.run(&vendor, &format!("{export} {UNLIMITED}")).expect(0);
    let rollout = fs::read_to_string(desk.path("live/rollout.toml")).unwrap();
    for lines in [
        "[operation.org-mfa.settings]\nmfaEnabled = true\n",
        "[operation.toast]\nrestaurants = \"toast-restaurants.csv\"\n",
        "\nenabled = false\n",
    ] {
        assert!(rollout.contains(lines), "{lines}:\n{rollout}");
    }
    let rows = rows(&desk.path("live/orgs.csv"));
    // Neither what all share nor what none has.
    for column in ["org-mfa:mfaEnabled", "slack:enabled"] {
        assert!(!rows[0].contains_key(column), "{rows:?}");
    }
    let enabled: Vec<&str> = rows.iter().map(|row| &*row["toast:enabled"]).collect();
    assert_eq!(enabled, ["", "<keep>", ""]);
    assert!(rows[1]["note"].starts_with("toast: not connected: the org has no Toast settings"), "{rows:?}");
    assert!(rows[2]["skip"].starts_with("not exported: "), "{rows:?}");
    let planned = desk.run(&vendor, &format!("plan live/rollout.toml --detailed-exitcode {FAST}")).expect(0);
    assert!(planned.out.contains("2 unchanged"), "{}", planned.out);
}

/// The secrets in the settings of an operation, and among their keys.
fn secrets_in(field: &Field, value: &Value, found: &mut Vec<String>) {
    match (&field.kind, value) {
        (_, Value::String(secret)) if field.is_secret() => found.push(secret.clone()),
        (_, Value::Array(secrets)) if field.is_secret() => {
            found.extend(secrets.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        (Kind::Map(entry), Value::Object(entries)) => {
            found.extend(entries.keys().filter(|_| field.has_secret_keys).cloned());
            for value in entries.values() {
                secrets_in(entry, value, found);
            }
        }
        (Kind::Object(members), Value::Object(object)) => {
            for member in members.iter() {
                secrets_in(member, &object[&*member.name], found);
            }
        }
        (Kind::List { of, .. }, Value::Array(items)) => {
            for item in items {
                secrets_in(of, item, found);
            }
        }
        _ => {}
    }
}

/// What a user describes: secrets wherever they may be.
const KEYED: &str = r#"
format = 1
name = "keyed"
title = "Keyed"
about = "Secrets as keys, in lists and in objects of lists."
read = { path = "/api/org/getKeyed", at = "keyed" }
write = { path = "/api/org/updateKeyed", wrap = "keyed", body = "whole" }
owner = { at = "orgUuid" }
absent = "not connected"
confesses = ["warningMsg", "failedGuids"]

[fields]
orgUuid = { type = "ruuid", class = "identity" }
enabled = { type = "bool", words = "On." }
byToken = { map = "holder", keys = "secret", class = "keep" }
hooks = { list = "hook", class = "keep" }
nested = { object = "nested", words = "More." }

[maps.holder]
name = { type = "text", words = "Name." }

[objects.hook]
url = { type = "text", class = "secret", words = "Address." }
name = { type = "text", words = "Name." }

[objects.nested]
tokens = { type = "list of text", class = "secret", as = "set", words = "Tokens." }
byName = { type = "map of text", class = "secret", words = "Tokens by name." }
"#;

/// Every place for a secret has one, live and sent; the vendor says them all again, in every way that a write can fail.
#[test]
fn no_secret_of_any_operation_is_in_any_file_or_stream() {
    let desk = Desk::new();
    desk.write("keyed.toml", KEYED);
    let catalog = Catalog::built_in().with(KEYED, "keyed.toml").unwrap();
    let orgs: Vec<String> = (0..4).map(uuid).collect();
    let vendor = Vendor::configured(&catalog, toml::from_str("seed = 3").unwrap(), &orgs);
    let asked: Vec<(String, Asked)> =
        orgs.iter().map(|org| (org.clone(), Asked::of(&catalog, &vendor, org))).collect();
    write_rollout(&desk, &asked);
    let mut secrets = Vec::new();
    for (nth, (org, asked)) in asked.iter().enumerate() {
        for operation in catalog.iter() {
            let mut own = Vec::new();
            let live = vendor.settings_of(org, &operation.name);
            for field in operation.fields.iter() {
                secrets_in(field, &live[&*field.name], &mut own);
            }
            let sent = asked.secrets.iter().filter(|(other, ..)| other == operation);
            own.extend(sent.flat_map(|(.., value)| texts(value)));
            let echo = quoted(&own.join(" and "));
            let fault = match nth {
                0 => None,
                1 => Some(Fault::ok(&format!(r#"{{"error":true,"errorMsg":{echo}}}"#))),
                2 => Some(Fault::status(422, &[], &format!(r#"{{"error":"Bad","msg":{echo}}}"#))),
                _ => {
                    let confessed =
                        format!(r#"{{"error":false,"warningMsg":{echo},"failedGuids":[{echo}]}}"#);
                    Some(Fault::ok(&confessed).applied())
                }
            };
            if let Some(fault) = fault {
                vendor.on(fault.on(Route::Write).of(org).operation(&operation.name));
            }
            secrets.extend(own);
        }
    }
    secrets.sort();
    secrets.dedup();
    assert!(secrets.len() > 300, "{}", secrets.len());

    let catalog = "--catalog keyed.toml";
    let flags = format!("{catalog} --secrets secrets.toml {FAST}");
    let planned = desk.run(&vendor, &format!("plan rollout.toml --max-failures 100% {flags}")).expect(0);
    let acks = acks(&format!("{}{}", planned.out, planned.err));
    let line = format!("apply {} --yes --json {acks} {flags}", planned.plan_file());
    let applied = desk.run(&vendor, &line);
    assert!(applied.run.is_some(), "{}", applied.err);
    assert_eq!(applied.results().len(), orgs.len());
    let run = applied.run.as_ref().unwrap().display().to_string();
    let mut printed = vec![planned, applied];
    for line in [
        format!("verify {run} {flags}"),
        format!("verify rollout.toml -o drift.csv {flags}"),
        format!("undo {run} {flags}"),
        format!("export -o live --operation all {UNLIMITED} {catalog}"),
    ] {
        let ended = desk.run(&vendor, &line);
        assert!([0, 2, 3].contains(&ended.code), "{line}: {} {}", ended.code, ended.err);
        printed.push(ended);
    }
    let printed = printed.into_iter().flat_map(|ended| [ended.out, ended.err]);
    // The ledger names the faults, with the texts that they were given.
    let ledger = vendor.ledger().lines().filter(|line| !line.contains(r#""fault":"#)).collect::<String>();
    assert_none(&desk, printed.chain([ledger]), secrets.iter().map(String::as_str));
}
