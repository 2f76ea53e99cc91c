//! `/shared/{token}`: an experiment for whoever has a link and no account; and `…/experiments/{experiment}/shares`, where links are created
//! and revoked.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use futures_util::stream;
use http::header::CONTENT_TYPE;
use keepstep_http::addresses::{experiment_path, project_path};
use keepstep_platform::Platform;
use keepstep_store::results::{Experiment, Share};
use keepstep_store::{Role, StoreError};
use serde::Deserialize;
use std::collections::HashMap;

use super::experiment::{Link, experiment_of};
use super::export::Export;
use crate::addressed::AddressedExperiment;
use crate::error_page::PageError;
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::origin::PublicAddress;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// For how many days a link works.
const DAYS: [u32; 4] = [1, 7, 30, 90];

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "shares.html")]
struct SharesPage {
    frame: Frame,
    project: Link,
    experiment: Link,
    days: [u32; 4],
    created: Option<String>,
    done: bool,
    shares: Vec<Listed>,
}

struct Listed {
    revoke: String,
    by: Visible,
    created: Moment,
    expires: Moment,
}

/// What the form says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ShareForm {
    csrf: String,
    days: String,
}

impl Fields for ShareForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct SharesQuery {
    done: Option<String>,
}

/// `GET /shared/{token}`: the experiment and its cases, and nothing that leads elsewhere.
pub(crate) async fn open(State(platform): State<Platform>, Path(token): Path<String>) -> Result<Response, PageError> {
    let shared = platform.store.shared_experiment(&token).await?.ok_or(PageError::NotFound)?;
    let experiment = platform.store.experiment(&shared.scope, &shared.batch_id).await?;
    let export = Export::page(platform, shared.scope, &experiment)?;
    let body = Body::from_stream(stream::try_unfold(export, Export::step));
    Ok(([(CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response())
}

/// `GET`: the links that work.
pub(crate) async fn list(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    axum::extract::Query(asked): axum::extract::Query<SharesQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    shown(&platform, &by, &experiment, None, asked.done.is_some()).await
}

/// `POST`: creates a link and shows it, once.
pub(crate) async fn create(
    State(platform): State<Platform>,
    PublicAddress(origin): PublicAddress,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    posted: Posted<ShareForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let days = DAYS.into_iter().find(|days| days.to_string() == form.days);
    let days = days.ok_or_else(|| PageError::Invalid("A link works for 1, 7, 30 or 90 days.".to_owned()))?;
    let link = platform.share_experiment(&by, &experiment.batch.id, i64::from(days) * DAY).await?;
    let address = format!("{origin}/shared/{}", link.reveal());
    shown(&platform, &by, &experiment, Some(address), false).await
}

/// `GET …/{share}/revoke`: asks.
pub(crate) async fn ask_revoke(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    Path(parts): Path<HashMap<String, String>>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let id = parts.get("share").cloned().unwrap_or_default();
    let shares = platform.store.shares(&by.scope, &experiment.batch.id).await?;
    let share = shares.into_iter().find(|share| share.id == id).ok_or(StoreError::LinkUnknown)?;
    let back = format!("{}/shares", experiment_path(&project, &experiment.batch.id));
    let created = Moment::of(share.created_at).readable;
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of("Revoke this link?"),
        consequences: vec![Visible::of(format!(
            "It shows {} and was created on {created} by {}. It stops working at once.",
            experiment.name(),
            share.created_by
        ))],
        problem: None,
        action: format!("{back}/{}/revoke", share.id),
        button: "Revoke the link",
        back,
    })
}

/// `POST …/{share}/revoke`.
pub(crate) async fn revoke(
    State(platform): State<Platform>,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    Path(parts): Path<HashMap<String, String>>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let experiment = experiment_of(&platform, &posted.by, &project, &experiment).await?;
    let id = parts.get("share").map(String::as_str).unwrap_or_default();
    platform.revoke_share(&posted.by, &experiment.batch.id, id).await?;
    Ok(Redirect::to(&format!("{}/shares?done=revoked", experiment_path(&project, &experiment.batch.id))).into_response())
}

async fn shown(
    platform: &Platform,
    by: &SignedIn,
    experiment: &Experiment,
    created: Option<String>,
    done: bool,
) -> Result<Response, PageError> {
    let batch = &experiment.batch;
    let project = platform.store.project(&by.scope, &batch.project_id).await?;
    let path = experiment_path(&project.id, &batch.id);
    let listed = |share: Share| Listed {
        revoke: format!("{path}/shares/{}/revoke", share.id),
        by: Visible::of(share.created_by),
        created: Moment::of(share.created_at),
        expires: Moment::of(share.expires_at),
    };
    let shares = platform.store.shares(&by.scope, &batch.id).await?.into_iter().map(listed).collect();
    page(&SharesPage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        experiment: Link { path, name: Visible::of(experiment.name()) },
        days: DAYS,
        created,
        done,
        shares,
    })
}
