//! `plan.md`: a plan in one screenful, to be posted where it is to be approved. Every org is in the CSV.

use std::fmt::Write as _;

use orgwave_core::plan::{Header, Verdict};

use super::clusters::to_show;
use super::{Expected, PlanReview, Warning, more_kinds};
use crate::pages::markdown::{Table, causes, code, examples, own, whole_code};
use crate::terminal::verdict_word;
use crate::terminal::{count, orgs};

/// Kinds of change that are listed.
const CLUSTERS: usize = 40;

pub(super) fn page(review: &PlanReview, plan: &Header, stem: &str, expected: Expected) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# {}\n", review.headline());
    for allowance in &review.allowances {
        let _ = writeln!(text, "**{}**\n", allowance.render(whole_code));
    }
    risks(&mut text, review);
    let cost = review.cost(expected);
    if review.updates > 0 {
        let _ = write!(text, "At least {}", cost.calls_in_words());
        if let Some(time) = cost.time_in_words(expected) {
            let _ = write!(text, ", {time}");
        }
        let _ = writeln!(text, ". Waves: {}.", review.waves_in_words());
    }
    changes(&mut text, review);
    guards(&mut text, review);
    causes(&mut text, "Orgs that will not be written", &review.causes());
    table(&mut text, review, stem);
    text.push_str("\n## Facts\n\n");
    for (name, value) in facts(plan) {
        let _ = writeln!(text, "- {name}: {}", code(&value));
    }
    text
}

/// What identifies a plan.
pub(super) fn facts(plan: &Header) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("plan", plan.plan_id.clone()),
        ("made", plan.created.to_string()),
        ("expires", plan.expires.to_string()),
        ("endpoint", plan.endpoint.clone()),
        ("key fingerprint", plan.key_fingerprint.as_str().to_owned()),
        ("write, verify", format!("{}, {}", plan.write, plan.verify)),
        ("failure budget", plan.max_failures.to_string()),
    ];
    facts.extend(plan.undoes.iter().map(|run| ("undoes", format!("run {run}"))));
    for input in &plan.inputs {
        let digits = input.sha256.get(..12).unwrap_or(&input.sha256);
        facts.push(("made from", format!("{}, sha256 {digits}…", input.name)));
    }
    facts.push(("tool", plan.tool.clone()));
    facts
}

/// What makes an org less safe, before anything else.
fn risks(text: &mut String, review: &PlanReview) {
    if review.risks.is_empty() {
        return;
    }
    text.push_str("## Risks\n\n");
    for (effect, finding) in review.riskiest() {
        let _ = writeln!(text, "- **{}: {effect}.**", orgs(finding.orgs));
        examples(text, finding);
    }
    text.push('\n');
}

fn changes(text: &mut String, review: &PlanReview) {
    let clusters = review.clusters.riskiest_first();
    if clusters.is_empty() {
        return;
    }
    text.push_str("\n## Changes\n\n");
    let mut table = Table::begin(text, &["orgs:", "setting", "from", "to", "risk"]);
    let shown = to_show(&clusters, CLUSTERS);
    for cluster in &shown {
        table.row([
            count(cluster.orgs()),
            code(cluster.place()),
            code(&cluster.before()),
            code(&cluster.after()),
            cluster.remarks().join(", "),
        ]);
    }
    let more = clusters.len() - shown.len();
    if more > 0 {
        let _ = writeln!(text, "\nand {}: see {}.", more_kinds(more), tables(review));
    }
}

fn guards(text: &mut String, review: &PlanReview) {
    if review.guards.is_empty() && review.warnings().is_empty() {
        return;
    }
    text.push_str("\n## Guards and warnings\n\n");
    for guard in &review.guards {
        let ack = code(&format!("--ack {}", guard.ack));
        let beside = PlanReview::beside(guard).map(|text| format!(" {text}.")).unwrap_or_default();
        let _ = writeln!(
            text,
            "- **{}: {}.**{beside} If this is intended, apply with {ack}",
            orgs(guard.orgs),
            guard.kind
        );
        examples(text, &review.guarded(guard));
    }
    for Warning { what, todo, finding } in review.warnings() {
        let _ = writeln!(text, "- {}: {what}. Do: {}", orgs(finding.orgs), own(todo));
        examples(text, finding);
    }
}

fn table(text: &mut String, review: &PlanReview, stem: &str) {
    text.push_str("\n## Orgs\n\n");
    let mut table = Table::begin(text, &["orgs:", "verdict"]);
    for (word, number) in &review.verdicts {
        table.row([count(*number), (*word).to_owned()]);
    }
    if !review.rows.is_empty() {
        text.push('\n');
        let mut table = Table::begin(text, &["line:", "org", "wave:", "verdict", "changes:"]);
        for row in &review.rows {
            let name = if row.name.trim().is_empty() { &row.org } else { &row.name };
            let wave = row.wave.map(|wave| wave.to_string()).unwrap_or_default();
            let fields = if row.verdict == Verdict::Update { row.fields.to_string() } else { String::new() };
            table.row([row.line.to_string(), code(name), wave, verdict_word(row.verdict).to_owned(), fields]);
        }
    }
    let (csv, html) = (tables(review), code(&format!("{stem}.html")));
    let _ = writeln!(text, "\nEvery org, with every change: {csv}, and to read {html}.");
}

/// The files of the plan's table.
fn tables(review: &PlanReview) -> String {
    review.tables.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ")
}
