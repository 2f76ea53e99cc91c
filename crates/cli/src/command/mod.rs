//! The commands: one file each, whose path is the command line.

pub(crate) mod admin;
pub(crate) mod alias;
pub(crate) mod apikeys;
pub(crate) mod auth;
pub(crate) mod bundles;
pub(crate) mod compile;
pub(crate) mod completions;
pub(crate) mod context;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod dispatch;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod inputs;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod persona;
pub(crate) mod personas;
pub(crate) mod projects;
pub(crate) mod push;
pub(crate) mod results;
pub(crate) mod run_tests;
pub(crate) mod scenarios;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod trust;
pub(crate) mod undo;

use crate::shell::exit;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, or in step.
    Done,
    /// The thing asked about was found.
    Found,
    /// The project holds something that could not be checked.
    NotReadable,
    /// Somebody has to decide.
    Conflict,
    /// The platform did not take something that others do not depend on; with the exit code for the reason.
    Refused(u8),
    /// Something that the other commands depend on is not as it must be.
    Unfit,
    /// There is too little to decide what was asked.
    Undecided,
    /// The person pressed Ctrl-C, and what ran was finished.
    Interrupted,
}

impl Outcome {
    /// Returns the exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => exit::DONE,
            Self::Found => exit::FOUND,
            Self::NotReadable | Self::Unfit => exit::USAGE,
            Self::Refused(code) => code,
            Self::Conflict => exit::CONFLICT,
            Self::Undecided => exit::NOTHING,
            Self::Interrupted => exit::INTERRUPTED,
        }
    }
}

/// What a command returns.
pub(crate) type CommandResult = Result<Outcome, crate::shell::failure::Failure>;
