//! `/projects/{id}/experiments/{batch}/runs/{run}`: a run: what was said, how it was judged, its files.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keepstep_store::results::{NOT_REPORTED, RunDetail, Turn};
use serde_json::Value;

use super::addressed::AddressedRun;
use super::error_page::PageError;
use super::experiment::{Link, batch_of};
use super::session::SignedIn;
use super::shown_results::{
    Badge, Fact, File, batch_name, batch_path, clipped, duration, excerpt, facts, plain, project_path, segment,
};
use super::view::{Frame, page};
use super::visible::Visible;
use crate::app::AppState;

/// How many messages stand on the page.
const MOST_MESSAGES: usize = 500;

/// What the page shows elsewhere than in the list of metrics.
const SHOWN_METRICS: [&str; 1] = ["duration_ms"];

/// What the page shows elsewhere than in the list of what the judges said.
const SHOWN_EVALUATION: [&str; 2] = ["verdict", "failures"];

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    project: Link,
    batch: Link,
    title: String,
    heading: Visible,
    id: Visible,
    badge: Badge,
    error: Option<Visible>,
    persona: Visible,
    attempt: u32,
    duration: Option<String>,
    verdict: Visible,
    metrics: Vec<Fact>,
    messages: Vec<Message>,
    left_out: usize,
    evaluation: Vec<Fact>,
    failures: Vec<Visible>,
    files: Vec<File>,
    previous: Option<String>,
    next: Option<String>,
}

/// Something that was said, ready to show.
struct Message {
    role: Visible,
    class: &'static str,
    text: Visible,
    is_whole: bool,
    duration: Option<String>,
    warnings: Vec<Visible>,
}

/// `GET`.
pub(crate) async fn show(
    State(state): State<AppState>,
    by: SignedIn,
    AddressedRun { project, batch, run }: AddressedRun,
) -> Result<Response, PageError> {
    let batch = batch_of(&state, &by, &project, &batch).await?;
    let project = state.store.project(&by.scope, &project).await?;
    let RunDetail { run, result, turns, artifacts } = state.store.run(&by.scope, &batch.id, &run).await?;
    let around = state.store.failed_neighbours(&by.scope, &batch.id, run.number).await?;

    let path = batch_path(&project.id, &batch.id);
    let run_path = |id: String| format!("{path}/runs/{}", segment(&id));
    let mut messages: Vec<Message> = if !turns.is_empty() {
        turns.iter().map(of_turn).collect()
    } else if !result.transcript.is_empty() {
        result.transcript.iter().map(of_transcript).collect()
    } else {
        let said = [("user", &run.input), ("assistant", &run.output)];
        said.into_iter().filter(|(_, text)| !text.is_empty()).map(|(role, text)| message(role, text)).collect()
    };
    let left_out = messages.len().saturating_sub(MOST_MESSAGES);
    messages.truncate(MOST_MESSAGES);
    let failures = result.evaluation.get("failures").and_then(Value::as_array).into_iter().flatten();
    let error = run.error.as_deref().filter(|error| !error.is_empty()).map(|error| match error {
        NOT_REPORTED => Visible::of("The test ended without saying what became of this run."),
        error => clipped(error).0,
    });
    let heading = excerpt(&run.input, 160);
    page(&RunPage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        batch: Link { name: Visible::of(batch_name(&batch)), path: path.clone() },
        title: Visible::of(excerpt(&run.input, 60)).plain().to_owned(),
        heading: Visible::of(heading),
        id: Visible::of(&run.id),
        badge: Badge::of_run(run.status, run.verdict.as_deref()),
        error,
        persona: Visible::of(run.persona_name.as_deref().or(run.persona.as_deref()).unwrap_or_default()),
        attempt: run.iteration.saturating_add(1),
        duration: run.duration_ms.map(duration),
        verdict: Visible::of(run.verdict.as_deref().unwrap_or_default()),
        metrics: facts(&result.metrics, &SHOWN_METRICS),
        messages,
        left_out,
        evaluation: facts(&result.evaluation, &SHOWN_EVALUATION),
        failures: failures.map(|failure| clipped(&plain(failure)).0).collect(),
        files: artifacts.iter().map(File::of).collect(),
        previous: around.previous.map(run_path),
        next: around.next.map(run_path),
    })
}

fn message(role: &str, text: &str) -> Message {
    let class = match role {
        "user" | "human" => "from-user",
        "assistant" | "agent" => "from-agent",
        _ => "from-other",
    };
    let (text, is_whole) = clipped(text);
    Message { role: Visible::of(role), class, text, is_whole, duration: None, warnings: Vec::new() }
}

fn of_turn(turn: &Turn) -> Message {
    Message {
        duration: turn.duration_ms.map(duration),
        warnings: turn.warnings.iter().map(|warning| said(warning, "message")).collect(),
        ..message(&turn.role, &turn.content)
    }
}

fn of_transcript(entry: &Value) -> Message {
    let role = entry.get("role").and_then(Value::as_str).unwrap_or("unknown");
    message(role, &entry.get("content").map_or_else(|| plain(entry), plain))
}

/// Returns a member of an object that is a text, or else all of it as JSON.
fn said(value: &Value, member: &str) -> Visible {
    clipped(&plain(value.get(member).filter(|text| text.is_string()).unwrap_or(value))).0
}
