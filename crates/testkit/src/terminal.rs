//! A terminal with a person before it.
//!
//! A program runs in a pseudo-terminal and takes it for a real one: it draws with colors, asks, and moves the cursor. What
//! it writes goes through a terminal emulator, so that a test looks at what a person would see and not at escape codes.
//!
//! ```no_run
//! use keepstep_testkit::World;
//! use keepstep_testkit::terminal::{Color, Terminal};
//!
//! let world = World::new();
//! let mut session = Terminal::new(80, 24).start(world.command("keepstep"));
//! session.wait_for("What would you like to do?").press("j\r");
//! let screen = session.end();
//! assert_eq!(screen.exit_code(), Some(0));
//! assert_eq!(screen.style_of("failed").color, Color::Red);
//! screen.assert_readable();
//! ```

use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

use rexpect::process::{PtyProcess, WaitStatus};

use crate::PATIENCE;

/// A terminal of a certain size.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    columns: u16,
    rows: u16,
}

impl Terminal {
    /// Returns a terminal with so many columns and rows.
    pub fn new(columns: u16, rows: u16) -> Self {
        Self { columns, rows }
    }

    /// Runs a command to its end and returns what is to be seen then.
    pub fn run(self, command: Command) -> Screen {
        self.start(command).end()
    }

    /// Starts a command. Of its environment it gets the variables that were set on it, but none that says how wide the
    /// output is or that it has no color: that is up to the terminal.
    pub fn start(self, command: Command) -> Session {
        // The size must be known before the program looks, and the terminal echoes what is typed until the program says no.
        // What is started in the background may ignore Ctrl-C, and hands that on; no shell takes it back, but `env` of Linux does.
        let mut shell = Command::new("/bin/sh");
        let takes = if cfg!(target_os = "linux") { "exec /usr/bin/env --default-signal=INT,QUIT" } else { "exec" };
        shell.args(["-c", &format!("stty echo cols {} rows {} && {takes} \"$@\"", self.columns, self.rows), "sh"]);
        shell.arg(command.get_program()).args(command.get_args()).env_clear();
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        shell.envs(variables.filter(|(name, _)| !["COLUMNS", "LINES", "NO_COLOR"].iter().any(|own| name == own)));
        if let Some(folder) = command.get_current_dir() {
            shell.current_dir(folder);
        }
        let process = PtyProcess::new(shell).expect("a pseudo-terminal can be opened");
        let keyboard = process.get_file_handle().expect("the terminal can be written to");
        let mut output = process.get_file_handle().expect("the terminal can be read");
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            // The end of the program is an error on Linux and nothing more to read elsewhere.
            while let Ok(length) = output.read(&mut buffer) {
                if length == 0 || sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Session { terminal: self, process, keyboard, receiver, output: Vec::new(), typed_at: 0 }
    }
}

/// A program that runs in a terminal. Dropping it ends the program.
pub struct Session {
    terminal: Terminal,
    process: PtyProcess,
    keyboard: File,
    receiver: Receiver<Vec<u8>>,
    output: Vec<u8>,
    /// How long the output was when keys were pressed last.
    typed_at: usize,
}

impl Session {
    /// Waits until a text is to be seen that was written after the last keys were pressed. A text that goes over the edge of
    /// the screen is found.
    pub fn wait_for(&mut self, text: &str) -> &mut Self {
        let start = Instant::now();
        while !self.terminal.shows(&self.output[self.typed_at..]).continuous().contains(text) {
            match self.receiver.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(bytes) => self.output.extend(bytes),
                Err(RecvTimeoutError::Timeout) => panic!("{text:?} did not come; the screen:\n{}", self.screen().text()),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without {text:?}; the screen:\n{}", self.screen().text()),
            }
        }
        self
    }

    /// Presses keys, as the terminal would send them: `\r` is Enter, `\x03` is Ctrl-C, `\x1b[B` is the arrow down.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.typed_at = self.output.len();
        self.keyboard.write_all(keys.as_bytes()).and_then(|()| self.keyboard.flush()).expect("the program still reads");
        self
    }

    /// Returns true if the program gets each key as it is pressed: none is echoed, and Ctrl-C is a key and no signal.
    pub fn has_the_keyboard(&self) -> bool {
        use rustix::termios::{LocalModes, tcgetattr};

        let modes = tcgetattr(&self.keyboard).expect("a terminal has modes").local_modes;
        !modes.intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Returns what is to be seen now.
    pub fn screen(&self) -> Screen {
        self.terminal.shows(&self.output)
    }

    /// Waits for the end of the program and returns what is to be seen then.
    pub fn end(mut self) -> Screen {
        let start = Instant::now();
        loop {
            match self.receiver.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(bytes) => self.output.extend(bytes),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end; the screen:\n{}", self.screen().text()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let exit_code = match self.process.wait() {
            Ok(WaitStatus::Exited(_, code)) => Some(code),
            _ => None,
        };
        Screen { exit_code, ..self.screen() }
    }
}

impl Terminal {
    /// Returns what a terminal shows that got these bytes.
    fn shows(self, output: &[u8]) -> Screen {
        let columns = usize::from(self.columns);
        let mut terminal =
            avt::Terminal::with_scrollback(columns, usize::from(self.rows), None).expect("a terminal has columns and rows");
        terminal.feed(&*String::from_utf8_lossy(output));
        let mut lines: Vec<Line> = terminal.screen().all_lines().map(Line::new).collect();
        while lines.last().is_some_and(|line| line.text().is_empty()) {
            lines.pop();
        }
        Screen { lines, exit_code: None, got_codes: output.contains(&b'\x1b') }
    }
}

/// What is to be seen in a terminal, with everything that has moved out at the top.
#[derive(Debug, Clone)]
pub struct Screen {
    lines: Vec<Line>,
    exit_code: Option<i32>,
    /// The program sent an escape code.
    got_codes: bool,
}

#[derive(Debug, Clone)]
struct Line {
    cells: Vec<(char, Style)>,
    /// The text was longer than the line and goes on in the next one.
    goes_on: bool,
    /// It is more than one line of the screen.
    is_wide: bool,
}

impl Line {
    fn new(line: &avt::Line) -> Self {
        // A wide character has a second cell, which is empty.
        let cells = line.cells().iter().filter(|cell| cell.width() > 0);
        Self {
            cells: cells.map(|cell| (cell.char(), Style::new(cell.pen()))).collect(),
            goes_on: line.is_wrapped(),
            is_wide: false,
        }
    }

    fn text(&self) -> String {
        self.cells.iter().map(|(character, _)| character).collect::<String>().trim_end().to_owned()
    }
}

impl Screen {
    /// Returns true if the program sent an escape code. A terminal that knows none shows it as text.
    pub fn got_codes(&self) -> bool {
        self.got_codes
    }

    /// Returns the code that the program ended with, if it ended by itself.
    pub fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    /// Returns the lines as they are on the screen, without blanks at their ends.
    pub fn lines(&self) -> Vec<String> {
        self.lines.iter().map(Line::text).collect()
    }

    /// Returns all lines as one text.
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Returns the text as it was written: what goes over the edge of the screen is one line.
    pub fn continuous(&self) -> String {
        self.written().iter().map(Line::text).collect::<Vec<_>>().join("\n")
    }

    /// Returns how the first piece of text that reads like this looks.
    ///
    /// # Panics
    ///
    /// If it is not there, or not all of it looks the same. Blanks look like anything.
    pub fn style_of(&self, text: &str) -> Style {
        let wanted: Vec<char> = text.chars().collect();
        for line in self.written() {
            let characters: Vec<char> = line.cells.iter().map(|(character, _)| *character).collect();
            if let Some(at) = characters.windows(wanted.len()).position(|window| window == wanted) {
                let cells = &line.cells[at..at + wanted.len()];
                let mut styles = cells.iter().filter(|(character, _)| !character.is_whitespace()).map(|(_, style)| *style);
                let first = styles.next().expect("a text that is more than blanks");
                assert!(styles.all(|style| style == first), "{text:?} looks different in parts: {cells:?}");
                return first;
            }
        }
        panic!("{text:?} is not on the screen:\n{}", self.text());
    }

    /// Returns the lines that are longer than the screen is wide. A word that stands alone, as an address does, may be, and
    /// so may a command in backticks, which would not be the same after it was broken.
    pub fn too_wide(&self) -> Vec<String> {
        let wide = self.written().into_iter().filter(|line| line.is_wide).map(|line| line.text());
        let is_one = |text: &str| match text.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
            Some((_, rest)) => !rest.contains(char::is_whitespace),
            None => !text.contains(char::is_whitespace),
        };
        wide.filter(|line| !is_one(line.trim())).collect()
    }

    /// Returns the lines in which an escape code is to be seen as text.
    pub fn escape_codes(&self) -> Vec<String> {
        self.written().iter().map(Line::text).filter(|line| has_escape_code(line)).collect()
    }

    /// Asserts that a person can read this: no escape code is to be seen as text, and no line is wider than the screen.
    pub fn assert_readable(&self) {
        let (codes, wide) = (self.escape_codes(), self.too_wide());
        assert!(codes.is_empty(), "escape codes are to be seen:\n{}", codes.join("\n"));
        assert!(wide.is_empty(), "wider than the screen:\n{}", wide.join("\n"));
    }

    /// Returns the lines as they were written: what goes over the edge of the screen is one line.
    fn written(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for line in &self.lines {
            match lines.last_mut().filter(|last| last.goes_on) {
                Some(last) => {
                    last.cells.extend(&line.cells);
                    last.goes_on = line.goes_on;
                    last.is_wide = true;
                }
                None => lines.push(line.clone()),
            }
        }
        lines
    }
}

/// Returns true if a line has an escape code in one of the forms in which they are made visible, or what is left of one
/// when its first character is taken away.
fn has_escape_code(line: &str) -> bool {
    const FORMS: [&str; 7] = ["\\e[", "^[[", "\\x1b", "\\u{1b}", "\\u001b", "\\033[", "\u{241b}"];
    let line = line.to_lowercase();
    let is_rest = |rest: &str| {
        let after = rest.trim_start_matches(|character: char| character.is_ascii_digit() || character == ';');
        after.len() < rest.len() && after.starts_with('m')
    };
    FORMS.iter().any(|form| line.contains(form)) || line.split('[').skip(1).any(is_rest)
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// The color of the text.
    pub color: Color,
    /// Bold.
    pub bold: bool,
    /// Fainter than the rest.
    pub faint: bool,
    /// Underlined.
    pub underlined: bool,
    /// Text and background changed places.
    pub inverse: bool,
}

impl Style {
    fn new(pen: &avt::Pen) -> Self {
        Self {
            color: Color::new(pen.foreground()),
            bold: pen.is_bold(),
            faint: pen.is_faint(),
            underlined: pen.is_underline(),
            inverse: pen.is_inverse(),
        }
    }
}

/// A color of text. The bright form of a color is that color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// The one that the terminal has for text.
    #[default]
    Plain,
    /// Black.
    Black,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Yellow.
    Yellow,
    /// Blue.
    Blue,
    /// Magenta.
    Magenta,
    /// Cyan.
    Cyan,
    /// White.
    White,
    /// The bright form of black.
    Gray,
    /// One that has no name.
    Other,
}

impl Color {
    fn new(color: Option<avt::Color>) -> Self {
        match color {
            None => Self::Plain,
            Some(avt::Color::Indexed(8)) => Self::Gray,
            Some(avt::Color::Indexed(0)) => Self::Black,
            Some(avt::Color::Indexed(1 | 9)) => Self::Red,
            Some(avt::Color::Indexed(2 | 10)) => Self::Green,
            Some(avt::Color::Indexed(3 | 11)) => Self::Yellow,
            Some(avt::Color::Indexed(4 | 12)) => Self::Blue,
            Some(avt::Color::Indexed(5 | 13)) => Self::Magenta,
            Some(avt::Color::Indexed(6 | 14)) => Self::Cyan,
            Some(avt::Color::Indexed(7 | 15)) => Self::White,
            Some(_) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "xterm-256color");
        command
    }

    #[test]
    fn a_program_finds_a_terminal_of_that_size_and_its_exit_code_is_kept() {
        let screen = Terminal::new(77, 11).run(shell("test -t 0 && test -t 1 && test -t 2 && stty size; exit 7"));
        assert_eq!((screen.text().as_str(), screen.exit_code()), ("11 77", Some(7)));
    }

    #[test]
    fn how_text_looks_is_known_wherever_it_moved() {
        let screen = Terminal::new(80, 3)
            .run(shell(r"printf 'a \033[31mred one\033[0m\n\033[1;32mgood\033[0m\n\033[7mx\033[0m\n한국\n\n\n'"));
        assert_eq!(screen.lines(), ["a red one", "good", "x", "한국"]);
        assert_eq!(screen.style_of("red one"), Style { color: Color::Red, ..Style::default() });
        assert_eq!(screen.style_of("good"), Style { color: Color::Green, bold: true, ..Style::default() });
        assert!(screen.style_of("x").inverse);
        screen.assert_readable();
    }

    #[test]
    fn what_was_drawn_over_is_not_to_be_seen() {
        assert_eq!(Terminal::new(80, 24).run(shell(r"printf '50 %%\r\033[2K100 %%\n'")).text(), "100 %");
    }

    #[test]
    fn keys_are_pressed_when_the_question_is_there() {
        let mut session = Terminal::new(80, 24).start(shell("printf 'Name? '; read a; printf 'Age? '; read b; echo $a is $b"));
        session.wait_for("Name?").press("Ann\r").wait_for("Age?").press("7\r");
        assert_eq!(session.end().lines(), ["Name? Ann", "Age? 7", "Ann is 7"]);
    }

    #[test]
    fn control_c_ends_it() {
        // A shell with a trap may miss what comes between two of its commands; the signal itself ends a program at any time.
        let mut session = Terminal::new(80, 24).start(shell("echo ready; exec cat"));
        session.wait_for("ready").press("\x03");
        let screen = session.end();
        assert_eq!((screen.lines(), screen.exit_code()), (vec!["ready".to_owned(), "^C".to_owned()], None));
    }

    #[test]
    fn lines_over_the_edge_are_found() {
        let address = format!("http://{}", "x".repeat(30));
        let screen = Terminal::new(20, 5).run(shell(&format!("echo 12345678901234567890; echo {address}; echo see {address}")));
        assert_eq!(screen.too_wide(), [format!("see {address}")]);
        assert!(screen.continuous().contains(&address) && !screen.text().contains(&address));
    }

    #[test]
    fn escape_codes_as_text_are_found() {
        for line in [r"\e[32mok", "^[[0m", r"\x1b", r"\u001B[1m", "ok [1;32m", "\u{241b}"] {
            assert!(has_escape_code(line), "{line}");
        }
        for line in ["a [m", "[12] items", "[3 ms]", r"C:\etc", "list[0].m"] {
            assert!(!has_escape_code(line), "{line}");
        }
    }
}
