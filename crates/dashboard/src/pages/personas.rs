//! `/projects/{project}/personas`: the users that the tests of a project play, and the form of one.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_base::Digest;
use keepstep_http::addresses::{personas_path, project_path, segment};
use keepstep_platform::{Error, Platform};
use keepstep_store::test_data::TestPersona;
use keepstep_store::{Project, Role, StoreError};
use serde_json::Value;

use super::criteria::{DoneQuery, cut};
use super::experiment::Link;
use crate::addressed::{AddressedProject, AddressedTestPersona};
use crate::error_page::PageError;
use crate::form::persona::PersonaForm;
use crate::form::posted::Posted;
use crate::form::problem::Problem;
use crate::parts::changed_test_data::outline_of_object;
use crate::parts::frame::Frame;
use crate::parts::shown_results::excerpt;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

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
    page(&PersonasPage {
        frame: Frame::of(&by.session),
        done: match query.done.as_str() {
            "added" => Some("The persona is added to the project."),
            "saved" => Some("Saved. The next version that is published has it."),
            _ => None,
        },
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        may_edit: by.require(Role::Editor).is_ok(),
        personas: personas.iter().map(row).collect(),
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
    let changed = TestPersona { id: current.id.clone(), name: form.name.clone(), body };
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
