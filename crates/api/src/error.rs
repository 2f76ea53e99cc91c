//! The one body of every error response.

use keepstep_base::Revision;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error. The keys up to `statusCode` are those that the dialects of the peers read; the rest are ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// Always false.
    pub success: bool,
    /// What happened, as one sentence for a person.
    pub message: String,
    /// The message again, under the name that the fluxloop dialect reads.
    #[serde(default)]
    pub detail: String,
    /// The HTTP status in words.
    pub error: String,
    /// What happened, for a program.
    pub code: ErrorCode,
    /// The HTTP status.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The revision that the agent has now, where a precondition failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub current_revision: Option<Revision>,
    /// The largest accepted size in bytes, where something was too large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// The kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// A key is required.
    KeyMissing,
    /// The key is incomplete or mistyped.
    KeyMalformed,
    /// The key is unknown.
    KeyUnknown,
    /// The key has expired.
    KeyExpired,
    /// The key was revoked.
    KeyRevoked,
    /// The key is good, but its role or project does not cover this.
    KeyTooNarrow,
    /// The agent was not found.
    AgentNotFound,
    /// The version or revision was not found.
    VersionNotFound,
    /// The address was not found.
    NotFound,
    /// The address does not take that method.
    MethodNotAllowed,
    /// The request is invalid: its JSON, a field's type, a number.
    Invalid,
    /// The value is not accepted: an empty persona, markers of a merge.
    Refused,
    /// The value or the body is too large.
    TooLarge,
    /// The agent changed since the revision that the request names.
    Stale,
    /// Parts of the upload are missing.
    Incomplete,
    /// The same idempotency key came with another request.
    IdempotencyMismatch,
    /// Too many requests.
    TooMany,
    /// The server does not support this.
    NotOffered,
    /// The server is at fault.
    Internal,
    /// The server cannot answer now, but may soon.
    Unavailable,
    /// The server has no room to write; it goes on answering what is only read.
    StorageFull,
    /// A code that this version does not know.
    #[serde(other)]
    Other,
}

impl ErrorCode {
    /// Returns the HTTP status that goes with the code.
    pub fn status(self) -> u16 {
        match self {
            Self::KeyMissing | Self::KeyMalformed | Self::KeyUnknown | Self::KeyExpired | Self::KeyRevoked => 401,
            Self::KeyTooNarrow => 403,
            Self::AgentNotFound | Self::VersionNotFound | Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Invalid | Self::Refused => 400,
            Self::TooLarge => 413,
            Self::Incomplete => 409,
            Self::Stale => 412,
            Self::IdempotencyMismatch => 422,
            Self::TooMany => 429,
            Self::NotOffered => 501,
            Self::Internal | Self::Other => 500,
            Self::Unavailable => 503,
            Self::StorageFull => 507,
        }
    }
}
