//! What every part of keepstep builds on: identifiers, keys, digests, chance that is the same everywhere, classes of characters,
//! durations as people write them, who speaks in a conversation, lines of bounded length, whole files.
//!
//! Nothing here knows an agent, test data or a result, and nothing but the writer of [whole files](whole_file) opens a file. Nothing reads
//! a clock or an environment variable.

pub mod access;
pub mod api_key;
pub mod digest;
pub mod disk;
pub mod human;
pub mod id;
pub mod lines;
pub mod nearest;
pub mod random;
pub mod role;
pub mod spreadsheet;
pub mod text;
pub mod whole_file;

pub use digest::Digest;
pub use id::{AgentId, InvalidId, PersonaVersion, Revision};
