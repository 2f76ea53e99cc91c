//! `keepstep status`

use std::time::Instant;

use clap::Args;
use keepstep_agent::State;
use keepstep_source::AgentSource;
use serde_json::{Value, json};

use super::sync::status::{agent, row, show_test_data};
use super::{CommandResult, Outcome};
use crate::session::checkout::lock_file::LockFile;
use crate::session::connection::server::Server;
use crate::session::connection::test_data_server::{self, find_workspace};
use crate::session::context::Context;
use crate::session::scope;
use crate::session::sides::{self, Against, Compared, Project};
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  keepstep status\n  keepstep status --json")]
pub(crate) struct Arguments {}

/// What is known, as far as it could be found out. `status` always answers.
struct Known {
    /// There is an agent's project, though it may be broken.
    has_agent: bool,
    project: Result<Project, Failure>,
    code: Option<Result<Box<dyn AgentSource>, Failure>>,
    server: Result<Server, Failure>,
    identity: Option<Result<keepstep_client::Identity, Failure>>,
    reached_in: Option<u128>,
    compared: Option<Result<Compared, Failure>>,
}

/// Shows where the project stands; writes nothing.
pub(crate) fn run(context: &Context, _arguments: &Arguments) -> CommandResult {
    let known = find_out(context);
    show(context, &known);
    let test_data = show_test_data(context);
    if let Some(Err(failure)) = &test_data {
        let message = failure.text(context.program).message;
        context.printer.answer(row("Test data", Text::of(Label::Error, message)));
    }
    let mut document = document(context, &known);
    document["test_data"] = match test_data {
        Some(Ok(test_data)) => test_data,
        Some(Err(failure)) => json!({ "checked": false, "reason": failure.text(context.program).message }),
        None => Value::Null,
    };
    context.printer.document("status", document);
    Ok(Outcome::Done)
}

fn find_out(context: &Context) -> Known {
    let project = Project::open(context);
    let root = project.as_ref().ok().map(|project| project.root.clone());
    let code = root.as_deref().map(|root| sides::read_code(context, root));
    let has_agent = sides::project_root(context).is_ok();
    // Where there is test data only, its server is meant.
    let server = match find_workspace(context).filter(|_| !has_agent) {
        Some(workspace) => {
            test_data_server::target(context, Some(&workspace), None, None).and_then(|target| Server::connect_to(context, target))
        }
        None => Server::connect(context, root.as_deref()),
    };
    let start = Instant::now();
    let identity = server.as_ref().ok().map(Server::whoami);
    let reached_in = matches!(identity, Some(Ok(_))).then(|| start.elapsed().as_millis());
    let compared = match (&project, &code, &server, &identity) {
        (Ok(project), Some(Ok(code)), Ok(server), Some(Ok(_))) => Some(
            LockFile::read(&project.root).and_then(|lock| sides::compare(server, project, &**code, &lock, Against::Published)),
        ),
        _ => None,
    };
    Known { has_agent, project, code, server, identity, reached_in, compared }
}

impl Known {
    /// Returns the state of the persona in one word. Without an answer of the server it is unknown, never in step.
    fn persona(&self) -> &'static str {
        let state = match &self.compared {
            Some(Ok(compared)) => compared.persona().map(|view| view.state),
            _ => None,
        };
        match state {
            None | Some(State::Unreadable) => "unknown",
            Some(State::InStep | State::NotOnServer) => "synced",
            Some(_) => "drift",
        }
    }
}

/// Shows the same as `sync status`, and who is signed in where. What cannot be found out is said in its place.
fn show(context: &Context, known: &Known) {
    let printer = &context.printer;
    let add = |title: &str, label: Label, text: String| printer.answer(row(title, Text::of(label, text)));
    let why = |failure: &Failure| failure.text(context.program).message;
    match (&known.project, &known.code) {
        (Ok(project), Some(Ok(code))) => match (&known.compared, &known.server) {
            (Some(Ok(compared)), Ok(server)) => agent::show_compared(context, project, &**code, compared, server),
            (Some(Err(failure)), _) => {
                agent::show_title(context, project, &**code, None);
                add("", Label::Error, format!("drift not checked: {}", why(failure)));
            }
            _ => {
                agent::show_title(context, project, &**code, None);
                agent::show_not_checked(context);
            }
        },
        (Ok(project), code) => {
            add("Agent", Label::Plain, project.agent.to_string());
            if let Some(Err(failure)) = code {
                add("", Label::Error, why(failure));
            }
        }
        (Err(_), _) if !known.has_agent && find_workspace(context).is_some() => {}
        (Err(failure), _) => add("Agent", Label::Warning, why(failure)),
    }
    match (&known.server, &known.identity) {
        (Ok(server), Some(Ok(identity))) => {
            let name = super::login::described(identity);
            add("Server", Label::Good, format!("{} as {name}, {}ms", server.name(), known.reached_in.unwrap_or_default()));
        }
        (_, Some(Err(failure))) | (Err(failure), _) => add("Server", Label::Error, why(failure)),
        (Ok(_), None) => {}
    }
    if matches!(&known.compared, Some(Ok(compared)) if compared.has_drift()) {
        printer.hint("`keepstep sync` shows the difference and asks what to do");
    }
}

fn document(context: &Context, known: &Known) -> Value {
    let told = |failure: &Failure| failure.text(context.program).message;
    let identity = known.identity.as_ref().and_then(|identity| identity.as_ref().ok());
    let server = known.server.as_ref().ok();
    let mut warnings = Vec::new();
    warnings.extend(known.project.as_ref().err().map(told));
    warnings.extend(known.code.as_ref().and_then(|code| code.as_ref().err()).map(told));
    warnings.extend(known.server.as_ref().err().map(told));
    warnings.extend(known.identity.as_ref().and_then(|identity| identity.as_ref().err()).map(told));
    warnings.extend(known.compared.as_ref().and_then(|compared| compared.as_ref().err()).map(told));
    let fields: serde_json::Map<String, Value> = match &known.compared {
        Some(Ok(compared)) => compared.views.iter().map(|view| (view.field.key().to_owned(), json!(view.state))).collect(),
        _ => serde_json::Map::new(),
    };
    let hints = if known.persona() == "drift" {
        json!([{ "command": context.typed("sync"), "reason": "the persona differs from the server's" }])
    } else {
        json!([])
    };
    let project = known.project.as_ref().ok();
    json!({
        "schemaVersion": 1,
        "command": "status",
        "generatedAt": jiff::Timestamp::now().to_string(),
        "auth": {
            "authenticated": identity.is_some(),
            "source": server.and_then(|server| server.target().key.as_ref()).map(|key| key.origin.to_string()),
            "name": identity.map(|identity| &identity.name),
            "serverReachable": known.identity.as_ref().map(|identity| match identity {
                Ok(_) => true,
                Err(failure) => failure.text(context.program).code != crate::shell::exit::UNREACHABLE,
            }),
            "reachabilityMs": known.reached_in.and_then(|time| u64::try_from(time).ok()),
        },
        "server": server.map(Server::name),
        "project": {
            "inProject": project.is_some(),
            "rootDir": project.map(|project| project.root.to_string_lossy()),
            "agentId": project.map(|project| &project.agent),
            "agentName": known.code.as_ref().and_then(|code| code.as_ref().ok())
                .and_then(|code| code.name().map(str::to_owned)),
            "manifest": { "found": project.is_some_and(|project| project.root.join("dist-v2/manifest.json").is_file()) },
        },
        "checked": matches!(known.compared, Some(Ok(_))),
        "fields": fields,
        "persona": { "status": known.persona() },
        "production": match &known.compared {
            Some(Ok(compared)) => scope::production_document(&compared.remote),
            _ => Value::Null,
        },
        "not_compared": match (&known.compared, &known.code) {
            (Some(Ok(compared)), Some(Ok(code))) => json!(scope::not_compared(&**code, &compared.remote)),
            (_, Some(code)) => json!(scope::nothing_compared(code.as_deref().ok())),
            (_, None) => json!([]),
        },
        "backup": { "status": "unknown" },
        "telemetry": { "enabled": false, "envOverride": false },
        "warnings": warnings,
        "hints": hints,
    })
}
