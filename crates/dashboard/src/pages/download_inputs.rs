//! `/projects/{project}/scenarios/{scenario}/download/{format}`: the inputs that the list shows, as CSV or JSON Lines. They are read some at a
//! time. What was downloaded can be added again, and says the same.

use std::io;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use keepstep_base::spreadsheet;
use keepstep_platform::{Pages, Platform, SHEET_COLUMNS, sheet_row, sheet_row_as_json};
use keepstep_store::Scope;
use keepstep_store::test_data::{InputPlace, InputState, TestPersona};

use super::export::file_name;
use super::scenario::{ScenarioQuery, scenario_of};
use crate::error_page::PageError;
use crate::signed_in::SignedIn;

/// How many inputs are read at a time: fewer where they are large.
const READ: u32 = 2_000;

/// Inputs that are being written.
struct Download {
    platform: Platform,
    scope: Scope,
    scenario: String,
    query: ScenarioQuery,
    personas: Vec<TestPersona>,
    place: InputPlace,
    pages: Pages,
    is_csv: bool,
    is_begun: bool,
    is_over: bool,
}

/// `GET`.
pub(crate) async fn download(
    State(platform): State<Platform>,
    by: SignedIn,
    Path((project, scenario, format)): Path<(String, String, String)>,
    Query(query): Query<ScenarioQuery>,
) -> Result<Response, PageError> {
    let (is_csv, media_type) = match format.as_str() {
        "csv" => (true, "text/csv; charset=utf-8; header=present"),
        "jsonl" => (false, "application/jsonl"),
        _ => return Err(PageError::NotFound),
    };
    let (project, scenario) = scenario_of(&platform, &by, &project, &scenario).await?;
    let download = Download {
        scope: by.scope.clone(),
        query: query.cut(),
        personas: platform.store.test_personas(&by.scope, &project.id).await?,
        place: InputPlace::BEGIN,
        pages: Pages::of_at_most(READ),
        is_csv,
        is_begun: false,
        is_over: false,
        scenario: scenario.id,
        platform,
    };
    let body = Body::from_stream(stream::try_unfold(download, Download::step));
    let disposition = format!("attachment; filename=\"{}.{format}\"", file_name(&scenario.name));
    Ok(([(CONTENT_TYPE, media_type.to_owned()), (CONTENT_DISPOSITION, disposition)], body).into_response())
}

impl Download {
    /// Returns the next piece of the file.
    async fn step(mut self) -> io::Result<Option<(String, Self)>> {
        if self.is_over {
            return Ok(None);
        }
        let mut piece = String::new();
        if self.is_csv && !std::mem::replace(&mut self.is_begun, true) {
            piece.push_str(&spreadsheet::row(SHEET_COLUMNS));
        }
        let filter = self.query.filter(self.pages.next());
        let read = self.platform.store.draft_inputs_behind(&self.scope, &self.scenario, &filter, self.place).await;
        let (inputs, place) = read.map_err(io::Error::other)?;
        (self.is_over, self.place) = (inputs.is_empty(), place);
        for input in inputs {
            let before = piece.len();
            let values = input.values();
            // What the draft deletes is not in it.
            if input.state != InputState::Deleted {
                if self.is_csv {
                    piece.push_str(&spreadsheet::row(sheet_row(&input.id, &values, &self.personas)));
                } else {
                    piece.push_str(&sheet_row_as_json(&input.id, &values, &self.personas));
                    piece.push('\n');
                }
            }
            self.pages.note(200 + piece.len() - before);
        }
        Ok(Some((piece, self)))
    }
}
