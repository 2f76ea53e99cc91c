//! Changing an agent: each change makes its next revision, with a row that tells what the agent is then.
//!
//! What a change means is decided by a [`Draft`](draft::Draft), which knows no database; what a database has to keep for it is
//! [`ChangeRows`].

mod draft;
mod model;
mod rows;
mod write;

pub(crate) use draft::{NewPersona, NewRevision, NewestPersona};
pub use model::{Changed, Intent, Patch, PersonaChange};
pub(crate) use rows::ChangeRows;
