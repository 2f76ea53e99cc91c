//! `/agents/{id}/edit`: a form that saves a draft or publishes.
//!
//! The form carries the revision that it was made from and the persona version that its text started from. Nothing is
//! saved on top of another revision: the page comes again with what was typed and what the others changed in one text, and
//! with the new revision, so that the next press of the button is a decision. Where both changed the same, it asks. Whatever else goes
//! wrong, the answer also holds what was typed, and the server keeps it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_agent::definition::{persona_text, text_of};
use keepstep_agent::merge::Choice;
use keepstep_agent::{Definition, Field};
use keepstep_base::{AgentId, PersonaVersion};
use keepstep_http::addresses::agent_path;
use keepstep_platform::{EditOutcome, EditOverlap, Error, KeptDraft, Platform, Rebased, newest_persona};
use keepstep_store::{AgentState, Edit, PersonaStatus, ProposalNote, Role};
use serde::Deserialize;
use serde_json::Value;

use super::agent::Done;
use crate::addressed::AddressedAgent;
use crate::error_page::PageError;
use crate::form::edit::{Action, CHOICE, Sent, is_line, persona_texts};
use crate::form::posted::{Fields as _, Posted};
use crate::form::text;
use crate::parts::assets;
use crate::parts::diff_view::{self, DiffRow};
use crate::parts::editors::{self, ShownEditor};
use crate::parts::frame::Frame;
use crate::parts::live_edit::LiveEdit;
use crate::parts::view::{Changed, Moment, may_publish, page, render_value, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "edit.html")]
struct EditPage {
    frame: Frame,
    script: &'static str,
    user: String,
    path: String,
    title: Visible,
    notice: Notice,
    base: u64,
    from: Option<u32>,
    origin: Option<TextSource>,
    losses: Vec<&'static str>,
    areas: Vec<Area>,
    short: Vec<Area>,
    more: Vec<Area>,
    more_open: bool,
    message: String,
    may_publish: bool,
    is_reviewed: bool,
    overlaps: Vec<ShownOverlap>,
    live: LiveEdit,
    others: Vec<ShownEditor>,
}

/// What stands above the form.
enum Notice {
    None,
    Problem(String),
    Hint(&'static str),
    /// What somebody typed earlier is in the form; the agent has changed since where a change is told.
    Restored(Moment, Option<Changed>),
    /// Others changed the agent while the form was open.
    Behind(Box<Behind>),
}

/// What changed while the form was open.
struct Behind {
    changed: Changed,
    /// False where something is still to be chosen.
    is_merged: bool,
    fields: Vec<FieldChange>,
    theirs: Vec<DiffRow>,
    yours: Vec<DiffRow>,
}

struct FieldChange {
    title: &'static str,
    old: Visible,
    new: Visible,
}

/// Something that both changed.
struct ShownOverlap {
    name: String,
    title: String,
    mine: Visible,
    theirs: Visible,
    is_lines: bool,
    chosen: Option<Choice>,
}

/// Where the text in the form comes from.
struct TextSource {
    text: String,
    other: Option<u32>,
}

struct Area {
    name: &'static str,
    label: &'static str,
    hint: Option<&'static str>,
    rows: usize,
    text: String,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct EditQuery {
    from: Option<String>,
    /// The note whose suggestion is to be in the form.
    apply: Option<u32>,
}

/// An agent while it is being edited.
struct Editing<'a> {
    platform: &'a Platform,
    by: &'a SignedIn,
    id: &'a AgentId,
    state: AgentState,
}

/// `GET`: the form, with what somebody typed and has not saved in it; or else the newest draft, the latest published persona, or the
/// version that was asked for.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedAgent(id): AddressedAgent,
    Query(asked): Query<EditQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let editing = Editing::of(&platform, &by, &id).await?;
    let from = match &asked.from {
        Some(from) => match from.parse() {
            Ok(from) => Some(PersonaVersion(from)),
            Err(_) => return Err(PageError::VersionNotFound { agent: id }),
        },
        None => newest_persona(&editing.state),
    };
    let mut typed = platform.edit_base(&by, &id, editing.state.agent.revision, from).await?;
    let mut notice = Notice::None;
    if let (Some(number), Some(version)) = (asked.apply, from)
        && let Some((_, notes)) = platform.store.proposal(&by.scope, &id, version).await?
        && let Some(text) = notes.iter().find(|note| note.number == number).and_then(|note| applied(&typed, note))
    {
        typed.set(Field::PERSONA, Some(Value::String(text)));
        notice = Notice::Hint("The suggestion is in the form. Nothing is saved yet.");
    }
    let fresh = Edit { base: editing.state.agent.revision, from, typed, message: None };
    let Some(draft) = platform.kept_draft(&by, &id).await? else {
        return page(&editing.page(&fresh, notice, &KeptDraft::Nothing, None).await?);
    };
    let rebased = platform.rebase_edit(&by, &id, draft.edit.clone(), HashMap::new()).await?;
    let is_said = rebased.overlaps.is_empty() && rebased.edit.typed == rebased.current && draft.edit.message.is_none();
    let kept = KeptDraft::Kept(draft.clone());
    if is_said {
        // All of it is there by now, whoever wrote it.
        return page(&editing.page(&fresh, notice, &kept, None).await?);
    }
    if asked.from.is_some() {
        // The form would take the place of what is kept.
        let address = format!("{}/draft/discard?from={}", agent_path(&id), from.map_or(0, |from| from.0));
        return Ok(Redirect::to(&address).into_response());
    }
    let is_behind = draft.edit.base != editing.state.agent.revision;
    let changed = is_behind.then(|| Changed::from(&editing.state.agent.changed));
    page(&editing.page(&draft.edit, Notice::Restored(Moment::of(draft.changed_at), changed), &kept, None).await?)
}

/// Returns the persona with a suggestion in the place of its line.
fn applied(typed: &Definition, note: &ProposalNote) -> Option<String> {
    let text = typed.persona()?.as_str()?;
    let (line, suggestion) = (usize::try_from(note.line?).ok()?.checked_sub(1)?, note.suggestion.as_ref()?);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let old = *lines.get(line)?;
    let end = &old[old.trim_end_matches(['\r', '\n']).len()..];
    Some(lines[..line].concat() + suggestion + end + &lines[line + 1..].concat())
}

/// `POST`: saves, or says why not.
pub(crate) async fn save(
    State(mut platform): State<Platform>,
    AddressedAgent(id): AddressedAgent,
    posted: Posted<Sent>,
) -> Result<Response, PageError> {
    let Posted { by, form, share } = posted;
    platform.budgets = platform.budgets.holding(share);
    match decide(&platform, &by, &id, &form).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            // Whatever went wrong, the words are kept where that is still possible; they are on the page in any case.
            if let Ok(base) = platform.edit_base(&by, &id, form.base, form.from).await {
                drop(platform.keep_draft(&by, &id, &form.edit(&base), form.draft.as_deref()).await);
            }
            Err(error.keeping(form.typed()))
        }
    }
}

async fn decide(platform: &Platform, by: &SignedIn, id: &AgentId, form: &Sent) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let edit = form.edit(&platform.edit_base(by, id, form.base, form.from).await?);
    let status = match form.action {
        Action::Draft | Action::Propose => PersonaStatus::Draft,
        Action::Publish => PersonaStatus::Published,
        Action::Preview => return answer(platform, by, id, form, &edit, StatusCode::OK, Notice::None).await,
        Action::Choose => {
            let rebased = platform.rebase_edit(by, id, edit, form.choices()).await?;
            if !rebased.overlaps.is_empty() {
                return behind(platform, by, id, form, rebased).await;
            }
            let hint = Notice::Hint("The form has what you chose. Nothing is saved yet: review it, then save.");
            return answer(platform, by, id, form, &rebased.edit, StatusCode::OK, hint).await;
        }
    };
    match platform.save_edit(by, id, &edit, status, form.draft.as_deref()).await {
        Ok(EditOutcome::Saved(Some(version))) if form.action == Action::Propose => proposed(platform, by, id, version).await,
        Ok(EditOutcome::Saved(_)) => {
            let done = if status == PersonaStatus::Draft { Done::Draft } else { Done::Published };
            Ok(Redirect::to(&format!("{}{}", agent_path(id), done.query())).into_response())
        }
        Ok(EditOutcome::Nothing) => {
            if form.action == Action::Propose
                && let Some(version) = saved_draft(platform, by, id, &edit).await?
            {
                platform.discard_draft(by, id, form.draft.as_deref().unwrap_or_default()).await?;
                return proposed(platform, by, id, version).await;
            }
            let hint = Notice::Hint("Nothing to save: nothing changed.");
            answer(platform, by, id, form, &edit, StatusCode::OK, hint).await
        }
        Ok(EditOutcome::Behind(rebased)) => behind(platform, by, id, form, *rebased).await,
        // The rules are those of the API.
        Err(problem @ (Error::Invalid(_) | Error::Refused(_) | Error::TooLarge { .. })) => {
            let notice = Notice::Problem(problem.to_string());
            answer(platform, by, id, form, &edit, StatusCode::BAD_REQUEST, notice).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks for a review of a version, and goes to it.
async fn proposed(platform: &Platform, by: &SignedIn, id: &AgentId, version: PersonaVersion) -> Result<Response, PageError> {
    platform.propose(by, id, version).await?;
    Ok(Redirect::to(&format!("{}/versions/{version}#review", agent_path(id))).into_response())
}

/// Returns the newest draft, where it says what somebody typed.
async fn saved_draft(platform: &Platform, by: &SignedIn, id: &AgentId, edit: &Edit) -> Result<Option<PersonaVersion>, PageError> {
    let Some(draft) = platform.store.agent_state(&by.scope, id).await?.newest_draft else { return Ok(None) };
    let saved = platform.store.persona(&by.scope, id, draft.version).await?.persona;
    Ok((edit.typed.persona() == Some(&saved)).then_some(draft.version))
}

/// Answers with the form again, and keeps what is in it.
async fn answer(
    platform: &Platform,
    by: &SignedIn,
    id: &AgentId,
    form: &Sent,
    edit: &Edit,
    status: StatusCode,
    notice: Notice,
) -> Result<Response, PageError> {
    let editing = Editing::of(platform, by, id).await?;
    let kept = platform.keep_draft(by, id, edit, form.draft.as_deref()).await?;
    Ok((status, page(&editing.page(edit, notice, &kept, form.draft.as_deref()).await?)?).into_response())
}

/// Answers with what changed meanwhile, and with a form that has both.
async fn behind(platform: &Platform, by: &SignedIn, id: &AgentId, form: &Sent, rebased: Rebased) -> Result<Response, PageError> {
    let Rebased { before, current, changed, edit, overlaps } = rebased;
    let text = |definition: &Definition| persona_text(definition.persona());
    let (old, theirs, yours) = (text(&before), text(&current), text(&edit.typed));
    let notice = Notice::Behind(Box::new(Behind {
        changed: Changed::from(&changed),
        is_merged: overlaps.is_empty(),
        fields: field_changes(&before, &current),
        theirs: diff_view::rows(platform, old, theirs.clone()).await?,
        yours: diff_view::rows(platform, theirs, yours).await?,
    }));
    let editing = Editing::of(platform, by, id).await?;
    let kept = platform.keep_draft(by, id, &edit, form.draft.as_deref()).await?;
    let choices = form.choices();
    let mut shown = editing.page(&edit, notice, &kept, form.draft.as_deref()).await?;
    shown.overlaps = overlaps.iter().map(|overlap| ShownOverlap::of(overlap, &choices)).collect();
    Ok((StatusCode::CONFLICT, page(&shown)?).into_response())
}

impl ShownOverlap {
    fn of(found: &EditOverlap, choices: &HashMap<String, Choice>) -> Self {
        let EditOverlap { id, field, overlap } = found;
        let member = overlap.member.as_ref().map(|member| format!(", {member}")).unwrap_or_default();
        Self {
            name: format!("{CHOICE}{id}"),
            title: format!("{}{member}", field.title()),
            mine: Visible::of(&overlap.local),
            theirs: Visible::of(&overlap.server),
            is_lines: overlap.is_lines,
            chosen: choices.get(id).copied(),
        }
    }

    fn is_chosen(&self, choice: &str) -> bool {
        matches!(
            (self.chosen, choice),
            (Some(Choice::Local), "mine") | (Some(Choice::Server), "theirs") | (Some(Choice::Both), "both")
        )
    }
}

impl<'a> Editing<'a> {
    async fn of(platform: &'a Platform, by: &'a SignedIn, id: &'a AgentId) -> Result<Self, PageError> {
        let state = platform.store.agent_state(&by.scope, id).await?;
        Ok(Self { platform, by, id, state })
    }

    async fn page(&self, edit: &Edit, notice: Notice, kept: &KeptDraft, sent: Option<&str>) -> Result<EditPage, PageError> {
        let live = LiveEdit::of(self.platform, self.state.published.as_ref(), &edit.typed, kept, sent).await?;
        let areas = persona_areas(&edit.typed);
        let (short, more): (Vec<_>, Vec<_>) = Field::ALL
            .into_iter()
            .filter(|field| !field.has_versions())
            .partition(|field| is_line(*field, edit.typed.get(*field)));
        let area = |field: Field| Area::of(field, &edit.typed);
        let is_untouched = matches!(notice, Notice::None) && matches!(kept, KeptDraft::Nothing);
        let present = self.state.definition();
        Ok(EditPage {
            frame: Frame::of(&self.by.session),
            script: assets::editor(),
            user: self.by.id.clone(),
            path: agent_path(self.id),
            title: Visible::of(title_of(&self.state.agent)),
            notice,
            base: edit.base.0,
            from: edit.from.map(|from| from.0),
            origin: self.origin(edit.from, is_untouched),
            losses: areas.iter().filter_map(|area| text::loss(&area.text)).take(1).collect(),
            areas,
            more_open: more.iter().any(|field| edit.typed.get(*field) != present.get(*field)),
            short: short.into_iter().map(area).collect(),
            more: more.into_iter().map(area).collect(),
            message: edit.message.clone().unwrap_or_default(),
            may_publish: may_publish(&self.by.session),
            is_reviewed: self.platform.publishing_rule(self.by, &self.state.agent).await?.review,
            overlaps: Vec::new(),
            live,
            others: editors::others(self.platform, self.by, self.id).await?,
        })
    }

    fn origin(&self, from: Option<PersonaVersion>, is_untouched: bool) -> Option<TextSource> {
        let from = from?;
        let published = self.state.agent.published;
        if published == Some(from) {
            return None;
        }
        let is_draft = self.state.newest_draft.as_ref().is_some_and(|draft| draft.version == from);
        let text = format!("This text started from version {from}{}.", if is_draft { ", the newest draft" } else { "" });
        // The link would take away what somebody has typed already.
        Some(TextSource { text, other: published.filter(|_| is_untouched).map(|version| version.0) })
    }
}

impl Area {
    /// Returns the area of a field other than the persona.
    fn of(field: Field, typed: &Definition) -> Self {
        let value = typed.get(field);
        let hint = match field {
            Field::NAME => Some("Saved by “Publish” only: a name has no draft."),
            Field::MODEL if is_line(field, value) => {
                Some("Such as openai/gpt-4o; empty for the default. Saved by “Publish” only.")
            }
            _ if field.is_text() => Some("Saved by “Publish” only."),
            _ => Some("JSON; empty to clear it. Saved by “Publish” only."),
        };
        Self { name: field.key(), label: field.title(), hint, rows: 4, text: text_of(field, value) }
    }
}

fn persona_areas(typed: &Definition) -> Vec<Area> {
    let area = |(name, text): (&'static str, String)| {
        let (label, hint, rows) = match name {
            "persona_base" => ("Persona: base", Some("Said in every channel."), 14),
            "persona_voice" => ("Persona: voice", Some("Added where the agent speaks. Optional."), 5),
            "persona_text" => ("Persona: text", Some("Added where the agent writes. Optional."), 5),
            _ => ("Persona", None, 20),
        };
        Area { name, label, hint, rows, text }
    };
    persona_texts(typed.persona()).into_iter().map(area).collect()
}

/// Returns the changes of the fields that are no persona.
fn field_changes(old: &Definition, new: &Definition) -> Vec<FieldChange> {
    let fields = Field::ALL.into_iter().filter(|field| !field.has_versions() && old.get(*field) != new.get(*field));
    let change = |field: Field| FieldChange {
        title: field.title(),
        old: render_value(field, old.get(field)),
        new: render_value(field, new.get(field)),
    };
    fields.map(change).collect()
}
