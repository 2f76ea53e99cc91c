//! The functions that the code of a project may reach: reading files of its repository, digests, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use md5::Md5;
use rquickjs::{Array, Ctx, Function, Object, Result, TypedArray};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::loader::Modules;
use super::shared::Shared;
use crate::modules;
use crate::resolve::Request;

const NODE: &str = include_str!("node.js");

/// Why a file is not given out: a code as Node has it, and a sentence.
type Refusal = (&'static str, String);

/// Returns the object that `prelude.js` calls `host`.
pub(super) fn host<'js>(
    ctx: &Ctx<'js>,
    modules: &Rc<Modules>,
    shared: &Rc<Shared>,
    environment: &BTreeMap<String, String>,
) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    let finder = Rc::clone(modules);
    let find = move |importer: String, specifier: String, is_require: bool| {
        let request = if is_require { Request::Require } else { Request::Import };
        finder.find(Path::new(&importer), &specifier, request)
    };
    host.set("find", Function::new(ctx.clone(), find)?)?;
    let compiler = Rc::clone(modules);
    let compile = move |ctx: Ctx<'js>, path: String| -> Result<Array<'js>> {
        let (function, is_ecmascript) = compiler.compile(&ctx, Path::new(&path))?;
        let answer = Array::new(ctx)?;
        answer.set(0, function)?;
        answer.set(1, is_ecmascript)?;
        Ok(answer)
    };
    host.set("compile", Function::new(ctx.clone(), compile)?)?;
    host.set("node", ctx.eval::<Function<'_>, _>(NODE)?)?;
    host.set("digest", Function::new(ctx.clone(), digest)?)?;
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

/// Returns the digest of bytes, of which each is handed over as a letter, or `None` for a name of none that we have.
fn digest<'js>(ctx: Ctx<'js>, name: String, letters: String) -> Result<Option<TypedArray<'js, u8>>> {
    let bytes: Option<Vec<u8>> = letters.chars().map(|letter| u8::try_from(letter).ok()).collect();
    let Some(bytes) = bytes.as_deref() else { return Ok(None) };
    let digest = match name.to_ascii_lowercase().replace('-', "").as_str() {
        "md5" => Md5::digest(bytes).to_vec(),
        "sha1" => Sha1::digest(bytes).to_vec(),
        "sha224" => Sha224::digest(bytes).to_vec(),
        "sha256" => Sha256::digest(bytes).to_vec(),
        "sha384" => Sha384::digest(bytes).to_vec(),
        "sha512" => Sha512::digest(bytes).to_vec(),
        _ => return Ok(None),
    };
    TypedArray::new(ctx, digest).map(Some)
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
            let message =
                format!("{path} is outside of the project and its repository; a definition can only read what is inside");
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
        if !self.locator.may_read(&real) {
            return outside();
        }
        match wanted.strip_prefix(existing) {
            Ok(missing) if missing.as_os_str().is_empty() => Ok(real),
            Ok(missing) => Ok(real.join(missing)),
            Err(_) => outside(),
        }
    }

    /// Returns the path of a file as a person in the project's folder would write it.
    pub(super) fn display_path(&self, path: &Path) -> String {
        modules::relative_to(&self.root, path).display().to_string()
    }

    fn refusal(&self, path: &Path, error: &io::Error) -> Refusal {
        let shown = self.display_path(path);
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
        return Err(("REFUSED", format!("{} is not a regular file", shared.display_path(path))));
    }
    if metadata.len() > shared.largest_file() {
        return Err(("REFUSED", format!("{} is too large: {} bytes", shared.display_path(path), metadata.len())));
    }
    let bytes = fs::read(path).map_err(|error| shared.refusal(path, &error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(vec![text]),
        Err(_) => Err(("REFUSED", format!("{} is not valid UTF-8", shared.display_path(path)))),
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
