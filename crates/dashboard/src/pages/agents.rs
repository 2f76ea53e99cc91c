//! `/`: what waits for somebody, and the list of agents.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_base::{AgentId, PersonaVersion};
use keepstep_http::addresses::{agent_path, case_path, experiment_path};
use keepstep_platform::{CodeState, Platform};
use keepstep_store::results::{FailedGate, WaitingExperiment};
use keepstep_store::{Agent, NewerDraft, Proposal, ProposalState};
use serde::Deserialize;

use crate::error_page::PageError;
use crate::parts::code_state::ShownCode;
use crate::parts::folders::{self, FolderRow};
use crate::parts::frame::Frame;
use crate::parts::shown_results::excerpt;
use crate::parts::view::{Changed, Moment, may_create, may_edit, may_publish, page, title_of};
use crate::parts::visible::Visible;
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
    what: Reason,
}

/// Why something waits.
enum Reason {
    /// The code differs.
    Drift(Box<ShownCode>),
    /// A draft of the persona is newer than what is published.
    Draft { version: PersonaVersion, author: Visible },
    /// A draft is proposed, and its review waits for the reader.
    Proposal { version: PersonaVersion, author: Visible, state: ProposalState },
    /// The reader typed something and has not saved it.
    Unsaved,
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
    let code = platform.code_states(&by, &agents).await?;
    let code_of = |agent: &Agent| code.get(&agent.id).map_or(&[][..], Vec::as_slice);
    let drafts = platform.store.newer_drafts(&by.scope).await?;
    let drafts: HashMap<&AgentId, &NewerDraft> = drafts.iter().map(|draft| (&draft.agent_id, draft)).collect();
    let draft_of = |agent: &Agent| drafts.get(&agent.id).copied();
    let proposals = platform.store.waiting_proposals(&by.scope).await?;
    let is_proposed = |draft: &NewerDraft| {
        proposals.iter().any(|proposal| (&proposal.agent_id, proposal.version) == (&draft.agent_id, draft.version))
    };
    let waiting_draft_of = |agent: &Agent| draft_of(agent).filter(|draft| !is_proposed(draft));
    let unsaved = platform.store.edit_drafts(&by.scope, &by.id).await?;
    let unsaved: HashMap<&AgentId, i64> = unsaved.iter().map(|(agent, at)| (agent, *at)).collect();
    let mut waiting: Vec<Waiting> =
        agents.iter().flat_map(|agent| waiting(agent, code_of(agent), waiting_draft_of(agent))).collect();
    waiting.extend(proposals.iter().filter(|proposal| waits_for(&by, proposal)).filter_map(|proposal| {
        let agent = agents.iter().find(|agent| agent.id == proposal.agent_id)?;
        Some(Waiting::proposal(agent, proposal))
    }));
    waiting.extend(agents.iter().filter_map(|agent| Some(Waiting::unsaved(agent, *unsaved.get(&agent.id)?))));
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
        is_empty: agents.is_empty(),
        crumbs: level.crumbs,
        folders: level.folders,
        agents: level.items.into_iter().map(|(agent, name)| Listed::of(agent, name, code_of(agent), draft_of(agent))).collect(),
        newer: level.earlier,
        older: level.later,
    })
}

/// Returns true if a proposal waits for somebody: a review for all others who write, and what came of it for its author.
fn waits_for(by: &SignedIn, proposal: &Proposal) -> bool {
    let is_own = proposal.author_id == by.id;
    match proposal.state {
        ProposalState::Open => !is_own && may_edit(&by.session),
        ProposalState::Approved => is_own || may_publish(&by.session),
        ProposalState::ChangesRequested => is_own,
        ProposalState::Withdrawn => false,
    }
}

impl Waiting {
    fn proposal(agent: &Agent, proposal: &Proposal) -> Self {
        let Proposal { version, state, .. } = *proposal;
        Self {
            since: Moment::of(proposal.changed_at),
            order: proposal.changed_at,
            agent: Visible::of(title_of(agent)),
            path: format!("{}/versions/{version}#review", agent_path(&agent.id)),
            what: Reason::Proposal { version, author: Visible::of(&proposal.author), state },
        }
    }

    fn unsaved(agent: &Agent, since: i64) -> Self {
        Self {
            since: Moment::of(since),
            order: since,
            agent: Visible::of(title_of(agent)),
            path: format!("{}/edit", agent_path(&agent.id)),
            what: Reason::Unsaved,
        }
    }
}

/// Returns an experiment that waits.
fn of_results(experiment: &WaitingExperiment) -> Waiting {
    let WaitingExperiment { is_unseen, bad, to_label, .. } = *experiment;
    // Whoever labels begins with the first answer that needs it.
    let list = if is_unseen { "" } else { "?status=completed#cases" };
    Waiting {
        since: Moment::of(experiment.created_at),
        order: experiment.created_at,
        agent: Visible::of(excerpt(&experiment.name, 120)),
        path: format!("{}{list}", experiment_path(&experiment.project_id, &experiment.id)),
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
        what: Reason::Gate {
            scenario: Visible::of(&failed.scenario_name),
            branch: Visible::of(failed.branch.as_deref().unwrap_or_default()),
            reason: Visible::of(&failed.reason),
        },
    }
}

/// Returns what waits of an agent.
fn waiting(agent: &Agent, code: &[CodeState], draft: Option<&NewerDraft>) -> Vec<Waiting> {
    let (name, path) = (Visible::of(title_of(agent)), agent_path(&agent.id));
    let item = |order: i64, path: String, what| Waiting { since: Moment::of(order), order, agent: name.clone(), path, what };
    let drift = code.iter().filter_map(|code| Some((code.since?, ShownCode::from(code))));
    let mut found: Vec<Waiting> =
        drift.map(|(since, code)| item(since, format!("{path}#code"), Reason::Drift(Box::new(code)))).collect();
    found.extend(draft.map(|draft| {
        let author = Visible::of(draft.created.author.as_deref().unwrap_or_default());
        let version = draft.version;
        item(draft.created.at, format!("{path}/versions/{version}"), Reason::Draft { version, author })
    }));
    found
}
