//! `/projects/{id}`: a project's scenarios, their bundles, and its experiments.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_http::addresses::{agent_path, experiment_path, project_path, scenario_path};
use keepstep_platform::Platform;
use keepstep_store::Role;
use keepstep_store::results::{Experiment, ExperimentFilter};
use keepstep_store::test_data::{Bundle, BundleFilter, BundleStatus};
use serde::Deserialize;

use super::experiment::Link;
use crate::addressed::AddressedProject;
use crate::error_page::PageError;
use crate::parts::folders::{self, FolderRow};
use crate::parts::frame::Frame;
use crate::parts::shown_results::{Badge, Figures, grouped};
use crate::parts::view::{Moment, page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many of the newest experiments are shown; all of them are in the list.
const NEWEST: u32 = 10;

/// How many bundle versions are looked at for the newest of each scenario.
const MOST_BUNDLES: u32 = 1000;

/// How many versions of a scenario's bundle are shown.
const VERSIONS: usize = 5;

#[derive(Template)]
#[template(path = "experiments.html")]
struct Experiments {
    frame: Frame,
    done: Option<&'static str>,
    agent: Option<Link>,
    is_owner: bool,
    may_edit: bool,
    may_publish: bool,
    deleted_scenarios: Vec<DeletedScenario>,
    path: String,
    name: Visible,
    id: Visible,
    description: Visible,
    has_scenarios: bool,
    /// The address of the list without a folder.
    all_scenarios: String,
    crumbs: Vec<(Visible, String)>,
    folders: Vec<FolderRow>,
    scenarios: Vec<ListedScenario>,
    newer: Option<String>,
    older: Option<String>,
    batches: Vec<ListedBatch>,
    all: Option<String>,
}

struct DeletedScenario {
    path: String,
    name: Visible,
    by: Visible,
    at: Moment,
}

struct ListedScenario {
    path: String,
    name: Visible,
    id: Visible,
    description: Visible,
    versions: Vec<ListedBundle>,
}

struct ListedBundle {
    name: Visible,
    id: Visible,
    generation: Option<u32>,
    inputs: u32,
    personas: u32,
    made: Moment,
}

struct ListedBatch {
    path: String,
    name: Visible,
    scenario: Visible,
    badge: Badge,
    figures: Figures,
    made: Moment,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct ExperimentsQuery {
    done: Option<String>,
    /// The folder of scenarios that is open.
    folder: Option<String>,
    page: Option<String>,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
    Query(asked): Query<ExperimentsQuery>,
) -> Result<Response, PageError> {
    platform.abandon_silent_runs().await?;
    let project = platform.store.project(&by.scope, &id).await?;
    let scenarios = platform.store.scenarios(&by.scope, &id).await?;
    let path = project_path(&id);
    let (folder, number) = (asked.folder.as_deref(), asked.page.as_deref());
    let level = folders::open(&scenarios, |scenario| &scenario.name, (&path, "#scenarios"), folder, number)?;
    let filter = BundleFilter { status: Some(BundleStatus::Published), limit: MOST_BUNDLES, ..BundleFilter::default() };
    let bundles = platform.store.bundles(&by.scope, &id, filter).await?;
    let filter = ExperimentFilter { limit: NEWEST, ..ExperimentFilter::default() };
    let batches = platform.store.experiments(&by.scope, &id, &filter).await?;
    let count = platform.store.count_experiments(&by.scope, &id, &filter).await?;
    let may_publish = by.require_publish().is_ok();
    let deleted = if may_publish { platform.store.deleted_scenarios(&by.scope, &id).await? } else { Vec::new() };
    let agent = match &project.agent {
        // Who cannot see it is not told that it is there.
        Some(agent) => platform.store.agent(&by.scope, agent).await.ok(),
        None => None,
    };
    page(&Experiments {
        frame: Frame::of(&by.session),
        done: match asked.done.as_deref() {
            Some("created") => Some("The project is created."),
            Some("saved") => Some("Saved."),
            Some("restored") => Some("The project is restored."),
            Some("scenario-deleted") => Some("The scenario is deleted. It can be restored below."),
            _ => None,
        },
        agent: agent.map(|agent| Link { path: agent_path(&agent.id), name: Visible::of(title_of(&agent)) }),
        is_owner: by.require(Role::Owner).is_ok(),
        may_edit: by.require(Role::Editor).is_ok(),
        may_publish,
        deleted_scenarios: deleted
            .into_iter()
            .map(|scenario| DeletedScenario {
                path: scenario_path(&id, &scenario.id),
                name: Visible::of(scenario.name),
                by: Visible::of(scenario.by),
                at: Moment::of(scenario.at),
            })
            .collect(),
        path,
        name: Visible::of(&project.name),
        id: Visible::of(&project.id),
        description: Visible::of(&project.description),
        batches: batches.iter().map(listed).collect(),
        has_scenarios: !scenarios.is_empty(),
        all_scenarios: format!("{}#scenarios", project_path(&id)),
        crumbs: level.crumbs,
        folders: level.folders,
        newer: level.earlier,
        older: level.later,
        scenarios: level
            .items
            .into_iter()
            .map(|(scenario, name)| ListedScenario {
                path: scenario_path(&id, &scenario.id),
                name,
                id: Visible::of(&scenario.id),
                description: Visible::of(&scenario.description),
                versions: bundles
                    .iter()
                    .filter(|bundle| bundle.scenario_id == scenario.id)
                    .take(VERSIONS)
                    .map(ListedBundle::from)
                    .collect(),
            })
            .collect(),
        all: (count > batches.len() as u64).then(|| grouped(count)),
    })
}

impl From<&Bundle> for ListedBundle {
    fn from(bundle: &Bundle) -> Self {
        Self {
            name: Visible::of(&bundle.name),
            id: Visible::of(&bundle.id),
            generation: bundle.generation,
            inputs: bundle.input_count,
            personas: bundle.persona_count,
            made: Moment::of(bundle.created_at),
        }
    }
}

fn listed(experiment: &Experiment) -> ListedBatch {
    let batch = &experiment.batch;
    ListedBatch {
        path: experiment_path(&batch.project_id, &batch.id),
        name: Visible::of(experiment.name()),
        scenario: Visible::of(&experiment.scenario_name),
        badge: batch.status.into(),
        figures: Figures::from(&batch.counts),
        made: Moment::of(batch.started_at.unwrap_or(batch.created_at)),
    }
}
