//! `plan.html`: the page on which a plan is reviewed. Its rows are gathered while the lines stream by, up to
//! what a page bears; `plan.csv` has them all.

use askama::Template;
use orgwave_core::plan::{Guard, Header, PlanLine, PlannedField, Verdict, WaveCount};
use orgwave_core::policy::Rate;
use orgwave_core::timestamp::Timestamp;

use super::clusters::to_show;
use super::markdown::facts;
use super::{Expected, PlanReview, Warning, more_kinds};
use crate::advice::advice;
use crate::note::Note;
use crate::pages::{
    CHANGES, Card, CauseCard, Extra, Figure, Frame, NONE, Rows, Segment, begin_row, push_numbers, strip,
};
use crate::stage::Stage;
use crate::terminal::verdict_word;
use crate::terminal::{Tone, clean, count, duration, orgs, pace};
use crate::value;

/// Kinds of change that are listed.
const CLUSTERS: usize = 300;

/// Every verdict, in the order in which people want to read them.
const VERDICTS: [Verdict; 7] = [
    Verdict::Update,
    Verdict::Unchanged,
    Verdict::Skipped,
    Verdict::Blocked,
    Verdict::Rejected,
    Verdict::Failed,
    Verdict::NotAttempted,
];

const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Update => Tone::Good,
        Verdict::Unchanged | Verdict::Skipped => Tone::Plain,
        Verdict::Blocked | Verdict::NotAttempted => Tone::Warn,
        Verdict::Rejected | Verdict::Failed => Tone::Bad,
    }
}

/// Adds an org to the page's list. Its changes have been counted by `clusters`.
pub(super) fn add(rows: &mut Rows, line: &PlanLine, review: &PlanReview) {
    let to_look_at = !matches!(line.verdict, Verdict::Unchanged | Verdict::Skipped);
    if rows.leaves_out(to_look_at) {
        return;
    }
    let word = VERDICTS.iter().position(|verdict| *verdict == line.verdict).unwrap_or(0);
    let mut row =
        begin_row(line.line, line.org.as_str(), line.name.as_deref().unwrap_or(""), line.wave, word);
    let mut left_out = 0;
    let mut columns: [Vec<u32>; 5] = [const { Vec::new() }; 5];
    if line.verdict != Verdict::Skipped {
        let changes = line.steps.iter().flat_map(|step| step.changes().map(move |field| (step, field)));
        for (place, (step, field)) in changes.enumerate() {
            if place >= CHANGES {
                left_out += 1;
                continue;
            }
            let [paths, befores, afters, froms, kinds] = &mut columns;
            for (column, text) in [
                (paths, &*review.operations.path_text(&step.operation, &field.path)),
                (befores, &*value::before(&field.path, &field.before).text),
                (afters, &*value::desired(field).text),
                (froms, &*field.from.text()),
            ] {
                column.push(rows.text(text));
            }
            let kind = review.clusters.number(step, field).and_then(|kind| u32::try_from(kind).ok());
            kinds.push(kind.unwrap_or(NONE));
        }
    }
    let lists =
        if columns[0].is_empty() { Vec::new() } else { columns.map(|column| rows.list(&column)).into() };
    push_numbers(&mut row, &lists);
    row.push(',');
    let mut extra = Extra::default();
    extra.text('n', line.note.as_deref());
    extra.text('s', line.skip.as_deref());
    if let Some(org_error) = line.error() {
        let of_step = line.steps.iter().find(|step| step.org_error.is_some());
        let operation = of_step.map_or(review.operations.first(), |step| &step.operation);
        extra.text('c', Some(org_error.code.as_str()));
        extra.text('m', Some(&org_error.message));
        extra.number('t', u64::from(rows.text(&advice(org_error.code, Stage::Plan, &operation.title))));
    }
    let of_steps = line.steps.iter().map(|step| (&step.operation, &step.expects));
    let of_others = line.preconditions.iter().map(|known| (&known.operation, &known.expects));
    let expects: Vec<String> = of_steps
        .chain(of_others)
        .flat_map(|(operation, expects)| expects.iter().map(move |expect| (operation, expect)))
        .map(|(operation, expect)| {
            format!("{} = {}", review.operations.path_text(operation, &expect.path), expect.value)
        })
        .collect();
    extra.texts('e', &expects);
    if line.verdict == Verdict::Update {
        let updates = || line.steps.iter().filter(|step| step.verdict == Verdict::Update);
        let fields = updates().flat_map(|step| &step.fields);
        let mut risks: Vec<&str> = fields.filter_map(PlannedField::risk).map(|risk| &*risk.effect).collect();
        risks.dedup();
        extra.texts('r', &risks);
        let additions = updates().flat_map(|step| &step.additions);
        extra.texts('a', &additions.map(ToString::to_string).collect::<Vec<_>>());
    }
    let removals = line.steps.iter().flat_map(|step| &step.idle_removals);
    extra.texts('i', &removals.map(ToString::to_string).collect::<Vec<_>>());
    if left_out > 0 {
        extra.number('k', left_out);
    }
    row.push_str(&extra.end());
    rows.push(to_look_at, &row);
}

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanHtml<'a> {
    frame: Frame,
    headline: String,
    expires: String,
    endpoint: &'a str,
    figures: Vec<Figure>,
    strip: String,
    allowances: Vec<String>,
    risks: Vec<Card>,
    changes: Vec<Change>,
    more_changes: Option<String>,
    guards: Vec<GuardCard<'a>>,
    warnings: Vec<Card>,
    troubles: Vec<CauseCard>,
    waves: Vec<Wave>,
}

struct Change {
    number: usize,
    orgs: String,
    place: String,
    before: String,
    after: String,
    remarks: Vec<String>,
    needs_attention: bool,
}

struct GuardCard<'a> {
    card: Card,
    beside: Option<String>,
    ack: &'a str,
}

struct Wave {
    number: u32,
    orgs: String,
    note: &'static str,
}

/// The page.
pub(super) fn page<'a>(review: &'a PlanReview, plan: &Header, rows: Rows, expected: Expected) -> String {
    let words: Vec<(&str, Tone)> =
        VERDICTS.iter().map(|verdict| (verdict_word(*verdict), tone(*verdict))).collect();
    let listed = rows.end(true, &review.tables, false, &words);
    let clusters = review.clusters.riskiest_first();
    let shown = to_show(&clusters, CLUSTERS);
    let guard = |guard: &'a Guard| GuardCard {
        card: Card::of(guard.kind.to_string(), "", &review.guarded(guard)),
        beside: PlanReview::beside(guard),
        ack: &guard.ack,
    };
    let warning =
        |Warning { what, todo, finding }: Warning<'_>| Card::of(format!("Warning: {what}"), todo, finding);
    let html = PlanHtml {
        headline: headline(review),
        expires: moment(plan.expires),
        endpoint: &plan.endpoint,
        figures: figures(review, clusters.len(), expected),
        strip: strip(&segments(review)),
        allowances: Note::clean(&review.allowances),
        risks: review.riskiest().into_iter().map(|(what, finding)| Card::of(what, "", finding)).collect(),
        more_changes: Some(clusters.len() - shown.len()).filter(|more| *more > 0).map(more_kinds),
        changes: shown
            .iter()
            .map(|cluster| Change {
                number: cluster.number(),
                orgs: count(cluster.orgs()),
                place: cluster.place().to_owned(),
                before: clean(&cluster.before()).into_owned(),
                after: clean(&cluster.after()).into_owned(),
                remarks: cluster.remarks(),
                needs_attention: cluster.needs_attention(),
            })
            .collect(),
        guards: review.guards.iter().map(guard).collect(),
        warnings: review.warnings().into_iter().map(warning).collect(),
        troubles: CauseCard::all(review.causes()),
        waves: waves(review),
        frame: Frame {
            word: "Verdict",
            column: "changes",
            last_column: "",
            ..Frame::new(
                format!("{} · plan {}", headline(review), plan.plan_id),
                review.tables.clone(),
                listed,
                facts(plan),
            )
        },
    };
    html.render().expect("writing to a string can't fail, and no filter of the template can")
}

/// `2026-12-01 09:08 UTC`: to be read, not to be sorted.
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

fn headline(review: &PlanReview) -> String {
    match review.updates {
        0 => format!("Nothing to write to {}", orgs(review.lines)),
        updates => format!("{} of {} would be written", count(updates), orgs(review.lines)),
    }
}

fn figures(review: &PlanReview, kinds: usize, expected: Expected) -> Vec<Figure> {
    let cost = review.cost(expected);
    let mut figures = vec![
        Figure { label: "Orgs to write", value: count(review.updates), small: String::new() },
        Figure { label: "Different changes", value: count(kinds as u64), small: "to be reviewed".into() },
        Figure { label: "Calls, at least", value: count(cost.calls.total()), small: cost.kinds_in_words() },
    ];
    if let Some(time) = cost.time {
        let small = match cost.longest {
            None => expected.to_string(),
            Some(longest) => format!("{expected}; {} at {}", duration(longest), pace(Rate::FIRST)),
        };
        figures.push(Figure { label: "Time, at least", value: duration(time), small });
    }
    figures
}

fn segments(review: &PlanReview) -> Vec<Segment> {
    let segment = |verdict: &Verdict| {
        let word = verdict_word(*verdict);
        let label = if *verdict == Verdict::Update { "to write" } else { word };
        Segment {
            label: label.replace('_', " "),
            number: review.verdicts.get(word).copied().unwrap_or(0),
            tone: tone(*verdict),
        }
    };
    VERDICTS.iter().map(segment).collect()
}

fn waves(review: &PlanReview) -> Vec<Wave> {
    let last = review.waves.len().saturating_sub(1);
    let wave = |(place, wave): (usize, &WaveCount)| Wave {
        number: wave.wave,
        orgs: count(wave.orgs),
        note: match place {
            0 if wave.pinned => "pinned by the manifest; the first of them is the canary",
            _ if wave.pinned => "pinned by the manifest",
            _ if last == 0 => "all in one wave: no canary",
            0 => "the canary: read back before anything else is written",
            place if place == last => "all remaining orgs",
            _ => "",
        },
    };
    review.waves.iter().enumerate().map(wave).collect()
}
