//! The commands through the binary, against a real platform. The modules repeat the tree of the commands.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod admin;
mod alias;
mod auth;
mod bad_input;
mod common;
mod compile;
mod crash;
mod demo;
mod doctor;
mod faults;
#[cfg(unix)]
mod full_disk;
mod global;
#[cfg(unix)]
mod hints;
mod import;
mod init;
mod persona;
mod pull;
mod push;
mod results;
mod serve;
mod silent_server;
mod status;
mod sync;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod test_command;
#[cfg(unix)]
mod test_data;
mod trust;
mod undo;
mod upload;
mod webhooks;
