//! From what the store knows to what is sent.

use keepstep_api::agents as wire;
use keepstep_store as store;

pub(crate) fn role(role: store::Role) -> wire::Role {
    match role {
        store::Role::Viewer => wire::Role::Viewer,
        store::Role::Editor => wire::Role::Editor,
        store::Role::Owner => wire::Role::Owner,
    }
}

pub(crate) fn persona_status(status: store::PersonaStatus) -> wire::PersonaStatus {
    match status {
        store::PersonaStatus::Draft => wire::PersonaStatus::Draft,
        store::PersonaStatus::Published => wire::PersonaStatus::Published,
    }
}

pub(crate) fn stored_status(status: wire::PersonaStatus) -> store::PersonaStatus {
    match status {
        wire::PersonaStatus::Draft => store::PersonaStatus::Draft,
        wire::PersonaStatus::Published => store::PersonaStatus::Published,
    }
}

pub(crate) fn change(change: store::Change) -> wire::Change {
    wire::Change { author: change.author, at: change.at, message: change.message }
}

pub(crate) fn persona_summary(summary: store::PersonaSummary) -> wire::PersonaSummary {
    wire::PersonaSummary {
        version: summary.version,
        status: persona_status(summary.status),
        is_current: summary.is_current,
        digest: summary.digest,
        created: change(summary.created),
    }
}

pub(crate) fn persona_document(persona: store::Persona) -> wire::PersonaDocument {
    wire::PersonaDocument { summary: persona_summary(persona.summary), persona: persona.persona }
}

pub(crate) fn agent_state(state: store::AgentState) -> wire::AgentState {
    wire::AgentState {
        definition: state.definition(),
        agent_id: state.agent.id,
        org_id: state.agent.org_id,
        revision: state.agent.revision,
        published: state.published.map(|published| persona_summary(published.summary)),
        current: state.current.map(persona_summary),
        newest_draft: state.newest_draft.map(persona_summary),
        deployed: state.deployed.map(change),
        changed: change(state.agent.changed),
    }
}

pub(crate) fn agent_summary(agent: store::Agent) -> wire::AgentSummary {
    wire::AgentSummary {
        agent_id: agent.id,
        org_id: agent.org_id,
        name: agent.name,
        revision: agent.revision,
        changed: change(agent.changed),
    }
}

pub(crate) fn revision_state(row: store::RevisionRow) -> wire::RevisionState {
    wire::RevisionState { revision: row.revision, definition: row.definition, changed: change(row.changed) }
}
