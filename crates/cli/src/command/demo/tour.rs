//! The tour: what is shown, in which order, and in which words.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keepstep_core::AgentId;
use keepstep_source::skill_file;

use super::platform::Platform;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::files::write_whole;
use crate::printer::{Label, Text};

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

/// Shows everything once.
pub(super) fn run(context: &Context, world: &Path, platform: &Platform) -> Result<(), Failure> {
    let tour = Tour { context, world: world.to_owned(), platform };
    tour.title("keepstep keeps an AI agent's code and its platform in step. This is a tour on throw-away data.");

    tour.step("A platform. It holds the agent that production uses, and colleagues edit it in the browser.");
    tour.typed(&context.typed("serve"));
    tour.prints(&format!("keepstep serves {}\n", platform.url()));

    tour.step("A project. The agent is TypeScript in git; `init agent` makes it here and on the platform.");
    let key = platform.key("you")?;
    let login = ["login", platform.url()];
    tour.typed(&context.typed(&spoken(&login)));
    tour.runs_with(&login, &["--with-key"], &key, exit::DONE)?;
    tour.runs(&["init", "agent", ".", "--name", "Bookshop"], exit::DONE)?;
    tour.edit_code(FIRST)?;

    tour.step("You publish the persona that you wrote in src/index.ts.");
    tour.runs(&["push", "persona", "--force"], exit::DONE)?;

    tour.step(&format!("Meanwhile {COLLEAGUE} edits the persona in the browser. A check in CI sees it, and exits 1."));
    let colleague = platform.key(COLLEAGUE)?;
    let agent = tour.agent()?;
    platform.publish(&colleague, &agent, BY_COLLEAGUE, "Shorter answers")?;
    tour.runs(&["sync", "--check"], exit::FOUND)?;

    tour.step("You take her text: it is written into the literal in your code, and nothing else changes there.");
    tour.runs(&["sync", "--accept"], exit::DONE)?;

    tour.step(&format!(
        "Now both of you edit: you the first line, {COLLEAGUE} the last. keepstep knows who changed what, and merges."
    ));
    tour.edit_code(&BY_COLLEAGUE.replace("a small bookshop", "the bookshop Lamplight"))?;
    platform.publish(&colleague, &agent, BY_COLLEAGUE_LATER, "Say thank you")?;
    tour.runs(&["sync", "--merge"], exit::DONE)?;

    tour.step("You edit once more and publish. What was replaced stays a version, and the line that brings it back is shown.");
    tour.edit_code(&BY_COLLEAGUE_LATER.replace("a small bookshop", "the bookshop Lamplight").replace("brief", "clear"))?;
    tour.runs(&["sync", "--push"], exit::DONE)?;

    tour.step("Code and platform are in step.");
    tour.runs(&["sync", "--check"], exit::DONE)?;
    tour.runs(&["persona", "production", "versions"], exit::DONE)?;

    tour.step(&format!(
        "Now the tests. A project on the platform holds the questions that {COLLEAGUE} wants to be answered, and her rules."
    ));
    tour.runs(&["projects", "create", "--name", "Bookshop"], exit::DONE)?;
    let project = tour.test_project()?;
    platform.import(&project, QUESTIONS)?;
    tour.runs(&["sync", "pull"], exit::DONE)?;

    tour.step(&format!(
        "{COLLEAGUE} adds a question, and you reword one. Pull brings hers and keeps yours; the agent answers here, and the \
         results go to the platform. One answer breaks a rule: CI would stop, with exit code 1."
    ));
    tour.writes(".fluxloop/scenarios/orders/configs/simulation.yaml", RUNNER)?;
    tour.writes(".fluxloop/scenarios/orders/answer.sh", ANSWERING)?;
    tour.reword_question("Where is my order?", "Where is my order 4711?")?;
    platform.import(&project, &format!("{QUESTIONS}{QUESTION_LATER}"))?;
    tour.runs_in_turn(&[(&["sync", "pull"], exit::DONE), (&["test"], exit::FOUND)])?;

    tour.step("You mend the agent (any program may be one; here it is a script), and look at what that changed.");
    tour.writes(".fluxloop/scenarios/orders/answer.sh", &ANSWERING.replace(PROMISE, NO_PROMISE))?;
    tour.runs(&["test"], exit::DONE)?;
    tour.runs(&["results", "compare", "latest~1", "latest"], exit::DONE)?;

    tour.step("One look at everything: the agent, the questions, the results.");
    tour.runs(&["sync", "status"], exit::DONE)
}

struct Tour<'a> {
    context: &'a Context,
    world: PathBuf,
    platform: &'a Platform,
}

impl Tour<'_> {
    fn title(&self, text: &str) {
        self.context.printer.answer(Text::of(Label::Heading, text));
    }

    fn step(&self, text: &str) {
        self.context.printer.answer("");
        self.context.printer.answer(Text::of(Label::Heading, text));
    }

    fn typed(&self, line: &str) {
        self.context.printer.answer(Text::from("  $ ").and(Label::Command, line));
    }

    /// Shows what a command printed, indented.
    fn prints(&self, text: &str) {
        if self.context.printer.is_json() {
            return;
        }
        let indented: String = text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
        self.context.printer.exact(&indented);
    }

    /// Runs a command of this program and shows it.
    fn runs(&self, arguments: &[&str], expected: u8) -> Result<(), Failure> {
        self.runs_in_turn(&[(arguments, expected)])
    }

    /// Runs commands as one line of a shell that joins them with `&&`, and shows it.
    fn runs_in_turn(&self, commands: &[(&[&str], u8)]) -> Result<(), Failure> {
        let lines: Vec<String> = commands.iter().map(|(arguments, _)| self.context.typed(&spoken(arguments))).collect();
        self.typed(&lines.join(" && "));
        commands.iter().try_for_each(|(arguments, expected)| self.runs_with(arguments, &[], "", *expected))
    }

    /// Runs a command of this program. What is hidden belongs to the tour and not to the command.
    fn runs_with(&self, arguments: &[&str], hidden: &[&str], input: &str, expected: u8) -> Result<(), Failure> {
        let line = spoken(arguments);
        let fail = |error| Failure::io("run", &format!("`{}`", line), error);
        let program = std::env::current_exe().map_err(fail)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(hidden)
            .args(["--color", if self.context.printer.is_colored() { "always" } else { "never" }])
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
        self.prints(&String::from_utf8_lossy(&text));
        let status = child.wait().map_err(fail)?;
        if status.code() == Some(i32::from(expected)) {
            return Ok(());
        }
        Err(Failure::usage(format!("`{}` ended with {} instead of the exit code {expected}", line, status)))
    }

    fn project(&self) -> Result<PathBuf, Failure> {
        let folder = self.world.join("bookshop");
        fs::create_dir_all(&folder).map_err(|error| Failure::io("make", &folder.display().to_string(), error))?;
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
fn spoken(arguments: &[&str]) -> String {
    let words: Vec<String> =
        arguments.iter().map(|word| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() }).collect();
    words.join(" ")
}
