//! The page with the form of a criterion.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use keepstep_http::addresses::{criteria_path, project_path, scenario_path, segment};
use keepstep_platform::{CriteriaList, CriterionPlace, Platform, criteria_of, read_criterion};
use keepstep_results::criterion::{Bounds, JudgedFrom, KINDS, Shape};
use keepstep_store::Project;
use keepstep_store::test_data::{DraftPack, InputState, Scenario};
use serde_json::Value;

use crate::error_page::PageError;
use crate::form::criterion::{AS_JSON, CriterionForm, Wanted, problem_of};
use crate::form::problem::Problem;
use crate::pages::experiment::Link;
use crate::parts::changed_test_data::outline;
use crate::parts::frame::Frame;
use crate::parts::shown_results::excerpt;
use crate::parts::tried_criterion::{Answers, TriedView, answers, tried};
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "criterion.html")]
struct CriterionPage {
    frame: Frame,
    project: Link,
    scenario: Link,
    criteria: String,
    action: String,
    title: Visible,
    /// The packs that a new criterion may go into; nothing where it has one.
    packs: Option<Vec<Choice>>,
    kinds: Vec<Choice>,
    about: &'static str,
    /// What the value is called.
    label: &'static str,
    has: Has,
    form: CriterionForm,
    problem: Problem,
    theirs: Option<Visible>,
    answers: Answers,
    tried: Option<TriedView>,
}

/// Which fields there are besides the value.
#[derive(Debug, Clone, Copy)]
struct Has {
    /// True where there may be several values.
    several: bool,
    /// True where the value may be a name of the input's metadata.
    metadata: bool,
    arguments: bool,
    /// True where a value has one line.
    is_short: bool,
    of: bool,
    ignore_case: bool,
    at_least: bool,
    timeout: bool,
    prices: bool,
    /// True where the server can try it.
    try_out: bool,
    /// True where its other keys have fields.
    common: bool,
}

struct Choice {
    id: String,
    name: Visible,
    is_chosen: bool,
}

/// What the page is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) platform: &'a Platform,
    pub(super) by: &'a SignedIn,
    pub(super) project: &'a Project,
    pub(super) scenario: &'a Scenario,
    /// The pack and the place; nothing for a new one.
    pub(super) place: Option<(&'a DraftPack, CriterionPlace)>,
}

/// What is told above the form.
#[derive(Default)]
pub(super) struct Told {
    pub(super) problem: Problem,
    pub(super) theirs: Option<Visible>,
    pub(super) tried: Option<TriedView>,
}

impl About<'_> {
    /// Returns the criterion that somebody wants to save; or the page, where they want something else or it is not one.
    pub(super) async fn meant(
        &self,
        mut form: CriterionForm,
        old: Option<&Value>,
        list: CriteriaList,
    ) -> Result<Result<(CriterionForm, Value), Response>, PageError> {
        let wanted = std::mem::take(&mut form.wanted);
        match wanted {
            Wanted::Kind => return Ok(Err(self.page(form, Told::default()).await?)),
            Wanted::More => {
                form.values.push(String::new());
                return Ok(Err(self.page(form, Told::default()).await?));
            }
            Wanted::Save | Wanted::Try => {}
        }
        let kind = form.kind();
        let meant = match form.meant(old) {
            Ok(meant) => {
                let read = meant.clone();
                let read = move || read_criterion(&read, list, Bounds::of_answer(0)).map(drop);
                match self.platform.budgets.work(read).await? {
                    Ok(()) => Ok(meant),
                    Err(error) => Err(problem_of(&error, kind)),
                }
            }
            Err(problem) => Err(problem),
        };
        let meant = match meant {
            Ok(meant) => meant,
            Err(problem) => return Ok(Err(self.page(form, Told { problem, ..Told::default() }).await?)),
        };
        if wanted == Wanted::Save {
            return Ok(Ok((form, meant)));
        }
        let told = match tried(self.platform, self.by, &self.scenario.id, &form, meant, list).await? {
            Ok(tried) => Told { tried: Some(tried), ..Told::default() },
            Err(problem) => Told { problem, ..Told::default() },
        };
        Ok(Err(self.page(form, told).await?))
    }

    pub(super) async fn page(&self, mut form: CriterionForm, told: Told) -> Result<Response, PageError> {
        let Self { platform, by, project, scenario, place } = self;
        let criteria = criteria_path(&scenario_path(&project.id, &scenario.id));
        let kind = form.kind();
        if form.values.is_empty() {
            form.values.push(String::new());
        }
        let takes_several = kind.is_some_and(|kind| matches!(kind.shape, Shape::Texts | Shape::Command));
        if !takes_several {
            form.values.truncate(1);
        }
        let has = |key: &str| kind.is_some_and(|kind| kind.keys.contains(&key));
        let mut kinds: Vec<Choice> = KINDS
            .iter()
            .map(|known| Choice {
                id: known.key.to_owned(),
                name: Visible::of(known.title),
                is_chosen: kind.is_some_and(|kind| kind.key == known.key),
            })
            .collect();
        if kind.is_none() {
            AS_JSON.clone_into(&mut form.kind);
            kinds.insert(0, Choice { id: AS_JSON.to_owned(), name: Visible::of("As JSON"), is_chosen: true });
        }
        let packs = match place {
            Some(_) => None,
            None => {
                let packs = platform.store.draft_packs(&by.scope, &scenario.id).await?;
                let packs: Vec<DraftPack> = packs.into_iter().filter(|pack| pack.state != InputState::Deleted).collect();
                // The first pack is where one looks for them.
                if form.pack.is_empty()
                    && form.pack_name.is_empty()
                    && let [first, ..] = packs.as_slice()
                {
                    form.pack.clone_from(&first.id);
                }
                let choice = |pack: &DraftPack| Choice {
                    id: pack.id.clone(),
                    name: Visible::of(pack.name()),
                    is_chosen: pack.id == form.pack,
                };
                Some(packs.iter().map(choice).collect())
            }
        };
        let status = match &told {
            Told { theirs: Some(_), .. } => StatusCode::CONFLICT,
            told if !told.problem.is_none() => told.problem.status(),
            _ => StatusCode::OK,
        };
        let title = match place {
            Some((pack, place)) => {
                let read = criterion_at(pack, *place).map(shown_criterion).unwrap_or_default();
                Visible::of(excerpt(&read, 80))
            }
            None => Visible::of("New criterion"),
        };
        let try_out = kind.is_none_or(|kind| kind.judged_from == JudgedFrom::Case);
        let answer = page(&CriterionPage {
            frame: Frame::of(&by.session),
            project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
            scenario: Link { path: scenario_path(&project.id, &scenario.id), name: Visible::of(&scenario.name) },
            action: match place {
                Some((pack, place)) => format!("{criteria}/{}/{}", segment(&pack.id), place.label()),
                None => format!("{criteria}/new"),
            },
            criteria,
            title,
            packs,
            kinds,
            about: kind.map_or("No form has room for what this criterion says.", |kind| kind.about),
            label: kind.map_or("Criterion as JSON", |kind| label_of(kind.shape)),
            has: Has {
                several: takes_several,
                metadata: kind.is_some_and(|kind| kind.shape == Shape::Expected),
                arguments: kind.is_some_and(|kind| kind.shape == Shape::Tool),
                is_short: kind.is_some_and(|kind| matches!(kind.shape, Shape::Tool | Shape::Duration | Shape::Number)),
                of: has("of"),
                ignore_case: has("ignore_case"),
                at_least: has("at_least"),
                timeout: has("timeout"),
                prices: has("per_million"),
                try_out,
                common: kind.is_some(),
            },
            answers: if try_out { answers(platform, by, project, scenario, &form).await? } else { Answers::default() },
            form,
            problem: told.problem,
            theirs: told.theirs,
            tried: told.tried,
        })?;
        Ok((status, answer).into_response())
    }
}

/// Returns the criterion at a place.
pub(super) fn criterion_at(pack: &DraftPack, place: CriterionPlace) -> Option<&Value> {
    criteria_of(&pack.document).find(|(at, _)| *at == place).map(|(_, entry)| entry)
}

pub(super) fn shown_criterion(criterion: &Value) -> String {
    criterion.as_str().map_or_else(|| outline(criterion), str::to_owned)
}

fn label_of(shape: Shape) -> &'static str {
    match shape {
        Shape::Texts => "Text",
        Shape::Pattern => "Regular expression",
        Shape::Expected => "Expected",
        Shape::Schema => "JSON schema",
        Shape::Tool => "Name of the tool",
        Shape::Duration => "Longest time, such as 2s or 500ms",
        Shape::Number => "At most",
        Shape::Command => "Program, then its arguments",
        Shape::Statement => "Statement",
    }
}
