//! Tells the platform of cases as they end, so that the test can be watched there.
//!
//! A thread beside the run reads the journal as it grows and sends what is new, about once a second. The run never waits for it: where the
//! platform is slow or silent, cases are told later or not at all, and the upload at the end brings all of them. What is sent has no secrets
//! in it, by the same rules as an upload.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keepstep_api::own::live::{LARGEST_LIVE_REPORT, LiveReport};
use keepstep_base::Digest;
use keepstep_client::{ClientError, LiveReporter};
use keepstep_results::record::RunRecord;
use keepstep_workspace::experiments::journal::{self, Tail};
use keepstep_workspace::experiments::redact::{Form, Redactor};
use keepstep_workspace::experiments::secrets::Secrets;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::arguments::RunArguments;
use super::setup::Tested;
use crate::session::connection::{connecting, test_data_server};
use crate::session::context::Context;
use crate::session::drift_report::is_off;
use crate::session::{runtime, secrets};

/// A test that is over sooner has nothing to watch.
const FIRST: Duration = Duration::from_secs(1);

/// How long the thread rests between two reports, and how long where nothing is new: the platform takes three times as long for the end.
const REST: Duration = Duration::from_millis(700);
const QUIET: Duration = Duration::from_secs(20);

/// How long it waits for an answer, and at most before it tries again.
const PATIENCE: Duration = Duration::from_secs(3);
const LONGEST_REST: Duration = Duration::from_secs(30);

/// How long the word is waited for that a run has stopped.
const LAST_WORD: Duration = Duration::from_millis(800);

/// How many cases one report has, and how many bytes of them.
const CASES: usize = 200;
const BYTES: usize = LARGEST_LIVE_REPORT / 4;

/// Reports of a run that goes on. Dropped, it says nothing more.
pub(super) struct Live {
    end: Option<oneshot::Sender<bool>>,
    thread: Option<JoinHandle<()>>,
    url: Arc<OnceLock<String>>,
}

/// What is told of.
pub(super) struct LiveTest {
    /// The folder of the experiment.
    pub(super) folder: PathBuf,
    /// Its name.
    pub(super) name: String,
    /// Tells it from all others.
    pub(super) key: String,
    /// How many cases it has.
    pub(super) cases: usize,
    /// The bundle version that it runs on.
    pub(super) bundle: String,
    /// What is known about it.
    pub(super) details: Map<String, Value>,
}

/// Returns the key of a run, also when it is taken up again.
pub(super) fn key(nonce: &str) -> String {
    Digest::of_bytes(nonce.as_bytes()).to_string()
}

impl Live {
    /// Begins to report, where that can be done without a word. A test is not worth less where it cannot.
    pub(super) fn begin(
        context: &Context,
        arguments: &RunArguments,
        tested: &Tested,
        mut secrets: Secrets,
        test: LiveTest,
    ) -> Option<Self> {
        if is_off(context, arguments.no_report) {
            return None;
        }
        let workspace = tested.workspace.as_ref()?;
        let project = test_data_server::project_id(Some(workspace), arguments.project_id.as_deref()).ok()??;
        let target = test_data_server::quiet_target(context, workspace, &tested.path)?;
        if let Some(key) = &target.key {
            secrets.add(key.secret.reveal());
        }
        let redactor = secrets::redactor(&secrets).ok()?;
        let mut details = Value::Object(test.details);
        redactor.clean_value(&mut details);
        let client = LiveReporter::new(&target, &connecting::options(context)).ok()?;
        let url = Arc::new(OnceLock::new());
        let (end, ended) = oneshot::channel();
        let teller = Teller {
            client,
            project,
            redactor,
            journal: journal::path(&test.folder),
            tail: None,
            url: Arc::clone(&url),
            report: LiveReport {
                bundle_version_id: test.bundle,
                experiment_id: test.name,
                test_key: test.key,
                planned: test.cases as u64,
                started_at: Some(Timestamp::now().to_string()),
                details: details.as_object().cloned().unwrap_or_default(),
                ..LiveReport::default()
            },
        };
        let thread = std::thread::Builder::new().name("live".to_owned()).spawn(move || teller.run(ended)).ok()?;
        Some(Self { end: Some(end), thread: Some(thread), url })
    }

    /// Returns the page on which the test is watched, once the platform has said it.
    pub(super) fn url(&self) -> Option<&str> {
        self.url.get().map(String::as_str)
    }

    /// Ends the reports. Where the run has stopped before its end, that is told, and waited for no longer than a person notices.
    pub(super) fn end(mut self, is_complete: bool) {
        if let (Some(end), Some(thread)) = (self.end.take(), self.thread.take()) {
            // A thread that has given up is gone.
            let _ = end.send(is_complete);
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Teller {
    client: LiveReporter,
    project: String,
    redactor: Redactor,
    journal: PathBuf,
    tail: Option<Tail>,
    url: Arc<OnceLock<String>>,
    /// The next report; the cases in it are those that no report has brought.
    report: LiveReport,
}

impl Teller {
    fn run(mut self, ended: oneshot::Receiver<bool>) {
        let Ok(runtime) = runtime::single() else { return };
        runtime.block_on(async {
            let mut ended = ended;
            // Told nothing, the command broke off.
            let is_complete = tokio::select! {
                is_complete = &mut ended => is_complete.unwrap_or(true),
                () = self.tell() => return,
            };
            if !is_complete {
                self.report.stopped = true;
                self.read();
                // Whether it arrives changes nothing here.
                let _ = tokio::time::timeout(LAST_WORD, self.client.send(&self.project, &self.report)).await;
            }
        });
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
    }

    /// Reports until the platform wants no more.
    async fn tell(&mut self) {
        tokio::time::sleep(FIRST).await;
        let mut told: Option<Instant> = None;
        let mut rest = REST;
        loop {
            self.read();
            if !self.report.runs.is_empty() || told.is_none_or(|told| told.elapsed() >= QUIET) {
                let began = Instant::now();
                match tokio::time::timeout(PATIENCE, self.client.send(&self.project, &self.report)).await {
                    Ok(Ok(answer)) => {
                        self.report.runs.clear();
                        let Some(url) = answer.url else { return };
                        // The first one is as good as any.
                        let _ = self.url.set(url);
                        told = Some(Instant::now());
                        // A platform that has much to do is not told more often than it can take.
                        rest = REST.max(began.elapsed() * 3);
                    }
                    Ok(Err(error)) if is_final(&error) => return,
                    Ok(Err(_)) | Err(_) => rest = (rest * 2).min(LONGEST_REST),
                }
            }
            tokio::time::sleep(rest).await;
        }
    }

    /// Reads what is new in the journal into the report, as much as one may have.
    fn read(&mut self) {
        if self.tail.is_none() {
            self.tail = File::open(&self.journal).ok().map(|file| Tail::of(file, BYTES));
        }
        let Some(tail) = &mut self.tail else { return };
        let mut bytes = if self.report.runs.is_empty() { 0 } else { BYTES };
        while self.report.runs.len() < CASES && bytes < BYTES {
            let Ok(Some((case, line))) = tail.next_case() else { return };
            // It is asked again when the run is taken up.
            if case.unreached {
                continue;
            }
            bytes += line.len();
            let mut scanner = self.redactor.scanner(Form::JsonLines);
            scanner.feed(&line);
            let cleaned = scanner.found().then(|| self.redactor.cleaned(&case)).flatten();
            self.report.runs.push(RunRecord::of(cleaned.unwrap_or(case)));
        }
    }
}

/// Returns true where the same would be refused again.
fn is_final(error: &ClientError) -> bool {
    !error.is_unreachable()
}
