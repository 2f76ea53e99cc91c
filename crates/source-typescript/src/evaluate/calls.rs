//! The few calls whose results need no running: trimming, joining, freezing, reading a file of the project.

use std::sync::Arc;

use super::{Evaluated, Evaluator};
use crate::syntax::{ExpressionId, ImportName, Kind, Module};
use crate::value::{Site, Text, Value, WrittenAt};

const RUNS: &str = "what a function call returns is known only when the code runs";

/// Returns true for the functions that return their argument.
pub(super) fn is_identity(package: &str, path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    package.is_empty() && matches!(path.as_slice(), ["Object", "freeze" | "seal" | "preventExtensions"])
}

impl Evaluator<'_> {
    pub(super) fn call(
        &self,
        module: &Arc<Module>,
        id: ExpressionId,
        callee: ExpressionId,
        arguments: &[ExpressionId],
        has_spread: bool,
    ) -> Evaluated {
        let obstacle = |message: String| Err(Self::obstacle(module, id, message));
        if has_spread {
            return obstacle(RUNS.to_owned());
        }
        if let Kind::Access { object, key, optional } = &module.expression(callee).kind
            && !matches!(module.expression(*object).kind, Kind::ImportMeta)
        {
            let value = self.expression(module, *object)?;
            let method = self.key(module, key)?;
            return match value {
                Value::Undefined | Value::Null if *optional => Ok(Value::Undefined),
                Value::Text(text) => self.text_method(module, id, *object, text, &method, arguments),
                Value::Array(array) if method == "join" => {
                    self.doubt(array.doubt.as_ref());
                    self.join(module, id, &array.items, arguments)
                }
                Value::Buffer(text) if method == "toString" => {
                    let encoding = arguments.first().map(|argument| self.expression(module, *argument)).transpose()?;
                    match encoding {
                        Some(Value::Text(encoding)) if !super::files::is_utf8(&encoding.joined()) => {
                            obstacle("only files in UTF-8 are read".to_owned())
                        }
                        _ => Ok(Value::Text(text)),
                    }
                }
                Value::FileUrl(path) if method == "toString" => {
                    Ok(Value::Text(Text::fixed(format!("file://{}", path.display()))))
                }
                Value::Host(package, mut path) => {
                    if !(path.is_empty() && method == "default") {
                        path.push(method);
                    }
                    self.host_call(module, id, &package, &path, arguments)
                }
                _ => obstacle(RUNS.to_owned()),
            };
        }
        match self.expression(module, callee)? {
            Value::Host(package, path) => self.host_call(module, id, &package, &path, arguments),
            _ => obstacle(RUNS.to_owned()),
        }
    }

    fn text_method(
        &self,
        module: &Arc<Module>,
        id: ExpressionId,
        object: ExpressionId,
        mut text: Text,
        method: &str,
        arguments: &[ExpressionId],
    ) -> Evaluated {
        match method {
            "trim" => text.trim(true, true),
            "trimStart" | "trimLeft" => text.trim(true, false),
            "trimEnd" | "trimRight" => text.trim(false, true),
            "toString" | "valueOf" => {}
            "concat" => {
                text = self.operand(module, object, &Value::Text(text), None)?;
                for argument in arguments {
                    let value = self.expression(module, *argument)?;
                    text.parts.extend(self.operand(module, *argument, &value, None)?.parts);
                }
            }
            _ => return Err(Self::obstacle(module, id, format!("what `.{method}()` returns is known only when the code runs"))),
        }
        Ok(Value::Text(text))
    }

    fn join(
        &self,
        module: &Arc<Module>,
        id: ExpressionId,
        items: &[crate::value::Slot],
        arguments: &[ExpressionId],
    ) -> Evaluated {
        let separator = match arguments.first() {
            None => Text::fixed(","),
            Some(argument) => match self.expression(module, *argument)? {
                Value::Undefined => Text::fixed(","),
                value => self.text(module, *argument, &value)?,
            },
        };
        // The separator appears several times; no one place of the result is where it is written.
        let separator = Text::fixed(separator.joined());
        let mut text = Text::default();
        for (index, slot) in items.iter().enumerate() {
            if index > 0 {
                text.parts.extend(separator.parts.iter().cloned());
            }
            match (&slot.content, self.slot(slot)?) {
                (_, Value::Undefined | Value::Null) => {}
                (crate::value::Content::Expression(home, item), value) => {
                    text.parts.extend(self.operand(home, *item, &value, None)?.parts);
                }
                (_, value) => text.parts.extend(self.text(module, id, &value)?.parts),
            }
        }
        self.bounded(module, id, text)
    }

    fn host_call(
        &self,
        module: &Arc<Module>,
        id: ExpressionId,
        package: &str,
        path: &[String],
        arguments: &[ExpressionId],
    ) -> Evaluated {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let argument = |index: usize| match arguments.get(index) {
            Some(argument) => self.expression(module, *argument),
            None => Ok(Value::Undefined),
        };
        let obstacle = |message: String| Err(Self::obstacle(module, id, message));
        if is_identity(package, path) {
            return argument(0);
        }
        match (package, names.as_slice()) {
            ("", ["String"]) if arguments.len() == 1 => {
                let mut text = self.text(module, id, &argument(0)?)?;
                // A call is in the way of any editing other than replacing it.
                for part in &mut text.parts {
                    part.origin = WrittenAt::Fixed;
                }
                Ok(Value::Text(text))
            }
            ("", ["process", "cwd"]) | ("process", ["cwd"]) => Ok(Value::Text(Text::fixed(self.graph.root.to_string_lossy()))),
            ("", ["require"]) => match argument(0)? {
                Value::Text(specifier) => {
                    let site = Site::new(module, module.expression(id).span);
                    let specifier = specifier.joined();
                    match self.module_at(module, &specifier, &site)? {
                        Err(package) => Ok(Value::Host(package, Vec::new())),
                        Ok(target) if target.file.path.extension().is_some_and(|extension| extension == "json") => {
                            let span = site.span;
                            self.import(module, &specifier, &ImportName::Default, span).and_then(|json| self.target(json))
                        }
                        Ok(target) => Ok(Value::Namespace(target)),
                    }
                }
                _ => obstacle(RUNS.to_owned()),
            },
            ("fs", ["readFileSync"]) => {
                let file = argument(0)?;
                let encoding = argument(1)?;
                self.read_file(module, id, &file, &encoding)
            }
            ("path", ["join" | "resolve" | "normalize"] | ["posix", "join" | "resolve" | "normalize"]) => {
                let mut parts = Vec::new();
                for index in 0..arguments.len() {
                    let Value::Text(part) = argument(index)? else { return obstacle(RUNS.to_owned()) };
                    parts.push(part.joined());
                }
                let path = match names.last() {
                    Some(&"resolve") => super::files::resolved(&self.graph.root.to_string_lossy(), &parts),
                    _ => super::files::joined(&parts),
                };
                Ok(Value::Text(Text::fixed(path)))
            }
            ("path", ["dirname"] | ["posix", "dirname"]) => match argument(0)? {
                Value::Text(path) => Ok(Value::Text(Text::fixed(super::files::directory(&path.joined())))),
                _ => obstacle(RUNS.to_owned()),
            },
            ("url", ["fileURLToPath"]) => match argument(0)? {
                Value::FileUrl(path) => Ok(Value::Text(Text::fixed(path.to_string_lossy()))),
                _ => obstacle(RUNS.to_owned()),
            },
            _ if package.is_empty() => obstacle(RUNS.to_owned()),
            _ if names.is_empty() => obstacle(format!("what the package `{package}` returns is known only when the code runs")),
            _ => obstacle(format!(
                "what `{}` of the package `{package}` returns is known only when the code runs",
                names.join(".")
            )),
        }
    }

    pub(super) fn construct(
        &self,
        module: &Arc<Module>,
        id: ExpressionId,
        callee: ExpressionId,
        arguments: &[ExpressionId],
    ) -> Evaluated {
        let obstacle = Err(Self::obstacle(module, id, "what is constructed here is known only when the code runs"));
        match self.expression(module, callee)? {
            Value::Host(package, path) if matches!(&*package, "" | "url") && path == ["URL"] => {
                let [relative, base] = arguments else { return obstacle };
                match (self.expression(module, *relative)?, self.expression(module, *base)?) {
                    (Value::Text(relative), Value::FileUrl(base)) => {
                        let relative = relative.joined();
                        if relative.contains(['%', '?', '#', ':', '\\']) {
                            return obstacle;
                        }
                        let directory = base.parent().unwrap_or(&base);
                        Ok(Value::FileUrl(super::files::normalized(&directory.join(relative))))
                    }
                    _ => obstacle,
                }
            }
            _ => obstacle,
        }
    }
}
