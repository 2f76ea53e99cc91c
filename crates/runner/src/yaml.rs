//! YAML files of a scenario become values.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file could not be read as YAML.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text is no YAML, or none that is safe to take.
    #[error("{} is not valid YAML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        message: String,
    },
}

/// Returns the value of a YAML (or JSON) file and its text; `None` if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<(Value, String)>, YamlError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(YamlError::Read { path: path.to_owned(), source }),
    };
    let value = parse(&text).map_err(|message| YamlError::Syntax { path: path.to_owned(), message })?;
    Ok(Some((value, text)))
}

/// Returns the value of a YAML text.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    // JSON is faster to read, and the larger input lists are JSON.
    if text.trim_start().starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    keepstep_workspace::yaml::parse(text)
}

/// Gives each entry of the list in a YAML (or JSON) file to a function, and returns whether there is such a list; `None` if there
/// is no such file.
pub(crate) fn each_entry(path: &Path, member: &'static str, take: impl FnMut(Value)) -> Result<Option<bool>, YamlError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(YamlError::Read { path: path.to_owned(), source }),
    };
    match keepstep_workspace::yaml::each_entry(file, member, take) {
        Ok(is_list) => Ok(Some(is_list)),
        Err(message) => Err(YamlError::Syntax { path: path.to_owned(), message }),
    }
}

/// Returns the number of the line where a key of a block mapping stands, counted from 1.
///
/// The value is what counts; this only helps a person to find it, so a key that a flow mapping holds gets the line of the
/// innermost block key around it.
pub(crate) fn line_of(text: &str, path: &[&str]) -> Option<usize> {
    let mut found = None;
    let mut wanted = path.iter();
    let mut key = wanted.next()?;
    let mut parent_indent: Option<usize> = None;
    let mut level_indent = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let indent = line.len() - trimmed.len();
        if parent_indent.is_some_and(|parent| indent <= parent) {
            break;
        }
        if *level_indent.get_or_insert(indent) != indent {
            continue;
        }
        let name = trimmed.split(':').next().unwrap_or_default().trim_matches(['"', '\'', ' ']);
        if name == *key && trimmed.contains(':') {
            found = Some(index + 1);
            parent_indent = Some(indent);
            level_indent = None;
            match wanted.next() {
                Some(next) => key = next,
                None => break,
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_found_by_its_path() {
        let text = "name: a\n# runner:\nrunner:\n  env:\n    timeout: 1\n  timeout: x\niterations: 2\nflow: {timeout: 3}\n";
        assert_eq!(line_of(text, &["runner", "timeout"]), Some(6));
        assert_eq!(line_of(text, &["iterations"]), Some(7));
        assert_eq!(line_of(text, &["flow", "timeout"]), Some(8));
        assert_eq!(line_of(text, &["runner", "nothing"]), Some(3));
        assert_eq!(line_of(text, &["nothing"]), None);
    }

    #[test]
    fn what_is_not_safe_or_not_clear_is_an_error_with_its_line() {
        for (text, said) in [("a:\n\t- x\n", "line 2"), ("a: 1\na: 2\n", "line 2"), ("a: [1, 2\n", "line")] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(said), "{text:?}: {message}");
        }
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", last.trim_end_matches(", "));
        }
        assert!(parse(&bomb).is_err());
        assert_eq!(parse(" # nothing\n").unwrap(), Value::Null);
        assert_eq!(parse("\u{feff}{\"a\": 1}").unwrap(), json!({"a": 1}));
    }
}
