//! Files that only their owner may read, from the first byte on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes a database's file if there is none, and takes the rights of all others from one that is there and from the files that SQLite
/// keeps beside it. SQLite gives those that it makes later the rights of the database.
pub(crate) fn prepare_file(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
            let Ok(metadata) = fs::metadata(&file) else { continue };
            let mode = metadata.permissions().mode();
            // Whoever is not its owner cannot change it, and does not have to: opening it tells whether they may write.
            if metadata.is_file() && mode & 0o077 != 0 {
                drop(fs::set_permissions(&file, fs::Permissions::from_mode(mode & 0o700)));
            }
        }
    }
    Ok(())
}

/// Returns the path of a file that SQLite keeps beside a database.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
