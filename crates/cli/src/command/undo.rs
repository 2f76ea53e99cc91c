//! `keepstep undo [ID]`

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use keepstep_core::Digest;
use serde_json::json;

use super::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::files::write_whole;
use crate::keepstep_folder::{Folder, Replaced};
use crate::printer::{Label, Text};
use crate::sides::project_root;
use crate::test_data_server::find_workspace;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep undo            put back what the last command replaced in the code")]
pub(crate) struct Arguments {
    /// What the command that replaced it printed; the last one when left out
    id: Option<String>,
    /// Show what is kept instead
    #[arg(long)]
    list: bool,
}

/// Puts the files back, if nobody changed them since.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let root = root(context)?;
    let folder = Folder::of(&root);
    let ids = folder.kept_ids()?;
    if arguments.list {
        for id in &ids {
            let kept = folder.kept(id)?;
            let files: Vec<String> = kept.files.iter().map(|file| file.path.display().to_string()).collect();
            context.printer.answer(format!("{id}  {}  {}", kept.command, files.join(", ")));
        }
        context.printer.document("undo", json!({ "kept": ids }));
        return Ok(Outcome::Done);
    }
    let id = match &arguments.id {
        Some(id) => ids.iter().find(|known| *known == id).ok_or_else(|| Failure::NotFound {
            message: format!("nothing is kept under {id}"),
            hint: Some("`keepstep undo --list` shows what is kept".to_owned()),
        })?,
        None => ids.last().ok_or_else(|| Failure::NotFound {
            message: format!("nothing is kept for {}: no command replaced anything", root.display()),
            hint: None,
        })?,
    };
    let _guard = folder.guard(&context.printer)?;
    let kept = folder.kept(id)?;
    let mut replaced = Vec::new();
    for file in &kept.files {
        let now = read_bytes(&place(&root, &file.path)?)?;
        if now.as_deref().map(Digest::of_bytes) != file.written {
            let copy = match &file.copy {
                Some(copy) => format!("; the earlier text is in {}", folder.copy_path(id, copy).display()),
                None => String::new(),
            };
            return Err(Failure::Conflict {
                message: format!("{} was changed after {}{copy}", file.path.display(), kept.command),
                hints: vec!["nothing was written; copy back by hand what you need".to_owned()],
            });
        }
        let after = match &file.copy {
            Some(copy) => {
                let copy = folder.copy_path(id, copy);
                Some(fs::read(&copy).map_err(|error| Failure::io("read", &copy.display().to_string(), error))?)
            }
            None => None,
        };
        replaced.push(Replaced { path: file.path.clone(), before: now, after });
    }
    let redo = folder.keep(&format!("undo {id}"), Timestamp::now(), &replaced)?;
    for file in &replaced {
        let path = place(&root, &file.path)?;
        let done = match &file.after {
            Some(bytes) => write_whole(&path, bytes),
            None => fs::remove_file(&path),
        };
        done.map_err(|error| Failure::io("write", &path.display().to_string(), error))?;
        context.printer.answer(Text::of(Label::Good, "✅ ").and(Label::Plain, format!("Put back {}", file.path.display())));
    }
    context.printer.hint(&format!("`keepstep undo {redo}` takes this back"));
    context.printer.document(
        "undo",
        json!({ "undone": id, "redo": redo, "files": replaced.iter().map(|file| file.path.to_string_lossy()).collect::<Vec<_>>() }),
    );
    Ok(Outcome::Done)
}

/// Returns the folder whose entries are meant: the project's or the workspace's, whichever is nearer and has some.
fn root(context: &Context) -> Result<PathBuf, Failure> {
    let workspace = find_workspace(context).map(|workspace| workspace.root().to_owned());
    let (project, workspace) = match (project_root(context), workspace) {
        (Ok(project), Some(workspace)) if project != workspace => (project, workspace),
        (Err(_), Some(workspace)) => return Ok(workspace),
        (project, _) => return project,
    };
    let (nearer, farther) = if workspace.starts_with(&project) { (workspace, project) } else { (project, workspace) };
    Ok(if Folder::of(&nearer).kept_ids()?.is_empty() { farther } else { nearer })
}

/// Returns where a file of an entry is. An entry may come from somebody else, with the rest of the folder: it names files of
/// the project and no others.
fn place(root: &Path, path: &Path) -> Result<PathBuf, Failure> {
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let place = root.join(path);
    // A link is followed, as it was when the file was replaced. A file that is not there yet is where its folder is.
    let real = place.canonicalize().or_else(|_| match (place.parent(), place.file_name()) {
        (Some(folder), Some(name)) => folder.canonicalize().map(|folder| folder.join(name)),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    });
    let root = root.canonicalize();
    match (real, root) {
        (Ok(real), Ok(root)) if is_plain && real.starts_with(&root) => Ok(real),
        _ => Err(Failure::usage(format!("{} is not a file of the project; nothing was put back", path.display()))),
    }
}

fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", &path.display().to_string(), error)),
    }
}
