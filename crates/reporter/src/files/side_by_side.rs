//! Some threads write the files while this one reads the records: reading is half of the work. In the end they are
//! made durable, each by a thread of its own.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use super::{Nameless, RunFile, WholeFile, at};
use crate::error::ReportError;
use crate::record::Record;

/// How many records are handed on together, and how many such batches may wait: enough that no thread waits for
/// another at every record, few enough that what they hold stays a few megabytes.
const BATCH: usize = 16;
const WAITING: usize = 2;
/// Bytes of the plan that end a batch early: a record takes many times as many as its line.
const LONG: u64 = 1 << 20;
/// Threads that write; the files are dealt out among them.
const THREADS: usize = 2;

type Batch = Arc<[Record]>;
type Files = Vec<(usize, Box<dyn RunFile>)>;

/// Gives every record that `next` reads to every file, in order, and gives the files back in theirs.
pub(super) fn write(
    files: Vec<Box<dyn RunFile>>,
    folder: &Path,
    mut next: impl FnMut() -> Result<Option<Record>, ReportError>,
) -> Result<Vec<Box<dyn RunFile>>, ReportError> {
    let mut shares: Vec<Files> = (0..THREADS).map(|_| Vec::new()).collect();
    for (place, file) in files.into_iter().enumerate() {
        // In pairs: the two long tables on one thread, the page on the other.
        shares[place / 2 % THREADS].push((place, file));
    }
    let files = thread::scope(|scope| {
        let (outs, writers): (Vec<_>, Vec<_>) = shares
            .into_iter()
            .map(|share| {
                let (out, batches) = sync_channel(WAITING);
                (out, scope.spawn(move || write_share(share, folder, &batches)))
            })
            .unzip();
        let read = read_all(&outs, &mut next);
        // The end, for those who write.
        drop(outs);
        let written = writers.into_iter().map(ended).collect::<Result<Vec<_>, _>>();
        read.and(written)
    })?;
    let mut files: Files = files.into_iter().flatten().collect();
    files.sort_by_key(|(place, _)| *place);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

fn read_all(
    outs: &[SyncSender<Batch>],
    next: &mut impl FnMut() -> Result<Option<Record>, ReportError>,
) -> Result<(), ReportError> {
    loop {
        let (batch, is_last) = next_batch(next, |record| u64::from(record.length))?;
        let batch = Batch::from(batch);
        // A thread that is gone has met an error, which it tells when it is joined.
        if outs.iter().any(|out| out.send(batch.clone()).is_err()) || is_last {
            return Ok(());
        }
    }
}

/// What is handed on together, and whether nothing comes after it.
fn next_batch<T, E>(
    next: &mut impl FnMut() -> Result<Option<T>, E>,
    length: impl Fn(&T) -> u64,
) -> Result<(Vec<T>, bool), E> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut bytes = 0;
    while batch.len() < BATCH && bytes < LONG {
        let Some(item) = next()? else { return Ok((batch, true)) };
        bytes += length(&item);
        batch.push(item);
    }
    Ok((batch, false))
}

fn write_share(mut files: Files, folder: &Path, batches: &Receiver<Batch>) -> Result<Files, ReportError> {
    for batch in batches {
        for record in batch.iter() {
            for (_, file) in &mut files {
                file.org(record).map_err(|error| at(folder, file.name())(error))?;
            }
        }
    }
    Ok(files)
}

/// Makes all files durable at once: a disk that is told so together is done sooner.
pub(super) fn sync(files: Vec<WholeFile>) -> Result<Vec<Nameless>, ReportError> {
    let synced: Vec<io::Result<()>> = thread::scope(|scope| {
        // Nothing is allocated there: a heap of its own costs a thread more than a megabyte.
        let threads: Vec<_> = files.iter().map(|file| scope.spawn(|| file.sync())).collect();
        threads.into_iter().map(ended).collect()
    });
    let named = |(file, synced): (WholeFile, io::Result<()>)| {
        synced.map_err(ReportError::write(file.path())).map(|()| file.nameless())
    };
    files.into_iter().zip(synced).map(named).collect()
}

fn ended<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// How many are handed on together, batch by batch, of items that are so long.
    fn batches(lengths: &[u64]) -> Vec<usize> {
        let mut items = lengths.iter().copied();
        let mut counts = Vec::new();
        loop {
            let Ok((batch, is_last)) =
                next_batch(&mut || Ok::<_, Infallible>(items.next()), |length| *length);
            counts.push(batch.len());
            if is_last {
                return counts;
            }
        }
    }

    #[test]
    fn batches_are_small_in_number_and_in_bytes() {
        assert_eq!(batches(&[]), [0]);
        assert_eq!(batches(&[1; 20]), [16, 4]);
        assert_eq!(batches(&[1; 32]), [16, 16, 0]);
        assert_eq!(batches(&[1, LONG, LONG, 1]), [2, 1, 1]);
    }
}
