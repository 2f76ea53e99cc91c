//! Our own upload of an experiment, under `/api/v1/uploads`: offer, parts, commit.
//!
//! | Request | Answer |
//! |---|---|
//! | `POST /api/v1/uploads` [`Offer`] | [`OfferAnswer`]: what the platform lacks |
//! | `PUT /api/v1/uploads/{id}/parts` one pack (see below) | 204; 422 when a part is not what it says it is |
//! | `GET /api/v1/uploads/{id}` | [`OfferAnswer`]: what is still missing |
//! | `POST /api/v1/uploads/{id}/commit` [`Commit`] | [`Committed`]; 409 `INCOMPLETE` with the parts that are missing |
//!
//! A file is a list of parts; a part is at most [`PART_SIZE`] bytes and is known by its SHA-256 within its project. A pack is
//! the body of one request that brings many parts: the header `Keepstep-Parts` lists them with commas between, in the order in
//! which their bytes follow one another in the body, which is at most [`PACK_SIZE`] bytes. A part is named as `<sha256>:<size>`;
//! `<first>-<last>` names all parts of the files with these places in the offer, counted from 0, so that a thousand small files
//! are a short header. One request brings at most [`PACK_PARTS`] parts. The same parts sent twice are stored once.
//!
//! The commit names a batch by (project, bundle version, experiment id) and one of the offered files, of type
//! [`RUNS_FILE`], as its runs: JSON Lines, each a [`RunRecord`]. All of a batch becomes visible at once.
//! The same commit again is the same batch.

pub use keepstep_results::record::RunRecord;
pub use keepstep_results::turn::Turn;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The size of a part in bytes; the last one of a file may be smaller.
pub const PART_SIZE: u64 = 8 * 1024 * 1024;
/// The most that one request may bring, in bytes.
pub const PACK_SIZE: u64 = 8 * 1024 * 1024;
/// The most parts that one request may bring.
pub const PACK_PARTS: usize = 1000;
/// The header that lists the parts in a pack.
pub const PARTS_HEADER: &str = "keepstep-parts";
/// The type of the offered file that holds the runs; it is not kept as an artifact.
pub const RUNS_FILE: &str = "runs";

/// `POST /api/v1/uploads`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// The project.
    pub project_id: String,
    /// The bundle version that was run.
    pub bundle_version_id: String,
    /// Names the batch within its project and bundle version.
    pub experiment_id: String,
    /// What there is.
    pub files: Vec<OfferedFile>,
}

/// One file of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferedFile {
    /// What it is: `traces`, `trace_summary`, `observations`, `summary`, `turns`, `errors`, `result`, `per_trace_markdown`,
    /// `per_trace_index`, or [`RUNS_FILE`].
    #[serde(rename = "type")]
    pub file_type: String,
    /// Its name without any folder.
    pub name: String,
    /// The run that it belongs to; none for what belongs to the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of the whole, in hexadecimal.
    pub sha256: String,
    /// Its parts in order; none for an empty file.
    pub parts: Vec<OfferedPart>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct OfferedPart {
    /// The SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What became of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfferAnswer {
    /// Names the upload. The same offer again gets the same id, until it is committed or a week old.
    pub upload_id: String,
    /// The SHA-256 of each missing part, each once, in the order of the offer.
    pub missing: Vec<String>,
}

/// The answer to a commit that comes too early.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incomplete {
    /// Its code is [`Incomplete`](crate::error::ErrorCode::Incomplete).
    #[serde(flatten)]
    pub error: crate::error::ErrorBody,
    /// The SHA-256 of each missing part.
    pub missing: Vec<String>,
}

/// `POST /api/v1/uploads/{id}/commit`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Commit {
    /// The whole SHA-256 of the offered file with the runs.
    pub runs_sha256: String,
    /// When the experiment began, as an ISO 8601 time with an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// What else is to be kept about it: agent, commit, target, versions. Shown as it is.
    #[serde(default)]
    pub details: Map<String, Value>,
}

/// A batch that is there as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Committed {
    /// Its id.
    pub run_batch_id: String,
    /// The page that shows it.
    pub url: String,
    /// How many runs it has.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
    /// It was there already.
    pub repeated: bool,
    /// What the gate of its scenario says, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateAnswer>,
}

/// What the gate of a scenario says of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateAnswer {
    /// `passed`, `failed` or `undecided`.
    pub state: String,
    /// Why, in words.
    pub reason: String,
}
