//! What an agent's definition is, and how two sides of it are kept in step.
//!
//! An agent's definition has [fields](Field) that a team edits on two sides: in the code and on the platform. One table says what they are
//! ([`field`]).
//! This crate says what a field's value means ([`canonical`]), when two of them differ ([`drift`]), how the difference
//! looks ([`diff`]), how two edits become one ([`merge`]), what to do about it ([`plan`]) and what both sides last
//! agreed on ([`lock`]); and what is known about its changes ([`versions`]). Client and server use the same functions, so they cannot disagree about what "equal" is.
//!
//! Nothing here reads a file, a clock or an environment variable; what a function needs is an argument.

pub mod canonical;
pub mod definition;
pub mod diff;
pub mod drift;
pub mod field;
pub mod lock;
pub mod merge;
pub mod plan;
pub mod versions;

pub use definition::Definition;
pub use drift::State;
pub use field::Field;
