//! The lua dialect: what the unmodified `lua-cli` sends and reads.
//!
//! A thin translation. Its writes name no revision; they are accepted, and what they replace stays as a version.

pub(crate) mod agents;
pub(crate) mod backup;
pub(crate) mod me;
pub(crate) mod personas;
pub(crate) mod primitives;
