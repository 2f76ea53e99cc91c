//! What was said about a proposal.

use keepstep_agent::definition::persona_text;
use keepstep_platform::{Platform, is_own_text};
use keepstep_store::{Persona, PersonaStatus, Proposal, ProposalNote, ProposalState};
use serde_json::Value;

use crate::error_page::PageError;
use crate::parts::view::{Moment, may_edit, may_publish};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// The review of a version, ready to show.
#[derive(Debug)]
pub(crate) struct ShownReview {
    /// The state in words.
    pub(crate) state: &'static str,
    /// The class of its badge.
    pub(crate) class: &'static str,
    /// Who proposes it.
    pub(crate) author: Visible,
    /// When it was proposed.
    pub(crate) created: Moment,
    /// What was said.
    pub(crate) notes: Vec<ShownNote>,
    /// True where the reader may say something.
    pub(crate) may_comment: bool,
    /// True where the reader may approve.
    pub(crate) may_approve: bool,
    /// True where the reader may ask for changes.
    pub(crate) may_ask_for_changes: bool,
    /// True where the reader may withdraw it.
    pub(crate) may_withdraw: bool,
    /// True where it can be proposed again.
    pub(crate) may_be_proposed: bool,
    /// True where it is approved.
    pub(crate) is_approved: bool,
}

/// Something that was said.
#[derive(Debug)]
pub(crate) struct ShownNote {
    /// Its number.
    pub(crate) number: u32,
    /// Who said it.
    pub(crate) author: Visible,
    /// When.
    pub(crate) at: Moment,
    /// What it led to.
    pub(crate) state: Option<&'static str>,
    /// The class of that.
    pub(crate) class: &'static str,
    /// The line that it is about, with what stands there.
    pub(crate) line: Option<(u32, Visible)>,
    /// What is suggested instead.
    pub(crate) suggestion: Option<Visible>,
    /// True where the suggestion can be taken over.
    pub(crate) may_apply: bool,
    /// What was said.
    pub(crate) comment: Visible,
}

fn words(state: ProposalState) -> (&'static str, &'static str) {
    match state {
        ProposalState::Open => ("waits for a review", "draft"),
        ProposalState::Approved => ("approved", "good"),
        ProposalState::ChangesRequested => ("changes requested", "bad"),
        ProposalState::Withdrawn => ("withdrawn", ""),
    }
}

/// Returns the review of a version; nothing where nobody proposes it.
pub(crate) async fn of(
    platform: &Platform,
    by: &SignedIn,
    id: &keepstep_base::AgentId,
    persona: &Persona,
) -> Result<Option<ShownReview>, PageError> {
    let Some((proposal, notes)) = platform.store.proposal(&by.scope, id, persona.summary.version).await? else { return Ok(None) };
    let is_draft = persona.summary.status == PersonaStatus::Draft;
    let (may_write, text) = (may_edit(&by.session) && is_draft, persona_text(Some(&persona.persona)));
    let is_own_text = is_own_text(by, &proposal, persona);
    let Proposal { author_id, author, state, created_at, .. } = proposal;
    let is_withdrawn = state == ProposalState::Withdrawn;
    let lines: Vec<&str> = text.lines().collect();
    let may_apply = may_write && matches!(persona.persona, Value::String(_));
    let (label, class) = words(state);
    Ok(Some(ShownReview {
        state: label,
        class,
        author: Visible::of(author),
        created: Moment::of(created_at),
        notes: notes.into_iter().map(|note| ShownNote::of(note, &lines, may_apply)).collect(),
        may_comment: may_write,
        may_ask_for_changes: may_write && !is_withdrawn,
        may_approve: may_write && may_publish(&by.session) && !is_own_text && !is_withdrawn && state != ProposalState::Approved,
        may_withdraw: author_id == by.id && !is_withdrawn,
        may_be_proposed: matches!(state, ProposalState::ChangesRequested | ProposalState::Withdrawn),
        is_approved: state == ProposalState::Approved,
    }))
}

impl ShownNote {
    fn of(note: ProposalNote, lines: &[&str], may_apply: bool) -> Self {
        let line_of = |number: u32| lines.get(number as usize - 1).copied();
        let line = note.line.filter(|line| *line > 0);
        Self {
            number: note.number,
            author: Visible::of(&note.author),
            at: Moment::of(note.at),
            state: note.state.map(|state| words(state).0),
            class: note.state.map_or("", |state| words(state).1),
            may_apply: may_apply && note.suggestion.is_some() && line.and_then(line_of).is_some(),
            line: line.map(|line| (line, Visible::of(line_of(line).unwrap_or_default()))),
            suggestion: note.suggestion.map(Visible::of),
            comment: Visible::of(note.comment),
        }
    }
}
