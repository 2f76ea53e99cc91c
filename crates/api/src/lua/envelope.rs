//! What every success is in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The envelope of a success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Envelope<T> {
    /// Always true.
    pub success: bool,
    /// The answer.
    pub data: T,
}

impl<T> Envelope<T> {
    /// Returns the envelope of a success.
    pub fn of(data: T) -> Self {
        Self { success: true, data }
    }
}
