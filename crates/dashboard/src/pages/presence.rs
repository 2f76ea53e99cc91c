//! `/agents/{id}/presence`: the form of an agent is open in somebody's browser.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keepstep_platform::Platform;

use crate::addressed::AddressedAgent;
use crate::error_page::PageError;
use crate::form::posted::{Confirmed, Posted};
use crate::parts::editors::{self, ShownEditor};
use crate::parts::view::page;

/// Who else is there.
#[derive(Template)]
#[template(path = "presence.html")]
struct Presence {
    others: Vec<ShownEditor>,
}

/// `PUT`: says so, and answers with who else is there.
pub(crate) async fn renew(
    State(platform): State<Platform>,
    AddressedAgent(id): AddressedAgent,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.note_editor(&posted.by, &id).await?;
    page(&Presence { others: editors::others(&platform, &posted.by, &id).await? })
}
