//! The lua dialect: the bodies that `lua-cli` sends and reads.
//!
//! Every success is in an [`Envelope`]; every error is an [`crate::error::ErrorBody`]. The paths are in the server's
//! router; ids in them are not percent-encoded by the peer.
//!
//! There is a file for each resource.

pub mod agents;
pub mod envelope;
pub mod me;
pub mod personas;
pub mod primitives;

pub use agents::{Agent, SubAgentPatch, Written};
pub use envelope::Envelope;
pub use me::{Authorization, AuthorizationContext};
pub use personas::{NewPersona, PersonaEntry, PersonaVersions};
pub use primitives::PrimitiveKind;
