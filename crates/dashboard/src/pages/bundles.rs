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
const PAGE: usize = 50;

/// How many versions are looked at.
const MOST: u32 = 10_000;

#[derive(Template)]
#[template(path = "bundles.html")]
struct Bundles {
    frame: Frame,
    project: Link,
    scenario: Link,
    path: String,
    versions: Vec<Listed>,
    older: Option<usize>,
    newer: Option<usize>,
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
    let filter = BundleFilter { scenario: Some(&scenario.id), status: Some(BundleStatus::Published), limit: MOST };
    let all = platform.store.bundles(&by.scope, &project.id, filter).await?;
    let from: usize = asked.from.as_deref().and_then(|from| from.parse().ok()).unwrap_or_default();
    let mut versions = Vec::new();
    for (at, bundle) in all.iter().enumerate().skip(from).take(PAGE) {
        let last = platform.store.bundle_pulls(&by.scope, &bundle.id, 1).await?.pop();
        versions.push(listed(&path, bundle, at == 0, last));
    }
    page(&Bundles {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        scenario: Link { path: path.clone(), name: Visible::of(&scenario.name) },
        versions,
        older: (from.saturating_add(PAGE) < all.len()).then(|| from.saturating_add(PAGE)),
        newer: (from > 0).then(|| from.saturating_sub(PAGE)),
        path,
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
