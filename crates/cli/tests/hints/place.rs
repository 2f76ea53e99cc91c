//! Where a row of the table happens.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};

use keepstep_testkit::terminal::Terminal;
use keepstep_testkit::{Canned, Fault, Platform, Proxy, Reply, World, transcript};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

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

/// The same, which has somebody stop the test at its second question. Between the agent and keepstep is whoever started the agent.
const STOPPING_AGENT: &str = r#"
import os

def parent_and_name(process):
    name, _, rest = open(f"/proc/{process}/stat").read().partition("(")[2].rpartition(")")
    return int(rest.split()[1]), name

def run(input):
    if (input.startswith("Cancel") or input == "question 5") and not os.path.exists("go"):
        process = os.getppid()
        parent, name = parent_and_name(process)
        while name != "keepstep":
            process = parent
            parent, name = parent_and_name(process)
        # As often as it takes: the question is never answered.
        while True:
            os.kill(process, SIGNAL)
            os.sched_yield()
    return "ok: " + input
"#;

/// A server that is the row's own, or one that others use too.
enum Serves<'a> {
    Shared(&'a Platform),
    Own(Box<Platform>),
}

/// A folder of one row, with an agent and a project of its own on a server.
pub(super) struct Place<'a> {
    serves: Serves<'a>,
    /// What stands before the server, if something does.
    proxy: Option<Proxy>,
    /// What keeps such a server from answering, for as long as it is here. It goes first, so that the server can end.
    slowness: Option<Sender<()>>,
    /// Something else that is asked in place of the server, if there is such a thing.
    other: Option<Canned>,
    /// What happens while the next command waits for an answer that the proxy holds back.
    meanwhile: Option<String>,
    /// What a person at a terminal waits for and presses in the next command.
    keys: Vec<(String, String)>,
    world: World,
    key: String,
    agent: String,
    org: String,
    project: String,
}

/// What a command said.
pub(super) struct Said {
    pub(super) code: i32,
    /// Standard output.
    pub(super) answer: String,
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

/// Returns the variables that stand before a command, and the rest of the line.
fn variables_and_rest(mut line: &str) -> (Vec<(&str, &str)>, &str) {
    let mut variables = Vec::new();
    while let Some((word, rest)) = line.split_once(' ').filter(|(word, _)| is_variable(word)) {
        variables.extend(word.split_once('='));
        line = rest;
    }
    (variables, line)
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
        let world = World::new();
        Self {
            serves,
            proxy: None,
            slowness: None,
            other: None,
            meanwhile: None,
            keys: Vec::new(),
            world,
            key,
            agent,
            org,
            project,
        }
    }

    fn platform(&self) -> &Platform {
        match &self.serves {
            Serves::Shared(platform) => platform,
            Serves::Own(platform) => platform,
        }
    }

    /// Returns the server's address for the commands of the place.
    fn url(&self) -> String {
        self.proxy.as_ref().map_or_else(|| self.platform().url(), Proxy::url)
    }

    fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("`proxy` is an earlier step")
    }

    /// Uses another key from now on.
    pub(super) fn use_key(&mut self, key: &str) {
        key.clone_into(&mut self.key);
    }

    /// Puts the place's values into a text.
    pub(super) fn filled(&self, text: &str) -> Result<String, String> {
        let mut text = text
            .replace("$URL", &self.url())
            .replace("$ADDRESS", &self.platform().address().to_string())
            .replace("$DATA", &self.platform().data_dir().to_string_lossy())
            .replace("$OTHER", &self.other.as_ref().map(Canned::url).unwrap_or_default())
            .replace("$KEY", &self.key)
            .replace("$AGENT", &self.agent)
            .replace("$ORG", &self.org)
            .replace("$PROJECT", &self.project)
            .replace("$WORLD", &self.world.path().to_string_lossy());
        if text.contains("$EXPERIMENT") {
            let folder = self.world.project().path().join(".fluxloop/scenarios/orders/experiments");
            let first = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?.next();
            let first = first.ok_or("there is no experiment")?.map_err(|error| error.to_string())?;
            text = text.replace("$EXPERIMENT", &first.file_name().to_string_lossy());
        }
        for (name, command, field) in
            [("$SCENARIO", "scenarios list --json", "scenarios"), ("$BUNDLE", "bundles list --json", "bundles")]
        {
            if text.contains(name) {
                let said = self.run(&format!("{command} --project-id {}", self.project))?;
                let line = said.text.lines().find(|line| line.starts_with('{')).unwrap_or_default();
                let list: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("{error}\n{}", said.shown))?;
                let id = list[field][0]["id"]
                    .as_str()
                    .or_else(|| list[field][0]["bundle_version_id"].as_str())
                    .ok_or_else(|| format!("no id\n{}", said.shown))?
                    .to_owned();
                text = text.replace(name, &id);
            }
        }
        Ok(text)
    }

    /// Runs a line in a real shell, with the server and its key in the environment unless the line says something else.
    pub(super) fn run(&self, line: &str) -> Result<Said, String> {
        self.run_with(line, &[], None)
    }

    /// Runs a line with what was prepared for the next command.
    pub(super) fn run_once(&mut self, line: &str) -> Result<Said, String> {
        let (keys, meanwhile) = (std::mem::take(&mut self.keys), self.meanwhile.take());
        self.run_with(line, &keys, meanwhile.as_deref())
    }

    fn run_with(&self, line: &str, keys: &[(String, String)], meanwhile: Option<&str>) -> Result<Said, String> {
        let line = self.filled(line)?;
        let (variables, line) = variables_and_rest(&line);
        if let Some(request) = line.strip_prefix("http ") {
            return Ok(self.request(request));
        }
        let mut command = self.world.command("/bin/sh");
        let programs = Path::new(BINARY).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", programs.display()));
        command.env("KEEPSTEP_URL", self.url()).env("KEEPSTEP_API_KEY", &self.key);
        command.args(["-c", &format!("exec keepstep {line}")]);
        for (name, value) in variables {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        if !keys.is_empty() {
            let mut session = Terminal::new(300, 50).start(command);
            for (text, keys) in keys {
                session.wait_for(text).press(keys);
            }
            self.do_meanwhile(meanwhile)?;
            let screen = session.end();
            let text = screen.continuous();
            let code = screen.exit_code().unwrap_or(-1);
            return Ok(Said { code, answer: text.clone(), shown: text.clone(), text });
        }
        if line.starts_with("serve") {
            return Ok(served(command));
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Only who asks for a key reads it.
        let _ = child.stdin.take().unwrap().write_all(self.key.as_bytes());
        let is_done = self.do_meanwhile(meanwhile);
        let output = child.wait_with_output().unwrap();
        is_done?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &answer;
        Ok(Said { code: output.status.code().unwrap_or(-1), answer, text, shown: transcript(&output) })
    }

    /// Returns what the server says of the agent, or something else.
    fn agent_state(&self, change: impl FnOnce(&str) -> String) -> Result<Reply, String> {
        let state = self.request(&format!("GET /api/v1/agents/{}/state", self.agent)).text;
        let (_, body) = state.split_once("\r\n\r\n").unwrap_or_default();
        let body: Value = serde_json::from_str(&change(body)).map_err(|error| format!("{error}: {state}"))?;
        Ok(Reply::json(200, &body).header("keepstep-api", "1"))
    }

    /// Does what somebody does while a command waits for the proxy.
    fn do_meanwhile(&self, step: Option<&str>) -> Result<(), String> {
        let Some(step) = step else { return Ok(()) };
        self.proxy().wait_until_held();
        self.outside(step)?;
        self.proxy().release();
        Ok(())
    }

    /// Asks the server itself, as any client of its API does. The code is the status of the answer.
    fn request(&self, request: &str) -> Said {
        let mut parts = request.splitn(3, ' ');
        let (method, path, body) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.key,
            body.len()
        );
        let mut stream = TcpStream::connect(self.platform().address()).unwrap();
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let code = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(-1);
        Said { code, answer: String::new(), shown: text.clone(), text }
    }

    fn all(&mut self, steps: &[&str]) -> Result<(), String> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn scenario_file(&self, path: &str, text: &str) {
        self.world.project().file(&format!(".fluxloop/scenarios/orders/{path}"), text);
    }

    /// Does what somebody does while a command runs.
    fn outside(&self, step: &str) -> Result<(), String> {
        let (name, rest) = step.split_once(' ').unwrap_or((step, ""));
        match name {
            "colleague" => {
                let other = World::new();
                let text = if rest.starts_with("import ") { rest.to_owned() } else { code(rest) };
                other.project().agent(&self.agent, &self.org).file("src/index.ts", text);
                let mut command = other.command(BINARY);
                command.env("KEEPSTEP_URL", self.platform().url()).env("KEEPSTEP_API_KEY", &self.key);
                let output = command.args(["push", "persona", "--force"]).stdin(Stdio::null()).output().unwrap();
                if !output.status.success() {
                    return Err(transcript(&output));
                }
            }
            "proxy" => match rest {
                "lets nothing through" => self.proxy().otherwise(Fault::Drop),
                "lets everything through" => self.proxy().otherwise(Fault::Pass),
                _ => return Err(format!("{step:?} is not what a proxy does")),
            },
            "write" => {
                let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
                let path = self.world.path().join("project").join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, self.filled(text)?).unwrap();
            }
            "remove" => {
                let path = self.world.project().path().join(rest);
                if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
            }
            _ => return Err(format!("{step:?} is no step for the time while a command runs")),
        }
        Ok(())
    }

    /// Does one step: a named one, or a command that must end well; one behind `try` may end as it likes.
    pub(super) fn step(&mut self, step: &str) -> Result<(), String> {
        let (name, rest) = step.split_once(' ').unwrap_or((step, ""));
        match (name, rest) {
            ("own" | "empty", "server") => {}
            ("proxy", "") => self.proxy = Some(Proxy::before(self.platform().address())),
            // One answer comes from somebody else.
            ("answer", rest) => {
                let parts: Vec<&str> = rest.splitn(4, ' ').collect();
                let [method, path, status, body] = parts.as_slice() else { return Err(format!("{step:?} has too few words")) };
                let body: Value = serde_json::from_str(&self.filled(body)?).map_err(|error| format!("{step:?}: {error}"))?;
                self.proxy().on(method, path, Fault::Answer(Reply::json(status.parse().unwrap(), &body)));
            }
            // Of what is asked, the server answers with what it said before, and does nothing.
            ("ignore", rest) => {
                let (method, path) = rest.split_once(' ').unwrap_or((rest, ""));
                let state = self.agent_state(|state| state.to_owned())?;
                self.proxy().on(method, path, Fault::Answer(state));
            }
            // Twice, the server says that the agent's name is empty.
            ("server", "without a name") => {
                for _ in 0..2 {
                    let state = self.agent_state(|state| state.replace("\"Helper\"", "\"\""))?;
                    self.proxy().on("GET", "/state", Fault::Answer(state));
                }
            }
            // What happens while a request of the next command is on its way, or the answer to it.
            ("during" | "after", rest) => {
                let parts: Vec<&str> = rest.splitn(3, ' ').collect();
                let [method, path, step] = parts.as_slice() else { return Err(format!("{step:?} has too few words")) };
                self.proxy().on(method, path, if name == "during" { Fault::Hold } else { Fault::HoldResponse });
                self.meanwhile = Some((*step).to_owned());
            }
            // What a person waits for, and presses then.
            ("press", rest) => {
                let (keys, text) = rest.split_once(" at ").unwrap_or((rest, ""));
                self.keys.push((text.to_owned(), keys.replace("Enter", "\r").replace("Down", "\x1b[B")));
            }
            ("elsewhere", "") => {
                let location = self.url();
                self.other = Some(Canned::start(move |request| {
                    Reply::new(307, &[("location", &format!("{location}{}", request.target))], "")
                }));
            }
            // It answers nothing until it is asked to go on: what is given a second does not get its answer.
            ("slow", "server") => {
                let (slowness, waits) = mpsc::channel::<()>();
                self.slowness = Some(slowness);
                self.other = Some(Canned::start(move |_| {
                    // The other end is dropped, never sent to.
                    let _ = waits.recv();
                    Reply::json(200, &json!([]))
                }));
            }
            ("server", "answers") => self.slowness = None,
            ("copy", rest) => {
                let (from, to) = rest.split_once(" to ").unwrap_or((rest, ""));
                let folder = self.world.project().path().to_owned();
                let output = Command::new("cp").args(["-R", from, to]).current_dir(folder).output().unwrap();
                assert!(output.status.success(), "{}", transcript(&output));
            }
            ("git", rest) => {
                let mut git = self.world.command("git");
                git.args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"])
                    .args(words(&self.filled(rest)?));
                let output = git.output().map_err(|error| format!("git: {error}"))?;
                // A merge with conflicts is what one of them is for.
                if !output.status.success() && !rest.starts_with("merge") {
                    return Err(format!("`{step}`\n{}", transcript(&output)));
                }
            }
            ("key", role) => self.key = self.platform().key(role),
            // A project of an agent.
            ("agent", "") => {
                self.world.project().agent(&self.agent, &self.org).file("src/index.ts", code(FIRST));
            }
            ("colleague" | "write" | "remove" | "proxy", _) => self.outside(step)?,
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
            // The same, with many questions, to which the agent's answers are not what one likes.
            ("many", "questions") => {
                let inputs: String = (0..60).map(|number| format!("  - {{text: question {number}}}\n")).collect();
                self.world.project().file("orders.yaml", format!("scenario: {{name: orders}}\ninputs:\n{inputs}"));
                self.all(&["bundles import orders.yaml"])?;
            }
            // An agent that has somebody stop the test, as with Ctrl-C, or at once.
            ("stopping", signal) => {
                let number = if signal == "softly" { "2" } else { "9" };
                self.scenario_file("agents/my_agent.py", &STOPPING_AGENT.replace("SIGNAL", number));
            }
            // A program that cannot be started, until somebody mends it.
            ("down", "agent") => {
                let runs = "runner: {type: process, command: [./agent.sh], working_directory: .fluxloop/scenarios/orders}\n";
                self.scenario_file(
                    "configs/simulation.yaml",
                    &format!("name: orders\niterations: 1\noutput_directory: experiments\n{runs}"),
                );
                self.scenario_file("agent.sh", "#!/nowhere/sh\n");
                let path = self.world.project().path().join(".fluxloop/scenarios/orders/agent.sh");
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
            ("up", "agent") => {
                self.scenario_file("agent.sh", "#!/bin/sh\necho '{\"success\": true, \"output\": \"fine\"}'\n");
            }
            ("sorry", "agent") => self.scenario_file("agents/my_agent.py", "def run(input):\n    return 'sorry, ' + input\n"),
            // A criterion that a model judges.
            ("judge", "") => {
                let runs = "runner:\n  target: \"agents.my_agent:run\"\n";
                let judge = "judge:\n  model: small-judge\n  runner: {type: process, command: [python3, judge.py], working_directory: .fluxloop/scenarios/orders}\n";
                let plan = format!("name: orders\niterations: 1\noutput_directory: experiments\n{runs}{judge}");
                self.scenario_file("configs/simulation.yaml", &plan);
                self.scenario_file("criteria/own.yaml", "- Be polite\n");
                self.scenario_file(
                    "judge.py",
                    "import json, sys\nsys.stdin.readline()\nverdict = json.dumps({'passed': True, 'score': 1, 'reason': 'it is'})\nprint(json.dumps({'success': True, 'output': verdict}))\n",
                );
            }
            // A question that is another one here and on the server.
            ("both", "changed") => {
                let path = ".fluxloop/scenarios/orders/inputs/generated.yaml";
                let mine = self.world.project().read(path).replace("Where is my order?", "Where is my order today?");
                self.world.project().file(path, mine);
                self.world.project().file("orders.yaml", ORDERS.replace("Where is my order?", "Where is my order now?"));
                self.all(&["bundles import orders.yaml", "remove orders.yaml"])?;
            }
            ("go", "") => {
                self.scenario_file("go", "");
                self.world.project().file("go", "");
            }
            ("tested", "") => self.all(&["pulled", "try test --skip-upload"])?,
            ("try", line) => {
                self.run_once(line)?;
            }
            ("code", text) => {
                self.world.project().file("src/index.ts", code(text));
            }
            _ => {
                let said = self.run_once(step)?;
                if said.code != 0 {
                    return Err(format!("`{step}` to get there\n{}", said.shown));
                }
            }
        }
        Ok(())
    }
}

/// Starts a server, ends it once it is there, and returns what it said.
fn served(mut command: Command) -> Said {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut answer = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while lines.read_line(&mut answer).is_ok_and(|length| length > 0) {
        if answer.contains("http://") {
            kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
            break;
        }
    }
    lines.read_to_string(&mut answer).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &answer;
    Said { code: output.status.code().unwrap_or(-1), shown: text.clone(), answer, text }
}
