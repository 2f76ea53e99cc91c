//! What the engine is asked, and what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// The machine that the definition is read on, as far as a definition may depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its local time is UTC.
    pub is_utc: bool,
    /// Its language is that of Node without any setting, American English.
    pub is_english: bool,
    /// The names of the variables of the environment that the code may not read.
    pub withheld: BTreeSet<String>,
}

impl Default for Machine {
    fn default() -> Self {
        Self { is_utc: true, is_english: true, withheld: BTreeSet::new() }
    }
}

/// What a value depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependence {
    /// The time at which it is read.
    Clock,
    /// Random numbers.
    Chance,
    /// The time zone of the machine.
    Zone,
    /// The language of the machine.
    Language,
    /// The operating system.
    Platform,
    /// The values of the environment that may be read.
    Environment,
    /// Which variables the environment has.
    Names,
    /// The running Node.
    Process,
    /// The words of JavaScript itself, such as the text of an error.
    Words,
    /// What a package says that is not run.
    Package,
}

/// The first time that the code asked for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// What it asked for, as `builtins.js` calls it.
    pub(super) kind: String,
    /// How the code asked for it, such as `Date.now`.
    pub name: String,
    /// Where.
    pub position: Option<Position>,
}

/// Something that a value depends on, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reliance {
    /// What it depends on.
    pub on: Dependence,
    /// How the code asked for it, such as `Date.now`.
    pub name: String,
    /// Where, if that is known.
    pub position: Option<Position>,
}

impl Reliance {
    /// Returns what it means for something, such as "the persona" or "it".
    pub fn describe(&self, what: &str) -> String {
        let name = &self.name;
        match self.on {
            Dependence::Clock | Dependence::Chance => format!("{what} changes by itself: `{name}` gives another value each time"),
            Dependence::Zone => format!("{what} depends on this machine: its time zone is part of the value"),
            Dependence::Language => format!("{what} depends on this machine: `{name}` follows its language"),
            Dependence::Platform => format!("{what} depends on this machine: `{name}` differs between operating systems"),
            Dependence::Environment => format!("{what} holds a value of the environment, `process.env.{name}`"),
            Dependence::Names => format!("{what} depends on this machine: it holds {name}"),
            Dependence::Process => format!("{what} depends on this machine: `{name}` is that of the running Node"),
            Dependence::Words => format!("{what} depends on Node: {name} is worded by it"),
            Dependence::Package => format!("{what} depends on the package '{name}', which keepstep does not run"),
        }
    }

    /// Returns what a person may do about it.
    pub fn help(&self) -> &'static str {
        match self.on {
            Dependence::Clock => "write the date, or let the server fill it in when the agent runs",
            Dependence::Chance => "write the text itself",
            Dependence::Zone => "use the UTC functions of Date, or run with TZ=UTC",
            Dependence::Language => "name the language, such as toLocaleString('en-US')",
            Dependence::Environment => "everyone who may see the agent can read it",
            Dependence::Package => "install the packages of the project, or write the text itself",
            Dependence::Platform | Dependence::Names | Dependence::Process | Dependence::Words => "write the text itself",
        }
    }

    /// Returns whether the value is nevertheless that of Node on this machine.
    pub(super) fn is_known(&self, machine: &Machine) -> bool {
        match self.on {
            Dependence::Zone => machine.is_utc,
            Dependence::Language => machine.is_english,
            Dependence::Platform | Dependence::Environment => true,
            _ => false,
        }
    }
}

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
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), position: None }
    }

    pub(super) fn at(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }
}

pub(super) fn time_limit(time: Duration) -> Failure {
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
    pub(super) fn map_paths(mut self, map: &dyn Fn(&Path) -> PathBuf) -> Self {
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
    pub(super) fn map_paths(mut self, map: &dyn Fn(&Path) -> PathBuf) -> Self {
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
