//! What is written is read, what is altered is found.

use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::code::Code;
use crate::desired::{DesiredValue, Expect, Origin};
use crate::ids::Ruuid;
use crate::operation::{Catalog, Operation, Operations, Path, UnknownOperation};
use crate::outcome::{OrgError, StoredValue};
use crate::policy::{FailureBudget, VerifyPolicy, Waves, WriteMode};
use crate::secret::{SealKey, SecretText, key_fingerprint};
use crate::timestamp::Timestamp;

fn operation() -> Arc<Operation> {
    Operation::default_one()
}

fn operations() -> Operations {
    Operations::one(operation())
}

fn api_key() -> SecretText {
    SecretText::new("the key".into())
}

fn header() -> Header {
    Header {
        format: FORMAT,
        plan_id: "p1".into(),
        created: Timestamp::from_millis(1),
        expires: Timestamp::from_millis(2),
        tool: "orgwave 0".into(),
        endpoint: "sandbox".into(),
        key_fingerprint: key_fingerprint(&api_key()),
        inputs: Vec::new(),
        operations: operations().digests(),
        keep_going: false,
        write: WriteMode::Merge,
        verify: VerifyPolicy::All,
        waves: Some(Waves::default()),
        max_failures: FailureBudget::default(),
        columns: vec!["org_uuid".into(), "saveClips".into()],
        carried: Vec::new(),
        sides: Vec::new(),
        settings: std::collections::BTreeMap::new(),
        defaults: [].into(),
        operation: None,
        limits: std::collections::BTreeMap::new(),
        allow: Vec::new(),
        undoes: None,
        sandbox: None,
    }
}

fn line(number: u8) -> PlanLine {
    PlanLine {
        line: u64::from(number),
        org: Ruuid::from_bytes([number; 16]),
        name: Some("Zoë <script>".into()),
        wave: None,
        skip: None,
        note: None,
        carried: Vec::new(),
        verdict: Verdict::Update,
        org_error: None,
        preconditions: Vec::new(),
        steps: vec![PlannedStep {
            fields: vec![PlannedField {
                path: operation().path("saveClips").unwrap(),
                before: StoredValue::Json(json!(null)),
                after: DesiredValue::Set(json!(true)),
                fingerprint: None,
                from: Origin::Row,
            }],
            ..PlannedStep::new(&operation(), 0, Verdict::Update)
        }],
        typed: (&Typed { row: vec!["x".into(), "TRUE".into()], sides: Vec::new() }).into(),
    }
}

/// Three orgs are to be written, of which the second is pinned; between them is one that isn't.
fn lines() -> [PlanLine; 4] {
    let pinned = PlanLine { wave: Some(1), ..line(3) };
    let unchanged = PlanLine { verdict: Verdict::Unchanged, steps: Vec::new(), ..line(4) };
    [line(2), pinned, unchanged, line(5)]
}

/// The waves that they are in.
const WAVES: [Option<u32>; 4] = [Some(2), Some(1), None, Some(3)];

fn footer() -> Footer {
    let waves = WaveCount::all([None, Some(1), None], &Waves::default());
    Footer { lines: 4, updates: 3, judged: 4, waves, ..Footer::default() }
}

fn plan_of(lines: &[PlanLine], footer: &Footer) -> (Vec<u8>, Vec<IndexEntry>) {
    let seal = SealKey::derive(&api_key(), "p1");
    let mut writer = PlanWriter::begin(Vec::new(), &header(), &seal).unwrap();
    let index = lines.iter().map(|line| writer.line(line).unwrap()).collect();
    (writer.finish(footer).unwrap().out, index)
}

fn plan() -> Vec<u8> {
    plan_of(&lines(), &footer()).0
}

fn opened(bytes: &[u8]) -> Result<PlanReader<Cursor<&[u8]>>, PlanError> {
    let key_of = |id: &str| SealKey::derive(&api_key(), id);
    PlanReader::open_sealed(Cursor::new(bytes), &Catalog::built_in(), key_of)
}

fn read_all(bytes: &[u8]) -> Result<Vec<PlanLine>, PlanError> {
    let mut reader = opened(bytes)?;
    let mut lines = Vec::new();
    while let Some((entry, line)) = reader.next_org()? {
        assert_eq!(line.wave.unwrap_or(0), entry.wave);
        lines.push(line);
    }
    Ok(lines)
}

/// The same, without the lines.
fn sketch_all(bytes: &[u8]) -> Result<Vec<IndexEntry>, PlanError> {
    let mut reader = opened(bytes)?;
    let mut index = Vec::new();
    while let Some((entry, ..)) = reader.next_entry()? {
        index.push(entry);
    }
    Ok(index)
}

fn json(line: &PlanLine) -> String {
    let mut out = Vec::new();
    line.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

fn read(json: &str, operations: &Operations) -> Result<PlanLine, serde_json::Error> {
    LineParser::new(operations.clone()).read(json)
}

#[test]
fn what_was_written_is_read_with_the_waves_that_are_dealt() {
    let dealt = lines().into_iter().zip(WAVES).map(|(line, wave)| PlanLine { wave, ..line });
    assert_eq!(read_all(&plan()).unwrap(), dealt.collect::<Vec<_>>());
}

#[test]
fn each_line_is_where_reader_and_writer_say_that_it_is() {
    let (bytes, written) = plan_of(&lines(), &footer());
    let read = sketch_all(&bytes).unwrap();
    for (place, line) in lines().iter().enumerate() {
        let start = usize::try_from(read[place].offset).unwrap();
        let text = &bytes[start..start + read[place].length as usize];
        assert_eq!(text, (json(line) + "\n").as_bytes());
        let dealt = IndexEntry { wave: WAVES[place].unwrap_or(0), ..written[place] };
        assert_eq!(read[place], dealt);
    }
}

#[test]
fn every_altered_byte_is_found() {
    let good = plan();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        assert!(read_all(&bad).is_err(), "byte {place} of {}", good.len());
        assert!(sketch_all(&bad).is_err(), "byte {place} of {}, passed over", good.len());
    }
}

#[test]
fn a_line_of_the_same_json_in_another_form_is_an_altered_plan() {
    let text = String::from_utf8(plan()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let spaced = lines[1].replacen("\"line\":", "\"line\": ", 1);
    assert_ne!(spaced, lines[1]);
    lines[1] = &spaced;
    let bad = lines.join("\n") + "\n";
    assert!(matches!(read_all(bad.as_bytes()), Err(PlanError::Seal)));
    assert!(matches!(sketch_all(bad.as_bytes()), Err(PlanError::Seal)));
}

#[test]
fn every_cut_and_every_addition_is_found() {
    let good = plan();
    for length in 0..good.len() {
        assert!(read_all(&good[..length]).is_err(), "cut at {length}");
    }
    assert!(matches!(read_all(&[&good[..], b"\n"].concat()), Err(PlanError::NoFooter)));
    let footer = good.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
    assert!(matches!(read_all(&[&good[..], footer].concat()), Err(PlanError::Seal)));
}

#[test]
fn a_missing_a_repeated_and_a_swapped_line_are_found() {
    let good = plan();
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    for places in [&[0, 1, 3, 4, 5][..], &[0, 1, 1, 2, 3, 4, 5], &[0, 2, 1, 3, 4, 5], &[0, 1, 2, 4, 3, 5]] {
        let other: Vec<u8> = places.iter().flat_map(|place| lines[*place]).copied().collect();
        assert!(matches!(read_all(&other), Err(PlanError::Seal)), "{places:?}");
        assert!(matches!(sketch_all(&other), Err(PlanError::Seal)), "{places:?}");
    }
}

#[test]
fn another_key_does_not_fit() {
    let other = |id: &str| SealKey::derive(&SecretText::new("other".into()), id);
    let mut reader = PlanReader::open_sealed(Cursor::new(plan()), &Catalog::built_in(), other).unwrap();
    while let Ok(Some(_)) = reader.next_org() {}
    assert!(reader.footer().is_none());
}

#[test]
fn an_undo_plan_has_a_field_that_other_plans_lack() {
    let bytes = |header: &Header| {
        let seal = SealKey::derive(&api_key(), "p1");
        let writer = PlanWriter::begin(Vec::new(), header, &seal).unwrap();
        writer.finish(&Footer::default()).unwrap().out
    };
    let plain = bytes(&header());
    assert!(!plain.windows(6).any(|word| word == b"undoes"));
    assert_eq!(PlanReader::open(Cursor::new(plain), &Catalog::built_in()).unwrap().header(), &header());
    let undo = Header { undoes: Some("r1".into()), ..header() };
    assert_eq!(
        PlanReader::open(Cursor::new(bytes(&undo)), &Catalog::built_in()).unwrap().header().undoes.as_deref(),
        Some("r1")
    );
}

#[test]
fn omitted_plan_fields_are_defaults_and_explicit_ones_are_read() {
    let field = |before, after, from| PlannedField {
        path: operation().path("doorInfoMap.d1.clipDuration").unwrap(),
        before,
        after,
        fingerprint: None,
        from,
    };
    let (side, set) = (Origin::Side("doors".into(), 4), |value| DesiredValue::Set(value));
    let fields = vec![
        field(StoredValue::Json(json!(30)), set(json!(30)), Origin::Row),
        field(StoredValue::Json(json!(null)), set(json!(null)), side),
        // These are the same to the API, and are not the same value.
        field(StoredValue::Absent, set(json!(null)), Origin::Row),
        field(StoredValue::Json(json!(30)), set(json!(30.0)), Origin::Undo),
        field(StoredValue::Absent, DesiredValue::Remove, Origin::Default),
        field(StoredValue::Json(json!({"a": 1})), DesiredValue::Remove, Origin::Row),
    ];
    let verdict = Verdict::Unchanged;
    let steps = vec![PlannedStep { fields, ..PlannedStep::new(&operation(), 0, verdict) }];
    let short = PlanLine { verdict, steps, ..line(2) };
    let text = json(&short);
    assert_eq!(read(&text, &operations()).unwrap(), short);
    let stored: Value = serde_json::from_str(&text).unwrap();
    assert!(stored["steps"][0].get("action").is_none(), "{stored}");
    let said = |name: &str| {
        let fields = stored["steps"][0]["fields"].as_array().unwrap();
        fields.iter().map(|field| field.get(name).is_some()).collect::<Vec<_>>()
    };
    assert_eq!(said("before"), [false, false, false, true, false, true]);
    assert_eq!(said("was"), [false, false, true, false, true, false]);
    assert_eq!(said("after"), [true, true, true, true, false, false]);
    assert_eq!(said("remove"), [false, false, false, false, true, true]);
    assert_eq!(said("from"), [false, true, false, true, true, false]);
}

#[test]
fn a_line_of_a_plan_that_reads_nothing_is_what_is_wanted() {
    let mut unread = line(2);
    unread.steps[0].fields[0].before = StoredValue::Absent;
    let fields = r#""was":"absent","fields":[{"path":"saveClips","after":true}]"#;
    let steps = format!(r#"[{{"operation":"envoy","action":"update",{fields}}}]"#);
    let row = r#""line":2,"org":"AgICAgICAgICAgICAgICAg","name":"Zoë <script>","verdict":"update""#;
    let line = format!(r#"{{{row},"steps":{steps},"typed":"x,TRUE"}}"#);
    assert_eq!(json(&unread), line);
    assert_eq!(read(&line, &operations()).unwrap(), unread);
}

#[test]
fn the_steps_of_a_line_differ_by_their_operations() {
    let catalog = Catalog::built_in();
    let operations = Operations::new(["org-mfa", "envoy"].map(|name| Arc::clone(catalog.get(name).unwrap())));
    let step = |place: u8, verdict| PlannedStep::new(operations.get(place).unwrap(), place, verdict);
    let precondition = Precondition {
        operation: Arc::clone(operations.get(0).unwrap()),
        place: 0,
        expects: vec![Expect {
            path: operations.get(0).unwrap().path("mfaEnabled").unwrap(),
            value: json!(true),
        }],
    };
    let steps = vec![step(0, Verdict::Unchanged), step(1, Verdict::Update)];
    let both = PlanLine { steps, preconditions: vec![precondition], ..line(2) };
    let text = json(&both);
    let again = read(&text, &operations).unwrap();
    assert_eq!(again, both);
    assert_eq!(again.updates().iter().collect::<Vec<_>>(), [1]);
    assert!(read(&text, &self::operations()).is_err(), "another plan's operations");
}

#[test]
fn a_plan_of_another_description_is_refused() {
    let mut changed = header();
    changed.operations[0].digest = "00".into();
    let open = |header: &Header| {
        let mut text = serde_json::to_vec(header).unwrap();
        text.push(b'\n');
        PlanReader::open(Cursor::new(text), &Catalog::built_in()).map(drop)
    };
    assert!(matches!(open(&changed), Err(PlanError::Operation(UnknownOperation::Changed(_)))));
    changed.operations[0].name = "nobody-knows-it".into();
    assert!(matches!(open(&changed), Err(PlanError::Operation(UnknownOperation::NotKnown(_)))));
}

#[test]
fn every_other_format_is_refused_by_its_number() {
    let open = |format: u32| {
        let header = format!("{{\"format\":{format},\"something\":\"else\"}}\n");
        PlanReader::open(Cursor::new(header), &Catalog::built_in()).map(drop)
    };
    assert!(matches!(open(99), Err(PlanError::Newer { found: 99 })));
    for found in 1..FORMAT {
        let error = open(found).unwrap_err();
        assert!(matches!(error, PlanError::Older { found: said } if said == found));
        assert!(error.to_string().contains(&format!("format {found}, older")), "{error}");
    }
}

#[test]
fn waves_that_do_not_fit_the_lines_are_found_under_a_good_seal() {
    let changes: [fn(&mut Vec<WaveCount>); 6] = [
        |waves| waves[0].pinned = false,
        |waves| waves[1].pinned = true,
        |waves| waves[2].orgs += 1,
        |waves| waves.truncate(2),
        |waves| waves[0].wave = 0,
        Vec::clear,
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut footer = footer();
        change(&mut footer.waves);
        let (plan, _) = plan_of(&lines(), &footer);
        assert!(matches!(read_all(&plan), Err(PlanError::Seal)), "{place}");
        assert!(matches!(sketch_all(&plan), Err(PlanError::Seal)), "{place}");
    }
}

/// A file whose content is another once its end was read.
struct Swapped(Cursor<Vec<u8>>, Vec<u8>);

impl std::io::Read for Swapped {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Seek for Swapped {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        let is_at_end = self.0.position() == self.0.get_ref().len() as u64;
        if is_at_end && matches!(to, std::io::SeekFrom::Start(_)) {
            std::mem::swap(self.0.get_mut(), &mut self.1);
        }
        self.0.seek(to)
    }
}

#[test]
fn a_footer_that_changes_while_a_plan_is_read_is_found() {
    let other = plan_of(&lines(), &Footer { judged: 3, ..footer() }).0;
    let ends = |first: Vec<u8>, then: Vec<u8>| {
        let input = std::io::BufReader::with_capacity(16, Swapped(Cursor::new(first), then));
        let mut reader = PlanReader::open(input, &Catalog::built_in()).unwrap();
        while let Ok(Some(_)) = reader.next_org() {}
        reader.footer().is_some()
    };
    assert!(ends(plan(), plan()));
    assert!(!ends(plan(), other));
}

#[test]
fn more_paths_than_are_kept_are_read_all_the_same() {
    let field = |door: u32| PlannedField {
        path: operation().path(&format!("doorInfoMap.d{door}.remoteUnlock")).unwrap(),
        before: StoredValue::Absent,
        after: DesiredValue::Set(json!(true)),
        fingerprint: None,
        from: Origin::Row,
    };
    let mut parser = LineParser::new(operations());
    for round in 0..3 {
        let mut wide = line(2);
        wide.steps[0].fields = (0..3000).map(|door| field(2000 * round + door)).collect();
        assert_eq!(parser.read(&json(&wide)).unwrap(), wide);
    }
}

fn any_value() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |value| {
        prop_oneof![
            prop::collection::vec(value.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), value, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_path() -> impl Strategy<Value = Path> + Clone {
    let key = "[a-z.\\\\\"\u{e9}\u{1f} ]{1,6}";
    let door = (key, "(doorName|clipDuration)").prop_map(|(key, member)| {
        let key = key.replace('\\', r"\\").replace('.', r"\.");
        operation().path(&format!("doorInfoMap.{key}.{member}")).unwrap()
    });
    let plain = "(saveClips|enabled|doorInfoMap)".prop_map(|text| operation().path(&text).unwrap());
    prop_oneof![door, plain]
}

fn any_field() -> impl Strategy<Value = PlannedField> {
    let fingerprint = || SealKey::derive(&api_key(), "p1").fingerprint("apiToken", "x");
    let before = prop_oneof![
        3 => Just(StoredValue::Absent),
        3 => any_value().prop_map(StoredValue::Json),
        1 => Just(StoredValue::Hidden),
        1 => Just(StoredValue::Secret(fingerprint())),
    ];
    let after = prop_oneof![
        3 => any_value().prop_map(DesiredValue::Set),
        1 => Just(DesiredValue::Remove),
        1 => Just(DesiredValue::Secret("TOKEN".parse().unwrap())),
    ];
    let from = prop_oneof![
        Just(Origin::Row),
        Just(Origin::Default),
        Just(Origin::Undo),
        Just(Origin::Side("doors".into(), 9)),
        Just(Origin::Group("a \"group\"".into())),
    ];
    (any_path(), before, after, any::<bool>(), from).prop_map(move |(path, before, after, sealed, from)| {
        let fingerprint = sealed.then(fingerprint);
        PlannedField { path, before, after, fingerprint, from }
    })
}

fn any_step() -> impl Strategy<Value = PlannedStep> {
    let key = (any_path(), prop::collection::vec(any::<String>(), 0..3), any::<bool>())
        .prop_map(|(entry, near, respelled)| UnknownKey { entry, near, respelled });
    let keys = prop::collection::vec(key, 0..2);
    let expect = (any_path(), any_value()).prop_map(|(path, value)| Expect { path, value });
    let expects = prop::collection::vec(expect, 0..3);
    let fields = prop::collection::vec(any_field(), 0..4);
    let unreadable = prop::collection::vec(any::<String>().prop_map(Box::from), 0..2);
    let ends = (any_verdict(), any_error(), any::<bool>());
    (ends, expects, fields, keys.clone(), keys, unreadable).prop_map(
        |((verdict, org_error, unproven), expects, fields, additions, idle_removals, unreadable)| {
            PlannedStep {
                org_error,
                unproven,
                expects,
                fields,
                additions,
                idle_removals,
                unreadable,
                secrets: vec!["TOKEN".parse().unwrap()],
                ..PlannedStep::new(&operation(), 0, verdict)
            }
        },
    )
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    use Verdict::{Blocked, Failed, NotAttempted, Rejected, Skipped, Unchanged, Update};
    prop::sample::select(vec![Update, Unchanged, Skipped, Blocked, Rejected, Failed, NotAttempted])
}

fn any_error() -> impl Strategy<Value = Option<OrgError>> {
    let code = Code::OrgName;
    prop::option::of(any::<String>().prop_map(move |message| OrgError { code, message, http_status: None }))
}

proptest! {
    #[test]
    fn any_line_is_read_as_it_was_written(
        (name, skip, note) in any::<(Option<String>, Option<String>, Option<String>)>(),
        carried in prop::collection::vec(any::<String>(), 0..3),
        row in prop::collection::vec(any::<String>(), 0..3),
        (verdict, org_error) in (any_verdict(), any_error()),
        steps in prop::collection::vec(any_step(), 0..3),
        wave in prop::option::of(0u32..9),
    ) {
        let expects = steps.first().map(|step| step.expects.clone()).unwrap_or_default();
        let precondition = Precondition { operation: operation(), place: 0, expects };
        let has_some = |found: &Precondition| !found.expects.is_empty();
        let preconditions = Some(precondition).filter(has_some).into_iter().collect();
        let typed = (&Typed { row, sides: Vec::new() }).into();
        let line = PlanLine {
            wave, name, skip, note, carried, verdict, org_error, preconditions, steps, typed, ..line(2)
        };
        prop_assert_eq!(read(&json(&line), &operations()).unwrap(), line);
    }
}
