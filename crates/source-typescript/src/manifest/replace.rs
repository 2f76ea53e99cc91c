//! Puts a file in place of another, whole or not at all.

use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// Replaces a file that can be made again: after a power cut, what is there may be neither the old nor the new one.
///
/// A file system that delays its writes, as ext4 does, takes a rename over a file as a wish to have the new one on the disk
/// first, and starts writing it at once. That takes longer than making the file. Two files that change their names wish for
/// nothing; the old one then goes away under the temporary name.
pub(super) fn replace_derived(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = beside(path, bytes)?;
    if exchange(file.path(), path).is_ok() { file.close() } else { put(file, path) }
}

/// Replaces a file of a person, for whom there is the old one or the new one at any moment.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = beside(path, bytes)?;
    file.as_file().sync_all()?;
    put(file, path)
}

/// Writes a temporary file beside the one that it is going to replace.
fn beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // A new file gets the rights that the user's mask leaves, a replaced one keeps its own.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".keepstep-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Ok(metadata) = path.metadata() {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    Ok(file)
}

fn put(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// Gives each of two files the name of the other. Not every system and file system can.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    // A folder of that name stays where it is.
    if !other.symlink_metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
