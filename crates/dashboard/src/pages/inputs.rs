//! `/projects/{project}/scenarios/{scenario}/inputs/{input}`: saving an input that is edited in the table, deleting it, reverting it.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_base::Digest;
use keepstep_http::addresses::{input_path, scenario_path, segment};
use keepstep_platform::{Error, Plain, Platform};
use keepstep_store::test_data::{InputState, InputValues, Scenario, TestPersona};
use keepstep_store::{Project, Role, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::scenario::{ScenarioQuery, Sent, scenario_of, shown};
use crate::addressed::{AddressedInput, AddressedScenario};
use crate::error_page::{PageError, capitalized};
use crate::form::input::InputForm;
use crate::form::posted::{Confirmed, Posted};
use crate::form::problem::Problem;
use crate::parts::changed_test_data::text_of;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How much of an input a question shows, in characters.
const EXCERPT: usize = 1000;

/// What an address of a question says.
#[derive(Debug, Deserialize)]
pub(crate) struct AskQuery {
    /// The list to go back to, as its query.
    #[serde(default)]
    back: String,
    /// The input that the question was about.
    #[serde(default)]
    seen: String,
}

/// `POST …/inputs`: adds an input to the draft.
pub(crate) async fn add(
    State(platform): State<Platform>,
    addressed: AddressedScenario,
    posted: Posted<InputForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let again = Again { platform: &platform, by: &by, project: &project, scenario: &scenario, input: None };
    if form.wants_more {
        return again.with(with_another_message(form), Problem::default()).await;
    }
    let values = match form.values(&InputValues::default()) {
        Ok(values) => values,
        Err(problem) => return again.with(form, problem).await,
    };
    match platform.add_input(&by, &scenario.id, &values, Plain).await {
        Ok(added) => {
            let like = platform.input_like(&by, &scenario, &added).await?;
            Ok(back_to_list(&project, &scenario, &form.back, "added", &added.id, like.as_deref()))
        }
        Err(error) => again.with(form, problem_of(error)?).await,
    }
}

/// `POST …/inputs/{input}`: changes an input in the draft.
pub(crate) async fn change(
    State(platform): State<Platform>,
    addressed: AddressedInput,
    posted: Posted<InputForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let id = addressed.input.as_str();
    let again = Again { platform: &platform, by: &by, project: &project, scenario: &scenario, input: Some(id) };
    let wants_more = form.wants_more;
    let form = if wants_more { with_another_message(form) } else { form };
    let current = match platform.store.draft_input(&by.scope, &scenario.id, id).await {
        Ok(current) => current,
        Err(StoreError::InputNotFound(_)) => return again.gone(form).await,
        Err(error) => return Err(error.into()),
    };
    if wants_more {
        return again.with(form, Problem::default()).await;
    }
    let values = match form.values(&current.values()) {
        Ok(values) => values,
        Err(problem) => return again.with(form, problem).await,
    };
    // A form that does not say what it was made from was made from nothing that is there.
    let Ok(seen) = form.seen.parse::<Digest>() else { return again.stale(form).await };
    match platform.change_input(&by, (&scenario.id, id), Some(&seen), &values, Plain).await {
        Ok(changed) => {
            let is_reworded = changed.values().messages != current.values().messages;
            let like = if is_reworded { platform.input_like(&by, &scenario, &changed).await? } else { None };
            Ok(back_to_list(&project, &scenario, &form.back, "changed", &changed.id, like.as_deref()))
        }
        Err(Error::Store(StoreError::InputChanged(_))) => again.stale(form).await,
        Err(Error::Store(StoreError::InputNotFound(_))) => again.gone(form).await,
        Err(error) => again.with(form, problem_of(error)?).await,
    }
}

/// `GET …/inputs/{input}/delete`: asks.
pub(crate) async fn ask_delete(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedInput,
    Query(asked): Query<AskQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let input = platform.store.draft_input(&by.scope, &scenario.id, &addressed.input).await?;
    let personas = platform.store.test_personas(&by.scope, &project.id).await?;
    let after = match &input.published {
        Some(_) => "Published versions keep it. It can be reverted until the next one is published.",
        None => "It was never published, so it is gone.",
    };
    ask(
        &by,
        &project,
        &scenario,
        &input.id,
        &asked.back,
        Asked {
            title: "Delete this input?",
            consequences: vec![said(&input.document, &personas), Visible::of(after)],
            action: format!("delete?seen={}&back={}", input.digest(), segment(&asked.back)),
            button: "Delete the input",
        },
    )
}

/// `POST …/inputs/{input}/delete`.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    addressed: AddressedInput,
    Query(asked): Query<AskQuery>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let seen: Option<Digest> = asked.seen.parse().ok();
    platform.delete_input(&by, (&scenario.id, &addressed.input), seen.as_ref(), Plain).await?;
    Ok(back_to_list(&project, &scenario, &asked.back, "deleted", &addressed.input, None))
}

/// `GET …/inputs/{input}/revert`: asks.
pub(crate) async fn ask_revert(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedInput,
    Query(asked): Query<AskQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let input = platform.store.draft_input(&by.scope, &scenario.id, &addressed.input).await?;
    let personas = platform.store.test_personas(&by.scope, &project.id).await?;
    let mut consequences = Vec::new();
    if input.state == InputState::Changed {
        consequences.extend([Visible::of("The draft loses:"), said(&input.document, &personas)]);
    }
    if let Some(published) = &input.published {
        consequences.extend([Visible::of("It is again what is published:"), said(published, &personas)]);
    }
    ask(
        &by,
        &project,
        &scenario,
        &input.id,
        &asked.back,
        Asked {
            title: "Revert this input?",
            consequences,
            action: format!("revert?seen={}&back={}", input.digest(), segment(&asked.back)),
            button: "Revert the input",
        },
    )
}

/// `POST …/inputs/{input}/revert`.
pub(crate) async fn revert(
    State(platform): State<Platform>,
    addressed: AddressedInput,
    Query(asked): Query<AskQuery>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let seen: Option<Digest> = asked.seen.parse().ok();
    platform.revert_input(&by, (&scenario.id, &addressed.input), seen.as_ref(), Plain).await?;
    Ok(back_to_list(&project, &scenario, &asked.back, "reverted", &addressed.input, None))
}

/// A question.
struct Asked {
    title: &'static str,
    consequences: Vec<Visible>,
    action: String,
    button: &'static str,
}

fn ask(
    by: &SignedIn,
    project: &Project,
    scenario: &Scenario,
    input: &str,
    back: &str,
    asked: Asked,
) -> Result<Response, PageError> {
    let path = scenario_path(&project.id, &scenario.id);
    let list = ScenarioQuery::of_form(back).list();
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(asked.title),
        consequences: asked.consequences,
        problem: None,
        action: format!("{}/{}", input_path(&path, input), asked.action),
        button: asked.button,
        back: format!("{path}?{list}#{}", segment(input)),
    })
}

/// Returns what an input says, as far as a question has room for it.
fn said(input: &Map<String, Value>, personas: &[TestPersona]) -> Visible {
    let text = text_of(input, personas);
    let text = text.trim_end();
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => Visible::of(format!("{}…", &text[..end])),
        None => Visible::of(text),
    }
}

/// Returns a form with room for one message more.
fn with_another_message(mut form: InputForm) -> InputForm {
    let role = if form.messages.last().is_some_and(|(role, _)| role == "user") { "assistant" } else { "user" };
    form.messages.push((role.to_owned(), String::new()));
    form.wants_more = false;
    form
}

fn back_to_list(project: &Project, scenario: &Scenario, back: &str, done: &str, input: &str, like: Option<&str>) -> Response {
    let path = scenario_path(&project.id, &scenario.id);
    let mut list = ScenarioQuery::of_form(back).with(&path, "done", done);
    if let Some(like) = like {
        list += &format!("&like={}", segment(like));
    }
    Redirect::to(&format!("{list}#{}", segment(input))).into_response()
}

/// Passes on what no other text would mend.
fn problem_of(error: Error) -> Result<Problem, PageError> {
    match error {
        Error::Store(error @ StoreError::TestData(_)) => Ok(Problem::at("form", format!("{}.", capitalized(&error.to_string())))),
        other => Err(other.into()),
    }
}

/// The page again, with a form that was not saved.
#[derive(Clone, Copy)]
struct Again<'a> {
    platform: &'a Platform,
    by: &'a SignedIn,
    project: &'a Project,
    scenario: &'a Scenario,
    input: Option<&'a str>,
}

impl Again<'_> {
    async fn with(&self, form: InputForm, problem: Problem) -> Result<Response, PageError> {
        let query = ScenarioQuery::of_form(&form.back);
        let sent = Sent { input: self.input, form, problem, theirs: None };
        shown(self.platform, self.by, self.project, self.scenario, query, Some(sent)).await
    }

    /// Somebody deleted the input. What was typed is the start of another one.
    async fn gone(&self, form: InputForm) -> Result<Response, PageError> {
        let problem = Problem::at("form", "This input was deleted while you were writing. Saving adds it as a new one.");
        Again { input: None, ..*self }.with(form, problem).await
    }

    /// Shows what somebody else saved beside what was typed. Whoever saves again has seen it.
    async fn stale(&self, form: InputForm) -> Result<Response, PageError> {
        let query = ScenarioQuery::of_form(&form.back);
        let theirs = match self.input {
            Some(id) => match self.platform.store.draft_input(&self.by.scope, &self.scenario.id, id).await {
                Err(StoreError::InputNotFound(_)) => return self.gone(form).await,
                theirs => Some(theirs?),
            },
            None => None,
        };
        let sent = Sent { input: self.input, form, problem: Problem::default(), theirs };
        shown(self.platform, self.by, self.project, self.scenario, query, Some(sent)).await
    }
}
