//! Reads the TypeScript definition of an agent and edits it in place.
//!
//! [`read`] finds the agent of a project and tells what the code says about each [field](keepstep_agent::Field): a
//! [`Property`](keepstep_source::Property). The value is the one that JavaScript would give. It is found by evaluating the syntax,
//! which also tells where each part of a text is written; what only running the code can tell comes from an embedded
//! [`engine`] and is never edited.
//!
//! [`AgentSource::plan_edits`](keepstep_source::AgentSource::plan_edits) finds the edits that give the fields other values.

mod agent_source;
mod compiler;
mod discover;
mod edit;
pub mod engine;
mod evaluate;
mod linked;
mod literal;
pub mod manifest;
mod modules;
mod read;
mod read_and_list;
mod resolve;
mod syntax;
mod typescript_agent;
mod value;

pub use read::read;
pub use read_and_list::read_and_list;
pub use typescript_agent::{Options, SourceModule, TypeScriptAgent};
