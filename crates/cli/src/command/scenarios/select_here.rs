//! Making a scenario the current one of a workspace.

use keepstep_api::fluxloop::Scenario;
use keepstep_workspace::Workspace;
use keepstep_workspace::links::Link;
use keepstep_workspace::scenario::folder_of_typed;

use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::visible::{visible_line, word};

/// Makes a scenario of the server the workspace's current one, and returns its folder. What the server calls it is never a
/// path, and nothing of its configuration is written where something would run it.
pub(super) fn select_here(
    context: &Context,
    workspace: &Workspace,
    scenario: &Scenario,
    project: Option<&str>,
    folder: Option<&str>,
) -> Result<String, Failure> {
    let claimed = if folder.is_none() { claimed(workspace, scenario)? } else { None };
    let folder = claimed.as_deref().or(folder);
    let folder = workspace.change_links(|links| {
        let folder = match folder {
            // The peer's own form is the path below `.fluxloop`.
            Some(typed) => {
                let typed = typed.strip_prefix("scenarios/").unwrap_or(typed);
                let folders = workspace.scenario_folders()?;
                if folders.iter().any(|folder| folder == typed) { typed.to_owned() } else { folder_of_typed(typed)? }
            }
            None => links.folder_for(&scenario.id, &scenario.name, &workspace.scenario_folders()?),
        };
        let project = Some(scenario.project_id.as_str()).filter(|id| !id.is_empty()).or(project);
        let link = Link { id: scenario.id.clone(), name: scenario.name.clone(), project_id: project.map(str::to_owned) };
        links.set(&folder, &link);
        Ok::<_, Failure>(folder)
    })?;
    workspace.change_context(|selected| {
        selected.select_scenario(Some(&scenario.id), &scenario.name, &folder, &context.now().to_string());
        Ok::<_, Failure>(())
    })?;
    Ok(folder)
}

/// Returns the folder that belongs to a scenario already. Of several only a person knows which is meant.
fn claimed(workspace: &Workspace, scenario: &Scenario) -> Result<Option<String>, Failure> {
    let mut folders = workspace.folders_with(&scenario.id)?;
    let selected = workspace.context()?.scenario();
    // Whoever chose one of them before need not choose again.
    let selected = selected.filter(|selected| selected.id.as_ref() == Some(&scenario.id) && folders.contains(&selected.folder));
    if let Some(selected) = selected {
        folders = vec![selected.folder];
    }
    match folders.as_slice() {
        [] => Ok(None),
        [folder] => Ok(Some(folder.clone())),
        several => {
            let shown: Vec<String> =
                several.iter().map(|folder| format!("  .fluxloop/scenarios/{}", visible_line(folder))).collect();
            Err(Failure::Conflict {
                message: format!(
                    "{} folders belong to scenario {} ({}); nothing was selected:\n{}",
                    several.len(),
                    visible_line(&scenario.name),
                    visible_line(&scenario.id),
                    shown.join("\n")
                ),
                hints: vec![format!("`keepstep scenarios select {} --local-path NAME` says which", word(&scenario.id))],
            })
        }
    }
}
