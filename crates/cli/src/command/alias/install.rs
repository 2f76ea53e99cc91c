//! `keepstep alias install [--dir DIR]`

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};

const NAMES: [&str; 2] = ["lua", "fluxloop"];

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep alias install --dir ~/bin")]
pub(crate) struct Arguments {
    /// Where; beside this program when left out
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Makes the links. A file that is no link to keepstep is left alone.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let program = std::env::current_exe().map_err(|error| Failure::io("find", "this program's own file", error))?;
    let folder = match &arguments.dir {
        Some(folder) => context.directory.join(folder),
        None => program.parent().unwrap_or(Path::new("/")).to_owned(),
    };
    fs::create_dir_all(&folder).map_err(|error| Failure::io("create", &folder.display().to_string(), error))?;
    let links = NAMES.map(|name| folder.join(name));
    for link in &links {
        let is_ours = || fs::canonicalize(link).is_ok_and(|target| target == program);
        if fs::symlink_metadata(link).is_ok() && !is_ours() {
            return Err(Failure::Conflict {
                message: format!("{} is there already and is not keepstep; no link was created", link.display()),
                hints: vec!["name another folder with `--dir`".to_owned()],
            });
        }
    }
    for link in &links {
        if fs::symlink_metadata(link).is_err() {
            make_link(&program, link).map_err(|error| Failure::io("create", &link.display().to_string(), error))?;
        }
        context
            .printer
            .answer(Text::of(Label::Good, "✅ ").and(Label::Plain, format!("{} → {}", link.display(), program.display())));
    }
    let search_path = context.environment.get("PATH").map(OsString::from).unwrap_or_default();
    if !std::env::split_paths(&search_path).any(|entry| entry == folder) {
        context.printer.hint(&format!("{} is not in PATH; add it to call the links by name", folder.display()));
    }
    context.printer.document("alias.install", json!({ "links": links.map(|link| link.to_string_lossy().into_owned()) }));
    Ok(Outcome::Done)
}

#[cfg(unix)]
fn make_link(program: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(program, link)
}

#[cfg(not(unix))]
fn make_link(program: &Path, link: &Path) -> std::io::Result<()> {
    fs::copy(program, link.with_extension("exe")).map(|_| ())
}
