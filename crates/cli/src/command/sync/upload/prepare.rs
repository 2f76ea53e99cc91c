//! From an experiment's folder to a batch in the outbox: cleaned, digested, and with its runs.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use keepstep_api::own::uploads::{Commit, OfferedFile, RUNS_FILE};
use keepstep_client::upload::{Hashed, Manifest, ManifestFile, hash_file};
use keepstep_results::case::Finished;
use keepstep_testdata::names;
use keepstep_testdata::workspace_files::DEFAULT_INPUTS_FILE;
use keepstep_workspace::experiments::inputs::{InputIndex, Items};
use keepstep_workspace::experiments::journal;
use keepstep_workspace::experiments::package::{PER_TRACE, PackagedFile, files as files_of};
use keepstep_workspace::experiments::redact::{Form, Redactor};
use keepstep_workspace::experiments::report::Report;
use keepstep_workspace::experiments::runs::{self, RunFiles, RunsWritten};
use keepstep_workspace::experiments::secrets::Secrets;
use keepstep_workspace::experiments::{Experiment, Layout};
use keepstep_workspace::{Scenario, Workspace, yaml};
use serde_json::{Map, Value};

use super::find::{Config, Found};
use crate::session::checkout::outbox::hashes::Hashes;
use crate::session::checkout::outbox::{Draft, Locked, Queued};
use crate::session::context::Context;
use crate::session::secrets;
use crate::shell::failure::Failure;

/// The largest `summary.json` that is taken apart. One that is larger was not written by a test.
const LARGEST_SUMMARY: u64 = 64 * 1024 * 1024;

/// How many files are read at the same time: few threads keep a disk busy, and each large file has two blocks in memory.
const MOST_THREADS: usize = 4;

/// A batch that is ready to be sent.
pub(super) struct Prepared {
    pub(super) draft: Draft,
    pub(super) queued: Queued,
    /// How many values were removed.
    pub(super) redacted: u64,
    /// What could not be read.
    pub(super) report: Report,
}

/// What a batch is for.
pub(super) struct Destination {
    pub(super) server: String,
    /// The key, which must not be in what is sent either.
    pub(super) key: Option<String>,
    pub(super) project_id: String,
    pub(super) bundle_version_id: Option<String>,
}

/// A file after it was looked through.
struct Cleaned {
    /// Its place among all files.
    place: usize,
    packaged: PackagedFile,
    /// The file itself, or the copy without secrets.
    path: PathBuf,
    hashed: Hashed,
    /// How many values were removed.
    redacted: u64,
    /// What the file was before it was read, where nothing was to be removed.
    read: Option<Metadata>,
}

/// Prepares an experiment in a folder of the outbox. It only counts once it is queued.
pub(super) fn prepare(
    context: &Context,
    workspace: &Workspace,
    locked: &Locked,
    found: &Found,
    destination: &Destination,
) -> Result<Prepared, Failure> {
    let Found { scenario, experiment, config } = found;
    let draft = locked.draft()?;
    let mut secrets = secrets::of_scenario(context, Some(workspace), &scenario.path)?;
    // The key that this command uses must not be in what is sent either.
    if let Some(key) = &destination.key {
        secrets.add(key);
    }
    let summary = Summary::read(experiment, &mut secrets)?;
    let redactor = secrets::redactor(&secrets)?;
    let mut hashes = Hashes::read(locked.path());
    let cleaner = Cleaner { draft: &draft, redactor: &redactor, hashes: &hashes, summary: &summary };
    let packaged = files_of(&experiment.path).map_err(|error| io_failure("read", &experiment.path, error))?;
    // The runs are read from these files as they are sent, so they come first; all others can be cleaned meanwhile.
    let (first, others): (Vec<_>, Vec<_>) =
        packaged.into_iter().enumerate().partition(|(_, file)| matches!(file.file_type, "trace_summary" | "turns" | "errors"));
    let (mut cleaned, ()) = cleaner.clean_beside(first, || Ok(()))?;
    let mut inputs = InputIndex::reading(|| items_of(context, scenario, config));
    let identity = runs::identity(&scenario.folder, &experiment.id, summary.time());
    let source = RunSource { experiment: &experiment.path, redactor: &redactor, cleaned: &cleaned, identity: &identity };
    let (rest, runs) = cleaner.clean_beside(others, || source.write(&draft, &mut inputs))?;
    let WrittenRuns { written, file: runs_file, redacted: redacted_runs } = runs;
    cleaned.extend(rest);
    cleaned.sort_by_key(|file| file.place);
    // What is in the journal is mostly in the other files, too.
    let redacted = (summary.redacted + cleaned.iter().map(|file| file.redacted).sum::<u64>()).max(redacted_runs);
    for file in &cleaned {
        if let Some(metadata) = &file.read {
            hashes.note(&file.path, metadata, redactor.fingerprint(), &file.hashed);
        }
    }
    hashes.write(locked.path());

    let bundle_version_id = bundle_of(scenario, experiment, &summary, destination.bundle_version_id.as_deref())?;
    let manifest = Manifest {
        project_id: destination.project_id.clone(),
        bundle_version_id,
        experiment_id: experiment.id.clone(),
        commit: Commit {
            runs_sha256: runs_file.offered.sha256.clone(),
            started_at: written.times.as_ref().map(|times| times.0.clone()),
            completed_at: written.times.as_ref().map(|times| times.1.clone()),
            details: summary.details(experiment, scenario),
        },
        files: cleaned.into_iter().map(|file| offered(file, &written)).chain([runs_file]).collect(),
        first_run: written.first_run.clone(),
        all_succeeded: written.failed == 0,
    };
    let mut queued =
        Queued::new(destination.server.clone(), scenario.path.clone(), scenario.name.clone(), experiment.path.clone(), manifest);
    (queued.runs, queued.failed) = (written.runs, written.failed);
    Ok(Prepared { draft, queued, redacted, report: written.report })
}

fn io_failure(doing: &'static str, path: &Path, error: io::Error) -> Failure {
    Failure::io(doing, &path.display().to_string(), error)
}

/// `summary.json`, without its secrets.
struct Summary {
    value: Value,
    redacted: u64,
}

impl Summary {
    fn read(experiment: &Experiment, secrets: &mut Secrets) -> Result<Self, Failure> {
        let path = experiment.path.join("summary.json");
        let fail = |error| io_failure("read", &path, error);
        if fs::metadata(&path).map_err(fail)?.len() > LARGEST_SUMMARY {
            return Err(Failure::usage(format!("{} is larger than any summary of a test", path.display())));
        }
        let text = fs::read(&path).map_err(fail)?;
        // What cannot be taken apart cannot be cleaned, so it must not leave the machine.
        let mut value: Value = serde_json::from_slice(&text).map_err(|error| Failure::Usage {
            message: format!("{} is broken: {error}", path.display()),
            hint: Some("nothing was sent; run the test again".to_owned()),
        })?;
        let redacted = secrets.clean_summary(&mut value);
        Ok(Self { value, redacted })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.value.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns what keepstep's own tests note besides: versions, commits, what was run.
    fn ours(&self) -> Option<&Map<String, Value>> {
        self.value.get("keepstep")?.as_object()
    }

    /// Returns the bundle version that the test noted.
    fn bundle_version_id(&self) -> Option<&str> {
        self.ours()?.get("bundle_version_id")?.as_str().filter(|id| !id.is_empty())
    }

    /// Returns when it was written, as it says.
    fn time(&self) -> &str {
        self.text("date").or_else(|| self.text("created_at")).unwrap_or_default()
    }

    fn details(&self, experiment: &Experiment, scenario: &Scenario) -> Map<String, Value> {
        let mut details = self.ours().cloned().unwrap_or_default();
        let name = self.text("name").or_else(|| self.text("experiment_name"));
        let runner = self.value.get("config").and_then(|config| config.get("runner"));
        let target = runner.and_then(|runner| runner.get("target")).and_then(Value::as_str);
        let layout = if experiment.layout == Layout::Results { "results" } else { "scenario" };
        for (key, value) in
            [("scenario", Some(scenario.name.as_str())), ("name", name), ("target", target), ("layout", Some(layout))]
        {
            if let Some(value) = value {
                details.entry(key).or_insert_with(|| Value::from(value));
            }
        }
        details
    }
}

/// Looks through files and copies those that have something to remove.
#[derive(Clone, Copy)]
struct Cleaner<'a> {
    draft: &'a Draft,
    redactor: &'a Redactor,
    hashes: &'a Hashes,
    summary: &'a Summary,
}

impl Cleaner<'_> {
    /// Cleans files on threads of their own while this one does something else.
    fn clean_beside<T>(
        self,
        files: Vec<(usize, PackagedFile)>,
        meanwhile: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(Vec<Cleaned>, T), Failure> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS).min(files.len());
        let left = Mutex::new(files.into_iter());
        let next = || left.lock().ok().and_then(|mut left| left.next());
        let work = || {
            let mut cleaned = Vec::new();
            while let Some((place, file)) = next() {
                cleaned.push(self.clean(place, file)?);
            }
            Ok::<_, Failure>(cleaned)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let outcome = meanwhile();
            let mut cleaned = Vec::new();
            for thread in threads {
                // What breaks down there breaks down here.
                cleaned.extend(thread.join().unwrap_or_else(|reason| std::panic::resume_unwind(reason))?);
            }
            Ok((cleaned, outcome?))
        })
    }

    fn clean(self, place: usize, packaged: PackagedFile) -> Result<Cleaned, Failure> {
        let fail = |error| io_failure("read", &packaged.path, error);
        if packaged.file_type == "summary" {
            let text = if self.summary.redacted == 0 {
                fs::read(&packaged.path).map_err(fail)?
            } else {
                format!("{:#}\n", self.summary.value).into_bytes()
            };
            return self.copy(place, packaged, &text[..]);
        }
        let metadata = fs::metadata(&packaged.path).map_err(fail)?;
        if let Some(hashed) = self.hashes.get(&packaged.path, &metadata, self.redactor.fingerprint()) {
            return Ok(Cleaned { place, path: packaged.path.clone(), packaged, hashed, redacted: 0, read: None });
        }
        let mut scanner = self.redactor.scanner(packaged.form);
        let hashed = hash_file(&packaged.path, |block| scanner.feed(block)).map_err(fail)?;
        if scanner.found() {
            let file = File::open(&packaged.path).map_err(fail)?;
            return self.copy(place, packaged, file);
        }
        Ok(Cleaned { place, path: packaged.path.clone(), packaged, hashed, redacted: 0, read: Some(metadata) })
    }

    fn copy(self, place: usize, packaged: PackagedFile, input: impl io::Read) -> Result<Cleaned, Failure> {
        let path = self.draft.folder().join(format!("file-{place}"));
        let fail = |error| io_failure("write", &path, error);
        let mut output = BufWriter::with_capacity(1 << 20, private_file(&path).map_err(fail)?);
        let redacted = self.redactor.copy(packaged.form, input, &mut output).map_err(fail)?;
        output.into_inner().map_err(|error| fail(error.into_error()))?.sync_all().map_err(fail)?;
        let hashed = hash_file(&path, |_| {}).map_err(fail)?;
        Ok(Cleaned { place, packaged, path, hashed, redacted, read: None })
    }
}

/// Makes a file that only its owner can read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What runs are read from: the journal of ours, else the files of the peers, without their secrets.
struct RunSource<'a> {
    experiment: &'a Path,
    redactor: &'a Redactor,
    cleaned: &'a [Cleaned],
    identity: &'a str,
}

/// The file with the runs.
struct WrittenRuns {
    written: RunsWritten,
    file: ManifestFile,
    /// In how many of them there was a secret.
    redacted: u64,
}

impl RunSource<'_> {
    fn write(&self, draft: &Draft, inputs: &mut InputIndex<'_>) -> Result<WrittenRuns, Failure> {
        let path = draft.folder().join("runs.jsonl");
        let fail = |error| io_failure("write", &path, error);
        let mut output = BufWriter::with_capacity(1 << 20, private_file(&path).map_err(fail)?);
        let (written, redacted) = match journal::open(self.experiment) {
            Ok(Some(file)) => self.of_journal(file, inputs, &mut output).map_err(fail)?,
            Ok(None) => (self.of_peers(inputs, &mut output)?.map_err(fail)?, 0),
            Err(error) => return Err(io_failure("read", &journal::path(self.experiment), error)),
        };
        output.flush().map_err(fail)?;
        output.get_ref().sync_all().map_err(fail)?;
        let hashed = hash_file(&path, |_| {}).map_err(fail)?;
        Ok(WrittenRuns { written, file: manifest_file(path, RUNS_FILE, "runs.jsonl", None, hashed), redacted })
    }

    fn of_journal(&self, file: File, inputs: &mut InputIndex<'_>, output: &mut impl io::Write) -> io::Result<(RunsWritten, u64)> {
        let mut redacted = 0;
        let clean = |line: &[u8], case: Finished| {
            // Taking a case apart takes much longer than looking through its line.
            let mut scanner = self.redactor.scanner(Form::JsonLines);
            scanner.feed(line);
            match scanner.found().then(|| self.redactor.cleaned(&case)).flatten() {
                Some(cleaned) => {
                    redacted += 1;
                    cleaned
                }
                None => case,
            }
        };
        let written = runs::write_of_journal(file, clean, inputs, output)?;
        Ok((written, redacted))
    }

    fn of_peers(&self, inputs: &mut InputIndex<'_>, output: &mut impl io::Write) -> Result<io::Result<RunsWritten>, Failure> {
        let of = |file_type: &str| {
            self.cleaned.iter().find(|file| file.packaged.file_type == file_type).map(|file| file.path.as_path())
        };
        let trace_summary = of("trace_summary")
            .ok_or_else(|| Failure::Nothing { message: "trace_summary.jsonl is gone".to_owned(), hint: None })?;
        let files = RunFiles { identity: self.identity, trace_summary, turns: of("turns"), errors: of("errors") };
        Ok(runs::write(&files, inputs, output))
    }
}

fn offered(file: Cleaned, written: &RunsWritten) -> ManifestFile {
    let Cleaned { packaged, path, hashed, .. } = file;
    let run = if packaged.file_type == PER_TRACE { written.run_of_report(&packaged.name) } else { None };
    manifest_file(path, packaged.file_type, &packaged.name, run, hashed)
}

fn manifest_file(path: PathBuf, file_type: &str, name: &str, run_id: Option<String>, hashed: Hashed) -> ManifestFile {
    let Hashed { size, sha256, parts } = hashed;
    ManifestFile {
        path,
        offered: OfferedFile { file_type: file_type.to_owned(), name: name.to_owned(), run_id, size, sha256, parts },
    }
}

/// Returns the inputs that the scenario has now, for runs that do not say which one they used.
pub(crate) fn items_of(context: &Context, scenario: &Scenario, config: &Config) -> Items {
    let mut items = Items::default();
    let configured = config.inputs_file.as_deref().unwrap_or(DEFAULT_INPUTS_FILE);
    let Ok(relative) = names::inputs_path(configured) else { return items };
    let path = scenario.path.join(relative);
    let read = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return items,
        Err(error) => Err(error.to_string()),
        Ok(file) => yaml::each_entry(file, "inputs", |entry| items.add(&entry)),
    };
    let problem = match read {
        Ok(true) => return items,
        Ok(false) => ": the list of inputs is missing".to_owned(),
        Err(reason) => format!(": {reason}"),
    };
    let path = path.display();
    context.printer.warning(&format!("{path} cannot be read, so runs that do not name their input have none{problem}"));
    Items::default()
}

/// Returns the bundle version that an experiment is of: what the test noted, else what the command line names, else what was pulled.
fn bundle_of(scenario: &Scenario, experiment: &Experiment, summary: &Summary, named: Option<&str>) -> Result<String, Failure> {
    match (summary.bundle_version_id(), named) {
        (Some(noted), Some(named)) if noted != named => Err(Failure::Conflict {
            message: format!("{} ran on bundle version {noted}, not on {named}; nothing was sent", experiment.id),
            hints: vec!["leave `--bundle-version-id` out to send it as what it is".to_owned()],
        }),
        (Some(id), _) | (None, Some(id)) => Ok(id.to_owned()),
        (None, None) => {
            let pulled = keepstep_workspace::pull::Scenario::read(&scenario.path)?;
            pulled.bundle().filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(|| Failure::Usage {
                message: format!("unknown bundle version: the results of {} do not name one", scenario.name),
                hint: Some("`keepstep sync pull` notes it; or name it with `--bundle-version-id`".to_owned()),
            })
        }
    }
}
