//! The name that the program was called by.
//!
//! Through a link named `lua` or `fluxloop` it is the same program; usage lines, hints and the default service follow
//! the name.

use std::ffi::OsStr;
use std::path::Path;

use keepstep_client::Tool;

use crate::shell::visible::word;

/// Which program the caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The program itself, under its own or any other name.
    Keepstep,
    /// In place of `lua-cli`.
    Lua,
    /// In place of `fluxloop-cli`.
    Fluxloop,
}

impl Program {
    /// Returns the program for the first argument of the process.
    pub(crate) fn called_as(argument: Option<&OsStr>) -> Self {
        match argument.and_then(|path| Path::new(path).file_stem()).and_then(OsStr::to_str) {
            Some("lua") => Self::Lua,
            Some("fluxloop") => Self::Fluxloop,
            _ => Self::Keepstep,
        }
    }

    /// Returns the tool whose variables and service count.
    pub(crate) fn tool(self) -> Tool {
        match self {
            Self::Keepstep => Tool::Keepstep,
            Self::Lua => Tool::Lua,
            Self::Fluxloop => Tool::Fluxloop,
        }
    }

    /// Returns the name for usage lines and hints.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keepstep => "keepstep",
            Self::Lua => "lua",
            Self::Fluxloop => "fluxloop",
        }
    }

    /// Returns a text about keepstep's commands with the commands as this caller types them.
    pub(crate) fn own_words(self, text: &str) -> String {
        match self {
            Self::Keepstep => text.to_owned(),
            _ => text.replace("`keepstep ", &format!("`{} ", self.name())),
        }
    }
}

/// Commands that are about one scenario and take its name.
pub(crate) const OF_SCENARIO: [&str; 5] = ["test", "results", "sync pull", "sync upload", "sync status"];

/// Returns a text in which the commands are about a scenario that the caller named. Without it they would be about the selected one, or
/// about all of them.
pub(crate) fn about_scenario(text: &str, scenario: &str) -> String {
    let about = |command: &str| {
        let is_of_scenario = command.strip_prefix("keepstep ").is_some_and(|rest| {
            let is_it = |name: &str| rest.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
            // What is pending is sent, whatever it is of.
            let is_complete = rest.split(' ').any(|word| matches!(word, "--scenario" | "--pending"));
            OF_SCENARIO.iter().any(|name| is_it(name)) && !is_complete
        });
        if is_of_scenario { format!("{command} --scenario {}", word(scenario)) } else { command.to_owned() }
    };
    let pieces = text.split('`').enumerate();
    let pieces: Vec<String> = pieces.map(|(index, piece)| if index % 2 == 1 { about(piece) } else { piece.to_owned() }).collect();
    pieces.join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_decides_the_name() {
        for (argument, program) in [
            ("/usr/bin/lua", Program::Lua),
            ("fluxloop", Program::Fluxloop),
            ("keepstep", Program::Keepstep),
            ("other", Program::Keepstep),
        ] {
            assert_eq!(Program::called_as(Some(OsStr::new(argument))), program);
        }
        assert_eq!(Program::called_as(None), Program::Keepstep);
    }

    #[test]
    fn a_scenario_that_was_named_is_named_again() {
        for (text, expected) in [
            ("`keepstep test` creates results", "`keepstep test --scenario 'two words'` creates results"),
            (
                "`keepstep sync pull --force` takes it; `keepstep undo`",
                "`keepstep sync pull --force --scenario 'two words'` takes it; `keepstep undo`",
            ),
            ("`keepstep test --scenario other`", "`keepstep test --scenario other`"),
            ("`keepstep sync upload --pending`", "`keepstep sync upload --pending`"),
            (
                "`keepstep sync` and `keepstep testing` and keepstep test",
                "`keepstep sync` and `keepstep testing` and keepstep test",
            ),
            ("`--force` takes `a", "`--force` takes `a"),
        ] {
            assert_eq!(about_scenario(text, "two words"), expected);
        }
    }

    #[test]
    fn only_commands_take_the_name() {
        assert_eq!(Program::Lua.own_words("keepstep.lock: run `keepstep sync`"), "keepstep.lock: run `lua sync`");
    }
}
