//! `/members/{user}`: somebody of the organization, and what an owner can do for them.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::member_path;
use keepstep_platform::{Error, Platform};
use keepstep_store::{Key, Role, StoreError};
use serde::Deserialize;

use super::account::EndForm;
use super::members::{link_address, organization_role, role_of};
use crate::error_page::{PageError, capitalized};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::origin::PublicAddress;
use crate::parts::confirm::Confirm;
use crate::parts::devices::ShownDevice;
use crate::parts::frame::Frame;
use crate::parts::sessions::ShownSession;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    frame: Frame,
    done: Option<&'static str>,
    link: Option<String>,
    problem: Option<String>,
    path: String,
    name: Visible,
    email: Visible,
    role: &'static str,
    may_publish: bool,
    memberships: Vec<ShownMembership>,
    choices: Vec<(String, Visible)>,
    is_you: bool,
    has_password: bool,
    has_identity: bool,
    since: Moment,
    sessions: Vec<ShownSession>,
    sessions_action: String,
    devices: Vec<ShownDevice>,
}

struct ShownMembership {
    id: String,
    project: Visible,
    role: &'static str,
    may_publish: bool,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberQuery {
    done: Option<String>,
}

/// The form that changes a role.
#[derive(Debug, Deserialize)]
pub(crate) struct RoleForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    publish: String,
}

/// The form that changes a role in a project.
#[derive(Debug, Deserialize)]
pub(crate) struct ProjectForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    publish: String,
}

impl Fields for ProjectForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

impl Fields for RoleForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<MemberQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let done = match asked.done.as_deref() {
        Some("role") => Some("The role is changed. It holds from their next page and command on."),
        Some("signed-out") => Some("That browser is signed out."),
        _ => None,
    };
    shown(&platform, &by, &id, Told { done, ..Told::default() }).await
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
    shown(&platform, &by, &id, Told { link: Some(link_address(&origin, &link)), ..Told::default() }).await
}

/// `POST /members/{user}/role`.
pub(crate) async fn set_role(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<RoleForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let role = if form.role.is_empty() { None } else { Some(role_of(&form.role)?) };
    match platform.set_rights(&by, &id, role, !form.publish.is_empty()).await {
        // Whoever is an owner no more has no such page.
        Ok(changed) if changed.id == by.id && role != Some(Role::Owner) => Ok(Redirect::to("/").into_response()),
        Ok(changed) => Ok(Redirect::to(&format!("{}?done=role", member_path(&changed.id))).into_response()),
        Err(Error::Store(error @ StoreError::LastOwner { .. })) => {
            let problem = Some(format!("{}.", capitalized(&error.to_string())));
            let page = shown(&platform, &by, &id, Told { problem, ..Told::default() }).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /members/{user}/projects`: sets a role in a project, or ends it.
pub(crate) async fn set_membership(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<ProjectForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let rights = if form.role.is_empty() { None } else { Some((role_of(&form.role)?, !form.publish.is_empty())) };
    platform.set_membership(&by, &id, &form.project, rights).await?;
    Ok(Redirect::to(&format!("{}?done=role", member_path(&id))).into_response())
}

/// `POST /members/{user}/sessions/end`: signs a browser of theirs out.
pub(crate) async fn end_session(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<EndForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    platform.end_session_of(&by, &id, &form.session).await?;
    Ok(Redirect::to(&format!("{}?done=signed-out", member_path(&id))).into_response())
}

/// `GET /members/{user}/remove`: asks.
pub(crate) async fn ask_remove(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    ask(&platform, &by, &id, None).await
}

/// `POST /members/{user}/remove`.
pub(crate) async fn remove(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    match platform.remove_member(&by, &id).await {
        Ok(_) => Ok(Redirect::to("/members?done=removed").into_response()),
        Err(Error::Store(error @ StoreError::LastOwner { .. })) => {
            let page = ask(&platform, &by, &id, Some(format!("{}.", capitalized(&error.to_string())))).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the question before somebody is removed.
async fn ask(platform: &Platform, by: &SignedIn, id: &str, problem: Option<String>) -> Result<Response, PageError> {
    let organization = &by.scope.org_id;
    let member = platform.store.member(organization, id).await?;
    let devices = platform.store.devices(organization, Some(id)).await?.len();
    let (user, now) = (&member.user, platform.store.now());
    let works = |key: &Key| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now);
    let keys = platform.store.keys_created_by(organization, id).await?.into_iter();
    let keys: Vec<String> = keys.filter(works).map(|key| key.name).collect();
    let address = user.email.as_deref().map_or_else(String::new, |email| format!(" ({email})"));
    let mut consequences = vec![
        format!("{}{address}, role {}, can no longer sign in.", user.name, organization_role(user)),
        format!(
            "{} and {} are signed out at once. Open links for them, and invitations that they created, are revoked.",
            counted(member.sessions.try_into().unwrap_or_default(), "browser"),
            counted(devices, "device")
        ),
        "What they wrote stays, with their name. They can be invited again.".to_owned(),
    ];
    if !keys.is_empty() {
        consequences.push(format!("Keys that they created keep working, until you revoke them: {}.", keys.join(", ")));
    }
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(format!("Remove {}?", user.name)),
        consequences: consequences.into_iter().map(Visible::of).collect(),
        problem,
        action: format!("{}/remove", member_path(&user.id)),
        button: "Remove them",
        back: member_path(&user.id),
    })
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// What stands above the page.
#[derive(Default)]
struct Told {
    done: Option<&'static str>,
    link: Option<String>,
    problem: Option<String>,
}

async fn shown(platform: &Platform, by: &SignedIn, id: &str, told: Told) -> Result<Response, PageError> {
    let member = platform.store.member(&by.scope.org_id, id).await?;
    let user = member.user;
    let sessions = platform.store.sessions(&user.id).await?;
    let devices = platform.store.devices(&by.scope.org_id, Some(&user.id)).await?;
    let path = member_path(&user.id);
    let projects = platform.store.projects(&by.scope.org_id).await?;
    let memberships = platform.store.memberships(&user.id).await?.into_iter().map(|membership| {
        let project = projects.iter().find(|project| project.id == membership.project_id);
        ShownMembership {
            project: Visible::of(project.map_or(membership.project_id.as_str(), |project| project.name.as_str())),
            role: membership.role.label(),
            may_publish: membership.role >= Role::Editor && membership.may_publish,
            id: membership.project_id,
        }
    });
    page(&MemberPage {
        frame: Frame::of(&by.session),
        done: told.done,
        link: told.link,
        problem: told.problem,
        sessions_action: format!("{path}/sessions/end"),
        path,
        name: Visible::of(&user.name),
        email: Visible::of(user.email.as_deref().unwrap_or_default()),
        role: organization_role(&user),
        may_publish: user.may_publish,
        memberships: memberships.collect(),
        choices: projects.iter().map(|project| (project.id.clone(), Visible::of(&project.name))).collect(),
        is_you: user.id == by.id,
        has_password: member.has_password,
        has_identity: member.has_identity,
        since: Moment::of(member.created_at),
        sessions: sessions.into_iter().map(|session| ShownSession::of(session, &by.session.id)).collect(),
        devices: devices.into_iter().map(ShownDevice::from).collect(),
    })
}
