//! The fluxloop dialect: the bodies that `fluxloop-cli` sends and reads, in its releases 0.3.3 and 0.4.0.
//!
//! Keys are in snake_case and times in ISO 8601. Ids are strings, lists are bare arrays, and nothing in the answer to a
//! pull is null: both peers rely on that. Where the two releases read different names of one thing, both are sent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// An organisation, in the dialect's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Always `active`.
    #[serde(default)]
    pub status: String,
    /// The workspace that owns it.
    #[serde(default)]
    pub workspace_id: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// What a client has set for it: `default_language` of 0.3.11 and `language` of 0.4.0 are the same thing, and both are sent.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
}

/// `POST /api/projects`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// The workspace that is to own it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is set for it, such as its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Map<String, Value>>,
}

/// A key of a project; the key itself is there only in the answer to the request that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// Names the key where it is listed.
    pub id: String,
    /// The name that it was given.
    pub name: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// `POST /api/api-keys`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewKey {
    /// The project that the key is confined to.
    pub project_id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scenario {
    /// Its id.
    pub id: String,
    /// The same id.
    #[serde(default)]
    pub scenario_id: String,
    /// The project that it belongs to.
    #[serde(default)]
    pub project_id: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// The configuration.
    #[serde(default)]
    pub config_snapshot: Map<String, Value>,
    /// The `goal` of the configuration, where it is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// The `constraints` of the configuration that are texts.
    #[serde(default)]
    pub constraints: Vec<String>,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
}

/// `POST /api/scenarios`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewScenario {
    /// The project.
    pub project_id: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The configuration.
    #[serde(default)]
    pub config_snapshot: Map<String, Value>,
}

/// `PATCH /api/scenarios/{id}`: what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScenarioPatch {
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Another configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_snapshot: Option<Map<String, Value>>,
}

/// A bundle version, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bundle {
    /// Its id.
    pub id: String,
    /// The same id.
    #[serde(default)]
    pub bundle_version_id: String,
    /// The project that it belongs to.
    #[serde(default)]
    pub project_id: String,
    /// The scenario that it belongs to.
    #[serde(default)]
    pub scenario_id: String,
    /// Its inputs.
    #[serde(default)]
    pub input_set_id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `draft` or `published`.
    #[serde(default)]
    pub status: String,
    /// Counts the published versions of a scenario; a draft has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// How many inputs it has.
    #[serde(default)]
    pub input_count: u32,
    /// How many personas it has.
    #[serde(default)]
    pub personas_count: u32,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
}

/// The answer to `POST /api/v1/projects/{id}/import`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedBundle {
    /// The bundle version.
    #[serde(flatten)]
    pub bundle: Bundle,
    /// How many inputs without an id in the file say something else than before, and are still the same inputs.
    #[serde(default)]
    pub reworded_count: usize,
    /// The first of them.
    #[serde(default)]
    pub reworded: Vec<RewordedInput>,
}

/// An input that says something else than before, both shortened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RewordedInput {
    /// Its id.
    pub id: String,
    /// What it said.
    #[serde(default)]
    pub before: String,
    /// What it says.
    #[serde(default)]
    pub after: String,
}

/// `POST /api/bundles`. Without a status it is published at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewBundle {
    /// The project.
    pub project_id: String,
    /// The scenario; the project's only one where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_id: Option<String>,
    /// The inputs; the scenario's newest where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_set_id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `draft` or `published`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// `PUT /api/bundles/{id}`: publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleChange {
    /// `published`.
    pub status: String,
}

/// `GET /api/inputs`: either sets, or the items of the set that was named.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inputs {
    /// The sets, newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_sets: Option<Vec<InputSet>>,
    /// The items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Value>>,
}

/// A set of inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputSet {
    /// Its id.
    pub id: String,
    /// The same id.
    #[serde(default)]
    pub input_set_id: String,
    /// The scenario that it belongs to.
    #[serde(default)]
    pub scenario_id: String,
    /// Counts the sets of a scenario.
    #[serde(default)]
    pub version: u32,
    /// How many inputs it has.
    #[serde(default)]
    pub count: u32,
    /// The same number.
    #[serde(default)]
    pub input_count: u32,
    /// When it was made.
    #[serde(default)]
    pub created_at: String,
    /// The inputs, where one set was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<Value>>,
}

/// `POST /api/personas`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewPersona {
    /// The project; the key's, or the only one, where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Their name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// `POST /api/sync/pull`. `scenario_id`, `scenario_name` and `known_bundle_version_id` are ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequest {
    /// Which version; the one that was published last where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_version_id: Option<String>,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Only a version of this scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_id: Option<String>,
    /// Only a version of the scenario with this name, for a client that does not know its id yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_name: Option<String>,
    /// What is there already: if it is still the right one, the answer is 304.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_bundle_version_id: Option<String>,
    /// With the inputs, which is so where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_inputs: Option<bool>,
    /// With the personas, which is so where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_personas: Option<bool>,
    /// With the criteria, which is so where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_criteria: Option<bool>,
}

/// The answer to a pull.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pulled {
    /// Which version it is.
    pub bundle_version: Bundle,
    /// Always empty.
    #[serde(default)]
    pub run_spec_snapshot: Map<String, Value>,
    /// The scenario: `{"scenario": {"id", "name", "description", "config_snapshot"}}`.
    #[serde(default)]
    pub scenario_context: Map<String, Value>,
    /// The inputs' set.
    #[serde(default)]
    pub input_set: Map<String, Value>,
    /// The inputs: `id`, `persona_id`, `messages`, `metadata`.
    #[serde(default)]
    pub input_items: Vec<Value>,
    /// The personas: `id`, `name` and whatever else is known.
    #[serde(default)]
    pub personas: Vec<Value>,
    /// The criteria: `id`, `name`, `version`, `items` and whatever else is known.
    #[serde(default)]
    pub criteria_pack: Vec<Value>,
    /// The server's time: `{"pulled_at"}`.
    #[serde(default)]
    pub sync_meta: Map<String, Value>,
}

/// `POST /api/sync/upload`. 0.3.3 sends it twice: before the runs (`upload_meta.mode` is `precreate`) and after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UploadRequest {
    /// The bundle version that was run.
    pub bundle_version_id: String,
    /// The batch.
    #[serde(default)]
    pub run_batch: RunBatchHeader,
    /// The runs: `id`, `input_item_id`, `persona_id` (0.4.0 sends a name), `status`, `input_snapshot`.
    #[serde(default)]
    pub runs: Vec<UploadedRun>,
    /// What came out of them.
    #[serde(default)]
    pub run_results: Vec<UploadedResult>,
    /// Files that were put where `POST /api/storage/presign` said.
    #[serde(default)]
    pub artifacts: Vec<UploadedArtifact>,
    /// What was said.
    #[serde(default)]
    pub turns: Vec<Turn>,
    /// Counts of turns and warnings; not read.
    #[serde(default)]
    pub turn_summaries: Vec<Value>,
    /// `{"mode": "precreate"}`, or empty.
    #[serde(default)]
    pub upload_meta: Map<String, Value>,
}

/// The batch of an upload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunBatchHeader {
    /// Names the batch; 0.4.0 has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_id: Option<String>,
    /// `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_target: Option<String>,
    /// `running`, `completed` or `failed`, as the client sees it; the server finds out itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
}

/// A run of an upload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UploadedRun {
    /// Its id.
    pub id: String,
    /// The input; 0.4.0 sends "" where it knows none.
    #[serde(default)]
    pub input_item_id: Option<String>,
    /// The persona: an id, or a name from 0.4.0.
    #[serde(default)]
    pub persona_id: Option<String>,
    /// `running`, `completed` or `failed`.
    #[serde(default)]
    pub status: Option<String>,
    /// The input as it was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_snapshot: Option<Value>,
}

/// What came out of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UploadedResult {
    /// The run.
    pub run_id: String,
    /// `completed` or `failed`.
    #[serde(default)]
    pub status: Option<String>,
    /// Numbers: `duration_ms`, tokens, `turn_count`, `termination_reason`.
    #[serde(default)]
    pub metrics: Option<Map<String, Value>>,
    /// What was said: `[{role, content, metadata?}]`.
    #[serde(default)]
    pub transcript: Option<Vec<Value>>,
    /// `{verdict, scores, failures}`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_eval_summary: Option<Map<String, Value>>,
}

/// A file of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadedArtifact {
    /// The run that it belongs to.
    pub run_id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub artifact_type: String,
    /// The address that `POST /api/storage/presign` gave.
    pub storage_url: String,
}

/// A turn; also the body of `POST /api/sync/turns`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// The run.
    pub run_id: String,
    /// Its id within the run.
    pub turn_id: String,
    /// Its place in the run.
    #[serde(default)]
    pub sequence: i64,
    /// Who said it.
    #[serde(default)]
    pub role: String,
    /// What was said.
    #[serde(default)]
    pub content: String,
    /// When.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<f64>,
    /// `[{type, message}]`
    #[serde(default)]
    pub warnings: Option<Vec<Value>>,
}

/// The answer to an upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Uploaded {
    /// The batch.
    pub run_batch_id: String,
    /// The runs that the request named.
    pub run_ids: Vec<String>,
    /// `{"gate_pass_rate": 0..1}`, or empty while runs go on.
    pub quick_gate: Map<String, Value>,
    /// The page that shows the batch; ours.
    #[serde(default)]
    pub url: String,
}

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

/// `GET /api/sync/status`: ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncStatus {
    /// The bundle that was published last; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_bundle: Option<LatestBundle>,
    /// The bundle that was asked about is there.
    #[serde(default)]
    pub bundle_known: bool,
    /// What is there of the experiments that were asked about.
    #[serde(default)]
    pub experiments: Vec<ExperimentStatus>,
    /// Which of the runs that were asked about are there; none where no run was asked about, or the server does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Vec<KnownRun>>,
}

/// A run that the server has, with the experiment that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownRun {
    /// The run.
    pub run_id: String,
    /// The batch.
    pub run_batch_id: String,
    /// `running`, `completed`, `failed` or `abandoned`.
    pub status: String,
    /// The page that shows the batch.
    pub url: String,
}

/// The bundle that was published last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LatestBundle {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub created_at: String,
}

/// What the server has of an experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentStatus {
    /// Its name.
    pub experiment_id: String,
    /// The batch.
    pub run_batch_id: String,
    /// `running`, `completed`, `failed` or `abandoned`.
    pub status: String,
    /// How many runs it has.
    pub runs: u64,
    /// The page that shows it.
    pub url: String,
}

/// An experiment in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Experiment {
    /// The id of the batch.
    pub experiment_id: String,
    /// The name that the client gave it; empty where it gave none.
    #[serde(default)]
    pub name: String,
    /// The scenario.
    #[serde(default)]
    pub scenario_id: String,
    /// The bundle version that was run.
    #[serde(default)]
    pub bundle_version_id: String,
    /// `running`, `completed`, `failed` or `abandoned`.
    #[serde(default)]
    pub status: String,
    /// When it was first heard of.
    #[serde(default)]
    pub created_at: String,
    /// Its runs in numbers.
    #[serde(default)]
    pub summary: ExperimentSummary,
    /// What became of it.
    #[serde(default)]
    pub evaluation: ExperimentEvaluation,
    /// The page that shows it.
    #[serde(default)]
    pub url: String,
}

/// The runs of an experiment in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentSummary {
    /// All of them.
    pub total_runs: u64,
    /// Those that ended as they should.
    pub completed_runs: u64,
    /// Those that failed, in whatever way.
    #[serde(default)]
    pub failed_runs: u64,
}

/// What became of an experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentEvaluation {
    /// `pass` or `fail`; left out while it goes on and where it broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
}

/// A run in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunOfExperiment {
    /// Its id.
    pub id: String,
    /// The id of its batch.
    pub experiment_id: String,
}

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
