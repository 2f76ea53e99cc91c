//! Evaluates what is not static in an embedded engine.
//!
//! A persona that is put together by a function call, a loop or `process.env` has no literal to read. The modules of the
//! agent are then stripped of their types (`strip`) and run, and the constructor of `LuaAgent` remembers what it
//! was given (`capture`). What runs is the project's own code and nothing else:
//!
//! - no network, no other processes, no writing; files are read only where they really are inside the project or its
//!   repository (`sandbox`);
//! - an installed package is run only if something depends on it. Most of them, clients of databases and the like, are beside the
//!   agent and take long. At first, what is imported from a package is a *stub*, which can be called, constructed and asked
//!   for any property, and which throws as soon as it would become a text (`stubs`). If that happened, everything is run
//!   again with that package's own code, in the same sandbox. A package that is not there or fails stays a stub;
//! - time, memory and depth are limited. The engine has a thread of its own, so that a loop inside one native function,
//!   which the engine cannot interrupt, ends at the limit too, and so that the depth does not depend on the caller;
//! - what the engine has otherwise than Node 20 is set right in `builtins.js`, and what it lacks throws there: a value is the one
//!   that Node gives, or it is unreadable;
//! - a value that depends on the machine, the moment or chance is found by running the code in another world too (`world`).

mod adapt;
mod capture;
mod commonjs;
mod loader;
mod natives;
mod run;
mod sandbox;
mod strip;
mod stubs;
mod world;

pub use strip::{JavaScript, to_javascript};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::run::{Job, Message};
use self::world::Variant;
pub use self::world::{Dependence, Machine, Reliance, Touch};

/// How much an evaluation may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time from start to end.
    pub time: Duration,
    /// The memory of the engine, in bytes.
    pub memory: usize,
    /// The stack of the engine, in bytes: how deep calls may be nested.
    pub stack: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(2), memory: 64 << 20, stack: 1 << 20 }
    }
}

/// What to evaluate.
pub struct Request<'a> {
    /// The project's folder. It is the working directory, and nothing outside of it is read.
    pub root: &'a Path,
    /// The absolute path of the file with the agent.
    pub entry: &'a Path,
    /// Returns the text that stands in place of a file, or `None` to have it read from disk.
    pub read: &'a dyn Fn(&Path) -> Option<String>,
    /// What the code may read of `process.env`.
    pub environment: &'a BTreeMap<String, String>,
    /// What values may depend on besides the code.
    pub machine: &'a Machine,
    /// How much the evaluation may use.
    pub limits: Limits,
}

/// One property's value.
#[derive(Debug, Clone, PartialEq)]
pub enum CapturedValue {
    /// A value that JSON can hold.
    Json(Value),
    /// A function.
    Function,
    /// The property is there and has no value that can be shown; the text says why.
    Unreadable(String),
}

/// A place in a file. Line and column count from 1, the column in UTF-16 units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The absolute path of the file.
    pub file: PathBuf,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One agent that was constructed while the entry was loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedAgent {
    /// A place inside of the expression that constructed it. The engine notes places where something is called, so with
    /// calls among the arguments it is that of the last.
    pub position: Option<Position>,
    /// The entry exports it.
    pub is_exported: bool,
    /// It was constructed because a function that the entry exports was called, which only happens where loading the entry
    /// constructed none.
    pub is_called_for: bool,
    /// Its properties. One that is `undefined` is not there.
    pub values: BTreeMap<String, CapturedValue>,
    /// What properties depend on besides the code. Where the value is known only to Node or changes by itself, it is unreadable.
    pub reliances: BTreeMap<String, Vec<Reliance>>,
}

/// What an evaluation found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Captured {
    /// The agents in the order in which they were constructed.
    pub agents: Vec<CapturedAgent>,
    /// What failed after the agents were constructed, which their values do not depend on.
    pub failed_later: Option<Failure>,
    /// What the code asked for besides its files.
    pub(crate) touches: Vec<Touch>,
}

/// What kind of failure an evaluation ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// A module is not valid TypeScript.
    Syntax,
    /// A module cannot be found or read.
    Module,
    /// The code threw.
    Threw,
    /// A text would depend on a package, which is not run.
    Package,
    /// The code tried what is not possible: network, writing, reading outside of the project.
    Refused,
    /// The code asked for a variable of the environment that it may not read.
    Environment,
    /// The code waits for something that will not come.
    Waiting,
    /// The time was used up.
    TimeLimit,
    /// The memory was used up.
    MemoryLimit,
    /// Calls were nested too deeply.
    DepthLimit,
    /// The engine failed, through no fault of the code.
    Engine,
}

/// Why nothing could be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, for a person; a sentence without its full stop.
    pub message: String,
    /// Where it happened, if that is known.
    pub position: Option<Position>,
}

impl Failure {
    fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), position: None }
    }

    fn at(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }
}

/// How long the caller waits beyond the limit for an engine that is stuck inside a native function.
const GRACE: Duration = Duration::from_millis(750);

/// Evaluates the entry with all that it imports and returns the agents that were constructed.
///
/// # Errors
/// No agent could be constructed because a module cannot be loaded, the code threw, or a limit was reached. A failure
/// after an agent was completely constructed is part of the result instead.
pub fn evaluate(request: &Request<'_>) -> Result<Captured, Failure> {
    world::evaluate(request, |variant| evaluate_once(request, variant))
}

/// Evaluates in one world.
fn evaluate_once(request: &Request<'_>, variant: Variant) -> Result<Captured, Failure> {
    let (root, entry) = match (request.root.canonicalize(), request.entry.canonicalize()) {
        (Ok(root), Ok(entry)) => (root, entry),
        (Err(error), _) => return Err(unreadable(request.root, &error)),
        (_, Err(error)) => return Err(unreadable(request.entry, &error)),
    };
    let deadline = Instant::now() + request.limits.time;
    let mut packages = BTreeSet::new();
    let (mut result, mut deciding) = run(request, variant, &root, &entry, &packages, deadline);
    for _ in 0..MOST_RUNS {
        if deciding.is_empty() {
            break;
        }
        packages.append(&mut deciding);
        let (with_packages, others) = run(request, variant, &root, &entry, &packages, deadline);
        deciding = others;
        match (&result, &with_packages) {
            // A package that takes too long says nothing about what was read without it.
            (Ok(_), Err(_)) => break,
            _ => result = with_packages,
        }
    }
    result
}

/// How many times more than once the code is run, each time with the packages that the last one turned out to need.
const MOST_RUNS: usize = 5;

/// Runs the code once, with the code of some packages; returns also which others decide something.
fn run(
    request: &Request<'_>,
    variant: Variant,
    root: &Path,
    entry: &Path,
    packages: &BTreeSet<String>,
    deadline: Instant,
) -> (Result<Captured, Failure>, BTreeSet<String>) {
    let failed = |kind, message: &str| (Err(Failure::new(kind, message)), BTreeSet::new());
    let (sender, messages) = mpsc::channel();
    let job = Job {
        root: root.to_owned(),
        entry: entry.to_owned(),
        environment: request.environment.clone(),
        withheld: request.machine.withheld.clone(),
        variant,
        packages: packages.clone(),
        limits: request.limits,
        deadline,
        messages: sender,
    };
    // Parsing recurses as well, outside of the engine's own limit. The memory is only taken as far as it is used.
    let stack = request.limits.stack + (256 << 20);
    let thread = std::thread::Builder::new().name("keepstep-engine".to_owned()).stack_size(stack).spawn(move || job.run());
    if let Err(error) = thread {
        return failed(FailureKind::Engine, &format!("the engine cannot be started: {error}"));
    }

    // Paths are canonical inside the engine; the caller knows them below the root as it was given.
    let outside = |path: &Path| match path.strip_prefix(root) {
        Ok(inner) => request.root.join(inner),
        Err(_) => path.to_path_buf(),
    };
    loop {
        let left = (deadline + GRACE).saturating_duration_since(Instant::now());
        match messages.recv_timeout(left) {
            Ok(Message::Read { path, answer }) => {
                let text = (request.read)(&outside(&path)).or_else(|| (request.read)(&path));
                // The engine gives up only together with its end of the channel.
                let _ = answer.send(text);
            }
            Ok(Message::Done(result, deciding)) => {
                let result = result.map(|captured| captured.map_paths(&outside)).map_err(|failure| failure.map_paths(&outside));
                return (result, deciding);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => return (Err(time_limit(request.limits.time)), BTreeSet::new()),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return failed(FailureKind::Engine, "the engine stopped without an answer");
            }
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Module, format!("{} cannot be read: {error}", path.display()))
}

fn time_limit(time: Duration) -> Failure {
    let message = format!("the code ran longer than {} and was stopped", Seconds(time));
    Failure::new(FailureKind::TimeLimit, message)
}

/// Shows a duration as seconds, or as milliseconds where it is shorter.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 < Duration::from_secs(1) {
            return write!(formatter, "{} ms", self.0.as_millis());
        }
        write!(formatter, "{} s", self.0.as_secs_f64())
    }
}

impl Captured {
    fn map_paths(mut self, map: &dyn Fn(&Path) -> PathBuf) -> Self {
        for agent in &mut self.agents {
            agent.position = agent.position.take().map(|position| position.map_path(map));
        }
        for touch in &mut self.touches {
            touch.position = touch.position.take().map(|position| position.map_path(map));
        }
        self.failed_later = self.failed_later.map(|failure| failure.map_paths(map));
        self
    }
}

impl Failure {
    fn map_paths(mut self, map: &dyn Fn(&Path) -> PathBuf) -> Self {
        self.position = self.position.map(|position| position.map_path(map));
        self
    }
}

impl Position {
    fn map_path(mut self, map: &dyn Fn(&Path) -> PathBuf) -> Self {
        self.file = map(&self.file);
        self
    }
}
