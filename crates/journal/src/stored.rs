//! The reading end: a journal as it was when it was opened, while its run continues or long after.

use std::path::Path;

use orgwave_core::ids::StepId;
use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::reply::Ack;
use orgwave_core::run::{Finish, RunHeader};
use rusqlite::{Connection, OptionalExtension as _};

use crate::beside::Beside;
use crate::chain::Link;
use crate::error::JournalError;
use crate::replay::{Fact, OrgRecord, Records, Replay};
use crate::schema::{self, Access};

/// A journal, read. All that it gives is of one moment: the writer may continue meanwhile, and is never waited for.
/// As long as it lives the writer's log can't be folded in beyond that moment, so drop it when done.
#[derive(Debug)]
pub struct Stored {
    connection: Connection,
    header: RunHeader,
    first: Link,
    /// Dropped after the connection.
    _beside: Beside,
}

impl Stored {
    /// Opens a journal to read it. Needs no lock and changes no byte of it.
    ///
    /// # Errors
    /// It can't be read, is damaged, empty, no journal, or of another format.
    pub fn open_read_only(path: &Path) -> Result<Self, JournalError> {
        let (connection, header, first) = schema::open(path, Access::Read)?;
        Ok(Self { connection, header, first, _beside: Beside::of(path) })
    }

    /// What the run is.
    pub const fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Makes sure that the journal is of this very plan.
    ///
    /// # Errors
    /// [`JournalError::OtherPlan`] if it isn't.
    pub fn expect_plan(&self, plan_id: &str, plan_seal: &str) -> Result<(), JournalError> {
        if self.header.plan_id == plan_id && self.header.plan_seal == plan_seal {
            return Ok(());
        }
        Err(JournalError::OtherPlan { expected: plan_id.to_owned(), found: self.header.plan_id.clone() })
    }

    /// Where each step of each org of the plan is.
    ///
    /// # Errors
    /// The journal can't be read, or is damaged.
    pub fn records(&self) -> Result<Records, JournalError> {
        let mut replay = Replay::new(self.header.orgs, self.header.places());
        self.scan(|seq, body| {
            let fact: Fact = parse(seq, body)?;
            replay.take(seq, &fact)
        })?;
        Ok(replay.into_records())
    }

    /// Hands out every entry in the order in which it was recorded.
    ///
    /// # Errors
    /// The journal can't be read, or is damaged; entries before the damage were handed out by then.
    pub fn entries(&self, mut each: impl FnMut(Entry)) -> Result<(), JournalError> {
        self.scan(|seq, body| {
            each(parse(seq, body)?);
            Ok(())
        })
    }

    /// The outcome of a step; `None` if it isn't final, or if something happened to it since it was.
    ///
    /// # Errors
    /// The journal can't be read, or is damaged.
    pub fn outcome_of(&self, record: &OrgRecord) -> Result<Option<OrgOutcome>, JournalError> {
        let Some(seq) = record.outcome_seq else { return Ok(None) };
        match self.entry(seq)? {
            Entry::Outcome { outcome, .. } => Ok(Some(outcome)),
            _ => Err(JournalError::damaged(format!("entry {seq} is not an outcome"))),
        }
    }

    /// All that the journal holds on a step: `record`, with what it points at.
    ///
    /// # Errors
    /// The journal can't be read, or is damaged.
    pub fn progress(&self, id: StepId, record: &OrgRecord) -> Result<OrgProgress, JournalError> {
        let outcome = self.outcome_of(record)?;
        // What is settled and surely not live needs no before-image.
        let may_be_live =
            outcome.as_ref().is_none_or(|outcome| outcome.may_be_live || !outcome.status.is_settled());
        let before = match record.intent.filter(|_| may_be_live).map(|seq| (seq, self.entry(seq))) {
            None => None,
            Some((_, Ok(Entry::Intent { before, .. }))) => Some(before),
            Some((seq, Ok(_))) => return Err(JournalError::damaged(format!("entry {seq} is not an intent"))),
            Some((_, Err(error))) => return Err(error),
        };
        let ack = match (&outcome, record.ack_seq) {
            (Some(outcome), _) => outcome.ack.clone(),
            (None, None) => Ack::default(),
            (None, Some(seq)) => match self.entry(seq)? {
                Entry::Step { ack, .. } => ack.unwrap_or_default(),
                _ => return Err(JournalError::damaged(format!("entry {seq} is not a step"))),
            },
        };
        Ok(OrgProgress { id, state: record.state, outcome, before, started_at: record.started_at, ack })
    }

    /// The same of each step of which there is an intent or an outcome, in the order of the plan, read one by one.
    pub fn steps<'a>(
        &'a self,
        records: &'a Records,
    ) -> impl Iterator<Item = Result<OrgProgress, JournalError>> + 'a {
        let known = records.iter().filter(|(_, record)| record.is_known());
        known.map(|(id, record)| self.progress(id, record))
    }

    /// What is about no single org: beginnings, waves, samples, ends, in order.
    ///
    /// # Errors
    /// The journal can't be read, or is damaged.
    pub fn timeline(&self) -> Result<Vec<Entry>, JournalError> {
        let mut timeline = Vec::new();
        self.scan(|seq, body| {
            let fact: Fact = parse(seq, body)?;
            if fact.org().is_none() {
                timeline.push(parse(seq, body)?);
            }
            Ok(())
        })?;
        Ok(timeline)
    }

    /// How the last process ended; `None` if it was killed, or is still at work.
    ///
    /// # Errors
    /// The journal can't be read, or is damaged.
    pub fn finish(&self) -> Result<Option<Finish>, JournalError> {
        let body: Option<(i64, String)> = self
            .connection
            .query_row("SELECT seq, body FROM entry ORDER BY seq DESC LIMIT 1", (), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(JournalError::sqlite("read the journal's last entry"))?;
        match body.map(|(seq, body)| parse(seq, &body)).transpose()? {
            Some(Entry::Finished(finish)) => Ok(Some(finish)),
            _ => Ok(None),
        }
    }

    fn entry(&self, seq: i64) -> Result<Entry, JournalError> {
        let body: String = self
            .connection
            .prepare_cached("SELECT body FROM entry WHERE seq = ?1")
            .and_then(|mut select| select.query_row((seq,), |row| row.get(0)))
            .map_err(JournalError::sqlite("read an entry of the journal"))?;
        parse(seq, &body)
    }

    /// Reads every entry in order, and makes sure of the chain on the way.
    fn scan(&self, mut each: impl FnMut(i64, &str) -> Result<(), JournalError>) -> Result<(), JournalError> {
        let sqlite = || JournalError::sqlite("read the journal's entries");
        let mut select = self
            .connection
            .prepare_cached("SELECT seq, body, chain FROM entry ORDER BY seq")
            .map_err(sqlite())?;
        let mut rows = select.query(()).map_err(sqlite())?;
        let mut chain = self.first;
        while let Some(row) = rows.next().map_err(sqlite())? {
            let seq: i64 = row.get(0).map_err(sqlite())?;
            let body = row.get_ref(1).and_then(|value| Ok(value.as_str()?)).map_err(sqlite())?;
            chain = chain.next(body);
            if chain != Link::from_stored(row.get(2).map_err(sqlite())?) {
                return Err(JournalError::damaged(format!(
                    "entry {seq} was altered, or one before it is missing"
                )));
            }
            each(seq, body)?;
        }
        Ok(())
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(seq: i64, body: &'a str) -> Result<T, JournalError> {
    serde_json::from_str(body)
        .map_err(|error| JournalError::damaged_by(format!("entry {seq} can't be understood"), error))
}
