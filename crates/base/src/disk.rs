//! How much room a disk has.

use std::path::Path;

/// Returns how many bytes can still be written where a folder is; nothing where the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_room_and_what_is_not_there_has_none() {
        assert_eq!(free_bytes(Path::new(".")).is_some(), cfg!(target_os = "linux"));
        assert_eq!(free_bytes(Path::new("/nothing/is/here")), None);
    }
}
