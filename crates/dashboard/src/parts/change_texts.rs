//! Which two texts a change is the difference of, as far as this server has them.
//!
//! Drafts and proposals are texts of this server. A report of a check has only digests of what the code says and of what both sides last
//! agreed on: the text is here if some version says the same, as where the code is behind. Where none does, the page says so.

use std::collections::HashMap;

use keepstep_agent::drift::{Base, SeenField};
use keepstep_agent::{Field, State};
use keepstep_base::{AgentId, Digest, PersonaVersion};
use keepstep_platform::CodeState;
use keepstep_store::Agent;

use crate::parts::waiting::{AgentChange, ChangeKind};

/// Which version of an agent says what has a digest.
pub(crate) type VersionsByDigest = HashMap<(AgentId, Digest), PersonaVersion>;

/// One of the two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedText {
    /// The version that says it; none where there is no text.
    pub(crate) version: Option<PersonaVersion>,
    /// What it is called.
    pub(crate) name: String,
}

/// What of a change can be compared here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChangeTexts {
    /// Both texts of the change.
    Both(NamedText, NamedText),
    /// The text in the code is not here. These are what both sides agreed on and what is published now.
    ServerOnly(NamedText, NamedText),
    /// The text in the code is not here.
    NotHere,
    /// The check could not read the text in the code.
    Unreadable,
    /// The persona is the same on both sides: other fields differ.
    SamePersona,
    /// What the reader typed, and what they began with: both are in their draft.
    Typed,
}

impl NamedText {
    fn of(version: Option<PersonaVersion>, name: impl FnOnce(PersonaVersion) -> String, without: &str) -> Self {
        Self { version, name: version.map_or_else(|| without.to_owned(), name) }
    }

    /// Returns a version, or the empty text where there is none.
    pub(crate) fn version(version: Option<PersonaVersion>) -> Self {
        Self::of(version, |version| format!("version {version}"), "the empty text")
    }
}

impl ChangeTexts {
    /// Returns those of a change. `versions` has what [`digests_of`] asks for.
    pub(crate) fn of(change: &AgentChange<'_>, versions: &VersionsByDigest) -> Self {
        let published = NamedText::version(change.agent.published);
        let draft = |version: PersonaVersion| NamedText { version: Some(version), name: format!("draft {version}") };
        match change.kind {
            ChangeKind::Drift(code) => of_drift(change.agent, code, versions),
            ChangeKind::Draft(newer) => Self::Both(published, draft(newer.version)),
            ChangeKind::Proposal(proposal) => Self::Both(published, draft(proposal.version)),
            ChangeKind::Unsaved => Self::Typed,
        }
    }

    /// Returns the versions whose texts are needed.
    pub(crate) fn versions(&self) -> impl Iterator<Item = PersonaVersion> {
        let sides = match self {
            Self::Both(old, new) | Self::ServerOnly(old, new) => [old.version, new.version],
            Self::NotHere | Self::Unreadable | Self::SamePersona | Self::Typed => [None, None],
        };
        sides.into_iter().flatten()
    }
}

fn of_drift(agent: &Agent, code: &CodeState, versions: &VersionsByDigest) -> ChangeTexts {
    let state = code.states.iter().find(|(field, _)| *field == Field::PERSONA).map(|(_, state)| *state);
    match (state, persona_of(code)) {
        (Some(State::Unreadable), _) => ChangeTexts::Unreadable,
        (Some(state), Some(seen)) if state.is_drift() => {
            let version = |text: &Option<String>| match Base::of_text(text.as_deref()) {
                Base::Agreed(Some(digest)) => versions.get(&(agent.id.clone(), digest)).copied().map(Some),
                Base::Agreed(None) => Some(None),
                Base::None => None,
            };
            let server = NamedText::version(agent.published);
            if let Some(code) = version(&seen.code) {
                let name = |version| format!("the code, which has the text of version {version}");
                return ChangeTexts::Both(server, NamedText::of(code, name, "the code, which has no persona"));
            }
            match version(&seen.base).flatten().filter(|base| Some(*base) != agent.published) {
                Some(base) => ChangeTexts::ServerOnly(NamedText::version(Some(base)), server),
                None => ChangeTexts::NotHere,
            }
        }
        _ => ChangeTexts::SamePersona,
    }
}

/// Returns the digests of which versions are needed to know the sides of changes.
pub(crate) fn digests_of(changes: &[AgentChange<'_>]) -> Vec<(AgentId, Digest)> {
    let mut digests = Vec::new();
    for change in changes {
        let ChangeKind::Drift(code) = change.kind else { continue };
        let Some(seen) = persona_of(code) else { continue };
        for text in [&seen.code, &seen.base] {
            if let Base::Agreed(Some(digest)) = Base::of_text(text.as_deref()) {
                digests.push((change.agent.id.clone(), digest));
            }
        }
    }
    digests.sort_by_cached_key(|(agent, digest)| (agent.as_str().to_owned(), digest.to_string()));
    digests.dedup();
    digests
}

fn persona_of(code: &CodeState) -> Option<&SeenField> {
    code.report.fields.get(Field::PERSONA.key())
}
