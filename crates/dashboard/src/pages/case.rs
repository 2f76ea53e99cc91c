//! `/projects/{id}/experiments/{experiment}/cases/{case}`: a case: what was said, how it was judged, its files.

use std::borrow::Cow;
use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::CONTENT_TYPE;
use keepstep_base::human::milliseconds_words;
use keepstep_base::role::Role;
use keepstep_http::addresses::{case_path, criteria_path, experiment_path, project_path, scenario_path, segment};
use keepstep_platform::{LONGEST_COMMENT, Platform, SaidVerdict};
use keepstep_results::verdict::Verdict;
use keepstep_store::results::{
    FailedNeighbors, HumanVerdict, InputResult, NOT_REPORTED, Run, RunDetail, Status, Turn, criterion_key,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::experiment::{Link, experiment_of};
use crate::addressed::AddressedCase;
use crate::error_page::{PageError, Typed};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::parts::frame::Frame;
use crate::parts::markdown::{self, Markdown};
use crate::parts::marked::{Place, Searched};
use crate::parts::shown_results::{Badge, Fact, File, LONGEST_TEXT, Room, clipped, excerpt, facts, grouped, readable};
use crate::parts::spans::{Span, spans};
use crate::parts::view::{Moment, may_edit, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many messages stand on the page, and how many characters they have together: the rest is on the next one.
const MOST_MESSAGES: usize = 100;
const MOST_CHARACTERS: usize = 400_000;

/// How many criteria stand on the page, how many characters they have together, and in how many of them the answer is marked.
const MOST_CRITERIA: usize = 500;
const MOST_OF_CRITERIA: usize = 400_000;
const MOST_MARKED: usize = 100;

/// What the page shows elsewhere than in the list of metrics.
const SHOWN_METRICS: [&str; 1] = ["duration_ms"];

/// What the page shows elsewhere than in the list of what the judges said.
const SHOWN_EVALUATION: [&str; 10] =
    ["verdict", "failures", "criteria", "scores", "error_type", "location", "traceback", "printed", "observations", "tool_calls"];

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
    criteria_left_out: usize,
    persona: Visible,
    attempt: u32,
    duration: Option<String>,
    verdict: Visible,
    metrics: Vec<Fact>,
    messages: Vec<Message>,
    /// How many messages there are, and which stand on the page.
    message_count: String,
    shown_messages: String,
    earlier_messages: Option<String>,
    later_messages: Option<String>,
    spans: Vec<Span>,
    spans_left_out: usize,
    evaluation: Vec<Fact>,
    failures: Vec<Visible>,
    files: Vec<File>,
    previous: Option<String>,
    next: Option<String>,
    own_path: String,
    /// The form of a new criterion that is tried on this answer; nothing where its scenario is gone.
    try_path: Option<String>,
    may_edit: bool,
    /// What the judges say is hidden until a person has judged.
    is_blind: bool,
    /// What goes on with it from page to page.
    blind: &'static str,
    said: Vec<SaidBy>,
    mine: Option<bool>,
    comment: String,
    longest_comment: usize,
}

/// What somebody says of an answer, ready to show.
struct SaidBy {
    name: Visible,
    badge: Badge,
    comment: Visible,
    said: Moment,
}

/// What a criterion says, ready to show.
struct Criterion {
    badge: Badge,
    name: Visible,
    pack: Visible,
    expected: Visible,
    found: Visible,
    places: Vec<Place>,
    key: String,
    said: Vec<SaidBy>,
    mine: Option<bool>,
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
    number: usize,
    raw: String,
    text: Visible,
    /// What an agent says is Markdown more often than not; as it was said it is one link away.
    markdown: Option<Markdown>,
    is_whole: bool,
    duration: Option<String>,
    warnings: Vec<Visible>,
}

/// What the address asks for: from which message on.
#[derive(Debug, Deserialize)]
pub(crate) struct CaseQuery {
    from: Option<String>,
    blind: Option<String>,
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
    Query(asked): Query<CaseQuery>,
) -> Result<Response, PageError> {
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let batch = &experiment.batch;
    let project = platform.store.project(&by.scope, &project).await?;
    let RunDetail { run, result, turns, artifacts } = platform.store.run(&by.scope, &batch.id, &case).await?;
    let history = match run.input_item_id.as_deref() {
        Some(item) => platform.store.input_history(&by.scope, &project.id, item, EXPERIMENTS).await?,
        None => Vec::new(),
    };
    let is_blind = asked.blind.as_deref() == Some("yes");
    // A link to the next failure says that this one is none, or is one.
    let around = match is_blind {
        true => FailedNeighbors::default(),
        false => platform.store.failed_neighbors(&by.scope, &batch.id, run.number).await?,
    };

    let path = experiment_path(&project.id, &batch.id);
    let neighbor_path = |id: String| case_path(&path, &id);
    let said = said(&run, &result.transcript, &turns);
    let own_path = case_path(&path, &run.id);
    let from = asked.from.as_deref().and_then(|from| from.parse::<usize>().ok()).unwrap_or(1).clamp(1, said.len().max(1));
    let mut characters = 0;
    let fits = |said: &&Said<'_>| {
        let is_first = characters == 0;
        characters += said.text.chars().take(LONGEST_TEXT).count().max(1);
        is_first || characters <= MOST_CHARACTERS
    };
    let shown: Vec<&Said<'_>> = said.iter().skip(from - 1).take(MOST_MESSAGES).take_while(fits).collect();
    let last = from - 1 + shown.len();
    let mut messages = Vec::with_capacity(shown.len());
    for (said, number) in shown.into_iter().zip(from..) {
        let mut message = message(said, number, &own_path);
        if message.class == "from-agent" {
            let text = said.text.chars().take(LONGEST_TEXT).collect();
            message.markdown = Some(markdown::of(&platform, text, 2).await?);
        }
        messages.push(message);
    }
    let from_address = |from: usize| {
        let parts = [(from > 1).then(|| format!("from={from}")), is_blind.then(|| "blind=yes".to_owned())];
        let query = parts.into_iter().flatten().collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{own_path}{mark}{query}#said")
    };
    let (spans, spans_left_out) = spans(&result.evaluation);
    let all_said = platform.store.human_verdicts(&by.scope, &batch.id, run.number).await?;
    let answer: String = run.output.chars().take(LONGEST_TEXT).collect();
    let mut criteria = criteria(&result.evaluation, &answer);
    let criteria_left_out = criteria.len().saturating_sub(MOST_CRITERIA);
    criteria.truncate(MOST_CRITERIA);
    for criterion in &mut criteria {
        (criterion.said, criterion.mine) = said_of(&all_said, &criterion.key, &by, is_blind);
    }
    let (said_of_all, mine) = said_of(&all_said, "", &by, is_blind);
    let is_mine = |said: &&HumanVerdict| said.criterion.is_empty() && said.user_id == by.id;
    let comment = all_said.iter().find(is_mine).map(|said| said.comment.clone()).unwrap_or_default();
    let failures = result.evaluation.get("failures").and_then(Value::as_array).into_iter().flatten();
    let is_listed = |failure: &Visible| criteria.iter().any(|criterion| criterion.name == *failure);
    let mut room = Room::of(MOST_OF_CRITERIA);
    let failures = failures.map(readable).filter(|failure| !is_listed(&clipped(failure).0)).take(MOST_CRITERIA);
    let failures: Vec<Visible> = failures.map(|failure| room.clipped(&failure)).collect();
    let long = |name: &str| {
        let text = result.evaluation.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text.map(|text| clipped(text.trim_end()).0)
    };
    // What went wrong in the agent is a part of the answer; of another case it may be what the judge says.
    let is_shown = |error: &&str| !error.is_empty() && (!is_blind || run.status != Status::Failed);
    let error = run.error.as_deref().filter(is_shown).map(|error| match error {
        NOT_REPORTED => Visible::of("The test ended without saying what became of this case."),
        error => clipped(error).0,
    });
    let heading = excerpt(&run.input, 160);
    let can_try = may_edit(&by.session) && platform.store.scenario(&by.scope, &batch.scenario_id).await.is_ok();
    let try_path = can_try.then(|| {
        let criteria = criteria_path(&scenario_path(&project.id, &batch.scenario_id));
        format!("{criteria}/new?experiment={}&case={}", segment(&batch.id), segment(&run.id))
    });
    page(&CasePage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        experiment: Link { name: Visible::of(experiment.name()), path: path.clone() },
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
        criteria_left_out,
        persona: Visible::of(run.persona_name.as_deref().or(run.persona.as_deref()).unwrap_or_default()),
        attempt: run.iteration.saturating_add(1),
        duration: run.duration_ms.map(milliseconds_words),
        verdict: Visible::of(run.verdict.as_deref().filter(|verdict| !SHOWN_BY_BADGE.contains(verdict)).unwrap_or_default()),
        // There may be scores among them.
        metrics: if is_blind { Vec::new() } else { facts(&result.metrics, &SHOWN_METRICS) },
        messages,
        message_count: grouped(said.len() as u64),
        shown_messages: format!("{} to {}", grouped(from as u64), grouped(last as u64)),
        earlier_messages: (from > 1).then(|| from_address(from.saturating_sub(MOST_MESSAGES).max(1))),
        later_messages: (last < said.len()).then(|| from_address(last + 1)),
        spans,
        spans_left_out,
        evaluation: facts(&result.evaluation, &SHOWN_EVALUATION),
        failures,
        files: artifacts.iter().map(File::of).collect(),
        previous: around.previous.map(neighbor_path),
        next: around.next.map(neighbor_path),
        own_path,
        try_path,
        may_edit: may_edit(&by.session),
        is_blind,
        blind: if is_blind { "?blind=yes" } else { "" },
        said: said_of_all,
        mine,
        comment,
        longest_comment: LONGEST_COMMENT,
    })
}

/// Returns what the criteria say: each with all that is known of it, else the scores that a peer has by their names.
fn criteria(evaluation: &Map<String, Value>, answer: &str) -> Vec<Criterion> {
    if let Some(criteria) = evaluation.get("criteria").and_then(Value::as_array) {
        let answer = Searched::of(answer);
        let mut room = Room::of(MOST_OF_CRITERIA);
        let of = |(at, members)| criterion(members, Some(&answer).filter(|_| at < MOST_MARKED), &mut room);
        return criteria.iter().filter_map(Value::as_object).enumerate().map(of).collect();
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
            places: Vec::new(),
            key: criterion_key("", name),
            said: Vec::new(),
            mine: None,
            score: readable(score),
            is_optional: false,
        })
        .collect()
}

fn criterion(members: &Map<String, Value>, answer: Option<&Searched<'_>>, room: &mut Room) -> Criterion {
    let text = |name: &str| members.get(name).map(readable).unwrap_or_default();
    let (name, expected, found) = (text("name"), text("expected"), text("found"));
    let is_said = expected == name || expected == format!("{name:?}");
    let verdict = members.get("verdict").and_then(|verdict| Verdict::deserialize(verdict).ok());
    let badge = verdict.map_or(Badge { label: "unknown", class: "" }, Badge::of_verdict);
    let score = members.get("score").and_then(Value::as_f64);
    Criterion {
        badge,
        name: room.clipped(&name),
        pack: room.clipped(&text("pack")),
        expected: room.clipped(if is_said { "" } else { &expected }),
        places: answer.map_or_else(Vec::new, |answer| answer.places(&expected, &found)),
        key: criterion_key(&text("pack"), &name),
        said: Vec::new(),
        mine: None,
        found: room.clipped(&found),
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
        name: Visible::of(&earlier.name),
        sign,
        label: badge.label,
        class: badge.class,
        is_this: earlier.batch_id == batch,
    }
}

/// A message as it came.
struct Said<'a> {
    role: &'a str,
    text: Cow<'a, str>,
    turn: Option<&'a Turn>,
}

/// Returns what was said in a case: its turns, else its transcript, else the question and the answer.
fn said<'a>(run: &'a Run, transcript: &'a [Value], turns: &'a [Turn]) -> Vec<Said<'a>> {
    if !turns.is_empty() {
        let said = |turn: &'a Turn| Said { role: turn.role.as_str(), text: Cow::Borrowed(&*turn.content), turn: Some(turn) };
        return turns.iter().map(said).collect();
    }
    if !transcript.is_empty() {
        let said = |entry: &'a Value| {
            let text = match entry.get("content").unwrap_or(entry) {
                Value::String(text) => Cow::Borrowed(text.as_str()),
                other => Cow::Owned(readable(other)),
            };
            Said { role: entry.get("role").and_then(Value::as_str).unwrap_or("unknown"), text, turn: None }
        };
        return transcript.iter().map(said).collect();
    }
    let both = [("user", &run.input), ("assistant", &run.output)].into_iter().filter(|(_, text)| !text.is_empty());
    both.map(|(role, text)| Said { role, text: Cow::Borrowed(text.as_str()), turn: None }).collect()
}

fn message(said: &Said<'_>, number: usize, path: &str) -> Message {
    let class = match Role::from(said.role) {
        role if role.is_user() => "from-user",
        role if role.is_agent() => "from-agent",
        _ => "from-other",
    };
    let (text, is_whole) = clipped(&said.text);
    let warnings = said.turn.map(|turn| turn.warnings.as_slice()).unwrap_or_default();
    Message {
        role: Visible::of(said.role),
        class,
        number,
        raw: format!("{path}/messages/{number}"),
        text,
        markdown: None,
        is_whole,
        duration: said.turn.and_then(|turn| turn.duration_ms).map(milliseconds_words),
        warnings: warnings.iter().map(|warning| clipped(&warning.text()).0).collect(),
    }
}

/// Returns what people say of an answer by a criterion, and what the reader says. Whoever judges blind sees only that.
fn said_of(all: &[HumanVerdict], key: &str, by: &SignedIn, is_blind: bool) -> (Vec<SaidBy>, Option<bool>) {
    let of_key = || all.iter().filter(|said| said.criterion == key);
    let mine = of_key().find(|said| said.user_id == by.id).map(|said| said.is_right);
    let shown = of_key().filter(|said| !is_blind || said.user_id == by.id).map(|said| SaidBy {
        name: Visible::of(&said.user_name),
        badge: if said.is_right { Badge { label: "right", class: "good" } } else { Badge { label: "wrong", class: "bad" } },
        comment: Visible::of(&said.comment),
        said: Moment::of(said.said_at),
    });
    (shown.collect(), mine)
}

/// What a verdict's form says. Which criterion it is about is in its address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VerdictForm {
    csrf: String,
    verdict: String,
    comment: String,
}

impl Fields for VerdictForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let typed = Typed { label: "Comment", text: self.comment.clone() };
        if self.comment.is_empty() { Vec::new() } else { vec![typed] }
    }
}

/// The address of a verdict's form.
#[derive(Debug, Deserialize)]
pub(crate) struct VerdictQuery {
    criterion: Option<usize>,
    blind: Option<String>,
}

/// `POST …/verdict`: notes what a person says of the answer, of all of it or by a criterion.
pub(crate) async fn say(
    State(platform): State<Platform>,
    AddressedCase { project, experiment, case }: AddressedCase,
    Query(asked): Query<VerdictQuery>,
    posted: Posted<VerdictForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, share: _share } = posted;
    let typed = form.typed();
    let path = case_path(&experiment_path(&project, &experiment), &case);
    let said = async {
        let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
        let is_right = match form.verdict.as_str() {
            "right" => Some(true),
            "wrong" => Some(false),
            "none" => None,
            _ => return Err(PageError::Invalid("A verdict is right or wrong.".to_owned())),
        };
        let key = match asked.criterion {
            Some(place) => {
                let detail = platform.store.run(&by.scope, &experiment.batch.id, &case).await?;
                let criteria = criteria(&detail.result.evaluation, "");
                criteria.into_iter().nth(place).ok_or(PageError::NotFound)?.key
            }
            None => String::new(),
        };
        let said = SaidVerdict { criterion: &key, is_right, comment: &form.comment };
        Ok(platform.say_verdict(&by, &experiment.batch.id, &case, said).await?)
    };
    said.await.map_err(|error: PageError| error.keeping(typed))?;
    let blind = if asked.blind.as_deref() == Some("yes") { "?blind=yes" } else { "" };
    let place = if asked.criterion.is_some() { "#evaluation" } else { "#people" };
    Ok(Redirect::to(&format!("{path}{blind}{place}")).into_response())
}

/// `POST …/input`: adds what was said to the draft of the scenario, and opens it there.
pub(crate) async fn make_input(
    State(platform): State<Platform>,
    AddressedCase { project, experiment, case }: AddressedCase,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let batch = &experiment.batch;
    let (input, is_new) = platform.add_input_of_case(&by, (&batch.id, &case)).await?;
    let scenario = scenario_path(&project, &batch.scenario_id);
    let done = if is_new { "" } else { "&done=there" };
    Ok(Redirect::to(&format!("{scenario}?edit={}{done}", segment(&input.id))).into_response())
}

/// `GET …/messages/{number}`: all of a message as it was said, as plain text.
pub(crate) async fn raw(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedCase { project, experiment, case }: AddressedCase,
    Path(parts): Path<HashMap<String, String>>,
) -> Result<Response, PageError> {
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let RunDetail { run, result, turns, .. } = platform.store.run(&by.scope, &experiment.batch.id, &case).await?;
    let number = parts.get("number").and_then(|number| number.parse::<usize>().ok()).and_then(|number| number.checked_sub(1));
    let said = said(&run, &result.transcript, &turns);
    let text = number.and_then(|number| said.get(number)).ok_or(PageError::NotFound)?.text.clone().into_owned();
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
