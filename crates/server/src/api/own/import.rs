//! `/api/v1/projects/{id}/import`

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::IMPORT_LIMIT;
use keepstep_api::own::{ImportedBundle, RewordedInput};
use keepstep_http::received::Cost;
use keepstep_platform::{Error, Platform};
use keepstep_store::test_data::{ImportOnto, Imported, TestDataFile};
use serde::Deserialize;

use crate::api::fluxloop::bundles::bundle;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::reply;
use crate::request::{Input, Segments};

/// What the address says.
#[derive(Debug, Deserialize)]
pub(crate) struct ImportQuery {
    base: Option<String>,
    message: Option<String>,
}

/// How many reworded inputs the answer shows.
const MOST_SHOWN: usize = 20;

/// How much of a text it shows, in characters.
const LONGEST_SHOWN: usize = 200;

/// What the parts of a file become: an input and its metadata are half of the objects each.
const COST: Cost = Cost { value: 8, object: 360, most: 104 * 1024 * 1024 };

/// `POST /api/v1/projects/{id}/import`: a file with a scenario, its personas, inputs and criteria becomes the next bundle
/// version, all of it or nothing.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/import",
    params(("id" = String, Path, description = "The project"), ("base" = Option<String>, Query, description = "The bundle version that the file was made from: 412 if another one was published since"), ("message" = Option<String>, Query, description = "Why"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated write the same write")),
    request_body(content = Object, description = "`scenario`, `personas`, `inputs`, `criteria`, `bundle`, as in the file of `keepstep bundles import`"),
    responses((status = 201, description = "The bundle version, published", body = ImportedBundle))
)]
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(project): Segments<String>,
    Query(asked): Query<ImportQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let unexpected = |error: serde_json::Error| match error.is_data() {
        true => Error::Unusable(format!("This file is not valid test data: {error}.")),
        false => Error::Invalid(format!("The body is not what this address takes: {error}.")),
    };
    let input: Input<TestDataFile, IMPORT_LIMIT> = Input::read(request, &platform, COST, unexpected).await?;
    let onto = ImportOnto { base: asked.base.as_deref(), message: asked.message.as_deref() };
    let reply = reply::json(input.repeat, StatusCode::CREATED, answer);
    Ok(platform.import_onto(&caller, &project, &input.value, onto, reply).await?)
}

fn answer(made: Imported) -> ImportedBundle {
    let shortened = |text: &str| text.chars().take(LONGEST_SHOWN).collect();
    let reworded_count = made.reworded.len();
    let first = made.reworded.into_iter().take(MOST_SHOWN);
    let reworded =
        first.map(|input| RewordedInput { before: shortened(&input.before), after: shortened(&input.after), id: input.id });
    ImportedBundle { bundle: bundle(made.bundle), reworded_count, reworded: reworded.collect() }
}
