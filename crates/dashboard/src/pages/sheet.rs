//! `/projects/{project}/scenarios/{scenario}/add/{sheet}`: what a file or a pasted text would do to the inputs of a scenario, adding it, and
//! what came of that.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use keepstep_http::addresses::{project_path, scenario_path, segment};
use keepstep_platform::{AddedSheet, AlikeRow, Platform, SheetForm, SheetOutcome, SheetPlan, SheetView};
use keepstep_store::test_data::{InputSheet, Scenario};
use keepstep_store::{Project, Role};
use keepstep_testdata::sheet::{Encoding, Format, Meaning, RowProblem};

use super::experiment::Link;
use super::scenario::scenario_of;
use crate::error_page::PageError;
use crate::form::posted::Posted;
use crate::form::sheet::SheetFields;
use crate::parts::frame::Frame;
use crate::parts::shown_results::{excerpt, grouped};
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many problems are listed.
const MOST_PROBLEMS: usize = 100;

/// How much of a text is shown, in characters.
const EXCERPT: usize = 120;

#[derive(Template)]
#[template(path = "sheet.html")]
struct PlanPage {
    frame: Frame,
    project: Link,
    scenario: Link,
    path: String,
    id: String,
    name: Visible,
    notice: Option<&'static str>,
    seen: String,
    formats: Vec<(&'static str, &'static str, bool)>,
    is_table: bool,
    has_names: bool,
    /// How the characters are read, where that can be chosen.
    encodings: Vec<(&'static str, &'static str, bool)>,
    is_guessed_encoding: bool,
    columns: Vec<Column>,
    new: String,
    changed: String,
    same: String,
    problem_count: String,
    problems: Vec<(usize, Visible)>,
    more_problems: Option<String>,
    alike_count: String,
    alike: Vec<Alike>,
    more_alike: Option<String>,
    is_not_compared: bool,
    impossible: Option<String>,
    does_something: bool,
}

/// A column, with what it may be.
struct Column {
    number: usize,
    key: String,
    name: Visible,
    meanings: Vec<(&'static str, &'static str, bool)>,
    sample: Vec<Visible>,
}

/// A row that says nearly what another says.
struct Alike {
    line: usize,
    words: Visible,
    input: Option<String>,
    other_line: usize,
    other_words: Visible,
}

#[derive(Template)]
#[template(path = "sheet_outcome.html")]
struct OutcomePage {
    frame: Frame,
    project: Link,
    scenario: Link,
    path: String,
    added: String,
    changed: String,
    same: String,
    skipped: String,
    problems: Vec<(usize, Visible)>,
    more_problems: Option<String>,
    left: String,
    left_ids: Vec<Link>,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Path((project, scenario, sheet)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &project, &scenario).await?;
    shown(&platform, &by, (&project, &scenario), &sheet, None).await
}

/// `POST`: reads the sheet in another way, or adds it.
pub(crate) async fn send(
    State(platform): State<Platform>,
    Path((project, scenario, sheet)): Path<(String, String, String)>,
    posted: Posted<SheetFields>,
) -> Result<Response, PageError> {
    let Posted { by, form, share } = posted;
    // What is planned takes a share of its own.
    drop(share);
    let (project, scenario) = scenario_of(&platform, &by, &project, &scenario).await?;
    let again = (&project, &scenario);
    let path = format!("{}/add/{}", scenario_path(&project.id, &scenario.id), segment(&sheet));
    let reading =
        form.reading().ok_or_else(|| PageError::Invalid("The form does not say how the rows are separated".to_owned()))?;
    if !form.adds {
        platform.read_sheet_as(&by, &scenario, &sheet, reading).await?;
        return Ok(Redirect::to(&path).into_response());
    }
    let wanted = SheetForm { reading, seen: &form.seen, skips_problems: form.skips };
    let (status, notice) = match platform.add_sheet(&by, &scenario, &sheet, wanted).await? {
        AddedSheet::Added => return Ok(Redirect::to(&path).into_response()),
        AddedSheet::ReadAnew => (StatusCode::CONFLICT, "The preview has changed. Check it, then add the rows."),
        AddedSheet::Stale => (StatusCode::CONFLICT, "The inputs changed since this preview. Check it, then add the rows."),
        AddedSheet::Problems => {
            (StatusCode::BAD_REQUEST, "Some rows have problems. Correct them in the file, or choose to leave them out.")
        }
        AddedSheet::Impossible => (StatusCode::BAD_REQUEST, "Nothing can be added from this file."),
    };
    shown(&platform, &by, again, &sheet, Some((status, notice))).await
}

async fn shown(
    platform: &Platform,
    by: &SignedIn,
    (project, scenario): (&Project, &Scenario),
    sheet: &str,
    told: Option<(StatusCode, &'static str)>,
) -> Result<Response, PageError> {
    let (sheet, view) = platform.look_at_sheet(by, scenario, sheet).await?;
    let path = scenario_path(&project.id, &scenario.id);
    let frame = Frame::of(&by.session);
    let project = Link { path: project_path(&project.id), name: Visible::of(&project.name) };
    let scenario = Link { path: path.clone(), name: Visible::of(&scenario.name) };
    let answer = match view {
        SheetView::Plan(plan) => {
            page(&plan_page(frame, (project, scenario), path, &sheet, *plan, told.map(|(_, notice)| notice)))?
        }
        SheetView::Outcome(outcome) => page(&outcome_page(frame, (project, scenario), path, outcome))?,
    };
    Ok((told.map_or(StatusCode::OK, |(status, _)| status), answer).into_response())
}

fn plan_page(
    frame: Frame,
    (project, scenario): (Link, Link),
    path: String,
    sheet: &InputSheet,
    plan: SheetPlan,
    notice: Option<&'static str>,
) -> PlanPage {
    let count = |number: usize| grouped(number as u64);
    let columns = plan.columns.iter().enumerate().map(|(number, column)| Column {
        number: number + 1,
        key: column.name.clone(),
        name: Visible::of(excerpt(&column.name, EXCERPT)),
        meanings: Meaning::ALL.into_iter().map(|(meaning, key)| (key, words_for(meaning), meaning == column.meaning)).collect(),
        sample: column.sample.iter().filter(|cell| !cell.is_empty()).map(Visible::of).collect(),
    });
    let input_path = |id: &str| format!("{path}?edit={0}#{0}", segment(id));
    let alike = plan.alike.iter().map(|row| {
        let AlikeRow { line, words, input, other_line, other_words } = row;
        Alike {
            line: *line,
            words: Visible::of(words),
            input: input.as_deref().map(input_path),
            other_line: other_line.unwrap_or_default(),
            other_words: Visible::of(other_words),
        }
    });
    PlanPage {
        frame,
        project,
        scenario,
        id: sheet.id.clone(),
        name: Visible::of(if sheet.name.is_empty() { "the pasted text" } else { &sheet.name }),
        notice,
        seen: plan.digest.to_string(),
        formats: Format::ALL.into_iter().map(|(format, key)| (key, name_of(format), format == plan.format)).collect(),
        is_table: plan.format.delimiter().is_some(),
        has_names: plan.has_names,
        encodings: if plan.is_utf_16 { Vec::new() } else { encodings(plan.encoding) },
        is_guessed_encoding: plan.encoding == Encoding::Windows1252,
        columns: columns.collect(),
        new: count(plan.new),
        changed: count(plan.changed),
        same: count(plan.same),
        problem_count: count(plan.problems.len()),
        problems: shown_problems(&plan.problems),
        more_problems: more(plan.problems.len(), MOST_PROBLEMS),
        alike_count: count(plan.alike_count),
        more_alike: more(plan.alike_count, plan.alike.len()),
        alike: alike.collect(),
        is_not_compared: plan.is_not_compared,
        does_something: plan.new + plan.changed > 0,
        impossible: plan.impossible,
        path,
    }
}

fn outcome_page(frame: Frame, (project, scenario): (Link, Link), path: String, outcome: SheetOutcome) -> OutcomePage {
    let count = |number: usize| grouped(number as u64);
    let left = outcome.left_ids.iter().take(MOST_PROBLEMS);
    OutcomePage {
        frame,
        project,
        scenario,
        added: count(outcome.added),
        changed: count(outcome.changed),
        same: count(outcome.same),
        skipped: count(outcome.skipped),
        problems: shown_problems(&outcome.problems),
        more_problems: more(outcome.skipped, MOST_PROBLEMS),
        left: count(outcome.left),
        left_ids: left.map(|id| Link { path: format!("{path}?edit={0}#{0}", segment(id)), name: Visible::of(id) }).collect(),
        path,
    }
}

fn shown_problems(problems: &[RowProblem]) -> Vec<(usize, Visible)> {
    problems.iter().take(MOST_PROBLEMS).map(|problem| (problem.line, Visible::of(excerpt(&problem.what, 2 * EXCERPT)))).collect()
}

/// Returns how many there are beside those that are shown.
fn more(all: usize, shown: usize) -> Option<String> {
    all.checked_sub(shown).filter(|more| *more > 0).map(|more| grouped(more as u64))
}

fn words_for(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Words => "What the user says",
        Meaning::Messages => "Messages (JSON)",
        Meaning::Id => "Id",
        Meaning::Persona => "Persona",
        Meaning::Tags => "Tags",
        Meaning::Metadata => "All metadata (JSON)",
        Meaning::Own => "Metadata under its name",
        Meaning::LeaveOut => "Leave out",
    }
}

fn encodings(chosen: Encoding) -> Vec<(&'static str, &'static str, bool)> {
    let name = |encoding| match encoding {
        Encoding::Windows1252 => "Windows-1252",
        Encoding::Utf8 | Encoding::Utf16 => "UTF-8",
    };
    Encoding::CHOICES.into_iter().map(|(encoding, key)| (key, name(encoding), encoding == chosen)).collect()
}

fn name_of(format: Format) -> &'static str {
    match format {
        Format::Comma => "CSV, commas",
        Format::Semicolon => "CSV, semicolons",
        Format::Tab => "CSV, tabs",
        Format::JsonLines => "JSON Lines",
        Format::Lines => "An input on each line",
    }
}
