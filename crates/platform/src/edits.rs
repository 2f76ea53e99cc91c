//! Editing an agent in a form: what somebody types is kept for them at every pause, and saving it loses nothing of what others wrote
//! meanwhile.

use std::collections::HashMap;

use keepstep_agent::merge::{Choice, Merged, Overlap, Sides, merge_with};
use keepstep_agent::{Definition, Field};
use keepstep_base::{AgentId, Digest, PersonaVersion, Revision};
use keepstep_store::{AgentState, Change, Edit, EditDraft, Editor, Patch, PersonaChange, PersonaStatus, Role, StoreError};
use serde_json::Value;

use crate::actor::Actor;
use crate::agents::{Target, change, require_rights_for, what_changes};
use crate::definition::{self, PERSONA_LIMIT};
use crate::error::Error;
use crate::platform::Platform;
use crate::write::Plain;

/// The largest draft, in bytes: it may be more than what can be saved, so that somebody can shorten it.
const DRAFT_LIMIT: usize = 8 * PERSONA_LIMIT;

/// For how long somebody whose page was there is there, in milliseconds: a page that is open says so three times in it.
const HERE_FOR: i64 = 60 * 1000;

/// For how long somebody who typed is told, in milliseconds: a page without a script says nothing.
const TYPING_FOR: i64 = 60 * 60 * 1000;

/// What became of words that were to be kept.
#[derive(Debug, Clone, PartialEq)]
pub enum KeptDraft {
    /// They are kept.
    Kept(EditDraft),
    /// There is nothing to keep: the form says what is there already.
    Nothing,
    /// Their author has kept other ones since, in another window. Those stay.
    Elsewhere(EditDraft),
}

/// What became of an edit that was to be saved.
#[derive(Debug, Clone, PartialEq)]
pub enum EditOutcome {
    /// It is saved. Where it is a persona that is not published, as this version.
    Saved(Option<PersonaVersion>),
    /// Everything was so already.
    Nothing,
    /// The agent changed since the form was made. Nothing is saved.
    Behind(Box<Rebased>),
}

/// An edit on top of what others changed meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebased {
    /// What the author had before them.
    pub before: Definition,
    /// What is there now.
    pub current: Definition,
    /// The last change.
    pub changed: Change,
    /// Both: what others changed and what was typed, on top of the present revision. As it was typed, where edits overlap.
    pub edit: Edit,
    /// Where both changed the same, and nothing is chosen yet.
    pub overlaps: Vec<EditOverlap>,
}

/// A place where somebody and others changed the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditOverlap {
    /// Names the place and what stands there: it is another one when any of that changes.
    pub id: String,
    /// The field.
    pub field: Field,
    /// What stands there. `local` is what the author typed.
    pub overlap: Overlap,
}

impl Platform {
    /// Returns what somebody has before them who begins with a revision and with the text of a persona version.
    ///
    /// # Errors
    /// There is no such agent, revision or version for the actor, or the database failed.
    pub async fn edit_base(
        &self,
        actor: &Actor,
        agent: &AgentId,
        base: Revision,
        from: Option<PersonaVersion>,
    ) -> Result<Definition, Error> {
        let mut definition = self.store.revision(&actor.scope, agent, base).await?.definition;
        let persona = match from {
            Some(version) => Some(self.store.persona(&actor.scope, agent, version).await?.persona),
            None => None,
        };
        definition.set(Field::PERSONA, persona);
        Ok(definition)
    }

    /// Returns what somebody typed about an agent and has not saved. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such agent for them, or the database failed.
    pub async fn kept_draft(&self, actor: &Actor, agent: &AgentId) -> Result<Option<EditDraft>, Error> {
        actor.require(Role::Editor)?;
        Ok(self.store.edit_draft(&actor.scope, agent, &actor.id).await?)
    }

    /// Keeps what somebody typed, for them alone, in place of what `replaces` names. An editor may.
    ///
    /// # Errors
    /// The actor may not, it is too large, there is no such agent, revision or version for them, or the database failed.
    pub async fn keep_draft(
        &self,
        actor: &Actor,
        agent: &AgentId,
        edit: &Edit,
        replaces: Option<&str>,
    ) -> Result<KeptDraft, Error> {
        actor.require(Role::Editor)?;
        let lengths = edit.typed.iter().map(|(_, value)| length_of(value));
        if lengths.sum::<usize>() + edit.message.as_ref().map_or(0, String::len) > DRAFT_LIMIT {
            return Err(Error::TooLarge { what: "What you typed".into(), limit: DRAFT_LIMIT as u64 });
        }
        let before = self.store.edit_draft(&actor.scope, agent, &actor.id).await?;
        let is_empty = edit.message.is_none() && self.edit_base(actor, agent, edit.base, edit.from).await? == edit.typed;
        match before {
            Some(before) if before.edit == *edit => return Ok(KeptDraft::Kept(before)),
            Some(before) if replaces != Some(before.tag.as_str()) => return Ok(KeptDraft::Elsewhere(before)),
            None if is_empty => return Ok(KeptDraft::Nothing),
            _ => {}
        }
        self.write_unnoted(actor, "keep a draft", Plain, async |transaction| {
            if is_empty {
                transaction.remove_edit_draft(agent, &actor.id, replaces).await?;
                return Ok(KeptDraft::Nothing);
            }
            let kept = transaction.keep_edit_draft(&actor.scope, agent, &actor.id, edit, replaces).await?;
            Ok(if kept.edit == *edit { KeptDraft::Kept(kept) } else { KeptDraft::Elsewhere(kept) })
        })
        .await
    }

    /// Notes that somebody has the form of an agent open. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such agent for them, or the database failed.
    pub async fn note_editor(&self, actor: &Actor, agent: &AgentId) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        self.write_unnoted(actor, "have a form open", Plain, async |transaction| {
            let forgotten = transaction.now().saturating_sub(HERE_FOR);
            Ok(transaction.note_editor(&actor.scope, agent, &actor.id, forgotten).await?)
        })
        .await
    }

    /// Returns who else edits an agent: whose page is there, and who typed in the last hour. Nobody is locked out by it. A viewer may.
    ///
    /// # Errors
    /// The actor may not, there is no such agent for them, or the database failed.
    pub async fn other_editors(&self, actor: &Actor, agent: &AgentId) -> Result<Vec<Editor>, Error> {
        actor.require(Role::Viewer)?;
        let now = self.store.now();
        let (seen, typed) = (now.saturating_sub(HERE_FOR), now.saturating_sub(TYPING_FOR));
        Ok(self.store.editors(&actor.scope, agent, &actor.id, seen, typed).await?)
    }

    /// Removes what somebody typed and has not saved, which a tag names, and returns what they have typed since in another window. They
    /// alone may.
    ///
    /// # Errors
    /// The actor may not, there is no such agent for them, or the database failed.
    pub async fn discard_draft(&self, actor: &Actor, agent: &AgentId, tag: &str) -> Result<Option<EditDraft>, Error> {
        actor.require(Role::Editor)?;
        self.store.agent(&actor.scope, agent).await?;
        self.write_unnoted(actor, "discard a draft", Plain, async |transaction| {
            Ok(transaction.remove_edit_draft(agent, &actor.id, Some(tag)).await?)
        })
        .await?;
        self.kept_draft(actor, agent).await
    }

    /// Saves what somebody typed: publishes it, or stores the persona as a version that is not published. The words that were kept for
    /// them, which `draft` names, are done with then. Where the agent changed since the form was made, nothing is saved, and both are put
    /// together for them to look at. An editor may.
    ///
    /// # Errors
    /// The actor may not, a value is not one that an agent can have, there is no such agent for them, or the database failed.
    pub async fn save_edit(
        &self,
        actor: &Actor,
        agent: &AgentId,
        edit: &Edit,
        status: PersonaStatus,
        draft: Option<&str>,
    ) -> Result<EditOutcome, Error> {
        actor.require(Role::Editor)?;
        let state = self.store.agent_state(&actor.scope, agent).await?;
        if state.agent.revision == edit.base {
            match self.write_edit(actor, &state, edit, status, draft).await {
                // Somebody was faster between the look and the write.
                Err(Error::Store(StoreError::Stale { .. })) => {}
                saved => return saved,
            }
        }
        Ok(EditOutcome::Behind(Box::new(self.rebase_edit(actor, agent, edit.clone(), HashMap::new()).await?)))
    }

    async fn write_edit(
        &self,
        actor: &Actor,
        state: &AgentState,
        edit: &Edit,
        status: PersonaStatus,
        draft: Option<&str>,
    ) -> Result<EditOutcome, Error> {
        let agent = &state.agent.id;
        let base = self.edit_base(actor, agent, edit.base, edit.from).await?;
        let is_draft = status == PersonaStatus::Draft;
        let mut patch = Patch::default();
        for field in Field::ALL.into_iter().filter(|field| !field.has_versions()) {
            let typed = edit.typed.get(field);
            if typed != base.get(field) {
                let value = definition::value(field, typed.cloned().unwrap_or_default())?;
                patch.fields.insert(field.sent_as().to_owned(), value);
            }
        }
        // A draft that is published without another change becomes the published version itself, not a copy of it.
        let newest = state.newest_draft.as_ref().map(|draft| draft.version);
        let is_untouched = edit.typed.persona() == base.persona();
        let deploy = newest.filter(|newest| !is_draft && edit.from == Some(*newest) && is_untouched);
        if let Some(persona) = edit.typed.persona().filter(|_| deploy.is_none()) {
            let published = state.published.as_ref().map(|published| &published.persona);
            let persona = if Some(persona) == published { persona.clone() } else { definition::persona(persona.clone())? };
            patch.persona = Some(PersonaChange { persona, status });
        }
        if is_draft && !patch.fields.is_empty() {
            return Err(Error::Refused(
                "A name and a model have no drafts. Publish them, or restore the old ones to save a draft of the persona."
                    .to_owned(),
            ));
        }
        require_rights_for(actor, &patch, deploy)?;
        let message = definition::message(edit.message.clone())?;
        let target = Target { agent, message: None, expected: Some(edit.base) };
        self.write(actor, what_changes(&patch, deploy), Plain, async |transaction| {
            let changed = change(transaction, actor, &target, message.as_deref(), &patch, deploy).await?;
            if !changed.is_new {
                return Ok(EditOutcome::Nothing);
            }
            if let Some(draft) = draft {
                transaction.remove_edit_draft(agent, &actor.id, Some(draft)).await?;
            }
            Ok(EditOutcome::Saved(changed.state.newest_draft.map(|draft| draft.version).filter(|_| is_draft)))
        })
        .await
    }

    /// Puts what somebody typed on top of what others changed since their form was made, with what they chose where both changed the same.
    ///
    /// # Errors
    /// There is no such agent, revision or version for the actor, or the database failed.
    pub async fn rebase_edit(
        &self,
        actor: &Actor,
        agent: &AgentId,
        edit: Edit,
        choices: HashMap<String, Choice>,
    ) -> Result<Rebased, Error> {
        let before = self.edit_base(actor, agent, edit.base, edit.from).await?;
        let state = self.store.agent_state(&actor.scope, agent).await?;
        let newest = newest_persona(&state);
        let current = self.edit_base(actor, agent, state.agent.revision, newest).await?;
        let merge = move || {
            let (typed, overlaps) = merged(&before, &edit.typed, &current, &choices);
            let edit = match overlaps.is_empty() {
                true => Edit { base: state.agent.revision, from: newest, typed, message: edit.message },
                false => edit,
            };
            Rebased { before, current, changed: state.agent.changed, edit, overlaps }
        };
        self.budgets.work(merge).await
    }
}

/// Returns the persona version that somebody starts from who begins to edit now: the newest draft, or else what is published.
pub fn newest_persona(state: &AgentState) -> Option<PersonaVersion> {
    state.newest_draft.as_ref().map(|draft| draft.version).or(state.agent.published)
}

/// Merges each field, and returns what is left to be chosen.
fn merged(
    before: &Definition,
    typed: &Definition,
    current: &Definition,
    choices: &HashMap<String, Choice>,
) -> (Definition, Vec<EditOverlap>) {
    let mut result = typed.clone();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut overlaps = Vec::new();
    for field in Field::ALL {
        // Two who write a first text at the same time wrote lines, too.
        let nothing = Value::String(String::new());
        let base = before.get(field).or_else(|| field.is_text().then_some(&nothing));
        let sides = Sides { base, local: typed.get(field), server: current.get(field) };
        let merged = merge_with(field, sides, &mut |overlap| {
            let id = id_of(field, overlap, &mut seen);
            let choice = choices.get(&id).copied().filter(|choice| overlap.is_lines || *choice != Choice::Both);
            if choice.is_none() {
                overlaps.push(EditOverlap { id, field, overlap: overlap.clone() });
            }
            choice
        });
        if let Merged::Clean(value) = merged {
            result.set(field, value);
        }
    }
    (result, overlaps)
}

/// Returns what names an overlap. The same words in two places are told apart by their order.
fn id_of(field: Field, overlap: &Overlap, seen: &mut HashMap<String, usize>) -> String {
    let Overlap { member, base, local, server, .. } = overlap;
    let text = serde_json::json!([field.key(), member, base, local, server]).to_string();
    let digest = Digest::of_bytes(text.as_bytes()).to_string();
    let order = seen.entry(digest.clone()).or_default();
    *order += 1;
    format!("{}-{order}", &digest[..16])
}

/// Returns about how many bytes a value takes.
fn length_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(length_of).sum::<usize>() + items.len(),
        Value::Object(members) => members.iter().map(|(key, value)| key.len() + length_of(value)).sum(),
        _ => 8,
    }
}
