//! The name that the program was called by.
//!
//! Through a link named `lua` or `fluxloop` it is the same program; usage lines, hints and the default service follow
//! the name.

use std::ffi::OsStr;
use std::path::Path;

use keepstep_client::Tool;

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
    fn only_commands_take_the_name() {
        assert_eq!(Program::Lua.own_words("keepstep.lock: run `keepstep sync`"), "keepstep.lock: run `lua sync`");
    }
}
