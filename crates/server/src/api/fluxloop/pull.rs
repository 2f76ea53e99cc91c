//! `/api/sync/pull`

use std::collections::VecDeque;
use std::io;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use keepstep_api::fluxloop::{PullRequest, Pulled};
use keepstep_store::test_data::{Bundle, BundleStatus, InputPage};
use keepstep_store::{Role, Store, StoreError};
use serde_json::{Value, json};

use super::{bundles, project_of, scenarios, time};
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::Input;

/// How hard the few texts are packed that are not stored packed.
const LEVEL: i32 = 1;

/// `POST /api/sync/pull`
#[utoipa::path(
    post,
    path = "/api/sync/pull",
    params(
        ("If-None-Match" = Option<String>, Header, description = "The ETag of a pull that is known already"),
        ("Accept-Encoding" = Option<String>, Header, description = "Where `zstd` is preferred, the answer is packed: several frames (RFC 8878) one behind another")
    ),
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
    let form = if prefers_zstd(&headers) { Form::Zstd } else { Form::Plain };
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = body(&state, &caller, bundle, &request, form).await?;
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if form == Form::Zstd && !known {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    }
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

/// Returns true if a client wants zstd more than any other encoding, or names it first among those. To one that only takes it among others
/// it is not sent: `httpx` with its `zstandard` stumbles over a frame that begins with a piece from the connection, and asks for gzip first.
fn prefers_zstd(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let wanted = values.flat_map(|value| value.split(',')).filter_map(|choice| {
        let mut parts = choice.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight: f32 = weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?;
        (weight > 0.0 && weight <= 1.0).then_some((name, weight))
    });
    // A later one has to be wanted more.
    let first = wanted.reduce(|best, next| if next.1 > best.1 { next } else { best });
    first.is_some_and(|(name, _)| name.eq_ignore_ascii_case("zstd"))
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// As frames of zstd one behind another; those of the items go out as they are stored.
    Zstd,
}

impl Form {
    /// Returns a text in this form.
    fn of(self, text: String) -> Result<Vec<u8>, io::Error> {
        match self {
            Self::Plain => Ok(text.into_bytes()),
            Self::Zstd => zstd::bulk::compress(text.as_bytes(), LEVEL),
        }
    }
}

/// Returns the body of [`Pulled`]. The content is stored as it is sent, and goes through here without being parsed. The items
/// come last, so that a client that reads them one by one knows everything else already.
async fn body(state: &AppState, caller: &Caller, bundle: Bundle, request: &PullRequest, form: Form) -> Result<Body, ApiError> {
    let content = state.store.bundle_content(caller.scope(), &bundle.id).await?;
    let set = bundle.input_set_id.clone();
    let missing = if request.include_inputs == Some(false) { 0 } else { bundle.input_count };
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
    let head = form.of(head).map_err(|error| ApiError::Internal(error.to_string()))?;
    let parts =
        Parts { store: state.store.clone(), form, set, ready: head, pages: VecDeque::new(), next: 0, missing, is_ended: false };
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
    form: Form,
    set: String,
    /// What comes next.
    ready: Vec<u8>,
    /// What comes then.
    pages: VecDeque<InputPage>,
    /// Which page is to be read next.
    next: u32,
    /// How many items were not read yet.
    missing: u32,
    is_ended: bool,
}

impl Parts {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, BoxError> {
        if self.is_ended {
            return Ok(None);
        }
        if self.pages.is_empty() && self.missing > 0 {
            self.read().await?;
        }
        let mut bytes = std::mem::take(&mut self.ready);
        while let Some(page) = self.pages.pop_front() {
            match self.form {
                Form::Zstd => bytes.extend_from_slice(page.packed()),
                // One after the other: texts are larger.
                Form::Plain => {
                    bytes.extend_from_slice(page.text()?.as_bytes());
                    break;
                }
            }
        }
        if self.pages.is_empty() && self.missing == 0 {
            bytes.extend(self.form.of("]}".to_owned())?);
            self.is_ended = true;
        }
        Ok(Some((bytes.into(), self)))
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        self.pages = self.store.input_pages(&self.set, self.next).await?.into();
        // An answer that breaks off is noticed; one with fewer items would be taken for an update that removes them.
        if self.pages.is_empty() {
            return Err(StoreError::InputSetNotFound(self.set.clone()));
        }
        self.next += u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
        self.missing = self.missing.saturating_sub(self.pages.iter().map(InputPage::item_count).sum());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zstd_is_sent_to_who_wants_it_most() {
        let asked = |values: &[&'static str]| {
            let values = values.iter().map(|value| (header::ACCEPT_ENCODING, HeaderValue::from_static(value)));
            prefers_zstd(&HeaderMap::from_iter(values))
        };
        for yes in [&["zstd"][..], &["ZSTD;q=0.5"], &["zstd, gzip"], &["gzip; q=0.8, zstd"], &["", "zstd;q=1", "br"]] {
            assert!(asked(yes), "{yes:?}");
        }
        let httpx = "gzip, deflate, br, zstd";
        for no in [&[][..], &[""], &["zstd;q=0"], &["zstd; q=0.000"], &["identity"], &["*"], &[httpx], &["zstd;q=0.5, gzip"]] {
            assert!(!asked(no), "{no:?}");
        }
        for broken in ["zstd;q=nan", "zstd;q=2", "zstd;q=-1", "zstd;q=", "x-zstd", ";q=1"] {
            assert!(!asked(&[broken]), "{broken}");
        }
    }

    #[tokio::test]
    async fn items_that_are_lost_break_an_answer_off() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        for form in [Form::Plain, Form::Zstd] {
            let ready = form.of("{".to_owned()).unwrap();
            let (set, pages) = ("inputs_1".to_owned(), VecDeque::new());
            let parts = Parts { store: store.clone(), form, set, ready, pages, next: 3, missing: 1, is_ended: false };
            assert!(parts.step().await.is_err());
        }
    }
}
