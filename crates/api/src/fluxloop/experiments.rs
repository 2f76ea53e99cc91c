//! Experiments and their runs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
