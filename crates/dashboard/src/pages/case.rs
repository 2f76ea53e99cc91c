//! `/projects/{id}/experiments/{experiment}/cases/{case}`: a case: what was said, how it was judged, its files.

use askama::Template;
use axum::extract::State;
use axum::response::{Redirect, Response};
use keepstep_base::human::milliseconds_words;
use keepstep_base::role::Role;
use keepstep_http::addresses::{case_path, experiment_path, project_path};
use keepstep_platform::Platform;
use keepstep_results::verdict::Verdict;
use keepstep_store::results::{InputResult, NOT_REPORTED, RunDetail, Turn};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::experiment::{Link, experiment_of};
use crate::addressed::AddressedCase;
use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::shown_results::{Badge, Fact, File, clipped, excerpt, experiment_name, facts, plain};
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many messages stand on the page.
const MOST_MESSAGES: usize = 500;

/// What the page shows elsewhere than in the list of metrics.
const SHOWN_METRICS: [&str; 1] = ["duration_ms"];

/// What the page shows elsewhere than in the list of what the judges said.
const SHOWN_EVALUATION: [&str; 8] =
    ["verdict", "failures", "criteria", "scores", "error_type", "location", "traceback", "printed"];

/// Verdicts that the badge beside the title says already.
const SHOWN_BY_BADGE: [&str; 7] = ["pass", "passed", "fail", "failed", "error", "timeout", "not_judged"];

/// In how many experiments the page shows how the input did.
const EXPERIMENTS: usize = 10;

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    frame: Frame,
    project: Link,
    experiment: Link,
    title: String,
    heading: Visible,
    id: Visible,
    badge: Badge,
    error: Option<Visible>,
    location: Visible,
    traceback: Option<Visible>,
    printed: Option<Visible>,
    history: Vec<Earlier>,
    criteria: Vec<Criterion>,
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

/// What a criterion says, ready to show.
struct Criterion {
    badge: Badge,
    name: Visible,
    pack: Visible,
    expected: Visible,
    found: Visible,
    score: String,
    is_optional: bool,
}

/// How the input did in another experiment, or in this one.
struct Earlier {
    path: String,
    name: Visible,
    sign: &'static str,
    label: &'static str,
    class: &'static str,
    is_this: bool,
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

/// `GET` of the address that the page had before: printed links still work.
pub(crate) async fn redirect(AddressedCase { project, experiment, case }: AddressedCase) -> Redirect {
    Redirect::permanent(&case_path(&experiment_path(&project, &experiment), &case))
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedCase { project, experiment, case }: AddressedCase,
) -> Result<Response, PageError> {
    let batch = experiment_of(&platform, &by, &project, &experiment).await?;
    let project = platform.store.project(&by.scope, &project).await?;
    let RunDetail { run, result, turns, artifacts } = platform.store.run(&by.scope, &batch.id, &case).await?;
    let history = match run.input_item_id.as_deref() {
        Some(item) => platform.store.input_history(&by.scope, &project.id, item, EXPERIMENTS).await?,
        None => Vec::new(),
    };
    let around = platform.store.failed_neighbors(&by.scope, &batch.id, run.number).await?;

    let path = experiment_path(&project.id, &batch.id);
    let neighbor_path = |id: String| case_path(&path, &id);
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
    let criteria = criteria(&result.evaluation);
    let failures = result.evaluation.get("failures").and_then(Value::as_array).into_iter().flatten();
    let is_listed = |failure: &Visible| criteria.iter().any(|criterion| criterion.name == *failure);
    let failures: Vec<Visible> =
        failures.map(|failure| clipped(&plain(failure)).0).filter(|failure| !is_listed(failure)).collect();
    let long = |name: &str| {
        let text = result.evaluation.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text.map(|text| clipped(text.trim_end()).0)
    };
    let error = run.error.as_deref().filter(|error| !error.is_empty()).map(|error| match error {
        NOT_REPORTED => Visible::of("The test ended without saying what became of this case."),
        error => clipped(error).0,
    });
    let heading = excerpt(&run.input, 160);
    page(&CasePage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        experiment: Link { name: Visible::of(experiment_name(&batch)), path: path.clone() },
        title: Visible::of(excerpt(&run.input, 60)).plain().to_owned(),
        heading: Visible::of(heading),
        id: Visible::of(&run.id),
        badge: Badge::of_run(run.status),
        error,
        location: Visible::of(location(&result.evaluation)),
        traceback: long("traceback"),
        printed: long("printed"),
        history: history.iter().rev().map(|earlier| of_history(&project.id, &batch.id, earlier)).collect(),
        criteria,
        persona: Visible::of(run.persona_name.as_deref().or(run.persona.as_deref()).unwrap_or_default()),
        attempt: run.iteration.saturating_add(1),
        duration: run.duration_ms.map(milliseconds_words),
        verdict: Visible::of(run.verdict.as_deref().filter(|verdict| !SHOWN_BY_BADGE.contains(verdict)).unwrap_or_default()),
        metrics: facts(&result.metrics, &SHOWN_METRICS),
        messages,
        left_out,
        evaluation: facts(&result.evaluation, &SHOWN_EVALUATION),
        failures,
        files: artifacts.iter().map(File::of).collect(),
        previous: around.previous.map(neighbor_path),
        next: around.next.map(neighbor_path),
    })
}

/// Returns what the criteria say: each with all that is known of it, else the scores that a peer has by their names.
fn criteria(evaluation: &Map<String, Value>) -> Vec<Criterion> {
    if let Some(criteria) = evaluation.get("criteria").and_then(Value::as_array) {
        return criteria.iter().filter_map(Value::as_object).map(criterion).collect();
    }
    let failed = |name: &str| {
        let failures = evaluation.get("failures").and_then(Value::as_array);
        failures.is_some_and(|failures| failures.iter().any(|failure| failure.as_str() == Some(name)))
    };
    let scores = evaluation.get("scores").and_then(Value::as_object).into_iter().flatten();
    scores
        .map(|(name, score)| Criterion {
            badge: if failed(name) { Badge { label: "failed", class: "bad" } } else { Badge { label: "", class: "" } },
            name: Visible::of(name),
            pack: Visible::of(""),
            expected: Visible::of(""),
            found: Visible::of(""),
            score: plain(score),
            is_optional: false,
        })
        .collect()
}

fn criterion(members: &Map<String, Value>) -> Criterion {
    let text = |name: &str| members.get(name).map(plain).unwrap_or_default();
    let (name, expected) = (text("name"), text("expected"));
    let is_said = expected == name || expected == format!("{name:?}");
    let verdict = members.get("verdict").and_then(|verdict| Verdict::deserialize(verdict).ok());
    let class = match verdict {
        Some(Verdict::Passed) => "good",
        Some(Verdict::Failed) => "bad",
        Some(Verdict::Error | Verdict::NotJudged) => "draft",
        Some(Verdict::NotApplicable) | None => "",
    };
    let badge = Badge { label: verdict.map_or("unknown", Verdict::words), class };
    let score = members.get("score").and_then(Value::as_f64);
    Criterion {
        badge,
        name: clipped(&name).0,
        pack: Visible::of(text("pack")),
        expected: clipped(if is_said { "" } else { &expected }).0,
        found: clipped(&text("found")).0,
        score: score.map(|score| format!("{}", (score * 100.0).round() / 100.0)).unwrap_or_default(),
        is_optional: members.get("required").and_then(Value::as_bool) == Some(false),
    }
}

/// Returns where the agent broke: `agents/my_agent.py:4 in run`.
fn location(evaluation: &Map<String, Value>) -> String {
    let Some(location) = evaluation.get("location").and_then(Value::as_object) else { return String::new() };
    let Some(file) = location.get("file").and_then(Value::as_str) else { return String::new() };
    let line = location.get("line").and_then(Value::as_u64).map_or_else(String::new, |line| format!(":{line}"));
    let function = location.get("function").and_then(Value::as_str).map_or_else(String::new, |name| format!(" in {name}"));
    format!("{file}{line}{function}")
}

fn of_history(project: &str, batch: &str, earlier: &InputResult) -> Earlier {
    let badge = Badge::of_run(earlier.status);
    let sign = match badge.class {
        "good" => "✓",
        "bad" => "✗",
        _ => "–",
    };
    Earlier {
        path: case_path(&experiment_path(project, &earlier.batch_id), &earlier.run_id),
        name: Visible::of(earlier.experiment_id.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&earlier.batch_id)),
        sign,
        label: badge.label,
        class: badge.class,
        is_this: earlier.batch_id == batch,
    }
}

fn message(role: &str, text: &str) -> Message {
    let class = match Role::from(role) {
        role if role.is_user() => "from-user",
        role if role.is_agent() => "from-agent",
        _ => "from-other",
    };
    let (text, is_whole) = clipped(text);
    Message { role: Visible::of(role), class, text, is_whole, duration: None, warnings: Vec::new() }
}

fn of_turn(turn: &Turn) -> Message {
    Message {
        duration: turn.duration_ms.map(milliseconds_words),
        warnings: turn.warnings.iter().map(|warning| clipped(&warning.text()).0).collect(),
        ..message(turn.role.as_str(), &turn.content)
    }
}

fn of_transcript(entry: &Value) -> Message {
    let role = entry.get("role").and_then(Value::as_str).unwrap_or("unknown");
    message(role, &entry.get("content").map_or_else(|| plain(entry), plain))
}
