//! A scenario in a temporary folder, and a run of it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use keepstep_results::case::Finished;
use keepstep_results::status::Status;
use keepstep_runner::agent::{self, Network, Refusal, Surroundings};
use keepstep_runner::case::{Plan, Selection};
use keepstep_runner::config::{self, Config, ConfigLocation};
use keepstep_runner::conversation::{User, UserConfig};
use keepstep_runner::experiment::{Experiment, RunFile};
use keepstep_runner::input;
use keepstep_runner::judge::{Criteria, Judging};
use keepstep_runner::model::{Mode, Model, RECORDINGS, Recordings};
use keepstep_runner::run::{Ended, Options, Wish};
use keepstep_workspace::experiments::redact::Redactor;
use keepstep_workspace::experiments::secrets::Secrets;
use tokio::sync::watch;

pub(crate) struct Scenario {
    folder: tempfile::TempDir,
    parallel: Option<usize>,
    retry: u32,
    timeout: Option<Duration>,
    recordings: Option<Mode>,
}

/// Connects as the command line does.
#[derive(Debug)]
struct Connections;

impl Network for Connections {
    fn client(&self, address: &reqwest::Url) -> Result<reqwest::Client, String> {
        keepstep_client::service_client(address, &keepstep_client::Options::default())
    }

    fn reason(&self, error: &reqwest::Error) -> String {
        keepstep_client::reason_of(error)
    }
}

pub(crate) struct Ran {
    pub(crate) ended: Ended,
    /// In the order of the inputs.
    pub(crate) finished: Vec<Finished>,
}

impl Scenario {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), parallel: None, retry: 0, timeout: None, recordings: None }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn inputs(self, texts: &[&str]) -> Self {
        let inputs: Vec<_> = texts.iter().map(|text| serde_json::json!({"input": text})).collect();
        self.file("inputs/generated.yaml", &serde_json::json!({"inputs": inputs}).to_string());
        self
    }

    pub(crate) fn parallel(self, parallel: usize) -> Self {
        Self { parallel: Some(parallel), ..self }
    }

    pub(crate) fn retry(self, retry: u32) -> Self {
        Self { retry, ..self }
    }

    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    pub(crate) fn recordings(self, mode: Mode) -> Self {
        Self { recordings: Some(mode), ..self }
    }

    /// Forgets the run before.
    pub(crate) fn no_experiments(self) -> Self {
        fs::remove_dir_all(self.path().join("experiments")).unwrap();
        self
    }

    pub(crate) fn replayed(self) -> Self {
        Self { recordings: None, ..self }
    }

    pub(crate) fn config(&self) -> Config {
        let path = self.path();
        let variable = |name: &str| std::env::var(name).ok();
        config::load(&ConfigLocation {
            scenario: path,
            current: path,
            root: path,
            file: None,
            overrides: &serde_json::Value::Null,
            variable: &variable,
        })
        .unwrap_or_else(|error| panic!("{error}"))
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            typescript: None,
            current: self.path().to_owned(),
            environment: std::env::vars().collect(),
            network: Some(Arc::new(Connections)),
        }
    }

    fn recorded(&self) -> Arc<Recordings> {
        let redactor = Redactor::new(&Secrets::default()).unwrap();
        Arc::new(Recordings::open(&self.path().join(RECORDINGS), self.recordings, redactor).unwrap())
    }

    fn judging(&self, config: &Config) -> Judging {
        let criteria = Criteria::load(self.path()).unwrap_or_else(|error| panic!("{error}"));
        let model = config.judge.clone().map(|judge| Arc::new(Model::new(judge, self.surroundings(), self.recorded())));
        Judging::new(criteria, model, self.surroundings())
    }

    fn user(&self, user: UserConfig, config: &Config) -> User {
        let recordings = self.recorded();
        let personas = [config.personas.clone(), input::pulled_personas(self.path())].concat();
        User::new(user, personas, |model| Model::new(model, self.surroundings(), Arc::clone(&recordings)))
    }

    pub(crate) fn refusal(&self) -> Refusal {
        wait(async {
            let target = match agent::make(&self.config().target, &self.surroundings()) {
                Ok(target) => target,
                Err(refusal) => return refusal,
            };
            target.session().prepare().await.unwrap_err()
        })
    }

    pub(crate) fn run(&self) -> Ran {
        let config = self.config();
        let inputs = input::load(self.path(), &config.inputs).unwrap_or_else(|error| panic!("{error}"));
        let selection = Selection { iterations: config.iterations, ..Selection::default() };
        let cases = Plan::new(Arc::new(inputs.list), &selection);
        let date = date(2026, 1, 2).at(3, 4, 5, 0);
        let run = RunFile::new(date, "nonce".to_owned(), &selection, &cases);
        let experiment = Experiment::create(&config.output_directory, date, run).unwrap_or_else(|error| panic!("{error}"));
        let options = Options {
            scenario: config.name.clone(),
            parallel: self.parallel.or(config.parallel.map(|number| number as usize)).unwrap_or(4),
            retry: self.retry,
            fail_fast: false,
            timeout: self.timeout.unwrap_or(config.timeout),
            delay: config.delay,
            user: config.user.clone().map(|user| Arc::new(self.user(user, &config))),
            guardrails: config.guardrails.clone(),
            judging: Arc::new(self.judging(&config)),
            personas: config.personas.clone(),
            input_template: config.input_template.clone(),
            allow_empty: false,
            save_traces: config.save_traces,
            clock: Timestamp::now,
        };
        let ended = wait(async {
            let target = agent::make(&config.target, &self.surroundings()).unwrap_or_else(|refusal| panic!("{refusal:?}"));
            let mut session = target.session();
            session.prepare().await.unwrap_or_else(|refusal| panic!("is Python 3 installed? {refusal:?}"));
            let (_wish, wishes) = watch::channel(Wish::GoOn);
            keepstep_runner::run(&experiment, cases, target, session, options, wishes, &mut |_| {}).await.unwrap()
        });
        let journal = fs::read_to_string(experiment.folder().join(".cases.jsonl")).unwrap();
        let mut finished: Vec<Finished> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        finished.sort_by_key(|finished| finished.index);
        Ran { ended, finished }
    }
}

impl Ran {
    pub(crate) fn outputs(&self) -> Vec<String> {
        self.finished.iter().map(|finished| finished.output.clone().unwrap_or_default()).collect()
    }

    pub(crate) fn statuses(&self) -> Vec<Status> {
        self.finished.iter().map(|finished| finished.status).collect()
    }
}

/// Returns a case on one line.
pub(crate) fn line(finished: &Finished) -> String {
    let said = match &finished.problem {
        // What the agent printed before it died comes after the first line.
        Some(problem) => problem.message.lines().next().unwrap_or_default().to_owned(),
        None => finished.output.clone().unwrap_or_default(),
    };
    format!("{}: {}: {said}", finished.input, finished.status.word())
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
