//! `/activity`: an owner sees who did what, when, from where and with which tool, and takes it along as a file.

use std::sync::LazyLock;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use keepstep_base::spreadsheet::row;
use keepstep_http::addresses::{agent_path, member_path, project_path, segment};
use keepstep_platform::{Error, Platform};
use keepstep_store::{Activity, ActivityFilter, Role};
use serde::Deserialize;
use serde_json::json;

use crate::error_page::{PageError, capitalized};
use crate::parts::frame::Frame;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many entries a page has.
const PAGE: usize = 50;

/// How many entries are read at a time for a file.
const CHUNK: u32 = 1000;

/// The columns of a CSV file.
static HEAD: LazyLock<String> = LazyLock::new(|| {
    row([
        "number",
        "at",
        "actor_id",
        "actor_name",
        "action",
        "subject_kind",
        "subject_id",
        "subject_name",
        "device",
        "address",
        "hash",
    ])
});

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    frame: Frame,
    asked: ActivityQuery,
    actions: Vec<Choice>,
    /// What the entries are confined to beside the form, and the address without it.
    confined: Vec<(Visible, String)>,
    entries: Vec<Listed>,
    is_filtered: bool,
    older: Option<String>,
    csv: String,
    json: String,
}

struct Choice {
    action: String,
    shown: String,
    chosen: bool,
}

struct Listed {
    at: Moment,
    actor: Visible,
    actor_kind: &'static str,
    by_actor: String,
    what: String,
    about: Option<About>,
    device: Option<Visible>,
    address: Option<Visible>,
}

struct About {
    kind: Visible,
    name: Visible,
    path: Option<String>,
    by_subject: String,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ActivityQuery {
    #[serde(default)]
    who: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    format: String,
}

impl ActivityQuery {
    fn filter(&self) -> Result<ActivityFilter, PageError> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let before = match self.before.as_str() {
            "" => None,
            number => Some(number.parse().map_err(|_| PageError::Invalid("`before` is the number of an entry.".to_owned()))?),
        };
        Ok(ActivityFilter {
            actor_id: some(&self.who),
            action: some(&self.action),
            subject_id: some(&self.about),
            since: day(&self.from, 0)?,
            until: day(&self.to, 1)?,
            before,
        })
    }

    /// Returns the address of the same entries, with another part.
    fn address(&self, page: &str, more: &[(&str, &str)]) -> String {
        let own = [
            ("who", self.who.as_str()),
            ("action", &self.action),
            ("about", &self.about),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let kept = own.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let all = kept.chain(more.iter().copied()).filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = all.map(|(name, value)| format!("{name}={}", segment(value))).collect();
        if query.is_empty() { page.to_owned() } else { format!("{page}?{}", query.join("&")) }
    }
}

/// Returns when a day begins in UTC, or the one so many days later; none where there is no day.
fn day(text: &str, later: i64) -> Result<Option<i64>, PageError> {
    if text.is_empty() {
        return Ok(None);
    }
    let begins = text.parse::<Date>().and_then(|date| {
        let date = date.checked_add(jiff::Span::new().try_days(later)?)?;
        Ok(date.to_zoned(TimeZone::UTC)?.timestamp().as_millisecond())
    });
    begins.map(Some).map_err(|_| PageError::Invalid(format!("{text:?} is not a day: write it like 2026-01-31.")))
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<ActivityQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    let filter = asked.filter()?;
    let mut entries = platform.activity(&by, &filter, u32::try_from(PAGE + 1).unwrap_or(u32::MAX)).await?;
    let is_more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let older =
        entries.last().filter(|_| is_more).map(|last| asked.address("/activity", &[("before", &last.number.to_string())]));
    let actions = platform.activity_actions(&by).await?;
    let choices =
        actions.into_iter().map(|action| Choice { shown: capitalized(&action), chosen: action == asked.action, action });
    let mut confined = Vec::new();
    if !asked.who.is_empty() {
        let name = entries.first().map_or_else(|| asked.who.clone(), |entry| entry.actor_name.clone());
        confined.push((Visible::of(format!("by {name}")), asked.address("/activity", &[("who", "")])));
    }
    if !asked.about.is_empty() {
        let subject = entries.first().and_then(|entry| entry.subject.as_ref());
        let name = subject.map_or_else(|| asked.about.clone(), |subject| format!("{} {}", subject.kind, subject.name));
        confined.push((Visible::of(format!("about {}", name.trim())), asked.address("/activity", &[("about", "")])));
    }
    page(&ActivityPage {
        frame: Frame::of(&by.session),
        actions: choices.collect(),
        confined,
        entries: entries.into_iter().map(|entry| listed(entry, &asked)).collect(),
        is_filtered: filter != ActivityFilter { before: filter.before, ..ActivityFilter::default() },
        older,
        csv: asked.address("/activity/export", &[("format", "csv")]),
        json: asked.address("/activity/export", &[("format", "jsonl")]),
        asked,
    })
}

fn listed(entry: Activity, asked: &ActivityQuery) -> Listed {
    let actor_kind = match entry.actor_id.split_once('_').map(|(kind, _)| kind) {
        Some("user") => "",
        Some("key") => "key",
        _ => "on the server",
    };
    let about = entry.subject.map(|subject| {
        let path = match subject.kind.as_str() {
            "agent" => subject.id.parse().ok().map(|id| agent_path(&id)),
            "project" => Some(project_path(&subject.id)),
            "person" => Some(member_path(&subject.id)),
            _ => None,
        };
        About {
            by_subject: asked.address("/activity", &[("about", &subject.id)]),
            kind: Visible::of(subject.kind),
            name: Visible::of(subject.name),
            path,
        }
    });
    Listed {
        at: Moment::of(entry.at),
        by_actor: asked.address("/activity", &[("who", &entry.actor_id)]),
        actor: Visible::of(entry.actor_name),
        actor_kind,
        what: capitalized(&entry.action),
        about,
        device: entry.device.map(Visible::of),
        address: entry.address.map(Visible::of),
    }
}

/// `GET /activity/export`: all entries of a filter, the latest first, as a file that is written while it is read.
pub(crate) async fn export(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<ActivityQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    by.require_whole_organization()?;
    let filter = asked.filter()?;
    let (form, media_type) = match asked.format.as_str() {
        "csv" => (Form::Csv, "text/csv; charset=utf-8"),
        "jsonl" => (Form::JsonLines, "application/jsonl"),
        _ => return Err(PageError::Invalid("A file has the format csv or jsonl.".to_owned())),
    };
    let begin = match form {
        Form::Csv => HEAD.clone(),
        Form::JsonLines => String::new(),
    };
    let chunks = stream::try_unfold(Some((begin, filter)), move |state| {
        let (platform, actor) = (platform.clone(), by.clone());
        async move {
            let Some((mut text, mut filter)) = state else { return Ok::<_, Error>(None) };
            let entries = platform.activity(&actor, &filter, CHUNK).await?;
            text.extend(entries.iter().map(|entry| form.line(entry)));
            let is_more = entries.len() == usize::try_from(CHUNK).unwrap_or(usize::MAX);
            filter.before = entries.last().map(|last| last.number);
            Ok(Some((Bytes::from(text), is_more.then(|| (String::new(), filter)))))
        }
    });
    let name = format!("attachment; filename=\"activity.{}\"", asked.format);
    let headers = [(CONTENT_TYPE, media_type.to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

#[derive(Clone, Copy)]
enum Form {
    Csv,
    JsonLines,
}

impl Form {
    fn line(self, entry: &Activity) -> String {
        let at = Moment::of(entry.at).machine;
        let subject = entry.subject.as_ref();
        match self {
            Self::Csv => row([
                entry.number.to_string().as_str(),
                &at,
                &entry.actor_id,
                &entry.actor_name,
                &entry.action,
                subject.map_or("", |subject| &subject.kind),
                subject.map_or("", |subject| &subject.id),
                subject.map_or("", |subject| &subject.name),
                entry.device.as_deref().unwrap_or_default(),
                entry.address.as_deref().unwrap_or_default(),
                &entry.hash,
            ]),
            Self::JsonLines => {
                let subject = subject.map(|subject| json!({ "kind": subject.kind, "id": subject.id, "name": subject.name }));
                let line = json!({
                    "number": entry.number,
                    "at": at,
                    "actor": { "id": entry.actor_id, "name": entry.actor_name },
                    "action": entry.action,
                    "subject": subject,
                    "device": entry.device,
                    "address": entry.address,
                    "hash": entry.hash,
                });
                format!("{line}\n")
            }
        }
    }
}
