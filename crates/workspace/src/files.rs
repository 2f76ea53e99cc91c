//! Reading and writing files so that a crash leaves the old one or the new one, and nobody else reads a key.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use serde_json::{Map, Value};

use crate::WorkspaceError;

/// Reads a text file; `None` where there is none.
///
/// # Errors
/// It cannot be read, or is no UTF-8.
pub fn read_if_there(path: &Path) -> Result<Option<String>, WorkspaceError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(WorkspaceError::broken(path, "it is not UTF-8")),
        Err(error) => Err(WorkspaceError::io("read", path, error)),
    }
}

/// Reads a JSON object; `None` where there is no file.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn read_object(path: &Path) -> Result<Option<Map<String, Value>>, WorkspaceError> {
    let Some(text) = read_if_there(path)? else { return Ok(None) };
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        Ok(_) => Err(WorkspaceError::broken(path, "it is no JSON object")),
        Err(error) => Err(WorkspaceError::broken(path, error.to_string())),
    }
}

/// Writes a JSON object as both peers do: indented by two, without a line feed at its end.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn write_object(path: &Path, members: &Map<String, Value>) -> Result<(), WorkspaceError> {
    let text = serde_json::to_string_pretty(members).map_err(|error| WorkspaceError::io("write", path, error.into()))?;
    write_whole(path, text.as_bytes())
}

/// Writes a file as a whole, with the folders on its way: to a temporary name beside it, synced, renamed. It keeps the
/// permissions of the file that it replaces.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    replace(path, bytes).map_err(|error| WorkspaceError::io("write", path, error))
}

/// The same as [`write_whole`], for callers that say themselves which file it was.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, Access::AsBefore)
}

/// Writes a file that only its owner may read, from its first byte on.
///
/// # Errors
/// It cannot be written; what was there before is unchanged.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    write(path, bytes, Access::OwnerOnly).map_err(|error| WorkspaceError::io("write", path, error))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    AsBefore,
    OwnerOnly,
}

fn write(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    // Who keeps the file elsewhere behind a link wants that one replaced, not the link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".keepstep-");
    if access == Access::AsBefore {
        builder.permissions(permissions(path)?);
    }
    // Without permissions of its own it is made with mode 0600.
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The rename itself is only safe once the folder is on the disk. Not every file system can do that.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Returns the permissions of the file that is replaced, or those that the system gives a new one.
#[cfg(unix)]
fn permissions(path: &Path) -> io::Result<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.permissions()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(fs::Permissions::from_mode(0o666)),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn permissions(path: &Path) -> io::Result<fs::Permissions> {
    fs::metadata(path.parent().unwrap_or(path)).map(|metadata| metadata.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn f30_a_private_file_is_private_also_where_a_public_one_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/.env");
        write_whole(&path, b"A=1\n").unwrap();
        assert_ne!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        write_private(&path, b"A=2\n").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }
}
