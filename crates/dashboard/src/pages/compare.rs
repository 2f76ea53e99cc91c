//! `/projects/{id}/compare`: two experiments case by case, or several side by side. What is not the same comes first, and alone.
//!
//! What counts as worse and what may be chance is what `keepstep results compare` says: both ask [`keepstep_results::compare`].

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use futures_util::future::try_join;
use keepstep_base::human::milliseconds_words;
use keepstep_base::text::shell_word;
use keepstep_http::addresses::{case_path, experiment_path, project_path, segment};
use keepstep_platform::Platform;
use keepstep_results::compare::check::{Limits, findings};
use keepstep_results::compare::figures::{InputFigures, InputKey};
use keepstep_results::compare::inputs::{ComparedInput, InputChange, Tried, by_input};
use keepstep_results::compare::{Comparison, Figure};
use keepstep_results::provenance::{Difference, Provenance};
use keepstep_results::statistics::{SIGNIFICANCE, wilson};
use keepstep_results::status::Status;
use keepstep_store::Project;
use keepstep_store::results::{ComparedCases, Experiment, ExperimentFilter, RunTexts};

use super::experiment::{Link, experiment_of};
use crate::addressed::AddressedProject;
use crate::error_page::PageError;
use crate::parts::agent_names::AgentNames;
use crate::parts::baseline::{CHOICES, compare_path};
use crate::parts::diff_view::{self, DiffRow};
use crate::parts::frame::Frame;
use crate::parts::shown_results::{Badge, Figures, dollars, excerpt, grouped, percent, provenance_line, shown_interval, whole};
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many inputs stand on a page.
const PAGE: usize = 25;

/// How many experiments are compared input by input, and of how many the figures are shown.
const MOST_SIDE_BY_SIDE: usize = 10;
const MOST_HEADS: usize = 100;

/// How much of an answer is compared word by word, in characters.
const LONGEST_ANSWER: usize = 20_000;

/// The kinds of changes: the name in the address, the words, the badge.
const KINDS: [(InputChange, &str, &str, &str); 7] = [
    (InputChange::Worse, "worse", "worse", "bad"),
    (InputChange::Otherwise, "otherwise", "not passed in another way", "draft"),
    (InputChange::Better, "better", "better", "good"),
    (InputChange::Answer, "answers", "other answer", ""),
    (InputChange::New, "new", "only after", ""),
    (InputChange::Gone, "gone", "only before", ""),
    (InputChange::Same, "same", "the same", ""),
];

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    frame: Frame,
    project: Link,
    path: String,
    sides: [Side; 2],
    swap: String,
    options: Vec<Choice>,
    verdict: String,
    verdict_class: &'static str,
    differences: Vec<ShownDifference>,
    figures: Vec<FigureRow>,
    kinds: Vec<KindChoice>,
    inputs: Vec<InputRow>,
    newer: Option<String>,
    older: Option<String>,
    command: String,
}

/// One of the two experiments.
struct Side {
    path: String,
    name: Visible,
    is_pinned: bool,
    provenance: Visible,
    made: Moment,
}

/// An experiment to compare with.
struct Choice {
    id: String,
    name: String,
    is_before: bool,
    is_after: bool,
}

/// Says a figure.
type Words = fn(f64) -> String;

/// Something beside the code that was not the same.
struct ShownDifference {
    what: &'static str,
    before: Visible,
    after: Visible,
}

/// A figure of both.
struct FigureRow {
    name: &'static str,
    before: String,
    after: String,
    change: String,
    chance: String,
}

struct KindChoice {
    path: String,
    label: &'static str,
    count: String,
    is_chosen: bool,
}

/// An input of both.
struct InputRow {
    badge: Badge,
    text: Visible,
    before: Ended,
    after: Ended,
    diff: Vec<DiffRow>,
}

/// How an input ended in one of them; else why it did not.
struct Ended {
    cell: Option<Cell>,
    without: &'static str,
}

/// How an input ended in one of them, ready to show.
struct Cell {
    path: String,
    text: String,
    interval: Option<String>,
    class: &'static str,
}

#[derive(Template)]
#[template(path = "compare_many.html")]
struct ManyPage {
    frame: Frame,
    project: Link,
    experiments: Vec<ManyHead>,
    /// How many of them stand in the table of inputs.
    side_by_side: usize,
    inputs: Vec<ManyRow>,
    is_all: bool,
    only_changed: String,
    all: String,
    newer: Option<String>,
    older: Option<String>,
    count: String,
    /// The page of each input in all experiments of the newest one's scenario.
    over_time: String,
}

struct ManyHead {
    side: Side,
    badge: Badge,
    figures: Figures,
    p95: Option<String>,
    cost: Option<String>,
}

struct ManyRow {
    text: Visible,
    cells: Vec<Ended>,
}

/// What the address asks for. What is invalid is ignored.
struct Asked {
    experiments: Vec<String>,
    before: Option<String>,
    after: Option<String>,
    show: Option<InputChange>,
    is_all: bool,
    from: usize,
}

impl Asked {
    fn of(pairs: Vec<(String, String)>) -> Self {
        let mut asked = Self { experiments: Vec::new(), before: None, after: None, show: None, is_all: false, from: 0 };
        for (name, value) in pairs {
            match name.as_str() {
                "experiment" if !asked.experiments.contains(&value) => asked.experiments.push(value),
                "before" if !value.is_empty() => asked.before = Some(value),
                "after" if !value.is_empty() => asked.after = Some(value),
                "show" if value == "all" => asked.is_all = true,
                "show" => asked.show = KINDS.iter().find(|(_, known, ..)| *known == value).map(|(kind, ..)| *kind),
                "from" => asked.from = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        asked
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let asked = Asked::of(pairs);
    let project = platform.store.project(&by.scope, &id).await?;
    if let (Some(before), Some(after)) = (&asked.before, &asked.after) {
        let before = experiment_of(&platform, &by, &id, before).await?;
        let after = experiment_of(&platform, &by, &id, after).await?;
        return two(&platform, &by, &project, &before, &after, &asked).await;
    }
    let mut experiments = Vec::new();
    for id in asked.experiments.iter().take(MOST_HEADS) {
        experiments.push(experiment_of(&platform, &by, &project.id, id).await?);
    }
    // The older one first: what came later is better or worse than it.
    experiments.sort_by_key(|experiment| experiment.batch.started_at.unwrap_or(experiment.batch.created_at));
    match &experiments[..] {
        [before, after] => two(&platform, &by, &project, before, after, &asked).await,
        [] | [_] => choose(&platform, &by, &project, experiments.first()).await,
        experiments => many(&platform, &by, &project, experiments, &asked).await,
    }
}

/// Leads from one experiment to the comparison with the usual one, and from none to the list.
async fn choose(
    platform: &Platform,
    by: &SignedIn,
    project: &Project,
    experiment: Option<&Experiment>,
) -> Result<Response, PageError> {
    let list = || Redirect::to(&format!("{}/experiments?choose=yes", project_path(&project.id))).into_response();
    let Some(experiment) = experiment else { return Ok(list()) };
    let Some(before) = platform.usual_baseline(&by.scope, experiment).await? else { return Ok(list()) };
    let asked = Asked::of(Vec::new());
    two(platform, by, project, &before, experiment, &asked).await
}

async fn two(
    platform: &Platform,
    by: &SignedIn,
    project: &Project,
    before: &Experiment,
    after: &Experiment,
    asked: &Asked,
) -> Result<Response, PageError> {
    let cases = |experiment: &Experiment| {
        let (store, scope, id) = (platform.store.clone(), by.scope.clone(), experiment.batch.id.clone());
        async move { store.compared_cases(&scope, &id).await }
    };
    let (old, new) = try_join(cases(before), cases(after)).await?;
    let comparison = Comparison::of(&old.figures, &new.figures);
    let all = by_input(&old.figures, &new.figures, &comparison);
    let count = |kind: InputChange| all.iter().filter(|input| input.change == kind).count();
    let address = |show: Option<&str>, from: usize| {
        let mut address = compare_path(&project.id, &before.batch.id, &after.batch.id);
        if let Some(show) = show {
            address += &format!("&show={show}");
        }
        if from > 0 {
            address += &format!("&from={from}");
        }
        address + "#inputs"
    };
    let is_chosen = |input: &&ComparedInput| match asked.show {
        Some(kind) => input.change == kind,
        None => asked.is_all || input.change != InputChange::Same,
    };
    let chosen: Vec<&ComparedInput> = all.iter().filter(is_chosen).collect();
    let shown: Vec<&ComparedInput> = chosen.iter().skip(asked.from).take(PAGE).copied().collect();
    let texts = [texts(platform, by, before, &old, &shown).await?, texts(platform, by, after, &new, &shown).await?];
    let mut inputs = Vec::with_capacity(shown.len());
    for input in &shown {
        inputs.push(input_row(platform, input, [(before, &old), (after, &new)], &texts).await?);
    }
    let show = asked.show.and_then(|kind| KINDS.iter().find(|(known, ..)| *known == kind)).map(|(_, name, ..)| *name);
    let show = show.or(asked.is_all.then_some("all"));
    let mut kinds = vec![KindChoice {
        path: address(None, 0),
        label: "all changes",
        count: grouped((all.len() - count(InputChange::Same)) as u64),
        is_chosen: show.is_none(),
    }];
    kinds.extend(KINDS.iter().filter(|(kind, ..)| count(*kind) > 0 || asked.show == Some(*kind)).map(
        |(kind, name, words, _)| {
            let count = grouped(count(*kind) as u64);
            KindChoice { path: address(Some(name), 0), label: words, count, is_chosen: asked.show == Some(*kind) }
        },
    ));
    let names = AgentNames::of(platform, by, [before, after].into_iter().map(|side| &side.batch)).await?;
    let pairs = &comparison.pairs;
    let is_clear = pairs.p_value() <= SIGNIFICANCE;
    let options = ExperimentFilter { scenario: Some(&after.batch.scenario_id), limit: CHOICES, ..ExperimentFilter::default() };
    let mut options = platform.store.experiments(&by.scope, &project.id, &options).await?;
    for side in [before, after] {
        if !options.iter().any(|option| option.batch.id == side.batch.id) {
            options.push(side.clone());
        }
    }
    page(&ComparePage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        path: format!("{}/compare", project_path(&project.id)),
        swap: compare_path(&project.id, &after.batch.id, &before.batch.id),
        verdict: comparison.in_words(),
        verdict_class: match pairs.better.cmp(&pairs.worse) {
            std::cmp::Ordering::Less if is_clear => "bad",
            std::cmp::Ordering::Greater if is_clear => "good",
            _ => "",
        },
        differences: differences(before, after),
        figures: figure_rows(&old, &new, &comparison),
        kinds,
        inputs,
        newer: (asked.from > 0).then(|| address(show, asked.from.saturating_sub(PAGE))),
        older: (asked.from.saturating_add(PAGE) < chosen.len()).then(|| address(show, asked.from + PAGE)),
        options: options
            .iter()
            .map(|option| Choice {
                id: option.batch.id.clone(),
                name: Visible::of(excerpt(option.name(), 80)).plain().to_owned(),
                is_before: option.batch.id == before.batch.id,
                is_after: option.batch.id == after.batch.id,
            })
            .collect(),
        command: command([before, after].map(sent_name)),
        sides: [side(before, &names), side(after, &names)],
    })
}

/// Returns the command that compares two experiments. Their names are what a client sent: they are words and no options.
fn command(names: [String; 2]) -> String {
    let end_of_options = if names.iter().any(|name| name.starts_with('-')) { "-- " } else { "" };
    let [before, after] = &names;
    format!("keepstep results compare {end_of_options}{} {}", shell_word(before), shell_word(after))
}

/// Returns the name under which the command line knows an experiment.
fn sent_name(experiment: &Experiment) -> String {
    Visible::of(experiment.batch.experiment_id.as_deref().unwrap_or(&experiment.batch.id)).plain().to_owned()
}

fn side(experiment: &Experiment, names: &AgentNames) -> Side {
    let batch = &experiment.batch;
    Side {
        path: experiment_path(&batch.project_id, &batch.id),
        name: Visible::of(experiment.name()),
        is_pinned: experiment.pinned_at.is_some(),
        provenance: Visible::of(provenance_line(batch, &|id: &str| names.get(id))),
        made: Moment::of(batch.started_at.unwrap_or(batch.created_at)),
    }
}

fn differences(before: &Experiment, after: &Experiment) -> Vec<ShownDifference> {
    let [old, new] = [before, after].map(|experiment| Provenance::of(&experiment.batch.details));
    let shown = |text: Option<String>| Visible::of(text.map_or_else(|| "not known".to_owned(), |text| excerpt(&text, 80)));
    let difference = |Difference { what, before, after }| match what {
        // Digests say nothing to people.
        "configuration" => ShownDifference { what, before: Visible::of(""), after: Visible::of("changed") },
        what => ShownDifference { what, before: shown(before), after: shown(after) },
    };
    old.differences(&new).into_iter().map(difference).collect()
}

fn figure_rows(old: &ComparedCases, new: &ComparedCases, comparison: &Comparison) -> Vec<FigureRow> {
    let known = |number: Option<f64>, words: fn(f64) -> String| number.map_or_else(|| "not known".to_owned(), words);
    let growth = |figure: Figure| {
        let growth = figure.growth().map(|growth| if growth.abs() < 0.0005 { 0.0 } else { growth * 100.0 });
        growth.map(|growth| format!("{growth:+.1} %")).unwrap_or_default()
    };
    // The question of the gate, with nothing allowed.
    let limits = Limits { p95: Some(0.0), cost: Some(0.0), ..Limits::default() };
    let findings = findings(comparison, &old.figures, &new.figures, limits);
    let finding = |what: &str| findings.iter().find(|finding| finding.what == what);
    let chance = |what: &str| {
        let finding = finding(what);
        finding.and_then(|finding| finding.chance().or_else(|| finding.reason.clone())).unwrap_or_default()
    };
    let pairs = &comparison.pairs;
    let rate = |passed: u64| (pairs.count() > 0).then(|| percent(passed as f64 / pairs.count() as f64));
    let mut rows = vec![FigureRow {
        name: "Pass rate of common cases",
        before: rate(pairs.both + pairs.worse).unwrap_or_else(|| "not known".to_owned()),
        after: rate(pairs.both + pairs.better).unwrap_or_else(|| "not known".to_owned()),
        change: if pairs.count() > 0 { format!("{:+.1} points", pairs.change() * 100.0) } else { String::new() },
        chance: finding("pass_rate").and_then(|finding| finding.reason.clone()).unwrap_or_default(),
    }];
    let figures: [(&'static str, Figure, Words, &str); 4] = [
        ("Half took at most", comparison.p50_ms, milliseconds_words, ""),
        ("95 of 100 took at most", comparison.p95_ms, milliseconds_words, "p95"),
        ("Tokens", comparison.tokens, whole, ""),
        ("Cost", comparison.cost_usd, dollars, "cost"),
    ];
    for (name, figure, words, what) in figures {
        if figure.before.is_some() || figure.after.is_some() {
            let (before, after) = (known(figure.before, words), known(figure.after, words));
            // That it is not longer needs no test.
            let is_more = figure.growth().is_some_and(|growth| growth > 0.0);
            let chance = if is_more { chance(what) } else { String::new() };
            rows.push(FigureRow { name, before, after, change: growth(figure), chance });
        }
    }
    rows
}

/// Returns the texts of the cases to look at, by the keys of their inputs.
async fn texts(
    platform: &Platform,
    by: &SignedIn,
    experiment: &Experiment,
    cases: &ComparedCases,
    shown: &[&ComparedInput],
) -> Result<HashMap<InputKey, (String, RunTexts)>, PageError> {
    let runs: Vec<(InputKey, &str)> =
        shown.iter().filter_map(|input| Some((input.key, run_of(cases, input)?.as_str()))).collect();
    let ids: Vec<&str> = runs.iter().map(|(_, id)| *id).collect();
    let mut found = platform.store.run_texts(&by.scope, &experiment.batch.id, &ids).await?;
    Ok(runs.into_iter().filter_map(|(key, id)| Some((key, (id.to_owned(), found.remove(id)?)))).collect())
}

/// Returns the run to look at: that of the same iteration, else any of the input.
fn run_of<'a>(cases: &'a ComparedCases, input: &ComparedInput) -> Option<&'a String> {
    let first = || cases.figures.get(input.key)?.runs.iter().find_map(|once| cases.runs.get(&(input.key, once.iteration)));
    cases.runs.get(&input.case).or_else(first)
}

async fn input_row(
    platform: &Platform,
    input: &ComparedInput,
    sides: [(&Experiment, &ComparedCases); 2],
    texts: &[HashMap<InputKey, (String, RunTexts)>; 2],
) -> Result<InputRow, PageError> {
    let of = |side: usize| texts[side].get(&input.key);
    let said = |side: usize| {
        let (_, texts) = of(side)?;
        let text = if texts.output.is_empty() { texts.error.as_deref().unwrap_or_default() } else { &texts.output };
        Some(text.chars().take(LONGEST_ANSWER).collect::<String>())
    };
    let diff = match (said(0), said(1)) {
        (Some(old), Some(new)) if old != new => diff_view::rows(platform, old, new).await?,
        _ => Vec::new(),
    };
    let text = of(1).or_else(|| of(0)).map_or(input.name.as_str(), |(_, texts)| &texts.input);
    let (_, _, label, class) = *KINDS.iter().find(|(kind, ..)| *kind == input.change).unwrap_or(&KINDS[6]);
    let cell = |side: usize, tried: Option<Tried>| {
        let (experiment, cases) = sides[side];
        ended(experiment, cases, input.key, tried, of(side).map(|(id, _)| id.as_str()))
    };
    Ok(InputRow {
        badge: Badge { label, class },
        text: Visible::of(excerpt(text, 160)),
        before: cell(0, input.before),
        after: cell(1, input.after),
        diff,
    })
}

/// Returns how an input ended in an experiment. One that ran and was not judged has no end that can be compared.
fn ended(experiment: &Experiment, cases: &ComparedCases, key: InputKey, tried: Option<Tried>, run: Option<&str>) -> Ended {
    let is_not_judged = |input: &InputFigures| input.runs.iter().any(|once| once.status == Status::NotJudged);
    let without = if cases.figures.get(key).is_some_and(is_not_judged) { "no verdict" } else { "not run" };
    Ended { cell: tried.map(|tried| cell(experiment, tried, run)), without }
}

/// Returns how an input ended in an experiment: the status of one case, `4/5` of several.
fn cell(experiment: &Experiment, tried: Tried, run: Option<&str>) -> Cell {
    let batch = &experiment.batch;
    let path = experiment_path(&batch.project_id, &batch.id);
    let class = match tried.passed {
        passed if passed == tried.of => "good",
        0 => "bad",
        _ => "draft",
    };
    Cell {
        path: run.map_or_else(|| path.clone(), |run| case_path(&path, run)),
        text: match tried.status {
            Some(status) => Badge::of_run(status).label.to_owned(),
            None => format!("{}/{}", tried.passed, tried.of),
        },
        interval: wilson(tried.passed, tried.of).filter(|_| tried.of > 1).map(shown_interval),
        class,
    }
}

async fn many(
    platform: &Platform,
    by: &SignedIn,
    project: &Project,
    experiments: &[Experiment],
    asked: &Asked,
) -> Result<Response, PageError> {
    let all = experiments;
    // The newest ones, in the order of all.
    let first = all.len().saturating_sub(MOST_SIDE_BY_SIDE);
    let experiments = &all[first..];
    let mut cases = Vec::with_capacity(experiments.len());
    for experiment in experiments {
        cases.push(platform.store.compared_cases(&by.scope, &experiment.batch.id).await?);
    }
    // Inputs in the order of their names, those of the newest experiments first.
    let mut seen = std::collections::HashSet::new();
    let inputs: Vec<(InputKey, &str)> = cases
        .iter()
        .rev()
        .flat_map(|cases| cases.figures.inputs.iter().map(|input| (input.key, input.name.as_str())))
        .filter(|(key, _)| seen.insert(*key))
        .collect();
    let tried =
        |key: InputKey| -> Vec<Option<Tried>> { cases.iter().map(|cases| cases.figures.get(key).and_then(Tried::of)).collect() };
    let is_changed = |tried: &[Option<Tried>]| {
        let rates: Vec<(u64, u64)> = tried.iter().flatten().map(|tried| (tried.passed, tried.of)).collect();
        rates.windows(2).any(|pair| pair[0].0 * pair[1].1 != pair[1].0 * pair[0].1)
    };
    let chosen: Vec<(InputKey, &str, Vec<Option<Tried>>)> = inputs
        .iter()
        .map(|(key, name)| (*key, *name, tried(*key)))
        .filter(|(_, _, tried)| tried.iter().any(Option::is_some) && (asked.is_all || is_changed(tried)))
        .collect();
    let shown: Vec<_> = chosen.iter().skip(asked.from).take(2 * PAGE).collect();
    let mut texts: HashMap<InputKey, String> = HashMap::new();
    let mut runs: HashMap<(usize, InputKey), String> = HashMap::new();
    for (at, (experiment, cases)) in experiments.iter().zip(&cases).enumerate() {
        let here = shown.iter().filter_map(|(key, ..)| {
            let bad = cases.figures.get(*key)?.runs.iter().find(|once| once.status != Status::Passed);
            let once = bad.or_else(|| cases.figures.get(*key)?.runs.first())?;
            Some((*key, cases.runs.get(&(*key, once.iteration))?.clone()))
        });
        let here: Vec<(InputKey, String)> = here.collect();
        let missing: Vec<&str> = here.iter().filter(|(key, _)| !texts.contains_key(key)).map(|(_, id)| id.as_str()).collect();
        let mut found = platform.store.run_texts(&by.scope, &experiment.batch.id, &missing).await?;
        for (key, id) in here {
            texts.extend(found.remove(&id).map(|texts| (key, texts.input)));
            runs.insert((at, key), id);
        }
    }
    let rows = shown.iter().map(|(key, name, tried)| ManyRow {
        text: Visible::of(excerpt(texts.get(key).map_or(name, |text| text), 120)),
        cells: tried
            .iter()
            .enumerate()
            .map(|(at, tried)| ended(&experiments[at], &cases[at], *key, *tried, runs.get(&(at, *key)).map(String::as_str)))
            .collect(),
    });
    let names = AgentNames::of(platform, by, all.iter().map(|experiment| &experiment.batch)).await?;
    let base = format!("{}/compare?", project_path(&project.id))
        + &all.iter().map(|experiment| format!("experiment={}", segment(&experiment.batch.id))).collect::<Vec<_>>().join("&");
    let address = |is_all: bool, from: usize| {
        let show = if is_all { "&show=all" } else { "" };
        let from = if from > 0 { format!("&from={from}") } else { String::new() };
        format!("{base}{show}{from}#inputs")
    };
    page(&ManyPage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        side_by_side: experiments.len(),
        experiments: all
            .iter()
            .map(|experiment| ManyHead {
                side: side(experiment, &names),
                badge: experiment.batch.status.into(),
                figures: Figures::from(&experiment.batch.counts),
                p95: experiment.figures.p95_ms.map(milliseconds_words),
                cost: experiment.figures.cost_usd.map(dollars),
            })
            .collect(),
        inputs: rows.collect(),
        is_all: asked.is_all,
        only_changed: address(false, 0),
        all: address(true, 0),
        newer: (asked.from > 0).then(|| address(asked.is_all, asked.from.saturating_sub(2 * PAGE))),
        older: (asked.from.saturating_add(2 * PAGE) < chosen.len()).then(|| address(asked.is_all, asked.from + 2 * PAGE)),
        count: grouped(chosen.len() as u64),
        over_time: format!(
            "{}/trends/inputs{}",
            project_path(&project.id),
            all.last().map(|newest| format!("?scenario={}", segment(&newest.batch.scenario_id))).unwrap_or_default()
        ),
    })
}
