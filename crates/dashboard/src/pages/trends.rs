//! `/projects/{id}/trends`: how experiments of a scenario went over time, as lines and as a table, with what changed between them.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_base::human::milliseconds_words;
use keepstep_http::addresses::{experiment_path, project_path};
use keepstep_platform::Platform;
use keepstep_store::results::TrendPoint;
use serde::Deserialize;

use super::experiment::Link;
use crate::addressed::AddressedProject;
use crate::error_page::PageError;
use crate::parts::chart::{Chart, Series, chart};
use crate::parts::chosen_trend::{ChosenTrend, TrendChoice};
use crate::parts::frame::Frame;
use crate::parts::shown_results::{dollars, excerpt, grouped, percent, shown_interval, whole};
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many of them stand in the table at a time.
const ROWS: usize = 100;

/// How many changes have a letter in the charts; all of them are in the table.
const LETTERS: usize = 26;

#[derive(Template)]
#[template(path = "trends.html")]
struct Trends {
    frame: Frame,
    project: Link,
    path: String,
    inputs: String,
    scenarios: Vec<TrendChoice>,
    branches: Vec<TrendChoice>,
    charts: Vec<Chart>,
    changes: Vec<Change>,
    points: Vec<Point>,
    newer: Option<String>,
    older: Option<String>,
}

/// Something that changed before an experiment.
struct Change {
    letter: String,
    experiment: Visible,
    what: Visible,
}

/// An experiment, in numbers.
struct Point {
    path: String,
    name: Visible,
    is_pinned: bool,
    began: Moment,
    passed: String,
    rate: String,
    interval: String,
    change: String,
    median: String,
    p95: String,
    tokens: String,
    cost: String,
    changed: Visible,
}

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TrendsQuery {
    scenario: String,
    branch: String,
    from: String,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
    Query(asked): Query<TrendsQuery>,
) -> Result<Response, PageError> {
    let chosen = ChosenTrend::of(&platform, &by, &id, &asked.scenario, &asked.branch).await?;
    let trend = &chosen.points;
    let from = asked.from.parse::<usize>().ok().filter(|from| *from < trend.len()).unwrap_or_default();
    let path = format!("{}/trends", project_path(&id));
    let address = |from: usize| {
        let from = (from > 0).then(|| from.to_string());
        chosen.address(&path, [("from", from)]) + "#numbers"
    };
    let changes = changes(trend);
    let lettered: Vec<(usize, String)> =
        changes.iter().take(LETTERS).zip('A'..='Z').map(|((at, _), letter)| (*at, letter.to_string())).collect();
    page(&Trends {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&id), name: Visible::of(&chosen.project.name) },
        inputs: chosen.address(&format!("{path}/inputs"), []),
        scenarios: chosen.scenarios.clone(),
        branches: chosen.branches.clone(),
        charts: charts(trend, &lettered),
        changes: changes
            .iter()
            .zip(&lettered)
            .map(|((at, what), (_, letter))| Change {
                letter: letter.clone(),
                experiment: Visible::of(excerpt(&trend[*at].name, 80)),
                what: Visible::of(what),
            })
            .collect(),
        points: (0..trend.len()).rev().skip(from).take(ROWS).map(|at| shown_point(&id, trend, at, &changes)).collect(),
        newer: (from > 0).then(|| address(from.saturating_sub(ROWS))),
        older: (from.saturating_add(ROWS) < trend.len()).then(|| address(from + ROWS)),
        path,
    })
}

/// Returns before which experiments something other than the code changed, and what.
fn changes(trend: &[TrendPoint]) -> Vec<(usize, String)> {
    let pairs = trend.windows(2).zip(1..);
    let what = |pair: &[TrendPoint]| {
        let [before, after] = pair else { return String::new() };
        let text = |text: &Option<String>| text.as_deref().map_or_else(|| "not known".to_owned(), |text| excerpt(text, 60));
        let bundle = |point: &TrendPoint| point.generation.map_or_else(|| point.bundle_id.clone(), |number| number.to_string());
        let mut parts = Vec::new();
        if before.persona != after.persona {
            parts.push(format!("persona {} → {}", text(&before.persona), text(&after.persona)));
        }
        if before.model != after.model {
            parts.push(format!("model {} → {}", text(&before.model), text(&after.model)));
        }
        if before.bundle_id != after.bundle_id {
            parts.push(format!("bundle version {} → {}", bundle(before), bundle(after)));
        }
        if before.target != after.target {
            parts.push(format!("target {} → {}", text(&before.target), text(&after.target)));
        }
        parts.join(", ")
    };
    pairs.map(|(pair, at)| (at, what(pair))).filter(|(_, what)| !what.is_empty()).collect()
}

fn charts(trend: &[TrendPoint], marks: &[(usize, String)]) -> Vec<Chart> {
    let values = |of: &dyn Fn(&TrendPoint) -> Option<f64>| trend.iter().map(of).collect::<Vec<_>>();
    let rates = values(&|point| point.counts.pass_rate());
    let bands: Vec<Option<(f64, f64)>> = trend
        .iter()
        .map(|point| {
            let interval = point.counts.interval()?;
            Some((interval.low, interval.high))
        })
        .collect();
    let (median, p95) = (values(&|point| point.figures.median_ms), values(&|point| point.figures.p95_ms));
    let (tokens, cost) = (values(&|point| point.figures.tokens), values(&|point| point.figures.cost_usd));
    let line = |name, class, values| Series { name, class, values };
    [
        chart(("rate", "Pass rate"), &[line("passed", "line-plain", &rates)], Some(&bands), marks, Some(1.0), percent),
        chart(
            ("latency", "Duration of a case"),
            &[line("p50", "line-plain", &median), line("p95", "line-dashed", &p95)],
            None,
            marks,
            None,
            milliseconds_words,
        ),
        chart(("tokens", "Tokens"), &[line("tokens", "line-plain", &tokens)], None, marks, None, whole),
        chart(("cost", "Cost"), &[line("cost", "line-plain", &cost)], None, marks, None, dollars),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn shown_point(project: &str, trend: &[TrendPoint], at: usize, changes: &[(usize, String)]) -> Point {
    let point = &trend[at];
    let counts = &point.counts;
    let before = at.checked_sub(1).and_then(|before| trend[before].counts.pass_rate());
    let change = counts.pass_rate().zip(before).map(|(after, before)| (after - before) * 100.0);
    let figures = &point.figures;
    let shown = |value: Option<f64>, words: fn(f64) -> String| value.map(words).unwrap_or_default();
    Point {
        path: experiment_path(project, &point.id),
        name: Visible::of(excerpt(&point.name, 120)),
        is_pinned: point.is_pinned,
        began: Moment::of(point.began_at),
        passed: format!("{} of {}", grouped(counts.passed), grouped(counts.total())),
        rate: shown(counts.pass_rate(), percent),
        interval: counts.interval().map(shown_interval).unwrap_or_default(),
        change: change.filter(|change| change.abs() >= 0.05).map(|change| format!("{change:+.1} points")).unwrap_or_default(),
        median: shown(figures.median_ms, milliseconds_words),
        p95: shown(figures.p95_ms, milliseconds_words),
        tokens: shown(figures.tokens, whole),
        cost: shown(figures.cost_usd, dollars),
        changed: Visible::of(changes.iter().find(|(place, _)| *place == at).map_or("", |(_, what)| what)),
    }
}
