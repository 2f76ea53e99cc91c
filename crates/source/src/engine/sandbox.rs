//! The functions that the code of a project may reach: reading its own files, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result, TypedArray};

use super::run::Shared;

/// Why a file is not given out: a code as Node has it, and a sentence.
type Refusal = (&'static str, String);

/// Returns the object that `prelude.js` calls `host`.
pub(super) fn host<'js>(ctx: &Ctx<'js>, shared: &Rc<Shared>, environment: &BTreeMap<String, String>) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    host.set("cwd", shared.root.to_string_lossy().as_ref())?;
    host.set("entry", shared.entry.to_string_lossy().as_ref())?;
    host.set("platform", platform())?;
    let variables = Object::new(ctx.clone())?;
    for (name, value) in environment {
        variables.set(name.as_str(), value.as_str())?;
    }
    host.set("environment", variables)?;

    let answer = |call: fn(&Shared, &Path) -> std::result::Result<Vec<String>, Refusal>| {
        let shared = Rc::clone(shared);
        Function::new(ctx.clone(), move |path: String| -> Vec<String> {
            let found = shared.inside(&path).and_then(|path| call(&shared, &path));
            match found {
                Ok(mut values) => {
                    values.insert(0, "ok".to_owned());
                    values
                }
                Err((code, message)) => vec![code.to_owned(), message],
            }
        })
    };
    host.set("read", answer(read)?)?;
    host.set("exists", answer(exists)?)?;
    host.set("stat", answer(stat)?)?;
    host.set("real", answer(real)?)?;
    host.set("list", answer(list)?)?;
    host.set("encode", Function::new(ctx.clone(), encode)?)?;
    Ok(host)
}

fn encode(ctx: Ctx<'_>, text: String) -> Result<TypedArray<'_, u8>> {
    TypedArray::new(ctx, text.into_bytes())
}

fn platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

impl Shared {
    /// Returns the real path of a file or folder of the project.
    ///
    /// A path that does not exist is returned as it would be if it did, provided that the part of it that exists is
    /// inside. So nothing outside can even be asked for, whether by `..`, an absolute path or a symbolic link.
    fn inside(&self, path: &str) -> std::result::Result<PathBuf, Refusal> {
        let wanted = normalized(&self.root.join(path));
        let outside = || {
            let message = format!("{path} is outside of the project; its definition can only read what is inside");
            Err(("REFUSED", message))
        };
        let mut existing = wanted.as_path();
        let real = loop {
            match existing.canonicalize() {
                Ok(real) => break real,
                Err(error) if error.kind() == io::ErrorKind::NotFound => match existing.parent() {
                    Some(parent) => existing = parent,
                    None => return outside(),
                },
                Err(error) => return Err(("EACCES", format!("{path} cannot be read: {error}"))),
            }
        };
        if !real.starts_with(&self.root) {
            return outside();
        }
        match wanted.strip_prefix(existing) {
            Ok(missing) if missing.as_os_str().is_empty() => Ok(real),
            Ok(missing) => Ok(real.join(missing)),
            Err(_) => outside(),
        }
    }

    /// Returns the path of a file as a person in the project's folder would write it.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    fn refusal(&self, path: &Path, error: &io::Error) -> Refusal {
        let shown = self.shown(path);
        match error.kind() {
            io::ErrorKind::NotFound => ("ENOENT", format!("ENOENT: no such file or directory, open '{shown}'")),
            io::ErrorKind::IsADirectory => ("EISDIR", format!("EISDIR: '{shown}' is a folder")),
            io::ErrorKind::NotADirectory => ("ENOTDIR", format!("ENOTDIR: '{shown}' is not a folder")),
            _ => ("EIO", format!("{shown} cannot be read: {error}")),
        }
    }
}

/// Returns the path without `.` and `..`, by its letters alone.
fn normalized(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                result.pop();
            }
            Component::CurDir => {}
            other => result.push(other),
        }
    }
    result
}

fn read(shared: &Shared, path: &Path) -> std::result::Result<Vec<String>, Refusal> {
    if let Some(text) = shared.overlay(path) {
        return Ok(vec![text]);
    }
    let metadata = fs::metadata(path).map_err(|error| shared.refusal(path, &error))?;
    if metadata.is_dir() {
        return Err(shared.refusal(path, &io::ErrorKind::IsADirectory.into()));
    }
    // A pipe or a device could keep us waiting for ever.
    if !metadata.is_file() {
        return Err(("REFUSED", format!("{} is not a regular file", shared.shown(path))));
    }
    if metadata.len() > shared.largest_file() {
        return Err(("REFUSED", format!("{} is too large: {} bytes", shared.shown(path), metadata.len())));
    }
    let bytes = fs::read(path).map_err(|error| shared.refusal(path, &error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(vec![text]),
        Err(_) => Err(("REFUSED", format!("{} is not valid UTF-8", shared.shown(path)))),
    }
}

fn exists(_: &Shared, path: &Path) -> std::result::Result<Vec<String>, Refusal> {
    Ok(vec![path.exists().to_string()])
}

fn stat(shared: &Shared, path: &Path) -> std::result::Result<Vec<String>, Refusal> {
    let metadata = fs::metadata(path).map_err(|error| shared.refusal(path, &error))?;
    let kind = match metadata.is_dir() {
        true => "folder",
        false if metadata.is_file() => "file",
        false => "other",
    };
    Ok(vec![kind.to_owned(), metadata.len().to_string()])
}

fn real(shared: &Shared, path: &Path) -> std::result::Result<Vec<String>, Refusal> {
    let path = path.canonicalize().map_err(|error| shared.refusal(path, &error))?;
    Ok(vec![path.to_string_lossy().into_owned()])
}

/// Returns the names in a folder, each after `d` for a folder, `f` for a file or `o`, in the order of their bytes.
fn list(shared: &Shared, path: &Path) -> std::result::Result<Vec<String>, Refusal> {
    let refused = |error: io::Error| shared.refusal(path, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        // Following a link here would tell what is outside.
        let kind = match entry.file_type().map_err(refused)? {
            kind if kind.is_dir() => 'd',
            kind if kind.is_file() => 'f',
            _ => 'o',
        };
        names.push(format!("{kind}{}", entry.file_name().to_string_lossy()));
    }
    names.sort_by(|a, b| a[1..].cmp(&b[1..]));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_normalized_by_its_letters() {
        for (path, expected) in [("/a/b/../c", "/a/c"), ("/a/./b", "/a/b"), ("/../../etc", "/etc")] {
            assert_eq!(normalized(Path::new(path)), Path::new(expected));
        }
    }
}
