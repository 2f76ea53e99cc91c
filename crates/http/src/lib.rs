//! What the server and the dashboard both need of HTTP, so that neither imports the other.
//!
//! Who may call what is one table for all dialects and pages ([`access`]), asked before anything of a body is read. Keys ([`key`]) and
//! sessions ([`session`]) say who calls; a body is read within bounds ([`received`]) and must not come too slowly ([`pace`]); an answer
//! that may be large waits for its share of the memory; changes go out as a stream ([`event_stream`]); pages and their files are
//! sent packed ([`packing`]); and each request has a line of the log ([`request_log`]). What goes wrong is an [`Error`](keepstep_platform::Error), which the server says as JSON and the dashboard as a
//! page.

pub mod access;
pub mod address;
pub mod addresses;
pub mod device;
pub mod event_stream;
pub mod key;
mod large_answers;
pub mod origin;
pub mod pace;
pub mod packing;
mod pages;
pub mod received;
pub mod request_log;
pub mod session;

pub use pages::Pages;
