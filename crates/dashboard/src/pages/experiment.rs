//! `/projects/{id}/experiments/{experiment}`: an experiment, its figures, its cases and its files.
//!
//! The counts are those of the experiment's row, and cases are read a page at a time from where the last one ended, so the page
//! opens as fast for a hundred thousand cases as for ten.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_base::human::milliseconds_words;
use keepstep_http::addresses::{case_path, experiment_path, project_path, segment};
use keepstep_platform::Platform;
use keepstep_store::results::{BatchStatus, Counts, Run, RunBatch, RunFilter, Status};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::addressed::AddressedExperiment;
use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::shown_results::{Badge, Fact, Figures, File, excerpt, experiment_name, facts, grouped};
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many cases stand on a page.
const PAGE: u32 = 50;

/// How many files stand on a page; those of a case are on its own page.
const MOST_FILES: u32 = 100;

/// What the page shows elsewhere than in the list of details, or as figures.
const SHOWN_DETAILS: [&str; 8] =
    ["agent", "persona_version", "persona_modified", "git_author", "git_dirty", "counts", "statistics", "run"];

/// The longest text that is looked for, in characters.
const LONGEST_SEARCH: usize = 200;

#[derive(Template)]
#[template(path = "experiment.html")]
struct Experiment {
    frame: Frame,
    project: Link,
    path: String,
    name: Visible,
    id: Visible,
    scenario: Visible,
    bundle: Visible,
    bundle_id: Visible,
    generation: Option<u32>,
    badge: Badge,
    is_abandoned: bool,
    figures: Figures,
    median: Option<String>,
    percentile_95: Option<String>,
    took: Option<String>,
    began: Moment,
    tested: Vec<Fact>,
    details: Vec<Fact>,
    choices: Vec<Choice>,
    status: &'static str,
    text: Visible,
    cases: Vec<ListedCase>,
    is_filtered: bool,
    is_later_page: bool,
    first: String,
    next: Option<String>,
    files: Vec<File>,
    has_more_files: bool,
}

/// Something that is linked by its name.
pub(crate) struct Link {
    pub(crate) path: String,
    pub(crate) name: Visible,
}

/// A status that the list can be confined to.
struct Choice {
    path: String,
    label: &'static str,
    count: String,
    is_chosen: bool,
}

struct ListedCase {
    path: String,
    input: Visible,
    output: Visible,
    is_error: bool,
    persona: Visible,
    badge: Badge,
    duration: String,
}

/// The query of the address.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ExperimentQuery {
    status: Option<String>,
    text: Option<String>,
    after: Option<String>,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    Query(query): Query<ExperimentQuery>,
) -> Result<Response, PageError> {
    let batch = experiment_of(&platform, &by, &project, &experiment).await?;
    let project = platform.store.project(&by.scope, &project).await?;
    let scenario = platform.store.scenario_name(&by.scope, &batch.scenario_id).await?;
    let bundle = platform.store.bundle(&by.scope, &batch.bundle_id).await?;
    let durations = platform.store.run_durations(&by.scope, &batch.id).await?;

    // Invalid values in an address are ignored.
    let status: Option<Status> = query.status.and_then(|status| status.parse().ok());
    let text: String = query.text.unwrap_or_default().trim().chars().take(LONGEST_SEARCH).collect();
    let after: Option<i64> = query.after.and_then(|after| after.parse().ok());
    let search = Some(text.as_str()).filter(|text| !text.is_empty());
    let filter = RunFilter { status, persona: None, text: search, after, limit: PAGE + 1 };
    let mut runs = platform.store.runs(&by.scope, &batch.id, &filter).await?;
    let has_more = runs.len() > PAGE as usize;
    runs.truncate(PAGE as usize);
    let mut artifacts = platform.store.artifacts(&by.scope, &batch.id, 0, MOST_FILES + 1).await?;
    let has_more_files = artifacts.len() > MOST_FILES as usize || artifacts.iter().any(|file| file.run_id.is_some());
    artifacts.retain(|file| file.run_id.is_none());
    artifacts.truncate(MOST_FILES as usize);

    let path = experiment_path(&project.id, &batch.id);
    let address = |status: Option<Status>, after: Option<i64>| list_address(&path, status, &text, after);
    page(&Experiment {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        name: Visible::of(experiment_name(&batch)),
        id: Visible::of(&batch.id),
        scenario: Visible::of(&scenario),
        bundle: Visible::of(&bundle.name),
        bundle_id: Visible::of(&bundle.id),
        generation: bundle.generation,
        badge: batch.status.into(),
        is_abandoned: batch.status == BatchStatus::Abandoned,
        figures: Figures::from(&batch.counts),
        median: durations.median.map(milliseconds_words),
        percentile_95: durations.percentile_95.map(milliseconds_words),
        took: took(&batch, durations.percentile_95),
        began: Moment::of(batch.started_at.unwrap_or(batch.created_at)),
        tested: tested(&batch.details),
        details: facts(&batch.details, &SHOWN_DETAILS),
        choices: choices(&batch.counts, status, |status| address(status, None)),
        status: status.map_or("", Status::label),
        is_filtered: status.is_some() || !text.is_empty(),
        is_later_page: after.is_some(),
        first: address(status, None),
        next: runs.last().filter(|_| has_more).map(|last| address(status, Some(last.number))),
        cases: runs.iter().map(|run| listed(&path, run)).collect(),
        files: artifacts.iter().map(File::of).collect(),
        has_more_files,
        text: Visible::of(&text),
        path,
    })
}

/// Returns an experiment, if it belongs to the project of the address.
pub(super) async fn experiment_of(platform: &Platform, by: &SignedIn, project: &str, id: &str) -> Result<RunBatch, PageError> {
    platform.abandon_silent_runs().await?;
    let batch = platform.store.run_batch(&by.scope, id).await?;
    if batch.project_id == project { Ok(batch) } else { Err(PageError::NotFound) }
}

/// Returns what was tested, for people: agent, persona, commit, author, target.
fn tested(details: &Map<String, Value>) -> Vec<Fact> {
    let text = |name: &str| details.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is = |name: &str| details.get(name).and_then(Value::as_bool) == Some(true);
    let number = |name: &str| details.get(name).and_then(Value::as_u64);
    let persona = number("persona_version")
        .map(|version| format!("version {version}"))
        .or_else(|| number("agent_revision").map(|revision| format!("revision {revision}")));
    let persona = persona.map(|persona| persona + if is("persona_modified") { ", edited in the code" } else { "" });
    let commit = text("git_commit").map(|commit| {
        let short: String = commit.chars().take(12).collect();
        short + if is("git_dirty") { ", with changes" } else { "" }
    });
    let target = text("target").map(|target| match text("target_kind") {
        Some(kind) => format!("{kind} {target}"),
        None => target.to_owned(),
    });
    let facts = [
        ("Agent", text("agent").map(str::to_owned)),
        ("Persona", persona),
        ("Commit", commit),
        ("Author", text("git_author").map(str::to_owned)),
        ("Target", target),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some(Fact { name: Visible::of(name), value: Visible::of(excerpt(&value?, 200)) }))
        .collect()
}

/// Returns how long it took. A client tells when the first and the last turn began, which is less than the longest run where that
/// never answered, or the time of the upload for both: then it is not known.
fn took(batch: &RunBatch, longest: Option<f64>) -> Option<String> {
    let milliseconds = batch.completed_at?.checked_sub(batch.started_at?)?;
    #[expect(clippy::cast_precision_loss, reason = "no experiment takes longer than a double is exact for")]
    let milliseconds = milliseconds as f64;
    (milliseconds > 0.0 && longest.is_none_or(|longest| milliseconds >= longest)).then(|| milliseconds_words(milliseconds))
}

fn choices(counts: &Counts, chosen: Option<Status>, path: impl Fn(Option<Status>) -> String) -> Vec<Choice> {
    let all = Choice { path: path(None), label: "all", count: grouped(counts.total()), is_chosen: chosen.is_none() };
    let some = Status::LABELED.into_iter().filter_map(|status| {
        let count = counts.labeled(status);
        let is_chosen = chosen == Some(status);
        (count > 0 || is_chosen).then(|| Choice {
            path: path(Some(status)),
            label: if status == Status::Passed { status.label() } else { Badge::of_run(status).label },
            count: grouped(count),
            is_chosen,
        })
    });
    std::iter::once(all).chain(some).collect()
}

/// Returns the address of a page of the list.
fn list_address(path: &str, status: Option<Status>, text: &str, after: Option<i64>) -> String {
    let parts = [
        status.map(|status| format!("status={}", status.label())),
        (!text.is_empty()).then(|| format!("text={}", segment(text))),
        after.map(|after| format!("after={after}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let mark = if parts.is_empty() { "" } else { "?" };
    format!("{path}{mark}{}#cases", parts.join("&"))
}

fn listed(path: &str, run: &Run) -> ListedCase {
    let error = run.error.as_deref().filter(|error| !error.is_empty());
    ListedCase {
        path: case_path(path, &run.id),
        input: Visible::of(excerpt(&run.input, 140)),
        output: Visible::of(excerpt(error.unwrap_or(&run.output), 200)),
        is_error: error.is_some(),
        persona: Visible::of(run.persona_name.as_deref().or(run.persona.as_deref()).unwrap_or_default()),
        badge: Badge::of_run(run.status),
        duration: run.duration_ms.map(milliseconds_words).unwrap_or_default(),
    }
}
