//! The test data's half: what is behind, edited here, or waits to be uploaded.
//!
//! The files of a scenario are read only where their length or time is not the recorded one, and there is one request, however
//! many scenarios there are.

use std::path::Path;

use keepstep_api::fluxloop::{Bundle, SyncStatus};
use keepstep_client::ClientError;
use keepstep_client::test_data::BundleQuery;
use keepstep_workspace::experiments::{self, Experiment, State as UploadState, Where};
use keepstep_workspace::pull::{Edit, Scenario as Pulled};
use keepstep_workspace::{Scenario, ScenarioError, Workspace};
use serde_json::{Value, json};

use super::half::{Arguments, row};
use crate::command::sync::not_checked;
use crate::session::checkout::interrupted_pull::recover;
use crate::session::connection::test_data_server::{TestDataServer, find_workspace, project_id};
use crate::session::connection::uploaded;
use crate::session::context::Context;
use crate::session::settings::Settings;
use crate::shell::age::ago;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::visible_line;
use crate::shell::wrap::{columns, padded};

/// Where test data is.
pub(super) struct TestDataLocation {
    workspace: Workspace,
}

/// How the pulled bundle version and the platform's newest one stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BundleState {
    NeverPulled,
    UpToDate,
    Behind,
    Unknown,
    Diverged,
}

/// A scenario as it stands.
struct Standing {
    scenario: Scenario,
    pulled: Pulled,
    edits: Vec<Edit>,
    experiments: Vec<Experiment>,
    latest: Option<Latest>,
    state: BundleState,
}

#[derive(Clone)]
struct Latest {
    id: String,
    published: String,
}

/// What the platform says.
enum ServerState {
    /// About one scenario.
    One(SyncStatus),
    /// All published bundle versions of the project, the newest first.
    All(Vec<Bundle>),
}

impl TestDataLocation {
    /// Returns where test data is, if there is any.
    pub(super) fn find(context: &Context) -> Option<Self> {
        find_workspace(context).map(|workspace| Self { workspace })
    }
}

/// Shows the state of each scenario. Returns true if something is not in step, and the same for programs.
pub(super) fn show(context: &Context, arguments: &Arguments, place: &TestDataLocation) -> Result<(bool, Value), Failure> {
    let workspace = &place.workspace;
    let scenarios = match workspace.scenario(arguments.scenario.as_deref(), &context.directory) {
        Ok(scenario) => vec![scenario],
        Err(ScenarioError::NoneSelected { .. }) => workspace.scenarios()?,
        Err(error) => return Err(error.into()),
    };
    let mut standings = Vec::new();
    for scenario in scenarios {
        recover(context, workspace.root(), &scenario.path)?;
        standings.push(stand(workspace, scenario)?);
    }
    let project = project_id(Some(workspace), arguments.project_id.as_deref())?;
    let mut document = json!({ "workspace": workspace.root().to_string_lossy(), "project_id": project });
    let is_connected = project.is_some() || standings.iter().any(|standing| standing.id().is_some());
    if arguments.offline {
        document["checked"] = json!(false);
    } else if !is_connected {
        document["checked"] = json!(false);
        document["reason"] = json!("no project is selected");
    } else {
        match ask(context, workspace, project.as_deref(), &standings) {
            Ok((server, answer)) => {
                document["api_url"] = json!(server);
                document["checked"] = json!(true);
                standings.iter_mut().for_each(|standing| standing.compare(&answer));
                if let Some(project) = project.as_deref() {
                    for standing in &mut standings {
                        let server = TestDataServer::connect(context, Some(workspace), Some(&standing.scenario))?;
                        uploaded::ask(&server, project, &standing.scenario, &mut standing.experiments)?;
                    }
                }
            }
            Err(failure) => {
                let strict = Settings::read(context, workspace.root())?.strict(context, false)?.value;
                let reason = not_checked(context, failure, strict, None)?;
                document["checked"] = json!(false);
                document["reason"] = reason["reason"].clone();
            }
        }
    }
    print(context, workspace, &document, &standings)?;
    document["scenarios"] = standings.iter().map(Standing::document).collect();
    Ok((standings.iter().any(Standing::is_out_of_step), document))
}

/// Reads what is on the disk.
fn stand(workspace: &Workspace, scenario: Scenario) -> Result<Standing, Failure> {
    let pulled = Pulled::read(&scenario.path)?;
    let edits = pulled.edits()?;
    let names: Vec<&str> = [Some(scenario.name.as_str()), pulled.experiment_name.as_deref()].into_iter().flatten().collect();
    let place = Where {
        scenario_dir: &scenario.path,
        workspace_root: Some(workspace.root()),
        names: &names,
        output_directory: Path::new(&pulled.output_directory),
    };
    let experiments = experiments::list(place)
        .map_err(|error| Failure::io("read the experiments of", &scenario.path.display().to_string(), error))?;
    let state = if pulled.bundle().is_none() { BundleState::NeverPulled } else { BundleState::Unknown };
    Ok(Standing { scenario, pulled, edits, experiments, latest: None, state })
}

/// Asks the platform once. Returns its address and what it says.
fn ask(
    context: &Context,
    workspace: &Workspace,
    project: Option<&str>,
    standings: &[Standing],
) -> Result<(String, ServerState), Failure> {
    let only = match standings {
        [only] => Some(only),
        _ => None,
    };
    let server = TestDataServer::connect(context, Some(workspace), only.map(|only| &only.scenario))?;
    let name = server.name().to_owned();
    let scenario = only.and_then(Standing::id);
    if let (Some(only), Some(_)) = (only, scenario) {
        let ids: Vec<String> = only.experiments.iter().map(|experiment| experiment.id.clone()).collect();
        let asked = server.client().sync_status(project, scenario, only.pulled.bundle(), &ids);
        match server.block_on(asked) {
            Ok(status) => return Ok((name, ServerState::One(status))),
            // Another server does not know the address, and has a list.
            Err(error)
                if matches!(
                    error.cause(),
                    ClientError::NotFound { .. } | ClientError::NotOurs { status: Some(404 | 405), .. }
                ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let query = BundleQuery { project, scenario, ..BundleQuery::default() };
    let bundles = server.wait(server.client().bundles(query))?;
    Ok((name, ServerState::All(bundles)))
}

impl Standing {
    fn id(&self) -> Option<&str> {
        self.scenario.id.as_deref().or_else(|| self.pulled.id())
    }

    fn compare(&mut self, answer: &ServerState) {
        let (latest, is_known) = match answer {
            ServerState::One(status) => {
                let latest = status.latest_bundle.as_ref();
                (latest.map(|latest| Latest { id: latest.id.clone(), published: latest.created_at.clone() }), status.bundle_known)
            }
            ServerState::All(bundles) => {
                let is_own = |bundle: &&Bundle| self.id().is_some_and(|id| bundle.scenario_id == id);
                let local = self.pulled.bundle();
                let latest = bundles.iter().find(is_own);
                let latest = latest.map(|latest| Latest { id: latest.id.clone(), published: latest.created_at.clone() });
                (latest, bundles.iter().any(|bundle| Some(bundle.id.as_str()) == local))
            }
        };
        self.state = match (self.pulled.bundle(), &latest) {
            (None, _) => BundleState::NeverPulled,
            (Some(local), Some(latest)) if latest.id == local => BundleState::UpToDate,
            (Some(_), _) if !is_known => BundleState::Diverged,
            (Some(_), Some(_)) => BundleState::Behind,
            (Some(_), None) => BundleState::Unknown,
        };
        self.latest = latest;
    }

    fn is_out_of_step(&self) -> bool {
        let is_behind = match self.state {
            BundleState::NeverPulled => self.latest.is_some(),
            state => matches!(state, BundleState::Behind | BundleState::Diverged),
        };
        is_behind || !self.edits.is_empty() || self.count(UploadState::Pending) > 0
    }

    fn count(&self, state: UploadState) -> usize {
        self.experiments.iter().filter(|experiment| experiment.state == state).count()
    }

    fn document(&self) -> Value {
        json!({
            "scenario": { "name": self.scenario.name, "folder": self.scenario.folder, "id": self.id() },
            "bundle": {
                "local": self.pulled.bundle(),
                "pulled_at": self.pulled.pulled_at(),
                "remote_latest": self.latest.as_ref().map(|latest| &latest.id),
                "state": self.state.key(),
            },
            "local_changes": self.edits.iter().map(|edit| &edit.path).collect::<Vec<_>>(),
            "items": self.edits.iter().find_map(|edit| edit.items).map(|items| {
                json!({ "changed": items.changed, "added": items.added, "removed": items.removed })
            }),
            "experiments": self.experiments.iter().map(|experiment| {
                json!({ "id": experiment.id, "state": upload_key(experiment.state) })
            }).collect::<Vec<_>>(),
        })
    }

    fn bundle_text(&self) -> Text {
        let local = self.pulled.bundle().map(visible_line).unwrap_or_default();
        let latest = self.latest.as_ref().map(|latest| visible_line(&latest.id)).unwrap_or_default();
        match self.state {
            BundleState::NeverPulled => Text::of(Label::Warning, "never pulled"),
            BundleState::UpToDate => Text::of(Label::Good, "up to date").and(Label::Plain, format!(" ({local})")),
            BundleState::Behind => {
                Text::of(Label::Warning, "behind").and(Label::Plain, format!(" ({local}, the server has {latest})"))
            }
            BundleState::Unknown => Text::of(Label::Warning, "not checked").and(Label::Plain, format!(" ({local})")),
            BundleState::Diverged => {
                Text::of(Label::Warning, "diverged").and(Label::Plain, format!(" ({local} is not on the server)"))
            }
        }
    }

    fn edits_text(&self) -> String {
        let words = |edit: &Edit| {
            let items = edit.items.map(|items| {
                let parts = [(items.changed, "edited"), (items.added, "added"), (items.removed, "removed")];
                let parts = parts.iter().filter(|(number, _)| *number > 0);
                parts.map(|(number, words)| format!("{} {words}", count(*number, "input"))).collect::<Vec<_>>().join(", ")
            });
            let detail = match items {
                Some(items) if !items.is_empty() => format!(" ({items})"),
                _ if edit.is_deleted => " (deleted)".to_owned(),
                _ => String::new(),
            };
            format!("{}{detail}", visible_line(&edit.path))
        };
        self.edits.iter().map(words).collect::<Vec<_>>().join(", ")
    }

    fn uploads_text(&self) -> Text {
        let kinds = [
            (UploadState::Uploaded, "uploaded", Label::Good),
            (UploadState::Pending, "not uploaded", Label::Warning),
            (UploadState::Incomplete, "incomplete", Label::Plain),
            (UploadState::Running, "running", Label::Plain),
        ];
        let mut text = Text::default();
        let mut is_first = true;
        for (state, words, label) in kinds {
            let of_kind: Vec<&Experiment> = self.experiments.iter().filter(|experiment| experiment.state == state).collect();
            let Some(newest) = of_kind.iter().max_by_key(|experiment| experiment.order()) else { continue };
            let separator = if std::mem::take(&mut is_first) { "" } else { ", " };
            let name = match state {
                UploadState::Uploaded => String::new(),
                UploadState::Pending => format!(": {}", some_names(&of_kind)),
                _ => format!(" ({})", visible_line(&newest.id)),
            };
            text = text.and(Label::Plain, separator).and(label, format!("{} {words}", of_kind.len())).and(Label::Plain, name);
        }
        if is_first { Text::from("no experiments") } else { text }
    }
}

/// Returns the names of the newest of some experiments.
fn some_names(experiments: &[&Experiment]) -> String {
    const SHOWN: usize = 3;
    let mut experiments = experiments.to_vec();
    experiments.sort_by(|left, right| right.order().cmp(&left.order()));
    let names: Vec<String> = experiments.iter().take(SHOWN).map(|experiment| visible_line(&experiment.id)).collect();
    let more = if experiments.len() > SHOWN { ", …" } else { "" };
    names.join(", ") + more
}

impl BundleState {
    fn key(self) -> &'static str {
        match self {
            Self::NeverPulled => "never_pulled",
            Self::UpToDate => "up_to_date",
            Self::Behind => "behind",
            Self::Unknown => "unknown",
            Self::Diverged => "diverged",
        }
    }
}

fn upload_key(state: UploadState) -> &'static str {
    match state {
        UploadState::Uploaded => "uploaded",
        UploadState::Pending => "pending",
        UploadState::Incomplete => "incomplete",
        UploadState::Running => "running",
    }
}

fn print(context: &Context, workspace: &Workspace, document: &Value, standings: &[Standing]) -> Result<(), Failure> {
    let printer = &context.printer;
    let root = visible_line(&workspace.root().display().to_string());
    let server = document["api_url"].as_str().map(|server| format!("   {server}")).unwrap_or_default();
    printer.answer(row("Workspace", Text::from(root).and(Label::Unchanged, server)));
    if let Some(project) = workspace.project()? {
        let name = project.name().map(visible_line).unwrap_or_default();
        printer.answer(row("Project", Text::from(format!("{name} ({})", project.id().map(visible_line).unwrap_or_default()))));
    }
    match standings {
        [] => printer.answer(row("Test data", Text::sentence(Label::Plain, "none yet; `keepstep sync pull` gets it"))),
        [only] => {
            let id = only.id().map(|id| format!(" ({})", visible_line(id))).unwrap_or_default();
            let name = format!("{}{id}   ", visible_line(&only.scenario.name));
            printer.answer(row("Test data", Text::from(name).joined(only.bundle_text())));
            if let Some(at) = only.pulled.pulled_at() {
                let when = |time: &str| match time.parse::<jiff::Timestamp>() {
                    Ok(time) => ago(context.now(), time.as_millisecond()),
                    Err(_) => visible_line(time),
                };
                let published = match (&only.latest, only.state) {
                    (Some(latest), BundleState::Behind) => format!(", published {}", when(&latest.published)),
                    _ => String::new(),
                };
                printer.answer(row("", Text::of(Label::Unchanged, format!("pulled {}{published}", when(at)))));
            }
            if !only.edits.is_empty() {
                printer.answer(row("", Text::of(Label::Warning, format!("edited here: {}", only.edits_text()))));
            }
            printer.answer(row("Results", only.uploads_text()));
        }
        several => {
            let width =
                several.iter().map(|standing| columns(&visible_line(&standing.scenario.name))).max().unwrap_or(0).clamp(8, 40);
            for (index, standing) in several.iter().enumerate() {
                let name = padded(&visible_line(&standing.scenario.name), width) + "  ";
                let mut text = Text::from(name).joined(standing.bundle_text());
                if !standing.edits.is_empty() {
                    text = text.and(Label::Plain, "; ").and(Label::Warning, format!("edited here: {}", standing.edits_text()));
                }
                let pending = standing.count(UploadState::Pending);
                if pending > 0 {
                    text = text.and(Label::Plain, "; ").and(Label::Warning, format!("{pending} not uploaded"));
                }
                printer.answer(row(if index == 0 { "Test data" } else { "" }, text));
            }
        }
    }
    if document["reason"] == "no project is selected" {
        printer.hint("`keepstep projects select ID` connects the workspace with a project on the server");
    } else if standings.iter().any(|standing| matches!(standing.state, BundleState::Behind | BundleState::NeverPulled)) {
        printer.hint("`keepstep sync pull` gets what is new");
    }
    if standings.iter().any(|standing| standing.count(UploadState::Pending) > 0) {
        printer.hint("`keepstep sync upload --all` sends what is not uploaded");
    }
    Ok(())
}
