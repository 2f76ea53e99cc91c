//! The only place that prints.
//!
//! Commands say what a piece of text *is* (a [`Label`]); a table in `text` says how that looks. Stdout carries what
//! somebody may pipe: the answer, or with `--json` one document. Everything else goes to stderr.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, OnceLock};

use dialoguer::console::Term;
use keepstep_results::report::github;
use keepstep_workspace::experiments::redact::Redactor;
use serde_json::Value;
use terminal_size::{Width, terminal_size_of};

pub(crate) use crate::shell::label::Label;
use crate::shell::program::{Program, about_scenario};
pub(crate) use crate::shell::text::Text;
use crate::shell::visible::{visible, visible_json};
use crate::shell::wrap::{beginning, columns, cut};

/// When to use color.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is dumb; elsewhere where `CLICOLOR_FORCE` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The members of a document that say where something is or what it is called, and not what anybody said.
const NAMES: [&str; 7] = ["schema", "event", "status", "scenario", "experiment", "folder", "run_id"];

/// How the caller wants to be talked to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// One JSON document on stdout.
    pub(crate) json: bool,
    /// No status lines and hints.
    pub(crate) quiet: bool,
    /// Color on stdout.
    pub(crate) color_stdout: bool,
    /// Color on stderr.
    pub(crate) color_stderr: bool,
    /// How wide stdout is, if it is a terminal.
    pub(crate) width_stdout: Option<usize>,
    /// How wide stderr is, if it is a terminal.
    pub(crate) width_stderr: Option<usize>,
    /// Lines that begin in a certain way are commands to whoever reads the log, as in GitHub Actions.
    pub(crate) log_has_commands: bool,
    /// Stdout is the screen of the person who runs the command.
    pub(crate) own_stdout: bool,
    /// The same for stderr.
    pub(crate) own_stderr: bool,
    /// A terminal, where there is one, obeys escape codes.
    pub(crate) has_codes: bool,
}

impl Manner {
    /// Returns the manner that the flags and the environment ask for. `has_codes` says that a terminal obeys escape codes; one that does
    /// not shows them as text.
    pub(crate) fn new(json: bool, quiet: bool, color: ColorChoice, no_color: bool, force_color: bool, has_codes: bool) -> Self {
        let decide = |is_terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if no_color => false,
            ColorChoice::Auto => force_color || is_terminal && has_codes,
        };
        Self {
            json,
            quiet,
            color_stdout: decide(io::stdout().is_terminal()),
            color_stderr: decide(io::stderr().is_terminal()),
            width_stdout: terminal_size_of(io::stdout()).map(|(Width(width), _)| usize::from(width)),
            width_stderr: terminal_size_of(io::stderr()).map(|(Width(width), _)| usize::from(width)),
            log_has_commands: false,
            own_stdout: io::stdout().is_terminal() && !json,
            own_stderr: io::stderr().is_terminal(),
            has_codes,
        }
    }

    /// Returns the same for a log that is kept: then nothing is the person's own screen.
    pub(crate) fn in_log(self, is_log: bool) -> Self {
        Self { own_stdout: self.own_stdout && !is_log, own_stderr: self.own_stderr && !is_log, ..self }
    }

    /// Returns the same for a log in which lines can be commands.
    pub(crate) fn in_log_with_commands(self, log_has_commands: bool) -> Self {
        Self { log_has_commands, ..self }
    }
}

/// Prints.
#[derive(Debug)]
pub(crate) struct Printer {
    program: Program,
    /// The scenario that the caller named.
    scenario: Option<String>,
    manner: Manner,
    /// What takes secrets out, once it is known what is secret.
    redactor: OnceLock<Redactor>,
    /// The first error that stdout gave. A reader that went away is none.
    failed: Mutex<Option<io::Error>>,
}

impl Printer {
    /// Returns a printer.
    pub(crate) fn new(program: Program, manner: Manner) -> Self {
        Self { program, scenario: None, manner, redactor: OnceLock::new(), failed: Mutex::new(None) }
    }

    /// Returns a printer for a caller who named a scenario.
    pub(crate) fn about(self, scenario: Option<String>) -> Self {
        Self { scenario, ..self }
    }

    /// Returns a text with the commands as this caller types them, so that they are about the same scenario.
    pub(crate) fn own_words(&self, text: &str) -> String {
        let about = self.scenario.as_ref().map_or_else(|| text.to_owned(), |scenario| about_scenario(text, scenario));
        self.program.own_words(&about)
    }

    /// Returns a command as this caller types it.
    pub(crate) fn typed(&self, command: &str) -> String {
        self.own_words(&format!("`keepstep {command}`")).trim_matches('`').to_owned()
    }

    /// Returns true if the answer is to be JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.manner.json
    }

    /// Returns true if the caller wants no status lines and hints.
    pub(crate) fn is_quiet(&self) -> bool {
        self.manner.quiet
    }

    /// Returns how wide the answer may be, if it goes to a terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        self.manner.width_stdout
    }

    /// Returns true if stderr has color.
    pub(crate) fn is_colored(&self) -> bool {
        self.manner.color_stderr
    }

    /// Returns true if the answer, on stdout, has color.
    pub(crate) fn is_answer_colored(&self) -> bool {
        self.manner.color_stdout
    }

    /// Leaves the secrets out of everything that is printed from now on elsewhere than on the person's own screen.
    pub(crate) fn leave_out(&self, redactor: Redactor) {
        // A command has one project, and with it one set of secrets.
        let _ = self.redactor.set(redactor);
    }

    /// Returns true if all that is printed is seen by nobody but the person who runs the command.
    pub(crate) fn is_own_screen(&self) -> bool {
        self.manner.own_stdout && self.manner.own_stderr
    }

    /// Prints a part of the answer for people. With `--json` the document says it instead.
    pub(crate) fn answer(&self, text: impl Into<Text>) {
        if !self.manner.json {
            let text = self.cleaned(text.into(), self.manner.own_stdout);
            let text = text.render(self.manner.color_stdout, self.manner.width_stdout) + "\n";
            self.stdout(&self.guarded(&text));
        }
    }

    /// Prints the answer for programs, if that is wanted.
    pub(crate) fn document(&self, verb: &str, body: Value) {
        if !self.manner.json {
            return;
        }
        let mut document = serde_json::Map::new();
        document.insert("schema".to_owned(), Value::String(format!("keepstep.{verb}/1")));
        if let Value::Object(members) = body {
            document.extend(members);
        }
        if let Some(redactor) = self.redactor.get() {
            for (_, value) in document.iter_mut().filter(|(name, _)| !NAMES.contains(&name.as_str())) {
                redactor.clean_value(value);
            }
        }
        let mut json = Value::Object(document).to_string();
        if self.manner.log_has_commands {
            // Such signs are only in texts, where they have another form that means the same.
            json = json.replace("##[", "##\\u005b");
        }
        self.stdout(&(visible_json(&json).into_owned() + "\n"));
    }

    /// Prints text for a program to read, exactly: a patch, a script, a persona. A terminal is no program: there it is made
    /// visible.
    pub(crate) fn exact(&self, text: &str) {
        if io::stdout().is_terminal() {
            self.stdout(&visible(&self.clean(text, self.manner.own_stdout)));
        } else {
            self.stdout(&self.clean(text, self.manner.own_stdout));
        }
    }

    /// Prints a line that this program printed in another process: its colors stay, everything else that a terminal could obey is made
    /// visible. A line that is wider than the terminal is cut.
    pub(crate) fn own_line(&self, indentation: &str, line: &str) {
        if !self.manner.json {
            let width = self.manner.width_stdout.map_or(usize::MAX, |width| width.saturating_sub(indentation.len()));
            self.stdout(&self.guarded(&format!("{indentation}{}\n", colored_line(line, self.manner.color_stdout, width))));
        }
    }

    /// Clears the screen, if stdout is a terminal that has one.
    pub(crate) fn clear_screen(&self) {
        if io::stdout().is_terminal() && self.manner.has_codes {
            // Where this fails there is nothing to clear.
            let _ = Term::stdout().clear_screen();
        }
    }

    /// Returns true if a person reads stdout.
    pub(crate) fn is_read_by_a_person(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Says what is going on.
    pub(crate) fn status(&self, text: impl Into<Text>) {
        if !self.manner.quiet {
            self.stderr(&text.into());
        }
    }

    /// Says something on stderr that also a quiet caller must know.
    pub(crate) fn notice(&self, text: impl Into<Text>) {
        self.stderr(&text.into());
    }

    /// Returns true if somebody looks at a line that is drawn again and again.
    pub(crate) fn has_progress(&self) -> bool {
        !self.manner.quiet && !self.manner.json && io::stderr().is_terminal() && self.manner.has_codes
    }

    /// Draws such a line in place of the one before.
    pub(crate) fn progress(&self, line: &str) {
        // A longer line would go on in the next one, and stay there.
        let line = self.manner.width_stderr.map_or_else(|| line.to_owned(), |width| cut(line, width));
        let _ = io::stderr().lock().write_all(format!("\r\x1b[2K{}", visible(&line)).as_bytes());
    }

    /// Says what to do next. Commands stand in backticks and are shown as this caller types them.
    pub(crate) fn hint(&self, text: &str) {
        if !self.manner.quiet {
            let mut line = Text::of(Label::Hint, "hint: ");
            line.0.extend(Text::sentence(Label::Plain, &self.own_words(text)).0);
            self.stderr(&line);
        }
    }

    /// Says that something is not as it should be, although the command goes on.
    pub(crate) fn warning(&self, text: &str) {
        let mut line = Text::of(Label::Warning, "warning: ");
        line.0.extend(Text::sentence(Label::Plain, &self.own_words(text)).0);
        self.stderr(&line);
    }

    /// Says why the command failed.
    pub(crate) fn error(&self, message: &str, hints: &[String]) {
        self.stderr(&Text::of(Label::Error, "error: ").and(Label::Plain, self.own_words(message)));
        for hint in hints {
            let mut line = Text::of(Label::Hint, "hint: ");
            line.0.extend(Text::sentence(Label::Plain, &self.own_words(hint)).0);
            self.stderr(&line);
        }
    }

    /// Prints text that the argument parser made, with its own colors.
    pub(crate) fn usage(&self, text: &clap::builder::StyledStr, to_stdout: bool) {
        let color = if to_stdout { self.manner.color_stdout } else { self.manner.color_stderr };
        let text = if color { text.ansi().to_string() } else { text.to_string() };
        if to_stdout {
            self.stdout(&text);
        } else {
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }

    /// Returns what went wrong with stdout, if something did.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.failed.lock().ok()?.take()
    }

    /// Gives GitHub's runner a command; it stands on a line of its own and is no text of anybody else's.
    pub(crate) fn workflow_command(&self, command: &str) {
        let command = self.clean(command, false);
        let _ = io::stderr().lock().write_all((visible(&command).into_owned() + "\n").as_bytes());
    }

    /// Tells GitHub's runner to hide a text in the log.
    pub(crate) fn mask(&self, secret: &str) {
        let secret = secret.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        let _ = io::stderr().lock().write_all(format!("::add-mask::{secret}\n").as_bytes());
    }

    fn clean<'a>(&self, text: &'a str, is_own_screen: bool) -> Cow<'a, str> {
        match self.redactor.get() {
            Some(redactor) if !is_own_screen => redactor.clean(text),
            _ => Cow::Borrowed(text),
        }
    }

    fn cleaned(&self, mut text: Text, is_own_screen: bool) -> Text {
        for (_, piece) in &mut text.0 {
            if let Cow::Owned(cleaned) = self.clean(piece, is_own_screen) {
                *piece = cleaned;
            }
        }
        text
    }

    /// Returns a text in which nothing is a command to whoever reads the log.
    fn guarded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.manner.log_has_commands { github::harmless(text) } else { Cow::Borrowed(text) }
    }

    fn stdout(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        if let (Err(error), Ok(mut failed)) = (written, self.failed.lock())
            && error.kind() != io::ErrorKind::BrokenPipe
            && failed.is_none()
        {
            *failed = Some(error);
        }
    }

    fn stderr(&self, text: &Text) {
        // Nobody is left to tell if even this fails.
        let text = self.cleaned(text.clone(), self.manner.own_stderr);
        let text = text.render(self.manner.color_stderr, self.manner.width_stderr) + "\n";
        let _ = io::stderr().lock().write_all(self.guarded(&text).as_bytes());
    }
}

/// Returns a line of which only the colors are obeyed, and at most so many columns of it.
fn colored_line(line: &str, color: bool, width: usize) -> String {
    let pieces: Vec<(&str, Cow<'_, str>)> = color_pieces(line).into_iter().map(|(codes, text)| (codes, visible(text))).collect();
    let is_cut = columns(&without_colors(line)) > width;
    let mut left = if is_cut { width.saturating_sub(1) } else { usize::MAX };
    let mut out = String::new();
    for (codes, text) in pieces {
        if color {
            out.push_str(codes);
        }
        let shown = beginning(&text, left);
        left -= columns(shown);
        out.push_str(shown);
        if shown.len() < text.len() {
            break;
        }
    }
    if is_cut {
        out.push('…');
    }
    // A color that was cut off would go on in the next line.
    if color && out.contains('\x1b') {
        out.push_str("\x1b[0m");
    }
    out
}

/// Returns the pieces of a line, each with the color codes (ECMA-48, Select Graphic Rendition) before it.
fn color_pieces(line: &str) -> Vec<(&str, &str)> {
    let mut pieces = Vec::new();
    let mut codes = 0..0;
    let mut text = 0;
    let mut at = 0;
    while let Some(found) = line[at..].find("\x1b[") {
        let start = at + found;
        let numbers = line[start + 2..].bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
        let end = start + 2 + numbers;
        if line.as_bytes().get(end) == Some(&b'm') {
            pieces.push((&line[codes.clone()], &line[text..start]));
            codes = start..end + 1;
            text = end + 1;
        }
        at = end;
    }
    pieces.push((&line[codes], &line[text..]));
    pieces
}

/// Returns a line without the colors that this program gave it.
pub(crate) fn without_colors(line: &str) -> String {
    color_pieces(line).into_iter().map(|(_, text)| text).collect()
}

/// Returns a number with its noun in the right form.
pub(crate) fn count<N: Display + PartialEq + From<u8>>(number: N, singular: &str) -> String {
    if number == N::from(1) { format!("1 {singular}") } else { format!("{number} {singular}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_line_of_ours_only_the_colors_are_obeyed() {
        let line = "\x1b[1mBold\x1b[0m \x1b[2Jgone \x1b]0;title\x07 \x1b[31mred\x1b[0m";
        assert_eq!(
            colored_line(line, true, usize::MAX),
            "\x1b[1mBold\x1b[0m \\e[2Jgone \\e]0;title\\x07 \x1b[31mred\x1b[0m\x1b[0m"
        );
        assert_eq!(colored_line("\x1b[31mred\x1b[0m", false, usize::MAX), "red");
        assert_eq!(without_colors("\x1b[31mred\x1b[0m"), "red");
        assert_eq!(colored_line("\x1b[31mabcdef\x1b[0m", true, 4), "\x1b[31mabc…\x1b[0m");
    }
}
