//! Pulled test data on its way into a scenario's folder.
//!
//! [`received`] is what came from the platform, [`scenario`] reads what is there, [`prepare()`] decides what a bundle changes and holds what a person has to decide, and
//! [`swap`] puts it in place so that a crash leaves the old files or the new ones. Nothing is written before the last of them.

pub mod edits;
mod error;
mod list_text;
pub mod local;
mod packed;
pub mod prepare;
pub mod received;
pub mod scenario;
mod spool;
pub mod swap;
mod text;

pub use edits::{Edit, ItemEdits};
pub use error::PullError;
pub use keepstep_testdata::merge_items::Choice;
pub use local::{LocalError, LocalTestData};
pub use prepare::{Collision, Prepared, Question, prepare};
pub use received::Received;
pub use scenario::Scenario;
pub use spool::Spool;
pub use swap::{Change, Recovered, is_interrupted, recover};
