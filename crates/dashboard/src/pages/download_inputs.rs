//! `/projects/{project}/scenarios/{scenario}/download/{format}`: the inputs that the list shows, as CSV or JSON Lines. What was downloaded can
//! be added again, and says the same.

use std::io::{self, Read as _};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use keepstep_platform::{InputsFile, InputsFormat, Platform};

use super::export::file_name;
use super::scenario::{ScenarioQuery, scenario_of};
use crate::error_page::PageError;
use crate::signed_in::SignedIn;

/// How many bytes are sent at a time.
const PIECE: usize = 64 * 1024;

/// `GET`.
pub(crate) async fn download(
    State(platform): State<Platform>,
    by: SignedIn,
    Path((project, scenario, format)): Path<(String, String, String)>,
    Query(query): Query<ScenarioQuery>,
) -> Result<Response, PageError> {
    let (written_as, media_type) = match format.as_str() {
        "csv" => (InputsFormat::Csv, "text/csv; charset=utf-8; header=present"),
        "jsonl" => (InputsFormat::JsonLines, "application/jsonl"),
        _ => return Err(PageError::NotFound),
    };
    let (_, scenario) = scenario_of(&platform, &by, &project, &scenario).await?;
    let query = query.cut();
    let written = platform.write_inputs(&by, &scenario, &query.filter(0), written_as).await?;
    let body = Body::from_stream(stream::try_unfold(written, next_piece));
    let disposition = format!("attachment; filename=\"{}.{format}\"", file_name(&scenario.name));
    Ok(([(CONTENT_TYPE, media_type.to_owned()), (CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// Returns the next piece of a file.
async fn next_piece(mut written: InputsFile) -> io::Result<Option<(Bytes, InputsFile)>> {
    let read = move || {
        let mut piece = vec![0; PIECE];
        let length = written.file.read(&mut piece)?;
        piece.truncate(length);
        Ok((length > 0).then(|| (Bytes::from(piece), written)))
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
}
