//! `keepstep doctor`

use clap::Args;
use keepstep_agent::Field;
use keepstep_client::Dialect;
use keepstep_runner::agent;
use keepstep_runner::config::TargetConfig;
use keepstep_source::Property;
use keepstep_workspace::{ScenarioError, Workspace};
use serde_json::{Value, json};

use super::run_tests::multi_turn::MultiTurn;
use super::run_tests::setup::{Tested, refused, surroundings};
use super::{CommandResult, Outcome};
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::outbox::Outbox;
use crate::session::connection::server::Server;
use crate::session::connection::test_data_server::{self, find_workspace};
use crate::session::context::Context;
use crate::session::scope;
use crate::session::settings::Settings;
use crate::session::sides::{self, Project, project_root};
use crate::shell::age::span;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::word;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep doctor")]
pub(crate) struct Arguments {}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Good,
    Warning,
    Bad,
}

/// A check that was made.
#[derive(Debug)]
struct Check {
    name: &'static str,
    grade: Grade,
    message: String,
    hints: Vec<String>,
}

/// The checks that were made so far.
struct Checks<'a> {
    context: &'a Context,
    made: Vec<Check>,
    /// What runs in production, for programs.
    production: Value,
}

impl Checks<'_> {
    fn add(&mut self, name: &'static str, grade: Grade, message: String, hints: Vec<String>) {
        self.made.push(Check { name, grade, message, hints });
    }

    /// Adds how a check ended, and returns what it found.
    fn note<T>(&mut self, name: &'static str, result: Result<T, Failure>, good: impl FnOnce(&T) -> String) -> Option<T> {
        match result {
            Ok(found) => {
                self.add(name, Grade::Good, good(&found), Vec::new());
                Some(found)
            }
            Err(failure) => {
                let told = failure.text(self.context.program);
                self.add(name, Grade::Bad, told.message, told.hints);
                None
            }
        }
    }
}

/// Checks everything that the other commands depend on; writes nothing.
pub(crate) fn run(context: &Context, _arguments: &Arguments) -> CommandResult {
    let mut checks = Checks { context, made: Vec::new(), production: Value::Null };
    checks.add("version", Grade::Good, format!("keepstep {}", env!("CARGO_PKG_VERSION")), Vec::new());
    let has_agent = project_root(context).is_ok();
    let workspace = find_workspace(context);
    let project = if has_agent {
        checks.note("project", Project::open(context), |project| format!("agent {} in {}", project.agent, project.root.display()))
    } else {
        None
    };
    if let Some(project) = &project {
        check_project(context, &mut checks, project);
    }
    if let Some(workspace) = &workspace {
        check_workspace(context, &mut checks, workspace);
    }
    if !has_agent && workspace.is_none() {
        let hints = [
            "`keepstep init agent` starts a project; `keepstep init scenario NAME` starts test data",
            "`-C DIR` names another folder",
        ];
        let message = format!("{} is neither an agent's project nor a workspace with test data", context.directory.display());
        checks.add("folder", Grade::Warning, message, hints.map(str::to_owned).to_vec());
    }
    // Where there is test data only, its server is meant.
    let server = match workspace.as_ref().filter(|_| !has_agent) {
        Some(workspace) => {
            test_data_server::target(context, Some(workspace), None, None).and_then(|target| Server::connect_to(context, target))
        }
        None => Server::connect(context, project.as_ref().map(|project| project.root.as_path())),
    };
    check_server(context, &mut checks, server, project.as_ref());
    let is_bad = checks.made.iter().any(|check| check.grade == Grade::Bad);
    for check in &checks.made {
        show(context, check);
    }
    let document: Vec<Value> = checks
        .made
        .iter()
        .map(|check| {
            let grade = match check.grade {
                Grade::Good => "ok",
                Grade::Warning => "warning",
                Grade::Bad => "error",
            };
            json!({ "check": check.name, "result": grade, "message": check.message, "hints": check.hints })
        })
        .collect();
    context.printer.document("doctor", json!({ "ok": !is_bad, "checks": document, "production": checks.production }));
    Ok(if is_bad { Outcome::Unfit } else { Outcome::Done })
}

fn show(context: &Context, check: &Check) {
    let (label, mark) = match check.grade {
        Grade::Good => (Label::Good, "ok   "),
        Grade::Warning => (Label::Warning, "warn "),
        Grade::Bad => (Label::Error, "fail "),
    };
    context.printer.answer(Text::of(label, mark).and(Label::Plain, format!("{:<12}{}", check.name, check.message)));
    for hint in &check.hints {
        context.printer.answer(Text::of(Label::Hint, format!("     {:<12}{}", "", context.printer.own_words(hint))));
    }
}

fn check_project(context: &Context, checks: &mut Checks<'_>, project: &Project) {
    let tsconfig = project.root.join("tsconfig.json");
    if tsconfig.is_file() {
        checks.add("tsconfig", Grade::Good, "tsconfig.json is there".to_owned(), Vec::new());
    } else {
        let hint = "keepstep does without; `lua compile` of the other tool does not".to_owned();
        checks.add("tsconfig", Grade::Warning, "tsconfig.json not found".to_owned(), vec![hint]);
    }
    checks.note("settings", Settings::read(context, &project.root), |_| "readable".to_owned());
    checks.note("lock", LockFile::read(&project.root), |lock| {
        if lock.exists() {
            "keepstep.lock is readable".to_owned()
        } else {
            "no keepstep.lock yet; the first sync writes it".to_owned()
        }
    });
    let code =
        checks.note("code", sides::read_code(context, &project.root), |code| format!("the agent is at {}", code.location()));
    let Some(code) = code else { return };
    for field in Field::ALL {
        match code.property(field) {
            Property::Unreadable(problem) => {
                let hints = Some(problem.help.clone()).filter(|help| !help.is_empty());
                checks.add(field.key(), Grade::Bad, problem.to_string(), hints.into_iter().collect());
            }
            Property::Known { computed: true, location, .. } => {
                let message = format!("computed at {location}: compared and published, but never edited by keepstep");
                checks.add(field.key(), Grade::Good, message, Vec::new());
            }
            Property::Known { location, .. } | Property::Function { location } => {
                checks.add(field.key(), Grade::Good, format!("written at {location}"), Vec::new());
            }
            Property::Absent if field.is_required() => {
                checks.add(field.key(), Grade::Warning, "the code does not set it".to_owned(), Vec::new());
            }
            Property::Absent => {}
        }
    }
}

/// Compares the two clocks. Nothing here depends on them, but certificates and the end of a key do.
fn check_clock(checks: &mut Checks<'_>, ours: i64, theirs: i64) {
    const TOLERATED: u64 = 60;
    let apart = ours.abs_diff(theirs);
    if apart <= TOLERATED {
        checks.add("clock", Grade::Good, "agrees with the server's".to_owned(), Vec::new());
        return;
    }
    let direction = if ours > theirs { "ahead of" } else { "behind" };
    let hint = "set the clock of the one that is wrong; certificates and keys end by it".to_owned();
    checks.add("clock", Grade::Warning, format!("{} {direction} the server's", span(apart)), vec![hint]);
}

fn check_server(context: &Context, checks: &mut Checks<'_>, server: Result<Server, Failure>, project: Option<&Project>) {
    let server = checks.note("address", server, |server| format!("{} ({})", server.name(), server.target().url_origin));
    let Some(server) = server else { return };
    let health = match server.health() {
        Ok(health) => health,
        Err(error) => {
            checks.note("server", Err::<(), _>(Failure::Client(error)), |()| String::new());
            return;
        }
    };
    // Whoever says nothing of itself may still speak the other dialect; that shows when it is asked in it.
    let identity = server.target().key.as_ref().map(|_| server.whoami());
    match (&health.version, &identity) {
        (Some(version), _) => {
            let ours = env!("CARGO_PKG_VERSION");
            if version == ours {
                checks.add("server", Grade::Good, format!("keepstep {version} answers"), Vec::new());
            } else {
                let hint = "both work together; the older one may lack what the newer one has".to_owned();
                checks.add("server", Grade::Warning, format!("keepstep {version} answers, and this is {ours}"), vec![hint]);
            }
        }
        (None, _) if health.dialect == Dialect::Keepstep => {
            checks.add("server", Grade::Good, "keepstep answers".to_owned(), Vec::new());
        }
        (None, Some(Ok(_))) => checks.add("server", Grade::Good, "answers, in the lua dialect".to_owned(), Vec::new()),
        (None, Some(Err(failure))) if health.problem.is_none() && !failure.is_about_what_answers() => {
            checks.add("server", Grade::Good, "answers, in the lua dialect".to_owned(), Vec::new());
        }
        (None, _) => {
            let hint = "is there a proxy or a sign-in page before it, or a mistake in the address?".to_owned();
            let message = match &health.problem {
                Some(problem) => problem.clone(),
                None => format!("{} did not identify itself as a keepstep server", server.name()),
            };
            checks.add("server", Grade::Bad, message, vec![hint]);
            return;
        }
    }
    if let Some(theirs) = health.time {
        check_clock(checks, context.now().as_second(), theirs);
    }
    match &server.target().key {
        Some(key) => checks.add("key", Grade::Good, format!("found: {}", key.origin), Vec::new()),
        None => {
            let hint = format!("`keepstep login {}` stores one", word(server.name()));
            checks.add("key", Grade::Bad, format!("no key for {}", server.name()), vec![hint]);
            return;
        }
    }
    let identity = identity.and_then(|identity| checks.note("you", identity, super::login::described));
    let (Some(_), Some(project)) = (identity, project) else { return };
    let state = checks.note("agent", server.state(&project.agent), |agent| match agent.revision {
        Some(revision) => format!("{} is there, at revision {revision}", project.agent),
        None => format!("{} is there", project.agent),
    });
    checks.production = state.as_ref().map_or(Value::Null, scope::production_document);
    if let Some(other) = state.as_ref().and_then(scope::OtherProduction::of) {
        checks.add("production", Grade::Warning, other.words(context.now()), vec![scope::COMPARE_WITH_IT.to_owned()]);
    }
}

/// Looks at the test data: what is selected, what each scenario runs, what waits to be uploaded.
fn check_workspace(context: &Context, checks: &mut Checks<'_>, workspace: &Workspace) {
    let small_files = workspace.context().and(workspace.links()).and(workspace.project()).map_err(Failure::from);
    checks.note("workspace", small_files, |_| workspace.root().display().to_string());
    let scenarios = match workspace.scenario(None, &context.directory) {
        Ok(scenario) => Ok(vec![scenario]),
        Err(ScenarioError::NoneSelected { .. }) => workspace.scenarios().map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    let scenarios = match scenarios {
        Ok(scenarios) => scenarios,
        Err(failure) => {
            checks.note("scenario", Err::<(), _>(failure), |()| String::new());
            return;
        }
    };
    if scenarios.is_empty() {
        let hint = "`keepstep sync pull` brings test data; `keepstep init scenario NAME` starts some".to_owned();
        checks.add("scenario", Grade::Warning, "not found".to_owned(), vec![hint]);
    }
    for scenario in &scenarios {
        match target_of(context, &scenario.name) {
            Ok(target) => checks.add("scenario", Grade::Good, format!("{}: {target}", scenario.name), Vec::new()),
            Err(failure) => {
                let told = failure.text(context.program);
                checks.add("scenario", Grade::Warning, format!("{}: {}", scenario.name, told.message), told.hints);
            }
        }
    }
    check_outbox(checks, workspace);
}

/// Looks at what waits to be uploaded.
fn check_outbox(checks: &mut Checks<'_>, workspace: &Workspace) {
    let outbox = Outbox::of(workspace.root());
    if !outbox.has_entries() {
        checks.add("outbox", Grade::Good, "nothing to upload".to_owned(), Vec::new());
        return;
    }
    let Ok(Some(locked)) = outbox.try_lock(workspace.root()) else {
        checks.add("outbox", Grade::Good, "another keepstep is uploading".to_owned(), Vec::new());
        return;
    };
    let entries =
        checks.note("outbox", locked.entries(), |entries| format!("{} to be uploaded", count(entries.len(), "experiment")));
    for entry in entries.iter().flatten() {
        if let Some(refused) = &entry.queued.refused {
            let message = format!("{} refused {}: {refused}", entry.queued.server, entry.queued.experiment_dir.display());
            checks.add("outbox", Grade::Warning, message, vec!["`keepstep sync upload --pending` tries again".to_owned()]);
        }
    }
}

/// Returns what a scenario runs, if everything for that is there. Nothing of it is started: a folder may be somebody else's.
fn target_of(context: &Context, scenario: &str) -> Result<String, Failure> {
    let tested = Tested::find(context, Some(scenario), None)?;
    let variables = tested.variables(context)?;
    let config = tested.config(context, None, &variables, &MultiTurn::default())?;
    agent::make(&config.target, &surroundings(context, variables)).map_err(refused)?;
    Ok(match &config.target {
        TargetConfig::Python(module) => format!("the Python function {}", module.target),
        TargetConfig::Node(module) => format!("the Node function {}", module.target),
        TargetConfig::Process(process) => format!("the program {}", process.command.join(" ")),
        TargetConfig::Http(service) => format!("{} {}", service.method, service.url),
    })
}
