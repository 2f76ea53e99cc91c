//! `/members/{user}`: somebody of the organization, and what an owner can do for them.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use keepstep_http::addresses::member_path;
use keepstep_platform::Platform;
use keepstep_store::Role;

use super::members::{Confirmed, link_address};
use crate::error_page::PageError;
use crate::form::posted::Posted;
use crate::origin::PublicAddress;
use crate::parts::frame::Frame;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    frame: Frame,
    done: Option<&'static str>,
    link: Option<String>,
    path: String,
    name: Visible,
    email: Visible,
    role: &'static str,
    is_you: bool,
    has_password: bool,
    since: Moment,
}

/// `GET`.
pub(crate) async fn show(State(platform): State<Platform>, by: SignedIn, Path(id): Path<String>) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    shown(&platform, &by, &id, None, None).await
}

/// `POST /members/{user}/reset`: makes a link for a new password and shows its address, once.
pub(crate) async fn reset(
    State(platform): State<Platform>,
    PublicAddress(origin): PublicAddress,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let link = platform.create_reset_link(&by, &id).await?;
    shown(&platform, &by, &id, None, Some(link_address(&origin, &link))).await
}

async fn shown(
    platform: &Platform,
    by: &SignedIn,
    id: &str,
    done: Option<&'static str>,
    link: Option<String>,
) -> Result<Response, PageError> {
    let member = platform.store.member(&by.scope.org_id, id).await?;
    let user = member.user;
    page(&MemberPage {
        frame: Frame::of(&by.session),
        done,
        link,
        path: member_path(&user.id),
        name: Visible::of(&user.name),
        email: Visible::of(user.email.as_deref().unwrap_or_default()),
        role: user.role.label(),
        is_you: user.id == by.id,
        has_password: member.has_password,
        since: Moment::of(member.created_at),
    })
}
