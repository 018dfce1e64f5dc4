//! A plan as its reviewer sees it: what changes, how often, what is in the way, what it
//! costs, and the orgs themselves.
//!
//! Collected while the plan is written or read, one line at a time. What is kept of an org is a row of the
//! table that fits the screen; the whole is in the CSV beside the plan.

mod clusters;
mod expected;
mod markdown;
mod one_place;
mod page;
mod pages;

use orgwave_core::code::Code;
use orgwave_core::operation::Operations;
use orgwave_core::plan::{
    CallCount, Calls, Footer, Guard, GuardKind, Header, PlanLine, PlannedField, PlannedStep, UnknownKey,
    Verdict, WaveCount, has_canary,
};
use orgwave_core::policy::Rate;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::clusters::Clusters;
pub use self::expected::Expected;
use self::one_place::in_two_places;
pub use self::pages::PlanPages;
use crate::digest::{Cause, Example, Finding};
use crate::note::Note;
use crate::pages::{say_cause, say_examples};
use crate::stage::Stage;
use crate::terminal::verdict_word;
use crate::terminal::{Column, Page, Style, Tone, count, cut, duration, orgs, pace, several};
use crate::value;

/// Clusters that are shown on a terminal.
const CLUSTERS: usize = 12;
/// Orgs that are listed on a terminal.
const ROWS: usize = 20;
/// Orgs that are named for one guard.
const EXAMPLES: usize = 10;

/// A plan, summed up.
#[derive(Debug)]
pub struct PlanReview {
    operations: Operations,
    /// The plan's table, in as many files as it has.
    tables: Vec<String>,
    calls: CallCount,
    has_canary: bool,
    /// The process that made the plan carries it out, while what it has read is fresh.
    is_at_once: bool,
    clusters: Clusters,
    verdicts: BTreeMap<&'static str, u64>,
    troubles: BTreeMap<Code, Finding>,
    rows: Vec<Row>,
    lines: u64,
    updates: u64,
    unproven: u64,
    misplaced: Finding,
    absent: Finding,
    /// What makes an org less safe, by what it does.
    risks: BTreeMap<Arc<str>, Finding>,
    /// What trips each guard, but for the orgs of `respelled`.
    guarded: BTreeMap<GuardKind, Finding>,
    /// Additions of orgs in which a key is a live one under another spelling.
    respelled: Finding,
    /// Entries to be removed that aren't live.
    idle_removals: Finding,
    /// What the rollout allows in advance.
    allowances: Vec<Note>,
    waves: Vec<WaveCount>,
    guards: Vec<Guard>,
}

/// What is no guard and should still be known before the plan is approved.
struct Warning<'a> {
    what: &'a str,
    todo: &'a str,
    finding: &'a Finding,
}

#[derive(Debug)]
struct Row {
    line: u64,
    name: String,
    org: String,
    wave: Option<u32>,
    verdict: Verdict,
    fields: usize,
}

/// What carrying a plan out costs at the least: every org answers at once and nothing is tried twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Calls.
    pub calls: Calls,
    /// How long they take at the rate, if there is one.
    pub time: Option<Duration>,
    /// How long they take where the rate stays the one at which a run begins, if that is lower.
    pub longest: Option<Duration>,
}

impl Cost {
    /// `27 calls (9 reads, 9 writes, 9 read-backs)`.
    fn calls_in_words(&self) -> String {
        format!("{} ({})", several(self.calls.total(), "call", "calls"), self.kinds_in_words())
    }

    /// The calls by what they are for: `9 reads, 9 writes, 9 read-backs`.
    fn kinds_in_words(&self) -> String {
        let Calls { reads, writes, read_backs, .. } = self.calls;
        let kinds =
            [(reads, "read", "reads"), (writes, "write", "writes"), (read_backs, "read-back", "read-backs")];
        let kinds = kinds.into_iter().filter(|(number, ..)| *number > 0);
        kinds.map(|(number, one, many)| several(number, one, many)).collect::<Vec<_>>().join(", ")
    }

    /// How long that takes: `at least 3.3 s at 8.0/s`; nothing, without a pace.
    fn time_in_words(&self, expected: Expected) -> Option<String> {
        let time = duration(self.time?);
        Some(match self.longest {
            None => format!("at least {time} {expected}"),
            Some(longest) => format!(
                "between {} at {}, where a run begins, and {time} {expected}",
                duration(longest),
                pace(Rate::FIRST)
            ),
        })
    }
}

/// Keys that aren't live, in words; those first that are live ones under another spelling.
fn said<'a>(unknown: impl Iterator<Item = &'a UnknownKey>) -> Vec<String> {
    let (respelled, others): (Vec<_>, Vec<_>) = unknown.partition(|key| key.respelled);
    respelled.into_iter().chain(others).map(ToString::to_string).collect()
}

fn additions(line: &PlanLine) -> impl Iterator<Item = &UnknownKey> {
    line.steps.iter().flat_map(|step| &step.additions)
}

fn is_respelled(line: &PlanLine) -> bool {
    additions(line).any(|key| key.respelled)
}

/// How many kinds of change are not shown.
fn more_kinds(more: usize) -> String {
    several(more as u64, "more kind of change", "more kinds of change")
}

fn example(line: &PlanLine, detail: String) -> Example {
    let name = line.name.clone().unwrap_or_default();
    Example { line: line.line, org: Some(line.org), name, detail }
}

/// Takes an org into a finding, if there is anything to say of it.
fn add(finding: &mut Finding, line: &PlanLine, what: &[String], between: &str) {
    if !what.is_empty() {
        finding.add(|| example(line, what.join(between)));
    }
}

impl PlanReview {
    /// Of a plan of these operations that begins so, and whose files are called `<stem>.csv` and the like.
    pub fn begin(operations: &Operations, plan: &Header, stem: &str) -> Self {
        Self {
            operations: operations.clone(),
            tables: vec![format!("{stem}.csv")],
            calls: CallCount::new(&plan.plan_id, plan.write, plan.verify),
            has_canary: has_canary(operations, plan.waves.as_ref()),
            is_at_once: false,
            clusters: Clusters::new(operations.clone()),
            verdicts: BTreeMap::new(),
            troubles: BTreeMap::new(),
            rows: Vec::new(),
            lines: 0,
            updates: 0,
            unproven: 0,
            misplaced: Finding::default(),
            absent: Finding::default(),
            risks: BTreeMap::new(),
            guarded: BTreeMap::new(),
            respelled: Finding::default(),
            idle_removals: Finding::default(),
            allowances: Note::of_plan(plan),
            waves: Vec::new(),
            guards: Vec::new(),
        }
    }

    /// Takes the next line in.
    pub fn line(&mut self, line: &PlanLine) {
        self.lines += 1;
        self.calls.line(line);
        *self.verdicts.entry(verdict_word(line.verdict)).or_default() += 1;
        self.unproven += u64::from(line.steps.iter().any(|step| step.unproven));
        if line.verdict == Verdict::Update {
            self.updates += 1;
            for step in line.steps.iter().filter(|step| step.verdict == Verdict::Update) {
                self.clusters.add(step, line.line);
                if let Some(rule) = &step.operation.one_place {
                    add(&mut self.misplaced, line, &in_two_places(rule, step), ", ");
                }
            }
            self.risks(line);
            for kind in GuardKind::tripped_by(line) {
                let tripped = self.tripped(&kind, line);
                add(self.guarded.entry(kind).or_default(), line, &tripped, "; ");
            }
            if is_respelled(line) {
                add(&mut self.respelled, line, &said(additions(line)), "; ");
            }
        }
        let judged =
            || line.steps.iter().filter(|step| matches!(step.verdict, Verdict::Update | Verdict::Unchanged));
        add(&mut self.idle_removals, line, &said(judged().flat_map(|step| &step.idle_removals)), ", ");
        judged().for_each(|step| self.clusters.judge(step));
        let own = line.org_error.as_ref();
        let of_steps = line.steps.iter().filter_map(|step| step.org_error.as_ref());
        // What is only not taken has its cause in another step.
        let causes = of_steps.filter(|org_error| org_error.code != Code::OrgStep);
        for org_error in own.into_iter().chain(causes) {
            let finding = self.troubles.entry(org_error.code).or_default();
            finding.add(|| example(line, org_error.message.clone()));
        }
        if self.rows.len() < ROWS && line.verdict != Verdict::Unchanged && line.verdict != Verdict::Skipped {
            self.rows.push(Row {
                line: line.line,
                name: line.name.clone().unwrap_or_default(),
                org: line.org.to_string(),
                wave: line.wave,
                verdict: line.verdict,
                fields: line.changes().count(),
            });
        }
    }

    /// A change in words.
    fn change(&self, step: &PlannedStep, field: &PlannedField) -> String {
        let before = value::before(&field.path, &field.before).text;
        let path = self.operations.path_text(&step.operation, &field.path);
        format!("{path} {before} -> {}", value::desired(field).text)
    }

    /// What of an org a guard is about.
    fn tripped(&self, kind: &GuardKind, line: &PlanLine) -> Vec<String> {
        let updates = || line.steps.iter().filter(|step| step.verdict == Verdict::Update);
        match kind {
            // An org with a key that is a live one under another spelling is named before the others.
            GuardKind::Additions if is_respelled(line) => Vec::new(),
            GuardKind::Additions => said(additions(line)),
            GuardKind::Unproven if updates().any(|step| step.unproven) => {
                vec!["what was read names no org".to_owned()]
            }
            GuardKind::Unreadable(place) => vec![format!("{place} is not shown")],
            GuardKind::Derived(operation) => vec![format!("written by the description of {operation}")],
            GuardKind::Clears | GuardKind::Removals | GuardKind::Field(_) | GuardKind::Unproven => {
                let covered = |step: &'_ PlannedStep| {
                    let fields = step.fields.iter().filter(|field| kind.covers(field));
                    fields.map(|field| self.change(step, field)).collect::<Vec<_>>()
                };
                updates().flat_map(covered).collect()
            }
        }
    }

    fn risks(&mut self, line: &PlanLine) {
        let mut risks: BTreeMap<Arc<str>, Vec<String>> = BTreeMap::new();
        for step in line.steps.iter().filter(|step| step.verdict == Verdict::Update) {
            for field in &step.fields {
                for risk in field.risks() {
                    risks.entry(risk.effect.clone()).or_default().push(self.change(step, field));
                }
            }
        }
        for (effect, changes) in risks {
            add(self.risks.entry(effect).or_default(), line, &changes, ", ");
        }
    }

    /// Takes in what a row names and its org doesn't have.
    pub fn absent(&mut self, line: u64, name: &str, what: &[String]) {
        if !what.is_empty() {
            self.absent.add(|| Example { line, org: None, name: name.to_owned(), detail: what.join(", ") });
        }
    }

    /// Why orgs can't be written.
    fn causes(&self) -> Vec<Cause<'_>> {
        Cause::all(&self.troubles, Stage::Plan, &self.operations)
    }

    /// Takes the plan's end in.
    pub fn finish(&mut self, footer: &Footer) {
        self.waves.clone_from(&footer.waves);
        self.guards.clone_from(&footer.guards);
    }

    /// The same, of a plan that the process which has just made it carries out.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { is_at_once: true, ..self }
    }

    /// What carrying it out costs at this pace.
    pub fn cost(&self, expected: Expected) -> Cost {
        let calls = self.calls.calls(self.has_canary);
        let calls = if self.is_at_once { calls.at_once() } else { calls };
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let at = |rate: f64| Duration::from_secs_f64((calls.total() as f64 / rate).min(3.2e9));
        let rate = expected.rate().filter(|rate| *rate > 0.0);
        Cost { calls, time: rate.map(at), longest: expected.slowest().map(at) }
    }

    /// What the plan comes to, in one line.
    fn headline(&self) -> String {
        let changed = if self.updates == 0 {
            "nothing to write".into()
        } else {
            format!("{} to write", count(self.updates))
        };
        format!("{}: {changed}", orgs(self.lines))
    }

    /// What is no guard and should still be known.
    fn warnings(&self) -> Vec<Warning<'_>> {
        let rule = self.operations.iter().find_map(|(_, operation)| operation.one_place.as_ref());
        let (broken, advice) = rule.map_or(("", ""), |rule| (&*rule.words, &*rule.advice));
        let all = [
            Warning {
                what: "an entry is to be removed that is not live",
                todo: "check whether it is already gone or its key is misspelled",
                finding: &self.idle_removals,
            },
            Warning { what: broken, todo: advice, finding: &self.misplaced },
            Warning {
                what: "a camera or a location doesn't exist in the org",
                todo: "fix the ids in these rows, or check why the org lost them",
                finding: &self.absent,
            },
        ];
        all.into_iter().filter(|warning| warning.finding.orgs > 0).collect()
    }

    /// The text, each line with its end.
    pub fn render(&self, width: usize, style: Style, expected: Expected) -> String {
        let mut page = Page::new(width, style);
        page.paragraph(Tone::Strong, 0, 2, &self.headline());
        for allowance in &self.allowances {
            page.paragraph(Tone::Warn, 0, 2, &allowance.render(str::to_owned));
        }
        self.say_risks(&mut page);
        self.changes(&mut page);
        self.guards(&mut page);
        self.troubles(&mut page);
        self.table(&mut page);
        self.costs(&mut page, expected);
        page.finish()
    }

    /// What makes an org less safe: the largest first.
    fn riskiest(&self) -> Vec<(&str, &Finding)> {
        let mut risks: Vec<_> = self.risks.iter().map(|(effect, finding)| (&**effect, finding)).collect();
        risks.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.orgs));
        risks
    }

    /// The orgs that a guard is about: those first whose key is a live one under another spelling.
    fn guarded(&self, guard: &Guard) -> Finding {
        let respelled = (guard.kind == GuardKind::Additions).then_some(&self.respelled);
        let findings = respelled.into_iter().chain(self.guarded.get(&guard.kind));
        let examples = findings.flat_map(|finding| &finding.examples).take(EXAMPLES).cloned().collect();
        Finding { orgs: guard.orgs, examples }
    }

    /// What is to be known of a guard beside its kind.
    fn beside(guard: &Guard) -> Option<String> {
        (guard.respelled > 0).then(|| {
            format!(
                "in {}, the key is another spelling of a live key: correct the manifest",
                orgs(guard.respelled)
            )
        })
    }

    fn say_risks(&self, page: &mut Page) {
        for (effect, finding) in self.riskiest() {
            page.gap();
            page.paragraph(Tone::Bad, 0, 2, &format!("Risk  {}: {effect}", orgs(finding.orgs)));
            self.say_examples(page, finding);
        }
    }

    fn say_examples(&self, page: &mut Page, finding: &Finding) {
        say_examples(page, finding, &self.tables.join(", "));
    }

    fn changes(&self, page: &mut Page) {
        let clusters = self.clusters.riskiest_first();
        if clusters.is_empty() {
            return;
        }
        page.gap();
        let shown = clusters::to_show(&clusters, CLUSTERS);
        for cluster in &shown {
            let tone = if cluster.needs_attention() { Tone::Warn } else { Tone::Plain };
            page.paragraph(tone, 2, 2, &cluster.to_string());
        }
        let more = clusters.len() - shown.len();
        if more > 0 {
            let text = format!("and {}: see {}", more_kinds(more), self.tables.join(", "));
            page.paragraph(Tone::Faint, 2, 2, &text);
        }
    }

    fn guards(&self, page: &mut Page) {
        for guard in &self.guards {
            page.gap();
            page.paragraph(Tone::Warn, 0, 2, &format!("Guard  {}: {}", orgs(guard.orgs), guard.kind));
            if let Some(text) = Self::beside(guard) {
                page.paragraph(Tone::Bad, 2, 2, &text);
            }
            self.say_examples(page, &self.guarded(guard));
            page.paragraph(Tone::Plain, 2, 2, "if this is intended, apply with");
            page.uncut(Tone::Strong, 4, &format!("--ack {}", guard.ack));
        }
        for warning in self.warnings() {
            page.gap();
            let text = format!("Warning  {}: {}", orgs(warning.finding.orgs), warning.what);
            page.paragraph(Tone::Warn, 0, 2, &text);
            self.say_examples(page, warning.finding);
            page.paragraph(Tone::Plain, 2, 2, &format!("do:  {}", warning.todo));
        }
    }

    fn troubles(&self, page: &mut Page) {
        let settled: Vec<String> = self
            .verdicts
            .iter()
            .filter(|(word, _)| **word != "update")
            .map(|(word, orgs)| format!("{} {word}", count(*orgs)))
            .collect();
        if !settled.is_empty() {
            page.gap();
            page.paragraph(Tone::Plain, 0, 2, &format!("Not written: {}", settled.join(", ")));
        }
        for cause in self.causes() {
            say_cause(page, Tone::Bad, &cause);
        }
    }

    fn table(&self, page: &mut Page) {
        if self.rows.is_empty() {
            return;
        }
        let columns = [
            Column { head: "line", right: true, least: 4, spare: 1 },
            Column { head: "org", right: false, least: 14, spare: 0 },
            Column { head: "id", right: false, least: 22, spare: 4 },
            Column { head: "wave", right: true, least: 4, spare: 3 },
            Column { head: "verdict", right: false, least: 8, spare: 2 },
            Column { head: "fields", right: true, least: 6, spare: 5 },
        ];
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                let tone = match row.verdict {
                    Verdict::Update => Tone::Plain,
                    _ => Tone::Warn,
                };
                let name = if row.name.trim().is_empty() { &row.org } else { &row.name };
                let cells = vec![
                    row.line.to_string(),
                    cut(name, 40),
                    row.org.clone(),
                    row.wave.map(|wave| wave.to_string()).unwrap_or_default(),
                    verdict_word(row.verdict).to_owned(),
                    row.fields.to_string(),
                ];
                (tone, cells)
            })
            .collect();
        page.gap();
        page.table(&columns, &rows);
        let listed = self.lines
            - self.verdicts.get("unchanged").copied().unwrap_or(0)
            - self.verdicts.get("skipped").copied().unwrap_or(0);
        let more = listed.saturating_sub(self.rows.len() as u64);
        if more > 0 {
            let tables = self.tables.join(", ");
            page.paragraph(Tone::Faint, 0, 2, &format!("and {} more: see {tables}", orgs(more)));
        }
    }

    fn costs(&self, page: &mut Page, expected: Expected) {
        if self.updates == 0 {
            return;
        }
        let cost = self.cost(expected);
        page.gap();
        let at = cost.time_in_words(expected).map(|time| format!(", {time}")).unwrap_or_default();
        let text = format!("Cost: at least {}{at}", cost.calls_in_words());
        page.paragraph(Tone::Plain, 0, 2, &text);
        if !self.waves.is_empty() {
            page.paragraph(Tone::Plain, 0, 2, &format!("Waves: {}", self.waves_in_words()));
        }
    }

    /// How many orgs each wave has: `2 (pinned to wave 3), then 1, then 9`.
    fn waves_in_words(&self) -> String {
        let wave = |wave: &WaveCount| match wave {
            WaveCount { wave, orgs, pinned: true } => format!("{} (pinned to wave {wave})", count(*orgs)),
            WaveCount { orgs, pinned: false, .. } => count(*orgs),
        };
        self.waves.iter().map(wave).collect::<Vec<_>>().join(", then ")
    }
}
