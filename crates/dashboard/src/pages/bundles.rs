//! `/projects/{project}/scenarios/{scenario}/versions`: the bundle versions of a scenario.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_http::addresses::{project_path, scenario_path};
use keepstep_platform::Platform;
use keepstep_store::test_data::{Bundle, BundleFilter, BundleStatus, Pull};
use serde::Deserialize;

use super::experiment::Link;
use super::scenario::scenario_of;
use crate::addressed::AddressedScenario;
use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many versions stand on a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "bundles.html")]
struct Bundles {
    frame: Frame,
    project: Link,
    scenario: Link,
    versions: Vec<Listed>,
    older: Option<String>,
    newer: Option<String>,
}

struct Listed {
    path: String,
    generation: u32,
    is_newest: bool,
    message: Visible,
    by: Visible,
    at: Moment,
    inputs: u32,
    personas: u32,
    pulled: Option<(Visible, Moment)>,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct BundlesQuery {
    from: Option<String>,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedScenario,
    Query(asked): Query<BundlesQuery>,
) -> Result<Response, PageError> {
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let path = scenario_path(&project.id, &scenario.id);
    let from: u32 = asked.from.as_deref().and_then(|from| from.parse().ok()).unwrap_or_default();
    // One more, to know whether there is another page.
    let filter = BundleFilter {
        scenario: Some(&scenario.id),
        status: Some(BundleStatus::Published),
        generation: None,
        offset: from,
        limit: PAGE + 1,
    };
    let mut bundles = platform.store.bundles(&by.scope, &project.id, filter).await?;
    let has_older = bundles.len() > PAGE as usize;
    bundles.truncate(PAGE as usize);
    let mut versions = Vec::new();
    for (at, bundle) in bundles.iter().enumerate() {
        let last = platform.store.bundle_pulls(&by.scope, &bundle.id, 1).await?.pop();
        versions.push(listed(&path, bundle, from == 0 && at == 0, last));
    }
    let other_page = |from: u32| format!("{path}/versions?from={from}");
    page(&Bundles {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        scenario: Link { path: path.clone(), name: Visible::of(&scenario.name) },
        versions,
        older: has_older.then(|| other_page(from.saturating_add(PAGE))),
        newer: (from > 0).then(|| other_page(from.saturating_sub(PAGE))),
    })
}

fn listed(path: &str, bundle: &Bundle, is_newest: bool, last: Option<Pull>) -> Listed {
    let generation = bundle.generation.unwrap_or_default();
    Listed {
        path: format!("{path}/versions/{generation}"),
        generation,
        is_newest,
        message: Visible::of(&bundle.message),
        by: Visible::of(bundle.published_by.as_deref().unwrap_or_default()),
        at: Moment::of(bundle.published_at.unwrap_or(bundle.created_at)),
        inputs: bundle.input_count,
        personas: bundle.persona_count,
        pulled: last.map(|pull| (Visible::of(pull.puller), Moment::of(pull.last_at))),
    }
}
