//! `/api/cli-connect`: how a device signs in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/cli-connect/start`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginStart {
    /// How the device calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
}

/// What the person has to do. Times are in seconds, under both names that the peers know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginStarted {
    /// The device's secret.
    pub device_code: String,
    /// What the person compares or types.
    pub user_code: String,
    /// Where.
    pub verification_url: String,
    /// How long the codes hold.
    #[serde(default)]
    pub expires_in: u64,
    /// The same number.
    #[serde(default)]
    pub expires_in_sec: u64,
    /// How long to wait between two questions.
    #[serde(default)]
    pub interval: u64,
    /// The same number.
    #[serde(default)]
    pub interval_sec: u64,
}

/// `POST /api/cli-connect/complete`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginComplete {
    /// The device's secret.
    pub device_code: String,
}

/// How far a login is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginProgress {
    /// `pending`, `approved`, `denied` or `expired`.
    pub status: String,
    /// Only when approved, and only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
}

/// `POST /api/cli-connect/refresh`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginRefresh {
    /// The token that was given with the access token.
    pub refresh_token: String,
}

/// The answer to a refresh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginRefreshed {
    /// The new tokens.
    pub credential: Credential,
}

/// What signs a device in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credential {
    /// The key for requests.
    pub access_token: String,
    /// The key for a new access token.
    #[serde(default)]
    pub refresh_token: String,
    /// When the access token ends, as an ISO 8601 time.
    #[serde(default)]
    pub expires_at: String,
    /// Who it is.
    #[serde(default)]
    pub user_id: String,
    /// Their address.
    #[serde(default)]
    pub user_email: String,
}
