//! `/`: the list of agents.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keepstep_base::PersonaVersion;
use keepstep_http::addresses::agent_path;
use keepstep_platform::Platform;
use keepstep_store::Agent;

use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::view::{Changed, may_create, page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "agents.html")]
struct Agents {
    frame: Frame,
    may_create: bool,
    agents: Vec<Listed>,
}

struct Listed {
    path: String,
    name: Visible,
    id: Visible,
    revision: u64,
    current: Option<PersonaVersion>,
    draft: Option<PersonaVersion>,
    changed: Changed,
}

impl From<Agent> for Listed {
    fn from(agent: Agent) -> Self {
        Self {
            path: agent_path(&agent.id),
            name: Visible::of(title_of(&agent)),
            id: Visible::of(agent.id.as_str()),
            revision: agent.revision.0,
            current: agent.current,
            draft: agent.draft.filter(|draft| Some(*draft) > agent.published),
            changed: Changed::from(&agent.changed),
        }
    }
}

/// `GET`.
pub(crate) async fn show(State(platform): State<Platform>, by: SignedIn) -> Result<Response, PageError> {
    let agents = platform.store.agents(&by.scope).await?;
    page(&Agents {
        frame: Frame::of(&by.session),
        may_create: may_create(&by.session),
        agents: agents.into_iter().map(Listed::from).collect(),
    })
}
