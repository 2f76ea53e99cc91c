//! Reading a text file of the project, as `readFileSync` would.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::{Evaluated, Evaluator};
use crate::frame::Span;
use crate::modules::LoadError;
use crate::syntax::{ExpressionId, Module};
use crate::value::{Site, Style, Text, Value};

impl Evaluator<'_> {
    pub(super) fn read_file(&self, module: &Arc<Module>, id: ExpressionId, file: &Value, encoding: &Value) -> Evaluated {
        let obstacle = |message: String| Self::obstacle(module, id, message);
        let path = match file {
            // A relative path is relative to the working directory, which is the project's root.
            Value::Text(path) => self.graph.root.join(path.joined()),
            Value::FileUrl(path) => path.clone(),
            _ => return Err(obstacle("which file is read is known only when the code runs".to_owned())),
        };
        let shown = crate::error::display_path(&self.graph.relative(&normalized(&path)));
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => {
                let message = format!("{shown} cannot be read: {error}");
                return Err(obstacle(message).help("correct the path, or create the file").last());
            }
        };
        let loaded = self.graph.file(&real).map_err(|error| {
            let message = match &error {
                LoadError::Outside => format!("{shown} is outside of the project, and only files inside are read"),
                other => format!("{shown} is of no use: {}", other.describe()),
            };
            obstacle(message).last()
        })?;
        let site = Site { span: Span::new(0, loaded.text.len()), file: Arc::clone(&loaded) };
        let text = Text::literal(loaded.text.clone(), site, Style::File);
        let encoding = match encoding {
            Value::Object(options) => match options.slots.get("encoding") {
                Some(slot) => self.slot(slot)?,
                None => Value::Undefined,
            },
            other => other.clone(),
        };
        match encoding {
            Value::Undefined | Value::Null => Ok(Value::Buffer(text)),
            Value::Text(name) if is_utf8(&name.joined()) => Ok(Value::Text(text)),
            _ => Err(obstacle("only files in UTF-8 are read".to_owned())),
        }
    }
}

/// Returns true for the names that Node.js has for UTF-8.
pub(super) fn is_utf8(encoding: &str) -> bool {
    encoding.eq_ignore_ascii_case("utf8") || encoding.eq_ignore_ascii_case("utf-8")
}

/// Returns a path without `.` and `..`, as far as its text tells.
pub(super) fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    out
}
