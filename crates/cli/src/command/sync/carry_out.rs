//! Doing what was decided: the code, then the platform, then the lock file.

use keepstep_agent::Definition;
use keepstep_agent::Field;
use keepstep_agent::canonical;
use keepstep_agent::drift::{Base, Local, Server as ServerSide};
use keepstep_agent::plan::Action;
use keepstep_api::own::DefinitionChange;
use keepstep_base::Digest;
use keepstep_base::PersonaVersion;
use keepstep_client::{ClientError, RemoteAgent};
use keepstep_source::{EditPlan, EditRefusal, FileEdit, Property};
use serde_json::{Map, Value, json};

use super::choose::{Item, Plan};
use super::run::Run;
use crate::command::{CommandResult, Outcome, compile};
use crate::session::checkout::keepstep_folder::Folder;
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::undo_log::{Content, Write};
use crate::session::context::Context;
use crate::session::sides::{self, Against, Project};
use crate::shell::diff_view;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};

/// How carrying out a plan ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It is done.
    With(Outcome),
    /// The server has a newer revision than the one that was looked at; nothing was written there.
    ServerChanged,
}

/// Carries a plan out.
pub(super) fn carry_out(run: &mut Run<'_>, plan: &Plan) -> Result<Ended, Failure> {
    let printer = &run.context.printer;
    let edits = plan_code(run, plan)?;
    let folder = Folder::of(&run.project.root);
    let is_idle = plan.items.is_empty() && !records_anything(run);
    let _guard = if is_idle { None } else { Some(folder.guard(printer)?) };

    if let Some(edits) = &edits {
        write_code(run, plan, edits)?;
        run.code = sides::read_code(run.context, &run.project.root)?;
        compile::refresh_manifest(run.context, &*run.code)?;
        record_taken(run, plan)?;
    }
    let before = run.compared.remote.clone();
    let mut pushed = None;
    if let Some(change) = change(run, plan) {
        match push(run, &change) {
            Ok(after) => pushed = Some(after),
            Err(Failure::Client(error)) if matches!(error.cause(), ClientError::Stale { .. }) && edits.is_none() => {
                return Ok(Ended::ServerChanged);
            }
            Err(Failure::Client(error)) if matches!(error.cause(), ClientError::Stale { .. }) => {
                printer.status("The code was written; the server was not, because it changed.");
                return Ok(Ended::ServerChanged);
            }
            Err(failure) => return Err(failure),
        }
    }
    if let Some(after) = &pushed {
        print_pushed(run, plan, &before, after);
        run.compared.remote = after.clone();
    }
    record(run, plan)?;
    let outcome = print_outcome(run, plan);
    let mut document = run.document();
    document["actions"] = json!(
        plan.items.iter().map(|item| json!({ "field": item.field, "did": did(item, run.options.draft) })).collect::<Vec<_>>()
    );
    document["undo"] = json!(run.recorder.id().map(|id| format!("undo {id}")));
    document["replacedPersona"] = json!(pushed.and(before.published.as_ref()).map(|summary| summary.version));
    document["exit"] = json!(outcome.code());
    run.context.printer.document("sync", document);
    Ok(Ended::With(outcome))
}

/// Shows what would be done, and writes nothing.
pub(super) fn dry_run(run: &Run<'_>, plan: &Plan) -> CommandResult {
    let printer = &run.context.printer;
    let edits = plan_code(run, plan)?;
    for item in &plan.items {
        printer.status(match &item.action {
            Action::Push(_) if run.options.draft => format!("Would store the {} as a draft on {}", item.field, run.server.name()),
            Action::Push(_) => format!("Would publish the {} on {}", item.field, run.server.name()),
            Action::Pull(_) => format!("Would write the server's {} into the code", item.field),
            Action::Join(_) => format!("Would merge the {} and write it to both sides", item.field),
            Action::Mark { conflicts, .. } => {
                format!("Would mark {conflicts} overlapping edits of the {} in the code", item.field)
            }
            Action::Keep | Action::Refuse(_) => continue,
        });
    }
    if let Some(edits) = &edits
        && !printer.is_json()
    {
        diff_view::print_patch(printer, &edits.patch());
    }
    let mut document = run.document();
    document["dryRun"] = json!(true);
    document["actions"] = json!(
        plan.items.iter().map(|item| json!({ "field": item.field, "would": did(item, run.options.draft) })).collect::<Vec<_>>()
    );
    document["patch"] = json!(edits.map(|edits| edits.patch()));
    printer.document("sync", document);
    Ok(Outcome::Done)
}

/// Returns the edits of the code: all of them, or a failure and none.
fn plan_code(run: &Run<'_>, plan: &Plan) -> Result<Option<EditPlan>, Failure> {
    let wanted: Vec<(Field, Option<Value>)> =
        plan.items.iter().filter_map(|item| Some((item.field, with_own_key(run, item.field, item.for_code()?)))).collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    match run.code.plan_edits(&wanted) {
        Ok(edits) => Ok(Some(edits)),
        Err(refusal) => Err(refused_edit(run.context, refusal)),
    }
}

/// Returns a value for the code with the secret that the code's value holds: the server never has it, so taking the
/// server's value is no wish to lose it. A key that is not written in the code itself is nowhere spelled out.
fn with_own_key(run: &Run<'_>, field: Field, value: Option<Value>) -> Option<Value> {
    let Property::Known { value: Value::Object(ours), computed: false, .. } = run.code.property(field) else { return value };
    match (value, field.secret().and_then(|key| ours.get_key_value(key))) {
        (Some(Value::Object(mut members)), Some((key, secret))) => {
            members.entry(key.as_str()).or_insert_with(|| secret.clone());
            Some(Value::Object(members))
        }
        (value, _) => value,
    }
}

/// Prints the patch that a person would apply, and returns the failure.
fn refused_edit(context: &Context, refusal: EditRefusal) -> Failure {
    if let Some(patch) = &refusal.patch
        && !context.printer.is_json()
    {
        diff_view::print_patch(&context.printer, patch);
    }
    Failure::Edit(Box::new(refusal))
}

/// Writes the code, after what it replaces was kept, and tells how to bring that back.
fn write_code(run: &mut Run<'_>, plan: &Plan, edits: &EditPlan) -> Result<(), Failure> {
    let write = |file: &FileEdit| Write {
        path: file.path.clone(),
        before: Content::Bytes(file.before.clone()),
        after: Content::Bytes(file.after.clone()),
    };
    let files: Vec<Write> = edits.files.iter().map(write).collect();
    let kept = run.recorder.len();
    run.recorder.keep(run.context.now(), &files)?;
    if let Err(error) = edits.apply(&run.project.root) {
        // Of several files the first may be replaced already; only when none is, there is nothing to bring back.
        let is_replaced = |file: &FileEdit| std::fs::read(run.project.root.join(&file.path)).is_ok_and(|now| now == file.after);
        if !edits.files.iter().any(is_replaced) {
            run.recorder.roll_back(kept);
        }
        return Err(error.into());
    }
    let is_first = run.told.is_empty();
    let names: Vec<String> = edits.files.iter().map(|file| file.path.display().to_string()).collect();
    for item in &plan.items {
        let (label, mark, what) = match &item.action {
            Action::Pull(_) => {
                (Label::Good, "✅ ", format!("{} pulled from server into {}", item.field.title(), names.join(", ")))
            }
            Action::Join(_) => (Label::Good, "✅ ", format!("{} merged into {}", item.field.title(), names.join(", "))),
            Action::Mark { conflicts, .. } => {
                let places = count(*conflicts, "place");
                let what = format!(
                    "{}: both sides changed the same lines, marked at {places} in {}",
                    item.field.title(),
                    names.join(", ")
                );
                (Label::Warning, "⚠️  ", what)
            }
            Action::Keep | Action::Push(_) | Action::Refuse(_) => continue,
        };
        // A merge that somebody was faster than is made again; what it does is the same.
        if !run.told.contains(&what) {
            run.context.printer.answer(Text::of(label, mark).and(Label::Plain, what.clone()));
            run.told.push(what);
        }
    }
    if let Some(id) = run.recorder.id().filter(|_| is_first) {
        run.context.printer.answer(undo_line(run, &format!("undo {id}")));
    }
    Ok(())
}

/// Writes down that the code holds what the server had: whatever the server says next, its edits since then are the only ones
/// that the code lacks. Text with markers holds it only once somebody decided.
fn record_taken(run: &mut Run<'_>, plan: &Plan) -> Result<(), Failure> {
    let taken = plan.items.iter().filter(|item| matches!(item.action, Action::Pull(_) | Action::Join(_)));
    let taken: Vec<Field> = taken.map(|item| item.field).filter(|field| is_agreement(run, *field)).collect();
    let agreements = agreements(&run.compared.remote, taken.into_iter());
    run.lock = LockFile::read(&run.project.root)?;
    agree_on(&mut run.lock.lock, &run.project, &run.compared.remote, agreements);
    run.lock.write(&mut run.recorder, run.context.now())
}

/// Returns the change of the platform, if there is one.
fn change(run: &Run<'_>, plan: &Plan) -> Option<DefinitionChange> {
    let fields: Map<String, Value> = plan
        .items
        .iter()
        .filter_map(|item| Some((item.field.key().to_owned(), item.for_server()?.unwrap_or(Value::Null))))
        .collect();
    let change = DefinitionChange { fields, draft: run.options.draft, message: None };
    (!change.fields.is_empty()).then_some(change)
}

/// Writes the platform and makes sure that it keeps what was sent.
fn push(run: &Run<'_>, change: &DefinitionChange) -> Result<RemoteAgent, Failure> {
    let after = run.server.writer()?.change(&run.project.agent, run.compared.remote.revision, change)?;
    verify_stored(run.server.name(), &after, change)?;
    Ok(after)
}

/// Fails if the platform keeps something else than it was sent.
pub(crate) fn verify_stored(server: &str, after: &RemoteAgent, change: &DefinitionChange) -> Result<(), Failure> {
    for field in Field::ALL {
        let Some(sent) = change.fields.get(field.key()) else { continue };
        let is_same = if change.draft && field.has_versions() {
            after.newest_draft.as_ref().and_then(|draft| draft.digest) == canonical::digest(field, Some(sent))
        } else {
            canonical::same(field, after.definition.get(field), Some(sent))
        };
        if !is_same {
            return Err(Failure::StoredOtherwise(format!(
                "{server} accepted the {field} but stored a different value; compare with `keepstep sync`"
            )));
        }
    }
    Ok(())
}

/// Tells what was pushed, and how to take it back.
fn print_pushed(run: &mut Run<'_>, plan: &Plan, before: &RemoteAgent, after: &RemoteAgent) {
    for item in plan.items.iter().filter(|item| item.writes_server()) {
        let (what, back) = pushed_words(run.context, item.field, run.options.draft, before, after);
        run.context.printer.answer(Text::of(Label::Good, "✅ ").and(Label::Plain, what));
        if let Some(back) = back {
            run.context.printer.answer(undo_line(run, &back));
            run.recorder.note_server(&back);
        }
    }
}

/// Returns what a push did to a field, and the command that takes it back.
pub(crate) fn pushed_words(
    context: &Context,
    field: Field,
    draft: bool,
    before: &RemoteAgent,
    after: &RemoteAgent,
) -> (String, Option<String>) {
    let version = |summary: &Option<keepstep_api::own::PersonaSummary>| summary.as_ref().map(|summary| summary.version);
    match field.has_versions() {
        true if draft => match version(&after.newest_draft) {
            Some(version) => (
                format!(
                    "Persona stored as draft {version}; `{}` publishes it",
                    context.typed(&format!("persona production deploy --persona-version {version}"))
                ),
                None,
            ),
            None => ("Persona stored as a draft".to_owned(), None),
        },
        true => {
            let what = match version(&after.published) {
                Some(version) => format!("Persona version {version} is published and current"),
                None => "Persona published".to_owned(),
            };
            let deploy = |version: PersonaVersion| format!("persona production deploy --persona-version {version}");
            (what, version(&before.current).filter(|before| Some(*before) != version(&after.current)).map(deploy))
        }
        false => {
            let was = match before.definition.get(field) {
                Some(value) if !value.is_null() => format!(" (it was {value})"),
                _ => String::new(),
            };
            (format!("{} updated on server{was}", field.title()), None)
        }
    }
}

fn undo_line(run: &Run<'_>, command: &str) -> Text {
    Text::from("   undo: ").and(Label::Command, run.context.typed(command))
}

/// Says how it ended.
fn print_outcome(run: &Run<'_>, plan: &Plan) -> Outcome {
    let printer = &run.context.printer;
    if plan.items.iter().any(|item| matches!(item.action, Action::Mark { .. })) {
        printer.hint("decide between the marked lines, then `keepstep sync --push`");
        return Outcome::Conflict;
    }
    if plan.items.is_empty() && run.compared.has_drift() {
        if plan.was_asked {
            printer.status("Nothing was changed.");
            return Outcome::Done;
        }
        printer.notice(
            Text::of(Label::Error, "error: ")
                .and(Label::Plain, "code and server differ; nothing was written because there is no terminal to ask"),
        );
        super::report::hint_at_flags(run.context);
        return Outcome::Conflict;
    }
    if run.compared.has_unreadable() && plan.items.is_empty() {
        return Outcome::NotReadable;
    }
    Outcome::Done
}

/// Returns true if the lock file would say something new although nothing differs.
fn records_anything(run: &Run<'_>) -> bool {
    let mut lock = run.lock.lock.clone();
    agree(&mut lock, run);
    lock.to_text() != run.lock.lock.to_text() || (!run.lock.exists() && run.lock.lock != lock)
}

/// Writes down what both sides agree on now.
fn record(run: &mut Run<'_>, plan: &Plan) -> Result<(), Failure> {
    if plan.items.is_empty() && !records_anything(run) {
        return Ok(());
    }
    // Somebody else may have written it while this command waited for its turn.
    run.lock = LockFile::read(&run.project.root)?;
    let mut lock = run.lock.lock.clone();
    agree(&mut lock, run);
    run.lock.lock = lock;
    run.lock.write(&mut run.recorder, run.context.now())
}

fn agree(lock: &mut keepstep_agent::lock::Lock, run: &Run<'_>) {
    let fields = Field::ALL.into_iter().filter(|field| is_agreement(run, *field));
    let remote = &run.compared.remote;
    agree_on(lock, &run.project, remote, equal_values(remote, fields, |field| sides::local(&*run.code, field)));
}

/// Returns true if what was compared is what the lock is about: another version than the published one is no agreement about the
/// published one.
fn is_agreement(run: &Run<'_>, field: Field) -> bool {
    !field.has_versions() || (run.compared.against == Against::Published && !run.options.draft)
}

/// Returns what the server says of some fields, for somebody who has taken it.
fn agreements(remote: &RemoteAgent, fields: impl Iterator<Item = Field>) -> Vec<(Field, Option<Digest>)> {
    let agreement = |field| match remote.side(field) {
        ServerSide::Value(server) => Some((field, canonical::digest(field, server.as_ref()))),
        ServerSide::Silent => None,
    };
    fields.filter_map(agreement).collect()
}

/// Returns the same for the fields that the code says the same of.
pub(crate) fn equal_values(
    remote: &RemoteAgent,
    fields: impl Iterator<Item = Field>,
    local: impl Fn(Field) -> Local,
) -> Vec<(Field, Option<Digest>)> {
    let mut agreements = agreements(remote, fields);
    agreements.retain(|(field, server)| match local(*field) {
        Local::Value(local) => canonical::digest(*field, local.as_ref()) == *server,
        Local::Unreadable => false,
    });
    agreements
}

/// Writes down that both sides agree on some values.
pub(crate) fn agree_on(
    lock: &mut keepstep_agent::lock::Lock,
    project: &Project,
    remote: &RemoteAgent,
    agreed: Vec<(Field, Option<Digest>)>,
) {
    if agreed.is_empty() {
        return;
    }
    let entry = lock.agent_mut(&project.agent);
    let is_news = agreed.iter().any(|(field, digest)| entry.base(*field) != Base::Agreed(*digest));
    for (field, digest) in agreed {
        entry.agree(field, digest);
    }
    // The text of the revision is the base of a merge, so it must be the one in which the persona is the agreed one.
    let has_the_base = match entry.persona() {
        Base::None => true,
        Base::Agreed(digest) => digest == persona_digest(&remote.definition),
    };
    // A newer revision with the same values says nothing new, and would only make noise in git.
    if has_the_base && (is_news || entry.revision.is_none()) {
        entry.revision = remote.revision;
        let is_agreed = matches!(entry.persona(), Base::Agreed(Some(_)));
        entry.persona_version = remote.published.as_ref().filter(|_| is_agreed).map(|published| published.version);
    }
}

fn persona_digest(definition: &Definition) -> Option<keepstep_base::Digest> {
    canonical::persona_digest(definition.persona())
}

fn did(item: &Item, draft: bool) -> &'static str {
    match &item.action {
        Action::Push(_) if draft => "draft",
        Action::Push(_) => "push",
        Action::Pull(_) => "pull",
        Action::Join(_) => "merge",
        Action::Mark { .. } => "mark",
        Action::Keep | Action::Refuse(_) => "nothing",
    }
}
