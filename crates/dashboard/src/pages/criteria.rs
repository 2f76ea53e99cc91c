//! `/projects/{project}/scenarios/{scenario}/criteria`: what a good answer is, as the draft of a scenario has it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_http::addresses::{criteria_path, project_path, scenario_path, segment};
use keepstep_platform::{CriteriaList, Platform, criteria_of, read_criterion};
use keepstep_results::criterion::{Bounds, JudgedFrom, kind_of};
use keepstep_store::test_data::{DraftPack, InputState, Scenario};
use keepstep_store::{Project, Role};
use serde::Deserialize;
use serde_json::Value;

use super::experiment::Link;
use super::scenario::scenario_of;
use crate::addressed::AddressedScenario;
use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::shown_results::excerpt;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many criteria are listed in all.
const MOST_LISTED: usize = 1000;

/// How much of a name or an expectation a row shows, in characters.
const EXCERPT: usize = 300;

/// How much of a pack a question shows, in characters.
const QUESTION: usize = 1000;

#[derive(Template)]
#[template(path = "criteria.html")]
struct CriteriaPage {
    frame: Frame,
    done: Option<&'static str>,
    project: Link,
    scenario: Link,
    path: String,
    may_edit: bool,
    edits: usize,
    packs: Vec<Pack>,
}

/// A pack, ready to show.
struct Pack {
    id: String,
    path: String,
    new: String,
    name: Visible,
    threshold: String,
    badge: Option<(&'static str, &'static str)>,
    is_deleted: bool,
    is_overtaken: bool,
    edited: Option<(Visible, Moment)>,
    can_be_reverted: bool,
    rows: Vec<Row>,
    left_out: usize,
}

/// A criterion, ready to show.
struct Row {
    path: String,
    name: Visible,
    kind: &'static str,
    expected: Visible,
    is_required: bool,
    is_edited: bool,
    /// Where no test on this server could say whether it holds.
    note: Visible,
}

/// What the address of the list says.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct DoneQuery {
    #[serde(default)]
    pub(crate) done: String,
}

/// What the address of a question says.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SeenQuery {
    #[serde(default)]
    pub(crate) seen: String,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedScenario,
    Query(query): Query<DoneQuery>,
) -> Result<Response, PageError> {
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let packs = platform.store.draft_packs(&by.scope, &scenario.id).await?;
    let edits = packs.iter().filter(|pack| pack.state != InputState::Published).count();
    let path = criteria_path(&scenario_path(&project.id, &scenario.id));
    // Reading a criterion compiles its pattern or schema.
    let base = path.clone();
    let list = move || {
        let mut room = MOST_LISTED;
        packs.iter().map(|pack| pack_of(&base, pack, &mut room)).collect()
    };
    let packs = platform.budgets.work(list).await?;
    page(&CriteriaPage {
        frame: Frame::of(&by.session),
        done: told(&query.done),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        scenario: Link { path: scenario_path(&project.id, &scenario.id), name: Visible::of(&scenario.name) },
        path,
        may_edit: by.require(Role::Editor).is_ok(),
        edits,
        packs,
    })
}

/// Returns the way back to the list, with what was done.
pub(crate) fn to_list(project: &Project, scenario: &Scenario, done: &str, pack: &str) -> Response {
    let path = criteria_path(&scenario_path(&project.id, &scenario.id));
    Redirect::to(&format!("{path}?done={done}#{}", segment(pack))).into_response()
}

fn told(done: &str) -> Option<&'static str> {
    Some(match done {
        "added" => "The criterion is added to the draft.",
        "changed" => "The criterion is saved in the draft.",
        "removed" => "The criterion is deleted in the draft.",
        "saved" => "Saved in the draft.",
        "deleted" => "The criteria are deleted in the draft.",
        "reverted" => "The criteria are again what is published.",
        _ => return None,
    })
}

/// Returns a pack with as many of its criteria as there is room for.
fn pack_of(base: &str, pack: &DraftPack, room: &mut usize) -> Pack {
    let path = format!("{base}/{}", segment(&pack.id));
    let published: Vec<&Value> = pack.published.iter().flat_map(criteria_of).map(|(_, entry)| entry).collect();
    let count = criteria_of(&pack.document).count();
    let listed = count.min(*room);
    *room -= listed;
    let rows = criteria_of(&pack.document).take(listed).map(|(place, entry)| {
        let row_path = format!("{path}/{}", place.label());
        let is_edited = pack.state != InputState::Published && !published.contains(&entry);
        row(row_path, place.list, entry, is_edited)
    });
    Pack {
        id: pack.id.clone(),
        new: format!("{base}/new?pack={}", segment(&pack.id)),
        name: Visible::of(pack.name()),
        threshold: pack.document.get("threshold").filter(|value| !value.is_null()).map(Value::to_string).unwrap_or_default(),
        badge: match pack.state {
            InputState::Published => None,
            InputState::New => Some(("new", "good")),
            InputState::Changed => Some(("changed", "draft")),
            InputState::Deleted => Some(("deleted", "bad")),
        },
        is_deleted: pack.state == InputState::Deleted,
        is_overtaken: pack.is_overtaken,
        edited: pack.edited.as_ref().map(|(by, at)| (Visible::of(by), Moment::of(*at))),
        can_be_reverted: pack.published.is_some() && pack.state != InputState::Published,
        rows: rows.collect(),
        left_out: count - listed,
        path,
    }
}

fn row(path: String, list: CriteriaList, entry: &Value, is_edited: bool) -> Row {
    let (name, kind, expected, is_required, note) = match read_criterion(entry, list, Bounds::of_list()) {
        // What is too large to be read for a list may be small enough to be tried.
        Ok(criterion) => {
            let name = if criterion.name == criterion.expected { String::new() } else { criterion.name };
            (name, criterion.kind, criterion.expected, criterion.required, String::new())
        }
        Err(reason) => {
            let name = entry.get("name").and_then(Value::as_str).unwrap_or("A criterion").to_owned();
            (name, "", entry.to_string(), crate::form::criterion::is_required(entry), format!("It is not judged: it {reason}."))
        }
    };
    let kind = kind_of(kind);
    let note = match kind.map(|kind| kind.judged_from) {
        Some(JudgedFrom::Model) => "judged by a model where the test runs".to_owned(),
        Some(JudgedFrom::Program) => "judged by a program where the test runs".to_owned(),
        _ => note,
    };
    let label = if name.is_empty() { expected.clone() } else { name.clone() };
    // A statement is its own name.
    let is_said = name.is_empty() || expected == format!("{name:?}");
    Row {
        path,
        name: Visible::of(excerpt(&label, EXCERPT)),
        kind: kind.map_or("unknown", |kind| kind.title),
        expected: Visible::of(if is_said { String::new() } else { excerpt(&expected, EXCERPT) }),
        is_required,
        is_edited,
        note: Visible::of(note),
    }
}

/// Returns the beginning of a text that a question shows.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(QUESTION) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.trim_end().to_owned(),
    }
}
