//! What an experiment is compared with.

use keepstep_http::addresses::{project_path, segment};
use keepstep_platform::Platform;
use keepstep_store::results::{Experiment, ExperimentFilter};

use crate::error_page::PageError;
use crate::signed_in::SignedIn;

/// How many experiments of a scenario one can choose from.
pub(crate) const CHOICES: u32 = 100;

/// Returns the experiment that another one is compared with where nobody says which: the newest baseline of its scenario, else the one
/// before it.
pub(crate) async fn usual_baseline(
    platform: &Platform,
    by: &SignedIn,
    experiment: &Experiment,
) -> Result<Option<Experiment>, PageError> {
    let batch = &experiment.batch;
    let others = async |is_pinned: bool| {
        let filter =
            ExperimentFilter { scenario: Some(&batch.scenario_id), is_pinned, limit: CHOICES, ..ExperimentFilter::default() };
        platform.store.experiments(&by.scope, &batch.project_id, &filter).await
    };
    if let Some(pinned) = others(true).await?.into_iter().find(|other| other.batch.id != batch.id) {
        return Ok(Some(pinned));
    }
    let of_scenario = others(false).await?;
    Ok(of_scenario.into_iter().skip_while(|other| other.batch.id != batch.id).nth(1))
}

/// Returns the address of a comparison of two.
pub(crate) fn compare_path(project: &str, before: &str, after: &str) -> String {
    format!("{}/compare?before={}&after={}", project_path(project), segment(before), segment(after))
}
