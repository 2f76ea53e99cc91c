//! `/members`: who signs in, whom an owner has invited, and an invitation for somebody else.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_base::api_key::ApiKey;
use keepstep_http::addresses::member_path;
use keepstep_platform::{InvitationRights, Platform};
use keepstep_store::{LinkPurpose, Member, OpenLink, Role, StoreError, User};
use serde::Deserialize;

use crate::error_page::PageError;
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::origin::PublicAddress;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::link_rights::rights_text;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "members.html")]
struct MembersPage {
    frame: Frame,
    done: Option<&'static str>,
    link: Option<String>,
    people: Vec<Listed>,
    links: Vec<ListedLink>,
}

struct Listed {
    path: String,
    name: Visible,
    email: Visible,
    role: &'static str,
    is_you: bool,
    has_password: bool,
    has_identity: bool,
    used: Option<Moment>,
    since: Moment,
}

struct ListedLink {
    id: String,
    what: Visible,
    gives: String,
    by: Visible,
    created: Moment,
    expires: Moment,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct MembersQuery {
    done: Option<String>,
}

/// The form that invites somebody.
#[derive(Debug, Deserialize)]
pub(crate) struct InviteForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    publish: String,
}

impl Fields for InviteForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<MembersQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let done = match asked.done.as_deref() {
        Some("revoked") => Some("Revoked. The link opens nothing any more."),
        Some("removed") => Some("Removed. They are signed out everywhere."),
        _ => None,
    };
    list(&platform, &by, done, None).await
}

/// `POST`: makes an invitation and shows its address, once.
pub(crate) async fn invite(
    State(platform): State<Platform>,
    PublicAddress(origin): PublicAddress,
    posted: Posted<InviteForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let rights = InvitationRights::organization(role_of(&form.role)?, !form.publish.is_empty());
    let link = platform.invite(&by, &rights).await?;
    list(&platform, &by, None, Some(link_address(&origin, &link))).await
}

/// `GET /members/links/{link}/revoke`: asks.
pub(crate) async fn ask_revoke(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let links = platform.store.open_links(&by.scope.org_id).await?;
    let link = links.into_iter().find(|link| link.id == id).ok_or(StoreError::LinkUnknown)?;
    let created = Moment::of(link.created_at).readable;
    let shown = ListedLink::from(link);
    let gives = if shown.gives.is_empty() { String::new() } else { format!(": {}", shown.gives) };
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of("Revoke this link?"),
        consequences: vec![
            Visible::of(format!("{}{gives}. Created on {created} by {}.", shown.what.plain(), shown.by.plain())),
            Visible::of("It stops working at once. You can create another one at any time."),
        ],
        problem: None,
        action: format!("/members/links/{}/revoke", shown.id),
        button: "Revoke the link",
        back: "/members".to_owned(),
    })
}

/// `POST /members/links/{link}/revoke`.
pub(crate) async fn revoke(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.revoke_link(&posted.by, &id).await?;
    Ok(Redirect::to("/members?done=revoked").into_response())
}

/// Returns the role that a form names.
pub(crate) fn role_of(sent: &str) -> Result<Role, PageError> {
    sent.parse().map_err(|_| PageError::Invalid("A role is viewer, editor or owner.".to_owned()))
}

/// Returns what somebody may do in the organization, in a word.
pub(crate) fn organization_role(user: &User) -> &'static str {
    if user.confined { "none" } else { user.role.label() }
}

/// Returns the address that a link opens, for a person to copy.
pub(crate) fn link_address(origin: &str, link: &ApiKey) -> String {
    format!("{origin}/sign-in/link/{}", link.reveal())
}

/// Returns the page, perhaps with the address of an invitation that was just made.
pub(crate) async fn list(
    platform: &Platform,
    by: &SignedIn,
    done: Option<&'static str>,
    link: Option<String>,
) -> Result<Response, PageError> {
    let organization = &by.scope.org_id;
    let people = platform.store.members(organization).await?;
    let links = platform.store.open_links(organization).await?;
    page(&MembersPage {
        frame: Frame::of(&by.session),
        done,
        link,
        people: people.into_iter().map(|member| listed(member, &by.id)).collect(),
        links: links.into_iter().map(ListedLink::from).collect(),
    })
}

fn listed(member: Member, looking: &str) -> Listed {
    let Member { user, has_password, has_identity, created_at, used_at, .. } = member;
    let role = organization_role(&user);
    Listed {
        path: member_path(&user.id),
        name: Visible::of(user.name),
        email: Visible::of(user.email.unwrap_or_default()),
        role,
        is_you: user.id == looking,
        has_password,
        has_identity,
        used: used_at.map(Moment::of),
        since: Moment::of(created_at),
    }
}

impl From<OpenLink> for ListedLink {
    fn from(link: OpenLink) -> Self {
        let what = match (link.purpose, &link.user_name) {
            (LinkPurpose::Reset, Some(name)) => format!("New password for {name}"),
            (LinkPurpose::Reset, None) => "New password".to_owned(),
            (LinkPurpose::Invite, _) => "Invitation".to_owned(),
            (LinkPurpose::Owner, _) => "Link for an owner".to_owned(),
        };
        Self {
            what: Visible::of(what),
            gives: match link.purpose {
                LinkPurpose::Reset => String::new(),
                LinkPurpose::Invite | LinkPurpose::Owner => rights_text(&link.rights),
            },
            by: Visible::of(link.created_by.as_deref().unwrap_or("the server's command line")),
            created: Moment::of(link.created_at),
            expires: Moment::of(link.expires_at),
            id: link.id,
        }
    }
}
