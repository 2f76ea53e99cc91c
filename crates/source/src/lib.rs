//! An agent's definition in the code: what it says, where, and how it is changed there.
//!
//! [`AgentSource`] is what a language gives: the [`Property`] of each [field](keepstep_agent::Field), its [`Location`], and an
//! [`EditPlan`] that gives fields other values. [`skill_file`] says which agent a project defines. What reads a language is a crate
//! of its own.

mod agent_source;
mod edit;
mod error;
pub mod frame;
pub mod line_ends;
mod manifest;
mod property;
pub mod skill_file;

pub use agent_source::AgentSource;
pub use edit::{EditError, EditPlan, EditRefusal, FileEdit};
pub use error::{Location, Problem, SourceError, display_path};
pub use manifest::ManifestError;
pub use property::Property;
