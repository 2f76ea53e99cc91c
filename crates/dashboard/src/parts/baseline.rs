//! What an experiment is compared with.

use keepstep_http::addresses::{project_path, segment};
use keepstep_platform::Platform;
use keepstep_store::results::{Experiment, ExperimentFilter, ExperimentOrder};

use crate::error_page::PageError;
use crate::signed_in::SignedIn;

/// How many experiments of a scenario one can choose from.
pub(crate) const CHOICES: u32 = 100;

/// Returns the experiment that another one is compared with where nobody says which: the baseline of its scenario that was pinned last, else
/// the one before it.
pub(crate) async fn usual_baseline(
    platform: &Platform,
    by: &SignedIn,
    experiment: &Experiment,
) -> Result<Option<Experiment>, PageError> {
    let batch = &experiment.batch;
    let others = ExperimentFilter { scenario: Some(&batch.scenario_id), ..ExperimentFilter::default() };
    // It may be pinned itself.
    let pinned = ExperimentFilter { is_pinned: true, order: ExperimentOrder::LastPinned, limit: 2, ..others };
    let pinned = platform.store.experiments(&by.scope, &batch.project_id, &pinned).await?;
    if let Some(pinned) = pinned.into_iter().find(|other| other.batch.id != batch.id) {
        return Ok(Some(pinned));
    }
    let before = ExperimentFilter { before: Some(&batch.id), limit: 1, ..others };
    Ok(platform.store.experiments(&by.scope, &batch.project_id, &before).await?.pop())
}

/// Returns the address of a comparison of two.
pub(crate) fn compare_path(project: &str, before: &str, after: &str) -> String {
    format!("{}/compare?before={}&after={}", project_path(project), segment(before), segment(after))
}
