//! `/keys`: an owner sees who can reach the platform, makes keys and takes them back.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::segment;
use keepstep_platform::{Error, KeyRequest, Platform};
use keepstep_store::{Key, Project, Role, StoreError};
use serde::Deserialize;

use crate::error_page::{PageError, capitalized};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::parts::confirm::Confirm;
use crate::parts::devices::ShownDevice;
use crate::parts::frame::Frame;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// The roles in the order in which the form has them.
const ROLES: [Role; 3] = [Role::Editor, Role::Viewer, Role::Owner];

/// The lives of a key that the form offers, in days; none is for ever.
const LIVES: [(&str, Option<i64>); 4] = [("30", Some(30)), ("90", Some(90)), ("365", Some(365)), ("", None)];

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    frame: Frame,
    done: Option<&'static str>,
    made: Option<Made>,
    form: Filled,
    problem: Option<String>,
    projects: Vec<Choice>,
    keys: Vec<Listed>,
    devices: Vec<ShownDevice>,
}

/// A key that was just made: the only time that it can be read.
struct Made {
    name: Visible,
    secret: String,
}

#[derive(Default)]
struct Filled {
    name: String,
    role: String,
    days: String,
}

struct Choice {
    id: String,
    name: Visible,
    chosen: bool,
}

struct Listed {
    id: String,
    name: Visible,
    role: &'static str,
    project: Option<Visible>,
    created: Moment,
    created_by: Visible,
    used: Option<Moment>,
    used_by: Visible,
    expires: Option<Moment>,
    state: &'static str,
    works: bool,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct KeysQuery {
    done: Option<String>,
}

/// The fields of the form that makes a key.
#[derive(Debug, Deserialize)]
pub(crate) struct MakeForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    days: String,
}

impl Fields for MakeForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<KeysQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let done = match asked.done.as_deref() {
        Some("revoked") => Some("Revoked."),
        _ => None,
    };
    let filled = Filled { role: Role::Editor.label().to_owned(), days: "90".to_owned(), ..Filled::default() };
    list(&platform, &by, done, None, filled, "", None).await
}

/// `POST`: makes a key and shows it, once.
pub(crate) async fn create(State(platform): State<Platform>, posted: Posted<MakeForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    by.require(Role::Owner)?;
    let Some(role) = ROLES.into_iter().find(|role| role.label() == form.role) else {
        return Err(PageError::Invalid("A role is viewer, editor or owner.".to_owned()));
    };
    let Some((_, days)) = LIVES.into_iter().find(|(value, _)| *value == form.days) else {
        return Err(PageError::Invalid("Choose one of the times that the form offers.".to_owned()));
    };
    let project = Some(form.project.as_str()).filter(|project| !project.is_empty());
    let life = days.map(|days| days * 24 * 60 * 60 * 1000);
    let created = platform.create_key(&by, KeyRequest { name: &form.name, role, project, life }, None).await;
    let project = form.project;
    match created {
        Ok((secret, key)) => {
            let made = Made { name: Visible::of(key.name), secret: secret.reveal().to_owned() };
            let filled = Filled { name: String::new(), role: form.role, days: form.days };
            list(&platform, &by, None, Some(made), filled, &project, None).await
        }
        Err(Error::Store(error @ StoreError::InvalidName { .. })) => {
            let filled = Filled { name: form.name, role: form.role, days: form.days };
            let problem = Some(capitalized(&error.to_string()));
            let page = list(&platform, &by, None, None, filled, &project, problem).await?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /keys/{key}/revoke`: asks.
pub(crate) async fn ask_revoke(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let organization = &by.scope.org_id;
    let key = platform.store.keys(organization).await?.into_iter().find(|key| key.id == id).ok_or(PageError::NotFound)?;
    let projects = platform.store.projects(organization).await?;
    let key = listed(key, &projects, platform.store.now());
    let used = match &key.used {
        Some(used) => {
            format!("It was last used on {} by {}; what uses it is refused from now on.", used.readable, key.used_by.plain())
        }
        None => "It was never used.".to_owned(),
    };
    let opens =
        key.project.as_ref().map_or_else(|| "everything".to_owned(), |project| format!("the project {}", project.plain()));
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(format!("Revoke the key {}?", key.name.plain())),
        consequences: vec![
            Visible::of(format!("It has the role {}, opens {opens}, and was created on {}.", key.role, key.created.readable)),
            Visible::of(used),
            Visible::of("It cannot be undone. The key stays in the list; another one can be created."),
        ],
        problem: None,
        action: format!("/keys/{}/revoke", segment(&key.id)),
        button: "Revoke the key",
        back: "/keys".to_owned(),
    })
}

/// `POST /keys/{key}/revoke`.
pub(crate) async fn revoke(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.revoke_key(&posted.by, &id).await?;
    Ok(Redirect::to("/keys?done=revoked").into_response())
}

/// `GET /keys/devices/{device}/sign-out`: asks.
pub(crate) async fn ask_sign_out(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let device = ShownDevice::find(platform.store.devices(&by.scope.org_id, None).await?, &id)?;
    page(&device.ask_sign_out(Frame::of(&by.session), "/keys"))
}

/// `POST /keys/devices/{device}/sign-out`: takes back what anybody's device may do.
pub(crate) async fn sign_out(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.revoke_device(&posted.by, &id).await?;
    Ok(Redirect::to("/keys?done=revoked").into_response())
}

async fn list(
    platform: &Platform,
    by: &SignedIn,
    done: Option<&'static str>,
    made: Option<Made>,
    form: Filled,
    project: &str,
    problem: Option<String>,
) -> Result<Response, PageError> {
    let organization = &by.session.user.org_id;
    let projects = platform.store.projects(organization).await?;
    let now = platform.store.now();
    let keys = platform.store.keys(organization).await?;
    let devices = platform.store.devices(organization, None).await?;
    page(&KeysPage {
        frame: Frame::of(&by.session),
        done,
        made,
        form,
        problem,
        keys: keys.into_iter().map(|key| listed(key, &projects, now)).collect(),
        projects: projects
            .into_iter()
            .map(|choice| Choice { name: Visible::of(choice.name), chosen: choice.id == project, id: choice.id })
            .collect(),
        devices: devices.into_iter().map(ShownDevice::from).collect(),
    })
}

fn listed(key: Key, projects: &[Project], now: i64) -> Listed {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "active",
    };
    let project = key.scope.only_project().map(|id| {
        let known = projects.iter().find(|project| project.id == id);
        Visible::of(known.map_or(id, |project| project.name.as_str()))
    });
    Listed {
        name: Visible::of(key.name),
        role: key.role.label(),
        project,
        created: Moment::of(key.created_at),
        created_by: Visible::of(key.created_by.unwrap_or_default()),
        used: key.used_at.map(Moment::of),
        used_by: Visible::of(key.used_by.unwrap_or_default()),
        expires: key.expires_at.map(Moment::of),
        works: state == "active",
        state,
        id: key.id,
    }
}
