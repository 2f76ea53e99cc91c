//! `keepstep undo [ID]`

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use keepstep_agent::lock::Lock;
use keepstep_workspace::door;
use keepstep_workspace::files::write_private;
use keepstep_workspace::pull::swap::digest_of;
use serde_json::{Map, Value, json};

use super::{CommandResult, Outcome, compile};
use crate::session::checkout::files::write_whole;
use crate::session::checkout::interrupted_pull::recover_guarded;
use crate::session::checkout::keepstep_folder::Folder;
use crate::session::checkout::undo_log::{Content, Entry, KeptFile, Kind, Recorder, UndoLog, Write, order};
use crate::session::connection::test_data_server::find_workspace;
use crate::session::context::Context;
use crate::session::sides::{self, project_root};
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Restores what a command wrote on this machine: files, keepstep.lock, the record of a pull, what is selected.\nTo restore what it wrote on the server, run the command that is printed.\n\nExamples:\n  keepstep undo            put back what the last command replaced\n  keepstep undo --list     show what can be put back"
)]
pub(crate) struct Arguments {
    /// What the command that wrote it printed; the last one when left out
    id: Option<String>,
    /// Show what is kept instead
    #[arg(long)]
    list: bool,
}

/// What has to be done about a file of an entry.
enum Step {
    /// It is what it was before the command.
    Nothing,
    /// It gets this content.
    Restore(Content),
    /// It was made again since, and is not what the rest says any more.
    Stale,
}

/// Puts back what a command wrote, if nobody changed it since.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let logs = logs(context)?;
    if arguments.list {
        return list(context, &logs);
    }
    let (log, id) = find(&logs, arguments.id.as_deref())?;
    let _guard = Folder::of(log.root()).guard(&context.printer)?;
    end_interrupted_pulls(context)?;
    let entry = log.entry(&id)?;
    let mut writes = Vec::new();
    let mut is_stale = false;
    for file in &entry.files {
        let path = place(log.root(), &file.path)?;
        match step(log, &id, &entry, file, &path)? {
            Step::Nothing => {}
            Step::Stale => is_stale = true,
            Step::Restore(after) => {
                let before = if path.exists() { Content::File(path) } else { Content::Absent };
                writes.push(Write { path: file.path.clone(), before, after });
            }
        }
    }
    let mut recorder = Recorder::of(log.root(), &format!("undo {id}"));
    recorder.keep(context.now(), &writes)?;
    for write in &writes {
        restore(log.root(), write)?;
    }
    if is_stale {
        refresh(context, log.root());
    }
    print_restored(context, &entry, &writes, recorder.id());
    context.printer.document(
        "undo",
        json!({
            "undone": id, "redo": recorder.id(), "server": entry.server,
            "files": writes.iter().map(|write| write.path.to_string_lossy()).collect::<Vec<_>>(),
        }),
    );
    Ok(Outcome::Done)
}

fn list(context: &Context, logs: &[UndoLog]) -> CommandResult {
    const MOST: usize = 5;
    let mut all = Vec::new();
    for log in logs {
        for id in log.ids()? {
            let entry = log.entry(&id)?;
            context.printer.answer(Text::of(Label::Heading, id.as_str()).and(Label::Plain, format!("  {}", entry.command)));
            for file in entry.files.iter().take(MOST) {
                context.printer.answer(format!("    {}", file.path.display()));
            }
            let more = entry.files.len().saturating_sub(MOST);
            if more > 0 {
                context.printer.answer(Text::of(Label::Unchanged, format!("    … and {more} more")));
            }
            all.push(id);
        }
    }
    if all.is_empty() {
        context.printer.status("nothing to undo: no command replaced anything");
    }
    context.printer.document("undo", json!({ "kept": all }));
    Ok(Outcome::Done)
}

/// Returns the entry with an id, else the last one.
fn find<'l>(logs: &'l [UndoLog], id: Option<&str>) -> Result<(&'l UndoLog, String), Failure> {
    let mut last: Option<(&UndoLog, String)> = None;
    for log in logs {
        let mut ids = log.ids()?;
        match id {
            Some(id) if ids.iter().any(|known| known == id) => return Ok((log, id.to_owned())),
            Some(_) => {}
            None => {
                let newest = ids.pop().filter(|id| last.as_ref().is_none_or(|(_, last)| order(last) < order(id)));
                last = newest.map(|id| (log, id)).or(last);
            }
        }
    }
    last.ok_or_else(|| match (id, logs.first()) {
        (Some(id), _) => Failure::NotFound {
            message: format!("nothing to undo under {id}"),
            hint: Some("`keepstep undo --list` shows what is kept".to_owned()),
        },
        (None, log) => Failure::NotFound {
            message: format!(
                "nothing to undo for {}: no command replaced anything",
                log.map_or_else(String::new, |log| log.root().display().to_string())
            ),
            hint: None,
        },
    })
}

/// Returns what has to be done about a file, or fails if somebody changed it since.
fn step(log: &UndoLog, id: &str, entry: &Entry, file: &KeptFile, path: &Path) -> Result<Step, Failure> {
    let unreadable = |error| Failure::io("read", &path.display().to_string(), error);
    let copy = file.copy.as_ref().map(|copy| log.copy_path(id, copy));
    let earlier = match &copy {
        Some(copy) if !copy.is_file() => {
            return Err(Failure::io("read", &copy.display().to_string(), io::ErrorKind::NotFound.into()));
        }
        Some(copy) => Content::File(copy.clone()),
        None => Content::Absent,
    };
    let now = digest_of(path).map_err(unreadable)?;
    let is_as_before = match &copy {
        Some(copy) => digest_of(copy).map_err(unreadable)? == now,
        None => now.is_none(),
    };
    if is_as_before {
        return Ok(Step::Nothing);
    }
    if now == file.written {
        return Ok(Step::Restore(earlier));
    }
    if file.derived {
        return Ok(Step::Stale);
    }
    let read = |name: Option<&PathBuf>| name.map_or(Ok(Content::Absent), |path| Content::read(path));
    let written = read(file.after.as_ref().map(|after| log.copy_path(id, after)).as_ref())?;
    let (now, before) = (Content::read(path)?, read(copy.as_ref())?);
    let parts = [&now, &written, &before].map(text_of);
    let restored = match Kind::of(&file.path) {
        Kind::Whole => None,
        Kind::Lock => restored_lock(parts),
        Kind::Object => restored_object(parts),
    };
    if let Some(restored) = restored {
        return Ok(if parts[0] == restored { Step::Nothing } else { Step::Restore(Content::Bytes(restored.into_bytes())) });
    }
    let copy = match &copy {
        Some(copy) => format!("; the earlier text is in {}", copy.display()),
        None => String::new(),
    };
    Err(Failure::Conflict {
        message: format!("{} was changed after {}{copy}", file.path.display(), entry.command),
        hints: vec!["nothing was written; copy back by hand what you need".to_owned()],
    })
}

fn text_of(content: &Content) -> &str {
    match content {
        Content::Bytes(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        _ => "",
    }
}

/// Returns the lock without what the command wrote, unless another command wrote the same entries since.
fn restored_lock([now, written, before]: [&str; 3]) -> Option<String> {
    let lock = |text: &str| if text.is_empty() { Some(Lock::default()) } else { Lock::parse(text).ok() };
    let (now, written, before) = (lock(now)?, lock(written)?, lock(before)?);
    Some(now.restored(&written, &before).ok()?.to_text())
}

/// Returns the object without what the command wrote. What the person chose since stays chosen.
fn restored_object([now, written, before]: [&str; 3]) -> Option<String> {
    let object =
        |text: &str| if text.is_empty() { Some(Map::new()) } else { serde_json::from_str::<Map<String, Value>>(text).ok() };
    let (mut now, written, before) = (object(now)?, object(written)?, object(before)?);
    for key in written.keys().chain(before.keys()) {
        if written.get(key) == before.get(key) || now.get(key) != written.get(key) {
            continue;
        }
        match before.get(key) {
            Some(value) => drop(now.insert(key.clone(), value.clone())),
            None => drop(now.shift_remove(key)),
        }
    }
    serde_json::to_string_pretty(&now).ok()
}

/// Writes what was there, and removes folders that were created for a file that was not.
fn restore(root: &Path, write: &Write) -> Result<(), Failure> {
    let path = place(root, &write.path)?;
    let fail = |error| Failure::io("write", &path.display().to_string(), error);
    let bytes = match &write.after {
        Content::Bytes(bytes) => bytes.clone(),
        Content::File(copy) => fs::read(copy).map_err(|error| Failure::io("read", &copy.display().to_string(), error))?,
        Content::Absent | Content::Digest(_) => {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
                _ => {}
            }
            let folders = write.path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            for folder in folders {
                door::leave(&root.join(folder));
                // One that holds something else stays, and so do those above it.
                if fs::remove_dir(root.join(folder)).is_err() {
                    break;
                }
            }
            return Ok(());
        }
    };
    // It may hold a key.
    if path.file_name().is_some_and(|name| name == ".env") {
        return Ok(write_private(&path, &bytes)?);
    }
    write_whole(&path, &bytes).map_err(fail)
}

/// Makes again what is made of the code. Where the code cannot be read there is nothing to be made of it.
fn refresh(context: &Context, root: &Path) {
    if let Ok(code) = sides::read_code(context, root) {
        let _ = compile::refresh_manifest(context, &*code);
    }
}

/// Ends pulls that were interrupted: what they leave behind is not what a command wrote.
fn end_interrupted_pulls(context: &Context) -> Result<(), Failure> {
    let Some(workspace) = find_workspace(context) else { return Ok(()) };
    for folder in workspace.scenario_folders()? {
        recover_guarded(context, &workspace.scenario_dir(&folder))?;
    }
    Ok(())
}

fn print_restored(context: &Context, entry: &Entry, writes: &[Write], redo: Option<&str>) {
    const MOST: usize = 8;
    let printer = &context.printer;
    let good = |text: String| printer.answer(Text::of(Label::Good, "✅ ").and(Label::Plain, text));
    if writes.is_empty() {
        printer.answer(format!("Nothing to put back: everything is as it was before `{}`", entry.command));
    }
    let (removed, put_back): (Vec<&Write>, Vec<&Write>) = writes.iter().partition(|write| write.after == Content::Absent);
    for (words, writes) in [("Restored", put_back), ("Removed", removed)] {
        for write in writes.iter().take(MOST) {
            good(format!("{words} {}", write.path.display()));
        }
        if writes.len() > MOST {
            good(format!("{words} {} more", count(writes.len() - MOST, "file")));
        }
    }
    for command in &entry.server {
        printer.hint(&format!("to restore what was replaced on the server, run `keepstep {command}`"));
    }
    if let Some(redo) = redo {
        printer.hint(&format!("`keepstep undo {redo}` reverts this"));
    }
}

/// Returns where commands keep what they replace: in the project and in the workspace, the nearer one first.
fn logs(context: &Context) -> Result<Vec<UndoLog>, Failure> {
    let workspace = find_workspace(context).map(|workspace| workspace.root().to_owned());
    let mut roots: Vec<PathBuf> = match (project_root(context), workspace) {
        (Ok(project), Some(workspace)) => vec![project, workspace],
        (Err(_), Some(workspace)) => vec![workspace],
        (project, None) => vec![project?],
    };
    roots.sort_by_key(|root| std::cmp::Reverse(root.components().count()));
    roots.dedup();
    Ok(roots.iter().map(|root| UndoLog::of(root)).collect())
}

/// Returns where a file of an entry is. An entry may come from somebody else, with the rest of the folder: it names files of
/// the project and no others.
fn place(root: &Path, path: &Path) -> Result<PathBuf, Failure> {
    let refused = || Failure::usage(format!("{} is not a file of the project; nothing was restored", path.display()));
    if path.as_os_str().is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(refused());
    }
    let place = root.join(path);
    // A link is followed, as it was when the file was replaced. A file that is not there yet is where its folder is, or will be.
    let mut real = None;
    for ancestor in place.ancestors() {
        if let Ok(found) = ancestor.canonicalize() {
            real = Some(
                place
                    .strip_prefix(ancestor)
                    .map(|rest| if rest.as_os_str().is_empty() { found.clone() } else { found.join(rest) }),
            );
            break;
        }
    }
    match (real, root.canonicalize()) {
        (Some(Ok(real)), Ok(root)) if real.starts_with(&root) => Ok(real),
        _ => Err(refused()),
    }
}
