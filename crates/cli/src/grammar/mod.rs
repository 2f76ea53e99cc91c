//! The command line: what may be typed, and what it is called.

pub(crate) mod arguments;
pub(crate) mod deferred;
#[cfg(test)]
pub(crate) mod laws;
pub(crate) mod list_format;
pub(crate) mod parser;
pub(crate) mod peer_commands;
pub(crate) mod schema;
