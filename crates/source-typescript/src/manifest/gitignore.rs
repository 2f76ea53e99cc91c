//! Sees to it that git ignores what the compiler writes.

use std::path::Path;
use std::{fs, io};

use keepstep_base::whole_file::{self, Policy};

/// Ensures that `.gitignore` names a folder: after the line `dist/` if there is one, else at the end.
///
/// A file that names it already is not touched. The error is a sentence about what a person has to do.
pub(super) fn ensure(root: &Path, folder: &str) -> Result<(), String> {
    let path = root.join(".gitignore");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(sentence(&path, folder, &error)),
    };
    let Some(text) = with_line(&text, folder) else { return Ok(()) };
    whole_file::write(&real(&path), text.as_bytes(), Policy::Kept).map_err(|error| sentence(&path, folder, &error))
}

fn sentence(path: &Path, folder: &str, error: &io::Error) -> String {
    format!("{} could not be changed: {error}; add the line `{folder}/` to it", path.display())
}

/// Returns the file itself where there is a link to it, so that the link stays one.
fn real(path: &Path) -> std::path::PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Returns the text with the line, or `None` if it has it.
fn with_line(text: &str, folder: &str) -> Option<String> {
    let names = |line: &str| line.trim().trim_start_matches('/').trim_end_matches('/') == folder;
    if text.lines().any(names) {
        return None;
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut result = String::with_capacity(text.len() + folder.len() + 3);
    let mut is_done = false;
    for line in text.split_inclusive('\n') {
        result.push_str(line);
        if !is_done && line.trim() == "dist/" {
            if !line.ends_with('\n') {
                result.push_str(end);
            }
            result.push_str(&format!("{folder}/{end}"));
            is_done = true;
        }
    }
    if !is_done {
        if !result.is_empty() && !result.ends_with('\n') {
            result.push_str(end);
        }
        result.push_str(&format!("{folder}/{end}"));
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_put_where_it_belongs() {
        for (text, expected) in [
            ("", Some("dist-v2/\n")),
            ("node_modules", Some("node_modules\ndist-v2/\n")),
            ("dist/\nnode_modules", Some("dist/\ndist-v2/\nnode_modules")),
            ("node_modules\r\ndist/\r\nfoo", Some("node_modules\r\ndist/\r\ndist-v2/\r\nfoo")),
            ("a\ndist/", Some("a\ndist/\ndist-v2/\n")),
            ("dist-v2/\n", None),
            ("a\r\n/dist-v2\r\n", None),
        ] {
            assert_eq!(with_line(text, "dist-v2").as_deref(), expected, "{text:?}");
        }
    }
}
