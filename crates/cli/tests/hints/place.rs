//! Where a row of the table happens.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use keepstep_testkit::{Platform, World, transcript};

use crate::common::{BINARY, FIRST, code};

/// What is imported.
const ORDERS: &str = "\
scenario: {name: orders, description: Order questions}
personas:
  - {name: novice, description: New to the shop}
inputs:
  - {text: Where is my order?, persona: novice}
  - {text: \"Cancel it, please\"}
";

/// An agent that breaks while there is a file of that name.
const AGENT: &str = "\
import os
def run(input):
    if os.path.exists('broken'): raise ValueError('broken')
    return 'ok: ' + input
";

/// A server that is the row's own, or one that others use too.
enum Serves<'a> {
    Shared(&'a Platform),
    Own(Box<Platform>),
}

/// A folder of one row, with an agent and a project of its own on a server.
pub(super) struct Place<'a> {
    serves: Serves<'a>,
    world: World,
    key: String,
    agent: String,
    org: String,
    project: String,
}

/// What a command said.
pub(super) struct Said {
    pub(super) code: i32,
    /// Both streams.
    pub(super) text: String,
    /// Code and streams, for a person.
    pub(super) shown: String,
}

/// Returns true for `NAME=value`.
pub(super) fn is_variable(word: &str) -> bool {
    let upper = |name: &str| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
    word.split_once('=').is_some_and(|(name, _)| upper(name))
}

/// Returns the words of a line; single quotes hold one together.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut found, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => found.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    found.extend(word);
    found
}

impl<'a> Place<'a> {
    pub(super) fn new(shared: &'a Platform, state: &[&str]) -> Self {
        let is_empty = state.contains(&"empty server");
        let serves = if is_empty || state.contains(&"own server") {
            Serves::Own(Box::new(Platform::start(Path::new(BINARY))))
        } else {
            Serves::Shared(shared)
        };
        let platform: &Platform = match &serves {
            Serves::Shared(platform) => platform,
            Serves::Own(platform) => platform,
        };
        let key = platform.key("owner");
        let (agent, org) = platform.agent("Helper");
        let project =
            if is_empty { String::new() } else { platform.admin(&["project", "create", "--name", &format!("shop {agent}")]) };
        Self { serves, world: World::new(), key, agent, org, project }
    }

    fn platform(&self) -> &Platform {
        match &self.serves {
            Serves::Shared(platform) => platform,
            Serves::Own(platform) => platform,
        }
    }

    /// Puts the place's values into a text.
    pub(super) fn filled(&self, text: &str) -> Result<String, String> {
        let mut text = text
            .replace("$URL", &self.platform().url())
            .replace("$KEY", &self.key)
            .replace("$AGENT", &self.agent)
            .replace("$ORG", &self.org)
            .replace("$PROJECT", &self.project)
            .replace("$WORLD", &self.world.path().to_string_lossy());
        for (name, command, field) in
            [("$SCENARIO", "scenarios list --json", "scenarios"), ("$BUNDLE", "bundles list --json", "bundles")]
        {
            if text.contains(name) {
                let said = self.run(&format!("{command} --project-id {}", self.project))?;
                let line = said.text.lines().find(|line| line.starts_with('{')).unwrap_or_default();
                let list: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("{error}\n{}", said.shown))?;
                let id = list[field][0]["id"]
                    .as_str()
                    .or_else(|| list[field][0]["bundleVersionId"].as_str())
                    .ok_or_else(|| format!("no id\n{}", said.shown))?
                    .to_owned();
                text = text.replace(name, &id);
            }
        }
        Ok(text)
    }

    /// Runs a line, with the server and its key in the environment unless the line says something else.
    pub(super) fn run(&self, line: &str) -> Result<Said, String> {
        let words = words(&self.filled(line)?);
        let variables: Vec<&String> = words.iter().take_while(|word| is_variable(word)).collect();
        let mut command = self.world.command(BINARY);
        command.env("KEEPSTEP_URL", self.platform().url()).env("KEEPSTEP_API_KEY", &self.key).args(&words[variables.len()..]);
        for (name, value) in variables.iter().filter_map(|variable| variable.split_once('=')) {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Only who asks for a key reads it.
        let _ = child.stdin.take().unwrap().write_all(self.key.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        Ok(Said { code: output.status.code().unwrap_or(-1), text, shown: transcript(&output) })
    }

    fn all(&mut self, steps: &[&str]) -> Result<(), String> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn scenario_file(&self, path: &str, text: &str) {
        self.world.project().file(&format!(".fluxloop/scenarios/orders/{path}"), text);
    }

    /// Does one step: a named one, or a command that must end well; one behind `try` may end as it likes.
    pub(super) fn step(&mut self, step: &str) -> Result<(), String> {
        let (name, rest) = step.split_once(' ').unwrap_or((step, ""));
        match (name, rest) {
            ("own" | "empty", "server") => {}
            // A project of an agent.
            ("agent", "") => {
                self.world.project().agent(&self.agent, &self.org).file("src/index.ts", code(FIRST));
            }
            ("code", text) => {
                self.world.project().file("src/index.ts", code(text));
            }
            ("colleague", text) => {
                let other = World::new();
                other.project().agent(&self.agent, &self.org).file("src/index.ts", code(text));
                let mut command = other.command(BINARY);
                command.env("KEEPSTEP_URL", self.platform().url()).env("KEEPSTEP_API_KEY", &self.key);
                let output = command.args(["push", "persona", "--force"]).stdin(Stdio::null()).output().unwrap();
                if !output.status.success() {
                    return Err(transcript(&output));
                }
            }
            ("write", rest) => {
                let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
                self.world.project().file(path, self.filled(text)?);
            }
            ("remove", path) => {
                let path = self.world.project().path().join(path);
                if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
            }
            ("revoke", "the keys") => {
                let listed = self.platform().admin(&["key", "list"]);
                for id in listed.split_whitespace().filter(|word| word.starts_with("key_")) {
                    self.platform().admin(&["key", "revoke", id]);
                }
            }
            ("another", "key") => self.key = self.platform().key("owner"),
            // A workspace of the project.
            ("shop", "") => self.all(&["projects select $PROJECT"])?,
            // The same, with a scenario on the server.
            ("orders", "") => {
                self.all(&["shop"])?;
                self.world.project().file("orders.yaml", ORDERS);
                self.all(&["bundles import orders.yaml", "remove orders.yaml"])?;
            }
            // The same, with the scenario here and an agent that it tests.
            ("pulled", "") => self.all(&["orders", "sync pull --scenario orders", "program"])?,
            ("program", "") => {
                self.scenario_file("agents/my_agent.py", AGENT);
                let runs = "runner:\n  target: \"agents.my_agent:run\"\n";
                let plan = format!("name: orders\niterations: 1\noutput_directory: experiments\n{runs}");
                self.scenario_file("configs/simulation.yaml", &plan);
            }
            ("tested", "") => self.all(&["pulled", "try test --skip-upload"])?,
            ("try", line) => {
                self.run(line)?;
            }
            _ => {
                let said = self.run(step)?;
                if said.code != 0 {
                    return Err(format!("`{step}` to get there\n{}", said.shown));
                }
            }
        }
        Ok(())
    }
}
