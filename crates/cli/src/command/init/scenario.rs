//! `keepstep init scenario NAME`

pub(crate) mod agent;
mod templates;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clap::Args;
use keepstep_workspace::context_file::Form;
use keepstep_workspace::links::Link;
use keepstep_workspace::scenario::folder_of_typed;
use keepstep_workspace::{StateChange, WorkspaceError, files};
use serde_json::json;

use agent::{Agent, FORMS};

use crate::command::{CommandResult, Outcome};
use crate::session::checkout::undo_log::{Content, Recorder, Write};
use crate::session::connection::test_data_server::workspace_or_new;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::visible::word;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep init scenario orders\n  keepstep init scenario orders --agent shop.agent:run             a Python function\n  keepstep init scenario orders --agent agent/agent.mjs#answer     a function of JavaScript or TypeScript\n  keepstep init scenario orders --agent http://localhost:8000/chat\n  keepstep init scenario orders --agent -- python3 agent.py        a program\n  keepstep init scenario orders --link scenario_1a2b     one that is on the server already"
)]
pub(super) struct Arguments {
    /// Its name
    #[arg(value_name = "NAME", required_unless_present_any = ["named", "program"])]
    name: Option<String>,
    /// The same
    #[arg(long = "name", value_name = "NAME", hide = true, conflicts_with = "name")]
    named: Option<String>,
    /// The agent to test: package.module:function, path/file.mjs#function (or .ts), http://…, or -- and a program
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "")]
    agent: Option<String>,
    /// The program to test, with its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<String>,
    /// The id of the scenario on the server that it belongs to
    #[arg(long, value_name = "ID")]
    link: Option<String>,
    /// Also replace files that were edited; they are kept for `undo`. A .env is never replaced
    #[arg(long, short)]
    force: bool,
    /// Taken for the peer's sake; `scenarios create` makes one on the server
    #[arg(long, hide = true)]
    create_remote: bool,
}

/// Writes the files of a new scenario, without a request.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let (typed, agent) = arguments.name_and_agent()?;
    let workspace = workspace_or_new(context);
    let folders = workspace.scenario_folders()?;
    let folder = if folders.iter().any(|folder| folder == typed) { typed.to_owned() } else { folder_of_typed(typed)? };
    if let Some(other) = folders.iter().find(|other| **other != folder && other.to_lowercase() == folder.to_lowercase()) {
        return Err(Failure::Conflict {
            message: format!(
                "{folder} and {other}, which is there, would be one folder where case does not count; nothing was written"
            ),
            hints: vec!["choose a name that differs in more".to_owned()],
        });
    }
    let path = workspace.scenario_dir(&folder);
    let here = agent::way(&path, &context.directory);
    let runner = agent.as_ref().map(|agent| agent.runner(&here));
    let untouched = templates::files(&folder, None);
    let mut written = Vec::new();
    let mut replaced = Vec::new();
    for (name, text) in templates::files(&folder, runner.as_deref()) {
        let file = path.join(name);
        match fs::read(&file) {
            Ok(before) if before == text.as_bytes() => {}
            // What this command wrote and nobody has edited since is nobody's work.
            Ok(before) if untouched.iter().any(|(known, text)| *known == name && before == text.as_bytes()) => {
                written.push((name, file, text));
            }
            Ok(before) => {
                let path = file.strip_prefix(workspace.root()).unwrap_or(&file).to_owned();
                replaced.push(Write { path, before: Content::Bytes(before), after: Content::Bytes(text.into_bytes()) });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => written.push((name, file, text)),
            Err(error) => return Err(WorkspaceError::io("read", &file, error).into()),
        }
    }
    if !replaced.is_empty() && !arguments.force {
        let names: Vec<String> = replaced
            .iter()
            .map(|file| workspace.root().join(&file.path))
            .map(|file| file.strip_prefix(&path).unwrap_or(&file).to_string_lossy().into_owned())
            .collect();
        return Err(Failure::Conflict {
            message: format!("{} has files that would be replaced: {}; nothing was written", path.display(), names.join(", ")),
            hints: vec!["`--force` replaces them; what they hold now is kept for `keepstep undo`".to_owned()],
        });
    }
    let env = path.join(".env");
    let has_env = env.exists();
    let mut recorder = Recorder::of(workspace.root(), "init scenario");
    let created = |file: &Path, text: &str| {
        let path = file.strip_prefix(workspace.root()).unwrap_or(file).to_owned();
        Write { path, before: Content::Absent, after: Content::Bytes(text.as_bytes().to_vec()) }
    };
    let mut writes = replaced.clone();
    writes.extend(written.iter().map(|(_, file, text)| created(file, text)));
    writes.extend((!has_env).then(|| created(&env, templates::ENV)));
    recorder.keep(context.now(), &writes)?;
    for file in &replaced {
        if let Content::Bytes(after) = &file.after {
            files::write_whole(&workspace.root().join(&file.path), after)?;
        }
    }
    if let Some(id) = recorder.id().filter(|_| !replaced.is_empty()) {
        context.printer.hint(&format!("`keepstep undo {id}` puts back what was replaced"));
    }
    for (name, file, text) in &written {
        files::write_whole(file, text.as_bytes())?;
        context.printer.status(format!("wrote   {name}"));
    }
    if has_env {
        context.printer.status("kept    .env, which was there");
    } else {
        files::write_private(&env, templates::ENV.as_bytes())?;
        context.printer.status("wrote   .env");
    }
    link(context, &workspace, &folder, typed.trim(), arguments.link.as_deref(), &mut recorder)?;
    context.good(&format!("Scenario {folder} is in {}", path.display()));
    context.machine_line("SCENARIO_PATH", &path.to_string_lossy());
    if let Some(id) = &arguments.link {
        context.machine_line("SCENARIO_LINKED", id);
    }
    context.machine_line("SCENARIO_CREATED", &folder);
    if arguments.create_remote {
        context.printer.warning(&format!(
            "nothing was created on the server; `keepstep scenarios create --name {}` does that",
            word(typed.trim())
        ));
    }
    match &agent {
        Some(agent) => {
            context.printer.status(format!("tests   {}", agent.described()));
            context.printer.hint("`keepstep sync pull` brings the inputs; `keepstep test --smoke` runs the first one");
        }
        None => context.printer.hint(&format!(
            "`keepstep init scenario {} --agent AGENT` names the agent, such as {FORMS}; or write its call in agents/my_agent.py. A test fails until then",
            word(&folder)
        )),
    }
    context.printer.document(
        "init.scenario",
        json!({ "name": typed.trim(), "folder": folder, "path": path.to_string_lossy(), "linked": arguments.link }),
    );
    Ok(Outcome::Done)
}

impl Arguments {
    /// Returns the name as it was typed, and the agent if one is named.
    fn name_and_agent(&self) -> Result<(&str, Option<Agent>), Failure> {
        let name = self.name.as_deref().or(self.named.as_deref());
        match (name, self.agent.as_deref(), self.program.as_slice()) {
            // The two dashes stand before a name that begins with one.
            (None, None, [name]) => Ok((name, None)),
            (None, ..) => Err(Failure::usage("the name of the scenario is required: `keepstep init scenario NAME --agent WHAT`")),
            (Some(name), None, []) => Ok((name, None)),
            (Some(name), None | Some(""), program @ [_, ..]) => Ok((name, Some(Agent::Program(program.to_vec())))),
            (Some(_), Some(""), []) => Agent::parse("").map(|agent| ("", Some(agent))),
            (Some(_), Some(_), [_, ..]) => {
                Err(Failure::usage("--agent and a program behind two dashes are two agents; name one"))
            }
            (Some(name), Some(agent), []) => Ok((name, Some(Agent::parse(agent)?))),
        }
    }
}

/// Writes the configuration of a scenario that has questions and none yet.
pub(crate) fn write_configuration(context: &Context, folder: &Path, name: &str, agent: &Agent) -> Result<(), Failure> {
    let here = agent::way(folder, &context.directory);
    let text = templates::simulation(name, &agent.runner(&here));
    files::write_whole(&folder.join(templates::SIMULATION_FILE), text.as_bytes())?;
    context.printer.status(format!("wrote   {}", templates::SIMULATION_FILE));
    Ok(())
}

/// Selects the scenario where it was linked, or where the workspace is one of 0.4.0, which selects every new one. An id of
/// another scenario never stays with it.
fn link(
    context: &Context,
    workspace: &keepstep_workspace::Workspace,
    folder: &str,
    name: &str,
    id: Option<&str>,
    recorder: &mut Recorder,
) -> Result<(), Failure> {
    let mut change = StateChange::begin(workspace)?;
    let known = change.links.of(folder).map(|link| link.id);
    if let Some(id) = id {
        let project = workspace.project()?;
        let project_id = project.as_ref().and_then(|project| project.id()).map(str::to_owned);
        change.links.set(folder, &Link { id: id.to_owned(), name: name.to_owned(), project_id });
    }
    if id.is_some() || change.context.form() == Form::Text {
        change.context.select_scenario(id.or(known.as_deref()), name, folder, &context.now().to_string());
    }
    let pending = change.write()?;
    let writes = pending.iter().map(|file| Write::of_pending(workspace.root(), file)).collect::<Result<Vec<_>, _>>()?;
    recorder.keep(context.now(), &writes)?;
    Ok(files::put_together(&[], pending)?)
}
