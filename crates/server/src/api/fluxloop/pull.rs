//! `/api/sync/pull`

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use keepstep_api::fluxloop::{PullRequest, Pulled};
use keepstep_store::test_data::{Bundle, BundleStatus, INPUTS_IN_A_PAGE};
use keepstep_store::{Role, Store, StoreError};
use serde_json::{Value, json};

use super::{bundles, project_of, scenarios, time};
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::Input;

/// `POST /api/sync/pull`
#[utoipa::path(
    post,
    path = "/api/sync/pull",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of a pull that is known already")),
    request_body = PullRequest,
    responses((status = 200, description = "The bundle version with its content", body = Pulled), (status = 304, description = "What is known already is still the right one"))
)]
pub(crate) async fn pull(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    input: Input<PullRequest>,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Viewer)?;
    let request = input.value;
    let bundle = find(&state, &caller, &request).await?;
    let tag = tag(&bundle, &request);
    let known = request.known_bundle_version_id.as_deref() == Some(bundle.id.as_str()) || names(&headers, &tag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = body(&state, &caller, bundle, &request).await?;
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Returns the bundle version that a request asks for. One of another project or scenario is not found, so that
/// nobody gets something else than they asked for.
async fn find(state: &AppState, caller: &Caller, request: &PullRequest) -> Result<Bundle, ApiError> {
    let scenario_id = match (&request.scenario_id, &request.scenario_name) {
        (None, Some(name)) => Some(named(state, caller, request, name).await?),
        (id, _) => id.clone(),
    };
    if let Some(id) = &request.bundle_version_id {
        let bundle = state.store.bundle(caller.scope(), id).await?;
        let is_asked_for = request.project_id.as_ref().is_none_or(|project| *project == bundle.project_id)
            && scenario_id.as_ref().is_none_or(|scenario| *scenario == bundle.scenario_id);
        return match bundle.status {
            _ if !is_asked_for => Err(StoreError::BundleNotFound(id.clone()).into()),
            BundleStatus::Draft => Err(StoreError::BundleIsDraft(id.clone()).into()),
            BundleStatus::Published => Ok(bundle),
        };
    }
    let project = match (&request.project_id, &scenario_id) {
        (None, Some(scenario)) => state.store.scenario(caller.scope(), scenario).await?.project_id,
        (project, _) => project_of(state, caller, project.clone()).await?,
    };
    Ok(state.store.newest_bundle(caller.scope(), &project, scenario_id.as_deref()).await?)
}

/// Returns the id of the scenario with a name.
async fn named(state: &AppState, caller: &Caller, request: &PullRequest, name: &str) -> Result<String, ApiError> {
    let project = project_of(state, caller, request.project_id.clone()).await?;
    let scenarios = state.store.scenarios(caller.scope(), &project).await?;
    let scenario = scenarios.into_iter().find(|scenario| scenario.name == name);
    Ok(scenario.ok_or_else(|| StoreError::ScenarioNotFound(name.to_owned()))?.id)
}

/// Returns the entity tag. A published version never changes, so its id says it all, together with what was left out.
fn tag(bundle: &Bundle, request: &PullRequest) -> String {
    let left_out: String = [("i", request.include_inputs), ("p", request.include_personas), ("c", request.include_criteria)]
        .iter()
        .filter(|(_, include)| *include == Some(false))
        .map(|(letter, _)| *letter)
        .collect();
    if left_out.is_empty() { format!("\"{}\"", bundle.id) } else { format!("\"{}-{left_out}\"", bundle.id) }
}

/// Returns true if `If-None-Match` names the tag.
fn names(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|tags| tags.split(',')).any(|found| found.trim().trim_start_matches("W/") == tag)
}

/// Returns the body of [`Pulled`]. The content is stored as it is sent, and goes through here without being parsed. The items
/// come last, so that a client that reads them one by one knows everything else already.
async fn body(state: &AppState, caller: &Caller, bundle: Bundle, request: &PullRequest) -> Result<Body, ApiError> {
    let content = state.store.bundle_content(caller.scope(), &bundle.id).await?;
    let set = bundle.input_set_id.clone();
    let pages = if request.include_inputs == Some(false) { 0 } else { bundle.input_count.div_ceil(INPUTS_IN_A_PAGE) };
    let input_set = json!({ "id": bundle.input_set_id, "version": bundle.input_set_version });
    let bundle_version =
        serde_json::to_string(&bundles::bundle(bundle)).map_err(|error| ApiError::Internal(error.to_string()))?;
    let part = |include: Option<bool>, text: String| if include == Some(false) { "[]".to_owned() } else { text };
    let head = format!(
        r#"{{"bundle_version":{bundle_version},"run_spec_snapshot":{{}},"scenario_context":{{"scenario":{}}},"input_set":{input_set},"personas":{},"criteria_pack":{},"sync_meta":{},"input_items":["#,
        harmless(&content.scenario)?,
        part(request.include_personas, content.personas),
        part(request.include_criteria, content.criteria),
        json!({ "pulled_at": time(state.store.now()) }),
    );
    let parts = Parts { store: state.store.clone(), set, text: head, next: 0, pages, is_ended: false };
    Ok(Body::from_stream(stream::try_unfold(parts, Parts::step)))
}

/// Returns the text of a scenario without what a client would run.
fn harmless(scenario: &str) -> Result<Value, ApiError> {
    let mut scenario: Value = serde_json::from_str(scenario).map_err(|error| ApiError::Internal(error.to_string()))?;
    if let Some(Value::Object(config)) = scenario.get_mut("config_snapshot") {
        *config = scenarios::harmless(std::mem::take(config));
    }
    Ok(scenario)
}

/// What is still to be sent.
struct Parts {
    store: Store,
    set: String,
    /// What comes next.
    text: String,
    /// The next page of items, and how many there are.
    next: u32,
    pages: u32,
    is_ended: bool,
}

impl Parts {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        if self.is_ended {
            return Ok(None);
        }
        let mut text = std::mem::take(&mut self.text);
        if self.next < self.pages {
            // An answer that breaks off is noticed; one with fewer items would be taken for an update that removes them.
            let items = self.store.input_page(&self.set, self.next).await?;
            let items = items.ok_or_else(|| StoreError::InputSetNotFound(self.set.clone()))?;
            if text.is_empty() {
                text = items;
            } else {
                text.push_str(&items);
            }
            self.next += 1;
        }
        if self.next >= self.pages {
            text.push_str("]}");
            self.is_ended = true;
        }
        Ok(Some((text.into(), self)))
    }
}
