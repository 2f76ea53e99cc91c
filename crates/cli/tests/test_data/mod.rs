//! The commands that set up a workspace for test data.

mod apikeys;
mod bundles;
mod context;
mod git;
mod import_files;
mod init;
mod login;
mod peer_options;
mod projects;
mod scenarios;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use keepstep_testkit::{Platform, World, transcript};

use crate::common::BINARY;

/// A platform with the project `shop`, and a folder that is no workspace yet.
struct Place {
    platform: Platform,
    world: World,
    key: String,
    project: String,
}

/// What is imported.
const ORDERS: &str = "\
scenario: {name: orders, description: Order questions}
personas:
  - {name: novice, description: New to the shop}
inputs:
  - {text: Where is my order?, persona: novice}
  - {text: \"Cancel it, please\"}
criteria:
  - {name: Politeness, items: [Be polite]}
";

impl Place {
    /// Returns a place where nothing is selected.
    fn new() -> Self {
        let platform = Platform::start(Path::new(BINARY));
        let key = platform.key("owner");
        let project = platform.admin(&["project", "create", "--name", "shop"]);
        Self { platform, world: World::new(), key, project }
    }

    /// Returns a place that is connected to the project, with the scenario `orders` on the server.
    fn connected() -> Self {
        let place = Self::new();
        place.ok(&["projects", "select", "shop"]);
        place.world.project().file("orders.yaml", ORDERS);
        place.ok(&["bundles", "import", "orders.yaml"]);
        place.world.project().remove("orders.yaml");
        place
    }

    /// Returns a command with the platform's address and key.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.env("KEEPSTEP_URL", self.platform.url()).env("KEEPSTEP_API_KEY", &self.key);
        command
    }

    /// Returns a command without address and key.
    fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(BINARY);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn code(&self, arguments: &[&str]) -> i32 {
        self.output(arguments).status.code().unwrap()
    }

    /// Runs a command and returns its transcript, without what differs between runs.
    fn run(&self, arguments: &[&str]) -> String {
        self.shown(&mut self.command(arguments))
    }

    /// Runs a command as the fluxloop tool, with its own variables.
    fn run_as_fluxloop(&self, arguments: &[&str]) -> String {
        let link = self.world.path().join("fluxloop");
        if !link.exists() {
            std::os::unix::fs::symlink(BINARY, &link).unwrap();
        }
        let mut command = self.world.command(&link);
        command.env("FLUXLOOP_API_URL", self.platform.url()).env("FLUXLOOP_API_KEY", &self.key);
        self.shown(command.args(arguments).stdin(Stdio::null()))
    }

    fn shown(&self, command: &mut Command) -> String {
        self.filtered(&transcript(&command.output().unwrap()))
    }

    /// Runs a command that must end well, and returns its stdout.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}\n{}", transcript(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with `--json` and returns its document.
    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.output(&[arguments, &["--json"]].concat());
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "one document:\n{}", transcript(&output));
        serde_json::from_str(&text).unwrap()
    }

    /// Takes ids, times and addresses out of a text.
    fn filtered(&self, text: &str) -> String {
        let text = text
            .replace(&self.platform.url(), "[URL]")
            .replace(&*self.world.path().to_string_lossy(), "[WORLD]")
            .replace(&self.project, "[PROJECT]");
        let mut out = String::new();
        for line in text.split_inclusive('\n') {
            let words: Vec<String> = line.trim_end().split(' ').map(without_id).collect();
            out.push_str(words.join(" ").trim_end());
            out.push('\n');
        }
        out
    }
}

/// Replaces ids, days and keys.
fn without_id(word: &str) -> String {
    for kind in ["bundle_", "scenario_", "key_", "inputs_", "persona_", "org_", "project_"] {
        if let Some(at) = word.find(kind) {
            let rest = &word[at + kind.len()..];
            let length = rest.chars().take_while(char::is_ascii_alphanumeric).count();
            if length >= 12 {
                return format!("{}[{}]{}", &word[..at], kind.trim_end_matches('_').to_uppercase(), &rest[length..]);
            }
        }
    }
    if let Some(at) = word.find("****") {
        return format!("{}[KEY]{}", &word[..at], &word[at + 8..]);
    }
    let is_day = word.len() >= 10 && word.starts_with("20") && word.as_bytes()[4] == b'-';
    if is_day { "[DAY]".to_owned() } else { word.to_owned() }
}
