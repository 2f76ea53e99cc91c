//! What is tested: something that answers.
//!
//! A [`Target`] makes [`Session`]s; each belongs to one of the parallel slots of a run and answers one turn after the other.
//! A session brings itself back after a crash: the next question starts a new process.

pub(crate) mod child;
mod fork_server;
mod function;
mod http;
mod interface;
mod output;
pub(crate) mod printed;
mod process;

use std::sync::Arc;

pub use interface::{
    AgentAnswer, Later, Message, Network, Question, Refusal, Session, Surroundings, Target, Trouble, TypeScript,
};

use crate::config::TargetConfig;

/// Makes a target of its configuration.
///
/// # Errors
/// This kind of target is not there, or not what the configuration says.
pub fn make(config: &TargetConfig, surroundings: &Surroundings) -> Result<Arc<dyn Target>, Refusal> {
    match config {
        TargetConfig::Python(module) => Ok(Arc::new(function::Functions::python(module, surroundings)?)),
        TargetConfig::Node(module) => Ok(Arc::new(function::Functions::node(module, surroundings)?)),
        TargetConfig::Process(process) => Ok(Arc::new(process::Processes::new(process, surroundings)?)),
        TargetConfig::Http(service) => Ok(Arc::new(http::Services::new(service, surroundings)?)),
    }
}
