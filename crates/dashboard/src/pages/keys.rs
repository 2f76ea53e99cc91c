//! `/keys`: an owner sees who can reach the platform, makes keys and takes them back.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_platform::{Error, KeyRequest, Platform};
use keepstep_store::{Key, Project, Role, StoreError};
use serde::Deserialize;

use super::connect::Device;
use crate::error_page::{PageError, capitalized};
use crate::form::posted::{Fields, Posted};
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
    devices: Vec<ListedDevice>,
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
    expires: Option<Moment>,
    state: &'static str,
    works: bool,
}

struct ListedDevice {
    person: Visible,
    device: Device,
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

/// The fields of the forms that take something back.
#[derive(Debug, Deserialize)]
pub(crate) struct RevokeForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    device: String,
}

impl Fields for RevokeForm {
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
        Some("revoked") => Some("Revoked. It opens nothing any more."),
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

/// `POST /keys/revoke`: takes back a key or what a device may do.
pub(crate) async fn revoke(State(platform): State<Platform>, posted: Posted<RevokeForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    if form.device.is_empty() {
        platform.revoke_key(&by, &form.key).await?;
    } else {
        platform.revoke_device(&by, &form.device).await?;
    }
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
        devices: devices
            .into_iter()
            .map(|device| ListedDevice {
                person: Visible::of(device.user_name.as_deref().unwrap_or_default()),
                device: device.into(),
            })
            .collect(),
    })
}

fn listed(key: Key, projects: &[Project], now: i64) -> Listed {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "active",
    };
    let project = key.scope.project_id.as_deref().map(|id| {
        let known = projects.iter().find(|project| project.id == id);
        Visible::of(known.map_or(id, |project| project.name.as_str()))
    });
    Listed {
        name: Visible::of(key.name),
        role: key.role.label(),
        project,
        created: Moment::of(key.created_at),
        expires: key.expires_at.map(Moment::of),
        works: state == "active",
        state,
        id: key.id,
    }
}
