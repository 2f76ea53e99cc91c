//! Objects, arrays, enums and what is read of them.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{DEEPEST, Evaluated, Evaluator, host_message};
use crate::syntax::{ClassId, Constructor, Element, EnumMember, ExpressionId, Form, Key, Kind, Member, Module};
use crate::value::{Array, Content, Doubt, DoubtKind, Object, ObjectSite, Obstacle, Site, Slot, Text, Value, number_text};

/// The names that every object has without having them.
const INHERITED: [&str; 6] = ["constructor", "hasOwnProperty", "isPrototypeOf", "toString", "valueOf", "toLocaleString"];

impl Evaluator<'_> {
    /// Makes the object of a literal.
    pub(super) fn object(&self, module: &Arc<Module>, id: ExpressionId, members: &[Member]) -> Value {
        let site = Site::new(module, module.expression(id).span);
        let literal = ObjectSite { site, is_class: false, members: members.iter().map(Member::span).collect() };
        let mut object = Object { literal: Some(literal.clone()), ..Object::default() };
        self.add_members(&mut object, module, &literal, members);
        Value::Object(Arc::new(object))
    }

    fn add_members(&self, object: &mut Object, module: &Arc<Module>, owner: &ObjectSite, members: &[Member]) {
        for member in members {
            match member {
                // This is no member but the object that members are inherited from.
                Member::Property { key: Key::Static(key), value, form: Form::Plain, span }
                    if key == "__proto__" && !Site::new(module, *span).text().starts_with('[') =>
                {
                    object.forget(Self::obstacle(module, *value, "what is inherited from this is known only when the code runs"));
                }
                Member::Property { key, value, form, span } => match self.key(module, key) {
                    Ok(key) => {
                        let slot = Slot {
                            content: Content::Expression(Arc::clone(module), *value),
                            member: Some(Site::new(module, *span)),
                            form: *form,
                            owner: Some(owner.clone()),
                            doubt: None,
                        };
                        object.slots.insert(key, slot);
                    }
                    Err(obstacle) => object.forget(obstacle),
                },
                Member::Opaque { key, is_function, span } => match self.key(module, key) {
                    Ok(key) => {
                        let site = Site::new(module, *span);
                        let content = if *is_function {
                            Content::Function
                        } else {
                            let message = format!("`{key}` is known only when the code runs");
                            Content::Unknown(Obstacle::at(site.clone(), message))
                        };
                        let owner = Some(owner.clone());
                        object.slots.insert(key, Slot { content, member: Some(site), form: Form::Plain, owner, doubt: None });
                    }
                    Err(obstacle) => object.forget(obstacle),
                },
                Member::Spread { argument, .. } => match self.expression(module, *argument) {
                    Ok(Value::Object(spread)) => {
                        if let Some(unknown) = &spread.unknown {
                            object.forget(unknown.clone());
                        }
                        for (key, slot) in &spread.slots {
                            let mut slot = slot.clone();
                            slot.doubt = slot.doubt.or_else(|| spread.doubt.clone());
                            object.slots.insert(key.clone(), slot);
                        }
                    }
                    Ok(Value::Undefined | Value::Null | Value::Boolean(_) | Value::Number(_)) => {}
                    Ok(Value::Host(package, path)) => {
                        object.forget(Self::obstacle(module, *argument, host_message(&package, &path)));
                    }
                    Ok(_) => {
                        let message = "what this adds to the object is known only when the code runs";
                        object.forget(Self::obstacle(module, *argument, message));
                    }
                    Err(obstacle) => object.forget(obstacle),
                },
            }
        }
    }

    /// Makes the object of an instance of a class: what its constructors hand to `LuaAgent`, and the fields.
    pub(crate) fn instance(&self, module: &Arc<Module>, class: ClassId, config: Object) -> Object {
        let class = &module.classes[class];
        let site = Site::new(module, class.body);
        let unknown = |obstacle: Obstacle| Object { unknown: Some(obstacle), ..Object::default() };
        let passed = match class.constructor {
            Constructor::Super(Some(argument)) => self.config(module, argument),
            Constructor::Implicit => config,
            Constructor::Super(None) | Constructor::Opaque(_) => Object::default(),
        };
        let mut object = match class.parent.map(|parent| self.expression(module, parent)) {
            Some(Ok(Value::Class(..))) if self.depth.get() >= DEEPEST => {
                unknown(Obstacle::at(site.clone(), "the class inherits from itself"))
            }
            Some(Ok(Value::Class(parent_module, parent))) => {
                self.depth.set(self.depth.get() + 1);
                let object = self.instance(&parent_module, parent, passed);
                self.depth.set(self.depth.get() - 1);
                object
            }
            _ => passed,
        };
        let literal = ObjectSite { site, is_class: true, members: class.elements.as_slice().into() };
        self.add_members(&mut object, module, &literal, &class.members);
        object.literal.get_or_insert(literal);
        if let Constructor::Opaque(span) = class.constructor {
            let message = "what this constructor does is known only when the code runs";
            object.forget(Obstacle::at(Site::new(module, span), message));
        }
        object
    }

    /// Evaluates the argument of a construction.
    pub(crate) fn config(&self, module: &Arc<Module>, argument: ExpressionId) -> Object {
        let unknown = match self.expression(module, argument) {
            Ok(Value::Object(object)) => return Arc::unwrap_or_clone(object),
            Ok(Value::Host(package, path)) => Self::obstacle(module, argument, host_message(&package, &path)),
            Ok(_) => Self::obstacle(module, argument, "the agent is constructed with something that is not an object"),
            Err(obstacle) => obstacle,
        };
        Object { unknown: Some(unknown), ..Object::default() }
    }

    pub(super) fn array(&self, module: &Arc<Module>, elements: &[Element]) -> Evaluated {
        let mut items = Vec::new();
        for element in elements {
            let content = match element {
                Element::Item(id) => Content::Expression(Arc::clone(module), *id),
                Element::Hole => Content::Value(Value::Undefined),
                Element::Spread(id) => match self.expression(module, *id)? {
                    Value::Array(array) => {
                        self.doubt(array.doubt.as_ref());
                        items.extend(array.items.iter().cloned());
                        continue;
                    }
                    _ => return Err(Self::obstacle(module, *id, "what this adds to the array is known only when the code runs")),
                },
            };
            items.push(Slot { content, member: None, form: Form::Plain, owner: None, doubt: None });
        }
        Ok(Value::Array(Arc::new(Array { items, doubt: None })))
    }

    pub(super) fn enumeration(&self, module: &Arc<Module>, members: &[EnumMember]) -> Value {
        let mut slots = IndexMap::new();
        // The name stands under the number, too; the last one, where several have the same number.
        let mut names = IndexMap::new();
        let mut is_certain = true;
        let mut next = Some(0.0);
        for member in members {
            let site = Site::new(module, member.span);
            let (content, number) = match (member.value, next) {
                (Some(id), _) => {
                    let value = self.expression(module, id);
                    is_certain &= value.is_ok();
                    let number = match value {
                        Ok(Value::Number(number)) => Some(number),
                        _ => None,
                    };
                    (Content::Expression(Arc::clone(module), id), number)
                }
                (None, Some(number)) => (Content::Value(Value::Number(number)), Some(number)),
                (None, None) => (Content::Unknown(Obstacle::at(site.clone(), "the enum member has no value")), None),
            };
            next = number.map(|number| number + 1.0);
            let slot = |content, member| Slot { content, member, form: Form::Plain, owner: None, doubt: None };
            slots.insert(member.name.clone(), slot(content, Some(site)));
            if let Some(number) = number {
                let name = Content::Value(Value::Text(Text::fixed(member.name.clone())));
                names.insert(number_text(number), slot(name, None));
            }
        }
        if is_certain {
            slots.extend(names);
        }
        Value::Object(Arc::new(Object { slots, ..Object::default() }))
    }

    /// Evaluates a key to its name.
    pub(super) fn key(&self, module: &Arc<Module>, key: &Key) -> Evaluated<String> {
        match key {
            Key::Static(name) => Ok(name.clone()),
            Key::Computed(id) => match self.expression(module, *id)? {
                Value::Text(text) => Ok(text.joined()),
                Value::Number(number) => Ok(number_text(number)),
                _ => Err(Self::obstacle(module, *id, "the name of this member is known only when the code runs")),
            },
        }
    }

    pub(super) fn access_expression(
        &self,
        module: &Arc<Module>,
        id: ExpressionId,
        object: ExpressionId,
        key: &Key,
        optional: bool,
    ) -> Evaluated {
        let site = Site::new(module, module.expression(id).span);
        let key = self.key(module, key)?;
        if matches!(module.expression(object).kind, Kind::ImportMeta) {
            return match key.as_str() {
                "url" => Ok(Value::FileUrl(module.file.path.clone())),
                "dirname" => Ok(Value::Text(Text::fixed(module.directory().to_string_lossy()))),
                "filename" => Ok(Value::Text(Text::fixed(module.file.path.to_string_lossy()))),
                _ => Err(Obstacle::at(site, format!("`import.meta.{key}` is known only when the code runs"))),
            };
        }
        let value = self.expression(module, object)?;
        if optional && matches!(value, Value::Undefined | Value::Null) {
            return Ok(Value::Undefined);
        }
        self.access(&value, &key, &site)
    }

    /// Returns what is read where there is nothing, and has it confirmed: the code may put something there when it runs.
    fn missing(&self, site: &Site) -> Value {
        self.doubt(Some(&Doubt { site: site.clone(), kind: DoubtKind::Missing }));
        Value::Undefined
    }

    /// Reads a member of a value.
    pub(crate) fn access(&self, value: &Value, key: &str, site: &Site) -> Evaluated {
        let obstacle = |message: String| Err(Obstacle::at(site.clone(), message));
        match value {
            Value::Object(object) => {
                self.doubt(object.doubt.as_ref());
                match (object.slots.get(key), &object.unknown) {
                    (Some(slot), _) => self.slot(slot),
                    (None, Some(unknown)) => Err(unknown.clone()),
                    (None, None) if INHERITED.contains(&key) => obstacle(format!("`{key}` is not plain data")),
                    (None, None) => Ok(self.missing(site)),
                }
            }
            Value::Array(array) => {
                self.doubt(array.doubt.as_ref());
                match key.parse::<usize>() {
                    Ok(index) if index.to_string() == key => {
                        array.items.get(index).map_or_else(|| Ok(self.missing(site)), |slot| self.slot(slot))
                    }
                    #[expect(clippy::cast_precision_loss, reason = "no array of a definition has 2^53 items")]
                    _ if key == "length" => Ok(Value::Number(array.items.len() as f64)),
                    _ => obstacle(format!("`{key}` of an array is known only when the code runs")),
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "no text has 2^53 units")]
            Value::Text(text) if key == "length" => Ok(Value::Number(text.joined().encode_utf16().count() as f64)),
            Value::Namespace(module) => match self.export(module, key) {
                Ok(target) => self.target(target),
                Err(mut problem) => {
                    problem.site = Some(site.clone());
                    Err(problem)
                }
            },
            Value::Host(package, path) => {
                // The default export of a package of the runtime is the package itself.
                if key == "default" && path.is_empty() {
                    return Ok(value.clone());
                }
                let mut path = path.clone();
                path.push(key.to_owned());
                Ok(Value::Host(Arc::clone(package), path))
            }
            Value::Undefined | Value::Null => obstacle(format!("`{key}` is read of a missing value")),
            _ => obstacle(format!("`{key}` is known only when the code runs")),
        }
    }
}

impl Object {
    /// Notes that members may be missing or other than those that are known so far.
    fn forget(&mut self, obstacle: Obstacle) {
        self.slots.clear();
        self.unknown = Some(obstacle);
    }
}
