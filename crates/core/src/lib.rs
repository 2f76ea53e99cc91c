//! The model of keepstep, without any input or output.
//!
//! An agent's definition has four [fields](Field) that a team edits on two sides: in the code and on the platform.
//! This crate says what a field's value means ([`canonical`]), when two of them differ ([`drift`]), how the difference
//! looks ([`diff`]), how two edits become one ([`merge`]), what to do about it ([`plan`]) and what both sides last
//! agreed on ([`lock`]). Client and server use the same functions, so they cannot disagree about what "equal" is.
//!
//! [`test_data`] is the other half: what a bundle of inputs, personas and criteria is as files, and what a pull does with those
//! that somebody edited.
//!
//! [`statistics`] says what the runs of an agent mean, and [`random`] draws what has to be the same everywhere.
//!
//! Nothing here reads a file, a clock or an environment variable; what a function needs is an argument.

pub mod api_key;
pub mod canonical;
pub mod definition;
pub mod diff;
pub mod drift;
pub mod id;
pub mod lock;
pub mod merge;
pub mod plan;
pub mod random;
pub mod statistics;
pub mod test_data;
pub mod text;

pub use canonical::Digest;
pub use definition::{Definition, Field};
pub use drift::State;
pub use id::{AgentId, InvalidId, PersonaVersion, Revision};
