//! A function of the project, called by a small worker of ours that runs in the project's own interpreter.
//!
//! The worker gets its text on the command line, so nothing is written for it. It learns what to import from its first
//! message, says `ready` or why not, and then answers one question after the other. When it dies, the question that it
//! was asked fails and the next one starts another.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use rustix::process::Signal;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::child::{Child, Line, find_program, how_it_ended};
use super::fork_server::ForkServer;
use super::printed::Printed;
use super::{AgentAnswer, Later, Question, Refusal, Session, Surroundings, Target, Trouble, TypeScript};
use crate::config::{ModuleConfig, ReplayConfig, is_typescript};
use keepstep_results::problem::Location;
use keepstep_results::problem::Problem;

const PYTHON_WORKER: &str = include_str!("worker.py");
const NODE_WORKER: &str = include_str!("worker.mjs");

/// How long a module may take to import.
const START: Duration = Duration::from_secs(120);

/// How long a worker that starts keeps others from starting.
const HEAD_START: Duration = Duration::from_millis(500);

/// How long a worker that did not answer in time has to tidy up.
const PATIENCE: Duration = Duration::from_secs(1);

/// A function in a module.
pub(super) struct Functions {
    worker: Arc<Worker>,
}

/// How a worker is started.
#[derive(Debug)]
struct Worker {
    program: OsString,
    arguments: Vec<OsString>,
    directory: PathBuf,
    environment: BTreeMap<String, String>,
    target: String,
    search: Vec<PathBuf>,
    /// The first message.
    settings: String,
    /// What starts most workers, where they can be forked.
    fork_server: Option<ForkServer>,
    typescript: Option<Arc<dyn TypeScript>>,
    /// How many may start at once: an interpreter keeps a core busy, and a hundred of them that start together would all be
    /// late, while the first could be answering already.
    starting: Semaphore,
}

impl Functions {
    /// Returns the target for a Python function.
    pub(super) fn python(config: &ModuleConfig, surroundings: &Surroundings) -> Result<Self, Refusal> {
        let mut environment = environment(config, surroundings);
        // What was printed before a crash must have left the process.
        environment.entry("PYTHONUNBUFFERED".to_owned()).or_insert_with(|| "1".to_owned());
        // What the peer's SDK notes comes back with the answer; it need not keep it in files or send it to anybody.
        for name in ["FLUXLOOP_USE_COLLECTOR", "FLUXLOOP_OFFLINE_ENABLED"] {
            environment.entry(name.to_owned()).or_insert_with(|| "false".to_owned());
        }
        let program = python(config, surroundings, &environment)?;
        let arguments = ["-c", PYTHON_WORKER].map(OsString::from).to_vec();
        let replay = config.replay.as_ref().map(recorded).transpose()?;
        // Elsewhere there is no `/proc`, and a fork is not safe with what the system's libraries do behind one's back.
        let fork_server = cfg!(target_os = "linux").then(ForkServer::default);
        Ok(Self::new(program.into_os_string(), arguments, environment, config, surroundings, replay, fork_server))
    }

    /// Returns the target for a function of a Node module.
    pub(super) fn node(config: &ModuleConfig, surroundings: &Surroundings) -> Result<Self, Refusal> {
        let environment = environment(config, surroundings);
        let name = config.interpreter.as_deref().unwrap_or("node");
        let node = find_program(name, &surroundings.current, &environment).ok_or_else(|| Refusal {
            message: format!("{name} was not found, and the target {} needs it", config.target),
            hints: vec!["install Node.js, or name the program with `runner.node`".to_owned()],
        })?;
        // Node cannot duplicate its own pipes, so a shell moves them out of the way of what the module prints.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>&2";
        let mut arguments: Vec<OsString> = vec!["-c".into(), script.into(), node.into_os_string()];
        if config.target.split_once('#').is_some_and(|(file, _)| is_typescript(file)) {
            // So that a traceback has the lines of the source.
            arguments.push("--enable-source-maps".into());
        }
        arguments.extend(["--input-type=module", "-e", NODE_WORKER].map(OsString::from));
        Ok(Self::new("/bin/sh".into(), arguments, environment, config, surroundings, None, None))
    }

    fn new(
        program: OsString,
        arguments: Vec<OsString>,
        environment: BTreeMap<String, String>,
        config: &ModuleConfig,
        surroundings: &Surroundings,
        replay: Option<Value>,
        fork_server: Option<ForkServer>,
    ) -> Self {
        let settings = json!({
            "target": config.target, "search": config.search, "factory": config.factory,
            "factory_kwargs": config.factory_kwargs, "stream_output_path": config.stream_output_path,
            "replay": replay,
        });
        Self {
            worker: Arc::new(Worker {
                program,
                arguments,
                directory: surroundings.current.clone(),
                environment,
                target: config.target.clone(),
                search: config.search.clone(),
                settings: settings.to_string(),
                fork_server,
                typescript: surroundings.typescript.clone(),
                starting: Semaphore::new(available_parallelism().map_or(1, usize::from)),
            }),
        }
    }
}

impl Worker {
    /// Starts a worker that has not been told anything.
    async fn start(&self) -> io::Result<Child> {
        let start = || Child::start(&self.program, &self.arguments, &self.directory, &self.environment);
        if let Some(server) = &self.fork_server
            && let Some(child) = server.worker(start).await
        {
            return Ok(child);
        }
        start()
    }
}

impl Target for Functions {
    fn session(&self) -> Box<dyn Session> {
        let worker = Arc::clone(&self.worker);
        Box::new(FunctionSession { worker, child: None, asked: 0, printed: Printed::default() })
    }
}

fn environment(config: &ModuleConfig, surroundings: &Surroundings) -> BTreeMap<String, String> {
    let mut environment = surroundings.environment.clone();
    environment.extend(config.variables.iter().cloned());
    environment
}

/// Returns the project's own interpreter: the configured one, the active virtual environment, one beside the project, or
/// what the search path has.
fn python(
    config: &ModuleConfig,
    surroundings: &Surroundings,
    environment: &BTreeMap<String, String>,
) -> Result<PathBuf, Refusal> {
    let current = &surroundings.current;
    if let Some(name) = &config.interpreter {
        return find_program(name, current, environment)
            .ok_or_else(|| Refusal::new(format!("`runner.python` is {name}, which was not found")));
    }
    let in_folder = |folder: &Path| find_program(&folder.join("bin/python").to_string_lossy(), current, environment);
    let active = environment.get("VIRTUAL_ENV").filter(|folder| !folder.is_empty());
    if let Some(found) = active.and_then(|folder| in_folder(Path::new(folder))) {
        return Ok(found);
    }
    let beside = config.search.iter().flat_map(|folder| [folder.join(".venv"), folder.join("venv")]);
    if let Some(found) = beside.into_iter().find_map(|folder| in_folder(&folder)) {
        return Ok(found);
    }
    ["python3", "python"].iter().find_map(|name| find_program(name, current, environment)).ok_or_else(|| Refusal {
        message: format!("Python was not found, and the target {} needs it", config.target),
        hints: vec![
            "install Python 3, create a virtual environment in `.venv`, or name the interpreter with `runner.python`".to_owned(),
        ],
    })
}

/// Returns the arguments of a recorded call, as the worker replays them: those of the last line of the recording.
fn recorded(replay: &ReplayConfig) -> Result<Value, Refusal> {
    let refused = |what: String| Refusal {
        message: format!("the arguments of a recorded call cannot be replayed: {what}"),
        hints: vec![
            "`replay_args` in configs/simulation.yaml names the recording; `enabled: false` calls with the input only".to_owned(),
        ],
    };
    let path = replay.file.display();
    let file = File::open(&replay.file).map_err(|error| refused(format!("cannot read {path}: {error}")))?;
    let mut last = None;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error| refused(format!("cannot read {path}: {error}")))?;
        last = Some(line).filter(|line| !line.trim().is_empty()).or(last);
    }
    let last = last.ok_or_else(|| refused(format!("{path} is empty")))?;
    let recording: Value =
        serde_json::from_str(&last).map_err(|error| refused(format!("the last line of {path} is not JSON: {error}")))?;
    let arguments = match recording.get("kwargs") {
        Some(Value::Object(arguments)) => arguments.clone(),
        None if recording.is_object() => serde_json::Map::new(),
        _ => return Err(refused(format!("the last line of {path} has no arguments (`kwargs`)"))),
    };
    Ok(json!({"kwargs": arguments, "override": replay.override_path, "providers": replay.providers}))
}

/// What a worker says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WorkerMessage {
    Ready,
    Failed {
        error: String,
        #[serde(default)]
        candidates: Vec<String>,
        /// The file or module is not there, so it helps to know where it was looked for.
        #[serde(default)]
        is_missing: bool,
        traceback: Option<String>,
    },
    Final {
        id: u64,
        output: String,
        token_usage: Option<Value>,
        tool_calls: Option<Value>,
        callback_messages: Option<Value>,
        #[serde(default)]
        observations: Vec<Value>,
    },
    Error {
        id: Option<u64>,
        error: String,
        kind: Option<String>,
        location: Option<Location>,
        traceback: Option<String>,
    },
    /// Wants a module of TypeScript as JavaScript.
    Transform {
        id: u64,
        path: PathBuf,
        text: String,
    },
}

struct FunctionSession {
    worker: Arc<Worker>,
    child: Option<Child>,
    /// The number of the last question, which its answer repeats.
    asked: u64,
    /// What was printed by workers that are gone.
    printed: Printed,
}

impl FunctionSession {
    /// Starts a worker if there is none.
    async fn start(&mut self) -> Result<(), Refusal> {
        if self.child.as_mut().is_some_and(|child| child.ended().is_none()) {
            return Ok(());
        }
        let worker = Arc::clone(&self.worker);
        let turn = worker.starting.acquire().await;
        let mut child =
            worker.start().await.map_err(|error| Refusal::new(format!("cannot start {}: {error}", worker.program.display())))?;
        child.send_line(&worker.settings);
        let said = match timeout(HEAD_START, hear(&mut child, &worker)).await {
            Ok(said) => Ok(said),
            Err(_) => {
                // It waits for something: a model, a database.
                drop(turn);
                timeout(START, hear(&mut child, &worker)).await
            }
        };
        match said {
            Ok(Some(WorkerMessage::Ready)) => {
                self.child = Some(child);
                Ok(())
            }
            Ok(Some(WorkerMessage::Failed { error, candidates, is_missing, traceback })) => {
                Err(self.not_loaded(&error, &candidates, is_missing, traceback.as_deref()))
            }
            Ok(_) => {
                let status = child.wait_a_little().await;
                child.end(Signal::KILL, PATIENCE).await;
                let tail = child.tail().await;
                let message = format!(
                    "{} ended {} before {} was loaded{}",
                    worker.program.display(),
                    how_it_ended(status),
                    worker.target,
                    below(&tail)
                );
                Err(Refusal::new(message))
            }
            Err(_) => {
                child.end(Signal::KILL, PATIENCE).await;
                Err(Refusal::new(format!("{} was not loaded after {} seconds", worker.target, START.as_secs())))
            }
        }
    }

    fn not_loaded(&self, error: &str, candidates: &[String], is_missing: bool, traceback: Option<&str>) -> Refusal {
        let worker = &self.worker;
        let mut details = traceback.map(below).unwrap_or_default();
        if traceback.is_some() || is_missing {
            details += "\nLooked in:";
            details.extend(worker.search.iter().map(|folder| format!("\n  {}", folder.display())));
        }
        let mut hints = Vec::new();
        if !candidates.is_empty() {
            hints.push(format!("did you mean {}?", candidates.join(" or ")));
        }
        hints.push("`runner.target` in configs/simulation.yaml says what to run".to_owned());
        Refusal { message: format!("the target {} cannot be loaded: {error}{details}", worker.target), hints }
    }

    async fn exchange(&mut self, question: &Question) -> Result<AgentAnswer, Trouble> {
        self.asked += 1;
        let id = self.asked;
        let text = request(id, question).to_string();
        let Some(child) = &mut self.child else {
            return Err(Trouble::Down(Problem::new("the worker is not running")));
        };
        child.send_line(&text);
        loop {
            match hear(child, &self.worker).await {
                Some(WorkerMessage::Final { id: of, output, token_usage, tool_calls, callback_messages, observations })
                    if of == id =>
                {
                    return Ok(AgentAnswer { output, token_usage, tool_calls, callback_messages, observations });
                }
                Some(WorkerMessage::Error { id: of, error, kind, location, traceback }) if of == Some(id) => {
                    let location = location.map(Box::new);
                    return Err(Trouble::Agent(Problem { message: error, kind, location, traceback }));
                }
                // The answer to a question that nobody waits for any more.
                Some(_) => {}
                None => {
                    // Its output closes a moment before it ends.
                    let status = child.wait_a_little().await;
                    child.end(Signal::KILL, PATIENCE).await;
                    let tail = child.tail().await;
                    self.printed.append(&tail);
                    self.child = None;
                    let how = match status {
                        Some(_) => format!("ended {}", how_it_ended(status)),
                        None => "closed its output".to_owned(),
                    };
                    let message = format!("the agent's process {how} while it answered{}", below(last_lines(&tail)));
                    return Err(Trouble::Agent(Problem::new(message)));
                }
            }
        }
    }
}

impl Session for FunctionSession {
    fn prepare(&mut self) -> Later<'_, Result<(), Refusal>> {
        Box::pin(self.start())
    }

    fn ask<'a>(&'a mut self, question: &'a Question, limit: Duration) -> Later<'a, Result<AgentAnswer, Trouble>> {
        Box::pin(async move {
            self.start().await.map_err(|refusal| Trouble::Down(Problem::new(refusal.message)))?;
            match timeout(limit, self.exchange(question)).await {
                Ok(answer) => answer,
                Err(_) => {
                    if let Some(mut child) = self.child.take() {
                        child.end(Signal::TERM, PATIENCE).await;
                        self.printed.append(&child.tail().await);
                    }
                    Err(Trouble::Timeout(Problem::new(format!("no answer after {}", keepstep_base::human::duration_text(limit)))))
                }
            }
        })
    }

    fn printed(&mut self) -> Option<String> {
        let mut printed = std::mem::take(&mut self.printed);
        if let Some(text) = self.child.as_mut().and_then(Child::printed) {
            printed.append(&text);
        }
        printed.text()
    }

    fn end_conversation(&mut self) -> Later<'_, ()> {
        Box::pin(async {})
    }

    fn close(&mut self) -> Later<'_, ()> {
        Box::pin(async {
            if let Some(mut child) = self.child.take() {
                // Without input a worker ends by itself; what it started does not.
                child.end_input();
                let _ = timeout(PATIENCE, child.wait()).await;
                child.end(Signal::KILL, PATIENCE).await;
            }
        })
    }
}

/// Returns what the worker says next, after it has what it needs to go on; `None` when it says nothing more, or nothing that makes
/// sense.
async fn hear(child: &mut Child, worker: &Worker) -> Option<WorkerMessage> {
    loop {
        let said = match child.line().await {
            Ok(Line::Whole(line)) => serde_json::from_slice(&line).ok()?,
            _ => return None,
        };
        let WorkerMessage::Transform { id, path, text } = said else { return Some(said) };
        let made = match &worker.typescript {
            Some(typescript) => typescript.to_javascript(&path, &text),
            None => Err(format!("{} is TypeScript", path.display())),
        };
        let answer = match made {
            Ok((code, map)) => json!({"type": "transformed", "id": id, "code": code, "map": map}),
            Err(error) => json!({"type": "transformed", "id": id, "error": error}),
        };
        child.send_line(&answer.to_string());
    }
}

/// Returns a question as the worker reads it.
fn request(id: u64, question: &Question) -> Value {
    let described = question.persona_config.as_ref().and_then(|persona| persona.get("description")).and_then(Value::as_str);
    json!({
        "type": "input",
        "id": id,
        "run_id": question.run_id,
        "input": question.input,
        "context": {
            "run_id": question.run_id,
            "scenario": question.scenario,
            "iteration": question.iteration,
            "persona": question.persona,
            "persona_config": question.persona_config,
            "persona_description": described,
            "auto_approve_tools": question.auto_approve_tools,
            "messages": question.messages,
            "conversation_state": {
                "turns": question.messages,
                "metadata": {"iteration": question.iteration, "persona": question.persona, "variation": question.metadata},
            },
        },
    })
}

/// Returns details for below a message.
fn below(details: &str) -> String {
    if details.trim().is_empty() { String::new() } else { format!("\n{}", details.trim_end()) }
}

/// Returns the last few lines of a text.
fn last_lines(text: &str) -> &str {
    const LINES: usize = 12;
    match text.rmatch_indices('\n').nth(LINES - 1) {
        Some((index, _)) => &text[index + 1..],
        None => text,
    }
}
