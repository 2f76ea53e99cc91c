//! The value that JavaScript would give an expression, without running it.
//!
//! Evaluation is lazy: the members of an object are evaluated when they are asked for, so a definition with a function
//! in one member is readable in the others. What cannot be told comes back as an [`Obstacle`] with the place that it
//! is about. Objects that the code changes after it made them are evaluated all the same, and the [`Doubt`] is recorded;
//! the caller has such values confirmed by running the code.

mod calls;
mod files;
mod imports;
mod members;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::modules::Graph;
use crate::syntax::{Binary, BindingId, BindingKind, ExpressionId, Kind, Logical, Module, Quasi, Quote, Unary, Usage};
use crate::value::{
    Content, Doubt, DoubtKind, Obstacle, Operand, Part, Site, Slot, Style, Text, Value, WrittenAt, json_number, number_text,
};
use keepstep_source::frame::Span;

pub(crate) use imports::Target;

/// How deep an evaluation may nest. Definitions nest a few levels; only a cycle gets here.
const DEEPEST: usize = 100;
/// The longest text that is put together, in bytes.
const LONGEST_TEXT: usize = 64 << 20;
const TOO_LONG: &str = "the text is longer than 64 MiB";
/// How many bytes of text one evaluator copies: a text may be part of many others.
const MOST_BYTES: usize = 1 << 30;
/// The most expressions that one evaluator looks at.
const MOST_STEPS: usize = 1_000_000;

pub(crate) type Evaluated<T = Value> = Result<T, Obstacle>;

/// What other files do with the bindings of a file.
#[derive(Debug, Default)]
pub(crate) struct ForeignUse {
    pub(crate) by_binding: HashMap<(PathBuf, BindingId), (Usage, u32)>,
    /// What they do with exported expressions that have no name, such as the whole of a JSON file.
    pub(crate) by_expression: HashMap<(PathBuf, ExpressionId), Usage>,
    /// Where files on the way to the agent change an object, by the place where it is made.
    pub(crate) changes: HashMap<(PathBuf, Span), Vec<Site>>,
}

/// Evaluates expressions of the modules of a graph.
pub(crate) struct Evaluator<'g> {
    pub(crate) graph: &'g Graph,
    foreign_use: &'g ForeignUse,
    /// The bindings that are being evaluated, to notice those that depend on themselves.
    active: RefCell<Vec<(PathBuf, BindingId)>>,
    depth: Cell<usize>,
    steps: Cell<usize>,
    bytes: Cell<usize>,
    doubts: RefCell<Vec<Doubt>>,
}

impl<'g> Evaluator<'g> {
    pub(crate) fn new(graph: &'g Graph, foreign_use: &'g ForeignUse) -> Self {
        Self {
            graph,
            foreign_use,
            active: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            bytes: Cell::new(0),
            doubts: RefCell::default(),
        }
    }

    /// Returns the reasons to have what was evaluated since the last call confirmed by running the code.
    pub(crate) fn take_doubts(&self) -> Vec<Doubt> {
        self.doubts.take()
    }

    pub(super) fn doubt(&self, doubt: Option<&Doubt>) {
        self.doubts.borrow_mut().extend(doubt.cloned());
    }

    pub(super) fn obstacle(module: &Module, id: ExpressionId, message: impl Into<String>) -> Obstacle {
        Obstacle::at(Site::new(module, module.expression(id).span), message)
    }

    /// Evaluates an expression.
    pub(crate) fn expression(&self, module: &Arc<Module>, id: ExpressionId) -> Evaluated {
        self.steps.set(self.steps.get() + 1);
        if self.depth.get() >= DEEPEST || self.steps.get() >= MOST_STEPS {
            return Err(Self::obstacle(module, id, "the value depends on itself, or on too many others"));
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.evaluate(module, id);
        self.depth.set(self.depth.get() - 1);
        value
    }

    fn evaluate(&self, module: &Arc<Module>, id: ExpressionId) -> Evaluated {
        let expression = module.expression(id);
        let obstacle = |message: &str| Err(Self::obstacle(module, id, message));
        match &expression.kind {
            Kind::Text { value, quote } => {
                let span = expression.span;
                let inner = Span { start: span.start + 1, end: span.end.saturating_sub(1) };
                Ok(Value::Text(Text::literal(value.clone(), Site::new(module, inner), Style::Quoted(*quote))))
            }
            Kind::LoneSurrogate => Err(Self::obstacle(module, id, "the text contains half of a surrogate pair")
                .help("write the character itself, or both halves; half of a pair is not a character and cannot be stored")
                .last()),
            Kind::Number(number) => Ok(Value::Number(*number)),
            Kind::Boolean(boolean) => Ok(Value::Boolean(*boolean)),
            Kind::Null => Ok(Value::Null),
            Kind::Template { quasis, expressions } => self.template(module, id, quasis, expressions, false),
            Kind::TaggedTemplate { tag, quasis, expressions } => match self.expression(module, *tag)? {
                Value::Host(package, path) if package.is_empty() && path == ["String", "raw"] => {
                    self.template(module, id, quasis, expressions, true)
                }
                _ => obstacle("a tagged template is a function call, and what it returns is known only when the code runs"),
            },
            Kind::Name(binding) => self.binding(module, *binding, id),
            Kind::Global(name) => Ok(match name.as_str() {
                "undefined" => Value::Undefined,
                "NaN" => Value::Number(f64::NAN),
                "Infinity" => Value::Number(f64::INFINITY),
                "__dirname" => Value::Text(Text::fixed(module.directory().to_string_lossy())),
                "__filename" => Value::Text(Text::fixed(module.file.path.to_string_lossy())),
                _ => Value::Host("".into(), vec![name.clone()]),
            }),
            Kind::Object(members) => Ok(self.object(module, id, members)),
            Kind::Array(elements) => self.array(module, elements),
            Kind::Access { object, key, optional } => self.access_expression(module, id, *object, key, *optional),
            Kind::Chain(inner) => self.expression(module, *inner),
            Kind::Binary { operator: Binary::Add, .. } => self.sum(module, id),
            Kind::Binary { operator, left, right } => {
                let is_equal = match operator {
                    Binary::StrictEqual | Binary::StrictUnequal => {
                        strictly_equal(&self.expression(module, *left)?, &self.expression(module, *right)?)
                    }
                    _ => None,
                };
                match is_equal {
                    Some(is_equal) => Ok(Value::Boolean(is_equal == (*operator == Binary::StrictEqual))),
                    None => obstacle("the result of this operation is known only when the code runs"),
                }
            }
            Kind::Logical { operator, left, right } => {
                let value = self.expression(module, *left)?;
                let takes_right = match operator {
                    Logical::And => self.truth(module, *left, &value)?,
                    Logical::Or => !self.truth(module, *left, &value)?,
                    Logical::Coalesce => match value {
                        Value::Host(..) => return obstacle("whether this is set is known only when the code runs"),
                        _ => matches!(value, Value::Undefined | Value::Null),
                    },
                };
                if takes_right { self.expression(module, *right) } else { Ok(value) }
            }
            Kind::Unary { operator, operand } => {
                let value = self.expression(module, *operand)?;
                match (operator, value) {
                    (Unary::Not, value) => Ok(Value::Boolean(!self.truth(module, *operand, &value)?)),
                    (Unary::Minus, Value::Number(number)) => Ok(Value::Number(-number)),
                    (Unary::Plus, Value::Number(number)) => Ok(Value::Number(number)),
                    (Unary::Void, _) => Ok(Value::Undefined),
                    _ => obstacle("the result of this operation is known only when the code runs"),
                }
            }
            Kind::Conditional { test, consequent, alternate } => {
                let value = self.expression(module, *test)?;
                let chosen = if self.truth(module, *test, &value)? { *consequent } else { *alternate };
                self.expression(module, chosen)
            }
            Kind::Call { callee, arguments, spread } => self.call(module, id, *callee, arguments, *spread),
            Kind::New { callee, arguments } => self.construct(module, id, *callee, arguments),
            Kind::ImportMeta => obstacle("`import.meta` is known only when the code runs"),
            Kind::Function => Ok(Value::Function),
            Kind::Class(class) => Ok(Value::Class(Arc::clone(module), *class)),
            Kind::Dynamic(what) => obstacle(&format!("{what} is known only when the code runs")),
        }
    }

    /// Evaluates what is bound to a name.
    pub(crate) fn binding(&self, module: &Arc<Module>, binding: BindingId, at: ExpressionId) -> Evaluated {
        let bound = &module.bindings[binding];
        let site = || Site::new(module, module.expressions.get(at).map_or(bound.span, |at| at.span));
        let obstacle = |message: String| Obstacle::at(site(), message);
        if bound.reassigned {
            let message = format!("`{}` is assigned more than once, so its value depends on when it is read", bound.name);
            return Err(obstacle(message));
        }
        let key = (module.file.path.clone(), binding);
        if self.active.borrow().contains(&key) {
            return Err(obstacle(format!("`{}` depends on itself", bound.name)));
        }
        self.active.borrow_mut().push(key);
        let value = match &bound.kind {
            BindingKind::Value(expression) => self.expression(module, *expression),
            BindingKind::Taken { from, path } => {
                let whole = self.expression(module, *from);
                path.iter().fold(whole, |value, key| self.access(&value?, key, &site()))
            }
            BindingKind::Import { specifier, name, span } => {
                self.import(module, specifier, name, *span).and_then(|target| self.target(target))
            }
            BindingKind::Enum(members) => Ok(self.enumeration(module, members)),
            BindingKind::Class(class) => Ok(Value::Class(Arc::clone(module), *class)),
            BindingKind::Function => Ok(Value::Function),
            BindingKind::Uninitialized => Ok(Value::Undefined),
            BindingKind::Dynamic(what) => Err(obstacle(format!("`{}` is {what}", bound.name))),
        };
        self.active.borrow_mut().pop();
        Ok(self.with_doubt(module, binding, value?))
    }

    /// Marks an object that the code changes or hands on.
    fn with_doubt(&self, module: &Module, binding: BindingId, value: Value) -> Value {
        let own = module.bindings[binding].usage;
        let foreign = self.foreign_use.by_binding.get(&(module.file.path.clone(), binding)).map(|(usage, _)| *usage);
        doubted(module, value, own, foreign.unwrap_or_default(), module.bindings[binding].span)
    }

    /// Marks the object of an exported expression without a name that other files change or hand on.
    pub(crate) fn with_foreign_doubt(&self, module: &Module, id: ExpressionId, value: Value) -> Value {
        match self.foreign_use.by_expression.get(&(module.file.path.clone(), id)) {
            Some(foreign) => doubted(module, value, Usage::default(), *foreign, module.expression(id).span),
            None => value,
        }
    }

    /// Returns how many times a binding is read, in all loaded files.
    pub(crate) fn reads(&self, module: &Module, binding: BindingId) -> u32 {
        let foreign = self.foreign_use.by_binding.get(&(module.file.path.clone(), binding)).map_or(0, |(_, reads)| *reads);
        module.bindings[binding].reads.saturating_add(foreign)
    }

    fn template(
        &self,
        module: &Arc<Module>,
        id: ExpressionId,
        quasis: &[Quasi],
        expressions: &[ExpressionId],
        is_raw: bool,
    ) -> Evaluated {
        let mut text = Text::default();
        for (index, quasi) in quasis.iter().enumerate() {
            let site = Site::new(module, quasi.span);
            let value = if is_raw { Some(&quasi.raw) } else { quasi.cooked.as_ref() };
            let Some(value) = value else {
                return Err(Self::obstacle(module, id, "the text contains half of a surrogate pair")
                    .help("write the character itself, or both halves; half of a pair is not a character")
                    .last());
            };
            let is_alone = expressions.is_empty();
            let style = if is_raw { Style::RawTemplate } else { Style::Template { is_alone } };
            text.parts.extend(Text::literal(value.clone(), site, style).parts);
            if let Some(expression) = expressions.get(index) {
                let substituted = self.expression(module, *expression)?;
                let next = quasis.get(index + 1).map_or(quasi.span.end, |next| next.span.start);
                let span = Span { start: quasi.span.end, end: next };
                let substituted = self.operand(module, *expression, &substituted, Some(span))?;
                text.parts.extend(substituted.parts);
            }
        }
        self.bounded(module, id, text)
    }

    fn bounded(&self, module: &Module, id: ExpressionId, text: Text) -> Evaluated {
        if text.len() > LONGEST_TEXT {
            return Err(Self::obstacle(module, id, TOO_LONG).last());
        }
        Ok(Value::Text(text))
    }

    /// Adds up; a long sum leans to the left and is walked without recursion.
    fn sum(&self, module: &Arc<Module>, id: ExpressionId) -> Evaluated {
        let mut operands = Vec::new();
        let mut at = id;
        while let Kind::Binary { operator: Binary::Add, left, right } = &module.expression(at).kind {
            operands.push((*right, at));
            at = *left;
        }
        let first = self.expression(module, at)?;
        let mut operands = operands.into_iter().rev();
        // As long as numbers are added, the sum is one; from the first text on it grows, in place.
        let mut number = match first {
            Value::Number(number) => Some(number),
            _ => None,
        };
        let mut text: Option<Text> = match &first {
            Value::Text(_) | Value::Buffer(_) => Some(self.operand(module, at, &first, None)?),
            _ => None,
        };
        let mut length = text.as_ref().map_or(0, Text::len);
        let mut total_id = at;
        for (right_id, sum_id) in operands.by_ref() {
            let right = self.expression(module, right_id)?;
            match (&mut text, number, &right) {
                (Some(_), ..) => {}
                (None, Some(left), Value::Number(right)) => {
                    number = Some(left + right);
                    total_id = sum_id;
                    continue;
                }
                (None, _, Value::Text(_) | Value::Buffer(_)) => {
                    let left = number.map_or_else(|| first.clone(), Value::Number);
                    // A sum of numbers has no place of its own.
                    let left =
                        if total_id == at { self.operand(module, at, &left, None)? } else { self.text(module, total_id, &left)? };
                    length = left.len();
                    text = Some(left);
                }
                _ => return Err(Self::obstacle(module, sum_id, "the result of this sum is known only when the code runs")),
            }
            let Some(text) = &mut text else { continue };
            let right = self.operand(module, right_id, &right, None)?;
            length += right.len();
            if length > LONGEST_TEXT {
                return Err(Self::obstacle(module, sum_id, TOO_LONG).last());
            }
            text.parts.extend(right.parts);
        }
        Ok(text.map_or_else(|| number.map_or(first, Value::Number), Value::Text))
    }

    /// Converts a value to a string and notes which expression gave its parts: a substitution, with its braces, or an operand.
    pub(super) fn operand(
        &self,
        module: &Arc<Module>,
        id: ExpressionId,
        value: &Value,
        substitution: Option<Span>,
    ) -> Evaluated<Text> {
        let mut text = self.text(module, id, value)?;
        if matches!(module.expression(id).kind, Kind::Text { .. } | Kind::Template { .. }) && substitution.is_none() {
            return Ok(text);
        }
        let site = Site::new(module, substitution.unwrap_or(module.expression(id).span));
        let (root, member) = self.root(module, id);
        let operand = Operand { site, is_substitution: substitution.is_some(), root, member };
        for part in &mut text.parts {
            part.operands.push(operand.clone());
        }
        if text.parts.is_empty() {
            text.parts.push(Part { text: String::new(), origin: WrittenAt::Fixed, operands: vec![operand] });
        }
        Ok(text)
    }

    /// Returns the name that an expression begins with and the last member read of it.
    fn root(&self, module: &Arc<Module>, id: ExpressionId) -> (Option<(Arc<Module>, BindingId)>, Option<String>) {
        let mut at = id;
        let mut member = None;
        loop {
            match &module.expression(at).kind {
                Kind::Access { object, key: crate::syntax::Key::Static(key), .. } => {
                    member.get_or_insert_with(|| key.clone());
                    at = *object;
                }
                Kind::Chain(inner) => at = *inner,
                Kind::Name(binding) => {
                    let root = match &module.bindings[*binding].kind {
                        BindingKind::Import { specifier, name, span } => match self.import(module, specifier, name, *span) {
                            Ok(Target::Binding(module, binding)) => Some((module, binding)),
                            _ => None,
                        },
                        _ => Some((Arc::clone(module), *binding)),
                    };
                    return (root, member);
                }
                _ => return (None, member),
            }
        }
    }

    /// Converts a value to a string as JavaScript does.
    pub(super) fn text(&self, module: &Module, id: ExpressionId, value: &Value) -> Evaluated<Text> {
        Ok(match value {
            Value::Text(text) | Value::Buffer(text) => {
                self.bytes.set(self.bytes.get() + text.len() + text.parts.len());
                if self.bytes.get() > MOST_BYTES {
                    return Err(Self::obstacle(module, id, "the joined texts are longer than 1 GiB").last());
                }
                text.clone()
            }
            Value::Number(number) => Text::fixed(number_text(*number)),
            Value::Boolean(boolean) => Text::fixed(boolean.to_string()),
            Value::Null => Text::fixed("null"),
            Value::Undefined => Text::fixed("undefined"),
            Value::Host(package, path) => return Err(Self::obstacle(module, id, host_message(package, path))),
            _ => return Err(Self::obstacle(module, id, "this is not a text")),
        })
    }

    fn truth(&self, module: &Module, id: ExpressionId, value: &Value) -> Evaluated<bool> {
        Ok(match value {
            Value::Undefined | Value::Null => false,
            Value::Boolean(boolean) => *boolean,
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Text(text) => !text.is_empty(),
            Value::Host(package, path) => return Err(Self::obstacle(module, id, host_message(package, path))),
            _ => true,
        })
    }

    /// Evaluates a member of an object.
    pub(crate) fn slot(&self, slot: &Slot) -> Evaluated {
        self.doubt(slot.doubt.as_ref());
        match &slot.content {
            Content::Expression(module, id) => self.expression(module, *id),
            Content::Function => Ok(Value::Function),
            Content::Unknown(obstacle) => Err(obstacle.clone()),
            Content::Value(value) => Ok(value.clone()),
        }
    }

    /// Returns a value as JSON, or `None` for `undefined`.
    pub(crate) fn json(&self, value: &Value, site: &Site) -> Evaluated<Option<Json>> {
        let obstacle = |message: String| Err(Obstacle::at(site.clone(), message));
        Ok(Some(match value {
            Value::Undefined => return Ok(None),
            Value::Null => Json::Null,
            Value::Boolean(boolean) => Json::Bool(*boolean),
            Value::Number(number) => match json_number(*number) {
                Some(number) => number,
                None => return obstacle(format!("{} is not a number that can be stored", number_text(*number))),
            },
            Value::Text(text) => Json::String(text.joined()),
            Value::Object(object) => {
                self.doubt(object.doubt.as_ref());
                if let Some(unknown) = &object.unknown {
                    return Err(unknown.clone());
                }
                let mut members = Map::new();
                for (key, slot) in &object.slots {
                    let site = slot.site().unwrap_or_else(|| site.clone());
                    if let Some(member) = self.nested(slot, &site)? {
                        members.insert(key.clone(), member);
                    }
                }
                Json::Object(members)
            }
            Value::Array(array) => {
                self.doubt(array.doubt.as_ref());
                let mut items = Vec::new();
                for slot in &array.items {
                    let site = slot.site().unwrap_or_else(|| site.clone());
                    items.push(self.nested(slot, &site)?.unwrap_or(Json::Null));
                }
                Json::Array(items)
            }
            Value::Host(package, path) => return obstacle(host_message(package, path)),
            Value::Function => return obstacle("a function cannot be stored".to_owned()),
            Value::Buffer(_) => {
                return Err(Obstacle::at(site.clone(), "the file is read without an encoding, so this is not a text")
                    .help("pass 'utf8' as the second argument of readFileSync"));
            }
            Value::FileUrl(_) | Value::Namespace(_) | Value::Class(..) => {
                return obstacle("this is not a text or plain data".to_owned());
            }
        }))
    }

    fn nested(&self, slot: &Slot, site: &Site) -> Evaluated<Option<Json>> {
        if self.depth.get() >= DEEPEST {
            return Err(Obstacle::at(site.clone(), "the value nests too deeply"));
        }
        self.depth.set(self.depth.get() + 1);
        let json = self.slot(slot).and_then(|value| self.json(&value, site));
        self.depth.set(self.depth.get() - 1);
        json
    }

    /// Returns the expression that makes a value, behind the names and members that only refer to it.
    pub(crate) fn definition(&self, module: &Arc<Module>, id: ExpressionId) -> (Arc<Module>, ExpressionId) {
        let mut at = (Arc::clone(module), id);
        for _ in 0..DEEPEST {
            let Some(next) = self.behind(&at.0, at.1) else { break };
            at = next;
        }
        at
    }

    fn behind(&self, module: &Arc<Module>, id: ExpressionId) -> Option<(Arc<Module>, ExpressionId)> {
        let here = |id: ExpressionId| Some((Arc::clone(module), id));
        match &module.expression(id).kind {
            Kind::Name(binding) => self.initializer(module, *binding),
            Kind::Chain(inner) => here(*inner),
            Kind::Access { object, key, .. } => {
                let key = self.key(module, key).ok()?;
                match self.expression(module, *object).ok()? {
                    Value::Object(object) => slot_expression(object.slots.get(&key)?),
                    Value::Array(array) => slot_expression(array.items.get(key.parse::<usize>().ok()?)?),
                    Value::Namespace(target) => match self.export(&target, &key).ok()? {
                        Target::Binding(module, binding) => self.initializer(&module, binding),
                        Target::Expression(module, id) => Some((module, id)),
                        _ => None,
                    },
                    _ => None,
                }
            }
            Kind::Conditional { test, consequent, alternate } => {
                let value = self.expression(module, *test).ok()?;
                here(if self.truth(module, *test, &value).ok()? { *consequent } else { *alternate })
            }
            Kind::Logical { operator, left, right } => {
                let value = self.expression(module, *left).ok()?;
                let takes_right = match operator {
                    Logical::And => self.truth(module, *left, &value).ok()?,
                    Logical::Or => !self.truth(module, *left, &value).ok()?,
                    Logical::Coalesce => matches!(value, Value::Undefined | Value::Null),
                };
                here(if takes_right { *right } else { *left })
            }
            Kind::Call { callee, arguments, spread: false } => match self.expression(module, *callee).ok()? {
                Value::Host(package, path) if calls::is_identity(&package, &path) => here(*arguments.first()?),
                _ => None,
            },
            _ => None,
        }
    }

    fn initializer(&self, module: &Arc<Module>, binding: BindingId) -> Option<(Arc<Module>, ExpressionId)> {
        match &module.bindings[binding].kind {
            BindingKind::Value(id) => Some((Arc::clone(module), *id)),
            BindingKind::Taken { from, path } => {
                let (key, parents) = path.split_last()?;
                let site = Site::new(module, module.expression(*from).span);
                let whole = self.expression(module, *from);
                match parents.iter().fold(whole, |value, key| self.access(&value?, key, &site)).ok()? {
                    Value::Object(object) => slot_expression(object.slots.get(key)?),
                    Value::Array(array) => slot_expression(array.items.get(key.parse::<usize>().ok()?)?),
                    _ => None,
                }
            }
            BindingKind::Import { specifier, name, span } => match self.import(module, specifier, name, *span).ok()? {
                Target::Binding(module, binding) => self.initializer(&module, binding),
                Target::Expression(module, id) => Some((module, id)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Marks an object that is changed or handed on. A change in another file is shown at the declaration, which is `home`: its
/// span belongs to that file.
fn doubted(module: &Module, value: Value, own: Usage, foreign: Usage, home: Span) -> Value {
    let (span, kind) = match (own.changed, foreign.changed, own.escaped, foreign.escaped) {
        (Some(span), ..) => (span, DoubtKind::Changed),
        (None, Some(_), ..) => (home, DoubtKind::Changed),
        (None, None, Some(span), _) => (span, DoubtKind::HandedOn),
        (None, None, None, Some(_)) => (home, DoubtKind::HandedOn),
        (None, None, None, None) => return value,
    };
    let doubt = Doubt { site: Site::new(module, span), kind };
    match value {
        Value::Object(object) => {
            let mut object = Arc::unwrap_or_clone(object);
            object.doubt = Some(doubt);
            Value::Object(Arc::new(object))
        }
        Value::Array(array) => {
            let mut array = Arc::unwrap_or_clone(array);
            array.doubt = Some(doubt);
            Value::Array(Arc::new(array))
        }
        other => other,
    }
}

fn slot_expression(slot: &Slot) -> Option<(Arc<Module>, ExpressionId)> {
    match &slot.content {
        Content::Expression(module, id) => Some((Arc::clone(module), *id)),
        _ => None,
    }
}

impl Slot {
    /// Returns where the value is written.
    pub(crate) fn site(&self) -> Option<Site> {
        match &self.content {
            Content::Expression(module, id) => Some(Site::new(module, module.expression(*id).span)),
            _ => self.member.clone(),
        }
    }
}

/// Returns a sentence about something that the project's files do not tell.
pub(crate) fn host_message(package: &str, path: &[String]) -> String {
    let name = path.join(".");
    match package {
        "" if name.starts_with("process.env") => format!("`{name}` is known only when the code runs"),
        "" => format!("`{name}` is not defined in the project"),
        _ if name.is_empty() => format!("it comes from the package `{package}`, which is not read"),
        _ => format!("`{name}` comes from the package `{package}`, which is not read"),
    }
}

fn strictly_equal(left: &Value, right: &Value) -> Option<bool> {
    Some(match (left, right) {
        (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => true,
        (Value::Boolean(left), Value::Boolean(right)) => left == right,
        #[expect(clippy::float_cmp, reason = "this is the equality of JavaScript")]
        (Value::Number(left), Value::Number(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => left.joined() == right.joined(),
        (
            Value::Undefined | Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_),
            Value::Undefined | Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_),
        ) => false,
        _ => return None,
    })
}

impl Quote {
    /// Returns the character around the text.
    pub(crate) fn character(self) -> char {
        match self {
            Self::Single => '\'',
            Self::Double | Self::Json => '"',
        }
    }
}
