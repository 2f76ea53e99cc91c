//! Who decides that a server, which only a file of the project names, gets a key from elsewhere: the person, once.

use std::path::{Path, PathBuf};

use keepstep_client::{Surroundings, Target, TargetOptions, UrlOrigin, resolve, trust};
use keepstep_source::skill_file;

use crate::session::checkout::current_workspace::find_workspace;
use crate::session::connection::connecting;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::prompt;
use crate::shell::visible::visible_line;

/// Finds the server and the key, and asks the person where a key would go to a server that they have not named yet.
pub(crate) fn resolved(context: &Context, wanted: &TargetOptions, surroundings: &Surroundings) -> Result<Target, Failure> {
    let target = resolve(wanted, surroundings)?;
    if let (Some(file), Some(key)) = (&target.named_only_by, &target.key) {
        context.printer.notice(format!(
            "sending the key {} to {}, which only {} names",
            key.origin,
            target.server(),
            file.display()
        ));
    }
    let asked = target.withheld.iter().find(|withheld| withheld.needs_trust).filter(|_| target.key.is_none() && context.can_ask);
    let (Some(withheld), Some(folder), Some(project)) = (asked, &surroundings.config_dir, &surroundings.project) else {
        return Ok(target);
    };
    let file = match &target.url_origin {
        UrlOrigin::File(file) => file.display().to_string(),
        other => other.to_string(),
    };
    let question = format!(
        "Only {file} names {}. Send it the key {} from now on?",
        target.server(),
        visible_line(&withheld.origin.to_string())
    );
    if !prompt::confirm(&context.printer, &question, false)? {
        return Ok(target);
    }
    trust::add(folder, &target.url, project).map_err(|error| Failure::Resolve(error.into()))?;
    Ok(resolve(wanted, surroundings)?)
}

/// Notes that the person named a server for a project, where a command writes its address into the project's files.
pub(crate) fn note(context: &Context, target: &Target, project: &Path) -> Result<(), Failure> {
    if !matches!(target.url_origin, UrlOrigin::File(_))
        && let Some(folder) = connecting::config_folder(context)
    {
        trust::add(&folder, &target.url, project).map_err(|error| Failure::Resolve(error.into()))?;
    }
    Ok(())
}

/// Returns the projects around the folder that the command runs in: the agent's and the workspace's, or else that folder.
pub(crate) fn projects(context: &Context) -> Vec<PathBuf> {
    let agent = skill_file::find_root(&context.directory);
    let workspace = find_workspace(context).map(|workspace| workspace.root().to_owned());
    let mut found: Vec<PathBuf> = agent.into_iter().chain(workspace).collect();
    found.dedup();
    if found.is_empty() {
        found.push(context.directory.clone());
    }
    found
}
