//! Finds the agent of a project.
//!
//! The entries are looked at in their order, and the first that constructs an agent wins; then the files that the entries
//! import; then all files of the project. Two agents at the same distance are an error, because either could be meant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keepstep_agent::Field;

use crate::evaluate::{Evaluator, ForeignUse};
use crate::modules::{CODE_EXTENSIONS, Graph};
use crate::syntax::{Binding, BindingKind, ClassId, Constructor, ExpressionId, Kind, Module};
use crate::value::{Doubt, DoubtKind, Object, Site, Value};
use keepstep_source::SourceError;
use keepstep_source::frame::Span;

/// Where an agent is looked for first, in this order.
const ENTRIES: [&str; 6] = ["index.ts", "src/index.ts", "agent.ts", "src/agent.ts", "main.ts", "src/main.ts"];
/// Folders that hold no source of the project.
const SKIPPED_FOLDERS: [&str; 6] = ["node_modules", "dist", "dist-v2", "coverage", "build", "__tests__"];
/// Parts of the names of files that are about the project and not of it.
const SKIPPED_NAMES: [&str; 2] = [".test.", ".spec."];
/// How many classes an agent's class inherits from.
const LONGEST_INHERITANCE: usize = 32;

/// Where the agent is constructed.
#[derive(Debug, Clone)]
pub(crate) struct AgentSite {
    pub(crate) module: Arc<Module>,
    pub(crate) span: Span,
    /// The file that is loaded when the agent is: its own, or an entry that imports it. A function of another file may make
    /// the agent only when the entry calls it.
    pub(crate) entry: PathBuf,
    /// Where the places are that the engine gives for it.
    pub(crate) extent: Span,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    /// `new LuaAgent(argument)`, or `new` of a class that extends it.
    New { argument: Option<ExpressionId>, class: Option<(Arc<Module>, ClassId)> },
    /// `class … extends LuaAgent`
    Class(ClassId),
}

impl AgentSite {
    /// Returns what the agent is constructed with.
    pub(crate) fn config(&self, evaluator: &Evaluator<'_>) -> Object {
        let mut config = self.constructed_with(evaluator);
        if let Some(doubt) = self.later_change() {
            config.doubt = Some(doubt);
        }
        config
    }

    /// Returns the place where the file changes the agent after it is made.
    fn later_change(&self) -> Option<Doubt> {
        let is_ours = |binding: &&Binding| match binding.kind {
            BindingKind::Value(id) => self.module.expression(id).span == self.span,
            _ => false,
        };
        let span = self.module.bindings.iter().filter(is_ours).find_map(|binding| binding.usage.changed)?;
        // Adding a skill cannot make a persona unreadable; assigning the persona itself can.
        let text = self.module.file.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let is_changed = Field::ALL.iter().any(|field| text.contains(field.key()));
        let kind = if is_changed { DoubtKind::Changed } else { DoubtKind::HandedOn };
        Some(Doubt { site: Site::new(&self.module, span), kind })
    }

    fn constructed_with(&self, evaluator: &Evaluator<'_>) -> Object {
        match &self.form {
            Form::New { argument, class } => {
                let config = argument.map_or_else(Object::default, |argument| evaluator.config(&self.module, argument));
                match class {
                    Some((module, class)) => evaluator.instance(module, *class, config),
                    None => config,
                }
            }
            Form::Class(class) => evaluator.instance(&self.module, *class, Object::default()),
        }
    }
}

/// Returns the agent of the project, and the files on the way from the entries to it, which may change it after it is made.
///
/// `is_made` tells of an agent whether loading its entry makes it. It is asked where several are written, of which most are
/// inside of functions that nobody calls.
pub(crate) fn discover(graph: &Graph, is_made: &dyn Fn(&AgentSite) -> bool) -> Result<(AgentSite, Vec<PathBuf>), SourceError> {
    let entries: Vec<PathBuf> =
        ENTRIES.iter().map(|entry| graph.root.join(entry)).filter_map(|path| path.canonicalize().ok()).collect();
    for (index, entry) in entries.iter().enumerate() {
        let module = graph.module(entry).map_err(|error| graph.error(entry, error))?;
        if let Some(agent) = only(graph, agents_in(graph, &module), is_made)? {
            return Ok((agent, graph.reach(&entries[..index])));
        }
    }
    let paths = graph.reach(&entries);
    let mut reached = Vec::new();
    for path in &paths {
        let module = graph.module(path).map_err(|error| graph.error(path, error))?;
        reached.extend(agents_in(graph, &module));
    }
    for agent in &mut reached {
        let path = &agent.module.file.path;
        if let Some(entry) = entries.iter().find(|entry| graph.reach(std::slice::from_ref(entry)).contains(path)) {
            agent.entry.clone_from(entry);
        }
    }
    if let Some(agent) = only(graph, reached, is_made)? {
        return Ok((agent, paths));
    }
    let mut found = Vec::new();
    let mut failure = None;
    let files = source_files(&graph.root);
    graph.load_all(&files);
    for path in files {
        match graph.module(&path) {
            Ok(module) => found.extend(agents_in(graph, &module)),
            Err(error) => failure = failure.or(Some((path, error))),
        }
    }
    match (only(graph, found, is_made)?, failure) {
        (Some(agent), _) => Ok((agent, Vec::new())),
        // The agent may be in the file that cannot be read.
        (None, Some((path, error))) => Err(graph.error(&path, error)),
        (None, None) => Err(SourceError::NoAgent { root: graph.root.clone() }),
    }
}

/// Returns the only agent, or none.
fn only(
    graph: &Graph,
    mut agents: Vec<AgentSite>,
    is_made: &dyn Fn(&AgentSite) -> bool,
) -> Result<Option<AgentSite>, SourceError> {
    if agents.len() > 1 {
        let locations = agents.iter().map(|agent| graph.location(&agent.module.file, agent.span.start)).collect();
        agents.retain(|agent| is_made(agent));
        if agents.len() != 1 {
            return Err(SourceError::SeveralAgents { locations });
        }
    }
    Ok(agents.pop())
}

/// Returns the agents that a file constructs, in the order of the text.
fn agents_in(graph: &Graph, module: &Arc<Module>) -> Vec<AgentSite> {
    let foreign_use = ForeignUse::default();
    let evaluator = Evaluator::new(graph, &foreign_use);
    let mut agents = Vec::new();
    let mut constructed = Vec::new();
    for construction in &module.constructions {
        let Some(callee) = agent_class(&evaluator, module, construction.callee) else { continue };
        let class = match callee {
            Callee::LuaAgent => None,
            Callee::Class(class_module, class) => {
                // With a constructor of its own the class says what the agent is; it is found as a class.
                let passes_on = passes_arguments_on(&evaluator, &class_module, class);
                if construction.argument.is_none() || !passes_on {
                    continue;
                }
                constructed.push((class_module.file.path.clone(), class));
                Some((class_module, class))
            }
        };
        let form = Form::New { argument: construction.argument, class };
        agents.push(AgentSite {
            module: Arc::clone(module),
            span: construction.span,
            entry: module.file.path.clone(),
            extent: construction.span,
            form,
        });
    }
    let extending: Vec<ClassId> = (0..module.classes.len())
        .filter(|class| {
            let parent = module.classes[*class].parent;
            parent.is_some_and(|parent| agent_class(&evaluator, module, parent).is_some())
        })
        .collect();
    for &class in &extending {
        let is_parent = extending.iter().any(|other| {
            let parent = module.classes[*other].parent.map(|parent| evaluator.expression(module, parent));
            matches!(parent, Some(Ok(Value::Class(parent_module, parent))) if parent == class && Arc::ptr_eq(&parent_module, module))
        });
        let is_constructed = constructed.contains(&(module.file.path.clone(), class));
        let says_nothing =
            module.classes[class].members.is_empty() && matches!(module.classes[class].constructor, Constructor::Implicit);
        if !is_parent && !is_constructed && !says_nothing && !module.classes[class].is_abstract {
            let entry = module.file.path.clone();
            let (span, extent) = (head(module, class), module.classes[class].span);
            agents.push(AgentSite { module: Arc::clone(module), span, entry, extent, form: Form::Class(class) });
        }
    }
    agents.sort_by_key(|agent| agent.span);
    agents
}

/// Returns the span of a class up to its body.
fn head(module: &Module, class: ClassId) -> Span {
    let class = &module.classes[class];
    Span { start: class.span.start, end: class.body.start.max(class.span.start) }
}

enum Callee {
    LuaAgent,
    Class(Arc<Module>, ClassId),
}

/// Returns what an expression names, if that is `LuaAgent` or a class that extends it.
fn agent_class(evaluator: &Evaluator<'_>, module: &Arc<Module>, callee: ExpressionId) -> Option<Callee> {
    let mut value = match module.expression(callee).kind {
        Kind::Name(_) | Kind::Access { .. } | Kind::Global(_) => evaluator.expression(module, callee).ok()?,
        _ => return None,
    };
    let mut first = None;
    for _ in 0..LONGEST_INHERITANCE {
        match value {
            Value::Host(package, path) => {
                let is_agent = path.last().is_some_and(|name| name == "LuaAgent")
                    && (package.is_empty() || &*package == "lua-cli" || package.starts_with("lua-cli/"));
                return is_agent.then(|| first.map_or(Callee::LuaAgent, |(module, class)| Callee::Class(module, class)));
            }
            Value::Class(class_module, class) => {
                let parent = class_module.classes[class].parent?;
                let next = evaluator.expression(&class_module, parent).ok()?;
                first.get_or_insert((class_module, class));
                value = next;
            }
            _ => return None,
        }
    }
    None
}

/// Returns true if the arguments of `new` arrive at `LuaAgent` as they are.
fn passes_arguments_on(evaluator: &Evaluator<'_>, module: &Arc<Module>, class: ClassId) -> bool {
    let mut at = (Arc::clone(module), class);
    for _ in 0..LONGEST_INHERITANCE {
        let class = &at.0.classes[at.1];
        if !matches!(class.constructor, Constructor::Implicit) {
            return false;
        }
        match class.parent.map(|parent| evaluator.expression(&at.0, parent)) {
            Some(Ok(Value::Class(module, class))) => at = (module, class),
            _ => return true,
        }
    }
    false
}

/// Returns the source files of a project in the order of their paths.
fn source_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() && !SKIPPED_FOLDERS.contains(&&*name) {
                folders.push(entry.path());
            } else if kind.is_file() && is_source(&name) {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}

fn is_source(name: &str) -> bool {
    let is_code = name.rsplit_once('.').is_some_and(|(_, extension)| CODE_EXTENSIONS.contains(&extension));
    let is_declaration = [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end));
    is_code && !is_declaration && !SKIPPED_NAMES.iter().any(|part| name.contains(part))
}
