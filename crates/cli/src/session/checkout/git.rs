//! Questions to git that are safe in any repository.

use std::path::Path;
use std::process::{Command, Stdio};

/// Variables by which whoever started us, for example a hook, points git at something else.
const POINTERS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"];

/// Returns the beginning of a question about the repository around a folder: no hook and no monitor of it is run, and no lock is
/// taken that others would wait for.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks"]).current_dir(folder);
    for name in POINTERS {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Returns true if git would take a file into a commit: there is a repository, and nothing in it says to leave the file out.
pub(crate) fn would_take(path: &Path) -> bool {
    let Some(folder) = path.parent().and_then(|folder| folder.ancestors().find(|folder| folder.is_dir())) else { return false };
    if !folder.ancestors().any(|folder| folder.join(".git").exists()) {
        return false;
    }
    let mut question = command(folder);
    question.args(["check-ignore", "--quiet", "--"]).arg(path);
    // Where git does not answer it is better to say it once more.
    question.stdout(Stdio::null()).stderr(Stdio::null()).status().map_or(true, |status| status.code() != Some(0))
}

/// Returns whether git tracks a file, or `None` where there is a repository that git does not answer for.
pub(crate) fn is_tracked(path: &Path) -> Option<bool> {
    let folder = path.parent()?;
    let Some(folder) = folder.ancestors().find(|folder| folder.is_dir()) else { return Some(false) };
    if !folder.ancestors().any(|folder| folder.join(".git").exists()) {
        return Some(false);
    }
    let mut question = command(folder);
    question.args(["--literal-pathspecs", "ls-files", "--error-unmatch", "--"]).arg(path);
    let status = question.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    match status.code() {
        Some(0) => Some(true),
        Some(1) => Some(false),
        _ => None,
    }
}
