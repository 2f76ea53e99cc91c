//! `GET /api/v1/artifacts/{artifact}`: the content of a file, for programs and for browsers.

use std::ops::Range;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use keepstep_http::session;
use keepstep_platform::{Actor, Error, KeyProblem, Platform, media_type};
use keepstep_store::{Role, Scope};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Segments, is_known_tag};

/// What stands as it is in the extended form of a file's name.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Whoever may read: a program with its key, or somebody who is signed in in a browser.
pub(crate) struct Reader(Scope);

impl axum::extract::FromRequestParts<Platform> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, platform: &Platform) -> Result<Self, ApiError> {
        if parts.headers.contains_key(header::AUTHORIZATION) || !parts.headers.contains_key(header::COOKIE) {
            let caller = Caller::from_request_parts(parts, platform).await?;
            caller.require(Role::Viewer)?;
            return Ok(Self(caller.scope.clone()));
        }
        let session = session::of(&parts.headers, platform).await.map_err(|_| KeyProblem::Missing)?;
        Ok(Self(Actor::from(&session).scope))
    }
}

/// `GET /api/v1/artifacts/{artifact}`
///
/// It is data of somebody's test: a browser saves it and never shows it as a page of ours.
#[utoipa::path(
    get,
    path = "/api/v1/artifacts/{artifact}",
    params(("artifact" = String, Path, description = "The file")),
    responses(
        (status = 200, description = "The content", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The requested range", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "It is what the client has"),
        (status = 416, description = "The range is not satisfiable")
    )
)]
pub(crate) async fn show(
    State(platform): State<Platform>,
    Reader(scope): Reader,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let objects = platform.objects()?;
    let file = platform.store.artifact_file(&scope, &id).await?;
    let (blob, content) = platform.store.open_blob(objects, &scope, &file.blob_id).await?;
    let tag = format!("\"{}\"", blob.tree);
    let text = |text: &str| HeaderValue::from_str(text).map_err(|error| Error::Internal(error.to_string()));
    let common = [
        (header::ETAG, text(&tag)?),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    if is_known_tag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let wanted = match headers.get(header::IF_RANGE) {
        Some(found) if found.as_bytes() != tag.as_bytes() => RequestedRange::All,
        _ => requested_range(headers.get(header::RANGE).and_then(|value| value.to_str().ok()), blob.size),
    };
    let mut more: Vec<(HeaderName, HeaderValue)> = Vec::new();
    let (status, range) = match wanted {
        RequestedRange::All => (StatusCode::OK, 0..blob.size),
        RequestedRange::Part(range) => {
            more.push((header::CONTENT_RANGE, text(&format!("bytes {}-{}/{}", range.start, range.end - 1, blob.size))?));
            (StatusCode::PARTIAL_CONTENT, range)
        }
        RequestedRange::Nothing => {
            let range = [(header::CONTENT_RANGE, text(&format!("bytes */{}", blob.size))?)];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, common, range).into_response());
        }
    };
    more.push((header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start)));
    more.push((header::CONTENT_TYPE, HeaderValue::from_static(media_type(&file.name))));
    more.push((header::CONTENT_DISPOSITION, text(&disposition(&file.name))?));
    let mut response = (status, common, Body::from_stream(content.stream(range))).into_response();
    response.headers_mut().extend(more);
    Ok(response)
}

/// Which bytes a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum RequestedRange {
    All,
    Part(Range<u64>),
    /// A range that is not there.
    Nothing,
}

/// Reads the header `Range`. What we do not understand, and several ranges at once, is answered with everything.
fn requested_range(header: Option<&str>, size: u64) -> RequestedRange {
    let range = header.and_then(|header| header.trim().strip_prefix("bytes=")).and_then(|range| range.split_once('-'));
    let Some((from, to)) = range else { return RequestedRange::All };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (number(from.trim()), number(to.trim())) {
        (Some(from), Some(to)) if from <= to => from..to.saturating_add(1).min(size),
        (Some(from), None) if to.trim().is_empty() => from..size,
        (None, Some(last)) if from.trim().is_empty() => size.saturating_sub(last)..size,
        _ => return RequestedRange::All,
    };
    if range.start < range.end { RequestedRange::Part(range) } else { RequestedRange::Nothing }
}

/// Returns the header that makes a browser save the file under its name.
fn disposition(name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, ' ' | '-' | '.' | '_');
    let plain: String = name.chars().map(|character| if is_plain(character) { character } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_is_there_of_it() {
        for (header, range) in
            [("bytes=0-0", 0..1), ("bytes=2-", 2..10), ("bytes=-3", 7..10), ("bytes=5-99", 5..10), ("bytes=-99", 0..10)]
        {
            assert_eq!(requested_range(Some(header), 10), RequestedRange::Part(range), "{header}");
        }
        for header in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(requested_range(Some(header), 10), RequestedRange::Nothing, "{header}");
        }
        for header in ["bytes=3-2", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes=+1-2", "bytes=-", ""] {
            assert_eq!(requested_range(Some(header), 10), RequestedRange::All, "{header}");
        }
        assert_eq!(
            (requested_range(None, 10), requested_range(Some("bytes=0-0"), 0)),
            (RequestedRange::All, RequestedRange::Nothing)
        );
    }

    #[test]
    fn f22_a_name_cannot_break_out_of_its_header() {
        assert_eq!(
            disposition("Füße\"; x=\r\n.md"),
            "attachment; filename=\"F__e__ x___.md\"; filename*=UTF-8''F%C3%BC%C3%9Fe%22%3B%20x%3D%0D%0A.md"
        );
    }
}
