//! What the ways in and out for files share: names, bodies that come, media types.

use std::io;
use std::pin::Pin;

use axum::body::{Body, Bytes};
use futures_util::stream::{Stream, StreamExt as _};

use crate::error::ApiError;
use crate::text::shown;

/// How much of a refused body is still read, so that a client that is busy sending gets to see why.
const DRAINED: usize = 16 * 1024 * 1024;

/// A body on its way in.
pub(crate) type Incoming = Pin<Box<dyn Stream<Item = Result<Bytes, io::Error>> + Send>>;

/// Returns the bytes of a body as they come.
pub(crate) fn incoming(body: Body) -> Incoming {
    // Whoever drains it may find it at its end already.
    Box::pin(body.into_data_stream().map(|piece| piece.map_err(io::Error::other)).fuse())
}

/// Reads what is left of a body that was refused, within limits.
pub(crate) async fn drain(body: &mut Incoming) {
    let mut left = DRAINED;
    while let Some(Ok(bytes)) = body.next().await {
        match left.checked_sub(bytes.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Checks the name of a file: it has no folder and nothing that cannot be seen.
pub(crate) fn check_file_name(name: &str) -> Result<(), ApiError> {
    let is_good = (1..=200).contains(&name.len())
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control)
        && !matches!(name, "." | "..");
    if is_good {
        return Ok(());
    }
    let name = shown(name);
    Err(ApiError::Refused(format!(
        "\"{name}\" is not the name of a file: 1 to 200 bytes without folders and control characters."
    )))
}

/// Checks a text that names something of a client's.
pub(crate) fn check_label(what: &str, text: &str) -> Result<(), ApiError> {
    if (1..=200).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::Refused(format!("{what} has 1 to 200 bytes without control characters; \"{}\" has not.", shown(text))))
}

/// Returns the media type that goes with the name of a file.
pub(crate) fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => "application/json",
        Some("jsonl") => "application/x-ndjson",
        Some("md") => "text/markdown; charset=utf-8",
        Some("txt" | "log") => "text/plain; charset=utf-8",
        Some("yaml" | "yml") => "application/yaml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f22_the_name_of_a_file_is_never_a_path() {
        for name in ["", ".", "..", "../x", "a/b", "a\\b", "a\0", "a\u{1b}[31m", "a\nb", &"x".repeat(201)] {
            assert!(check_file_name(name).is_err(), "{name:?}");
        }
        for name in ["summary.json", "..json", "Füße \u{1f600}.md", "a b"] {
            assert!(check_file_name(name).is_ok(), "{name:?}");
        }
    }
}
