//! Files that a command reads and replaces.

use std::fs;
use std::io;
use std::path::Path;

pub(crate) use keepstep_workspace::files::replace as write_whole;

/// Reads a text file; `None` where there is none.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
