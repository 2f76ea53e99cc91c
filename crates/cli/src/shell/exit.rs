//! The exit codes. They are part of the contract: scripts depend on them.

/// Done; in step; everything passed.
pub(crate) const DONE: u8 = 0;
/// The thing asked about was found: drift under `--check`.
pub(crate) const FOUND: u8 = 1;
/// The command line, the project or its settings are wrong.
pub(crate) const USAGE: u8 = 2;
/// There is no such agent, version or file.
pub(crate) const NOT_FOUND: u8 = 3;
/// Somebody has to decide and nobody was asked; nothing was written.
pub(crate) const CONFLICT: u8 = 4;
/// There was nothing to do where something was expected: no results to upload.
pub(crate) const NOTHING: u8 = 5;
/// No key, or one that the server does not take.
pub(crate) const NOT_SIGNED_IN: u8 = 9;
/// The key is good but may not do this.
pub(crate) const NOT_ALLOWED: u8 = 10;
/// The server cannot be reached.
pub(crate) const UNREACHABLE: u8 = 11;
/// The server refused the data, or keeps something else than was sent.
pub(crate) const REFUSED: u8 = 12;
/// A bug in keepstep.
pub(crate) const BUG: u8 = 70;
/// Interrupted by the person at the keyboard.
pub(crate) const INTERRUPTED: u8 = 130;
