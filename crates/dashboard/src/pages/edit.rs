//! `/agents/{id}/edit`: a form that saves a draft or publishes.
//!
//! The form carries the revision that it was made from and the persona version that its text started from. Nothing is
//! saved on top of another revision: the page comes again with everything that was typed, with what the others changed,
//! and with the new revision, so that the next press of the button is a decision. Whatever else goes wrong, the answer
//! also holds what was typed.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_agent::definition::{persona_text, text_of};
use keepstep_agent::{Definition, Field};
use keepstep_base::{AgentId, PersonaVersion, Revision};
use keepstep_http::addresses::agent_path;
use keepstep_platform::{Error, Plain, Platform, Target, definition};
use keepstep_store::{AgentState, Patch, PersonaChange, PersonaStatus, Role, StoreError};
use serde::Deserialize;
use serde_json::Value;

use super::agent::Done;
use crate::addressed::AddressedAgent;
use crate::error_page::PageError;
use crate::form::edit::{Action, Sent, Values};
use crate::form::posted::{Fields as _, Posted};
use crate::form::text;
use crate::parts::diff_view::{self, DiffRow};
use crate::parts::frame::Frame;
use crate::parts::view::{Changed, may_publish, page, render_value, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "edit.html")]
struct EditPage {
    frame: Frame,
    path: String,
    title: Visible,
    notice: Notice,
    base: u64,
    from: Option<u32>,
    origin: Option<TextSource>,
    losses: Vec<&'static str>,
    areas: Vec<Area>,
    name: String,
    model: String,
    model_is_text: bool,
    message: String,
    may_merge: bool,
    may_publish: bool,
}

/// What stands above the form.
enum Notice {
    None,
    Problem(String),
    Hint(&'static str),
    Stale(Stale),
}

/// What changed while the form was open.
struct Stale {
    changed: Changed,
    fields: Vec<FieldChange>,
    theirs: Vec<DiffRow>,
    yours: Vec<DiffRow>,
}

struct FieldChange {
    title: &'static str,
    old: Visible,
    new: Visible,
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
}

/// An agent while it is being edited.
struct Editing<'a> {
    platform: &'a Platform,
    by: &'a SignedIn,
    id: &'a AgentId,
    state: AgentState,
}

/// `GET`: the form, with the newest draft in it, or else the latest published persona, or the version that was asked for.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedAgent(id): AddressedAgent,
    Query(asked): Query<EditQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let editing = Editing::of(&platform, &by, &id).await?;
    let from = match asked.from {
        Some(from) => match from.parse() {
            Ok(from) => Some(PersonaVersion(from)),
            Err(_) => return Err(PageError::VersionNotFound { agent: id }),
        },
        None => editing.newest_version(),
    };
    let values = Values::of(&editing.state.definition(), editing.text_of_version(from).await?);
    page(&editing.page(&values, from, String::new(), Notice::None))
}

/// `POST`: saves, or says why not.
pub(crate) async fn save(
    State(platform): State<Platform>,
    AddressedAgent(id): AddressedAgent,
    posted: Posted<Sent>,
) -> Result<Response, PageError> {
    let Posted { by, form, _share } = posted;
    decide(&platform, &by, &id, &form).await.map_err(|error| error.keeping(form.typed()))
}

async fn decide(platform: &Platform, by: &SignedIn, id: &AgentId, form: &Sent) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let editing = Editing::of(platform, by, id).await?;
    let from = form.from.map(PersonaVersion);
    let base = platform.store.revision(&by.scope, id, Revision(form.base)).await?;
    let base = Base { values: Values::of(&base.definition, editing.text_of_version(from).await?), definition: base.definition };
    let typed = form.values(&base.values);
    if editing.state.agent.revision != Revision(form.base) {
        return editing.refuse_stale(&base, typed, form).await;
    }
    match form.action {
        Action::Merge => editing.put_together(&base, typed, form).await,
        Action::Draft | Action::Publish => match editing.write(&base, &typed, form).await? {
            Written::Done(done) => Ok(Redirect::to(&format!("{}{}", agent_path(id), done.query())).into_response()),
            Written::Refused(problem) => {
                let page = page(&editing.page(&typed, from, form.message.clone(), Notice::Problem(problem)))?;
                Ok((StatusCode::BAD_REQUEST, page).into_response())
            }
            Written::Nothing(hint) => page(&editing.page(&typed, from, form.message.clone(), Notice::Hint(hint))),
            // Somebody was faster between the look and the write.
            Written::Stale => Editing::of(platform, by, id).await?.refuse_stale(&base, typed, form).await,
        },
    }
}

/// What the person had before them when they opened the form.
struct Base {
    definition: Definition,
    values: Values,
}

enum Written {
    Done(Done),
    Refused(String),
    Nothing(&'static str),
    Stale,
}

impl<'a> Editing<'a> {
    async fn of(platform: &'a Platform, by: &'a SignedIn, id: &'a AgentId) -> Result<Self, PageError> {
        let state = platform.store.agent_state(&by.scope, id).await?;
        Ok(Self { platform, by, id, state })
    }

    /// Returns the version that somebody who opens the form now starts from.
    fn newest_version(&self) -> Option<PersonaVersion> {
        self.state.newest_draft.as_ref().map(|draft| draft.version).or(self.state.agent.published)
    }

    async fn text_of_version(&self, version: Option<PersonaVersion>) -> Result<Option<Value>, PageError> {
        match (version, &self.state.published) {
            (None, _) => Ok(None),
            (Some(version), Some(published)) if published.summary.version == version => Ok(Some(published.persona.clone())),
            (Some(version), _) => Ok(Some(self.platform.store.persona(&self.by.scope, self.id, version).await?.persona)),
        }
    }

    /// Writes what was typed in one transaction, if it is something new and something that can be stored.
    async fn write(&self, base: &Base, typed: &Values, form: &Sent) -> Result<Written, PageError> {
        let published = self.state.published.as_ref().map(|published| published.persona.clone());
        let current = Values::of(&self.state.definition(), published);
        let fields_changed = !typed.changed_fields(&current).is_empty();
        let is_draft = form.action == Action::Draft;
        if let Some(problem) = problem_of(typed, &current, form) {
            return Ok(Written::Refused(problem));
        }
        if is_draft && fields_changed {
            let problem =
                "A name and a model have no drafts. Publish them, or restore the old ones to save a draft of the persona.";
            return Ok(Written::Refused(problem.to_owned()));
        }

        // A draft that is published without another change becomes the published version itself, not a copy of it.
        let draft = self.state.newest_draft.as_ref().map(|draft| draft.version);
        let deployed = draft.filter(|draft| !is_draft && form.from == Some(draft.0) && typed.persona == base.values.persona);
        let status = if is_draft { PersonaStatus::Draft } else { PersonaStatus::Published };
        let persona = typed.persona.clone().filter(|_| deployed.is_none()).map(|persona| PersonaChange { persona, status });
        let patch = Patch { persona, fields: typed.changed_fields(&current) };
        let target = Target { agent: self.id, message: form.message(), expected: Some(self.state.agent.revision) };
        let is_new = match self.platform.change_agent(self.by, target, &patch, deployed, Plain).await {
            Err(Error::Store(StoreError::Stale { .. })) => return Ok(Written::Stale),
            changed => changed?.is_new,
        };
        Ok(match (is_new, is_draft) {
            (false, _) => Written::Nothing("Nothing to save: nothing changed."),
            (true, true) => Written::Done(Done::Draft),
            (true, false) => Written::Done(Done::Published),
        })
    }

    /// Answers with what changed meanwhile and with a form that has what was typed and the new revision.
    async fn refuse_stale(&self, base: &Base, typed: Values, form: &Sent) -> Result<Response, PageError> {
        let newest = self.newest_version();
        let newest_text = self.text_of_version(newest).await?;
        let definition = self.state.definition();
        let current = Values::of(&definition, newest_text);
        let persona_changed = current.persona != base.values.persona;
        let merged = if persona_changed { self.merged(&typed, &base.values, &current).await? } else { None };
        let may_merge = merged.is_some_and(|merged| Some(&merged) != typed.persona.as_ref());
        let typed_persona = typed.persona.clone();
        let typed = typed.on_top_of(&base.values, &current);
        let stale = if persona_changed {
            let text = |persona: &Option<Value>| persona_text(persona.as_ref());
            let (old, theirs, yours) = (text(&base.values.persona), text(&current.persona), text(&typed_persona));
            let their_rows = diff_view::rows(self.platform, old, theirs.clone()).await?;
            (their_rows, if yours == theirs { Vec::new() } else { diff_view::rows(self.platform, theirs, yours).await? })
        } else {
            Default::default()
        };
        let notice = Notice::Stale(Stale {
            changed: Changed::from(&self.state.agent.changed),
            fields: field_changes(&base.definition, &definition),
            theirs: stale.0,
            yours: stale.1,
        });
        // A text that was left alone is now theirs; one that was typed keeps its origin, so that it can still be merged.
        let from = if typed_persona == base.values.persona { newest } else { form.from.map(PersonaVersion) };
        let mut answer = self.page(&typed, from, form.message.clone(), notice);
        answer.may_merge = may_merge;
        Ok((StatusCode::CONFLICT, page(&answer)?).into_response())
    }

    /// Answers with a form that has both the typed lines and those of the newest version.
    async fn put_together(&self, base: &Base, typed: Values, form: &Sent) -> Result<Response, PageError> {
        let newest = self.newest_version();
        let current = Values { persona: self.text_of_version(newest).await?, ..Values::default() };
        let (values, from, notice) = match self.merged(&typed, &base.values, &current).await? {
            Some(merged) => {
                let hint = "The form shows their lines merged with yours. Nothing is saved yet: review it, then save.";
                (Values { persona: Some(merged), ..typed }, newest, Notice::Hint(hint))
            }
            None => {
                let problem = "Both of you changed the same lines; merge them by hand.";
                (typed, form.from.map(PersonaVersion), Notice::Problem(problem.to_owned()))
            }
        };
        page(&self.page(&values, from, form.message.clone(), notice))
    }

    /// Returns the persona that has the lines of both, made beside the threads that answer.
    async fn merged(&self, typed: &Values, base: &Values, current: &Values) -> Result<Option<Value>, PageError> {
        let (typed, base, current) = (typed.clone(), base.clone(), current.clone());
        Ok(self.platform.budgets.work(move || typed.merged_persona(&base, &current)).await?)
    }

    fn page(&self, values: &Values, from: Option<PersonaVersion>, message: String, notice: Notice) -> EditPage {
        let areas = areas_of(values);
        let model = values.model.as_ref();
        let origin = self.origin(from, matches!(notice, Notice::None));
        EditPage {
            frame: Frame::of(&self.by.session),
            path: agent_path(self.id),
            title: Visible::of(title_of(&self.state.agent)),
            notice,
            base: self.state.agent.revision.0,
            from: from.map(|from| from.0),
            origin,
            losses: areas.iter().filter_map(|area| text::loss(&area.text)).take(1).collect(),
            areas,
            name: values.name.clone().unwrap_or_default(),
            model: text_of(Field::MODEL, model),
            model_is_text: model.is_none_or(|model| model.is_string() || model.is_null()),
            message,
            may_merge: false,
            may_publish: may_publish(&self.by.session),
        }
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

fn areas_of(values: &Values) -> Vec<Area> {
    let area = |(name, text): (&'static str, String)| {
        let (label, hint, rows) = match name {
            "persona_base" => ("Persona: base", Some("Said in every channel."), 14),
            "persona_voice" => ("Persona: voice", Some("Added where the agent speaks. Optional."), 5),
            "persona_text" => ("Persona: text", Some("Added where the agent writes. Optional."), 5),
            _ => ("Persona", None, 20),
        };
        Area { name, label, hint, rows, text }
    };
    values.persona_texts().into_iter().map(area).collect()
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

/// Returns why these values cannot be stored: the rules are those of the API.
fn problem_of(typed: &Values, current: &Values, form: &Sent) -> Option<String> {
    let persona = typed.persona.clone().filter(|_| typed.persona != current.persona).map(definition::persona);
    let fields = definition::sent_patch(typed.changed_fields(current));
    let problems = [fields.err(), persona.and_then(Result::err), definition::message(form.message()).err()];
    problems.into_iter().flatten().next().map(|problem| problem.to_string())
}
