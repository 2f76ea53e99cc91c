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
use keepstep_http::device;
use keepstep_platform::{BundleItems, BundleQuery, Error, Platform};
use keepstep_store::test_data::{Bundle, InputPage};
use serde_json::json;

use super::{bundles, time};
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Input, is_known_tag};

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
    State(platform): State<Platform>,
    caller: Caller,
    headers: HeaderMap,
    input: Input<PullRequest>,
) -> Result<Response, ApiError> {
    let request = input.value;
    let wanted = BundleQuery {
        version: request.bundle_version_id.as_deref(),
        project: request.project_id.as_deref(),
        scenario: request.scenario_id.as_deref(),
        scenario_name: request.scenario_name.as_deref(),
    };
    let bundle = platform.find_bundle(&caller, &wanted).await?;
    platform.note_pull(&caller, &bundle.id, device::name(&headers));
    let tag = tag(&bundle, &request);
    let known = request.known_bundle_version_id.as_deref() == Some(bundle.id.as_str()) || is_known_tag(&headers, &tag);
    let is_packed = prefers_zstd(&headers);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = body(&platform, &caller, bundle, &request, is_packed).await?;
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_packed && !known {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Returns the entity tag. A published version never changes, so its id says it all, together with what was left out.
fn tag(bundle: &Bundle, request: &PullRequest) -> String {
    let parts = [("i", request.include_inputs), ("p", request.include_personas), ("c", request.include_criteria)];
    let left_out: String = parts.iter().filter(|part| part.1 == Some(false)).map(|part| part.0).collect();
    if left_out.is_empty() { format!("\"{}\"", bundle.id) } else { format!("\"{}-{left_out}\"", bundle.id) }
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

/// Returns a text as it is sent: packed as a frame, behind which there may be others.
fn sent(text: String, is_packed: bool) -> io::Result<Vec<u8>> {
    if is_packed { zstd::bulk::compress(text.as_bytes(), LEVEL) } else { Ok(text.into_bytes()) }
}

/// Returns the body of [`Pulled`]. The content is stored as it is sent, and goes through here without being parsed. The items
/// come last, so that a client that reads them one by one knows everything else already.
async fn body(
    platform: &Platform,
    caller: &Caller,
    bundle: Bundle,
    request: &PullRequest,
    is_packed: bool,
) -> Result<Body, ApiError> {
    let content = platform.bundle_content(caller, &bundle.id).await?;
    let items = platform.bundle_items(&bundle, request.include_inputs != Some(false));
    let input_set = json!({ "id": bundle.input_set_id, "version": bundle.input_set_version });
    let bundle_version = serde_json::to_string(&bundles::bundle(bundle)).map_err(|error| Error::Internal(error.to_string()))?;
    let part = |include: Option<bool>, text: String| if include == Some(false) { "[]".to_owned() } else { text };
    let head = format!(
        r#"{{"bundle_version":{bundle_version},"run_spec_snapshot":{{}},"scenario_context":{{"scenario":{}}},"input_set":{input_set},"personas":{},"criteria_pack":{},"sync_meta":{},"input_items":["#,
        content.scenario,
        part(request.include_personas, content.personas),
        part(request.include_criteria, content.criteria),
        json!({ "pulled_at": time(platform.store.now()) }),
    );
    let ready = sent(head, is_packed).map_err(|error| Error::Internal(error.to_string()))?;
    let parts = Parts { is_packed, items, ready, pages: VecDeque::new(), is_ended: false };
    Ok(Body::from_stream(stream::try_unfold(parts, Parts::step)))
}

struct Parts {
    is_packed: bool,
    items: BundleItems,
    ready: Vec<u8>,
    pages: VecDeque<InputPage>,
    is_ended: bool,
}

impl Parts {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, BoxError> {
        if self.is_ended {
            return Ok(None);
        }
        if self.pages.is_empty() && !self.items.is_over() {
            self.pages = self.items.next().await?.into();
        }
        let mut bytes = std::mem::take(&mut self.ready);
        while let Some(page) = self.pages.pop_front() {
            if self.is_packed {
                // It goes out as it is stored.
                bytes.extend_from_slice(&page.packed);
                continue;
            }
            // One after the other: texts are larger.
            bytes.extend_from_slice(page.text()?.as_bytes());
            break;
        }
        if self.pages.is_empty() && self.items.is_over() {
            bytes.extend(sent("]}".to_owned(), self.is_packed)?);
            self.is_ended = true;
        }
        Ok(Some((bytes.into(), self)))
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
}
