//! A private world: a folder with a home and projects, and commands that see nothing else.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A temporary folder that is a whole world to the commands that run in it. It is removed when it is dropped.
pub struct World {
    root: PathBuf,
    variables: Vec<(OsString, OsString)>,
    _folder: TempDir,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Makes a world with an empty home folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("keepstep-world-").tempdir().expect("a temporary folder");
        // Messages show the real path, so that is the one to filter.
        let root = folder.path().canonicalize().expect("the folder was just made");
        let world = Self { root, variables: Vec::new(), _folder: folder };
        fs::create_dir_all(world.home()).expect("the folder can be written");
        world
    }

    /// Returns the folder of the world.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Returns the home folder.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Returns the folder for settings, `XDG_CONFIG_HOME`.
    pub fn config(&self) -> PathBuf {
        self.home().join(".config")
    }

    /// Returns the project named `project`, and makes its folder if there is none.
    pub fn project(&self) -> Project {
        self.project_named("project")
    }

    /// Returns a project by its name, and makes its folder if there is none.
    pub fn project_named(&self, name: &str) -> Project {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).expect("the folder can be written");
        Project { folder }
    }

    /// Sets a variable for all commands that are made from now on.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Returns a command that runs in the project named `project`, with an environment of its own: a home, a fixed width,
    /// time zone and language, and no variable of the machine but `PATH`.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(self.project().path())
            .env_clear()
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.config())
            .env("XDG_DATA_HOME", self.home().join(".local/share"))
            .env("XDG_STATE_HOME", self.home().join(".local/state"))
            .env("TMPDIR", self.temporary())
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env("COLUMNS", "100");
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Returns pairs of a pattern and its replacement that take out of a snapshot what differs between runs: the
    /// world's path, ports of this machine, and times.
    pub fn filters(&self) -> Vec<(String, String)> {
        let pairs = [
            (escape_pattern(&self.root.to_string_lossy()), "[WORLD]"),
            (r"127\.0\.0\.1:\d+".to_owned(), "127.0.0.1:[PORT]"),
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|Z)?".to_owned(), "[TIME]"),
            (r"\b\d+(\.\d+)? ?(ms|µs)\b".to_owned(), "[DURATION]"),
        ];
        pairs.map(|(pattern, replacement)| (pattern, replacement.to_owned())).to_vec()
    }

    fn temporary(&self) -> PathBuf {
        let folder = self.root.join("tmp");
        fs::create_dir_all(&folder).expect("the folder can be written");
        folder
    }
}

/// Returns a finished command as a snapshot shows it: exit code, standard output, standard error.
pub fn transcript(output: &Output) -> String {
    let code = output.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
    let mut text = format!("exit: {code}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text.push_str(&format!("----- {name} -----\n{}", String::from_utf8_lossy(bytes)));
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
    }
    text
}

/// A project folder.
#[derive(Debug, Clone)]
pub struct Project {
    folder: PathBuf,
}

impl Project {
    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes a file, with the folders on its way.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("the folder can be written");
        }
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    /// Writes `lua.skill.yaml` with an agent, and a `tsconfig.json`, without which the peer does nothing.
    pub fn agent(&self, agent_id: &str, org_id: &str) -> &Self {
        self.file("lua.skill.yaml", format!("agent:\n  agentId: {agent_id}\n  orgId: {org_id}\n"));
        self.file("tsconfig.json", "{\"compilerOptions\": {\"module\": \"nodenext\", \"target\": \"es2022\"}}\n")
    }

    /// Returns a file's text.
    pub fn read(&self, path: &str) -> String {
        let path = self.folder.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the bytes of a file.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let path = self.folder.join(path);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns true if there is a file or folder with this path.
    pub fn has(&self, path: &str) -> bool {
        self.folder.join(path).exists()
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) -> &Self {
        let path = self.folder.join(path);
        fs::remove_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    /// Returns the paths of all files below the project, sorted, with `/` between their parts.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder of the project").flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    _ => files.push(entry.path()),
                }
            }
        }
        let relative = |path: &PathBuf| {
            let path = path.strip_prefix(&self.folder).expect("it was found below the folder");
            path.to_string_lossy().replace('\\', "/")
        };
        let mut files: Vec<String> = files.iter().map(relative).collect();
        files.sort_unstable();
        files
    }
}

/// Returns a pattern that matches exactly this text.
fn escape_pattern(text: &str) -> String {
    let special = |character: char| character.is_ascii_punctuation() && !matches!(character, '/' | '_' | '-');
    text.chars().flat_map(|character| special(character).then_some('\\').into_iter().chain([character])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_sees_only_its_world() {
        let world = World::new().with_variable("KEEPSTEP_STRICT", "1");
        world.project().agent("a_1", "o_1").file("src/index.ts", "x");
        assert_eq!(world.project().files(), ["lua.skill.yaml", "src/index.ts", "tsconfig.json"]);
        let output = world.command("/usr/bin/env").output().unwrap();
        let text = transcript(&output);
        assert!(text.starts_with("exit: 0\n----- stdout -----\n"), "{text}");
        assert!(text.contains("KEEPSTEP_STRICT=1") && !text.contains("CARGO"), "{text}");
        let path = world.path().to_owned();
        drop(world);
        assert!(!path.exists());
    }

    #[test]
    fn a_path_is_taken_literally_in_a_filter() {
        assert_eq!(escape_pattern("/tmp/.a+b_c-d"), "/tmp/\\.a\\+b_c-d");
    }
}
