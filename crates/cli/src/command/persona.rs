//! `keepstep persona [sandbox|staging|production] [view|versions|deploy|diff]`

use std::str::FromStr;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use keepstep_agent::Field;
use keepstep_agent::definition::persona_text;
use keepstep_api::own::{PersonaStatus, PersonaSummary};
use keepstep_base::PersonaVersion;
use keepstep_client::ClientError;
use serde_json::{Value, json};

use super::{CommandResult, Outcome};
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::session::sides::{self, Project};
use crate::shell::diff_view;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::prompt;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep persona sandbox view\n  keepstep persona production versions\n  keepstep persona production diff --persona-version 3\n  keepstep persona production deploy --persona-version 3"
)]
pub(crate) struct Arguments {
    /// The code (sandbox, staging) or the server (production)
    environment: Option<Environment>,
    /// What to do
    action: Option<Action>,
    /// Which version: a number, or latest for the newest one, drafts included
    #[arg(long, short = 'v', value_name = "VERSION")]
    persona_version: Option<VersionArgument>,
    /// With diff: compare the version with this one instead of the code
    #[arg(long, value_name = "VERSION", requires = "persona_version")]
    against: Option<VersionArgument>,
    /// Do not ask
    #[arg(long)]
    force: bool,
}

/// Where a persona is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Environment {
    /// What the code has
    #[value(alias = "sb")]
    Sandbox,
    /// The same, under its other name
    #[value(aliases = ["stage", "stg"])]
    Staging,
    /// What the server has
    #[value(aliases = ["prod", "prd", "live"])]
    Production,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Show the persona
    #[value(aliases = ["show", "info"])]
    View,
    /// List the versions
    #[value(aliases = ["list-versions", "history"])]
    Versions,
    /// Put a version into production
    #[value(alias = "publish")]
    Deploy,
    /// Show how the code differs from a version
    Diff,
}

/// A version, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionArgument {
    /// The newest one.
    Latest,
    /// This one.
    Number(PersonaVersion),
}

impl FromStr for VersionArgument {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "latest" => Ok(Self::Latest),
            _ => text
                .strip_prefix('v')
                .unwrap_or(text)
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .map(|number| Self::Number(PersonaVersion(number)))
                .ok_or("use a number such as 3, or latest"),
        }
    }
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let project = Project::open(context)?;
    let place = match arguments.environment {
        Some(place) => place,
        None => pick(
            context,
            "Which persona?",
            &[(Environment::Sandbox, "sandbox: the code"), (Environment::Production, "production: the server")],
            "persona production versions",
        )?,
    };
    let action = match arguments.action {
        Some(action) => action,
        None => pick(
            context,
            "What would you like to do?",
            &[(Action::View, "view"), (Action::Versions, "versions"), (Action::Diff, "diff"), (Action::Deploy, "deploy")],
            "persona production versions",
        )?,
    };
    match (place, action) {
        (Environment::Sandbox | Environment::Staging, Action::View) => view_code(context, &project),
        (Environment::Production, Action::View) => view_current(context, &project, arguments.persona_version),
        (_, Action::Versions) => versions(context, &project),
        (_, Action::Diff) => diff(context, &project, arguments),
        (_, Action::Deploy) => deploy(context, &project, arguments.persona_version, arguments.force),
    }
}

fn pick<T: Copy>(context: &Context, question: &str, choices: &[(T, &str)], example: &str) -> Result<T, Failure> {
    let labels: Vec<&str> = choices.iter().map(|(_, label)| *label).collect();
    if !context.can_ask {
        return Err(Failure::Usage {
            message: format!("{question} Say one of: {}", labels.join(", ")),
            hint: Some(format!("for example `keepstep {example}`")),
        });
    }
    let index = prompt::select(&context.printer, question, &labels)?;
    choices.get(index).map(|(choice, _)| *choice).ok_or(Failure::Interrupted)
}

/// Prints a persona as it is, so that a program gets what the server or the code has.
fn show(context: &Context, persona: &Value) {
    if !context.printer.is_json() {
        context.printer.exact(&(persona_text(Some(persona)) + "\n"));
    }
}

/// Shows what the code has now, not what was compiled last.
fn view_code(context: &Context, project: &Project) -> CommandResult {
    let code = sides::read_code(context, &project.root)?;
    let persona = sides::persona(&*code)?;
    match &persona {
        Some(persona) => show(context, persona),
        None => context.printer.status("The code has no persona."),
    }
    context.printer.document("persona.view", json!({ "environment": "sandbox", "persona": persona }));
    Ok(Outcome::Done)
}

fn view_current(context: &Context, project: &Project, wanted: Option<VersionArgument>) -> CommandResult {
    let server = Server::connect(context, Some(&project.root))?;
    let version = match wanted {
        Some(wanted) => Some(find(&server, project, wanted)?),
        None => server.state(&project.agent)?.current,
    };
    let Some(version) = version else {
        context.printer.status("No persona is in production.");
        context.printer.hint("`keepstep persona production deploy --persona-version N` deploys one");
        context.printer.document("persona.view", json!({ "environment": "production", "version": null, "persona": null }));
        return Ok(Outcome::Done);
    };
    let persona = server.persona(&project.agent, version.version)?;
    context.printer.status(line(&version));
    show(context, &persona);
    context.printer.document(
        "persona.view",
        json!({ "environment": "production", "version": version.version, "status": version.status, "is_current": version.is_current, "created": version.created, "persona": persona }),
    );
    Ok(Outcome::Done)
}

fn versions(context: &Context, project: &Project) -> CommandResult {
    let server = Server::connect(context, Some(&project.root))?;
    let versions = server.personas(&project.agent, None)?;
    for version in &versions {
        context.printer.answer(line(version));
    }
    if versions.is_empty() {
        context.printer.status("No persona version found.");
        context.printer.hint("`keepstep push persona` creates one");
    } else {
        context.printer.status(count(versions.len(), "version"));
    }
    context.printer.document("persona.versions", json!({ "agent": project.agent, "versions": versions }));
    Ok(Outcome::Done)
}

fn diff(context: &Context, project: &Project, arguments: &Arguments) -> CommandResult {
    let server = Server::connect(context, Some(&project.root))?;
    let old = match arguments.persona_version {
        Some(wanted) => Some(find(&server, project, wanted)?.version),
        None => server.state(&project.agent)?.current.map(|current| current.version),
    };
    let old_text = old.map(|version| server.persona(&project.agent, version)).transpose()?;
    let (new_name, new_text) = match arguments.against {
        Some(wanted) => {
            let version = find(&server, project, wanted)?.version;
            (format!("in version {version}"), Some(server.persona(&project.agent, version)?))
        }
        None => ("in the code".to_owned(), sides::persona(&*sides::read_code(context, &project.root)?)?),
    };
    let old_name = old.map_or_else(|| "on the server".to_owned(), |version| format!("in version {version}"));
    let field = Field::PERSONA;
    let lines = diff_view::lines(field, old_text.as_ref(), new_text.as_ref());
    if lines.is_empty() {
        context.printer.answer(format!("The personas {old_name} and {new_name} are the same."));
    } else {
        context.printer.answer(diff_view::legend(&old_name, &new_name));
        lines.into_iter().for_each(|line| context.printer.answer(line));
    }
    let rows = diff_view::rows(field, old_text.as_ref(), new_text.as_ref());
    context.printer.document("persona.diff", json!({ "agent": project.agent, "from": old, "to": new_name, "rows": rows }));
    Ok(Outcome::Done)
}

/// Puts a version into production.
pub(crate) fn deploy(context: &Context, project: &Project, wanted: Option<VersionArgument>, force: bool) -> CommandResult {
    let printer = &context.printer;
    let server = Server::connect(context, Some(&project.root))?;
    let Some(wanted) = wanted else {
        let versions = server.personas(&project.agent, None)?;
        return Err(Failure::Usage {
            message: "--persona-version is required for deploy".to_owned(),
            hint: Some(available(&versions)),
        });
    };
    let version = find(&server, project, wanted)?;
    if wanted == VersionArgument::Latest {
        printer.status(format!("The latest is {}", line(&version)));
    }
    let document = |deployed: bool, replaced: Option<PersonaVersion>| json!({ "agent": project.agent, "version": version.version, "deployed": deployed, "replaced": replaced });
    if version.is_current {
        printer.answer(format!("Version {} is in production already.", version.version));
        printer.document("persona.deploy", document(false, None));
        return Ok(Outcome::Done);
    }
    if !force {
        if !context.can_ask {
            return Err(Failure::Conflict {
                message: format!(
                    "cannot ask whether to deploy version {} without a terminal; nothing was deployed",
                    version.version
                ),
                hints: vec!["`--force` deploys without asking".to_owned()],
            });
        }
        if !prompt::confirm(printer, &format!("Deploy version {} to production?", version.version), false)? {
            printer.status("Nothing was deployed.");
            return Ok(Outcome::Done);
        }
    }
    let before = server.state(&project.agent)?;
    let writer = server.writer()?;
    let after = match writer.deploy(&project.agent, version.version, before.revision) {
        // Which version is deployed was said in so many words; that something else changed does not matter to it.
        Err(ClientError::Stale { current, .. }) => writer.deploy(&project.agent, version.version, current)?,
        other => other?,
    };
    if after.current.as_ref().map(|current| current.version) != Some(version.version) {
        return Err(Failure::StoredOtherwise(format!(
            "{} accepted the request, but version {} is not in production",
            server.name(),
            version.version
        )));
    }
    printer.answer(
        Text::of(Label::Good, "✅ ")
            .and(Label::Plain, format!("Persona version {} deployed successfully to production", version.version)),
    );
    let replaced = before.current.map(|current| current.version);
    if let Some(replaced) = replaced {
        let back = context.typed(&format!("persona production deploy --persona-version {replaced}"));
        printer.answer(Text::from("   undo: ").and(Label::Command, back));
    }
    printer.document("persona.deploy", document(true, replaced));
    Ok(Outcome::Done)
}

fn find(server: &Server, project: &Project, wanted: VersionArgument) -> Result<PersonaSummary, Failure> {
    let mut versions = server.personas(&project.agent, None)?;
    let index = match wanted {
        VersionArgument::Latest => (!versions.is_empty()).then_some(0),
        VersionArgument::Number(number) => versions.iter().position(|version| version.version == number),
    };
    match (index, wanted) {
        (Some(index), _) => Ok(versions.swap_remove(index)),
        (None, VersionArgument::Latest) => Err(Failure::NotFound {
            message: format!("agent {} has no persona version yet", project.agent),
            hint: Some("`keepstep push persona` creates one".to_owned()),
        }),
        (None, VersionArgument::Number(number)) => Err(Failure::NotFound {
            message: format!("agent {} has no persona version {number}", project.agent),
            hint: Some(available(&versions)),
        }),
    }
}

fn available(versions: &[PersonaSummary]) -> String {
    const MOST: usize = 5;
    if versions.is_empty() {
        return "no version yet; `keepstep push persona` creates one".to_owned();
    }
    let names: Vec<String> = versions.iter().take(MOST).map(|version| version.version.to_string()).collect();
    let more = if versions.len() > MOST { ", …" } else { "" };
    format!("available: {}{more}", names.join(", "))
}

/// Returns a version on a line.
fn line(version: &PersonaSummary) -> String {
    let mut line = format!("version {}", version.version);
    if let Ok(time) = Timestamp::from_millisecond(version.created.at) {
        line.push_str(&format!("  {}", time.strftime("%Y-%m-%d %H:%M UTC")));
    }
    if let Some(author) = &version.created.author {
        line.push_str(&format!("  {author}"));
    }
    match (version.is_current, version.status) {
        (true, _) => line.push_str("  ⭐ current"),
        (false, PersonaStatus::Draft) => line.push_str("  draft"),
        (false, PersonaStatus::Published) => {}
    }
    if let Some(message) = &version.created.message {
        line.push_str(&format!("  {}", message.lines().next().unwrap_or_default()));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_or_latest() {
        assert_eq!("3".parse(), Ok(VersionArgument::Number(PersonaVersion(3))));
        assert_eq!("v3".parse(), Ok(VersionArgument::Number(PersonaVersion(3))));
        assert_eq!("latest".parse(), Ok(VersionArgument::Latest));
        for text in ["", "0", "-1", "abc", "1.0"] {
            assert!(text.parse::<VersionArgument>().is_err(), "{text}");
        }
    }
}
