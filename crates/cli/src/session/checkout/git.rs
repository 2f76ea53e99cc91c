//! Questions to git that are safe in any repository, and what git's own files say without it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::session::context::Environment;

/// Variables by which whoever started us, for example a hook, points git at something else.
const POINTERS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"];

/// Where pipelines say which branch they have checked out: they check out a commit.
const BRANCH_VARIABLES: [&str; 4] = ["GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BUILDKITE_BRANCH"];

/// Returns the branch that a pipeline says that it has checked out.
pub(crate) fn branch_in_pipeline(environment: &Environment) -> Option<String> {
    let found = BRANCH_VARIABLES.iter().find_map(|name| environment.get(name).filter(|value| !value.is_empty()));
    found.map(str::to_owned)
}

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

/// A repository, as its own files have it: to ask git takes longer than a whole check.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The folder of what is checked out.
    root: PathBuf,
    /// What is of this worktree.
    git: PathBuf,
    /// What all worktrees have in common.
    common: PathBuf,
}

impl Repository {
    /// Returns the repository around a folder.
    pub(crate) fn around(folder: &Path) -> Option<Self> {
        let root = folder.ancestors().find(|folder| folder.join(".git").exists())?;
        let git = root.join(".git");
        // In a worktree it is a file that names the folder.
        let git = match fs::read_to_string(&git) {
            Ok(text) => root.join(text.trim().strip_prefix("gitdir: ")?),
            Err(_) => git,
        };
        let common = match fs::read_to_string(git.join("commondir")) {
            Ok(text) => git.join(text.trim()),
            Err(_) => git.clone(),
        };
        Some(Self { root: root.to_owned(), git, common })
    }

    /// Returns the commit that is checked out.
    pub(crate) fn commit(&self) -> Option<String> {
        let is_commit = |text: &str| (40..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let head = self.head()?;
        let Some(name) = head.strip_prefix("ref: ") else { return Some(head).filter(|head| is_commit(head)) };
        let loose = fs::read_to_string(self.common.join(name)).ok().map(|text| text.trim().to_owned());
        let packed = || {
            let text = fs::read_to_string(self.common.join("packed-refs")).ok()?;
            text.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' ').map(str::to_owned))
        };
        loose.or_else(packed).filter(|commit| is_commit(commit))
    }

    /// Returns the branch that is checked out; none where it is a commit, as in most pipelines.
    pub(crate) fn branch(&self) -> Option<String> {
        self.head()?.strip_prefix("ref: refs/heads/").map(str::to_owned)
    }

    /// Returns where the repository comes from, as `host/path` without user, password and `.git`: the remote `origin`. Without one, or
    /// where it is a folder, the name of a folder.
    pub(crate) fn name(&self) -> Option<String> {
        let config = fs::read_to_string(self.common.join("config")).unwrap_or_default();
        let named = remote(&config, "origin").map(|address| address_without_secrets(&address));
        named.or_else(|| self.root.canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned()))
    }

    fn head(&self) -> Option<String> {
        fs::read_to_string(self.git.join("HEAD")).ok().map(|text| text.trim().to_owned())
    }
}

/// Returns the address of a remote in the text of a repository's `config`.
fn remote(config: &str, name: &str) -> Option<String> {
    let section = format!("[remote \"{name}\"]");
    let lines = config.lines().map(str::trim).skip_while(|line| *line != section).skip(1);
    let mut pairs = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='));
    let (_, address) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case("url"))?;
    Some(address.trim().trim_matches('"').to_owned()).filter(|address| !address.is_empty())
}

/// Returns an address as `host/path`. Of a folder only its name is left: a path tells about a machine.
fn address_without_secrets(address: &str) -> String {
    let last = |path: &str| path.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let whole = match address.split_once("://") {
        Some(("file", path)) => last(path),
        Some((_, rest)) => {
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{host}/{path}")
        }
        // `user@host:path`, as ssh has it. A letter before the colon is a drive.
        None => match address.split_once(':').filter(|(host, _)| host.len() > 1 && !host.contains('/')) {
            Some((host, path)) => format!("{}/{}", host.rsplit('@').next().unwrap_or_default(), path.trim_start_matches('/')),
            None => last(address),
        },
    };
    let whole = whole.trim_end_matches('/');
    whole.strip_suffix(".git").unwrap_or(whole).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_what_is_secret_or_of_a_machine() {
        let config = "[core]\n\tbare = false\n[remote \"other\"]\n\turl = a\n[remote \"origin\"]\n\tfetch = +x\n\turl = b\n[branch \"main\"]\n\turl = c\n";
        assert_eq!((remote(config, "origin").as_deref(), remote(config, "none")), (Some("b"), None));
        for (address, name) in [
            ("https://ann:secret@git.example/acme/shop.git", "git.example/acme/shop"),
            ("https://token@git.example:8443/acme/shop/?token=x", "git.example:8443/acme/shop"),
            ("ssh://git@git.example:22/acme/shop.git", "git.example:22/acme/shop"),
            ("git@git.example:acme/shop.git", "git.example/acme/shop"),
            ("git.example:/acme/shop", "git.example/acme/shop"),
            ("/srv/git/ann/shop.git", "shop"),
            ("../shop", "shop"),
            ("file:///home/ann/shop.git/", "shop"),
            ("C:\\work\\shop", "shop"),
        ] {
            assert_eq!(address_without_secrets(address), name, "{address}");
        }
    }
}
