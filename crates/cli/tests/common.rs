//! A platform, a project and the commands between them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use keepstep_testkit::{Platform, Project, World, transcript};

/// The program.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_keepstep");

/// The text that both sides begin with.
pub(crate) const FIRST: &str = "You are a friendly helper.\nAnswer briefly.\nNever promise a date.";

/// A platform with an agent, and a project of that agent.
pub(crate) struct Bench {
    pub(crate) platform: Platform,
    pub(crate) world: World,
    pub(crate) key: String,
    pub(crate) agent: String,
    pub(crate) org: String,
}

impl Bench {
    /// Returns a project whose code says [`FIRST`]; nothing is published yet.
    pub(crate) fn new() -> Self {
        let platform = Platform::start(Path::new(BINARY));
        let key = platform.key("owner");
        let (agent, org) = platform.agent("Helper");
        let world = World::new();
        world.project().agent(&agent, &org);
        let bench = Self { platform, world, key, agent, org };
        bench.code(FIRST);
        bench
    }

    /// Returns a project in which both sides say [`FIRST`] and know that they agree.
    pub(crate) fn in_step() -> Self {
        let bench = Self::new();
        bench.ok(&["sync", "--push"]);
        bench
    }

    /// Returns the project.
    pub(crate) fn project(&self) -> Project {
        self.world.project()
    }

    /// Writes the code with a persona.
    pub(crate) fn code(&self, persona: &str) {
        self.project().file("src/index.ts", code(persona));
    }

    /// Has somebody else publish a persona on the server.
    pub(crate) fn colleague(&self, persona: &str) {
        self.colleague_publishes(&code(persona));
    }

    /// Has somebody else publish what a code says on the server.
    pub(crate) fn colleague_publishes(&self, code: &str) {
        let world = World::new();
        world.project().agent(&self.agent, &self.org).file("src/index.ts", code);
        let output = self.command_in(&world, &["sync", "--push"]).output().unwrap();
        assert!(output.status.success(), "{}", transcript(&output));
    }

    /// Has somebody with a key of their own publish a persona, and say why.
    pub(crate) fn colleague_says(&self, key: &str, persona: &str, message: &str) {
        let world = World::new();
        world.project().agent(&self.agent, &self.org).file("src/index.ts", code(persona));
        let mut command = self.command_in(&world, &["push", "persona", "--force", "--message", message]);
        let output = command.env("KEEPSTEP_API_KEY", key).output().unwrap();
        assert!(output.status.success(), "{}", transcript(&output));
    }

    /// Has somebody else give the agent a model on the server, which the code does not know of.
    pub(crate) fn colleague_sets_model(&self, model: &str) {
        let world = World::new();
        let text = code(FIRST).replace("persona:", &format!("model: '{model}',\n  persona:"));
        world.project().agent(&self.agent, &self.org).file("src/index.ts", text);
        let output = self.command_in(&world, &["push", "persona", "--force"]).output().unwrap();
        assert!(output.status.success(), "{}", transcript(&output));
    }

    /// Has somebody else store a draft on the server.
    pub(crate) fn colleague_sets_draft(&self, persona: &str) {
        let world = World::new();
        world.project().agent(&self.agent, &self.org).file("src/index.ts", code(persona));
        let output = self.command_in(&world, &["push", "persona", "--draft", "--force"]).output().unwrap();
        assert!(output.status.success(), "{}", transcript(&output));
    }

    /// Returns a command in the project, with the platform's address and key.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_in(&self.world, arguments)
    }

    /// Returns the same in another world.
    pub(crate) fn command_in(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = world.command(BINARY);
        command.env("KEEPSTEP_URL", self.platform.url()).env("KEEPSTEP_API_KEY", &self.key).args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs a command and returns what it printed.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command and returns its transcript, without what differs between runs.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.filtered(&transcript(&self.output(arguments)))
    }

    /// Runs a command that must end well, and returns its stdout.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}\n{}", transcript(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with `--json` and returns its exit code and document.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let output = self.output(&[arguments, &["--json"]].concat());
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "one document:\n{}", transcript(&output));
        (output.status.code().unwrap(), serde_json::from_str(&text).unwrap())
    }

    /// Takes what differs between runs out of a text.
    pub(crate) fn filtered(&self, text: &str) -> String {
        let start_of_agent: String = self.agent.chars().take(8).chain(['…']).collect();
        text.replace(&self.agent, "[AGENT]")
            .replace(&start_of_agent, "[AGENT]")
            .replace(&self.org, "[ORG]")
            .replace(&self.key, "[KEY]")
            .replace(&self.platform.url(), "[URL]")
            .replace(&*self.world.path().to_string_lossy(), "[WORLD]")
            .lines()
            .map(|line| without_numbers_of_this_run(line) + "\n")
            .collect()
    }

    /// Returns the published persona, as the server has it.
    pub(crate) fn published(&self) -> serde_json::Value {
        let (_, document) = self.json(&["sync", "--check"]);
        document["fields"].as_array().unwrap().iter().find(|field| field["field"] == "persona").unwrap()["server"].clone()
    }

    /// Returns every persona version's text, the newest first.
    pub(crate) fn all_versions(&self) -> Vec<String> {
        let (_, document) = self.json(&["persona", "production", "versions"]);
        let numbers = document["versions"].as_array().unwrap().iter().map(|version| version["version"].to_string());
        numbers.map(|number| self.ok(&["persona", "production", "view", "--persona-version", &number])).collect()
    }
}

/// Returns the code of an agent with a persona.
pub(crate) fn code(persona: &str) -> String {
    format!(
        "import {{ LuaAgent }} from 'lua-cli';\n\nexport const agent = new LuaAgent({{\n  name: 'Helper',\n  persona: `{persona}`,\n}});\n"
    )
}

/// Replaces times, durations and ids of undo folders.
fn without_numbers_of_this_run(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let bare = word.trim_end_matches("\u{1b}[0m");
        let rest = &word[bare.len()..];
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if bare.strip_suffix("ms").is_some_and(digits) {
            format!("[DURATION]{rest}")
        } else if bare.split_once('T').is_some_and(|(date, rest)| date.len() == 8 && digits(date) && rest.contains("Z-")) {
            format!("[UNDO]{}{rest}", if bare.ends_with('`') { "`" } else { "" })
        } else if bare.len() == 10 && bare.starts_with("20") && bare.matches('-').count() == 2 {
            format!("[DATE]{rest}")
        } else if bare.len() == 5 && bare.as_bytes()[2] == b':' && digits(&bare.replace(':', "")) {
            format!("[TIME]{rest}")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
