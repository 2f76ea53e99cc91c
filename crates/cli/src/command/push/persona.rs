//! `keepstep push persona`

use clap::Args;
use keepstep_agent::Field;
use keepstep_agent::State;
use keepstep_agent::drift::Local;
use keepstep_agent::plan::{self, FieldView};
use keepstep_api::own::DefinitionChange;
use keepstep_client::{ClientError, RemoteAgent};
use keepstep_source::AgentSource;
use serde_json::{Map, Value, json};

use crate::command::sync::{agree_on, equal_values, pushed_words, refuse, verify_stored};
use crate::command::{CommandResult, Outcome, compile};
use crate::session::checkout::keepstep_folder::Folder;
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::undo_log::Recorder;
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::session::scope;
use crate::session::sides::{self, Against, Compared, Project, local_value, server_value};
use crate::shell::diff_view;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};
use crate::shell::prompt;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep push persona\n  keepstep push persona --force --message \"Friendlier greeting\"\n  keepstep push persona --draft"
)]
pub(crate) struct Arguments {
    /// Store a draft; nothing is published
    #[arg(long, conflicts_with = "auto_deploy")]
    draft: bool,
    /// Do not ask
    #[arg(long)]
    force: bool,
    /// Put the version into production; a push does that anyway
    #[arg(long)]
    auto_deploy: bool,
    /// Why
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    /// Accepted for scripts that were written for `lua push`; has no effect on a persona
    #[arg(long, hide = true)]
    name: Option<String>,
    /// Accepted for scripts that were written for `lua push`; has no effect on a persona
    #[arg(long, hide = true)]
    set_version: Option<String>,
}

/// Publishes, and makes sure that the server keeps what was sent.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let printer = &context.printer;
    let project = Project::open(context)?;
    let code = sides::read_code(context, &project.root)?;
    sides::warn_of_notes(context, &*code);
    let lock = LockFile::read(&project.root)?;
    let mut recorder = Recorder::of(&project.root, "push persona");
    compile::refresh_manifest_kept(context, &*code, &mut recorder)?;
    let server = Server::connect(context, Some(&project.root))?;
    let mut compared = sides::compare(&server, &project, &*code, &lock, Against::Published)?;
    let change = change(arguments, &compared)?;
    if change.fields.is_empty() {
        let version = compared.remote.published.as_ref().map(|summary| summary.version);
        let version = version.map_or_else(String::new, |version| format!(" as version {version}"));
        printer.answer(format!("✅ The server has this persona already{version}, published and current. Nothing to push."));
        record(context, &project, &*code, &compared.remote, &mut recorder)?;
        printer.document("push.persona", json!({ "agent": project.agent, "server": server.name(), "pushed": false }));
        return Ok(Outcome::Done);
    }
    preview(context, &project, &server, &compared, &change);
    if !arguments.force {
        // Enter alone never takes a newer version of somebody else out of production.
        let newer = replaced_by(&compared, &change).map(|view| match compared.version().filter(|_| view.field.has_versions()) {
            Some(version) => scope::version_words(version, context.now()),
            None => format!("the server's {}", view.field),
        });
        let question = match &newer {
            Some(newer) => format!("Publish over {newer}?"),
            None if arguments.draft => "Store this as a draft?".to_owned(),
            None => "Publish this?".to_owned(),
        };
        if !context.can_ask {
            return Err(Failure::Conflict {
                message: "cannot ask whether to publish this without a terminal; nothing was pushed".to_owned(),
                hints: vec!["`--force` publishes without asking".to_owned()],
            });
        }
        if !prompt::confirm(printer, &question, newer.is_none())? {
            printer.status("Nothing was pushed.");
            return Ok(Outcome::Done);
        }
    }
    let before = compared.remote.clone();
    let after = push(&server, &project, &mut compared, &change, arguments.force)?;
    verify_stored(server.name(), &after, &change)?;
    for field in Field::ALL.into_iter().filter(|field| change.fields.contains_key(field.key())) {
        let (what, back) = pushed_words(context, field, arguments.draft, &before, &after);
        printer.answer(Text::of(Label::Good, "✅ ").and(Label::Plain, what));
        if let Some(back) = back {
            printer.answer(Text::from("   undo: ").and(Label::Command, context.typed(&back)));
            recorder.note_server(&back);
        }
    }
    if !arguments.draft {
        record(context, &project, &*code, &after, &mut recorder)?;
    }
    printer.document(
        "push.persona",
        json!({
            "agent": project.agent, "server": server.name(), "pushed": true, "draft": arguments.draft,
            "fields": change.fields.keys().collect::<Vec<_>>(), "revision": after.revision,
            "version": if arguments.draft { &after.newest_draft } else { &after.published }.as_ref().map(|summary| summary.version),
            "replaced": before.current.as_ref().map(|summary| summary.version),
        }),
    );
    Ok(Outcome::Done)
}

/// Returns what is to be written: the persona, and every other field that the code sets and the server has otherwise, as the peer's
/// `push` does; not what only the server changed, which the code never had. The name is never pushed by this command.
fn change(arguments: &Arguments, compared: &Compared) -> Result<DefinitionChange, Failure> {
    let mut fields = Map::new();
    for view in &compared.views {
        let field = view.field;
        if field.is_required() && !field.has_versions() {
            continue;
        }
        let Local::Value(value) = &view.local else { return Err(refuse(view, plan::Refusal::Unreadable)) };
        if field.has_versions() {
            plan::pushable(field, value.as_ref()).map_err(|refusal| refuse(view, refusal))?;
        }
        let is_wanted = match field.has_versions() {
            true => !is_stored(arguments, view, compared),
            // A draft is of the persona alone, and a field that the code does not set is no wish to clear it.
            false => !arguments.draft && value.is_some() && !matches!(view.state, State::InStep | State::Behind),
        };
        if is_wanted {
            fields.insert(field.key().to_owned(), value.clone().unwrap_or(Value::Null));
        }
    }
    Ok(DefinitionChange { fields, draft: arguments.draft, message: arguments.message.clone() })
}

/// Returns true if the server has the persona already, in the way that it would have it after the push.
fn is_stored(arguments: &Arguments, view: &FieldView, compared: &Compared) -> bool {
    let remote = &compared.remote;
    let is_current = match (&remote.published, &remote.current) {
        (Some(published), Some(current)) => published.version == current.version,
        (Some(_), None) => false,
        (None, _) => true,
    };
    view.state == State::InStep && (is_current || arguments.draft)
}

/// Returns the first field of which the server has a value that the code never had, and which the change replaces.
fn replaced_by<'c>(compared: &'c Compared, change: &DefinitionChange) -> Option<&'c FieldView> {
    let is_newer = |view: &&FieldView| view.state.is_drift() && view.state != State::Ahead && server_value(view).is_some();
    compared.views.iter().filter(|view| !change.draft && change.fields.contains_key(view.field.key())).find(is_newer)
}

fn preview(context: &Context, project: &Project, server: &Server, compared: &Compared, change: &DefinitionChange) {
    let printer = &context.printer;
    printer.answer(
        Text::of(Label::Heading, format!("{} on {}", project.agent, server.name()))
            .and(Label::Plain, "   ")
            .and(Label::Removed, "- what is replaced")
            .and(Label::Plain, "   ")
            .and(Label::Added, "+ what is pushed"),
    );
    for field in Field::ALL.into_iter().filter(|field| change.fields.contains_key(field.key())) {
        let Some(view) = compared.view(field) else { continue };
        printer.answer("");
        printer.answer(Text::of(Label::Heading, field.title()));
        for line in diff_view::lines(field, server_value(view), local_value(view)) {
            printer.answer(line);
        }
    }
    printer.answer("");
}

/// Writes. With `--force` a change that somebody else made in the meantime is replaced; it stays as a version.
fn push(
    server: &Server,
    project: &Project,
    compared: &mut Compared,
    change: &DefinitionChange,
    force: bool,
) -> Result<RemoteAgent, Failure> {
    let writer = server.writer()?;
    match writer.change(&project.agent, compared.remote.revision, change) {
        Err(error) if force && matches!(error.cause(), ClientError::Stale { .. }) => {
            compared.remote = server.state(&project.agent)?;
            Ok(writer.change(&project.agent, compared.remote.revision, change)?)
        }
        other => Ok(other?),
    }
}

/// Writes down what both sides agree on now.
fn record(
    context: &Context,
    project: &Project,
    code: &dyn AgentSource,
    remote: &RemoteAgent,
    recorder: &mut Recorder,
) -> Result<(), Failure> {
    let agreed = |file: &LockFile| {
        let mut lock = file.lock.clone();
        let values = equal_values(remote, Field::ALL.into_iter(), |field| sides::local(code, field));
        agree_on(&mut lock, project, remote, values);
        lock
    };
    let file = LockFile::read(&project.root)?;
    if agreed(&file) == file.lock {
        return Ok(());
    }
    let _guard = Folder::of(&project.root).guard(&context.printer)?;
    // Somebody else may have written it while this command waited for its turn.
    let mut file = LockFile::read(&project.root)?;
    file.lock = agreed(&file);
    file.write(recorder, context.now())
}
