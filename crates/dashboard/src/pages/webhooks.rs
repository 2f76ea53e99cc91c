//! `/webhooks`: for owners: addresses that are told what happens, and whether it arrived.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::segment;
use keepstep_platform::{EVENTS, Error, Platform, host};
use keepstep_store::{Delivery, Role, Webhook};
use serde::Deserialize;

use crate::error_page::{PageError, Typed};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many deliveries a page has.
const SHOWN: u32 = 100;

#[derive(Template)]
#[template(path = "webhooks.html")]
struct WebhooksPage {
    frame: Frame,
    done: Option<&'static str>,
    created: Option<Created>,
    url: String,
    problem: Option<String>,
    events: Vec<Choice>,
    webhooks: Vec<Listed>,
}

/// A webhook that was just created: the only time that its secret can be read.
struct Created {
    host: Visible,
    secret: String,
}

struct Choice {
    event: &'static str,
    when: &'static str,
    chosen: bool,
}

struct Listed {
    path: String,
    host: Visible,
    events: Visible,
    created: Moment,
    created_by: Visible,
    is_disabled: bool,
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct WebhookPage {
    frame: Frame,
    done: Option<&'static str>,
    path: String,
    host: Visible,
    url: Visible,
    events: Visible,
    disabled: Option<Moment>,
    deliveries: Vec<Sent>,
}

struct Sent {
    id: String,
    event: Visible,
    created: Moment,
    attempts: u32,
    state: &'static str,
    outcome: Option<Visible>,
    next: Option<Moment>,
    body: Visible,
    can_be_sent: bool,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct DoneQuery {
    done: Option<String>,
}

impl DoneQuery {
    fn text(&self) -> Option<&'static str> {
        match self.done.as_deref()? {
            "deleted" => Some("Deleted."),
            "test" => Some("A test is on its way."),
            "again" => Some("It is sent again now."),
            _ => None,
        }
    }
}

/// The fields of the form that creates a webhook: the address, and a field for each event that is chosen.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    url: String,
    #[serde(flatten)]
    events: BTreeMap<String, String>,
}

impl Fields for CreateForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        vec![Typed { label: "Address", text: self.url.clone() }]
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<DoneQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let events: Vec<String> = EVENTS.iter().map(|(event, _)| (*event).to_owned()).collect();
    list(&platform, &by, asked.text(), None, String::new(), &events, None).await
}

/// `POST`: creates a webhook and shows its secret, once.
pub(crate) async fn create(State(platform): State<Platform>, posted: Posted<CreateForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let events: Vec<String> = form.events.into_keys().collect();
    match platform.create_webhook(&by, &form.url, &events).await {
        Ok((webhook, secret)) => {
            let created = Created { host: Visible::of(host(&webhook.url)), secret };
            list(&platform, &by, None, Some(created), String::new(), &events, None).await
        }
        Err(Error::Refused(problem)) => {
            let page = list(&platform, &by, None, None, form.url, &events, Some(problem)).await?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn list(
    platform: &Platform,
    by: &SignedIn,
    done: Option<&'static str>,
    created: Option<Created>,
    url: String,
    chosen: &[String],
    problem: Option<String>,
) -> Result<Response, PageError> {
    let choice =
        |(event, when): (&'static str, &'static str)| Choice { event, when, chosen: chosen.iter().any(|one| one == event) };
    page(&WebhooksPage {
        frame: Frame::of(&by.session),
        done,
        created,
        url,
        problem,
        events: EVENTS.into_iter().map(choice).collect(),
        webhooks: platform.webhooks(by).await?.into_iter().map(listed).collect(),
    })
}

fn listed(webhook: Webhook) -> Listed {
    Listed {
        path: path(&webhook.id),
        host: Visible::of(host(&webhook.url)),
        events: Visible::of(webhook.events.join(", ")),
        created: Moment::of(webhook.created_at),
        created_by: Visible::of(webhook.created_by),
        is_disabled: webhook.disabled_at.is_some(),
    }
}

fn path(webhook: &str) -> String {
    format!("/webhooks/{}", segment(webhook))
}

/// `GET /webhooks/{webhook}`: what it was told, and whether it arrived.
pub(crate) async fn show_one(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<DoneQuery>,
) -> Result<Response, PageError> {
    let (webhook, deliveries) = platform.webhook(&by, &id, SHOWN).await?;
    page(&WebhookPage {
        frame: Frame::of(&by.session),
        done: asked.text(),
        path: path(&webhook.id),
        host: Visible::of(host(&webhook.url)),
        url: Visible::of(&webhook.url),
        events: Visible::of(webhook.events.join(", ")),
        disabled: webhook.disabled_at.map(Moment::of),
        deliveries: deliveries.into_iter().map(|delivery| sent(delivery, webhook.disabled_at.is_some())).collect(),
    })
}

fn sent(delivery: Delivery, is_disabled: bool) -> Sent {
    let state = match (delivery.delivered_at, delivery.next_at) {
        (Some(_), None) => "delivered",
        (_, Some(_)) => "waiting",
        (None, None) => "failed",
    };
    Sent {
        id: delivery.id,
        event: Visible::of(delivery.event),
        created: Moment::of(delivery.created_at),
        attempts: delivery.attempts,
        state,
        outcome: delivery.outcome.map(Visible::of),
        next: delivery.next_at.map(Moment::of),
        body: Visible::of(delivery.body),
        can_be_sent: !is_disabled && (state != "waiting" || delivery.attempts > 0),
    }
}

/// `POST /webhooks/{webhook}/test`.
pub(crate) async fn test(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.test_webhook(&posted.by, &id).await?;
    Ok(Redirect::to(&format!("{}?done=test", path(&id))).into_response())
}

/// `POST /webhooks/{webhook}/deliveries/{delivery}/send`.
pub(crate) async fn send_again(
    State(platform): State<Platform>,
    Path((id, delivery)): Path<(String, String)>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.deliver_again(&posted.by, &id, &delivery).await?;
    Ok(Redirect::to(&format!("{}?done=again", path(&id))).into_response())
}

/// `GET /webhooks/{webhook}/delete`: asks.
pub(crate) async fn ask_delete(
    State(platform): State<Platform>,
    by: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let (webhook, deliveries) = platform.webhook(&by, &id, SHOWN).await?;
    let waiting = deliveries.iter().filter(|delivery| delivery.next_at.is_some()).count();
    let mut consequences =
        vec![Visible::of(format!("{} is told nothing more, and the log of its deliveries goes.", host(&webhook.url)))];
    if waiting > 0 {
        consequences.push(Visible::of(format!("{waiting} of them are not delivered yet and never will be.")));
    }
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(format!("Delete the webhook to {}?", host(&webhook.url))),
        consequences,
        problem: None,
        action: format!("{}/delete", path(&webhook.id)),
        button: "Delete the webhook",
        back: path(&webhook.id),
    })
}

/// `POST /webhooks/{webhook}/delete`.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.delete_webhook(&posted.by, &id).await?;
    Ok(Redirect::to("/webhooks?done=deleted").into_response())
}
