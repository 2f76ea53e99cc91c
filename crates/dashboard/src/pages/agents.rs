//! `/`: what waits for somebody, and the list of agents.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_base::PersonaVersion;
use keepstep_http::addresses::{agent_path, case_path, experiment_path, segment};
use keepstep_platform::{CodeState, Platform};
use keepstep_store::results::{FailedGate, WaitingExperiment};
use keepstep_store::{Agent, NewerDraft, ProposalState};
use serde::Deserialize;

use crate::error_page::PageError;
use crate::parts::code_state::ShownCode;
use crate::parts::folders::{self, FolderRow};
use crate::parts::frame::Frame;
use crate::parts::shown_results::excerpt;
use crate::parts::view::{Changed, Moment, may_create, page, title_of};
use crate::parts::visible::Visible;
use crate::parts::waiting::{self, AgentChange, AgentNews, ChangeReason};
use crate::signed_in::SignedIn;

/// How long results wait for somebody, in milliseconds: 30 days.
const WAITING_LIFE: i64 = 30 * 24 * 60 * 60 * 1000;

/// How many repositories and branches of an agent stand in its row.
const PLACES: usize = 2;

#[derive(Template)]
#[template(path = "agents.html")]
struct Agents {
    frame: Frame,
    may_create: bool,
    waiting: Vec<Waiting>,
    /// True where something of an agent waits.
    has_changes: bool,
    /// Where the diffs of the folder that is open are, if there is one.
    folder_changes: Option<String>,
    is_empty: bool,
    crumbs: Vec<(Visible, String)>,
    folders: Vec<FolderRow>,
    agents: Vec<Listed>,
    newer: Option<String>,
    older: Option<String>,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct AgentsQuery {
    /// The folder that is open.
    folder: Option<String>,
    page: Option<String>,
}

/// Something that waits for somebody.
struct Waiting {
    /// Since when.
    since: Moment,
    order: i64,
    agent: Visible,
    /// The page that shows it.
    path: String,
    /// Where its diff is.
    diff: Option<String>,
    what: Reason,
}

/// Why something waits.
enum Reason {
    /// Something of an agent changed.
    Agent(ChangeReason),
    /// Results that nobody has looked at, or that have answers to label.
    Results { is_unseen: bool, bad: u64, to_label: u64 },
    /// The gate of a scenario failed.
    Gate { scenario: Visible, branch: Visible, reason: Visible },
}

struct Listed {
    path: String,
    name: Visible,
    id: Visible,
    current: Option<PersonaVersion>,
    draft: Option<PersonaVersion>,
    changed: Changed,
    code: Vec<ShownCode>,
    /// How many more places there are than are shown.
    more: usize,
}

impl Listed {
    fn of(agent: &Agent, name: Visible, code: &[CodeState], draft: Option<&NewerDraft>) -> Self {
        Self {
            code: code.iter().take(PLACES).map(ShownCode::from).collect(),
            more: code.len().saturating_sub(PLACES),
            path: agent_path(&agent.id),
            name,
            id: Visible::of(agent.id.as_str()),
            current: agent.current,
            draft: draft.map(|draft| draft.version),
            changed: Changed::from(&agent.changed),
        }
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<AgentsQuery>,
) -> Result<Response, PageError> {
    let agents = platform.store.agents(&by.scope).await?;
    let (folder, number) = (asked.folder.as_deref(), asked.page.as_deref());
    let level = folders::open(&agents, title_of, ("/", "#all"), folder, number)?;
    let news = AgentNews::read(&platform, &by, &agents).await?;
    let changes = news.waiting(&agents);
    let diffs = waiting::changes_paths(&waiting::agents_of(&changes));
    let mut waiting: Vec<Waiting> =
        changes.iter().map(|change| of_change(change, diffs.get(&change.agent.id).cloned())).collect();
    let since = platform.store.now() - WAITING_LIFE;
    let failed = platform.store.failed_gates(&by.scope, since).await?;
    let mut experiments = platform.store.waiting_experiments(&by.scope, since).await?;
    // One row says both where nobody has looked at an experiment whose gate failed.
    experiments.retain_mut(|experiment| {
        experiment.is_unseen &= failed.iter().all(|failed| failed.id != experiment.id);
        experiment.is_unseen || experiment.to_label > 0
    });
    waiting.extend(experiments.iter().map(of_results));
    waiting.extend(failed.iter().map(of_gate));
    waiting.sort_by_key(|waiting| waiting.order);
    page(&Agents {
        frame: Frame::of(&by.session),
        may_create: may_create(&by.session),
        waiting,
        has_changes: !changes.is_empty(),
        folder_changes: folder.filter(|folder| changes.iter().any(|change| in_folder(change, folder))).map(changes_of_folder),
        is_empty: agents.is_empty(),
        crumbs: level.crumbs,
        folders: level.folders,
        agents: level
            .items
            .into_iter()
            .map(|(agent, name)| Listed::of(agent, name, news.code_of(agent), news.draft_of(agent)))
            .collect(),
        newer: level.earlier,
        older: level.later,
    })
}

/// Returns true if what waits is of an agent in a folder.
fn in_folder(change: &AgentChange<'_>, folder: &str) -> bool {
    !folder.is_empty() && folders::is_inside(title_of(change.agent), folder)
}

/// Returns the address of the diffs of a folder.
fn changes_of_folder(folder: &str) -> String {
    format!("/changes?folder={}", segment(folder))
}

/// Returns what waits of an agent.
fn of_change(change: &AgentChange<'_>, diff: Option<String>) -> Waiting {
    Waiting {
        since: Moment::of(change.since),
        order: change.since,
        agent: Visible::of(title_of(change.agent)),
        path: change.path(),
        diff,
        what: Reason::Agent(change.reason()),
    }
}

/// Returns an experiment that waits.
fn of_results(experiment: &WaitingExperiment) -> Waiting {
    let WaitingExperiment { is_unseen, bad, to_label, .. } = *experiment;
    // Whoever labels begins with the first answer that needs it.
    let list = if is_unseen { "" } else { "?status=not-judged#cases" };
    Waiting {
        since: Moment::of(experiment.created_at),
        order: experiment.created_at,
        agent: Visible::of(excerpt(&experiment.name, 120)),
        path: format!("{}{list}", experiment_path(&experiment.project_id, &experiment.id)),
        diff: None,
        what: Reason::Results { is_unseen, bad, to_label },
    }
}

/// Returns an experiment whose gate failed, with the case that failed first.
fn of_gate(failed: &FailedGate) -> Waiting {
    let experiment = experiment_path(&failed.project_id, &failed.id);
    let path = failed.first_run.as_deref().map(|run| case_path(&experiment, run)).unwrap_or(experiment);
    Waiting {
        since: Moment::of(failed.created_at),
        order: failed.created_at,
        agent: Visible::of(excerpt(&failed.name, 120)),
        path,
        diff: None,
        what: Reason::Gate {
            scenario: Visible::of(&failed.scenario_name),
            branch: Visible::of(failed.branch.as_deref().unwrap_or_default()),
            reason: Visible::of(&failed.reason),
        },
    }
}
