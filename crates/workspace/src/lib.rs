//! The `.fluxloop` workspace on disk: where it is, what is in it, how pulled data gets in, what an experiment left.
//!
//! No network and no printing; the decisions are made in [`keepstep_testdata`]. Nothing here reads the environment,
//! the clock or the working directory: whoever calls passes them in.

pub mod component;
pub mod context_file;
pub mod door;
mod entries;
mod error;
pub mod experiments;
pub mod files;
pub mod links;
pub mod project_file;
pub mod pull;
pub mod pull_record;
mod root;
pub mod scenario;
mod state_change;
pub mod yaml;

pub use context_file::ContextFile;
pub use error::WorkspaceError;
pub use links::Links;
pub use project_file::ProjectFile;
pub use root::Workspace;
pub use scenario::{Scenario, ScenarioError, SelectedBy};
pub use state_change::StateChange;
