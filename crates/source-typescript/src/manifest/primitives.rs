//! The primitives that an agent has besides itself: skills, tools, jobs and the like.
//!
//! They are found where the agent names them, in its lists. What a list or a name only gets when the code runs is not
//! in the manifest; a list that cannot be read is replaced by what its files construct.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::artifact::artifact_path;
use super::measure::Digests;
use crate::TypeScriptAgent;
use crate::evaluate::{Evaluated, Evaluator};
use crate::syntax::{ClassId, ExpressionId, Key, Kind as Syntax, Member, Module};
use crate::value::{Content, Object, Obstacle, Site, Slot, Value};

/// A kind of primitive.
struct Kind {
    /// As the manifest calls it.
    name: &'static str,
    /// The list of the agent that it is in.
    list: &'static str,
    /// What `lua-cli` exports to make one.
    makers: &'static [&'static str],
}

/// The kinds in the order in which they are listed.
const KINDS: [Kind; 11] = [
    Kind { name: "skill", list: "skills", makers: &["LuaSkill", "defineSkill"] },
    Kind { name: "webhook", list: "webhooks", makers: &["LuaWebhook", "defineWebhook"] },
    Kind { name: "trigger", list: "triggers", makers: &["LuaTrigger", "defineTrigger"] },
    Kind { name: "job", list: "jobs", makers: &["LuaJob", "defineJob"] },
    Kind { name: "preprocessor", list: "preProcessors", makers: &["PreProcessor", "definePreProcessor"] },
    Kind { name: "postprocessor", list: "postProcessors", makers: &["PostProcessor", "definePostProcessor"] },
    Kind { name: "mcp-server", list: "mcpServers", makers: &["LuaMCPServer", "defineMCPServer"] },
    Kind { name: "device", list: "devices", makers: &["LuaDevice", "defineDevice"] },
    Kind { name: "device-trigger", list: "deviceTriggers", makers: &["LuaDeviceTrigger", "defineDeviceTrigger"] },
    Kind { name: "voice", list: "voices", makers: &["LuaVoice", "defineVoice"] },
    Kind { name: "workflow", list: "workflows", makers: &["defineWorkflow", "createWorkflow", "LuaWorkflow"] },
];

/// How many calls a chain such as `createWorkflow({…}).then(…).commit()` may have.
const LONGEST_CHAIN: usize = 1_000;

/// Returns the entries of the manifest for everything but the agent.
pub(super) fn list(source: &TypeScriptAgent, digests: &Digests<'_>) -> Vec<Json> {
    let finder = Finder::new(source);
    let found = finder.all();
    found.iter().map(|found| finder.entry(found.kind, &found.name, &found.primitive, found.tools.as_deref(), digests)).collect()
}

/// Returns the kinds and names of the same.
pub(super) fn names(source: &TypeScriptAgent) -> Vec<(&'static str, String)> {
    Finder::new(source).all().into_iter().map(|found| (found.kind, found.name)).collect()
}

/// Returns the names of the agent's voices.
pub(super) fn voices(source: &TypeScriptAgent) -> Vec<String> {
    let finder = Finder::new(source);
    let voices = KINDS.iter().filter(|kind| kind.name == "voice").flat_map(|kind| finder.of_kind(kind));
    voices.filter_map(|voice| finder.name(&voice)).collect()
}

/// Returns the names of what a list of the agent holds; `None` for an item without a name that can be read, and for no list.
pub(crate) fn names_in(source: &TypeScriptAgent, list: &str) -> Evaluated<Option<Vec<Option<String>>>> {
    let finder = Finder::new(source);
    let Some(slot) = source.config.slots.get(list) else { return Ok(None) };
    match finder.evaluator.slot(slot)? {
        Value::Array(array) => {
            let name = |item: &Slot| finder.made(item).and_then(|made| finder.name(&made));
            Ok(Some(array.items.iter().map(name).collect()))
        }
        Value::Null => Ok(None),
        _ => Err(Obstacle::at(
            slot.site().unwrap_or_else(|| Site::new(&source.agent.module, source.agent.span)),
            format!("the {list} must be an array"),
        )),
    }
}

/// Something that was made, and where.
struct Primitive {
    module: PathBuf,
    config: Object,
}

/// A primitive that has a name.
struct Found {
    kind: &'static str,
    name: String,
    primitive: Primitive,
    /// The names of a skill's tools; `None` for a tool itself.
    tools: Option<Vec<String>>,
}

struct Finder<'a> {
    source: &'a TypeScriptAgent,
    evaluator: Evaluator<'a>,
}

impl<'a> Finder<'a> {
    fn new(source: &'a TypeScriptAgent) -> Self {
        Self { source, evaluator: Evaluator::new(&source.graph, &source.foreign_use) }
    }

    /// Returns everything that has a name, each once.
    fn all(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut add = |kind: &'static str, primitive: Primitive, tools: Option<Vec<String>>| {
            if let Some(name) = self.name(&primitive)
                && seen.insert((kind, name.clone()))
            {
                found.push(Found { kind, name, primitive, tools });
            }
        };
        for kind in &KINDS {
            for primitive in self.of_kind(kind) {
                let tools = if kind.name == "skill" { self.tools(&primitive) } else { Vec::new() };
                let names: Vec<String> = tools.iter().filter_map(|tool| self.name(tool)).collect();
                add(kind.name, primitive, Some(names));
                tools.into_iter().for_each(|tool| add("tool", tool, None));
            }
        }
        found
    }

    fn of_kind(&self, kind: &Kind) -> Vec<Primitive> {
        let Some(slot) = self.source.config.slots.get(kind.list) else { return Vec::new() };
        match self.evaluator.slot(slot) {
            Ok(Value::Array(array)) => array.items.iter().filter_map(|item| self.made(item)).collect(),
            Ok(_) => Vec::new(),
            Err(_) => self.anywhere(kind),
        }
    }

    /// Returns everything of a kind that the agent's files construct.
    fn anywhere(&self, kind: &Kind) -> Vec<Primitive> {
        let modules = self.source.modules().filter_map(|module| self.source.graph.module(module.path).ok());
        let mut found = Vec::new();
        for module in modules {
            for expression in &module.expressions {
                let (Syntax::New { callee, arguments, .. } | Syntax::Call { callee, arguments, .. }) = &expression.kind else {
                    continue;
                };
                let maker = self.host_name(&module, *callee);
                if maker.is_some_and(|maker| kind.makers.contains(&&*maker)) {
                    found.push(self.with_config(&module, arguments.first().copied()));
                }
            }
        }
        found
    }

    fn tools(&self, skill: &Primitive) -> Vec<Primitive> {
        match skill.config.slots.get("tools").map(|slot| self.evaluator.slot(slot)) {
            Some(Ok(Value::Array(array))) => array.items.iter().filter_map(|item| self.made(item)).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns what an item of a list is made of.
    fn made(&self, item: &Slot) -> Option<Primitive> {
        let Content::Expression(module, id) = &item.content else { return None };
        let (module, mut id) = self.evaluator.definition(module, *id);
        for _ in 0..LONGEST_CHAIN {
            match &module.expression(id).kind {
                Syntax::New { callee, arguments, .. } => {
                    let argument = arguments.first().copied();
                    return match self.evaluator.expression(&module, *callee) {
                        Ok(Value::Class(class_module, class)) => {
                            let given = self.with_config(&module, argument).config;
                            Some(self.instance(&class_module, class, given))
                        }
                        _ => Some(self.with_config(&module, argument)),
                    };
                }
                Syntax::Call { callee, arguments, .. } => match &module.expression(*callee).kind {
                    // A chain: what it is made of stands at its beginning.
                    Syntax::Access { object, key: Key::Static(_), .. } if self.host_name(&module, *callee).is_none() => {
                        id = *object;
                    }
                    _ => return Some(self.with_config(&module, arguments.first().copied())),
                },
                Syntax::Chain(inner) => id = *inner,
                Syntax::Object(_) => return Some(self.with_config(&module, Some(id))),
                _ => return None,
            }
        }
        None
    }

    fn instance(&self, module: &Arc<Module>, class: ClassId, given: Object) -> Primitive {
        let with = |config| Primitive { module: module.file.path.clone(), config };
        let instance = with(self.evaluator.instance(module, class, given));
        if self.name(&instance).is_some() {
            return instance;
        }
        // A constructor that only running tells about could set every field, and rarely sets the name.
        let fields = module.classes[class].members.iter().filter_map(|member| match member {
            Member::Property { key: Key::Static(key), value, form, .. } => {
                let content = Content::Expression(Arc::clone(module), *value);
                Some((key.clone(), Slot { content, member: None, form: *form, owner: None, doubt: None }))
            }
            _ => None,
        });
        with(Object { slots: fields.collect(), ..Object::default() })
    }

    /// Returns the name of what `lua-cli` exports, if an expression is that.
    fn host_name(&self, module: &Arc<Module>, callee: ExpressionId) -> Option<String> {
        match self.evaluator.expression(module, callee).ok()? {
            Value::Host(package, mut path) if package.starts_with("lua-cli") => path.pop(),
            _ => None,
        }
    }

    fn with_config(&self, module: &Arc<Module>, argument: Option<ExpressionId>) -> Primitive {
        let config = argument.map_or_else(Object::default, |argument| self.evaluator.config(module, argument));
        Primitive { module: module.file.path.clone(), config }
    }

    fn json(&self, primitive: &Primitive, key: &str) -> Option<Json> {
        let slot = primitive.config.slots.get(key)?;
        let value = self.evaluator.slot(slot).ok()?;
        let site: Site = slot.site()?;
        self.evaluator.json(&value, &site).ok().flatten()
    }

    fn text(&self, primitive: &Primitive, key: &str) -> Option<String> {
        match self.json(primitive, key)? {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    fn name(&self, primitive: &Primitive) -> Option<String> {
        let name = self.text(primitive, "name").or_else(|| self.text(primitive, "id"));
        name.filter(|name| !name.is_empty())
    }

    fn entry(&self, kind: &str, name: &str, primitive: &Primitive, tools: Option<&[String]>, digests: &Digests<'_>) -> Json {
        let modules = self.source.graph.reach(std::slice::from_ref(&primitive.module));
        let mut entry = Map::new();
        let mut add = |key: &str, value: Json| {
            entry.insert(key.to_owned(), value);
        };
        add("kind", json!(kind));
        add("name", json!(name));
        add("description", json!(self.text(primitive, "description").unwrap_or_default()));
        add("path", json!(artifact_path(kind, name)));
        add("sourcePath", json!(primitive.module.to_string_lossy()));
        add("hash", json!(digests.of_modules(modules.iter().map(PathBuf::as_path as fn(&PathBuf) -> &Path))));
        let has = |key: &str| json!(primitive.config.slots.contains_key(key));
        match kind {
            "skill" => {
                if let Some(context) = self.text(primitive, "context").filter(|context| !context.is_empty()) {
                    add("context", json!(context));
                }
                add("tools", json!(tools.unwrap_or_default()));
                add("hasCondition", has("condition"));
            }
            "tool" => add("hasCondition", has("condition")),
            "job" => {
                for key in ["schedule", "timeout", "retry"] {
                    if let Some(value) = self.json(primitive, key) {
                        add(key, value);
                    }
                }
            }
            "preprocessor" => {
                add("isAsync", json!(self.json(primitive, "async") == Some(Json::Bool(true))));
                if let Some(priority) = self.json(primitive, "priority").filter(Json::is_number) {
                    add("priority", priority);
                }
            }
            "mcp-server" => {
                // Headers may hold secrets, and a manifest is shown to others.
                let known = ["transport", "url"].into_iter().filter_map(|key| Some((key, self.text(primitive, key)?)));
                add("config", known.map(|(key, value)| (key.to_owned(), json!(value))).collect::<Map<_, _>>().into());
            }
            "device" => {
                if let Some(group) = self.text(primitive, "group") {
                    add("group", json!(group));
                }
            }
            "voice" => {
                for key in ["llm", "stt", "tts"] {
                    if let Some(model) = self.text(primitive, key) {
                        add(key, json!({ "kind": "inference", "model": model }));
                    }
                }
                for (key, member) in [
                    ("hasInterruption", "interruption"),
                    ("hasOnEnter", "onEnter"),
                    ("hasOnUserTurnCompleted", "onUserTurnCompleted"),
                    ("hasOnExit", "onExit"),
                    ("hasTools", "tools"),
                ] {
                    add(key, has(member));
                }
            }
            _ => {}
        }
        Json::Object(entry)
    }
}
