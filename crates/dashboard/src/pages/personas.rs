//! `/projects/{project}/personas`: the users that the tests of a project play, and the form of one.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_base::Digest;
use keepstep_http::addresses::{personas_path, project_path, segment};
use keepstep_platform::{Error, Platform};
use keepstep_store::test_data::{Deleted, InputFilter, TestPersona};
use keepstep_store::{Project, Role, StoreError};
use serde_json::Value;

use super::criteria::{DoneQuery, SeenQuery, cut};
use super::experiment::Link;
use crate::addressed::{AddressedProject, AddressedTestPersona};
use crate::error_page::PageError;
use crate::form::persona::PersonaForm;
use crate::form::posted::{Confirmed, Posted};
use crate::form::problem::Problem;
use crate::parts::changed_test_data::outline_of_object;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::shown_results::excerpt;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many scenarios are searched for inputs that name a persona, before it is deleted.
const MOST_SCENARIOS: usize = 200;

/// How much of a description a row shows, in characters.
const EXCERPT: usize = 300;

#[derive(Template)]
#[template(path = "personas.html")]
struct PersonasPage {
    frame: Frame,
    done: Option<&'static str>,
    project: Link,
    path: String,
    may_edit: bool,
    personas: Vec<Row>,
    deleted: Vec<DeletedRow>,
}

/// A deleted persona, ready to show.
struct DeletedRow {
    path: String,
    name: Visible,
    by: Visible,
    at: Moment,
}

/// A persona, ready to show.
struct Row {
    path: String,
    name: Visible,
    description: Visible,
    difficulty: Visible,
}

#[derive(Template)]
#[template(path = "persona.html")]
struct PersonaPage<'a> {
    frame: Frame,
    project: Link,
    personas: String,
    action: String,
    title: Visible,
    is_new: bool,
    form: &'a PersonaForm,
    problem: Problem,
    theirs: Option<Visible>,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(project): AddressedProject,
    Query(query): Query<DoneQuery>,
) -> Result<Response, PageError> {
    let project = platform.store.project(&by.scope, &project).await?;
    let path = personas_path(&project.id);
    let personas = platform.store.test_personas(&by.scope, &project.id).await?;
    let text = |persona: &TestPersona, key: &str| match persona.body.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let row = |persona: &TestPersona| {
        let description = text(persona, "description");
        Row {
            path: format!("{path}/{}", segment(&persona.id)),
            name: Visible::of(&persona.name),
            description: Visible::of(if description.is_empty() { String::new() } else { excerpt(&description, EXCERPT) }),
            difficulty: Visible::of(text(persona, "difficulty")),
        }
    };
    let may_edit = by.require(Role::Editor).is_ok();
    let deleted = if may_edit { platform.store.deleted_test_personas(&by.scope, &project.id).await? } else { Vec::new() };
    let deleted_row = |persona: Deleted| DeletedRow {
        path: format!("{path}/{}", segment(&persona.id)),
        name: Visible::of(persona.name),
        by: Visible::of(persona.by),
        at: Moment::of(persona.at),
    };
    page(&PersonasPage {
        frame: Frame::of(&by.session),
        done: match query.done.as_str() {
            "added" => Some("The persona is added to the project."),
            "saved" => Some("Saved. The next version that is published has it."),
            "deleted" => Some("The persona is deleted. It can be restored below."),
            "restored" => Some("Restored."),
            _ => None,
        },
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        may_edit,
        personas: personas.iter().filter(|persona| !persona.is_deleted).map(row).collect(),
        deleted: deleted.into_iter().map(deleted_row).collect(),
        path,
    })
}

/// `GET …/personas/new`.
pub(crate) async fn show_new(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(project): AddressedProject,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let project = platform.store.project(&by.scope, &project).await?;
    form_page(&by, &project, None, &PersonaForm::default(), Problem::default(), None)
}

/// `POST …/personas/new`.
pub(crate) async fn create(
    State(platform): State<Platform>,
    AddressedProject(project): AddressedProject,
    posted: Posted<PersonaForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let project = platform.store.project(&by.scope, &project).await?;
    let body = match form.body(None) {
        Ok(body) => body,
        Err(problem) => return form_page(&by, &project, None, &form, problem, None),
    };
    match platform.add_test_persona(&by, &project.id, &form.name, &body).await {
        Ok(_) => Ok(to_list(&project, "added")),
        Err(error) => form_page(&by, &project, None, &form, refused(error)?, None),
    }
}

/// `GET …/personas/{persona}`.
pub(crate) async fn show_one(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedTestPersona { project, persona }: AddressedTestPersona,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let project = platform.store.project(&by.scope, &project).await?;
    let persona = platform.store.test_persona(&by.scope, &project.id, &persona).await?;
    form_page(&by, &project, Some(&persona), &PersonaForm::of(&persona), Problem::default(), None)
}

/// `POST …/personas/{persona}`.
pub(crate) async fn save(
    State(platform): State<Platform>,
    AddressedTestPersona { project, persona }: AddressedTestPersona,
    posted: Posted<PersonaForm>,
) -> Result<Response, PageError> {
    let Posted { by, mut form, .. } = posted;
    let project = platform.store.project(&by.scope, &project).await?;
    let current = platform.store.test_persona(&by.scope, &project.id, &persona).await?;
    let body = match form.body(Some(&current)) {
        Ok(body) => body,
        Err(problem) => return form_page(&by, &project, Some(&current), &form, problem, None),
    };
    // A form that does not say what it was made from was made from nothing that is there.
    let seen = form.seen.parse::<Digest>().unwrap_or_else(|_| Digest::of_bytes(b""));
    let changed = TestPersona { name: form.name.clone(), body, ..current.clone() };
    match platform.change_test_persona(&by, &project.id, &changed, Some(&seen)).await {
        Ok(_) => Ok(to_list(&project, "saved")),
        Err(Error::Store(StoreError::TestPersonaChanged)) => {
            let theirs = platform.store.test_persona(&by.scope, &project.id, &persona).await?;
            form.seen = theirs.digest().to_string();
            form_page(&by, &project, Some(&theirs), &form, Problem::default(), Some(&theirs))
        }
        Err(error) => form_page(&by, &project, Some(&current), &form, refused(error)?, None),
    }
}

/// `GET …/personas/{persona}/delete`: asks.
pub(crate) async fn ask_delete(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedTestPersona { project, persona }: AddressedTestPersona,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let project = platform.store.project(&by.scope, &project).await?;
    let persona = platform.store.test_persona(&by.scope, &project.id, &persona).await?;
    let path = format!("{}/{}", personas_path(&project.id), segment(&persona.id));
    let mut consequences = vec![Visible::of("It can no longer be chosen for inputs. Published versions and results keep it.")];
    consequences.extend(uses(&platform, &by, &project, &persona.id).await?);
    consequences.push(Visible::of("It can be restored, on the page of the personas."));
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(format!("Delete the persona {}?", persona.name)),
        consequences,
        problem: None,
        action: format!("{path}/delete?seen={}", persona.digest()),
        button: "Delete the persona",
        back: path,
    })
}

/// Returns a sentence for each scenario whose inputs name a persona.
async fn uses(platform: &Platform, by: &SignedIn, project: &Project, persona: &str) -> Result<Vec<Visible>, PageError> {
    let mut named = Vec::new();
    let scenarios = platform.store.scenarios(&by.scope, &project.id).await?;
    let filter = InputFilter { persona: Some(persona), ..InputFilter::default() };
    for scenario in scenarios.iter().take(MOST_SCENARIOS) {
        match platform.store.count_draft_inputs(&by.scope, &scenario.id, &filter).await? {
            0 => {}
            1 => named.push(format!("1 input of {} names it, and keeps it until the input is changed.", scenario.name)),
            many => named.push(format!("{many} inputs of {} name it, and keep it until they are changed.", scenario.name)),
        }
    }
    if scenarios.len() > MOST_SCENARIOS {
        named.push(format!(
            "Only the first {MOST_SCENARIOS} of {} scenarios were searched for inputs that name it.",
            scenarios.len()
        ));
    }
    Ok(named.into_iter().map(Visible::of).collect())
}

/// `POST …/personas/{persona}/delete`.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    AddressedTestPersona { project, persona }: AddressedTestPersona,
    Query(asked): Query<SeenQuery>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let project = platform.store.project(&by.scope, &project).await?;
    // A question that does not say what it was about was about nothing that is there.
    let seen = asked.seen.parse::<Digest>().unwrap_or_else(|_| Digest::of_bytes(b""));
    platform.delete_test_persona(&by, &project.id, &persona, Some(&seen)).await?;
    Ok(to_list(&project, "deleted"))
}

/// `POST …/personas/{persona}/restore`.
pub(crate) async fn restore(
    State(platform): State<Platform>,
    AddressedTestPersona { project, persona }: AddressedTestPersona,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let project = platform.store.project(&by.scope, &project).await?;
    platform.restore_test_persona(&by, &project.id, &persona).await?;
    Ok(to_list(&project, "restored"))
}

fn refused(error: Error) -> Result<Problem, PageError> {
    match error {
        Error::TooLarge { .. } => Ok(Problem::at("form", error.to_string())),
        other => Problem::try_from(other),
    }
}

fn to_list(project: &Project, done: &str) -> Response {
    Redirect::to(&format!("{}?done={done}", personas_path(&project.id))).into_response()
}

fn form_page(
    by: &SignedIn,
    project: &Project,
    persona: Option<&TestPersona>,
    form: &PersonaForm,
    problem: Problem,
    theirs: Option<&TestPersona>,
) -> Result<Response, PageError> {
    let status = match theirs {
        Some(_) => StatusCode::CONFLICT,
        None if problem.is_none() => StatusCode::OK,
        None => problem.status(),
    };
    let personas = personas_path(&project.id);
    let shown = |theirs: &TestPersona| {
        let document = theirs.document();
        Visible::of(cut(&document.as_object().map(outline_of_object).unwrap_or_default()))
    };
    let answer = page(&PersonaPage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        action: persona.map_or_else(|| format!("{personas}/new"), |persona| format!("{personas}/{}", segment(&persona.id))),
        personas,
        title: Visible::of(persona.map_or("New persona", |persona| &persona.name)),
        is_new: persona.is_none(),
        form,
        problem,
        theirs: theirs.map(shown),
    })?;
    Ok((status, answer).into_response())
}
