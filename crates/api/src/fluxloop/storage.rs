//! `/api/storage`: where files go.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/storage/presign`. `size` and `sha256` are ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PresignRequest {
    /// The project.
    #[serde(default)]
    pub project_id: Option<String>,
    /// The run that the file belongs to.
    pub run_id: String,
    /// What it is.
    pub artifact_type: String,
    /// Its name.
    pub filename: String,
    /// Its media type.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Its length in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its SHA-256 in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Where to put a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Presigned {
    /// The address for one `PUT` without a key; absolute. Empty where the content is there already.
    #[serde(default)]
    pub upload_url: String,
    /// What names the file in the upload.
    pub storage_url: String,
    /// What the `PUT` has to carry.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// The content is there already: nothing has to be put.
    #[serde(default)]
    pub exists: bool,
}
