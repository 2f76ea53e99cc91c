//! From what the store knows to what is sent.

use keepstep_agent::Field;
use keepstep_api::own as wire;
use keepstep_base::Revision;
use keepstep_store as store;

pub(crate) fn agent_state(state: store::AgentState) -> wire::AgentState {
    wire::AgentState {
        definition: state.definition(),
        fields: Field::ALL.iter().map(|field| field.key().to_owned()).collect(),
        agent_id: state.agent.id,
        org_id: state.agent.org_id,
        revision: state.agent.revision,
        published: state.published.map(|published| published.summary),
        current: state.current,
        newest_draft: state.newest_draft,
        deployed: state.deployed,
        changed: state.agent.changed,
    }
}

pub(crate) fn changed_agent(changed: keepstep_platform::ChangedAgent) -> (wire::AgentState, Revision) {
    (agent_state(changed.state), changed.revision)
}

pub(crate) fn agent_summary(agent: store::Agent) -> wire::AgentSummary {
    wire::AgentSummary {
        name: agent.name().map(str::to_owned),
        agent_id: agent.id,
        org_id: agent.org_id,
        revision: agent.revision,
        changed: agent.changed,
    }
}

pub(crate) fn revision_state(row: store::RevisionRow) -> wire::RevisionState {
    wire::RevisionState { revision: row.revision, definition: row.definition, changed: row.changed }
}
