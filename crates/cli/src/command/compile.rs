//! `keepstep compile`

use std::path::Path;
use std::time::Instant;

use clap::Args;
use keepstep_agent::Field;
use keepstep_agent::definition;
use keepstep_source::skill_file::{self, SkillFileError};
use keepstep_source::{AgentSource, ManifestError, Property};
use keepstep_source_typescript::TypeScriptAgent;
use keepstep_source_typescript::manifest::{self, FileList};
use serde_json::{Value, json};

use super::{CommandResult, Outcome, sync};
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::undo_log::Recorder;
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::session::settings::Settings;
use crate::session::sides::{self, Against, Project};
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::shortened;

/// Where the manifest is, below the project.
const MANIFEST: &str = "dist-v2/manifest.json";

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep compile\n  keepstep compile --sync --strict    for CI: exit 1 when the server has something else"
)]
pub(crate) struct Arguments {
    /// Also compare what was compiled with the server
    #[arg(long)]
    sync: bool,
    /// Show the files and where each field is written
    #[arg(long)]
    verbose: bool,
    /// With --sync: exit 1 on drift, and 11 when the server cannot be reached
    #[arg(long)]
    strict: bool,
    /// The same as --verbose
    #[arg(long)]
    debug: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let start = Instant::now();
    let root = sides::project_root(context)?;
    let agent = match skill_file::read(&root) {
        Ok(skill) => Some(skill.agent_id),
        // Only a comparison needs to know which agent of the platform it is; a new project has no ids yet.
        Err(SkillFileError::NoAgent { .. } | SkillFileError::NoValue { .. }) if !arguments.sync => None,
        Err(error) => return Err(error.into()),
    };
    let settings = Settings::read(context, &root)?;
    let (code, files) = sides::read_code_and_list(context, &root)?;
    sides::warn_of_notes(context, &code);
    refuse_unreadable(&code)?;
    let written = write_manifest(context, &root, &code, files)?;
    let verbose = arguments.verbose || arguments.debug;
    if verbose {
        show(context, &code, &written);
    }
    context.printer.answer(
        Text::of(Label::Good, "✅ ")
            .and(Label::Plain, format!("Compiled {} in {}ms", summary(&written), start.elapsed().as_millis())),
    );
    let mut outcome = Outcome::Done;
    let mut drift = Value::Null;
    if arguments.sync
        && let Some(agent) = &agent
    {
        let project = Project { root, agent: agent.clone() };
        let strict = settings.strict(context, arguments.strict)?.value;
        (outcome, drift) = report_drift(context, &project, &code, strict)?;
    }
    let definition: serde_json::Map<String, Value> = code
        .definition()
        .iter()
        .filter_map(|(field, value)| Some((field.key().to_owned(), sides::without_secret(field, Some(value))?)))
        .collect();
    context.printer.document(
        "compile",
        json!({
            "agent": agent, "manifest": MANIFEST, "definition": definition, "sync": drift,
        }),
    );
    Ok(outcome)
}

/// Writes the manifest and returns it.
fn write_manifest(context: &Context, root: &Path, code: &TypeScriptAgent, files: FileList) -> Result<Value, Failure> {
    let manifest = manifest::build(code, files, jiff::Timestamp::now().as_millisecond())?;
    for warning in manifest::write(root, &manifest)? {
        context.printer.warning(&warning);
    }
    Ok(manifest)
}

/// Writes the manifest on the way to something else. One that would say something wrong is not written, and that does not
/// keep the command from its work.
pub(crate) fn refresh_manifest(context: &Context, code: &dyn AgentSource) -> Result<(), Failure> {
    match code.write_manifest(jiff::Timestamp::now().as_millisecond()) {
        Ok(warnings) => warnings.iter().for_each(|warning| context.printer.warning(warning)),
        Err(ManifestError::Unreadable { field, .. }) => {
            context.printer.status(format!("dist-v2/manifest.json was not written: the {field} cannot be read"));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The same for a command that can be undone: what is there now is kept with the rest of what the command replaces.
pub(crate) fn refresh_manifest_kept(context: &Context, code: &dyn AgentSource, recorder: &mut Recorder) -> Result<(), Failure> {
    for path in [MANIFEST, ".gitignore"] {
        recorder.keep_derived(path)?;
    }
    refresh_manifest(context, code)
}

/// Fails for a property that nobody could read: the manifest must not say that it is empty. Of what is linked it has the names, and not the
/// ids that may be missing.
fn refuse_unreadable(code: &dyn AgentSource) -> Result<(), Failure> {
    let problems: Vec<_> = Field::ALL
        .into_iter()
        .filter_map(|field| match code.property(field) {
            Property::Unreadable(problem) if !field.is_linked() => Some((field, problem.clone())),
            _ => None,
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Failure::Unreadable(problems)) }
}

fn report_drift(context: &Context, project: &Project, code: &dyn AgentSource, strict: bool) -> Result<(Outcome, Value), Failure> {
    let lock = LockFile::read(&project.root)?;
    let compared = Server::connect(context, Some(&project.root))
        .and_then(|server| Ok((sides::compare(&server, project, code, &lock, Against::Published)?, server)));
    let (compared, server) = match compared {
        Ok(both) => both,
        Err(failure) => {
            return sync::report::not_checked(context, failure, strict, Some(code)).map(|document| (Outcome::Done, document));
        }
    };
    sync::report::show_short(context, code, &compared);
    let document = sync::report::document(project, &server, code, &compared);
    Ok((if strict && compared.has_drift() { Outcome::Found } else { Outcome::Done }, document))
}

fn summary(manifest: &Value) -> String {
    let primitives = manifest.get("primitives").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for kind in primitives.iter().filter_map(|primitive| primitive.get("kind").and_then(Value::as_str)) {
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, number)) => *number += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, number)| count(*number, kind)).collect();
    format!("{} ({})", count(primitives.len(), "primitive"), kinds.join(", "))
}

fn show(context: &Context, code: &dyn AgentSource, manifest: &Value) {
    let printer = &context.printer;
    printer.answer(Text::of(Label::Heading, format!("Agent at {}", code.location())));
    let is_set = |field: &Field| *code.property(*field) != Property::Absent;
    let width = Field::ALL.into_iter().filter(is_set).map(|field| field.title().len()).max().unwrap_or_default().max(10);
    for field in Field::ALL {
        let (place, value) = match code.property(field) {
            Property::Absent => continue,
            Property::Known { value, computed, location } => {
                let mark = if *computed { " (computed)" } else { "" };
                (format!("{location}{mark}"), excerpt(field, &sides::without_secret(field, Some(value)).unwrap_or_default()))
            }
            Property::Function { location } => (location.to_string(), "decided when the agent runs".to_owned()),
            Property::Unreadable(problem) => (problem.location.to_string(), problem.message.clone()),
        };
        printer.answer(Text::from(format!("  {:<width$} {place}", field.title())).and(Label::Unchanged, format!("  {value}")));
    }
    let files = manifest.get("projectFiles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    printer.answer(Text::of(Label::Heading, count(files.len(), "project file")));
    for path in files.iter().filter_map(|file| file.get("relativePath").and_then(Value::as_str)) {
        printer.answer(format!("  {path}"));
    }
}

/// Returns the beginning of a value, on one line.
fn excerpt(field: Field, value: &Value) -> String {
    shortened(&definition::text_of(field, Some(value)).split_whitespace().collect::<Vec<_>>().join(" "), 60)
}
