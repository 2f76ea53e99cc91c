//! One evaluation, on the engine's own thread.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rquickjs::{
    Array, CatchResultExt, CaughtError, Context, Ctx, Function, Module, Object, Persistent, Promise, Runtime,
    promise::PromiseState,
};

use super::capture::{Reader, Thrown};
use super::interface::{Captured, CapturedAgent, CapturedValue, Failure, FailureKind, Limits, Position, Touch, time_limit};
use super::loader::{self, Modules};
use super::shared::{Message, Shared};
use super::world::Variant;
use super::{natives, sandbox};
use crate::resolve::Locator;

const BUILTINS: &str = include_str!("builtins.js");
const PRELUDE: &str = include_str!("prelude.js");

/// How long reading the values may take after the time was used up.
const READING_TIME: Duration = Duration::from_millis(250);

/// How much memory reading the values may take after the memory was used up.
const READING_MEMORY: usize = 16 << 20;

/// How many timers fire at most; a timer that sets the next one would keep us for ever.
const MOST_TIMERS: usize = 1_000;

/// An evaluation that can be sent to a thread. All paths are canonical.
pub(super) struct Job {
    pub(super) root: PathBuf,
    pub(super) entry: PathBuf,
    pub(super) environment: BTreeMap<String, String>,
    /// Variables that are there and may not be read.
    pub(super) withheld: BTreeSet<String>,
    pub(super) variant: Variant,
    /// The packages whose code is run, by the specifiers that the project imports them with.
    pub(super) packages: BTreeSet<String>,
    pub(super) limits: Limits,
    pub(super) deadline: Instant,
    pub(super) messages: mpsc::Sender<Message>,
}

/// Which limit was reached, and when the next is.
struct Clock {
    deadline: Cell<Instant>,
    expired: Cell<bool>,
}

impl Job {
    /// Evaluates and sends the result.
    pub(super) fn run(self) {
        let messages = self.messages.clone();
        let mut packages = BTreeSet::new();
        let result = self.evaluate(&mut packages);
        // Nobody listens any more if the caller's own limit came first.
        let _ = messages.send(Message::Done(result, packages));
    }

    fn evaluate(self, packages: &mut BTreeSet<String>) -> Result<Captured, Failure> {
        let engine = |error: rquickjs::Error| Failure::new(FailureKind::Engine, format!("the engine failed: {error}"));
        let limits = self.limits;
        let runtime = Runtime::new().map_err(engine)?;
        runtime.set_memory_limit(limits.memory);
        runtime.set_max_stack_size(limits.stack);
        let clock = Rc::new(Clock { deadline: Cell::new(self.deadline), expired: Cell::new(false) });
        let interrupt = Rc::clone(&clock);
        runtime.set_interrupt_handler(Some(Box::new(move || {
            let expired = Instant::now() >= interrupt.deadline.get();
            interrupt.expired.set(expired || interrupt.expired.get());
            expired
        })));
        let locator = Locator::new(&self.root);
        let shared =
            Rc::new(Shared { root: self.root, locator, entry: self.entry, messages: self.messages, limits: self.limits });
        let modules = Modules::new(Rc::clone(&shared), self.packages);
        runtime.set_loader(loader::Finder(Rc::clone(&modules)), loader::Reader(Rc::clone(&modules)));
        let context = Context::full(&runtime).map_err(|error| match error {
            rquickjs::Error::Allocation => memory_limit(limits),
            error => engine(error),
        })?;
        let world = World { shared, modules, clock, limits };
        // The limit on memory cannot be changed while the engine is entered, so it is entered twice.
        let (ended, prelude) = context.with(|ctx| {
            let prelude = (|| {
                let host = sandbox::host(&ctx, &world.modules, &world.shared, &self.environment)?;
                natives::equip(&ctx, &host)?;
                host.set("withheld", self.withheld.into_iter().collect::<Vec<_>>())?;
                let variant = Object::new(ctx.clone())?;
                variant.set("kind", self.variant.kind)?;
                variant.set("number", self.variant.number)?;
                variant.set("runsDeciding", self.variant.runs_deciding)?;
                host.set("variant", variant)?;
                let builtins: Object<'_> = ctx.eval::<Function<'_>, _>(BUILTINS)?.call((host.clone(),))?;
                ctx.eval::<Function<'_>, _>(PRELUDE)?.call::<_, Object<'_>>((host, builtins))
            })();
            let prelude = prelude.catch(&ctx).map_err(|error| match error {
                CaughtError::Error(error) if !matches!(error, rquickjs::Error::Allocation) => engine(error),
                // There is nothing in the prelude that could go wrong other than by a lack of memory.
                _ if limits.memory < 4 << 20 => memory_limit(limits),
                error => Failure::new(FailureKind::Engine, format!("the engine failed: {error}")),
            })?;
            let ended = Evaluation { ctx: ctx.clone(), world: &world, prelude: prelude.clone() }.load();
            Ok((ended, Persistent::save(&ctx, prelude)))
        })?;
        // What was constructed is read even if the limits are used up by now.
        world.clock.expired.set(false);
        world.clock.deadline.set(Instant::now() + READING_TIME);
        runtime.set_memory_limit(limits.memory + READING_MEMORY);
        context.with(|ctx| {
            let prelude = prelude.restore(&ctx).map_err(engine)?;
            let evaluation = Evaluation { ctx, world: &world, prelude };
            let captured = evaluation.finish(ended);
            *packages = evaluation.deciding_packages();
            captured
        })
    }
}

/// What is outside of the engine.
struct World {
    shared: Rc<Shared>,
    modules: Rc<Modules>,
    clock: Rc<Clock>,
    limits: Limits,
}

/// An engine with its prelude, at work.
struct Evaluation<'a, 'js> {
    ctx: Ctx<'js>,
    world: &'a World,
    prelude: Object<'js>,
}

impl<'js> Evaluation<'_, 'js> {
    /// Loads the entry and all that it imports, and waits until nothing is left to do.
    fn load(&self) -> Result<(), Failure> {
        let name = self.world.shared.entry.to_str().ok_or_else(|| {
            let message = format!("{} cannot be run: its path is not valid UTF-8", self.world.shared.entry.display());
            Failure::new(FailureKind::Module, message)
        })?;
        // A module that imports the entry finds it by its name, so it is loaded like every other.
        let name_literal = serde_json::Value::from(name);
        let start = format!("const e=await import({name_literal});globalThis.__keepstepEntry=e;");
        let promise = Module::evaluate(self.ctx.clone(), "keepstep:start", start).catch(&self.ctx);
        let promise = promise.map_err(|error| self.failure(error))?;
        self.wait_for(&promise)?;
        if self.agents()?.is_empty() {
            self.call_exports()?;
        }
        self.drain();
        self.in_time()
    }

    fn in_time(&self) -> Result<(), Failure> {
        match self.world.clock.expired.get() {
            true => Err(time_limit(self.world.limits.time)),
            false => Ok(()),
        }
    }

    /// Runs jobs and timers until a promise is settled.
    fn wait_for(&self, promise: &Promise<'js>) -> Result<(), Failure> {
        let mut timers = 0;
        loop {
            self.in_time()?;
            match promise.state() {
                PromiseState::Resolved => return Ok(()),
                PromiseState::Rejected => {
                    let error = match promise.result::<rquickjs::Value<'_>>() {
                        Some(Err(error)) => CaughtError::from_error(&self.ctx, error),
                        _ => CaughtError::Error(rquickjs::Error::Unknown),
                    };
                    return Err(self.failure(error));
                }
                PromiseState::Pending => {}
            }
            if self.step() {
                continue;
            }
            timers += 1;
            if timers > MOST_TIMERS || !self.run_timer() {
                self.in_time()?;
                let message = "the code waits for network or input, which keepstep does not provide";
                return Err(Failure::new(FailureKind::Waiting, message));
            }
        }
    }

    /// Runs the jobs and timers that are left.
    fn drain(&self) {
        let mut timers = 0;
        loop {
            if self.world.clock.expired.get() {
                return;
            }
            if !self.step() {
                timers += 1;
                if timers > MOST_TIMERS || !self.run_timer() {
                    return;
                }
            }
        }
    }

    /// Runs one job; returns false if there is none.
    fn step(&self) -> bool {
        let done = self.ctx.execute_pending_job();
        // A chain of short jobs never reaches the engine's own check.
        if Instant::now() >= self.world.clock.deadline.get() {
            self.world.clock.expired.set(true);
        }
        done
    }

    /// Fires the next timer; returns false if there is none. One that throws would have ended the process, after
    /// everything that we are interested in.
    fn run_timer(&self) -> bool {
        let run = self.prelude.get::<_, Function<'_>>("runTimer").and_then(|run| run.call::<_, bool>(()));
        match run.catch(&self.ctx) {
            Ok(fired) => fired,
            Err(_) => !self.world.clock.expired.get(),
        }
    }

    fn call_exports(&self) -> Result<(), Failure> {
        let call = (|| {
            let entry: Object<'_> = self.ctx.globals().get("__keepstepEntry")?;
            self.prelude.get::<_, Function<'_>>("callExports")?.call::<_, ()>((entry,))
        })();
        call.catch(&self.ctx).map_err(|error| self.failure(error))
    }

    /// Returns true if the entry exports a value, under whatever name.
    fn is_exported(&self, value: &Object<'js>) -> bool {
        let is_exported = (|| {
            let entry: rquickjs::Value<'_> = self.ctx.globals().get("__keepstepEntry")?;
            self.prelude.get::<_, Function<'_>>("isExported")?.call::<_, bool>((entry, value.clone()))
        })();
        is_exported.catch(&self.ctx).unwrap_or(false)
    }

    fn agents(&self) -> Result<Vec<Object<'js>>, Failure> {
        let agents = self.prelude.get::<_, Function<'_>>("agents").and_then(|agents| agents.call::<_, Array<'_>>(()));
        let agents = agents.and_then(|agents| agents.iter::<Object<'_>>().collect::<rquickjs::Result<Vec<_>>>());
        agents.catch(&self.ctx).map_err(|error| self.failure(error))
    }

    /// Reads the agents, or returns the failure if there are none.
    fn finish(&self, ended: Result<(), Failure>) -> Result<Captured, Failure> {
        let mut captured = Captured::default();
        let reader = self.reader().catch(&self.ctx).map_err(|error| self.failure(error))?;
        let settled = self.prelude.get::<_, Function<'_>>("settle").and_then(|settle| settle.call::<_, ()>(()));
        settled.catch(&self.ctx).map_err(|error| self.failure(error))?;
        for (index, agent) in self.agents()?.into_iter().enumerate() {
            // Fields of a class that extends are set after the constructor that told us. If the code failed later on,
            // they may be missing.
            let complete = ended.is_ok() || agent.get::<_, bool>("direct").unwrap_or(false);
            let instance = agent.get::<_, Object<'_>>("instance");
            let (true, Ok(instance)) = (complete, instance) else { continue };
            let stack = agent.get::<_, String>("stack").unwrap_or_default();
            let position = self.frames(&stack).next();
            let is_exported = self.is_exported(&instance);
            let is_called_for = agent.get::<_, bool>("isCalledFor").unwrap_or(false);
            let mut values = reader.properties(&instance);
            self.taint(index, &mut values);
            captured.agents.push(CapturedAgent { position, is_exported, is_called_for, values, reliances: BTreeMap::new() });
        }
        captured.touches = self.touches();
        match ended {
            Err(failure) if captured.agents.is_empty() => Err(failure),
            Ok(()) => Ok(captured),
            Err(failure) => Ok(Captured { failed_later: Some(failure), ..captured }),
        }
    }

    /// Makes values unreadable that came out of code which caught that something is missing here: in Node it is not missing.
    fn taint(&self, agent: usize, values: &mut BTreeMap<String, CapturedValue>) {
        let Ok(taint) = self.prelude.get::<_, Function<'_>>("taint") else { return };
        // What was caught may also be why there is no value.
        let empty = self.prelude.get::<_, Function<'_>>("empty").and_then(|empty| empty.call::<_, Vec<String>>((agent,)));
        for name in empty.unwrap_or_default() {
            if let Ok(Some(why)) = taint.call::<_, Option<String>>((agent, name.as_str())) {
                values.insert(name, CapturedValue::Unreadable(why));
            }
        }
        for (name, value) in values {
            if matches!(value, CapturedValue::Unreadable(_) | CapturedValue::Function) {
                continue;
            }
            if let Ok(Some(why)) = taint.call::<_, Option<String>>((agent, name.as_str())) {
                *value = CapturedValue::Unreadable(why);
            }
        }
    }

    /// Returns what the code asked of the machine, the moment and chance.
    fn touches(&self) -> Vec<Touch> {
        let touches = self.prelude.get::<_, Function<'_>>("touches").and_then(|touches| touches.call::<_, Vec<Vec<String>>>(()));
        let touch = |touch: Vec<String>| {
            let [kind, name, stack] = touch.try_into().ok()?;
            let position = self.frames(&stack).next();
            Some(Touch { kind, name, position })
        };
        touches.unwrap_or_default().into_iter().filter_map(touch).collect()
    }

    /// Returns the places of a stack that are in files of the project.
    fn frames(&self, stack: &str) -> impl Iterator<Item = Position> {
        stack.lines().filter_map(|line| {
            let frame = Frame::parse(line)?;
            self.world.modules.origin_of(Path::new(frame.file), frame.line, frame.column)
        })
    }

    /// Returns the packages that are there, were not run, and would decide something.
    fn deciding_packages(&self) -> BTreeSet<String> {
        let packages = self.prelude.get::<_, Function<'_>>("deciding").and_then(|deciding| deciding.call::<_, Vec<String>>(()));
        self.world.modules.idle_among(packages.catch(&self.ctx).unwrap_or_default())
    }

    fn reader(&self) -> rquickjs::Result<Reader<'js>> {
        Reader::new(&self.ctx, &self.prelude)
    }

    fn failure(&self, error: CaughtError<'js>) -> Failure {
        if let Err(failure) = self.in_time() {
            return failure;
        }
        let explain = |thrown| self.reader().catch(&self.ctx).ok()?.explain(thrown);
        let thrown = match error {
            CaughtError::Exception(exception) => explain(exception.into_value()),
            // The engine throws null when there is no memory even for an error.
            CaughtError::Value(value) if value.is_null() || value.is_undefined() => None,
            CaughtError::Value(value) => explain(value),
            CaughtError::Error(_) => None,
        };
        let Some(thrown) = thrown else {
            return memory_limit(self.world.limits);
        };
        // Nobody else makes errors of this kind; a text that is too long is one that would not fit.
        if ["InternalError: out of memory", "InternalError: string too long"].contains(&thrown.text.as_str()) {
            return memory_limit(self.world.limits);
        }
        if let Some(failure) = self.world.modules.failure_behind(&thrown.text) {
            return failure;
        }
        let position = self.frames(&thrown.stack).next();
        let place = match &position {
            Some(position) => format!("{}:{}", self.world.shared.display_path(&position.file), position.line),
            None => self.world.shared.display_path(&self.world.shared.entry),
        };
        let (kind, message) = self.describe(&thrown, &place);
        Failure::new(kind, message).at(position)
    }

    fn describe(&self, thrown: &Thrown, place: &str) -> (FailureKind, String) {
        let text = &thrown.text;
        if text.contains("stack size exceeded") || text.contains("stack overflow") {
            return (FailureKind::DepthLimit, format!("the calls at {place} are nested too deeply"));
        }
        // The engine found it while it linked the modules, before anything ran.
        if let Some(text) = text.strip_prefix("SyntaxError: ").filter(|_| position_free(&thrown.stack)) {
            let root = format!("{}/", self.world.shared.root.display());
            return (FailureKind::Module, text.replace(&root, ""));
        }
        let kind = match thrown.kind.as_str() {
            "package" => FailureKind::Package,
            "refused" | "node" => FailureKind::Refused,
            "environment" => FailureKind::Environment,
            _ => FailureKind::Threw,
        };
        if kind != FailureKind::Threw {
            return (kind, format!("{text} (at {place})"));
        }
        let function = thrown.stack.lines().filter_map(Frame::parse).find(|frame| frame.file.starts_with('/'));
        let message = match function.and_then(|frame| frame.function) {
            Some(function) => format!("{function}() at {place} threw {text}"),
            None => format!("the code at {place} threw {text}"),
        };
        (kind, message)
    }
}

/// Returns true if a stack names no file of the project: the error was found before anything ran.
fn position_free(stack: &str) -> bool {
    !stack.lines().filter_map(Frame::parse).any(|frame| frame.file.starts_with('/'))
}

fn memory_limit(limits: Limits) -> Failure {
    let message = format!("the code needed more than {} MiB of memory and was stopped", limits.memory >> 20);
    Failure::new(FailureKind::MemoryLimit, message)
}

/// One line of a stack as the engine writes it: `    at name (/path/file.ts:1:2)`, or without name and parentheses.
#[derive(Debug, PartialEq)]
struct Frame<'a> {
    function: Option<&'a str>,
    file: &'a str,
    line: u32,
    column: u32,
}

impl<'a> Frame<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim().strip_prefix("at ")?;
        let (function, place) = match text.split_once(" (") {
            Some((function, place)) => (Some(function), place.strip_suffix(')')?),
            None => (None, text),
        };
        let (place, column) = place.rsplit_once(':')?;
        let (file, line) = place.rsplit_once(':')?;
        let named = |name: &&str| !name.is_empty() && !name.starts_with('<');
        Some(Self { function: function.filter(named), file, line: line.parse().ok()?, column: column.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_stack_is_read() {
        let frame = |function, line, column| Some(Frame { function, file: "/p/a b.ts", line, column });
        assert_eq!(Frame::parse("    at build (/p/a b.ts:3:14)"), frame(Some("build"), 3, 14));
        assert_eq!(Frame::parse("    at <anonymous> (/p/a b.ts:3:14)"), frame(None, 3, 14));
        assert_eq!(Frame::parse("    at /p/a b.ts:3:14"), frame(None, 3, 14));
        assert_eq!(Frame::parse("    at native"), None);
    }
}
