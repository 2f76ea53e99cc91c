//! `/projects/{project}/scenarios/{scenario}/versions/{version}`: how a bundle version differs from the one before, and who pulled it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use keepstep_http::addresses::{project_path, scenario_path};
use keepstep_platform::Platform;
use keepstep_store::test_data::{BundleFilter, BundleStatus};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::experiment::Link;
use super::scenario::scenario_of;
use crate::error_page::PageError;
use crate::parts::changed_test_data::{ChangedInput, ChangedPart, MOST, Sides, changed_input, changed_parts};
use crate::parts::diff_view::DiffRow;
use crate::parts::frame::Frame;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many who pulled the version are shown.
const MOST_PULLS: u32 = 100;

#[derive(Template)]
#[template(path = "bundle.html")]
struct BundlePage {
    frame: Frame,
    done: Option<&'static str>,
    project: Link,
    scenario: Link,
    path: String,
    generation: u32,
    id: Visible,
    is_newest: bool,
    message: Visible,
    by: Visible,
    at: Moment,
    input_count: u32,
    before: Option<u32>,
    inputs: Vec<ChangedInput>,
    more: u32,
    parts: Vec<ChangedPart>,
    pulls: Vec<ShownPull>,
}

struct ShownPull {
    puller: Visible,
    program: Visible,
    first: Moment,
    last: Moment,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct BundleQuery {
    done: Option<String>,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Path((project, scenario, version)): Path<(String, String, String)>,
    Query(asked): Query<BundleQuery>,
) -> Result<Response, PageError> {
    let store = &platform.store;
    let (project, scenario) = scenario_of(&platform, &by, &project, &scenario).await?;
    let version: u32 = version.parse().map_err(|_| PageError::NotFound)?;
    let published =
        BundleFilter { scenario: Some(&scenario.id), status: Some(BundleStatus::Published), ..BundleFilter::default() };
    let filter = BundleFilter { generation: Some(version), limit: 2, ..published };
    let mut found = store.bundles(&by.scope, &project.id, filter).await?.into_iter();
    let bundle = found.next().filter(|bundle| bundle.generation == Some(version)).ok_or(PageError::NotFound)?;
    let before = found.next();
    let newest = store.bundles(&by.scope, &project.id, BundleFilter { limit: 1, ..published }).await?.pop();
    let path = scenario_path(&project.id, &scenario.id);
    let personas = store.test_personas(&by.scope, &project.id).await?;
    let content = store.bundle_content(&by.scope, &bundle.id).await?;
    let old_content = match &before {
        Some(before) => Some(store.bundle_content(&by.scope, &before.id).await?),
        None => None,
    };
    let old_set = before.as_ref().map_or("", |before| before.input_set_id.as_str());
    let mut inputs = Vec::new();
    let changes = store.input_changes(old_set, &bundle.input_set_id, MOST).await?;
    for change in changes.first {
        let object = |text: &Option<String>| {
            text.as_deref().map(|text| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default())
        };
        let (old, new) = (object(&change.before), object(&change.after));
        let sides = Sides { id: &change.id, before: old.as_ref(), after: new.as_ref() };
        inputs.push(changed_input(&platform, sides, &personas).await?);
    }
    let pulls = store.bundle_pulls(&by.scope, &bundle.id, MOST_PULLS).await?.into_iter().map(|pull| ShownPull {
        puller: Visible::of(pull.puller),
        program: Visible::of(pull.program),
        first: Moment::of(pull.first_at),
        last: Moment::of(pull.last_at),
    });
    page(&BundlePage {
        frame: Frame::of(&by.session),
        done: (asked.done.as_deref() == Some("published")).then_some("Published. The next pull gets it."),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        scenario: Link { path: path.clone(), name: Visible::of(&scenario.name) },
        path,
        generation: version,
        id: Visible::of(&bundle.id),
        is_newest: newest.is_some_and(|newest| newest.id == bundle.id),
        message: Visible::of(&bundle.message),
        by: Visible::of(bundle.published_by.as_deref().unwrap_or_default()),
        at: Moment::of(bundle.published_at.unwrap_or(bundle.created_at)),
        input_count: bundle.input_count,
        before: before.and_then(|before| before.generation),
        more: changes.count.saturating_sub(u32::try_from(inputs.len()).unwrap_or(u32::MAX)),
        inputs,
        parts: changed_parts(&platform, old_content.as_ref(), &content).await?,
        pulls: pulls.collect(),
    })
}
