//! `/projects/{id}/experiments`: the experiments of a project: found by what they are, and sorted. The address has everything.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_base::human::milliseconds_words;
use keepstep_http::addresses::{experiment_path, project_path, segment};
use keepstep_platform::Platform;
use keepstep_store::results::{BatchStatus, DeletedExperiment, Experiment, ExperimentFilter, ExperimentOrder};
use serde::Deserialize;

use crate::addressed::AddressedProject;
use crate::error_page::PageError;
use crate::pages::experiment::Link;
use crate::parts::agent_names::AgentNames;
use crate::parts::frame::Frame;
use crate::parts::shown_gate::ShownGate;
use crate::parts::shown_results::{Badge, Figures, Tag, dollars, grouped, provenance_line, shown_tags};
use crate::parts::view::{Moment, may_edit, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many experiments stand on a page.
const PAGE: u32 = 50;

/// The longest text that is looked for, in characters.
const LONGEST_SEARCH: usize = 200;

/// The orders, by their names in the address.
const ORDERS: [(&str, &str, ExperimentOrder); 7] = [
    ("", "Newest first", ExperimentOrder::Newest),
    ("oldest", "Oldest first", ExperimentOrder::Oldest),
    ("worst", "Lowest pass rate first", ExperimentOrder::LowestRate),
    ("best", "Highest pass rate first", ExperimentOrder::HighestRate),
    ("cases", "Most cases first", ExperimentOrder::MostCases),
    ("slowest", "Slowest first", ExperimentOrder::Slowest),
    ("cost", "Most expensive first", ExperimentOrder::MostExpensive),
];

#[derive(Template)]
#[template(path = "experiment_list.html")]
struct ExperimentList {
    frame: Frame,
    project: Link,
    path: String,
    count: String,
    is_one: bool,
    may_edit: bool,
    is_filtered: bool,
    has_to_choose: bool,
    restorable: Option<String>,
    selects: Vec<Select>,
    orders: Vec<Choice>,
    text: Visible,
    is_pinned: bool,
    experiments: Vec<Listed>,
    deleted: Vec<ListedDeleted>,
    newer: Option<String>,
    older: Option<String>,
}

/// A filter that is chosen from a list.
struct Select {
    name: &'static str,
    label: &'static str,
    options: Vec<Choice>,
}

struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

struct Listed {
    path: String,
    id: String,
    name: Visible,
    is_pinned: bool,
    has_note: bool,
    tags: Vec<Tag>,
    provenance: Visible,
    scenario: Visible,
    badge: Badge,
    gate: Option<ShownGate>,
    figures: Figures,
    p95: Option<String>,
    cost: Option<String>,
    made: Moment,
}

struct ListedDeleted {
    restore: String,
    name: Visible,
    cases: String,
    by: Visible,
    deleted: Moment,
}

/// What the address asks for. What is invalid is ignored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    scenario: String,
    agent: String,
    persona: String,
    branch: String,
    author: String,
    tag: String,
    state: String,
    text: String,
    pinned: String,
    sort: String,
    from: String,
    deleted: String,
    choose: String,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedProject(id): AddressedProject,
    Query(asked): Query<ListQuery>,
) -> Result<Response, PageError> {
    platform.abandon_silent_runs().await?;
    platform.count_experiments(&id).await?;
    let project = platform.store.project(&by.scope, &id).await?;
    let scenarios = platform.store.scenarios(&by.scope, &id).await?;
    let choices = platform.store.experiment_choices(&by.scope, &id).await?;
    let names = AgentNames::of_ids(&platform, &by, choices.agents.iter().cloned()).await?;
    let agent_name = |id: &str| names.get(id);
    let known = |values: &[String], asked: &str| value_of(values, asked);
    let wanted = [
        known(&choices.agents, &asked.agent),
        known(&choices.personas, &asked.persona),
        known(&choices.branches, &asked.branch),
        known(&choices.authors, &asked.author),
        known(&choices.tags, &asked.tag),
    ];
    let [agent, persona, branch, author, tag] = wanted.each_ref().map(Option::as_deref);
    let scenario = Some(asked.scenario.as_str()).filter(|scenario| !scenario.is_empty());
    let text: String = asked.text.trim().chars().take(LONGEST_SEARCH).collect();
    let status = BatchStatus::from_label(&asked.state);
    let order = ORDERS.iter().find(|(name, ..)| *name == asked.sort).map(|(.., order)| *order).unwrap_or_default();
    let from: u32 = asked.from.parse().unwrap_or_default();
    let filter = ExperimentFilter {
        scenario,
        agent,
        persona,
        branch,
        author,
        tag,
        status,
        text: Some(text.as_str()).filter(|text| !text.is_empty()),
        is_pinned: asked.pinned == "yes",
        order,
        offset: from,
        limit: PAGE,
        ..ExperimentFilter::default()
    };
    let count = platform.store.count_experiments(&by.scope, &id, &filter).await?;
    let experiments = platform.store.experiments(&by.scope, &id, &filter).await?;
    let deleted = platform.store.deleted_experiments(&by.scope, &id).await?;

    let path = format!("{}/experiments", project_path(&id));
    let scenario_choices =
        scenarios.iter().map(|known| choice(&known.id, known.name.clone(), scenario == Some(known.id.as_str()))).collect();
    let chosen = |values: &[String], wanted: Option<&str>, label: &dyn Fn(&str) -> String| {
        values.iter().map(|value| choice(value, label(value), wanted == Some(value.as_str()))).collect::<Vec<_>>()
    };
    let same = |value: &str| value.to_owned();
    let states = [BatchStatus::Running, BatchStatus::Completed, BatchStatus::Failed, BatchStatus::Abandoned];
    let states = states.map(|state| choice(state.label(), Badge::from(state).label.to_owned(), status == Some(state)));
    let selects = [
        ("scenario", "Scenario", scenario_choices),
        ("state", "State", states.into_iter().collect()),
        ("agent", "Agent", chosen(&choices.agents, agent, &agent_name)),
        ("persona", "Persona", chosen(&choices.personas, persona, &same)),
        ("branch", "Branch", chosen(&choices.branches, branch, &same)),
        ("author", "Author", chosen(&choices.authors, author, &same)),
        ("tag", "Tag", chosen(&choices.tags, tag, &same)),
    ];
    let selects = selects.into_iter().filter(|(.., options)| options.len() > 1 || options.iter().any(|option| option.is_chosen));
    let is_filtered = scenario.is_some()
        || [agent, persona, branch, author, tag].iter().any(Option::is_some)
        || status.is_some()
        || !text.is_empty()
        || filter.is_pinned;
    page(&ExperimentList {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        count: grouped(count),
        is_one: count == 1,
        may_edit: may_edit(&by.session),
        is_filtered,
        has_to_choose: !asked.choose.is_empty(),
        restorable: deleted
            .iter()
            .find(|deleted| may_edit(&by.session) && deleted.experiment.batch.id == asked.deleted)
            .map(|deleted| format!("{}/restore", experiment_path(&id, &deleted.experiment.batch.id))),
        selects: selects.map(|(name, label, options)| Select { name, label, options }).collect(),
        orders: ORDERS.iter().map(|(name, label, known)| choice(name, (*label).to_owned(), *known == order)).collect(),
        text: Visible::of(&text),
        is_pinned: filter.is_pinned,
        newer: (from > 0).then(|| asked.address(&path, from.saturating_sub(PAGE))),
        older: (u64::from(from) + u64::from(PAGE) < count).then(|| asked.address(&path, from.saturating_add(PAGE))),
        experiments: experiments.iter().map(|experiment| listed(&path, experiment, &agent_name)).collect(),
        deleted: deleted.iter().map(ListedDeleted::from).collect(),
        path,
    })
}

impl ListQuery {
    /// Returns the address of another page of the same list.
    fn address(&self, path: &str, from: u32) -> String {
        let from = if from > 0 { from.to_string() } else { String::new() };
        let values = [
            ("scenario", &self.scenario),
            ("agent", &self.agent),
            ("persona", &self.persona),
            ("branch", &self.branch),
            ("author", &self.author),
            ("tag", &self.tag),
            ("state", &self.state),
            ("text", &self.text),
            ("pinned", &self.pinned),
            ("sort", &self.sort),
            ("from", &from),
        ];
        let parts = values.into_iter().filter(|(_, value)| !value.is_empty());
        let parts: Vec<String> = parts.map(|(name, value)| format!("{name}={}", segment(value))).collect();
        let mark = if parts.is_empty() { "" } else { "?" };
        format!("{path}{mark}{}", parts.join("&"))
    }
}

/// Returns which of the values a form sent: a form has them as they are shown, because not every character can be seen.
fn value_of(values: &[String], sent: &str) -> Option<String> {
    let known = values.iter().find(|value| Visible::of(value).plain() == sent);
    known.cloned().or_else(|| (!sent.is_empty()).then(|| sent.to_owned()))
}

fn choice(value: &str, label: String, is_chosen: bool) -> Choice {
    Choice { value: Visible::of(value).plain().to_owned(), label: Visible::of(label).plain().to_owned(), is_chosen }
}

fn listed(path: &str, experiment: &Experiment, agent_name: &impl Fn(&str) -> String) -> Listed {
    let batch = &experiment.batch;
    Listed {
        path: experiment_path(&batch.project_id, &batch.id),
        id: batch.id.clone(),
        name: Visible::of(experiment.name()),
        is_pinned: experiment.pinned_at.is_some(),
        has_note: !experiment.labels.note.is_empty(),
        tags: shown_tags(path, &experiment.labels.tags),
        provenance: Visible::of(provenance_line(batch, agent_name)),
        scenario: Visible::of(&experiment.scenario_name),
        badge: batch.status.into(),
        gate: ShownGate::of(experiment),
        figures: Figures::from(&batch.counts),
        p95: experiment.figures.p95_ms.map(milliseconds_words),
        cost: experiment.figures.cost_usd.map(dollars),
        made: Moment::of(batch.started_at.unwrap_or(batch.created_at)),
    }
}

impl From<&DeletedExperiment> for ListedDeleted {
    fn from(deleted: &DeletedExperiment) -> Self {
        let batch = &deleted.experiment.batch;
        Self {
            restore: format!("{}/restore", experiment_path(&batch.project_id, &batch.id)),
            name: Visible::of(deleted.experiment.name()),
            cases: grouped(batch.counts.total()),
            by: Visible::of(&deleted.deleted_by),
            deleted: Moment::of(deleted.deleted_at),
        }
    }
}
