//! The folder of one run: found again after a crash, and readable for the peer's upload.

mod lines;
mod python_json;
mod recorder;
mod report;

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::DateTime;
use keepstep_base::Digest;
use keepstep_workspace::experiments::journal::{self, JOURNAL_FILE as JOURNAL};
use keepstep_workspace::{door, files};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Plan, Selection, Shard};
use keepstep_results::case::Finished;
use keepstep_results::status::Status;
use keepstep_results::tally::Tally;
use keepstep_results::totals::Totals;
use lines::Lines;
use recorder::Files;
pub(crate) use recorder::{Recorder, Recording};
pub use report::Summary;

/// The file that is locked while a run goes on.
pub const RUNNING: &str = ".running";
pub(crate) const RUN: &str = ".run.json";
const TRACES: &str = "traces.jsonl";
const TRACE_SUMMARY: &str = "trace_summary.jsonl";
const TURNS: &str = "turns.jsonl";
const SUMMARY: &str = "summary.json";

/// An experiment folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A file cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process runs it.
    #[error("{} is still running in another process", path.display())]
    Running {
        /// The folder.
        path: PathBuf,
    },
    /// There is nothing to go on with.
    #[error("no unfinished run in {}", path.display())]
    NothingToResume {
        /// Where experiment folders are.
        path: PathBuf,
    },
    /// No experiment was run.
    #[error("no experiment in {}", path.display())]
    NoRun {
        /// Where experiment folders are.
        path: PathBuf,
    },
    /// The inputs are not those that the run began with.
    #[error("the inputs have changed since {} began, so it cannot be resumed", path.display())]
    OtherInputs {
        /// The folder.
        path: PathBuf,
    },
    /// Cases are run or judged in another way than those that are finished.
    #[error("the {what} changed since {} began; resuming would mix results", path.display())]
    OtherBasis {
        /// The folder.
        path: PathBuf,
        /// What changed.
        what: &'static str,
    },
    /// A file holds what no keepstep wrote.
    #[error("{} cannot be read: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// What is being run, as `.run.json` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// When it began, in local time.
    pub date: String,
    /// What run ids are derived from.
    pub nonce: String,
    /// How many cases there are.
    pub cases: usize,
    /// The digest of their names and inputs.
    pub digest: String,
    /// Whether it is a smoke test.
    pub smoke: bool,
    /// How often each input is run.
    pub iterations: u32,
    /// `--filter`.
    pub filter: Option<String>,
    /// `--shard`, as it is typed.
    pub shard: Option<String>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// The names of the cases of `--failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<String>>,
    /// What makes its cases comparable; runs of older versions do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
}

/// What has to be the same for all cases of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The digest of the configuration.
    pub config: String,
    /// The digest of the criteria, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Digest>,
}

/// The folder of a run that this process owns.
#[derive(Debug)]
pub struct Experiment {
    folder: PathBuf,
    /// What is being run.
    pub run: RunFile,
    /// The cases that are finished already.
    pub(crate) finished: Arc<HashSet<String>>,
    /// How they ended.
    pub(crate) totals: Totals,
    /// What they say together.
    pub(crate) tally: Tally,
    _lock: File,
}

impl RunFile {
    /// Returns the description of a run that begins now.
    pub fn new(date: DateTime, nonce: String, selection: &Selection, cases: &Plan) -> Self {
        Self {
            date: date.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string(),
            nonce,
            cases: cases.len(),
            digest: digest(cases),
            smoke: selection.smoke,
            iterations: selection.iterations,
            filter: selection.filter.clone(),
            shard: selection.shard.map(|shard| format!("{}/{}", shard.number, shard.of)),
            seed: selection.seed,
            only: selection.only.clone(),
            basis: None,
        }
    }

    /// Returns it with what makes its cases comparable.
    #[must_use]
    pub fn with_basis(self, basis: Basis) -> Self {
        Self { basis: Some(basis), ..self }
    }

    /// Returns true if an input may be run more than once.
    pub(crate) fn has_repeats(&self) -> bool {
        self.iterations > 1 && !self.smoke
    }

    /// Returns what the run selects.
    pub fn selection(&self) -> Selection {
        Selection {
            smoke: self.smoke,
            iterations: self.iterations,
            filter: self.filter.clone(),
            shard: self.shard.as_ref().and_then(|shard| shard.parse::<Shard>().ok()),
            seed: self.seed,
            only: self.only.clone(),
        }
    }
}

/// What the last run left, for whoever wants to run a part of it again.
#[derive(Debug)]
pub struct Last {
    /// The experiment.
    pub name: String,
    /// What was run.
    pub run: RunFile,
    /// The cases that passed.
    pub passed: BTreeSet<String>,
}

impl Last {
    /// Reads the newest run, complete or not.
    ///
    /// # Errors
    /// There is none, or its files cannot be read.
    pub fn read(directory: &Path) -> Result<Self, ExperimentError> {
        let folder = newest(directory)?.ok_or_else(|| ExperimentError::NoRun { path: directory.to_owned() })?;
        let run = read_run(&folder)?;
        let mut passed = BTreeSet::new();
        each_of_journal(&folder, |finished| {
            if finished.status == Status::Passed {
                passed.insert(finished.case);
            }
            Ok(())
        })?;
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self { name, run, passed })
    }
}

fn read_run(folder: &Path) -> Result<RunFile, ExperimentError> {
    let path = folder.join(RUN);
    let text = fs::read(&path).map_err(io_error("read", &path))?;
    serde_json::from_slice(&text).map_err(|error| ExperimentError::Malformed { path, message: error.to_string() })
}

impl Experiment {
    /// Makes a new folder, which no other run shares, however many begin in the same second.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(directory: &Path, date: DateTime, run: RunFile) -> Result<Self, ExperimentError> {
        door::pass(directory).and_then(|()| fs::create_dir_all(directory)).map_err(io_error("create", directory))?;
        let name = date.strftime("exp_%Y%m%d_%H%M%S").to_string();
        let mut folder = directory.join(&name);
        let mut number = 1;
        while let Err(error) = fs::create_dir(&folder) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(io_error("create", &folder)(error));
            }
            number += 1;
            folder = directory.join(format!("{name}_{number}"));
        }
        let lock = take_lock(&folder)?;
        let (finished, totals, tally) = (Arc::default(), Totals::default(), Tally::default());
        let experiment = Self { folder, run, finished, totals, tally, _lock: lock };
        experiment.write_run()?;
        Ok(experiment)
    }

    /// Takes up the newest run again, if it did not end. The second value counts what the journal lost to a crash.
    ///
    /// # Errors
    /// There is none, it is still running, or its files cannot be read.
    pub fn resume(directory: &Path) -> Result<Self, ExperimentError> {
        let nothing = || ExperimentError::NothingToResume { path: directory.to_owned() };
        let folder = newest(directory)?.ok_or_else(nothing)?;
        let lock = take_lock(&folder)?;
        let run = read_run(&folder)?;
        let mut experiment =
            Self { folder, run, finished: Arc::default(), totals: Totals::default(), tally: Tally::default(), _lock: lock };
        experiment.read_journal()?;
        if experiment.finished.len() >= experiment.run.cases && experiment.folder.join(SUMMARY).exists() {
            return Err(nothing());
        }
        Ok(experiment)
    }

    /// Checks that the cases are those that the run began with.
    ///
    /// # Errors
    /// They are others.
    pub fn check_cases(&self, cases: &Plan) -> Result<(), ExperimentError> {
        if digest(cases) == self.run.digest { Ok(()) } else { Err(ExperimentError::OtherInputs { path: self.folder.clone() }) }
    }

    /// Checks that cases are run and judged as those that are finished were. Where none is, the run goes on with this basis.
    ///
    /// # Errors
    /// They are not, or the new basis cannot be written down.
    pub fn check_basis(&mut self, basis: &Basis) -> Result<(), ExperimentError> {
        let Some(before) = self.run.basis.as_ref().filter(|before| *before != basis) else { return Ok(()) };
        if !self.finished.is_empty() {
            let what = if before.criteria == basis.criteria { "configuration has" } else { "criteria have" };
            return Err(ExperimentError::OtherBasis { path: self.folder.clone(), what });
        }
        self.run.basis = Some(basis.clone());
        self.write_run()
    }

    fn write_run(&self) -> Result<(), ExperimentError> {
        let text = serde_json::to_vec(&self.run).map_err(|error| io_error("write", &self.folder)(error.into()))?;
        write_whole(&self.folder.join(RUN), &text)
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the folder's name, which is the experiment's id.
    pub fn name(&self) -> String {
        self.folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// Returns the cases that are not finished, each with the id of its run: the same one whenever this run is taken up again.
    pub(crate) fn left(&self, cases: Plan) -> impl Iterator<Item = (Case, String)> + Send + use<> {
        let (finished, nonce) = (Arc::clone(&self.finished), self.run.nonce.clone());
        cases.into_iter().filter(move |case| !finished.contains(&case.name)).map(move |case| {
            let run_id = run_id(&nonce, &case.name);
            (case, run_id)
        })
    }

    /// Opens the files for more cases. Those of an earlier attempt are made again from the journal, so that whatever a crash
    /// left in them is right again.
    pub(crate) fn record(&self, save_traces: bool) -> Result<(Recorder, Recording), ExperimentError> {
        let summary = self.folder.join(SUMMARY);
        if let Err(error) = fs::remove_file(&summary)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(io_error("remove", &summary)(error));
        }
        let open = |name: &str| File::create(self.folder.join(name)).map_err(io_error("write", &self.folder.join(name)));
        let mut turns = open(TURNS)?;
        let mut traces = if save_traces { Some([open(TRACES)?, open(TRACE_SUMMARY)?]) } else { None };
        self.each_finished(|finished| {
            let mut lines = Lines::default();
            lines.add(&finished)?;
            turns.write_all(&lines.turns)?;
            if let Some([traces, trace_summary]) = &mut traces {
                traces.write_all(&lines.traces)?;
                trace_summary.write_all(&lines.trace_summary)?;
            }
            Ok(())
        })?;
        let path = self.folder.join(JOURNAL);
        let journal = File::options().create(true).append(true).open(&path).map_err(io_error("write", &path))?;
        sync_folder(&self.folder);
        Recorder::start(Files { journal, traces, turns }).map_err(io_error("write", &path))
    }

    /// Reads what is finished, and cuts off the line that a crash has torn.
    fn read_journal(&mut self) -> Result<(), ExperimentError> {
        let path = self.folder.join(JOURNAL);
        let bytes = match File::open(&path) {
            Ok(file) => journal::whole_lines(file).map_err(io_error("read", &path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let file = File::options().write(true).open(&path).map_err(io_error("write", &path))?;
        file.set_len(bytes).map_err(io_error("write", &path))?;
        let (mut finished, mut totals, mut tally) = (HashSet::new(), Totals::default(), Tally::default());
        let has_repeats = self.run.has_repeats();
        let mut unreached = false;
        self.each_finished(|case| {
            if case.unreached {
                unreached = true;
                return Ok(());
            }
            totals.add(&case);
            tally.add(&case, has_repeats);
            finished.insert(case.case);
            Ok(())
        })?;
        (self.finished, self.totals, self.tally) = (Arc::new(finished), totals, tally);
        if unreached { self.forget_unreached() } else { Ok(()) }
    }

    /// Takes the cases out of the journal for which nobody was there to answer, so that they are run again.
    fn forget_unreached(&self) -> Result<(), ExperimentError> {
        self.write_streamed(&self.folder.join(JOURNAL), |out| {
            self.each_finished(|case| {
                if case.unreached {
                    return Ok(());
                }
                serde_json::to_writer(&mut *out, &case)?;
                out.write_all(b"\n")
            })
            .map_err(io::Error::other)
        })
    }

    /// Reads the journal case by case.
    pub(crate) fn each_finished(&self, each: impl FnMut(Finished) -> io::Result<()>) -> Result<(), ExperimentError> {
        each_of_journal(&self.folder, each)
    }
}

fn each_of_journal(folder: &Path, mut each: impl FnMut(Finished) -> io::Result<()>) -> Result<(), ExperimentError> {
    let path = journal::path(folder);
    let Some(file) = journal::open(folder).map_err(io_error("read", &path))? else { return Ok(()) };
    let mut entries = journal::Entries::of(file);
    while let Some(entry) = entries.next_entry().map_err(io_error("read", &path))? {
        let malformed =
            |problem| ExperimentError::Malformed { path: path.clone(), message: format!("line {}: {problem}", entry.number) };
        each(entry.case.map_err(malformed)?).map_err(io_error("write", folder))?;
    }
    Ok(())
}

impl Drop for Experiment {
    fn drop(&mut self) {
        // The lock goes with the file; what stays behind after a crash is not locked either.
        let _ = fs::remove_file(self.folder.join(RUNNING));
    }
}

fn take_lock(folder: &Path) -> Result<File, ExperimentError> {
    let path = folder.join(RUNNING);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io_error("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ExperimentError::Running { path: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
    }
}

/// Returns the newest folder that a run of ours made.
fn newest(directory: &Path) -> Result<Option<PathBuf>, ExperimentError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", directory)(error)),
    };
    let mut found: Vec<(String, u32, PathBuf)> = Vec::new();
    for entry in entries {
        let path = entry.map_err(io_error("read", directory))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_prefix("exp_")) else { continue };
        let (time, number) = match name.match_indices('_').nth(1) {
            Some((at, _)) => (&name[..at], name[at + 1..].parse().unwrap_or(0)),
            None => (name, 1),
        };
        if path.join(RUN).is_file() {
            found.push((time.to_owned(), number, path.clone()));
        }
    }
    Ok(found.into_iter().max().map(|(_, _, path)| path))
}

/// Returns a digest of what is run: of a JSON list with the name and the text of each case.
fn digest(cases: &Plan) -> String {
    use sha2::Digest as _;
    let mut digest = sha2::Sha256::new();
    let mut entry = b"[".to_vec();
    cases.each(|name, text| {
        // Two texts are always written.
        let _ = serde_json::to_writer(&mut entry, &[name, text]);
        digest.update(&entry);
        entry.clear();
        entry.push(b',');
    });
    digest.update(if cases.is_empty() { "[]" } else { "]" });
    Digest::from_bytes(digest.finalize().into()).to_string()
}

/// Returns a UUID for a case of a run.
fn run_id(nonce: &str, case: &str) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::new().chain_update(nonce).chain_update("\0").chain_update(case).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // Version 4 and its variant, which is what readers of these files check for.
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ExperimentError + use<> {
    let path = path.to_owned();
    move |source| ExperimentError::Io { doing, path, source }
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ExperimentError> {
    files::replace(path, bytes).map_err(io_error("write", path))
}

fn sync_folder(folder: &Path) {
    // Not every file system can do that.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
