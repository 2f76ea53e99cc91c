//! Names of files and folders.

/// Returns true for a text that is one name of a file or folder and nothing else.
pub fn is_component(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && name != "." && name != ".." && !name.contains(['/', '\\', '\0', ':'])
}
