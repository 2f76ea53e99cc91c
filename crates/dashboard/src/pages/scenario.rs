//! `/projects/{project}/scenarios/{scenario}`: the inputs of a scenario, as its draft has them.
//!
//! The table is searched, filtered and cut into pages by the store. One row, or a new one, is open as a form: `?edit=ID`, `?edit=new`.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use keepstep_http::addresses::{input_path, project_path, scenario_path, segment};
use keepstep_platform::Platform;
use keepstep_store::test_data::{
    BundleFilter, BundleStatus, DraftCounts, DraftInput, InputFilter, InputState, Scenario, TestPersona,
};
use keepstep_store::{Project, Role, StoreError};
use serde::Deserialize;

use super::experiment::Link;
use crate::addressed::AddressedScenario;
use crate::error_page::PageError;
use crate::form::input::InputForm;
use crate::form::problem::Problem;
use crate::parts::changed_test_data::text_of;
use crate::parts::frame::Frame;
use crate::parts::shown_results::{excerpt, grouped};
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many inputs stand on a page.
const PAGE: u32 = 50;

/// The longest text that is looked for, in characters.
const LONGEST_SEARCH: usize = 200;

/// The longest tag or id of a persona that is looked for, in characters: a database refuses longer patterns.
const LONGEST_NAME: usize = 2000;

/// How much of a message a row shows, in characters.
const EXCERPT: usize = 300;

/// How much is shown of another input that says nearly the same, in characters.
const LONGEST_LIKE: usize = 120;

/// The value of `edit` that opens the form of a new input.
pub(crate) const NEW: &str = "new";

/// The roles that the form offers.
const ROLES: [&str; 3] = ["user", "assistant", "system"];

#[derive(Template)]
#[template(path = "scenario.html")]
struct ScenarioPage {
    frame: Frame,
    done: Option<&'static str>,
    /// The other input that says nearly what the one says that was saved.
    like: Option<Link>,
    project: Link,
    path: String,
    name: Visible,
    id: Visible,
    description: Visible,
    may_edit: bool,
    may_publish: bool,
    published: Option<u32>,
    counts: DraftCounts,
    query: ScenarioQuery,
    chips: Vec<Chip>,
    personas: Vec<Choice>,
    tag: Option<(Visible, String)>,
    is_filtered: bool,
    new_path: String,
    as_csv: String,
    as_json_lines: String,
    new: Option<OpenForm>,
    rows: Vec<Row>,
    found: String,
    newer: Option<String>,
    older: Option<String>,
}

struct Chip {
    path: String,
    label: &'static str,
    count: String,
    is_chosen: bool,
}

struct Choice {
    id: String,
    name: Visible,
    is_chosen: bool,
}

/// A row of the table.
struct Row {
    anchor: String,
    text: Visible,
    more: usize,
    tags: Vec<(Visible, String)>,
    persona: Visible,
    badge: Option<(&'static str, &'static str)>,
    is_deleted: bool,
    is_overtaken: bool,
    edited: Option<(Visible, Moment)>,
    edit: String,
    delete: String,
    revert: Option<String>,
    open: Option<OpenForm>,
}

/// The form of an input.
struct OpenForm {
    action: String,
    cancel: String,
    label: String,
    seen: String,
    back: String,
    messages: Vec<FormMessage>,
    personas: Vec<Choice>,
    tags: String,
    metadata: String,
    problem: Problem,
    /// What the input says now, where it is not what the form was made from.
    theirs: Option<Visible>,
    /// What is published now, where that is newer than the draft.
    overtaken: Option<Visible>,
}

struct FormMessage {
    number: usize,
    roles: Vec<(String, bool)>,
    content: String,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ScenarioQuery {
    #[serde(default)]
    text: String,
    #[serde(default)]
    persona: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    changed: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    edit: String,
    #[serde(default)]
    done: String,
    /// Another input that says nearly what the one says that was saved.
    #[serde(default)]
    like: String,
}

impl ScenarioQuery {
    /// Returns a query that was kept in a form; one that cannot be read asks for nothing.
    pub(crate) fn of_form(kept: &str) -> Self {
        let address = format!("/?{kept}").parse::<Uri>().ok();
        address.and_then(|address| Query::try_from_uri(&address).ok()).map(|Query(query)| query).unwrap_or_default()
    }

    /// Returns the query with texts that a database looks for.
    pub(crate) fn cut(self) -> Self {
        let cut = |text: &str, longest: usize| text.chars().take(longest).collect();
        Self {
            text: cut(self.text.trim(), LONGEST_SEARCH),
            tag: cut(&self.tag, LONGEST_NAME),
            persona: cut(&self.persona, LONGEST_NAME),
            ..self
        }
    }

    /// Returns what the list shows.
    pub(crate) fn filter(&self, limit: u32) -> InputFilter<'_> {
        InputFilter {
            text: Some(self.text.as_str()).filter(|text| !text.is_empty()),
            tag: Some(self.tag.as_str()).filter(|tag| !tag.is_empty()),
            persona: Some(self.persona.as_str()).filter(|persona| !persona.is_empty()),
            only_edited: !self.changed.is_empty(),
            offset: self.from(),
            limit,
        }
    }

    fn from(&self) -> u32 {
        // An address that says no number is the first page.
        self.from.parse().unwrap_or_default()
    }

    /// Returns the address of the file that has what the list shows.
    fn download(&self, path: &str, format: &str) -> String {
        Self { from: String::new(), ..self.clone() }.address(&format!("{path}/download/{format}"))
    }

    fn is_filtered(&self) -> bool {
        !self.text.is_empty() || !self.persona.is_empty() || !self.tag.is_empty() || !self.changed.is_empty()
    }

    /// Returns the query of the list without what is open or told, as it stands in an address.
    pub(crate) fn list(&self) -> String {
        let fields = [
            ("text", &self.text),
            ("persona", &self.persona),
            ("tag", &self.tag),
            ("changed", &self.changed),
            ("from", &self.from),
        ];
        let set = fields.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| format!("{name}={}", segment(value))).collect::<Vec<_>>().join("&")
    }

    /// Returns the address of the list, with one thing more.
    pub(crate) fn with(&self, path: &str, name: &str, value: &str) -> String {
        let list = self.list();
        let mark = if list.is_empty() { "" } else { "&" };
        format!("{path}?{list}{mark}{name}={}", segment(value))
    }

    /// Returns the address of the list.
    fn address(&self, path: &str) -> String {
        let list = self.list();
        if list.is_empty() { path.to_owned() } else { format!("{path}?{list}") }
    }
}

/// The form that was sent and is shown again.
pub(crate) struct Sent<'a> {
    /// The input; none for a new one.
    pub(crate) input: Option<&'a str>,
    /// The form.
    pub(crate) form: InputForm,
    /// What is wrong with it.
    pub(crate) problem: Problem,
    /// The input as it is now, where the form was made from another one.
    pub(crate) theirs: Option<DraftInput>,
}

/// Returns a scenario and the project that an address names with it.
pub(crate) async fn scenario_of(
    platform: &Platform,
    by: &SignedIn,
    project: &str,
    scenario: &str,
) -> Result<(Project, Scenario), PageError> {
    let project = platform.store.project(&by.scope, project).await?;
    let scenario = platform.store.scenario(&by.scope, scenario).await?;
    if scenario.project_id == project.id { Ok((project, scenario)) } else { Err(PageError::NotFound) }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedScenario { project, scenario }: AddressedScenario,
    Query(query): Query<ScenarioQuery>,
) -> Result<Response, PageError> {
    let (project, scenario) = scenario_of(&platform, &by, &project, &scenario).await?;
    shown(&platform, &by, &project, &scenario, query, None).await
}

/// Returns the page, with a form that was sent and not accepted.
pub(crate) async fn shown(
    platform: &Platform,
    by: &SignedIn,
    project: &Project,
    scenario: &Scenario,
    query: ScenarioQuery,
    sent: Option<Sent<'_>>,
) -> Result<Response, PageError> {
    let query = query.cut();
    let store = &platform.store;
    let may_edit = by.require(Role::Editor).is_ok();
    let path = scenario_path(&project.id, &scenario.id);
    let filter = query.filter(PAGE);
    let found = async {
        if query.is_filtered() { store.count_draft_inputs(&by.scope, &scenario.id, &filter).await.map(Some) } else { Ok(None) }
    };
    let (personas, counts, mut inputs, found) = tokio::try_join!(
        store.test_personas(&by.scope, &project.id),
        store.draft_counts(&by.scope, &scenario.id),
        store.draft_inputs(&by.scope, &scenario.id, &filter),
        found,
    )?;
    let found = found.unwrap_or(counts.all + counts.deleted);
    let open = sent.as_ref().and_then(|sent| sent.input).or(Some(query.edit.as_str()).filter(|id| !id.is_empty() && *id != NEW));
    // What is open is there, also where it is not on this page of the list any more.
    if let Some(open) = open.filter(|open| may_edit && !inputs.iter().any(|input| input.id == *open)) {
        match store.draft_input(&by.scope, &scenario.id, open).await {
            Ok(input) => inputs.insert(0, input),
            Err(StoreError::InputNotFound(_)) if sent.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let status = match &sent {
        Some(Sent { theirs: Some(_), .. }) => StatusCode::CONFLICT,
        Some(sent) if !sent.problem.is_none() => sent.problem.status(),
        _ => StatusCode::OK,
    };
    let is_new = sent.as_ref().map_or(query.edit == NEW && may_edit, |sent| sent.input.is_none());
    let cancel = query.address(&path);
    let mut sent = sent;
    let new = is_new.then(|| {
        let sent = sent.take();
        let form = sent.as_ref().map_or_else(|| blank(&query), |sent| sent.form.clone());
        open_form(&path, None, form, sent, &personas, &cancel)
    });
    let rows = inputs.iter().map(|input| {
        let is_open = may_edit && open == Some(input.id.as_str());
        let sent = if is_open { sent.take() } else { None };
        let form = is_open.then(|| match &sent {
            Some(sent) => sent.form.clone(),
            None => InputForm::of(&input.values(), input.digest().to_string(), query.list()),
        });
        let open = form.map(|form| open_form(&path, Some(input), form, sent, &personas, &cancel));
        row(&path, &query, input, &personas, open)
    });
    let rows: Vec<Row> = rows.collect();
    let filter =
        BundleFilter { scenario: Some(&scenario.id), status: Some(BundleStatus::Published), limit: 1, ..BundleFilter::default() };
    let newest = store.bundles(&by.scope, &project.id, filter).await?.pop();
    let like = match query.like.as_str() {
        "" => None,
        like => match store.draft_input(&by.scope, &scenario.id, like).await {
            Ok(input) => Some(Link {
                path: format!("{}#{}", query.with(&path, "edit", like), segment(like)),
                name: Visible::of(excerpt(input.values().messages.first().map_or("", |message| &message.content), LONGEST_LIKE)),
            }),
            Err(StoreError::InputNotFound(_)) => None,
            Err(error) => return Err(error.into()),
        },
    };
    let other_page = |from: u32| format!("{}#inputs", ScenarioQuery { from: from.to_string(), ..query.clone() }.address(&path));
    let without = |query: ScenarioQuery| ScenarioQuery { from: String::new(), ..query };
    let chip = |label, count: u32, changed: &str| Chip {
        path: without(ScenarioQuery { changed: changed.to_owned(), ..query.clone() }).address(&path),
        label,
        count: grouped(count.into()),
        is_chosen: query.changed.is_empty() == changed.is_empty(),
    };
    let untagged = without(ScenarioQuery { tag: String::new(), ..query.clone() }).address(&path);
    let answer = page(&ScenarioPage {
        frame: Frame::of(&by.session),
        done: told(&query.done),
        like,
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        name: Visible::of(&scenario.name),
        id: Visible::of(&scenario.id),
        description: Visible::of(&scenario.description),
        may_edit,
        may_publish: by.require_publish().is_ok(),
        published: newest.and_then(|newest| newest.generation),
        counts,
        chips: vec![chip("All", counts.all, ""), chip("Changed", counts.edits(), "1")],
        personas: choices(&personas, &query.persona),
        tag: (!query.tag.is_empty()).then(|| (Visible::of(&query.tag), untagged)),
        is_filtered: query.is_filtered(),
        new_path: query.with(&path, "edit", NEW),
        as_csv: query.download(&path, "csv"),
        as_json_lines: query.download(&path, "jsonl"),
        new,
        rows,
        found: grouped(found.into()),
        newer: (query.from() > 0).then(|| other_page(query.from().saturating_sub(PAGE))),
        older: (query.from().saturating_add(PAGE) < found).then(|| other_page(query.from().saturating_add(PAGE))),
        query,
        path,
    })?;
    Ok((status, answer).into_response())
}

fn told(done: &str) -> Option<&'static str> {
    Some(match done {
        "created" => "The scenario is created.",
        "saved" => "Saved.",
        "restored" => "The scenario is restored.",
        "there" => "The scenario has this input already: it is open below.",
        "added" => "The input is added to the draft.",
        "changed" => "The input is saved in the draft.",
        "deleted" => "The input is deleted in the draft.",
        "reverted" => "The input is again what is published.",
        _ => return None,
    })
}

fn blank(query: &ScenarioQuery) -> InputForm {
    InputForm {
        messages: vec![("user".to_owned(), String::new())],
        persona: query.persona.clone(),
        tags: query.tag.clone(),
        back: query.list(),
        ..InputForm::default()
    }
}

/// Returns the personas that can be chosen; one that is deleted where it is chosen already.
fn choices(personas: &[TestPersona], chosen: &str) -> Vec<Choice> {
    let choice = |persona: &TestPersona| Choice {
        id: persona.id.clone(),
        name: Visible::of(&persona.name),
        is_chosen: persona.id == chosen,
    };
    personas.iter().filter(|persona| !persona.is_deleted || persona.id == chosen).map(choice).collect()
}

fn open_form(
    path: &str,
    input: Option<&DraftInput>,
    form: InputForm,
    sent: Option<Sent<'_>>,
    personas: &[TestPersona],
    cancel: &str,
) -> OpenForm {
    let (problem, theirs) = sent.map_or_else(Default::default, |sent| (sent.problem, sent.theirs));
    let overtaken = input.filter(|input| input.is_overtaken).map(|input| match &input.published {
        Some(published) => Visible::of(text_of(published, personas)),
        None => Visible::of("deleted"),
    });
    let roles = |role: &str| {
        let mut roles: Vec<(String, bool)> = ROLES.iter().map(|known| ((*known).to_owned(), *known == role)).collect();
        if !ROLES.contains(&role) {
            roles.push((role.to_owned(), true));
        }
        roles
    };
    let messages = form.messages.iter().enumerate();
    OpenForm {
        action: input.map_or_else(|| format!("{path}/inputs"), |input| input_path(path, &input.id)),
        cancel: input.map_or_else(|| cancel.to_owned(), |input| format!("{cancel}#{}", segment(&input.id))),
        label: input.map_or_else(|| "New input".to_owned(), |input| format!("Input {}", Visible::of(&input.id).plain())),
        messages: messages
            .map(|(at, (role, content))| FormMessage { number: at + 1, roles: roles(role), content: content.clone() })
            .collect(),
        personas: choices(personas, &form.persona),
        seen: theirs.as_ref().map_or(form.seen, |theirs| theirs.digest().to_string()),
        back: form.back,
        tags: form.tags,
        metadata: form.metadata,
        theirs: theirs.map(|theirs| match theirs.state {
            InputState::Deleted => Visible::of("deleted"),
            _ => Visible::of(text_of(&theirs.document, personas)),
        }),
        overtaken,
        problem,
    }
}

fn row(path: &str, query: &ScenarioQuery, input: &DraftInput, personas: &[TestPersona], open: Option<OpenForm>) -> Row {
    let values = input.values();
    let first = values.messages.iter().find(|message| message.role == "user").or(values.messages.first());
    let persona = values
        .persona
        .as_deref()
        .map_or("", |id| personas.iter().find(|persona| persona.id == id).map_or(id, |persona| &persona.name));
    let with_tag = |tag: &str| ScenarioQuery { tag: tag.to_owned(), from: String::new(), ..query.clone() }.address(path);
    let back = segment(&query.list());
    let address = |what: &str| format!("{}/{what}?back={back}", input_path(path, &input.id));
    Row {
        anchor: segment(&input.id),
        text: Visible::of(excerpt(first.map_or("", |message| &message.content), EXCERPT)),
        more: values.messages.len().saturating_sub(1),
        tags: input.tags().map(|tag| (Visible::of(tag), with_tag(tag))).collect(),
        persona: Visible::of(persona),
        badge: match input.state {
            InputState::Published => None,
            InputState::New => Some(("new", "good")),
            InputState::Changed => Some(("changed", "draft")),
            InputState::Deleted => Some(("deleted", "bad")),
        },
        is_deleted: input.state == InputState::Deleted,
        is_overtaken: input.is_overtaken,
        edited: input
            .edited
            .as_ref()
            .filter(|_| input.state != InputState::Published)
            .map(|(by, at)| (Visible::of(by), Moment::of(*at))),
        edit: format!("{}#{}", query.with(path, "edit", &input.id), segment(&input.id)),
        delete: address("delete"),
        revert: matches!(input.state, InputState::Changed | InputState::Deleted).then(|| address("revert")),
        open,
    }
}
