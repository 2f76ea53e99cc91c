//! The record of a run.
//!
//! A finished case is a line of the journal before its slot takes the next case: written in one piece, so that it is there
//! however this process ends. A thread beside the run brings the lines to the disk, many at a time and at most every
//! [`REST`], and writes the files that can be made again from the journal; the run never waits for it. What a machine that
//! loses its power can lose are therefore the cases of the last [`REST`] and of one synchronization. When
//! [`Recording::finish`] returns, everything is on the disk.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use super::lines::Lines;
use keepstep_results::case::Finished;

/// How long the thread rests between two synchronizations: each keeps the disk busy, and a write that meets one waits.
const REST: Duration = Duration::from_millis(50);

/// How many bytes may wait for the thread before it rests no more; beyond four times as many the run waits for it.
const MUCH: usize = 1024 * 1024;

/// The files that are written along the way.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) journal: File,
    pub(super) traces: Option<[File; 2]>,
    pub(super) turns: File,
}

/// Writes finished cases down.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    desk: Arc<Desk>,
}

/// The thread.
#[derive(Debug)]
pub(crate) struct Recording {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// What the run and the thread share.
#[derive(Debug)]
struct Desk {
    journal: File,
    pile: Mutex<Pile>,
    changed: Condvar,
}

/// What the run has left for the thread.
#[derive(Debug, Default)]
struct Pile {
    cases: Vec<Finished>,
    /// How long their lines are.
    bytes: usize,
    /// True while the thread waits until there is something to do.
    idles: bool,
    /// True when no more cases come.
    ends: bool,
    /// Why nothing can be written any more. A line after half a line would be lost too.
    failure: Option<io::ErrorKind>,
    /// The line that is being written.
    line: Vec<u8>,
}

impl Recorder {
    /// Starts the thread.
    pub(super) fn start(files: Files) -> io::Result<(Self, Recording)> {
        let Files { journal, traces, turns } = files;
        let desk = Arc::new(Desk { journal, pile: Mutex::default(), changed: Condvar::new() });
        let shared = Arc::clone(&desk);
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            let ended = shared.clear(turns, traces);
            if let Err(error) = &ended {
                shared.pile()?.failure.get_or_insert(error.kind());
                shared.changed.notify_all();
            }
            ended
        })?;
        Ok((Self { desk: Arc::clone(&desk) }, Recording { desk, thread: Some(thread) }))
    }

    /// Writes a case into the journal. It is there from then on, whatever becomes of this process.
    pub(crate) fn record(&self, finished: &Finished) -> io::Result<()> {
        let mut pile = self.desk.pile()?;
        while pile.bytes > 4 * MUCH && pile.failure.is_none() {
            pile = self.desk.changed.wait(pile).map_err(|_| stopped())?;
        }
        if let Some(failure) = pile.failure {
            return Err(failure.into());
        }
        let mut line = std::mem::take(&mut pile.line);
        line.clear();
        serde_json::to_writer(&mut line, finished)?;
        line.push(b'\n');
        if let Err(error) = (&self.desk.journal).write_all(&line) {
            pile.failure = Some(error.kind());
            return Err(error);
        }
        let had_little = pile.bytes < MUCH;
        pile.bytes += line.len();
        pile.cases.push(finished.clone());
        if line.capacity() < MUCH {
            pile.line = line;
        }
        // Waking a thread costs more than writing a line.
        if std::mem::take(&mut pile.idles) || (had_little && pile.bytes >= MUCH) {
            self.desk.changed.notify_all();
        }
        Ok(())
    }
}

impl Recording {
    /// Waits until everything is on the disk.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.desk.end();
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(stopped())),
            None => Ok(()),
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.desk.end();
    }
}

impl Desk {
    fn pile(&self) -> io::Result<MutexGuard<'_, Pile>> {
        self.pile.lock().map_err(|_| stopped())
    }

    fn end(&self) {
        if let Ok(mut pile) = self.pile.lock() {
            pile.ends = true;
        }
        self.changed.notify_all();
    }

    /// Does what there is to do until no more comes.
    fn clear(&self, mut turns: File, mut traces: Option<[File; 2]>) -> io::Result<()> {
        loop {
            let mut pile = self.pile()?;
            while pile.cases.is_empty() && !pile.ends {
                pile.idles = true;
                pile = self.changed.wait(pile).map_err(|_| stopped())?;
            }
            pile.idles = false;
            let (cases, ends) = (std::mem::take(&mut pile.cases), pile.ends);
            pile.bytes = 0;
            drop(pile);
            self.changed.notify_all();
            if !cases.is_empty() {
                self.journal.sync_data()?;
                let mut lines = Lines::default();
                for finished in &cases {
                    lines.add(finished)?;
                }
                turns.write_all(&lines.turns)?;
                if let Some([traces, trace_summary]) = &mut traces {
                    traces.write_all(&lines.traces)?;
                    trace_summary.write_all(&lines.trace_summary)?;
                }
            }
            if ends {
                // `summary.json`, which comes next, says that all of it is there.
                return std::iter::once(&turns).chain(traces.iter().flatten()).try_for_each(File::sync_data);
            }
            let rests = |pile: &mut Pile| !pile.ends && pile.bytes < MUCH;
            drop(self.changed.wait_timeout_while(self.pile()?, REST, rests).map_err(|_| stopped())?);
        }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the writer of results has stopped")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use keepstep_workspace::experiments::journal::whole_lines;

    fn finished() -> Finished {
        let turn = json!({"run_id": "r", "turn_id": "r-t1", "sequence": 1, "role": "user", "content": "a", "timestamp": ""});
        let case = json!({
            "case": "a", "index": 0, "run_id": "r", "iteration": 0, "status": "passed", "attempts": 1, "persona": null,
            "input": "a", "output": "b", "duration_ms": 1.5, "turns": [turn], "metadata": {},
        });
        serde_json::from_value(case).unwrap()
    }

    fn opened(path: &Path) -> File {
        File::options().create(true).append(true).open(path).unwrap()
    }

    #[test]
    fn a_case_is_in_the_journal_at_once_and_in_the_other_files_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let [journal, turns, traces, summary] = ["journal", "turns", "traces", "summary"].map(|name| folder.path().join(name));
        let traces_files = Some([opened(&traces), opened(&summary)]);
        let files = Files { journal: opened(&journal), traces: traces_files, turns: opened(&turns) };
        let (recorder, recording) = Recorder::start(files).unwrap();
        for number in 1..=300 {
            recorder.record(&finished()).unwrap();
            assert_eq!(fs::read_to_string(&journal).unwrap().lines().count(), number);
        }
        recording.finish().unwrap();
        for path in [&journal, &turns, &traces, &summary] {
            assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 300, "{}", path.display());
            assert_eq!(whole_lines(File::open(path).unwrap()).unwrap(), fs::metadata(path).unwrap().len());
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_whenever_it_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (fine, full) = (folder.path().join("fine"), Path::new("/dev/full"));
        // The journal has no room, the other files have none.
        for (journal, turns, is_late) in [(full, fine.as_path(), false), (fine.as_path(), full, true)] {
            let files = Files { journal: opened(journal), traces: None, turns: opened(turns) };
            let (recorder, recording) = Recorder::start(files).unwrap();
            let first = recorder.record(&finished());
            assert_eq!(first.is_ok(), is_late, "{first:?}");
            // Sooner or later no more cases are run.
            let told = std::iter::repeat_with(|| recorder.record(&finished())).find_map(Result::err).unwrap();
            assert_eq!(told.kind(), io::ErrorKind::StorageFull);
            assert_eq!(recording.finish().is_err(), is_late, "what was told is not told again");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_synchronization_that_fails_is_told() {
        let folder = tempfile::tempdir().unwrap();
        // It takes every line, and cannot be synchronized.
        let files = Files { journal: opened(Path::new("/dev/null")), traces: None, turns: opened(&folder.path().join("turns")) };
        let (recorder, recording) = Recorder::start(files).unwrap();
        recorder.record(&finished()).unwrap();
        assert_eq!(recording.finish().unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
