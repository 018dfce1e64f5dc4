//! Reads a plan as a stream and proves its seal.

use std::borrow::Cow;
use std::io::{self, BufRead};

use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::line::worst;
use super::stored::StoredLine;
use super::{FORMAT, Footer, Header, IndexEntry, Places, PlanLine, Verdict};
use crate::ids::Ruuid;
use crate::operation::{Catalog, Operations, UnknownOperation};
use crate::secret::{SealKey, hex};
use crate::status::{Action, Status};

/// The longest line that is read. The rows of a manifest are bounded, and so is what an org's settings can
/// bring; a longer line is damage.
const LONGEST_LINE: u64 = 64 << 20;

/// Why a file is no plan, or no plan to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file could not be read.
    #[error("the plan can't be read")]
    Io(#[from] io::Error),
    /// A line is none of a plan.
    #[error("line {line} is not part of a plan")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The file ends before its footer: it was cut, or its writing never ended.
    #[error("the plan is incomplete: it was truncated, or never finished")]
    NoFooter,
    /// A newer version of the format.
    #[error("the plan has format {found}, newer than {FORMAT}, the newest that this version reads")]
    Newer {
        /// What the header says.
        found: u32,
    },
    /// An operation isn't known, or is described otherwise than when the plan was made.
    #[error(transparent)]
    Operation(#[from] UnknownOperation),
    /// The seal doesn't fit: altered, or sealed under another API key.
    #[error("the seal doesn't match: the plan was altered, or made with another key")]
    Seal,
}

/// A plan being read: the header first, then the lines, then the footer with the verdict on the seal.
#[derive(Debug)]
pub struct PlanReader<R: BufRead> {
    lines: Lines<R>,
    operations: Operations,
    header: Header,
    footer: Option<(Footer, String)>,
    mac: Option<Hmac<Sha256>>,
}

/// What a run must know of a line beforehand; the bulk of it is passed over.
#[derive(Deserialize)]
struct Sketch<'a> {
    wave: Option<u32>,
    org: Ruuid,
    verdict: Verdict,
    /// The names of secrets, in plans whose lines have no steps.
    #[serde(borrow)]
    secrets: Option<&'a RawValue>,
    #[serde(default, borrow)]
    steps: Vec<StepSketch<'a>>,
}

#[derive(Deserialize)]
struct StepSketch<'a> {
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(default = "Action::nothing")]
    action: Action,
    verdict: Option<Verdict>,
    #[serde(borrow)]
    secrets: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SealedFooter<'a> {
    #[serde(borrow)]
    footer: &'a RawValue,
    seal: String,
}

impl<R: BufRead> PlanReader<R> {
    /// Reads the header. The seal isn't judged: for plans that this process has proved already, or only shows.
    ///
    /// # Errors
    /// Not a plan, or a newer one.
    pub fn open(input: R, catalog: &Catalog) -> Result<Self, PlanError> {
        // A newer header may hold what this version can't parse, so its number is looked at first.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let mut lines = Lines { input, buffer: Vec::new(), number: 0, offset: 0 };
        // What the parser says may quote the line, and until this is a plan's header it may be anything, a key as well.
        let no_header =
            |_| PlanError::Line { line: 1, source: serde::de::Error::custom("it is not a plan's header") };
        lines.advance()?;
        let Format { format } = lines.parse().map_err(no_header)?;
        if format > FORMAT {
            return Err(PlanError::Newer { found: format });
        }
        let header: Header = lines.parse().map_err(no_header)?;
        let operations = catalog.find(&header.operations)?;
        Ok(Self { lines, operations, header, footer: None, mac: None })
    }

    /// Reads the header, and will judge the seal at the end. `key_of` derives the seal's key from the plan's
    /// id.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_sealed(
        input: R,
        catalog: &Catalog,
        key_of: impl FnOnce(&str) -> SealKey,
    ) -> Result<Self, PlanError> {
        let mut reader = Self::open(input, catalog)?;
        let mut mac = key_of(&reader.header.plan_id).mac();
        mac.update(&reader.lines.buffer);
        reader.mac = Some(mac);
        Ok(reader)
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The operations that it is of.
    pub const fn operations(&self) -> &Operations {
        &self.operations
    }

    /// The next org with its place in the file; `None` after the last, when the seal has been found good.
    ///
    /// # Errors
    /// A line that isn't of a plan, a missing end, or a seal that doesn't fit.
    pub fn next_org(&mut self) -> Result<Option<(IndexEntry, PlanLine)>, PlanError> {
        let Some(offset) = self.advance()? else { return Ok(None) };
        let line = self.line()?;
        let (updates, rest) = (line.updates(), line.rest());
        Ok(Some((self.entry(offset, line.wave, line.verdict, updates, rest), line)))
    }

    /// As [`Self::next_org`], without reading the line whole: its place, its org, and whether it names secrets.
    /// [`Self::line`] gives the rest.
    ///
    /// # Errors
    /// As [`Self::next_org`]; but of what is passed over, only the seal says whether it is of a plan.
    pub fn next_entry(&mut self) -> Result<Option<(IndexEntry, Ruuid, bool)>, PlanError> {
        let Some(offset) = self.advance()? else { return Ok(None) };
        let Sketch { wave, org, verdict, secrets, steps } = self.lines.parse()?;
        let has_secrets = secrets.is_some() || steps.iter().any(|step| step.secrets.is_some());
        let updates = if steps.is_empty() {
            Places::first(verdict)
        } else {
            let updates = steps.iter().filter(|step| step.action == Action::Update);
            updates.filter_map(|step| self.operations.place(&step.operation)).collect()
        };
        let of_rest = |step: &StepSketch<'_>| step.verdict.unwrap_or(Verdict::of(step.action)).status();
        let rest = worst(steps.iter().filter_map(of_rest));
        Ok(Some((self.entry(offset, wave, verdict, updates, rest), org, has_secrets)))
    }

    /// The line that was read last, whole.
    ///
    /// # Errors
    /// It isn't of a plan.
    pub fn line(&self) -> Result<PlanLine, PlanError> {
        let line = self.lines.parse::<StoredLine<'_>>()?.resolve(&self.operations);
        line.map_err(|source| PlanError::Line { line: self.lines.number, source })
    }

    /// Goes to the next org's line and returns where it begins; at the end, judges the seal.
    fn advance(&mut self) -> Result<Option<u64>, PlanError> {
        if self.footer.is_some() {
            return Ok(None);
        }
        let offset = self.lines.offset;
        self.lines.advance()?;
        if self.lines.buffer.starts_with(br#"{"footer":"#) {
            self.footer = Some(self.judge_footer()?);
            return Ok(None);
        }
        if let Some(mac) = &mut self.mac {
            mac.update(&self.lines.buffer);
        }
        Ok(Some(offset))
    }

    fn entry(
        &self,
        offset: u64,
        wave: Option<u32>,
        verdict: Verdict,
        updates: Places,
        rest: Option<Status>,
    ) -> IndexEntry {
        let length = u32::try_from(self.lines.buffer.len()).expect("a line is bounded");
        IndexEntry { offset, length, wave: wave.unwrap_or(0), verdict, updates, rest }
    }

    /// The footer, once every org was read.
    pub const fn footer(&self) -> Option<&Footer> {
        match &self.footer {
            Some((footer, _)) => Some(footer),
            None => None,
        }
    }

    /// Header, footer and seal, once every org was read.
    pub fn into_parts(self) -> Option<(Header, Footer, String)> {
        self.footer.map(|(footer, seal)| (self.header, footer, seal))
    }

    fn judge_footer(&mut self) -> Result<(Footer, String), PlanError> {
        let sealed: SealedFooter<'_> = self.lines.parse()?;
        if let Some(mut mac) = self.mac.take() {
            mac.update(sealed.footer.get().as_bytes());
            let expected = hex(&mac.finalize().into_bytes());
            if !bool::from(expected.as_bytes().ct_eq(sealed.seal.as_bytes())) {
                return Err(PlanError::Seal);
            }
        }
        let footer: Footer = serde_json::from_str(sealed.footer.get())
            .map_err(|source| PlanError::Line { line: self.lines.number, source })?;
        let seal = sealed.seal.clone();
        // Nothing is behind the footer, and it counts what is before it.
        let ends_here = self.lines.input.fill_buf()?.is_empty();
        if ends_here && footer.lines + 2 == self.lines.number {
            Ok((footer, seal))
        } else {
            Err(PlanError::Seal)
        }
    }
}

/// The lines of a file, one held at a time.
#[derive(Debug)]
struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// Of the line in the buffer, from 1.
    number: u64,
    /// Of the first byte behind the line in the buffer.
    offset: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line, which must be whole.
    fn advance(&mut self) -> Result<(), PlanError> {
        self.buffer.clear();
        let read = io::Read::take(&mut self.input, LONGEST_LINE).read_until(b'\n', &mut self.buffer)?;
        self.offset += read as u64;
        self.number += 1;
        if self.buffer.ends_with(b"\n") { Ok(()) } else { Err(PlanError::NoFooter) }
    }

    fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, PlanError> {
        let line_error = |source| PlanError::Line { line: self.number, source };
        // One look at the whole line instead of one at each of its texts; what is no UTF-8 gets the parser's words.
        match std::str::from_utf8(&self.buffer) {
            Ok(text) => serde_json::from_str(text).map_err(line_error),
            Err(_) => serde_json::from_slice(&self.buffer).map_err(line_error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use std::sync::Arc;

    use super::*;
    use crate::desired::{DesiredValue, Expect, Origin};
    use crate::operation::Operation;
    use crate::outcome::StoredValue;
    use crate::plan::{PlanWriter, PlannedField, PlannedStep, Precondition, Typed, Verdict};
    use crate::policy::{FailureBudget, VerifyPolicy, Waves, WriteMode};
    use crate::secret::{SecretText, key_fingerprint};
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
            wave: Some(1),
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

    fn plan() -> Vec<u8> {
        let seal = SealKey::derive(&api_key(), "p1");
        let mut writer = PlanWriter::begin(Vec::new(), &header(), &seal).unwrap();
        writer.line(&line(2)).unwrap();
        writer.line(&line(3)).unwrap();
        writer
            .finish(&Footer {
                lines: 2,
                updates: 2,
                judged: 2,
                waves: Vec::new(),
                guards: Vec::new(),
                idle_removals: None,
            })
            .unwrap()
            .out
    }

    fn read_all(bytes: &[u8]) -> Result<Vec<PlanLine>, PlanError> {
        let mut reader =
            PlanReader::open_sealed(bytes, &Catalog::built_in(), |id| SealKey::derive(&api_key(), id))?;
        let mut lines = Vec::new();
        while let Some((entry, line)) = reader.next_org()? {
            let start = usize::try_from(entry.offset).unwrap();
            let again = &bytes[start..start + entry.length as usize];
            assert_eq!(PlanLine::read(std::str::from_utf8(again).unwrap(), &operations()).unwrap(), line);
            lines.push(line);
        }
        Ok(lines)
    }

    #[test]
    fn what_was_written_is_read_and_each_line_is_where_the_index_says() {
        assert_eq!(read_all(&plan()).unwrap(), [line(2), line(3)]);
    }

    #[test]
    fn every_altered_byte_is_found() {
        let good = plan();
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert!(read_all(&bad).is_err(), "byte {place} of {}", good.len());
        }
    }

    #[test]
    fn every_cut_and_every_addition_is_found() {
        let good = plan();
        for length in 0..good.len() {
            assert!(read_all(&good[..length]).is_err(), "cut at {length}");
        }
        assert!(matches!(read_all(&[&good[..], b"\n"].concat()), Err(PlanError::Seal)));
    }

    #[test]
    fn a_missing_and_a_repeated_line_are_found() {
        let good = plan();
        let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
        assert!(matches!(read_all(&[lines[0], lines[1], lines[3]].concat()), Err(PlanError::Seal)));
        assert!(matches!(
            read_all(&[lines[0], lines[1], lines[1], lines[2], lines[3]].concat()),
            Err(PlanError::Seal)
        ));
    }

    #[test]
    fn another_key_does_not_fit() {
        let other = |id: &str| SealKey::derive(&SecretText::new("other".into()), id);
        let bytes = plan();
        let mut reader = PlanReader::open_sealed(&bytes[..], &Catalog::built_in(), other).unwrap();
        while let Ok(Some(_)) = reader.next_org() {}
        assert!(reader.footer().is_none());
    }

    #[test]
    fn what_a_plan_takes_back_is_a_field_that_other_plans_do_not_have() {
        let bytes = |header: &Header| {
            let seal = SealKey::derive(&api_key(), "p1");
            let writer = PlanWriter::begin(Vec::new(), header, &seal).unwrap();
            let end = Footer {
                lines: 0,
                updates: 0,
                judged: 0,
                waves: Vec::new(),
                guards: Vec::new(),
                idle_removals: None,
            };
            writer.finish(&end).unwrap().out
        };
        let plain = bytes(&header());
        assert!(!plain.windows(6).any(|word| word == b"undoes"));
        assert_eq!(PlanReader::open(&plain[..], &Catalog::built_in()).unwrap().header(), &header());
        let undo = Header { undoes: Some("r1".into()), ..header() };
        assert_eq!(
            PlanReader::open(&bytes(&undo)[..], &Catalog::built_in()).unwrap().header().undoes.as_deref(),
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
        let text = serde_json::to_string(&short).unwrap();
        assert_eq!(PlanLine::read(&text, &operations()).unwrap(), short);
        let stored: Value = serde_json::from_str(&text).unwrap();
        assert!(stored["steps"][0].get("action").is_none(), "{stored}");
        let said = |name| {
            stored["steps"][0]["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |field| field.get(name).is_some())
        };
        assert_eq!(said("before").collect::<Vec<_>>(), [false, false, true, true, true, true]);
        assert_eq!(said("from").collect::<Vec<_>>(), [false, true, false, true, true, false]);

        let of_format_1 = r#"{"line":2,"org":"AAAAAAAAAAAAAAAAAAAAAA","verdict":"unchanged","action":"none","fields":
            [{"path":"saveClips","before":{"json":true},"after":{"set":true},"from":"row"}],"typed":{"row":[]}}"#;
        let since = r#"{"line":2,"org":"AAAAAAAAAAAAAAAAAAAAAA","verdict":"unchanged","fields":
            [{"path":"saveClips","after":{"set":true}}],"typed":{"row":[]}}"#;
        assert_eq!(
            PlanLine::read(of_format_1, &operations()).unwrap(),
            PlanLine::read(since, &operations()).unwrap()
        );
    }

    #[test]
    fn a_line_of_an_older_format_has_one_step_or_says_why_it_has_none() {
        let read = |verdict: &str, more: &str| {
            let json = format!(
                r#"{{"line":2,"org":"AAAAAAAAAAAAAAAAAAAAAA","verdict":"{verdict}",{more}"typed":{{"row":[]}}}}"#
            );
            PlanLine::read(&json, &operations()).unwrap()
        };
        let complaint = r#""complaint":{"code":"E-ORG-001","message":"another name"},"#;
        let blocked = read("blocked", complaint);
        assert!(blocked.steps.is_empty() && blocked.org_error.is_some(), "{blocked:?}");
        let read_first = format!(r#"{complaint}"fields":[{{"path":"saveClips","after":{{"set":true}}}}],"#);
        let by_what_was_read = read("blocked", &read_first);
        assert!(by_what_was_read.org_error.is_none(), "{by_what_was_read:?}");
        assert!(by_what_was_read.steps[0].org_error.is_some() && by_what_was_read.updates().is_empty());
        let update = read("update", "");
        assert!(update.updates().has(0) && update.steps.len() == 1);
    }

    #[test]
    fn the_steps_of_a_line_are_told_apart_by_their_operations() {
        let catalog = Catalog::built_in();
        let operations =
            Operations::new(["org-mfa", "envoy"].map(|name| Arc::clone(catalog.get(name).unwrap())));
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
        let text = serde_json::to_string(&both).unwrap();
        let again = PlanLine::read(&text, &operations).unwrap();
        assert_eq!(again, both);
        assert_eq!(again.updates().iter().collect::<Vec<_>>(), [1]);
        assert!(PlanLine::read(&text, &self::operations()).is_err(), "another plan's operations");
    }

    #[test]
    fn a_plan_of_another_description_is_refused() {
        let mut changed = header();
        changed.operations[0].digest = "00".into();
        let open = |header: &Header| {
            let mut text = serde_json::to_vec(header).unwrap();
            text.push(b'\n');
            PlanReader::open(&text[..], &Catalog::built_in()).map(drop)
        };
        assert!(matches!(open(&changed), Err(PlanError::Operation(UnknownOperation::Changed(_)))));
        changed.operations[0].name = "nobody-knows-it".into();
        assert!(matches!(open(&changed), Err(PlanError::Operation(UnknownOperation::NotKnown(_)))));
        changed.operations.clear();
        assert!(open(&changed).is_ok(), "one of an older format is of the default operation");
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number() {
        let newer = br#"{"format":99,"something":"else"}
"#;
        assert!(matches!(
            PlanReader::open(&newer[..], &Catalog::built_in()),
            Err(PlanError::Newer { found: 99 })
        ));
    }
}
