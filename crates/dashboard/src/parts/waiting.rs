//! What waits of agents: the front page lists it, and the page of all changes shows what differs.

use std::collections::HashMap;

use keepstep_base::{AgentId, PersonaVersion};
use keepstep_http::addresses::{agent_path, segment};
use keepstep_platform::{CodeState, Platform};
use keepstep_store::{Agent, NewerDraft, Proposal, ProposalState};

use crate::error_page::PageError;
use crate::parts::code_state::ShownCode;
use crate::parts::view::{may_edit, may_publish};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many agents the page of all changes has.
pub(crate) const AGENTS_OF_A_PAGE: usize = 100;

/// What is known of the agents that somebody may see.
pub(crate) struct AgentNews {
    code: HashMap<AgentId, Vec<CodeState>>,
    drafts: HashMap<AgentId, NewerDraft>,
    /// Those that wait for the reader.
    proposals: HashMap<AgentId, Vec<Proposal>>,
    /// The drafts of which the review is under way, for whomever.
    proposed: HashMap<AgentId, Vec<PersonaVersion>>,
    unsaved: HashMap<AgentId, i64>,
}

/// Something that waits of an agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AgentChange<'a> {
    /// The agent.
    pub(crate) agent: &'a Agent,
    /// Since when it waits.
    pub(crate) since: i64,
    /// What.
    pub(crate) kind: ChangeKind<'a>,
}

/// What waits of an agent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ChangeKind<'a> {
    /// The code differs.
    Drift(&'a CodeState),
    /// A draft of the persona is newer than what is published.
    Draft(&'a NewerDraft),
    /// A draft is proposed, and its review waits for the reader.
    Proposal(&'a Proposal),
    /// The reader typed something and has not saved it.
    Unsaved,
}

/// The same, ready to show.
#[derive(Debug)]
pub(crate) enum ChangeReason {
    /// The code differs.
    Drift(Box<ShownCode>),
    /// A draft of the persona is newer than what is published.
    Draft { version: PersonaVersion, author: Visible },
    /// A draft is proposed, and its review waits for the reader.
    Proposal { version: PersonaVersion, author: Visible, state: ProposalState },
    /// The reader typed something and has not saved it.
    Unsaved,
}

impl AgentNews {
    /// Reads what there is of these agents.
    pub(crate) async fn read(platform: &Platform, by: &SignedIn, agents: &[Agent]) -> Result<Self, PageError> {
        let store = &platform.store;
        let (drafts, all, unsaved) = tokio::try_join!(
            store.newer_drafts(&by.scope),
            store.waiting_proposals(&by.scope),
            store.edit_drafts(&by.scope, &by.id)
        )?;
        let code = platform.code_states(by, agents).await?;
        let mut proposed: HashMap<AgentId, Vec<PersonaVersion>> = HashMap::new();
        for proposal in &all {
            proposed.entry(proposal.agent_id.clone()).or_default().push(proposal.version);
        }
        let mut proposals: HashMap<AgentId, Vec<Proposal>> = HashMap::new();
        for proposal in all.into_iter().filter(|proposal| waits_for(by, proposal)) {
            proposals.entry(proposal.agent_id.clone()).or_default().push(proposal);
        }
        Ok(Self {
            code,
            drafts: drafts.into_iter().map(|draft| (draft.agent_id.clone(), draft)).collect(),
            proposals,
            proposed,
            unsaved: unsaved.into_iter().collect(),
        })
    }

    /// Returns how the code of an agent stands, the latest report first.
    pub(crate) fn code_of(&self, agent: &Agent) -> &[CodeState] {
        self.code.get(&agent.id).map_or(&[], Vec::as_slice)
    }

    /// Returns the draft of an agent that is newer than what is published.
    pub(crate) fn draft_of(&self, agent: &Agent) -> Option<&NewerDraft> {
        self.drafts.get(&agent.id)
    }

    /// Returns what waits of these agents, the oldest first.
    pub(crate) fn waiting<'a>(&'a self, agents: &'a [Agent]) -> Vec<AgentChange<'a>> {
        let mut found: Vec<AgentChange<'a>> = agents.iter().flat_map(|agent| self.waiting_of(agent)).collect();
        found.sort_by_key(|change| change.since);
        found
    }

    fn waiting_of<'a>(&'a self, agent: &'a Agent) -> Vec<AgentChange<'a>> {
        let change = |since: i64, kind: ChangeKind<'a>| AgentChange { agent, since, kind };
        let drift = self.code_of(agent).iter().filter_map(|code| Some(change(code.since?, ChangeKind::Drift(code))));
        let mut found: Vec<AgentChange<'a>> = drift.collect();
        // Who reviews a draft is told of its proposal.
        let is_proposed =
            |draft: &&NewerDraft| self.proposed.get(&agent.id).is_some_and(|versions| versions.contains(&draft.version));
        let draft = self.draft_of(agent).filter(|draft| !is_proposed(draft));
        found.extend(draft.map(|draft| change(draft.created.at, ChangeKind::Draft(draft))));
        let proposals = self.proposals.get(&agent.id).into_iter().flatten();
        found.extend(proposals.map(|proposal| change(proposal.changed_at, ChangeKind::Proposal(proposal))));
        found.extend(self.unsaved.get(&agent.id).map(|since| change(*since, ChangeKind::Unsaved)));
        found
    }
}

impl AgentChange<'_> {
    /// Returns the page that it is about.
    pub(crate) fn path(&self) -> String {
        let agent = agent_path(&self.agent.id);
        match self.kind {
            ChangeKind::Drift(_) => format!("{agent}#code"),
            ChangeKind::Draft(draft) => format!("{agent}/versions/{}", draft.version),
            ChangeKind::Proposal(proposal) => format!("{agent}/versions/{}#review", proposal.version),
            ChangeKind::Unsaved => format!("{agent}/edit"),
        }
    }

    /// Returns what it is, ready to show.
    pub(crate) fn reason(&self) -> ChangeReason {
        match self.kind {
            ChangeKind::Drift(code) => ChangeReason::Drift(Box::new(code.into())),
            ChangeKind::Draft(draft) => ChangeReason::Draft {
                version: draft.version,
                author: Visible::of(draft.created.author.as_deref().unwrap_or_default()),
            },
            ChangeKind::Proposal(Proposal { version, author, state, .. }) => {
                ChangeReason::Proposal { version: *version, author: Visible::of(author), state: *state }
            }
            ChangeKind::Unsaved => ChangeReason::Unsaved,
        }
    }
}

/// Returns each agent of which something waits, in the order of the page of all changes: the one that waits longest first.
pub(crate) fn agents_of<'a>(changes: &[AgentChange<'a>]) -> Vec<&'a Agent> {
    let mut seen = std::collections::HashSet::new();
    changes.iter().map(|change| change.agent).filter(|agent| seen.insert(&agent.id)).collect()
}

/// Returns where the page of all changes shows each of these agents.
pub(crate) fn changes_paths<'a>(agents: &[&'a Agent]) -> HashMap<&'a AgentId, String> {
    let path = |(at, agent): (usize, &&'a Agent)| {
        let page = at / AGENTS_OF_A_PAGE + 1;
        let page = if page > 1 { format!("?page={page}") } else { String::new() };
        (&agent.id, format!("/changes{page}#{}", segment(agent.id.as_str())))
    };
    agents.iter().enumerate().map(path).collect()
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
