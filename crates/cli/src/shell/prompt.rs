//! Questions to the person at the terminal.

use std::io::IsTerminal as _;

use dialoguer::console::{Key, Term};
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};

use crate::shell::failure::Failure;
use crate::shell::interrupt;
use crate::shell::keyboard::Keyboard;
use crate::shell::printer::Printer;
use crate::shell::visible::visible_line;

/// Returns true if a person is there to answer: keys come from a terminal, and questions are seen on one.
pub(crate) fn has_a_person() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks to pick one of some choices and returns its index.
pub(crate) fn select(printer: &Printer, question: &str, choices: &[&str]) -> Result<usize, Failure> {
    let theme = theme(printer);
    let picked = ask(|| {
        dialoguer::Select::with_theme(&*theme).with_prompt(visible_line(question)).items(choices).default(0).interact_opt()
    })?;
    // Escape leaves, as Ctrl-C does.
    picked.ok_or(Failure::Interrupted)
}

/// Asks to pick one of some choices and returns its index. Without a marked one, Enter alone picks nothing.
pub(crate) fn select_marked(
    printer: &Printer,
    question: &str,
    choices: &[String],
    marked: Option<usize>,
) -> Result<usize, Failure> {
    let theme = theme(printer);
    let choices: Vec<String> = choices.iter().map(|choice| visible_line(choice)).collect();
    let picked = ask(|| {
        let mut select = dialoguer::Select::with_theme(&*theme).with_prompt(visible_line(question)).items(&choices);
        if let Some(marked) = marked {
            select = select.default(marked);
        }
        select.interact_opt()
    })?;
    picked.ok_or(Failure::Interrupted)
}

/// Asks a yes-no question.
pub(crate) fn confirm(printer: &Printer, question: &str, default: bool) -> Result<bool, Failure> {
    let theme = theme(printer);
    ask(|| dialoguer::Confirm::with_theme(&*theme).with_prompt(visible_line(question)).default(default).interact())
}

/// Asks for a text.
pub(crate) fn text(printer: &Printer, question: &str) -> Result<String, Failure> {
    let theme = theme(printer);
    ask(|| dialoguer::Input::with_theme(&*theme).with_prompt(visible_line(question)).interact_text())
}

/// Asks for a secret without showing it. Enter alone asks again.
pub(crate) fn secret(printer: &Printer, question: &str) -> Result<String, Failure> {
    let theme = theme(printer);
    let question = visible_line(question);
    let terminal = Term::stderr();
    ask(|| {
        let (mut asked, mut answered) = (String::new(), String::new());
        // A text takes whatever is written to it.
        let _ = theme.format_password_prompt(&mut asked, &question);
        let _ = theme.format_password_prompt_selection(&mut answered, &question);
        loop {
            terminal.write_str(&asked)?;
            let secret = hidden_line(&terminal)?;
            terminal.clear_line()?;
            if !secret.is_empty() {
                terminal.write_line(&answered)?;
                return Ok(secret);
            }
        }
    })
}

/// Reads a line key by key. The prompts' own way leaves the keyboard to the terminal, and Ctrl-C would be a signal that
/// nothing waits for.
fn hidden_line(terminal: &Term) -> std::io::Result<String> {
    let mut line = String::new();
    loop {
        match terminal.read_key()? {
            Key::Enter => return Ok(line),
            Key::Backspace => drop(line.pop()),
            Key::Char(character) if !character.is_control() => line.push(character),
            _ => {}
        }
    }
}

/// Waits for one key.
pub(crate) fn key() -> Result<Key, Failure> {
    ask(|| Ok(Term::stderr().read_key()?))
}

fn theme(printer: &Printer) -> Box<dyn Theme> {
    if printer.is_colored() { Box::new(ColorfulTheme::default()) } else { Box::new(SimpleTheme) }
}

fn ask<T>(question: impl FnOnce() -> dialoguer::Result<T>) -> Result<T, Failure> {
    let _pause = interrupt::pause();
    let _keyboard = Keyboard::take();
    question().map_err(|dialoguer::Error::IO(error)| {
        // The prompt hides the cursor, and an interrupted one does not show it again.
        let _ = Term::stderr().show_cursor();
        match error.kind() {
            std::io::ErrorKind::Interrupted => Failure::Interrupted,
            _ => Failure::io("ask on", "the terminal", error),
        }
    })
}
