//! `/api/v1/projects/{id}/import`

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use keepstep_api::IMPORT_LIMIT;
use keepstep_api::own::{ImportedBundle, RewordedInput};
use keepstep_store::Role;
use keepstep_store::test_data::{Imported, TestDataFile};

use crate::api::fluxloop::bundles::bundle;
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::received::Cost;
use crate::request::{Input, Segments};
use crate::write::{Begun, Write};

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
    params(("id" = String, Path, description = "The project"), ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated write the same write")),
    request_body(content = Object, description = "`scenario`, `personas`, `inputs`, `criteria`, `bundle`, as in the file of `keepstep bundles import`"),
    responses((status = 201, description = "The bundle version, published", body = ImportedBundle))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Segments(project): Segments<String>,
    request: Request,
) -> Result<Response, ApiError> {
    caller.must_be(Role::Editor)?;
    let unexpected = |error: serde_json::Error| match error.is_data() {
        true => ApiError::Unusable(format!("This file is not valid test data: {error}.")),
        false => ApiError::Invalid(format!("The body is not what this address takes: {error}.")),
    };
    let input: Input<TestDataFile, IMPORT_LIMIT> = Input::read(request, &state, COST, unexpected).await?;
    let file = input.value;
    let mut write = match Write::begin(&state, &caller, input.repeat).await? {
        Begun::Repeated(answer) => return Ok(answer),
        Begun::New(write) => write,
    };
    let made = write.transaction.import_file(caller.scope(), &project, &file).await?;
    write.finish(StatusCode::CREATED, &answer(made), None).await
}

fn answer(made: Imported) -> ImportedBundle {
    let shortened = |text: &str| text.chars().take(LONGEST_SHOWN).collect();
    let reworded_count = made.reworded.len();
    let first = made.reworded.into_iter().take(MOST_SHOWN);
    let reworded =
        first.map(|input| RewordedInput { before: shortened(&input.before), after: shortened(&input.after), id: input.id });
    ImportedBundle { bundle: bundle(made.bundle), reworded_count, reworded: reworded.collect() }
}
