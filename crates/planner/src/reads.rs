//! The API as plans, verifications, undos and exports use it: it can't write.

use orgwave_core::event::{EventKind, EventSink};
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operations;
use orgwave_core::org::SharedRead;
use orgwave_executor::gate::Gate;
use orgwave_executor::ports::{Clock, ReadApi};
use orgwave_executor::pump::{Context, Control};
use orgwave_executor::survey::{Findings, survey};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::warning::Warning;

/// The reads of one command.
pub struct Reads<'a, C: Clock, A> {
    /// What is read of orgs.
    pub operations: &'a Operations,
    /// The API.
    pub api: &'a A,
    /// Its pace.
    pub gate: &'a mut Gate<C>,
    /// Who may ask for a stop.
    pub control: &'a mut mpsc::Receiver<Control>,
    /// Who hears what happens.
    pub sink: &'a mut dyn EventSink,
    /// Who hears warnings.
    pub warn: fn(&Warning),
}

impl<C: Clock, A: ReadApi> Reads<'_, C, A> {
    /// Reads every org of `items` by the reads that are named, and hands each to `found` with what was found, in the order of
    /// the replies.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn each_org<T>(
        &mut self,
        items: impl Iterator<Item = (Ruuid, Vec<SharedRead>, T)>,
        found: impl FnMut(&T, Findings, &mut Context<'_>),
    ) -> Result<(), Error> {
        let placed = (0u32..).zip(items).map(|(place, (org, reads, item))| (place, org, reads, item));
        self.each_placed(placed, found).await
    }

    /// The same of orgs with their places in a plan that may be carried out next.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn each_placed<T>(
        &mut self,
        items: impl Iterator<Item = (u32, Ruuid, Vec<SharedRead>, T)>,
        found: impl FnMut(&T, Findings, &mut Context<'_>),
    ) -> Result<(), Error> {
        let stop = survey(items, self.api, self.gate, self.control, self.sink, found).await;
        stop.map_or(Ok(()), |reason| Err(Error::Stopped(reason)))
    }

    /// Says that something happened.
    pub fn emit(&mut self, kind: EventKind) {
        Context::new(self.gate.clock().now(), self.sink).emit(kind);
    }
}
