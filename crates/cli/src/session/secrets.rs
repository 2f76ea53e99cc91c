//! What of a project must not leave the machine, for every report of a test.
//!
//! The agent's own screen is a terminal of a person: there its words are shown as they are. Everything else is read by others or
//! kept (a log of CI, a pipe, JSON, a report, an upload), and gets them without the secrets.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use keepstep_client::env_file;
use keepstep_workspace::Workspace;
use keepstep_workspace::experiments::redact::Redactor;
use keepstep_workspace::experiments::secrets::Secrets;

use crate::session::context::Context;
use crate::shell::failure::Failure;

/// The names of files with variables, as the libraries that read them know them.
const FILES: [&str; 2] = [".env", ".env.local"];

/// Returns the secrets of a scenario: what the `.env` files around it hold, as both libraries read them, and those exported
/// variables that are secret by their name or hold a password.
///
/// # Errors
/// A file cannot be read, so that nobody knows what must not leave.
pub(crate) fn of_scenario(context: &Context, workspace: Option<&Workspace>, scenario: &Path) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::default();
    for path in places(context, workspace, scenario) {
        if let Some(text) = read_if_file(&path)? {
            let variables = env_file::readings(&text, |name| context.environment.get(name).map(str::to_owned));
            secrets.add_variables(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        }
    }
    secrets.add_exported(context.environment.all().iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(secrets)
}

/// Returns what takes secrets out.
///
/// # Errors
/// There are too many of them.
pub(crate) fn redactor(secrets: &Secrets) -> Result<Redactor, Failure> {
    Redactor::new(secrets).map_err(|error| Failure::usage(error.to_string()))
}

/// Makes the printer leave the secrets out wherever it does not print on the agent's own screen, and tells GitHub's runner what to
/// hide in the rest of the log.
///
/// # Errors
/// There are too many secrets.
pub(crate) fn keep(context: &Context, secrets: &Secrets) -> Result<Redactor, Failure> {
    let redactor = redactor(secrets)?;
    if context.environment.is_github_actions() {
        // A mask is for one line; what has several is there line by line, too.
        for value in secrets.values().filter(|value| !value.contains('\n')) {
            context.printer.mask(value);
        }
    }
    context.printer.leave_out(redactor.clone());
    Ok(redactor)
}

/// Returns the files with variables that the agent may know: of the scenario, of its workspace, and of the folder that the command
/// runs in and those around it, up to the repository's root, where the libraries look.
fn places(context: &Context, workspace: Option<&Workspace>, scenario: &Path) -> BTreeSet<PathBuf> {
    let mut folders: Vec<PathBuf> = vec![scenario.to_owned()];
    if let Some(workspace) = workspace {
        folders.extend([workspace.root().to_owned(), workspace.scenarios_dir()]);
        folders.extend(workspace.env_path().parent().map(Path::to_owned));
    }
    for start in [context.directory.as_path(), scenario] {
        let root = start.ancestors().find(|folder| folder.join(".git").exists());
        if let Some(root) = root {
            folders.extend(start.ancestors().take_while(|folder| folder.starts_with(root)).map(Path::to_owned));
        } else {
            folders.push(start.to_owned());
        }
    }
    folders.iter().flat_map(|folder| FILES.iter().map(move |name| folder.join(name))).collect()
}

fn read_if_file(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read(path) {
        // What is no text has values, too.
        Ok(bytes) => {
            Ok(Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())))
        }
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(Failure::io("read", &path.display().to_string(), error)),
    }
}
