//! The fluxloop dialect: the bodies that `fluxloop-cli` sends and reads, in its releases 0.3.3 and 0.4.0.
//!
//! Keys are in snake_case and times in ISO 8601. Ids are strings, lists are bare arrays, and nothing in the answer to a
//! pull is null: both peers rely on that. Where the two releases read different names of one thing, both are sent.
//!
//! There is a file for each resource.

pub mod bundles;
pub mod experiments;
pub mod inputs;
pub mod keys;
pub mod login;
pub mod personas;
pub mod projects;
pub mod pull;
pub mod scenarios;
pub mod storage;
pub mod sync_status;
pub mod turns;
pub mod upload;
pub mod workspaces;

pub use bundles::{Bundle, BundleChange, NewBundle};
pub use experiments::{Experiment, ExperimentEvaluation, ExperimentSummary, RunOfExperiment};
pub use inputs::{InputSet, Inputs};
pub use keys::{Key, NewKey};
pub use login::{Credential, LoginComplete, LoginProgress, LoginRefresh, LoginRefreshed, LoginStart, LoginStarted};
pub use personas::NewPersona;
pub use projects::{NewProject, Project};
pub use pull::{PullRequest, Pulled};
pub use scenarios::{NewScenario, Scenario, ScenarioPatch};
pub use storage::{PresignRequest, Presigned};
pub use sync_status::{ExperimentStatus, KnownRun, LatestBundle, SyncStatus};
pub use turns::Turn;
pub use upload::{RunBatchHeader, UploadRequest, Uploaded, UploadedArtifact, UploadedResult, UploadedRun};
pub use workspaces::Workspace;
