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
mod interface;
mod loader;
mod natives;
mod run;
mod sandbox;
mod shared;
mod strip;
mod stubs;
mod world;

pub use strip::{JavaScript, to_javascript};

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use self::interface::time_limit;
pub use self::interface::{
    Captured, CapturedAgent, CapturedValue, Dependence, Failure, FailureKind, Limits, Machine, Position, Reliance, Request, Touch,
};
use self::run::Job;
use self::shared::Message;
use self::world::Variant;

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
