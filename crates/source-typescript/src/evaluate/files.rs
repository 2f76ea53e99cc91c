//! Reading a text file of the project, as `readFileSync` would.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::{Evaluated, Evaluator};
use crate::modules::LoadError;
use crate::syntax::{ExpressionId, Module};
use crate::value::{Site, Style, Text, Value};
use keepstep_source::frame::Span;

impl Evaluator<'_> {
    pub(super) fn read_file(&self, module: &Arc<Module>, id: ExpressionId, file: &Value, encoding: &Value) -> Evaluated {
        let obstacle = |message: String| Self::obstacle(module, id, message);
        let path = match file {
            // A relative path is relative to the working directory, which is the project's root.
            Value::Text(path) => self.graph.root.join(path.joined()),
            Value::FileUrl(path) => path.clone(),
            _ => return Err(obstacle("which file is read is known only when the code runs".to_owned())),
        };
        let shown = keepstep_source::display_path(&self.graph.relative(&normalized(&path)));
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => {
                let message = format!("{shown} cannot be read: {error}");
                return Err(obstacle(message).help("correct the path, or create the file").last());
            }
        };
        let loaded = self.graph.file(&real).map_err(|error| {
            let message = match &error {
                LoadError::Outside => {
                    format!("{shown} is outside of the project and its repository, and only files inside are read")
                }
                other => format!("{shown} cannot be used: {}", other.describe()),
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

/// Returns what Node's `path.join` makes of parts.
pub(super) fn joined(parts: &[String]) -> String {
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let path = parts.join("/");
    let is_absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, kept.last()) {
            ("..", Some(&last)) if last != ".." => {
                kept.pop();
            }
            ("..", _) if is_absolute => {}
            _ => kept.push(part),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    match (is_absolute, kept.is_empty()) {
        (true, _) => format!("/{}{end}", kept.join("/")),
        (false, true) if path.ends_with('/') => "./".to_owned(),
        (false, true) => ".".to_owned(),
        (false, false) => format!("{}{end}", kept.join("/")),
    }
}

/// Returns what Node's `path.resolve` makes of parts in a working directory.
pub(super) fn resolved(directory: &str, parts: &[String]) -> String {
    let from = parts.iter().rposition(|part| part.starts_with('/'));
    let mut all = vec![directory.to_owned()];
    match from {
        Some(from) => all = parts[from..].to_vec(),
        None => all.extend_from_slice(parts),
    }
    let path = joined(&all);
    if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path }
}

/// Returns what Node's `path.dirname` makes of a path.
pub(super) fn directory(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rfind('/') {
        Some(0) => "/",
        Some(at) => &path[..at],
        None if path.starts_with('/') => "/",
        None => ".",
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_together_as_in_node() {
        let texts = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        for (parts, expected) in [
            (&["a", "b/"][..], "a/b/"),
            (&["", ""], "."),
            (&[], "."),
            (&["..", "a"], "../a"),
            (&["/a", "../../b"], "/b"),
            (&["a", "/b"], "a/b"),
            (&["./", ""], "./"),
            (&["a/./b", "../c"], "a/c"),
            (&["/"], "/"),
        ] {
            assert_eq!(joined(&texts(parts)), expected, "{parts:?}");
        }
        for (parts, expected) in [(&["a", "..", "b/"][..], "/p/b"), (&["x", "/y", "z"], "/y/z"), (&[], "/p"), (&["/"], "/")] {
            assert_eq!(resolved("/p", &texts(parts)), expected, "{parts:?}");
        }
        for (path, expected) in [("a", "."), ("a/", "."), ("/", "/"), ("/a", "/"), ("/a/b/", "/a"), ("a/b", "a"), ("", ".")] {
            assert_eq!(directory(path), expected, "{path}");
        }
    }
}
