//! `/agents/{id}/draft`: what somebody has typed and not saved. A script sends it at every pause; the form does without one.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::agent_path;
use keepstep_platform::{KeptDraft, Platform};
use keepstep_store::Role;
use serde::Deserialize;

use crate::addressed::AddressedAgent;
use crate::error_page::PageError;
use crate::form::edit::Sent;
use crate::form::posted::{Confirmed, Posted};
use crate::parts::confirm::Confirm;
use crate::parts::diff_view::DiffRow;
use crate::parts::frame::Frame;
use crate::parts::live_edit::LiveEdit;
use crate::parts::view::{Moment, page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// What changes on the page while somebody types.
#[derive(Template)]
#[template(path = "draft.html")]
struct DraftPart {
    path: String,
    live: LiveEdit,
}

/// `PUT`: keeps the words, and answers with what changes on the page.
pub(crate) async fn keep(
    State(mut platform): State<Platform>,
    AddressedAgent(id): AddressedAgent,
    posted: Posted<Sent>,
) -> Result<Response, PageError> {
    let Posted { by, form, share } = posted;
    platform.budgets = platform.budgets.holding(share);
    by.require(Role::Editor)?;
    let state = platform.store.agent_state(&by.scope, &id).await?;
    let edit = form.edit(&platform.edit_base(&by, &id, form.base, form.from).await?);
    let kept = platform.keep_draft(&by, &id, &edit, form.draft.as_deref()).await?;
    let live = LiveEdit::of(&platform, state.published.as_ref(), &edit.typed, &kept, form.draft.as_deref()).await?;
    let part = page(&DraftPart { path: agent_path(&id), live })?;
    let status = if matches!(kept, KeptDraft::Elsewhere(_)) { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok((status, part).into_response())
}

/// Which text, and where to go afterwards.
#[derive(Debug, Deserialize)]
pub(crate) struct DiscardQuery {
    from: Option<u32>,
    /// Names the text that the question was about.
    tag: Option<String>,
}

impl DiscardQuery {
    fn query(&self) -> String {
        self.from.map(|from| format!("?from={from}")).unwrap_or_default()
    }
}

/// `GET …/discard`: asks.
pub(crate) async fn ask_discard(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedAgent(id): AddressedAgent,
    Query(asked): Query<DiscardQuery>,
) -> Result<Response, PageError> {
    let Some(draft) = platform.kept_draft(&by, &id).await? else {
        return Ok(Redirect::to(&format!("{}/edit{}", agent_path(&id), asked.query())).into_response());
    };
    let agent = platform.store.agent(&by.scope, &id).await?;
    let path = agent_path(&id);
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(format!("Discard what you typed about {}?", title_of(&agent))),
        consequences: vec![Visible::of(format!(
            "Your text of {} is removed for good. What is saved and published stays as it is.",
            Moment::of(draft.changed_at).readable
        ))],
        problem: None,
        action: format!("{path}/draft/discard?tag={}{}", draft.tag, asked.query().replace('?', "&")),
        button: "Discard my text",
        back: format!("{path}/edit"),
    })
}

/// `POST …/discard`: removes it, and asks again where another window has kept another text since the question.
pub(crate) async fn discard(
    State(platform): State<Platform>,
    AddressedAgent(id): AddressedAgent,
    Query(asked): Query<DiscardQuery>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let left = platform.discard_draft(&posted.by, &id, asked.tag.as_deref().unwrap_or_default()).await?;
    let next = if left.is_some() { "draft/discard" } else { "edit" };
    Ok(Redirect::to(&format!("{}/{next}{}", agent_path(&id), asked.query())).into_response())
}
