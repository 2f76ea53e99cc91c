//! What is tested, as a person names it, and the configuration that says so.

use std::path::{Path, PathBuf};

use keepstep_runner::config::{is_node_module, is_typescript};
use serde_json::{Value, json};

use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::prompt;

/// The forms, as an example of each.
pub(crate) const FORMS: &str = "shop.agent:run, agent/agent.mjs#answer or http://localhost:8000/chat";

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Agent {
    /// A function: `package.module:function`, or `path/file.mjs#function`.
    Function(String),
    /// The address of a service.
    Service(String),
    /// A program and its arguments.
    Program(Vec<String>),
}

impl Agent {
    /// Reads what a person typed.
    pub(crate) fn parse(typed: &str) -> Result<Self, Failure> {
        let typed = typed.trim();
        if typed.starts_with("http://") || typed.starts_with("https://") {
            let is_address = url::Url::parse(typed).is_ok_and(|url| url.has_host());
            return if is_address { Ok(Self::Service(typed.to_owned())) } else { Err(invalid(typed)) };
        }
        if let Some((file, function)) = typed.rsplit_once(':').filter(|(file, _)| is_node_module(file)) {
            return Err(Failure::Usage {
                message: format!("{file} is a Node module; write it as {file}#{function}"),
                hint: None,
            });
        }
        if is_node_module(typed) {
            return Err(Failure::Usage {
                message: format!("{typed} names no function; write it as {typed}#function"),
                hint: None,
            });
        }
        if let Some((file, function)) = typed.split_once('#') {
            if is_node_module(file) && !function.is_empty() && !function.contains(char::is_whitespace) {
                return Ok(Self::Function(typed.to_owned()));
            }
            if let Some(module) = file.strip_suffix(".py") {
                let module = module.replace('/', ".");
                let message = format!("{file} is a Python module; write it as {module}:{function}");
                return Err(Failure::Usage { message, hint: None });
            }
        }
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || character == '_');
        match typed.split_once(':') {
            Some((module, function)) if function.split('.').all(is_name) => {
                // A path is taken for what it means: the folders of a package.
                let module = module.strip_suffix(".py").map_or_else(|| module.to_owned(), |path| path.replace('/', "."));
                let module = module.trim_start_matches('.');
                if module.split('.').all(is_name) {
                    Ok(Self::Function(format!("{module}:{function}")))
                } else {
                    Err(invalid(typed))
                }
            }
            _ => Err(invalid(typed)),
        }
    }

    /// Asks the person at the terminal; `None` if they write the configuration themselves.
    pub(crate) fn ask(context: &Context) -> Result<Option<Self>, Failure> {
        let choices = ["a Python function", "a Node module", "an address (HTTP)", "a program", "I write configs/simulation.yaml"];
        let question = match prompt::select(&context.printer, "What is it?", &choices)? {
            0 => "Which function? (package.module:function)",
            1 => "Which function? (path/file.mjs#function, or .ts)",
            2 => "Which address? (http://…, answering with JSON or server-sent events)",
            3 => {
                let typed =
                    prompt::text(&context.printer, "Which program? (with its arguments; a JSON line in, a JSON line out)")?;
                return words(&typed).map(Self::Program).map(Some);
            }
            _ => return Ok(None),
        };
        Self::parse(&prompt::text(&context.printer, question)?).map(Some)
    }

    /// Returns it for people.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Function(target) if is_node(target) => format!("node {target}"),
            Self::Function(target) => format!("python {target}"),
            Self::Service(url) => url.clone(),
            Self::Program(command) => command.join(" "),
        }
    }

    /// Returns the section `runner`. `here` is the way from the scenario's folder to the one that was typed in.
    pub(crate) fn runner(&self, here: &Path) -> String {
        // JSON is YAML, and takes every character as it is.
        let text = |value: &str| Value::from(value).to_string();
        let here = text(&here.to_string_lossy());
        match self {
            Self::Function(target) => {
                format!(
                    "runner:\n  target: {}\n  # Where modules are looked for first, from this scenario's folder.\n  working_directory: {here}\n  timeout_seconds: 120\n",
                    text(target)
                )
            }
            Self::Service(url) => format!(
                "runner:\n  http:\n    url: {}\n    method: POST\n    # What is sent. `$.messages` is the conversation, `$.session_id` the same for all of it.\n    body_template:\n      type: json\n      mapping: {{input: \"$.input\"}}\n    # Where the text of the answer is, if not at one of the usual places.\n    # output_path: choices[0].message.content\n    # stream_output_path: delta\n  timeout_seconds: 120\n",
                text(url)
            ),
            Self::Program(command) => format!(
                "runner:\n  process:\n    # A line of JSON in ({{\"input_text\": …}}), a line of JSON out ({{\"success\": true, \"output\": …}}).\n    command: {}\n    protocol: ndjson\n    cwd: {here}\n  timeout_seconds: 120\n",
                json!(command)
            ),
        }
    }
}

fn is_node(target: &str) -> bool {
    target.split_once('#').is_some_and(|(file, _)| is_node_module(file) || is_typescript(file))
}

/// Returns the way from a folder to another one, both whole.
pub(crate) fn way(from: &Path, to: &Path) -> PathBuf {
    let (mut from, mut to) = (from.components().peekable(), to.components().peekable());
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let way: PathBuf = from.map(|_| Path::new("..")).chain(to.map(|part| Path::new(part.as_os_str()))).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

/// Returns the words of a command line without anything that a shell would have to understand.
fn words(typed: &str) -> Result<Vec<String>, Failure> {
    let special = typed.contains(['"', '\'', '\\', '$', '`', '|', '&', ';', '<', '>', '*', '?']);
    let words: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
    if special || words.is_empty() {
        return Err(Failure::Usage {
            message: "the program must be words without quotes and signs of a shell".to_owned(),
            hint: Some("`keepstep init scenario NAME --agent -- program argument` takes every argument as it is".to_owned()),
        });
    }
    Ok(words)
}

fn invalid(typed: &str) -> Failure {
    Failure::Usage {
        message: format!("invalid agent {typed:?}: write package.module:function, path/file.mjs#function or http://…"),
        hint: Some("a program stands behind two dashes: `keepstep init scenario NAME --agent -- program argument`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(typed: &str) -> Result<Agent, String> {
        Agent::parse(typed).map_err(|failure| failure.message())
    }

    #[test]
    fn each_form_is_known_and_a_mixed_one_is_corrected() {
        for typed in ["shop.agent:run", "a:Agent.answer", "agent/agent.mjs#answer", "./a.ts#default", "a.cjs#run", "x.tsx#a.b"] {
            assert_eq!(parsed(typed), Ok(Agent::Function(typed.to_owned())), "{typed}");
        }
        assert_eq!(parsed("shop/agent.py:run"), Ok(Agent::Function("shop.agent:run".to_owned())));
        assert_eq!(parsed(" http://localhost:8000/chat "), Ok(Agent::Service("http://localhost:8000/chat".to_owned())));
        for (typed, said) in [
            ("agent/agent.mjs:answer", "agent/agent.mjs is a Node module; write it as agent/agent.mjs#answer"),
            ("src/a.ts:run", "src/a.ts is a Node module; write it as src/a.ts#run"),
            ("a.js", "a.js names no function; write it as a.js#function"),
            ("shop/agent.py#run", "shop/agent.py is a Python module; write it as shop.agent:run"),
        ] {
            assert_eq!(parsed(typed), Err(said.to_owned()), "{typed}");
        }
        for typed in ["", "run", "a b:c", "http://", ":run", "a:", "a.rb#x", "ftp://x", "a:b c"] {
            assert!(parsed(typed).unwrap_err().starts_with("invalid agent"), "{typed}");
        }
    }

    #[test]
    fn a_way_goes_up_and_down() {
        for (from, to, expected) in
            [("/a/b/c", "/a", "../.."), ("/a", "/a/b", "b"), ("/a/b", "/a/b", "."), ("/a/b", "/c", "../../c")]
        {
            assert_eq!(way(Path::new(from), Path::new(to)), Path::new(expected));
        }
    }

    #[test]
    fn whatever_is_typed_stays_itself_in_the_configuration() {
        let agent = Agent::Program(vec!["./a b".to_owned(), "x\": y\n# \u{e9}".to_owned(), "007".to_owned()]);
        let value = keepstep_workspace::yaml::parse(&agent.runner(Path::new("../.."))).unwrap();
        assert_eq!(value["runner"]["process"]["command"], json!(["./a b", "x\": y\n# \u{e9}", "007"]));
    }
}
