//! `/`: what waits for somebody, and the list of agents.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keepstep_base::PersonaVersion;
use keepstep_http::addresses::agent_path;
use keepstep_platform::{CodeState, Platform};
use keepstep_store::Agent;

use crate::error_page::PageError;
use crate::parts::code_state::ShownCode;
use crate::parts::frame::Frame;
use crate::parts::view::{Changed, Moment, may_create, page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many repositories and branches of an agent stand in its row.
const PLACES: usize = 2;

#[derive(Template)]
#[template(path = "agents.html")]
struct Agents {
    frame: Frame,
    may_create: bool,
    waiting: Vec<Waiting>,
    agents: Vec<Listed>,
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
    fn of(agent: &Agent, code: &[CodeState]) -> Self {
        Self {
            code: code.iter().take(PLACES).map(ShownCode::from).collect(),
            more: code.len().saturating_sub(PLACES),
            path: agent_path(&agent.id),
            name: Visible::of(title_of(agent)),
            id: Visible::of(agent.id.as_str()),
            current: agent.current,
            draft: newer_draft(agent),
            changed: Changed::from(&agent.changed),
        }
    }
}

/// `GET`.
pub(crate) async fn show(State(platform): State<Platform>, by: SignedIn) -> Result<Response, PageError> {
    let agents = platform.store.agents(&by.scope).await?;
    let code = platform.code_states(&by, &agents).await?;
    let code_of = |agent: &Agent| code.get(&agent.id).map_or(&[][..], Vec::as_slice);
    let mut waiting: Vec<Waiting> = agents.iter().flat_map(|agent| waiting(agent, code_of(agent))).collect();
    waiting.sort_by_key(|waiting| waiting.order);
    page(&Agents {
        frame: Frame::of(&by.session),
        may_create: may_create(&by.session),
        waiting,
        agents: agents.iter().map(|agent| Listed::of(agent, code_of(agent))).collect(),
    })
}

/// Returns what waits of an agent.
fn waiting(agent: &Agent, code: &[CodeState]) -> Vec<Waiting> {
    let (name, path) = (Visible::of(title_of(agent)), agent_path(&agent.id));
    let item = |order: i64, path: String, what| Waiting { since: Moment::of(order), order, agent: name.clone(), path, what };
    let drift = code.iter().filter_map(|code| Some((code.since?, ShownCode::from(code))));
    let mut found: Vec<Waiting> =
        drift.map(|(since, code)| item(since, format!("{path}#code"), Reason::Drift(Box::new(code)))).collect();
    if let Some(version) = newer_draft(agent) {
        let author = Visible::of(agent.changed.author.as_deref().unwrap_or_default());
        found.push(item(agent.changed.at, format!("{path}/versions/{version}"), Reason::Draft { version, author }));
    }
    found
}

/// Returns the newest draft, if it is newer than what is published.
fn newer_draft(agent: &Agent) -> Option<PersonaVersion> {
    agent.draft.filter(|draft| Some(*draft) > agent.published)
}
