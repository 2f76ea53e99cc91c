//! Reads the agent's definition: statically where that is possible, by running the code where it is not.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keepstep_agent::Field;
use keepstep_agent::field::Kind;
use serde_json::Value as Json;

use crate::discover::{AgentSite, discover};
use crate::engine::{self, CapturedAgent, CapturedValue, FailureKind, Reliance};
use crate::evaluate::{Evaluated, Evaluator, ForeignUse};
use crate::linked;
use crate::modules::{Graph, with_deep_stack};
use crate::typescript_agent::{Options, TypeScriptAgent, problem};
use crate::value::{Content, Doubt, DoubtKind, Object, Obstacle, Site, Value};
use keepstep_source::frame::{self, Span};
use keepstep_source::{Location, Problem, Property, SourceError};

/// Reads the agent of the project in a folder.
///
/// # Errors
///
/// There is no agent or more than one, or a file that belongs to it cannot be read or does not parse. A single property that
/// cannot be told is not an error but [`Property::Unreadable`].
pub fn read(root: &Path, options: &Options) -> Result<TypeScriptAgent, SourceError> {
    let graph = Graph::new(root)?;
    with_deep_stack(|| read_graph(graph, options))
}

pub(crate) fn read_graph(graph: Graph, options: &Options) -> Result<TypeScriptAgent, SourceError> {
    let is_made = |agent: &AgentSite| is_made(&graph, options, agent);
    let (agent, users) = discover(&graph, &is_made)?;
    let paths = graph.reach(std::slice::from_ref(&agent.module.file.path));
    let mut reached = Vec::new();
    for path in &paths {
        reached.push(graph.module(path).map_err(|error| graph.error(path, error))?);
    }
    let foreign_use = ForeignUse::of(&graph, &paths, &users);
    let config = agent.config(&Evaluator::new(&graph, &foreign_use));
    let location = graph.location(&agent.module.file, agent.span.start);
    let read_by_running = RefCell::default();
    let (properties, others, notes) = {
        let reader = Reader {
            graph: &graph,
            options,
            agent: &agent,
            config: &config,
            foreign_use: &foreign_use,
            run: OnceCell::new(),
            notes: RefCell::default(),
            read_by_running: &read_by_running,
        };
        let properties: BTreeMap<Field, Property> = Field::ALL.iter().map(|field| (*field, reader.field(*field))).collect();
        let others = config.slots.keys().filter(|key| Field::ALL.iter().all(|field| field.key() != *key));
        // What is no field is only looked at where it is written, and never worth running the code for.
        let others: BTreeMap<String, Property> = others.map(|key| (key.clone(), reader.property(key, false))).collect();
        reader.note_paths(&properties);
        (properties, others, reader.notes.into_inner())
    };
    let read_by_running = read_by_running.into_inner();
    let options = options.clone();
    let mut read = TypeScriptAgent {
        graph,
        options,
        agent,
        config,
        foreign_use,
        read_by_running,
        reached,
        location,
        properties,
        others,
        notes,
    };
    for field in Field::ALL {
        if let Kind::List { ids_in, id } = field.kind()
            && let Some(property) = linked::property(&read, field, ids_in, id)
        {
            read.properties.insert(field, property);
        }
    }
    Ok(read)
}

/// Returns true if loading an agent's entry makes it.
fn is_made(graph: &Graph, options: &Options, agent: &AgentSite) -> bool {
    let captured = engine::evaluate(&engine::Request {
        root: &graph.root,
        entry: &agent.entry,
        read: &|path| graph.text(path),
        environment: &options.environment,
        machine: &options.machine,
        limits: options.limits,
    });
    captured.is_ok_and(|captured| captured.agents.iter().any(|made| !made.is_called_for && is_at(graph, agent, made)))
}

/// Returns true if a captured agent was constructed where one is written.
fn is_at(graph: &Graph, agent: &AgentSite, captured: &CapturedAgent) -> bool {
    let line = |offset| graph.location(&agent.module.file, offset).line;
    let lines = line(agent.extent.start)..=line(agent.extent.end);
    captured.position.as_ref().is_some_and(|at| at.file == agent.module.file.path && lines.contains(&at.line))
}

/// What a property statically is.
enum Static {
    Absent,
    Value(Json),
    Function,
}

/// Why the code could not be run, and what to do about it.
struct Failed {
    message: String,
    help: Option<String>,
}

impl From<engine::Failure> for Failed {
    fn from(failure: engine::Failure) -> Self {
        let name = failure.message.split('`').nth(1).and_then(|name| name.strip_prefix("process.env."));
        let help = name
            .filter(|_| failure.kind == FailureKind::Environment)
            .map(|name| format!("set {name} in the project's .env, or allow it in keepstep.toml: [evaluate] env = [\"{name}\"]"));
        Self { message: failure.message, help }
    }
}

struct Reader<'a> {
    graph: &'a Graph,
    options: &'a Options,
    agent: &'a AgentSite,
    config: &'a Object,
    foreign_use: &'a ForeignUse,
    /// What running the code gave; it is run at most once, and only when something is not static.
    run: OnceCell<Result<CapturedAgent, Failed>>,
    /// What is to be said about values, by their keys.
    notes: RefCell<BTreeMap<String, Vec<Problem>>>,
    read_by_running: &'a RefCell<BTreeSet<PathBuf>>,
}

impl Reader<'_> {
    fn field(&self, field: Field) -> Property {
        if field.is_linked() {
            return self.linked(field);
        }
        let property = self.property(field.key(), true);
        let expected = || match field.kind() {
            Kind::Choice => format!("must be {} or a function", field.form()),
            _ => format!("must be {}", field.form()),
        };
        match &property {
            Property::Known { value, location, .. } if !field.accepts(value) => {
                let message = format!("the {field} {}", expected());
                Property::Unreadable(self.at(field.key(), location.clone(), message, field.example()))
            }
            Property::Function { location } if field.kind() != Kind::Choice => {
                let message = format!("the {field} {} a function, and it {}", field.verb("is", "are"), expected());
                Property::Unreadable(self.at(field.key(), location.clone(), message, field.example()))
            }
            _ => property,
        }
    }

    /// Returns a field that lists what the code makes. Where the list stands in the code, its items are found once the agent is read.
    fn linked(&self, field: Field) -> Property {
        if self.config.slots.contains_key(field.key()) {
            return Property::Absent;
        }
        match self.property(field.key(), true) {
            Property::Known { location, .. } | Property::Function { location } => {
                let message = format!("the {field} {} only known when the code runs", field.verb("is", "are"));
                Property::Unreadable(self.at(field.key(), location, message, field.example()))
            }
            property => property,
        }
    }

    fn property(&self, key: &str, may_run: bool) -> Property {
        // The file of the agent is what can be run, and that gives the value before this change.
        if let Some(change) = self.foreign_use.change_of(&self.agent.module, self.agent.span, key) {
            let message = format!("the {key} of the agent is changed here, in another file than the one that creates it");
            return self
                .unreadable(Obstacle::at(change.clone(), message).help("write the final value where the agent is created"));
        }
        let evaluator = Evaluator::new(self.graph, self.foreign_use);
        let found = self.statically(&evaluator, key);
        let doubts = evaluator.take_doubts();
        let location = self.location(&evaluator, key);
        let found = match found {
            Ok(found) => found,
            Err(obstacle) if obstacle.is_final || !may_run => return self.unreadable(obstacle),
            Err(obstacle) => {
                return match self.run() {
                    Ok(agent) => self.captured(agent, key, location, obstacle),
                    Err(failed) => self.failed(obstacle, failed),
                };
            }
        };
        let property = match found {
            Static::Absent => Property::Absent,
            Static::Function => Property::Function { location: location.clone() },
            Static::Value(value) => Property::Known { value, computed: false, location: location.clone() },
        };
        match doubts.into_iter().max_by_key(|doubt| doubt.kind) {
            Some(doubt) if may_run => self.confirmed(property, key, location, doubt),
            _ => property,
        }
    }

    fn statically(&self, evaluator: &Evaluator<'_>, key: &str) -> Evaluated<Static> {
        evaluator.doubt(self.config.doubt.as_ref());
        let Some(slot) = self.config.slots.get(key) else {
            return self.config.unknown.clone().map_or(Ok(Static::Absent), Err);
        };
        let site = slot.site().unwrap_or_else(|| Site::new(&self.agent.module, self.agent.span));
        Ok(match evaluator.slot(slot)? {
            Value::Function => Static::Function,
            Value::Null => Static::Absent,
            value => evaluator.json(&value, &site)?.map_or(Static::Absent, Static::Value),
        })
    }

    /// Returns where a property is defined, or else where the agent is.
    fn location(&self, evaluator: &Evaluator<'_>, key: &str) -> Location {
        let slot = self.config.slots.get(key);
        let site = slot.and_then(|slot| match &slot.content {
            Content::Expression(module, id) => {
                let (module, id) = evaluator.definition(module, *id);
                Some(Site::new(&module, module.expression(id).span))
            }
            _ => slot.site(),
        });
        let site = site.unwrap_or_else(|| Site::new(&self.agent.module, self.agent.span));
        self.graph.location(&site.file, site.span.start)
    }

    /// Returns a static value that running the code confirms, or what running gives instead.
    fn confirmed(&self, property: Property, key: &str, location: Location, doubt: Doubt) -> Property {
        let obstacle = match doubt.kind {
            DoubtKind::Missing => Obstacle::at(doubt.site, "this is not known until the code runs"),
            _ => Obstacle::at(doubt.site, format!("the object with the {key} is changed here after it is created"))
                .help("write the final value where the object is created"),
        };
        match self.run() {
            Ok(agent) => {
                let computed = self.captured(agent, key, location, obstacle);
                match (&property, &computed) {
                    (Property::Known { value: ours, .. }, Property::Known { value: theirs, .. }) if ours == theirs => property,
                    (Property::Absent, Property::Absent) | (Property::Function { .. }, Property::Function { .. }) => property,
                    _ => computed,
                }
            }
            Err(failed) if doubt.kind > DoubtKind::HandedOn => self.failed(obstacle, failed),
            // It was only handed to a function, and that can rarely be run.
            Err(_) => property,
        }
    }

    fn captured(&self, agent: &CapturedAgent, key: &str, location: Location, mut obstacle: Obstacle) -> Property {
        match agent.values.get(key) {
            None | Some(CapturedValue::Json(Json::Null)) => Property::Absent,
            Some(CapturedValue::Json(value)) => {
                self.note(key, agent);
                Property::Known { value: value.clone(), computed: true, location }
            }
            Some(CapturedValue::Function) => Property::Function { location },
            Some(CapturedValue::Unreadable(why)) => {
                let reliances = agent.reliances.get(key).map_or(&[][..], Vec::as_slice);
                if let Some(reliance) = reliances.iter().find(|reliance| reliance.describe("it") == *why) {
                    return Property::Unreadable(self.problem_of(reliance, key));
                }
                obstacle.message = format!("{}; running it returned no value: {why}", obstacle.message);
                self.unreadable(obstacle)
            }
        }
    }

    fn failed(&self, mut obstacle: Obstacle, failed: &Failed) -> Property {
        obstacle.message = format!("{}; running it failed: {}", obstacle.message, failed.message);
        if let Some(help) = &failed.help {
            obstacle.help.clone_from(help);
        }
        self.unreadable(obstacle)
    }

    /// Notes what a value depends on besides the code.
    fn note(&self, key: &str, agent: &CapturedAgent) {
        let problems = agent.reliances.get(key).into_iter().flatten().map(|reliance| self.problem_of(reliance, key));
        let problems: Vec<Problem> = problems.collect();
        if !problems.is_empty() {
            self.notes.borrow_mut().insert(key.to_owned(), problems);
        }
    }

    /// Notes which values hold the path of the project: nobody else has it at the same place.
    fn note_paths(&self, properties: &BTreeMap<Field, Property>) {
        let root = self.graph.root.to_string_lossy();
        if self.graph.root.parent().is_none() {
            return;
        }
        for (field, property) in properties {
            let Property::Known { value, location, .. } = property else { continue };
            if holds(value, &root) {
                let (depends, holds) = (field.verb("depends", "depend"), field.verb("it holds", "they hold"));
                let message = format!("the {field} {depends} on this machine: {holds} the path of the project");
                let problem = self.at(field.key(), location.clone(), message, "write the path relative to the project");
                self.notes.borrow_mut().entry(field.key().to_owned()).or_default().push(problem);
            }
        }
    }

    /// Says what a value depends on, at the place where the code asks for it.
    fn problem_of(&self, reliance: &Reliance, key: &str) -> Problem {
        let message = reliance.describe(&format!("the {key}"));
        let site = reliance.position.as_ref().and_then(|position| {
            let file = self.graph.file(&position.file).ok()?;
            let offset = u32::try_from(frame::offset_of(&file.text, position.line, position.column)).ok()?;
            Some(Site { file, span: Span { start: offset, end: offset } })
        });
        let site = site.unwrap_or_else(|| Site::new(&self.agent.module, self.agent.span));
        problem(self.graph, self.agent, Obstacle::at(site, message).help(reliance.help()))
    }

    fn run(&self) -> Result<&CapturedAgent, &Failed> {
        let run = self.run.get_or_init(|| {
            let own = &self.agent.module.file.path;
            match self.run_entry(&self.agent.entry) {
                // What else the entry does may fail; what the agent's own file makes is the same then.
                Err(failure) if self.agent.entry != *own => self.run_entry(own).map_err(|_| failure),
                result => result,
            }
        });
        run.as_ref()
    }

    fn run_entry(&self, entry: &Path) -> Result<CapturedAgent, Failed> {
        let captured = engine::evaluate(&engine::Request {
            root: &self.graph.root,
            entry,
            read: &|path| {
                self.read_by_running.borrow_mut().insert(path.to_owned());
                self.graph.text(path)
            },
            environment: &self.options.environment,
            machine: &self.options.machine,
            limits: self.options.limits,
        })
        .map_err(Failed::from)?;
        self.choose(captured.agents).map_err(|message| Failed { message, help: None })
    }

    /// Returns the captured agent that is ours: the one at our place, of several of these the one that is exported, or the
    /// only one.
    fn choose(&self, mut agents: Vec<CapturedAgent>) -> Result<CapturedAgent, String> {
        let file = &self.agent.module.file.path;
        let is_here = |agent: &CapturedAgent| agent.position.as_ref().is_some_and(|position| position.file == *file);
        if agents.iter().any(is_here) {
            agents.retain(is_here);
        }
        if agents.len() > 1 {
            agents.retain(|agent| is_at(self.graph, self.agent, agent));
        }
        if agents.len() > 1 && agents.iter().any(|agent| agent.is_exported) {
            agents.retain(|agent| agent.is_exported);
        }
        match agents.len() {
            1 => Ok(agents.remove(0)),
            0 => Err("no agent is constructed when the file is loaded".to_owned()),
            count => Err(format!("{count} agents are constructed here")),
        }
    }

    fn unreadable(&self, mut obstacle: Obstacle) -> Property {
        if obstacle.help.is_empty() {
            obstacle.help = "write the text itself, or keep it in a file of the project and read it with readFileSync".to_owned();
        }
        Property::Unreadable(problem(self.graph, self.agent, obstacle))
    }

    fn at(&self, key: &str, location: Location, message: String, help: &str) -> Problem {
        let site = self.config.slots.get(key).and_then(crate::value::Slot::site);
        let site = site.unwrap_or_else(|| Site::new(&self.agent.module, self.agent.span));
        let frame = frame::frame(&site.file.text, site.span);
        Problem { message, location, frame, help: help.to_owned() }
    }
}

/// Returns whether a text inside of a value contains another one.
fn holds(value: &Json, part: &str) -> bool {
    match value {
        Json::String(text) => text.contains(part),
        Json::Array(items) => items.iter().any(|item| holds(item, part)),
        Json::Object(members) => members.values().any(|member| holds(member, part)),
        _ => false,
    }
}
