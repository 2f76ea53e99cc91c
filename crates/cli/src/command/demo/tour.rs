//! The tour: what is shown, in which order, and in which words.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dialoguer::console::Key;
use keepstep_base::AgentId;
use keepstep_source::skill_file;

use super::platform::Platform;
use crate::session::checkout::files::write_whole;
use crate::session::context::Context;
use crate::shell::exit;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, without_colors};
use crate::shell::prompt;
use crate::shell::visible::word;

const COLLEAGUE: &str = "Maria";

const FIRST: &str = "You answer questions about orders of a small bookshop.

Be friendly.
Never promise a delivery date.
Close with the order number.";

const BY_COLLEAGUE: &str = "You answer questions about orders of a small bookshop.

Be friendly, and brief.
Never promise a delivery date.
Close with the order number.";

const BY_COLLEAGUE_LATER: &str = "You answer questions about orders of a small bookshop.

Be friendly, and brief.
Never promise a delivery date.
Close with the order number and a thank-you.";

/// What the colleague would like to change next, and asks for a review of.
const PROPOSED: &str = "You answer questions about orders of the bookshop Lamplight.

Be friendly, and brief.
Never promise a delivery date; say when to ask again.
Close with the order number and a thank-you.
Answer in the language of the question.";

/// The questions that the agent is tested with and what its answers must be like, as the colleague publishes them at first.
const QUESTIONS: &str = r"scenario: {name: orders, description: Questions about orders}
personas:
  - {name: hurried, description: Wants an answer now}
criteria:
  - name: House rules
    items:
      - {name: Never promises a date, not_regex: '\d+ December'}
      - {name: Closes with the order number, regex: 'Order \d+'}
inputs:
  - {text: Where is my order?, persona: hurried}
  - {text: Can I still change the address of order 4711?, persona: hurried}
";

const QUESTION_LATER: &str = "  - {text: Will it be here before Christmas?, persona: hurried}
";

/// Stands in for the agent in the tests: any program that reads a line of JSON and writes one will do, in any language.
const ANSWERING: &str = r#"while read -r line; do
  case "$line" in
    *Christmas*) text='Yes, it arrives on 20 December. Order 4711. Thank you!' ;;
    *address*) text='Yes, as long as it is not packed. Order 4711. Thank you!' ;;
    *) text='It was packed this morning. Order 4711. Thank you!' ;;
  esac
  printf '{"type":"final","output":"%s"}\n' "$text"
done
"#;

const PROMISE: &str = "Yes, it arrives on 20 December.";
const NO_PROMISE: &str = "It is on its way, but I cannot name a day.";

const RUNNER: &str = "name: orders
runner:
  process:
    command: [sh, answer.sh]
    protocol: jsonl
    reuse: true
";

/// How many steps there are.
const STEPS: usize = 6;

/// A command of the tour.
struct Shown<'a> {
    arguments: &'a [&'a str],
    /// The exit code that it must end with.
    expected: u8,
    /// The lines that have one of these are shown; none of these shows all.
    lines: &'a [&'a str],
}

/// Returns a command that ends well, of whose output the lines with one of some texts are shown.
fn succeeds<'a>(arguments: &'a [&'a str], lines: &'a [&'a str]) -> Shown<'a> {
    Shown { arguments, expected: exit::DONE, lines }
}

/// Returns a command that finds something and says so by its exit code.
fn finds<'a>(arguments: &'a [&'a str], lines: &'a [&'a str]) -> Shown<'a> {
    Shown { arguments, expected: exit::FOUND, lines }
}

/// Shows everything once. `pause` says whether a person steps through it.
pub(super) fn run(context: &Context, world: &Path, platform: &Platform, pause: bool) -> Result<(), Failure> {
    let mut tour = Tour { context, world: world.to_owned(), platform, pause, step: 0 };

    tour.begins("You write an agent in TypeScript. Its persona goes to the server.")?;
    let key = platform.key("you")?;
    tour.silently(&["login", platform.url(), "--with-key"], &key)?;
    tour.runs(&[succeeds(&["init", "agent", ".", "--name", "Bookshop"], &["src/index.ts"])])?;
    tour.edit_code(FIRST)?;
    tour.runs(&[succeeds(&["push", "persona", "--force"], &["+ You", "+ Be", "+ Never", "+ Close", "published"])])?;

    tour.begins(&format!("{COLLEAGUE} edits the persona in the browser. A check in CI sees it."))?;
    let colleague = platform.key(COLLEAGUE)?;
    let agent = tour.agent()?;
    platform.publish(&colleague, &agent, BY_COLLEAGUE, "Shorter answers")?;
    tour.runs(&[finds(&["sync", "--check"], &["Persona", "- Be", "+ Be"])])?;

    tour.begins("You accept her text: only that text in your code changes.")?;
    tour.runs(&[succeeds(&["sync", "--accept"], &["src/index.ts", "undo"])])?;

    tour.begins("Now both of you edit. What does not overlap is merged, and no edit is lost.")?;
    tour.edit_code(&BY_COLLEAGUE.replace("a small bookshop", "the bookshop Lamplight"))?;
    platform.publish(&colleague, &agent, BY_COLLEAGUE_LATER, "Say thank you")?;
    tour.runs(&[succeeds(&["sync", "--merge"], &["Persona", "- You", "+ You", "- Close", "+ Close"])])?;
    tour.runs(&[succeeds(&["sync", "--check"], &["No drift", "step"])])?;

    tour.begins(&format!("{COLLEAGUE}'s test inputs come to your machine, your agent answers, and the results go up."))?;
    tour.silently(&["projects", "create", "--name", "Bookshop"], "")?;
    let project = tour.test_project()?;
    platform.import(&project, QUESTIONS)?;
    tour.silently(&["sync", "pull"], "")?;
    tour.writes(".fluxloop/scenarios/orders/configs/simulation.yaml", RUNNER)?;
    tour.writes(".fluxloop/scenarios/orders/answer.sh", ANSWERING)?;
    tour.reword_question("Where is my order?", "Where is my order 4711?")?;
    platform.import(&project, &format!("{QUESTIONS}{QUESTION_LATER}"))?;
    tour.runs(&[
        succeeds(&["sync", "pull"], &["added"]),
        finds(&["test"], &["✗", "Never promises a date: expected", "must not", "passed"]),
    ])?;

    tour.begins("You mend the agent. What did that change?")?;
    tour.writes(".fluxloop/scenarios/orders/answer.sh", &ANSWERING.replace(PROMISE, NO_PROMISE))?;
    tour.runs(&[succeeds(&["test"], &["passed"])])?;
    tour.runs(&[succeeds(&["results", "compare", "latest~1", "latest"], &["Pass rate", "- Yes", "+ It is"])])?;
    // What waits on the first page of the dashboard.
    platform.propose(&colleague, &agent, PROPOSED)?;
    tour.ends()
}

struct Tour<'a> {
    context: &'a Context,
    world: PathBuf,
    platform: &'a Platform,
    pause: bool,
    step: usize,
}

impl Tour<'_> {
    /// Begins a step, on a screen of its own where somebody steps through the tour.
    fn begins(&mut self, text: &str) -> Result<(), Failure> {
        if self.step > 0 {
            self.ends()?;
        }
        self.step += 1;
        let printer = &self.context.printer;
        if self.pause {
            printer.clear_screen();
        }
        if self.pause || self.step == 1 {
            printer.answer(Text::of(Label::Heading, "keepstep in half a minute, on throw-away data"));
        }
        if self.step > 1 || self.pause {
            printer.answer("");
        }
        printer.answer(Text::of(Label::Unchanged, format!("{}/{STEPS}  ", self.step)).and(Label::Heading, text));
        Ok(())
    }

    /// Waits until the person has read a step.
    fn ends(&mut self) -> Result<(), Failure> {
        if !self.pause {
            return Ok(());
        }
        let printer = &self.context.printer;
        printer.answer("");
        let keys = Text::of(Label::Hint, "Enter");
        printer.status(if self.step < STEPS {
            keys.and(Label::Plain, ": next step   ").and(Label::Hint, "q").and(Label::Plain, ": to the server")
        } else {
            keys.and(Label::Plain, ": to the server")
        });
        match prompt::key()? {
            Key::Char('q') | Key::Escape => self.pause = false,
            _ => {}
        }
        Ok(())
    }

    /// Runs commands as one line of a shell that joins them with `&&`, and shows it.
    fn runs(&self, commands: &[Shown<'_>]) -> Result<(), Failure> {
        let lines: Vec<String> = commands.iter().map(|command| self.context.typed(&as_typed(command.arguments))).collect();
        let printer = &self.context.printer;
        printer.answer(Text::from("  $ ").and(Label::Command, lines.join(" && ")));
        for command in commands {
            let (output, code) = self.output_of(command.arguments, "")?;
            for line in output.lines() {
                let plain = without_colors(line);
                if command.lines.is_empty() || command.lines.iter().any(|text| plain.contains(text)) {
                    printer.own_line("    ", line.trim_end());
                }
            }
            self.must_end_with(command.arguments, code, command.expected, &output)?;
            if command.expected != exit::DONE {
                printer.answer(Text::of(Label::Unchanged, format!("    exit code {}", command.expected)));
            }
        }
        Ok(())
    }

    /// Runs a command that belongs to the tour's set-up.
    fn silently(&self, arguments: &[&str], input: &str) -> Result<(), Failure> {
        let (output, code) = self.output_of(arguments, input)?;
        self.must_end_with(arguments, code, exit::DONE, &output)
    }

    fn must_end_with(&self, arguments: &[&str], code: Option<i32>, expected: u8, output: &str) -> Result<(), Failure> {
        if code == Some(i32::from(expected)) {
            return Ok(());
        }
        let ended = code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        let line = as_typed(arguments);
        let output = without_colors(output);
        Err(Failure::usage(format!("`{line}` ended with {ended} instead of exit code {expected}:\n{}", output.trim_end())))
    }

    /// Runs a command of this program and returns what it printed and its exit code.
    fn output_of(&self, arguments: &[&str], input: &str) -> Result<(String, Option<i32>), Failure> {
        let fail = |error| Failure::io("run", &format!("`{}`", as_typed(arguments)), error);
        let program = std::env::current_exe().map_err(fail)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(["--color", if self.context.printer.is_answer_colored() { "always" } else { "never" }])
            .current_dir(self.project()?)
            .env_clear()
            .env("HOME", self.world.join("home"))
            .env("KEEPSTEP_URL", self.platform.url())
            .stdin(Stdio::piped());
        // One pipe for both, so that lines stay in the order in which they were printed.
        let (mut printed, pipe) = io::pipe().map_err(fail)?;
        command.stdout(pipe.try_clone().map_err(fail)?).stderr(pipe);
        let mut child = command.spawn().map_err(fail)?;
        // It holds the writing ends, and nothing would end while they are open.
        drop(command);
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read its input may be gone already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let mut text = Vec::new();
        printed.read_to_end(&mut text).map_err(fail)?;
        let status = child.wait().map_err(fail)?;
        Ok((String::from_utf8_lossy(&text).into_owned(), status.code()))
    }

    fn project(&self) -> Result<PathBuf, Failure> {
        let folder = self.world.join("bookshop");
        fs::create_dir_all(&folder).map_err(|error| Failure::io("create", &folder.display().to_string(), error))?;
        Ok(folder)
    }

    fn agent(&self) -> Result<AgentId, Failure> {
        Ok(skill_file::read(&self.project()?)?.agent_id)
    }

    /// Returns the id of the project on the platform that the workspace is connected to.
    fn test_project(&self) -> Result<String, Failure> {
        let path = self.project()?.join(".fluxloop/project.json");
        let text = fs::read_to_string(&path).map_err(|error| Failure::io("read", &path.display().to_string(), error))?;
        let document: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        match document.get("project_id").and_then(serde_json::Value::as_str) {
            Some(id) => Ok(id.to_owned()),
            None => Err(Failure::usage(format!("{} names no project", path.display()))),
        }
    }

    /// Changes a question as a developer would.
    fn reword_question(&self, before: &str, after: &str) -> Result<(), Failure> {
        let path = self.project()?.join(".fluxloop/scenarios/orders/inputs/generated.yaml");
        let text = fs::read_to_string(&path).map_err(|error| Failure::io("read", &path.display().to_string(), error))?;
        write_whole(&path, text.replace(before, after).as_bytes())
            .map_err(|error| Failure::io("write", &path.display().to_string(), error))
    }

    /// Writes a file of the project.
    fn writes(&self, path: &str, text: &str) -> Result<(), Failure> {
        let path = self.project()?.join(path);
        write_whole(&path, text.as_bytes()).map_err(|error| Failure::io("write", &path.display().to_string(), error))
    }

    /// Writes the code as a developer would.
    fn edit_code(&self, persona: &str) -> Result<(), Failure> {
        let code = format!(
            "import {{ LuaAgent }} from 'lua-cli';\n\nexport const agent = new LuaAgent({{\n  name: 'Bookshop',\n  persona: `{persona}`,\n}});\n"
        );
        self.writes("src/index.ts", &code)
    }
}

/// Returns arguments as one would type them.
fn as_typed(arguments: &[&str]) -> String {
    let words: Vec<String> = arguments.iter().map(|argument| word(argument)).collect();
    words.join(" ")
}
