//! Trying a criterion on an answer: which answers there are, and what it says of one.

use keepstep_platform::{CriteriaList, Platform};
use keepstep_results::case::Finished;
use keepstep_results::criterion::Shape;
use keepstep_results::record::RunRecord;
use keepstep_results::status::Status;
use keepstep_results::turn::Turn;
use keepstep_store::results::{ExperimentFilter, Run, RunFilter};
use keepstep_store::test_data::Scenario;
use keepstep_store::{Project, StoreError};
use serde_json::Value;

use crate::error_page::{PageError, capitalized};
use crate::form::criterion::{CriterionForm, problem_of};
use crate::form::problem::Problem;
use crate::parts::marked::{Place, Searched};
use crate::parts::shown_results::{Badge, clipped, excerpt};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many cases one can choose from.
const MOST_CASES: u32 = 50;

/// The longest answer that a criterion is tried on, in bytes.
const LONGEST_ANSWER: usize = 5 * 1024 * 1024;

/// How much of an input stands in a list, in characters.
const EXCERPT: usize = 80;

/// The answers to choose from.
#[derive(Default)]
pub(crate) struct Answers {
    /// The experiment that they are from, and its name; nothing where there is none.
    pub(crate) experiment: Option<(String, Visible)>,
    pub(crate) cases: Vec<CaseChoice>,
}

/// A case to choose.
pub(crate) struct CaseChoice {
    pub(crate) id: String,
    pub(crate) label: Visible,
    pub(crate) is_chosen: bool,
}

/// What a criterion says of an answer, ready to show.
pub(crate) struct TriedView {
    pub(crate) badge: Badge,
    pub(crate) expected: Visible,
    pub(crate) found: Visible,
    pub(crate) places: Vec<Place>,
    pub(crate) input: Visible,
    pub(crate) answer: Visible,
    pub(crate) is_whole: bool,
}

/// Returns the answers of the experiment that a form names, or else of the newest one of its scenario: failures first.
pub(crate) async fn answers(
    platform: &Platform,
    by: &SignedIn,
    project: &Project,
    scenario: &Scenario,
    form: &CriterionForm,
) -> Result<Answers, PageError> {
    let store = &platform.store;
    let named = match form.experiment.as_str() {
        "" => None,
        id => match store.experiment(&by.scope, id).await {
            Ok(experiment) => Some(experiment).filter(|experiment| experiment.batch.scenario_id == scenario.id),
            Err(StoreError::BatchNotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
    };
    let experiment = match named {
        Some(experiment) => Some(experiment),
        None => {
            let filter = ExperimentFilter { scenario: Some(&scenario.id), limit: 1, ..ExperimentFilter::default() };
            store.experiments(&by.scope, &project.id, &filter).await?.into_iter().next()
        }
    };
    let Some(experiment) = experiment else { return Ok(Answers::default()) };
    let id = experiment.batch.id.clone();
    let filter = RunFilter { limit: MOST_CASES, ..RunFilter::default() };
    let mut runs = store.runs(&by.scope, &id, &filter).await?;
    runs.sort_by_key(|run| (run.status == Status::Passed, run.number));
    if !form.case.is_empty() && !runs.iter().any(|run| run.id == form.case) {
        match store.run(&by.scope, &id, &form.case).await {
            Ok(detail) => runs.insert(0, detail.run),
            Err(StoreError::RunNotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let choice = |run: &Run| CaseChoice {
        id: run.id.clone(),
        label: Visible::of(format!("{}: {}", run.status.word(), excerpt(&run.input, EXCERPT))),
        is_chosen: run.id == form.case,
    };
    Ok(Answers { cases: runs.iter().map(choice).collect(), experiment: Some((id, Visible::of(experiment.name()))) })
}

/// Returns what a criterion says of the answer that a form names; or what is wrong with the form.
pub(crate) async fn tried(
    platform: &Platform,
    by: &SignedIn,
    scenario: &str,
    form: &CriterionForm,
    criterion: Value,
    list: CriteriaList,
) -> Result<Result<TriedView, Problem>, PageError> {
    let case = match (form.case.as_str(), form.answer.trim()) {
        ("", "") => return Ok(Err(Problem::at("answer", "Choose a case, or paste an answer."))),
        ("", _) if form.kind().is_some_and(|kind| kind.shape == Shape::Duration) => {
            return Ok(Err(Problem::at("answer", "A pasted answer has no time. Choose a case.")));
        }
        ("", _) => pasted(&form.answer),
        (case, _) => match platform.judged_case(by, scenario, (&form.experiment, case)).await {
            Ok(case) => case,
            Err(keepstep_platform::Error::Store(StoreError::BatchNotFound(_) | StoreError::RunNotFound { .. })) => {
                return Ok(Err(Problem::at("answer", "The case is gone. Choose another one.")));
            }
            Err(error) => return Err(error.into()),
        },
    };
    let answer = case.output.clone().unwrap_or_default();
    if answer.len() > LONGEST_ANSWER {
        return Ok(Err(Problem::at("answer", "The answer is longer than 5 MiB.")));
    }
    let input = Visible::of(excerpt(&case.input, EXCERPT));
    let tried = match platform.try_criterion(criterion, list, case).await? {
        Ok(tried) => tried,
        Err(error) => return Ok(Err(problem_of(&error, form.kind()))),
    };
    let Some(finding) = tried.finding else {
        return Ok(Err(Problem::at("form", "The server runs no program and asks no model.")));
    };
    let (shown, is_whole) = clipped(&answer);
    Ok(Ok(TriedView {
        badge: Badge::of_verdict(finding.verdict),
        expected: Visible::of(capitalized(&tried.criterion.expected)),
        places: Searched::of(&answer).places(&tried.criterion.expected, &finding.found),
        found: Visible::of(&finding.found),
        input,
        answer: shown,
        is_whole,
    }))
}

/// Returns a case of which nothing but the answer is known.
fn pasted(answer: &str) -> Finished {
    // A browser sends every line end as two characters.
    let answer = answer.replace("\r\n", "\n");
    let turn = Turn { role: "assistant".into(), content: answer.clone(), ..Turn::default() };
    let record = RunRecord { output: answer, turns: vec![turn], ..RunRecord::new("pasted", Status::Passed) };
    record.into_case(0)
}
