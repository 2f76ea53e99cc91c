//! `/projects/{id}/trends/inputs`: the inputs of up to a thousand experiments in one table: how each ended every time, and since when.

use std::collections::HashMap;
use std::fmt::Write as _;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_http::addresses::{case_path, experiment_path, project_path};
use keepstep_platform::Platform;
use keepstep_results::compare::history::{Became, End, Histories, InputHistory, UNSTEADY, group_size};
use keepstep_store::results::{MOST_KEPT, ShownCase, TrendPoint};
use serde::Deserialize;

use super::experiment::Link;
use crate::addressed::AddressedProject;
use crate::error_page::PageError;
use crate::parts::chosen_trend::{ChosenTrend, TrendChoice};
use crate::parts::frame::Frame;
use crate::parts::shown_results::{Badge, excerpt, grouped};
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many inputs stand on a page.
const PAGE: usize = 25;

/// How many outcomes are read at a time, in experiments, and how many in all: the newest experiments that have as many cases.
const READ: usize = 50;
const MOST_OUTCOMES: u64 = 4_000_000;

/// How many bars a strip has at most. With more experiments a bar stands for several.
const MOST_BARS: u32 = 200;

/// Whether an input is of a kind.
type IsOf = fn(&InputHistory) -> bool;

/// What of the inputs is shown, by its name in the address, with the words.
const KINDS: [(&str, &str, IsOf); 6] = [
    ("", "all changes", |input| input.changes > 0),
    ("worse", "worse", |input| input.became() == Became::Worse),
    ("better", "better", |input| input.became() == Became::Better),
    ("unsteady", "unsteady", InputHistory::is_unsteady),
    ("never", "never passed", |input| input.became() == Became::NeverPassed),
    ("all", "all inputs", |_| true),
];

#[derive(Template)]
#[template(path = "trend_inputs.html")]
struct TrendInputs {
    frame: Frame,
    project: Link,
    trends: String,
    path: String,
    scenarios: Vec<TrendChoice>,
    branches: Vec<TrendChoice>,
    experiments: String,
    /// How many experiments a bar stands for, where it is more than one.
    together: Option<u32>,
    unsteady: u32,
    /// What is not in the table, in words.
    left_out: Vec<String>,
    kinds: Vec<Kind>,
    inputs: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
}

struct Kind {
    path: String,
    label: &'static str,
    count: String,
    is_chosen: bool,
}

/// An input.
struct Row {
    case: Option<String>,
    text: Visible,
    badge: Badge,
    /// Since which experiment.
    since: Option<Link>,
    /// The experiment in which it was tried last, if that is not the newest.
    last: Option<Link>,
    passed: String,
    changes: String,
    strip: Strip,
}

/// The bars of an input: a low one where it passed, a higher one where some of its cases did, a full one where none did.
struct Strip {
    width: u32,
    passed: String,
    some: String,
    failed: String,
}

/// What the address asks for. What is invalid is ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TrendInputsQuery {
    scenario: String,
    branch: String,
    show: String,
    from: String,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
    Query(asked): Query<TrendInputsQuery>,
) -> Result<Response, PageError> {
    let chosen = ChosenTrend::of(&platform, &by, &id, &asked.scenario, &asked.branch).await?;
    let points = newest(&chosen.points, MOST_OUTCOMES);
    let runs = u32::try_from(points.len()).unwrap_or(u32::MAX);
    let (mut histories, mut unknown) = (Histories::default(), 0);
    for some in points.chunks(READ) {
        let ids: Vec<&str> = some.iter().map(|point| point.id.as_str()).collect();
        let outcomes = platform.store.outcomes(&by.scope, &id, &ids).await?;
        for id in ids {
            let known = outcomes.get(id);
            unknown += usize::from(known.is_none());
            histories.add(known);
        }
    }
    let all = histories.finish();
    let (kind, _, is_shown) = KINDS.iter().find(|(name, ..)| *name == asked.show).unwrap_or(&KINDS[0]);
    let matching: Vec<&InputHistory> = all.iter().filter(|input| is_shown(input)).collect();
    let from = asked.from.parse::<usize>().ok().filter(|from| *from < matching.len()).unwrap_or_default();
    let shown = &matching[from..matching.len().min(from + PAGE)];
    let cases: Vec<i64> = shown.iter().map(|input| input.case).collect();
    let cases = platform.store.shown_cases(&by.scope, &id, &cases).await?;
    let trends = format!("{}/trends", project_path(&id));
    let path = format!("{trends}/inputs");
    let address = |show: &str, from: usize| {
        let show = (!show.is_empty()).then(|| show.to_owned());
        chosen.address(&path, [("show", show), ("from", (from > 0).then(|| from.to_string()))]) + "#inputs"
    };
    page(&TrendInputs {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&id), name: Visible::of(&chosen.project.name) },
        trends: chosen.address(&trends, []),
        scenarios: chosen.scenarios.clone(),
        branches: chosen.branches.clone(),
        experiments: grouped(u64::from(runs)),
        together: Some(group_size(runs, MOST_BARS)).filter(|together| *together > 1),
        unsteady: UNSTEADY,
        left_out: left_out(chosen.points.len() - points.len(), unknown),
        kinds: KINDS
            .iter()
            .map(|(name, label, is_of)| Kind {
                path: address(name, 0),
                label,
                count: grouped(all.iter().filter(|input| is_of(input)).count() as u64),
                is_chosen: name == kind,
            })
            .collect(),
        inputs: shown.iter().map(|input| row(&id, points, input, &cases)).collect(),
        newer: (from > 0).then(|| address(kind, from.saturating_sub(PAGE))),
        older: (from + PAGE < matching.len()).then(|| address(kind, from + PAGE)),
        path,
    })
}

/// Returns the newest experiments that have at most so many cases.
fn newest(points: &[TrendPoint], most: u64) -> &[TrendPoint] {
    let mut cases = 0_u64;
    let fit = points.iter().rev().take_while(|point| {
        cases = cases.saturating_add(point.counts.total());
        cases <= most
    });
    &points[points.len() - fit.count()..]
}

/// Says what is not in the table.
fn left_out(older: usize, unknown: usize) -> Vec<String> {
    let experiments = |count: usize| if count == 1 { "1 experiment".to_owned() } else { format!("{count} experiments") };
    let older = (older > 0).then(|| {
        format!("{} older than the newest {} cases, which the table holds at most.", experiments(older), grouped(MOST_OUTCOMES))
    });
    let unknown = (unknown > 0).then(|| {
        format!("{} still running, not counted yet, or with more than {} cases.", experiments(unknown), grouped(MOST_KEPT))
    });
    older.into_iter().chain(unknown).collect()
}

fn row(project: &str, points: &[TrendPoint], input: &InputHistory, cases: &HashMap<i64, ShownCase>) -> Row {
    let experiment = |at: u32| {
        let point = points.get(at as usize)?;
        Some(Link { path: experiment_path(project, &point.id), name: Visible::of(excerpt(&point.name, 60)) })
    };
    let case = cases.get(&input.case);
    let became = input.became();
    Row {
        case: case.map(|case| case_path(&experiment_path(project, &case.batch_id), &case.run_id)),
        text: Visible::of(case.map_or_else(|| "an input that is not here any more".to_owned(), |case| excerpt(&case.input, 160))),
        badge: match became {
            Became::Worse => Badge { label: "worse", class: "bad" },
            Became::Better => Badge { label: "better", class: "good" },
            Became::NeverPassed => Badge { label: "never passed", class: "bad" },
            Became::AlwaysPassed => Badge { label: "always passed", class: "" },
        },
        since: experiment(input.since).filter(|_| input.changes > 0),
        last: experiment(input.last).filter(|_| input.last as usize + 1 < points.len()),
        passed: format!("{} of {}", grouped(u64::from(input.passed)), grouped(u64::from(input.tried))),
        changes: grouped(u64::from(input.changes)),
        strip: Strip::of(&input.groups(u32::try_from(points.len()).unwrap_or(u32::MAX), MOST_BARS)),
    }
}

impl Strip {
    /// Draws bars of one unit each; neighbors of the same end are one.
    fn of(groups: &[Option<End>]) -> Self {
        let mut strip = Self { width: groups.len() as u32, passed: String::new(), some: String::new(), failed: String::new() };
        let mut at = 0;
        for neighbors in groups.chunk_by(|one, other| one == other) {
            let length = neighbors.len();
            let drawn = match neighbors[0] {
                Some(End::Passed) => Some((&mut strip.passed, 7, 3)),
                Some(End::Some) => Some((&mut strip.some, 4, 6)),
                Some(End::Failed) => Some((&mut strip.failed, 0, 10)),
                None => None,
            };
            if let Some((path, top, height)) = drawn {
                // (Writing to a text does not fail.)
                let _ = write!(path, "M{at} {top}h{length}v{height}h-{length}z");
            }
            at += length;
        }
        strip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbors_that_ended_the_same_are_one_bar() {
        let strip =
            Strip::of(&[Some(End::Passed), Some(End::Passed), None, Some(End::Some), Some(End::Failed), Some(End::Passed)]);
        assert_eq!((strip.width, strip.passed.as_str()), (6, "M0 7h2v3h-2zM5 7h1v3h-1z"));
        assert_eq!((strip.some.as_str(), strip.failed.as_str()), ("M3 4h1v6h-1z", "M4 0h1v10h-1z"));
    }

    #[test]
    fn what_is_left_out_is_said() {
        assert!(left_out(0, 0).is_empty());
        assert_eq!(left_out(1, 2).len(), 2);
        assert!(left_out(1, 0)[0].starts_with("1 experiment older"));
    }
}
