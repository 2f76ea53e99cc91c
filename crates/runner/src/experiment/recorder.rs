//! The thread that writes finished cases.
//!
//! A slot waits until its case is on the disk. Cases that finish while the disk is busy are written together, so that many
//! slots do not wait for many synchronisations.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::lines::Lines;
use crate::outcome::Finished;

/// The files that are written along the way.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) journal: File,
    pub(super) traces: Option<[File; 2]>,
    pub(super) turns: File,
}

type Told = oneshot::Sender<Result<(), io::ErrorKind>>;

/// Takes cases to the thread that writes them.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    cases: mpsc::Sender<(Box<Finished>, Told)>,
}

/// The thread.
#[derive(Debug)]
pub(crate) struct Recording {
    thread: JoinHandle<io::Result<()>>,
}

impl Recorder {
    /// Starts the thread.
    pub(super) fn start(files: Files) -> io::Result<(Self, Recording)> {
        let (cases, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || record(files, &inbox))?;
        Ok((Self { cases }, Recording { thread }))
    }

    /// Returns when a case is on the disk.
    pub(crate) async fn record(&self, finished: &Finished) -> io::Result<()> {
        let (told, hears) = oneshot::channel();
        let gone = || io::Error::other("the writer of results has stopped");
        self.cases.send((Box::new(finished.clone()), told)).map_err(|_| gone())?;
        hears.await.map_err(|_| gone())?.map_err(io::Error::from)
    }
}

impl Recording {
    /// Waits until everything is written; the recorders must be gone.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the writer of results has stopped")))
    }
}

fn record(mut files: Files, inbox: &mpsc::Receiver<(Box<Finished>, Told)>) -> io::Result<()> {
    const MOST_AT_ONCE: usize = 256;
    while let Ok(first) = inbox.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(inbox.try_iter().take(MOST_AT_ONCE)).collect();
        let written = write(&mut files, &batch);
        for (_, told) in batch {
            // A slot that was stopped does not wait for it.
            let _ = told.send(written.as_ref().copied().map_err(io::Error::kind));
        }
        written?;
    }
    Ok(())
}

fn write(files: &mut Files, batch: &[(Box<Finished>, Told)]) -> io::Result<()> {
    let mut lines = Lines::default();
    for (finished, _) in batch {
        lines.add(finished)?;
    }
    files.journal.write_all(&lines.journal)?;
    files.journal.sync_data()?;
    // The rest can be made again from the journal.
    files.turns.write_all(&lines.turns)?;
    if let Some([traces, trace_summary]) = &mut files.traces {
        traces.write_all(&lines.traces)?;
        trace_summary.write_all(&lines.trace_summary)?;
    }
    Ok(())
}
