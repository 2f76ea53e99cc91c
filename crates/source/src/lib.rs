//! Reads the TypeScript definition of an agent and edits it in place.

pub mod engine;
pub mod manifest;
pub mod skill_file;
