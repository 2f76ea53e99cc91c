//! Which experiments a page about the course of things shows: the newest of one scenario, of all branches or of one.

use keepstep_http::addresses::segment;
use keepstep_platform::Platform;
use keepstep_store::Project;
use keepstep_store::results::{ExperimentFilter, TrendPoint};

use crate::error_page::PageError;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many experiments are looked at: the newest.
const MOST: u32 = 1000;

/// The experiments that were chosen.
pub(crate) struct ChosenTrend {
    pub(crate) project: Project,
    pub(crate) scenarios: Vec<TrendChoice>,
    pub(crate) branches: Vec<TrendChoice>,
    /// The experiments, the oldest first.
    pub(crate) points: Vec<TrendPoint>,
    scenario: Option<String>,
    branch: Option<String>,
}

/// A scenario or a branch that can be chosen.
#[derive(Clone)]
pub(crate) struct TrendChoice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

impl ChosenTrend {
    /// Returns the experiments of a scenario, else of that of the newest experiment, and of a branch, if there is such one.
    pub(crate) async fn of(
        platform: &Platform,
        by: &SignedIn,
        project: &str,
        scenario: &str,
        branch: &str,
    ) -> Result<Self, PageError> {
        platform.abandon_silent_runs().await?;
        platform.count_experiments(project).await?;
        let (store, scope) = (&platform.store, &by.scope);
        let project = store.project(scope, project).await?;
        let id = &project.id;
        let scenarios = store.scenarios(scope, id).await?;
        let branches = store.experiment_choices(scope, id).await?.branches;
        let newest = ExperimentFilter { limit: 1, ..ExperimentFilter::default() };
        // Lines of two scenarios say nothing together.
        let one = ExperimentFilter { scenario: Some(scenario), ..newest };
        let is_there =
            scenarios.iter().any(|known| known.id == scenario) || !store.experiments(scope, id, &one).await?.is_empty();
        let scenario = match is_there {
            true => Some(scenario.to_owned()),
            false => store.experiments(scope, id, &newest).await?.pop().map(|newest| newest.batch.scenario_id),
        };
        let mut choices: Vec<(String, String)> = scenarios.into_iter().map(|known| (known.id, known.name)).collect();
        if let Some(deleted) = scenario.as_ref().filter(|wanted| choices.iter().all(|(known, _)| known != *wanted)) {
            choices.push((deleted.clone(), store.scenario_name(scope, deleted).await?));
        }
        let branch = branches.iter().find(|known| Visible::of(known).plain() == branch).cloned();
        let filter = ExperimentFilter {
            scenario: scenario.as_deref(),
            branch: branch.as_deref(),
            limit: MOST,
            ..ExperimentFilter::default()
        };
        let mut points = store.trend(scope, id, &filter).await?;
        points.reverse();
        let scenario_choice = |(value, name): (String, String)| TrendChoice {
            label: Visible::of(name).plain().to_owned(),
            is_chosen: scenario.as_ref() == Some(&value),
            value,
        };
        let branch_choice = |known: &String| {
            let shown = Visible::of(known).plain().to_owned();
            TrendChoice { value: shown.clone(), label: shown, is_chosen: branch.as_ref() == Some(known) }
        };
        Ok(Self {
            scenarios: choices.into_iter().map(scenario_choice).collect(),
            branches: branches.iter().map(branch_choice).collect(),
            points,
            scenario,
            branch,
            project,
        })
    }

    /// Returns the address of a page about the same experiments, with more in it.
    pub(crate) fn address<const MORE: usize>(&self, path: &str, more: [(&str, Option<String>); MORE]) -> String {
        let branch = self.branch.as_ref().map(|branch| Visible::of(branch).plain().to_owned());
        let parts = [("scenario", self.scenario.clone()), ("branch", branch)].into_iter().chain(more);
        let parts: Vec<String> = parts.filter_map(|(name, value)| Some(format!("{name}={}", segment(&value?)))).collect();
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    }
}
