//! `/agents/{id}`: an agent's persona and its versions.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_agent::definition::persona_text;
use keepstep_agent::{Definition, Field};
use keepstep_base::{AgentId, PersonaVersion};
use keepstep_http::addresses::agent_path;
use keepstep_platform::Platform;
use keepstep_store::{PersonaFilter, PersonaStatus, PersonaSummary};
use serde::Deserialize;

use crate::addressed::AddressedAgent;
use crate::error_page::PageError;
use crate::parts::assets;
use crate::parts::code_state::ShownCode;
use crate::parts::editors::{self, ShownEditor};
use crate::parts::frame::Frame;
use crate::parts::view::{Changed, may_edit, page, render_value, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many versions stand on a page.
const PAGE: u32 = 30;

#[derive(Template)]
#[template(path = "agent.html")]
struct AgentPage {
    frame: Frame,
    script: &'static str,
    done: Option<&'static str>,
    path: String,
    name: Visible,
    agent_id: AgentId,
    id: Visible,
    organization: Visible,
    revision: u64,
    model: Visible,
    settings: Vec<Setting>,
    current: Option<PersonaVersion>,
    published: Option<PersonaVersion>,
    draft: Option<PersonaVersion>,
    text: Option<Visible>,
    changed: Changed,
    may_edit: bool,
    code: Vec<ShownCode>,
    editors: Vec<ShownEditor>,
    versions: Vec<Listed>,
    is_later_page: bool,
    next: Option<PersonaVersion>,
}

/// A field that has a section of its own.
struct Setting {
    key: &'static str,
    title: &'static str,
    text: Visible,
}

impl Setting {
    /// Returns the section of a field that is set and stands nowhere else on the page.
    fn of(field: Field, definition: &Definition) -> Option<Self> {
        let value = definition.get(field).filter(|_| !field.is_short() && !field.has_versions())?;
        Some(Self { key: field.key(), title: field.title(), text: render_value(field, Some(value)) })
    }
}

struct Listed {
    number: PersonaVersion,
    is_current: bool,
    is_draft: bool,
    created: Changed,
}

impl From<&PersonaSummary> for Listed {
    fn from(summary: &PersonaSummary) -> Self {
        Self {
            number: summary.version,
            is_current: summary.is_current,
            is_draft: summary.status == PersonaStatus::Draft,
            created: Changed::from(&summary.created),
        }
    }
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct AgentQuery {
    before: Option<String>,
    done: Option<String>,
}

/// What the person has just done, to be told on the page that follows. It is in the address, so it is one of a few
/// words and never a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Done {
    /// A draft was stored.
    Draft,
    /// A persona was published, or fields were saved.
    Published,
    /// A version went to production.
    Deployed,
    /// The agent was made.
    Created,
}

impl Done {
    const ALL: [Self; 4] = [Self::Draft, Self::Published, Self::Deployed, Self::Created];

    /// Returns the end of the address that tells it.
    pub(crate) fn query(self) -> String {
        format!("?done={}", self.word())
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Deployed => "deployed",
            Self::Created => "created",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Draft => "The draft is saved. It is not in production, and no check compares with it.",
            Self::Published => "Published. It is in production, and checks compare with it from now on.",
            Self::Deployed => "That version is in production now.",
            Self::Created => "The agent was created. Next: write its persona here, or push the one in its code.",
        }
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedAgent(id): AddressedAgent,
    Query(asked): Query<AgentQuery>,
) -> Result<Response, PageError> {
    let state = platform.store.agent_state(&by.scope, &id).await?;
    // An address that names no version is the first page.
    let before = asked.before.and_then(|before| before.parse().ok()).map(PersonaVersion);
    let filter = PersonaFilter { status: None, before, limit: PAGE + 1 };
    let mut summaries = platform.store.persona_summaries(&by.scope, &id, filter).await?;
    let has_more = summaries.len() > PAGE as usize;
    summaries.truncate(PAGE as usize);
    let definition = state.definition();
    let agent = &state.agent;
    let code = platform.code_states(&by, std::slice::from_ref(agent)).await?;
    page(&AgentPage {
        frame: Frame::of(&by.session),
        script: assets::script(),
        done: asked.done.and_then(|word| Done::from_word(&word)).map(Done::sentence),
        path: agent_path(&id),
        name: Visible::of(title_of(agent)),
        id: Visible::of(id.as_str()),
        agent_id: id.clone(),
        organization: Visible::of(&agent.org_id),
        revision: agent.revision.0,
        model: render_value(Field::MODEL, definition.get(Field::MODEL)),
        settings: Field::ALL.into_iter().filter_map(|field| Setting::of(field, &definition)).collect(),
        current: agent.current,
        published: agent.published,
        draft: state.newest_draft.map(|draft| draft.version),
        text: state.published.map(|published| Visible::of(persona_text(Some(&published.persona)))),
        changed: Changed::from(&agent.changed),
        may_edit: may_edit(&by.session),
        editors: editors::others(&platform, &by, &id).await?,
        code: code.values().flatten().map(ShownCode::from).collect(),
        next: summaries.last().filter(|_| has_more).map(|last| last.version),
        versions: summaries.iter().map(Listed::from).collect(),
        is_later_page: before.is_some(),
    })
}
