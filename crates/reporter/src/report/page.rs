//! `report.html`: a run on one page, with pictures. Its rows are gathered while the records stream by, up to
//! what a page bears; `results.csv` has them all.

use std::io::{self, BufWriter};

use askama::Template;
use orgwave_core::operation::{Confession, Form};
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::status::{Counts, Status, Verified};
use orgwave_core::timestamp::Timestamp;

use super::charts;
use super::timeline::Timeline;
use crate::advice::next_step;
use crate::digest::RunDigest;
use crate::error::ReportError;
use crate::note::Note;
use crate::pages::{
    CHANGES, Card, CauseCard, Chart, Extra, Frame, Rows, Segment, begin_row, push_numbers, strip,
};
use crate::part_name::parts;
use crate::record::Record;
use crate::rendered::{Rendered, RenderedChange, Text};
use crate::run_file::{Place, RunFile};
use crate::source::RunSource;
use crate::terminal::{Tone, clean, count, duration, status_words};
use crate::whole::WholeFile;

/// The file that has every org.
const CSV: &str = "results.csv";

pub(crate) struct ReportHtml {
    file: WholeFile,
    rows: Rows,
    /// Paths, what was there, and what was written.
    columns: [Column; 3],
    timeline: Timeline,
    started: Timestamp,
    org_files: bool,
}

impl ReportHtml {
    pub(crate) const NAME: &str = "report.html";

    pub(crate) fn begin(
        place: &Place<'_>,
        source: &dyn RunSource,
        org_files: bool,
    ) -> Result<Self, ReportError> {
        Ok(Self {
            file: place.begin(Self::NAME).map_err(|error| place.failed(Self::NAME, error))?,
            rows: Rows::new(),
            columns: Default::default(),
            timeline: Timeline::of(source).map_err(ReportError::Journal)?,
            started: source.header().started,
            org_files,
        })
    }
}

impl RunFile for ReportHtml {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record, rendered: &Rendered) -> io::Result<()> {
        self.add(record, rendered);
        Ok(())
    }

    fn end(self: Box<Self>, digest: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        let words: Vec<(&str, Tone)> =
            Status::ALL.iter().map(|status| (status.as_str(), status_words(*status).1)).collect();
        let tables = parts(done.iter().map(WholeFile::file_name), CSV);
        let listed = self.rows.end(false, &tables, self.org_files, &words);
        let title = digest.title();
        let notes: Vec<Note> = [Note::own(digest.speed())].into_iter().chain(digest.stopped()).collect();
        let frame = Frame {
            word: "Status",
            column: "sends",
            last_column: "took",
            ..Frame::new(format!("{title} · run {}", digest.run.run_id), tables, listed, digest.facts())
        };
        let html = ReportPage {
            frame,
            headline: title,
            notes: Note::clean(&notes),
            allowances: Note::clean(&digest.allowances),
            strip: strip(&segments(&digest.counts)),
            next: digest.default_command().unwrap_or_default(),
            causes: CauseCard::all(digest.causes()),
            warnings: warnings(digest),
            charts: [charts::course(&self.timeline), charts::latency(&digest.course)]
                .into_iter()
                .flatten()
                .collect(),
            waves: waves(digest),
        };
        let mut out = BufWriter::with_capacity(1 << 16, self.file);
        html.write_into(&mut out)?;
        done.push(out.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    frame: Frame,
    headline: String,
    notes: Vec<String>,
    allowances: Vec<String>,
    strip: String,
    next: String,
    causes: Vec<CauseCard>,
    warnings: Vec<Card>,
    charts: Vec<Chart>,
    waves: Vec<Wave>,
}

struct Wave {
    number: u32,
    orgs: String,
    began: String,
    outcome: String,
}

/// The [`course`] of an org of which nothing but its read is known; the page's script knows it, too.
const NOTHING_DONE: &str = ",[0,null,null,0,0]";

/// A column of the orgs' changes: what the page has of each place in it, so that a text that is there again need not be
/// looked for.
#[derive(Default)]
struct Column {
    versions: Vec<u32>,
    numbers: Vec<u32>,
    /// The org's before: how long it was, and its number.
    last: Option<(usize, u32)>,
}

impl Column {
    /// The number of the list of these texts.
    fn list<'a>(&mut self, rows: &mut Rows, texts: impl ExactSizeIterator<Item = &'a Text>) -> u32 {
        let len = texts.len();
        self.versions.resize(len.max(self.versions.len()), 0);
        self.numbers.resize(self.versions.len(), 0);
        let mut last = self.last.filter(|(last, _)| *last == len);
        for ((text, version), number) in texts.zip(&mut self.versions).zip(&mut self.numbers) {
            if *version != text.version() {
                *version = text.version();
                *number = rows.text(text.text());
                last = None;
            }
        }
        let newest = last.unwrap_or_else(|| (len, rows.list(&self.numbers[..len])));
        self.last = Some(newest);
        newest.1
    }
}

impl ReportHtml {
    /// Adds an org to the page's list.
    fn add(&mut self, record: &Record, rendered: &Rendered) {
        let rows = &mut self.rows;
        let Record { line, outcome, .. } = record;
        let to_look_at = !matches!(outcome.status, Status::Applied | Status::Unchanged | Status::Skipped);
        if rows.leaves_out(to_look_at) {
            return;
        }
        let word = outcome.status as usize;
        let mut row = begin_row(line.line, line.org.as_str(), record.name(), record.wave(), word);
        let changes = rendered.changes();
        let shown = &changes[..changes.len().min(CHANGES)];
        let lists = if shown.is_empty() {
            Vec::new()
        } else {
            let [paths, befores, afters] = &mut self.columns;
            vec![
                paths.list(rows, shown.iter().map(RenderedChange::named)),
                befores.list(rows, shown.iter().map(|change| &change.before)),
                afters.list(rows, shown.iter().map(|change| &change.after)),
            ]
        };
        push_numbers(&mut row, &lists);
        row.push(',');
        let mut extra = Extra::default();
        extra.text('n', line.note.as_deref());
        extra.text('s', line.skip.as_deref());
        if let Some(org_error) = &outcome.org_error {
            extra.text('c', Some(org_error.code.as_str()));
            extra.text('m', Some(&org_error.message));
        }
        let step = next_step(record);
        if !step.is_empty() {
            extra.number('t', u64::from(rows.text(&step)));
        }
        extra.text('w', Some(outcome.ack.message()));
        let lists = Confession::known().iter().filter_map(|confession| {
            let items = outcome.ack.items(&confession.column);
            (!items.is_empty()).then(|| (rows.text(&confession.label), confession.form == Form::Ids, items))
        });
        extra.lists('l', &lists.collect::<Vec<_>>());
        if changes.len() > CHANGES {
            extra.number('k', (changes.len() - CHANGES) as u64);
        }
        row.push_str(&extra.end());
        row.push_str(&course(outcome, self.started));
        rows.push(to_look_at, &row);
    }
}

/// What was done about the org, with a comma before it. Of one that was only read and is as desired, nothing.
fn course(outcome: &OrgOutcome, run_started: Timestamp) -> String {
    let verified = match outcome.verified {
        Verified::True => 0,
        Verified::False => 1,
        Verified::Partly => 2,
    };
    let since = |from: Option<Timestamp>, to: Option<Timestamp>| match (from, to) {
        (Some(from), Some(to)) => to.since(from).as_millis().to_string(),
        _ => "null".to_owned(),
    };
    let course = format!(
        ",[{},{},{},{},{verified}]",
        outcome.attempts,
        since(Some(run_started), outcome.started_at),
        since(outcome.started_at, outcome.finished_at),
        outcome.http_status.unwrap_or(0),
    );
    if course == NOTHING_DONE { String::new() } else { course }
}

fn segments(counts: &Counts) -> Vec<Segment> {
    counts
        .iter()
        .map(|(status, number)| Segment {
            label: status.as_str().replace('_', " "),
            number,
            tone: status_words(status).1,
        })
        .collect()
}

fn warnings(digest: &RunDigest) -> Vec<Card> {
    let warnings = &digest.warnings;
    let lists = warnings
        .lists()
        .map(|(confession, finding)| Card::of(&*confession.words, &confession.advice, finding));
    let todo = warnings.todo_of_texts();
    let texts =
        warnings.texts.iter().map(|(text, finding)| Card::of(format!("“{}”", clean(text)), todo, finding));
    lists.chain(texts).collect()
}

fn waves(digest: &RunDigest) -> Vec<Wave> {
    let wave = |(number, counts): (&u32, &Counts)| {
        let start = digest.course.waves.iter().find(|start| start.wave == *number);
        let outcome: Vec<String> = counts
            .iter()
            .filter(|(_, orgs)| *orgs > 0)
            .map(|(status, orgs)| format!("{} {}", count(orgs), status.as_str().replace('_', " ")))
            .collect();
        Wave {
            number: *number,
            orgs: count(counts.total()),
            began: start
                .map(|start| format!("after {}", duration(start.at.since(digest.run.started))))
                .unwrap_or_default(),
            outcome: outcome.join(", "),
        }
    };
    digest.waves.iter().filter(|(number, _)| **number > 0).map(wave).collect()
}
