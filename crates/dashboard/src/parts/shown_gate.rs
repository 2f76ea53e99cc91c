//! What came of the gate of an experiment, ready to show.

use keepstep_http::addresses::{case_path, experiment_path};
use keepstep_results::gate::GateState;
use keepstep_store::results::{Experiment, ExperimentGate};

use crate::parts::visible::Visible;

/// What a gate says of an experiment, and why.
#[derive(Debug)]
pub(crate) struct ShownGate {
    pub(crate) class: &'static str,
    pub(crate) state: &'static str,
    pub(crate) reason: Visible,
    /// The case that failed first.
    pub(crate) first: Option<String>,
    /// Who has marked the failure as seen.
    pub(crate) seen_by: Option<Visible>,
    pub(crate) is_failed: bool,
}

impl ShownGate {
    /// Returns what the gate says of an experiment; nothing where it has none that was checked.
    pub(crate) fn of(experiment: &Experiment) -> Option<Self> {
        let ExperimentGate { state, reason, first_run, seen_by, .. } = experiment.gate.as_ref()?;
        let state = (*state)?;
        let path = experiment_path(&experiment.batch.project_id, &experiment.batch.id);
        Some(Self {
            class: match state {
                GateState::Passed => "good",
                GateState::Failed => "bad",
                GateState::Undecided => "draft",
            },
            state: state.label(),
            reason: Visible::of(reason),
            first: first_run.as_deref().map(|run| case_path(&path, run)),
            seen_by: seen_by.as_deref().map(Visible::of),
            is_failed: state == GateState::Failed,
        })
    }
}
