//! `/projects/{id}/experiments/{experiment}`: an experiment, its figures, its cases and its files.
//!
//! The counts are those of the experiment's row, and cases are read a page at a time from where the last one ended, so the page
//! opens as fast for a hundred thousand cases as for ten.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_base::human::milliseconds_words;
use keepstep_http::addresses::{agent_path, case_path, experiment_path, project_path, segment};
use keepstep_platform::Platform;
use keepstep_results::provenance::{Provenance, TEST_KEY};
use keepstep_results::statistics::Agreement;
use keepstep_results::tally::CriterionTally;
use keepstep_results::verdict::Verdict;
use keepstep_store::results::{BatchStatus, Counts, Experiment, Run, RunBatch, RunFilter, RunPart, Status, criterion_key};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::addressed::AddressedExperiment;
use crate::error_page::PageError;
use crate::parts::agent_names::AgentNames;
use crate::parts::assets;
use crate::parts::baseline::compare_path;
use crate::parts::frame::Frame;
use crate::parts::live_test::LiveTest;
use crate::parts::shown_gate::ShownGate;
use crate::parts::shown_results::{
    Badge, Fact, Figures, File, Tag, dollars, excerpt, facts, grouped, percent, shown_tags, whole,
};
use crate::parts::view::{Moment, may_edit, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many cases stand on a page.
const PAGE: u32 = 50;

/// How many files stand on a page; those of a case are on its own page.
const MOST_FILES: u32 = 100;

/// What the page shows elsewhere than in the list of details, or as figures.
const SHOWN_DETAILS: [&str; 10] = [
    "agent",
    "persona_version",
    "persona_modified",
    "git_branch",
    "git_author",
    "git_dirty",
    "counts",
    "statistics",
    "run",
    TEST_KEY,
];

/// How a criterion is missed: the name in the address, what it is, and the words for it.
const MISSES: [(&str, Verdict, &str); 3] = [
    ("failed", Verdict::Failed, "failed"),
    ("error", Verdict::Error, "judge failed"),
    ("not_judged", Verdict::NotJudged, "not judged"),
];

/// The longest text that is looked for, in characters.
const LONGEST_SEARCH: usize = 200;

#[derive(Template)]
#[template(path = "experiment.html")]
struct ExperimentPage {
    frame: Frame,
    project: Link,
    project_id: String,
    list: String,
    path: String,
    name: Visible,
    sent_name: Visible,
    done: Option<&'static str>,
    may_edit: bool,
    is_pinned: bool,
    compare: Option<Link>,
    tags: Vec<Tag>,
    note: Visible,
    id: Visible,
    scenario: Visible,
    bundle: Visible,
    bundle_id: Visible,
    generation: Option<u32>,
    badge: Badge,
    gate: Option<ShownGate>,
    is_abandoned: bool,
    script: &'static str,
    live: Option<LiveTest>,
    figures: Figures,
    median: Option<String>,
    percentile_95: Option<String>,
    tokens: Option<String>,
    cost: Option<String>,
    took: Option<String>,
    began: Moment,
    /// The agent that was tested, where it is one of this server.
    agent: Option<Link>,
    tested: Vec<Fact>,
    details: Vec<Fact>,
    agreement: Option<String>,
    criteria: Vec<ListedCriterion>,
    chosen_criterion: Option<ChosenCriterion>,
    personas: Vec<PersonaChoice>,
    choices: Vec<Choice>,
    hidden: Vec<(&'static str, String)>,
    text: Visible,
    cases: Vec<ListedCase>,
    is_filtered: bool,
    is_later_page: bool,
    first: String,
    reload: String,
    next: Option<String>,
    files: Vec<File>,
    has_more_files: bool,
}

/// The criterion that the list is confined to.
struct ChosenCriterion {
    name: Visible,
    verdict: &'static str,
    without: String,
}

/// A persona that the list can be confined to.
struct PersonaChoice {
    value: String,
    name: String,
    is_chosen: bool,
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

/// A criterion of the experiment, ready to show.
struct ListedCriterion {
    name: Visible,
    about: Visible,
    passed: String,
    rate: Option<String>,
    agreement: String,
    reason: Visible,
    /// What it did not pass for, with the list of these cases.
    misses: Vec<Choice>,
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
    persona: Option<String>,
    criterion: Option<String>,
    verdict: Option<String>,
    after: Option<String>,
    done: Option<String>,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    Query(query): Query<ExperimentQuery>,
) -> Result<Response, PageError> {
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let batch = &experiment.batch;
    let project = platform.store.project(&by.scope, &project).await?;
    let scenario = platform.store.scenario_name(&by.scope, &batch.scenario_id).await?;
    let bundle = platform.store.bundle(&by.scope, &batch.bundle_id).await?;
    let state = platform.store.live_state(&by.scope, &batch.id).await?;
    let (live, counts) = match LiveTest::of(&state, &batch.counts, platform.store.now()) {
        Some((live, counts)) => (Some(live), counts),
        None => (None, batch.counts),
    };
    if live.is_none() {
        // Who watched the beginning has not seen the result.
        platform.see_experiment(&by, &batch.id).await?;
    }
    let agreement = platform.store.agreement(&by.scope, &batch.id).await?;
    let agent = agent_of(&platform, &by, batch).await?;
    let tallies = platform.store.criteria_of(&by.scope, &batch.id).await?;
    let personas = platform.store.personas_of_runs(&by.scope, &batch.id).await?;
    let test_personas =
        if personas.is_empty() { Vec::new() } else { platform.store.test_personas(&by.scope, &project.id).await? };

    // Invalid values in an address are ignored.
    let status: Option<Status> =
        query.status.and_then(|asked| Status::ALL.into_iter().find(|status| in_address(*status) == asked));
    let text: String = query.text.unwrap_or_default().trim().chars().take(LONGEST_SEARCH).collect();
    let after = query.after.as_deref().and_then(After::parse);
    let persona = query.persona.as_deref().filter(|asked| !asked.is_empty());
    let persona = persona.and_then(|asked| personas.iter().find(|known| Visible::of(known).plain() == asked));
    let verdict = query.verdict.as_deref().and_then(|asked| MISSES.iter().find(|(name, ..)| *name == asked));
    let position = query.criterion.as_deref().and_then(|asked| asked.parse::<usize>().ok()).filter(|at| *at < tallies.len());
    let criterion = position.zip(verdict).map(|(position, (name, verdict, _))| (position, *name, *verdict));
    let path = experiment_path(&project.id, &batch.id);
    let newest_first = live.is_some();
    let list = CaseList { path, status, text: text.clone(), persona, criterion, newest_first };
    let (runs, next) = list.read(&platform, &by, &batch.id, after).await?;
    let mut artifacts = platform.store.artifacts(&by.scope, &batch.id, 0, MOST_FILES + 1).await?;
    let has_more_files = artifacts.len() > MOST_FILES as usize || artifacts.iter().any(|file| file.run_id.is_some());
    artifacts.retain(|file| file.run_id.is_none());
    artifacts.truncate(MOST_FILES as usize);

    let path = list.path.clone();
    let all = format!("{}/experiments", project_path(&project.id));
    let done = match query.done.as_deref() {
        Some("labels") => Some("Saved."),
        Some("pinned") => Some("This is a baseline now: other experiments of its scenario are compared with it."),
        Some("unpinned") => Some("No longer a baseline."),
        Some("restored") => Some("Restored."),
        Some("seen") => Some("Marked as seen."),
        _ => None,
    };
    page(&ExperimentPage {
        frame: Frame::of(&by.session),
        project_id: project.id.clone(),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        name: Visible::of(experiment.name()),
        sent_name: Visible::of(batch.experiment_id.as_deref().unwrap_or_default()),
        done,
        may_edit: may_edit(&by.session),
        is_pinned: experiment.pinned_at.is_some(),
        compare: platform.usual_baseline(&by.scope, &experiment).await?.map(|other| Link {
            path: compare_path(&project.id, &other.batch.id, &batch.id),
            name: Visible::of(excerpt(other.name(), 40)),
        }),
        tags: shown_tags(&all, &experiment.labels.tags),
        note: Visible::of(&experiment.labels.note),
        list: all,
        id: Visible::of(&batch.id),
        scenario: Visible::of(&scenario),
        bundle: Visible::of(&bundle.name),
        bundle_id: Visible::of(&bundle.id),
        generation: bundle.generation,
        badge: batch.status.into(),
        gate: ShownGate::of(&experiment),
        is_abandoned: batch.status == BatchStatus::Abandoned,
        script: assets::watcher(),
        live,
        figures: Figures::from(&counts),
        median: experiment.figures.median_ms.map(milliseconds_words),
        percentile_95: experiment.figures.p95_ms.map(milliseconds_words),
        tokens: experiment.figures.tokens.map(whole),
        cost: experiment.figures.cost_usd.map(dollars),
        took: took(batch, experiment.figures.p95_ms),
        began: Moment::of(batch.started_at.unwrap_or(batch.created_at)),
        tested: tested(&batch.details, agent.is_some()),
        agent,
        details: facts(&batch.details, &SHOWN_DETAILS),
        agreement: agreement.get("").map(shown_agreement),
        criteria: tallies
            .iter()
            .enumerate()
            .map(|(position, tally)| list.criterion_row(position, tally, agreement.get(&criterion_key(&tally.pack, &tally.name))))
            .collect(),
        chosen_criterion: criterion.and_then(|(position, _, verdict)| {
            Some(ChosenCriterion {
                name: Visible::of(excerpt(&tallies.get(position)?.name, 120)),
                verdict: match verdict {
                    Verdict::Failed => "failed",
                    Verdict::Error => "was not judged because the judge failed",
                    _ => "was not judged",
                },
                without: CaseList { criterion: None, ..list.clone() }.address(None),
            })
        }),
        personas: personas
            .iter()
            .map(|known| {
                let name = test_personas.iter().find(|persona| persona.id == *known).map_or(known, |persona| &persona.name);
                let value = Visible::of(known).plain().to_owned();
                PersonaChoice { value, name: Visible::of(name).plain().to_owned(), is_chosen: persona == Some(known) }
            })
            .collect(),
        choices: choices(&counts, status, |status| CaseList { status, ..list.clone() }.address(None)),
        hidden: list.hidden(),
        is_filtered: list.is_filtered(),
        is_later_page: after.is_some(),
        first: list.address(None),
        // Without the place in the page, a link to the same address loads it again.
        reload: list.address(None).trim_end_matches("#cases").to_owned(),
        next: next.map(|next| list.address(Some(next))),
        cases: runs.iter().map(|run| listed(&path, run)).collect(),
        files: artifacts.iter().map(File::of).collect(),
        has_more_files,
        text: Visible::of(&text),
        path,
    })
}

/// Returns an experiment, if it belongs to the project of the address.
pub(super) async fn experiment_of(platform: &Platform, by: &SignedIn, project: &str, id: &str) -> Result<Experiment, PageError> {
    platform.abandon_silent_runs().await?;
    platform.count_experiments(project).await?;
    let experiment = platform.store.experiment(&by.scope, id).await?;
    if experiment.batch.project_id == project { Ok(experiment) } else { Err(PageError::NotFound) }
}

/// Returns the agent that was tested, if it is one that the actor may see.
async fn agent_of(platform: &Platform, by: &SignedIn, batch: &RunBatch) -> Result<Option<Link>, PageError> {
    let names = AgentNames::of(platform, by, std::iter::once(batch)).await?;
    let id = Provenance::of(&batch.details).agent.unwrap_or_default();
    let link = |name| Some(Link { path: agent_path(&id.parse().ok()?), name: Visible::of(excerpt(name, 200)) });
    Ok(names.find(&id).and_then(link))
}

/// Returns what was tested, for people: agent, persona, commit, author, target.
fn tested(details: &Map<String, Value>, has_agent: bool) -> Vec<Fact> {
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
        ("Agent", text("agent").filter(|_| !has_agent).map(str::to_owned)),
        ("Persona", persona),
        ("Branch", text("git_branch").map(str::to_owned)),
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

/// Returns how far a judge agrees with people, and where not.
fn shown_agreement(agreement: &Agreement) -> String {
    let mut parts = vec![agreement.in_words()];
    for (count, words) in
        [(agreement.only_judge, "passed and people say wrong"), (agreement.only_person, "failed and people say right")]
    {
        if count > 0 {
            parts.push(format!("{} {words}", grouped(count)));
        }
    }
    parts.join("; ")
}

fn choices(counts: &Counts, chosen: Option<Status>, path: impl Fn(Option<Status>) -> String) -> Vec<Choice> {
    let all = Choice { path: path(None), label: "all", count: grouped(counts.total()), is_chosen: chosen.is_none() };
    let some = Status::ALL.into_iter().filter_map(|status| {
        let count = counts.count(status);
        let is_chosen = chosen == Some(status);
        (count > 0 || is_chosen).then(|| Choice {
            path: path(Some(status)),
            label: Badge::of_run(status).label,
            count: grouped(count),
            is_chosen,
        })
    });
    std::iter::once(all).chain(some).collect()
}

/// Returns the name of a status in an address.
fn in_address(status: Status) -> String {
    status.word().replace(' ', "-")
}

/// Where a page of the list ended: the list begins with what did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct After {
    part: RunPart,
    number: i64,
}

impl After {
    /// Reads it from an address: `f7` is among those that did not pass, `7` among the others.
    fn parse(text: &str) -> Option<Self> {
        let (part, number) = match text.strip_prefix('f') {
            Some(number) => (RunPart::NotPassed, number),
            None => (RunPart::Others, text),
        };
        Some(Self { part, number: number.parse().ok()? })
    }

    fn in_address(self) -> String {
        let mark = if self.part == RunPart::NotPassed { "f" } else { "" };
        format!("{mark}{}", self.number)
    }
}

/// The list of cases as the address confines it.
#[derive(Debug, Clone)]
struct CaseList<'a> {
    path: String,
    status: Option<Status>,
    text: String,
    persona: Option<&'a String>,
    /// The place of a criterion, and what it says: the name of that in the address, and it.
    criterion: Option<(usize, &'static str, Verdict)>,
    /// While a test goes on, the cases that ended last come first.
    newest_first: bool,
}

impl CaseList<'_> {
    /// Reads a page: what did not pass first. Returns the cases and where the next page begins.
    async fn read(
        &self,
        platform: &Platform,
        by: &SignedIn,
        batch: &str,
        after: Option<After>,
    ) -> Result<(Vec<Run>, Option<After>), PageError> {
        let filter = RunFilter {
            status: self.status,
            persona: self.persona.map(String::as_str),
            text: Some(self.text.as_str()).filter(|text| !text.is_empty()),
            newest_first: self.newest_first,
            criterion: self.criterion.and_then(|(position, _, verdict)| Some((i64::try_from(position).ok()?, verdict))),
            ..RunFilter::default()
        };
        let wanted = PAGE as usize + 1;
        let mut runs = Vec::new();
        for part in [RunPart::NotPassed, RunPart::Others] {
            let began = after.filter(|after| after.part == part).map(|after| after.number);
            let is_behind = part == RunPart::NotPassed && after.is_some_and(|after| after.part == RunPart::Others);
            if is_behind || runs.len() >= wanted {
                continue;
            }
            let limit = u32::try_from(wanted - runs.len()).unwrap_or(PAGE);
            let filter = RunFilter { part: Some(part), after: began, limit, ..filter };
            let found = platform.store.runs(&by.scope, batch, &filter).await?;
            runs.extend(found.into_iter().map(|run| (part, run)));
        }
        let has_more = runs.len() == wanted;
        runs.truncate(PAGE as usize);
        let next = runs.last().filter(|_| has_more).map(|(part, run)| After { part: *part, number: run.number });
        Ok((runs.into_iter().map(|(_, run)| run).collect(), next))
    }

    fn is_filtered(&self) -> bool {
        self.status.is_some() || !self.text.is_empty() || self.persona.is_some() || self.criterion.is_some()
    }

    /// Returns the parts of the address, but for the text.
    fn parts(&self) -> Vec<(&'static str, String)> {
        let mut parts = Vec::new();
        parts.extend(self.status.map(|status| ("status", in_address(status))));
        parts.extend(self.persona.map(|persona| ("persona", Visible::of(persona).plain().to_owned())));
        if let Some((position, verdict, _)) = self.criterion {
            parts.extend([("criterion", position.to_string()), ("verdict", verdict.to_owned())]);
        }
        parts
    }

    /// Returns the fields that the form with the text and the persona has besides.
    fn hidden(&self) -> Vec<(&'static str, String)> {
        self.parts().into_iter().filter(|(name, _)| *name != "persona").collect()
    }

    /// Returns the address of a page of the list.
    fn address(&self, after: Option<After>) -> String {
        let mut parts = self.parts();
        parts.extend((!self.text.is_empty()).then(|| ("text", self.text.clone())));
        parts.extend(after.map(|after| ("after", after.in_address())));
        let parts: Vec<String> = parts.into_iter().map(|(name, value)| format!("{name}={}", segment(&value))).collect();
        let mark = if parts.is_empty() { "" } else { "?" };
        format!("{}{mark}{}#cases", self.path, parts.join("&"))
    }

    fn criterion_row(&self, position: usize, tally: &CriterionTally, agreement: Option<&Agreement>) -> ListedCriterion {
        let misses = MISSES.iter().filter_map(|(name, verdict, words)| {
            let count = match verdict {
                Verdict::Failed => tally.failed,
                Verdict::Error => tally.error,
                _ => tally.not_judged,
            };
            let path = CaseList { criterion: Some((position, name, *verdict)), ..self.clone() }.address(None);
            let is_chosen = self.criterion.is_some_and(|(at, known, _)| at == position && known == *name);
            (count > 0).then(|| Choice { path, label: words, count: grouped(count), is_chosen })
        });
        let judged = tally.passed + tally.failed;
        let kind = if tally.pack.is_empty() { tally.kind.clone() } else { format!("{} · {}", tally.pack, tally.kind) };
        let reason = if tally.error + tally.not_judged > 0 { tally.reason.as_deref().unwrap_or_default() } else { "" };
        let rate = (judged > 0).then(|| percent(tally.passed as f64 / judged as f64));
        ListedCriterion {
            name: Visible::of(excerpt(&tally.name, 200)),
            about: Visible::of(kind),
            passed: grouped(tally.passed),
            rate,
            agreement: agreement.map(shown_agreement).unwrap_or_default(),
            reason: Visible::of(if reason.is_empty() { String::new() } else { excerpt(reason, 200) }),
            misses: misses.collect(),
        }
    }
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
