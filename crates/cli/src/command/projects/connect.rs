//! Which project a workspace belongs to.

use keepstep_api::fluxloop::Project;
use keepstep_workspace::Workspace;

use crate::session::checkout::workspace_env::WorkspaceEnv;
use crate::session::connection::test_data_server::TestDataServer;
use crate::session::connection::trusted;
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// Connects a workspace to a project. A key that was made for another server never stays beside the new address: it goes
/// with `force`, and without it nothing is written.
pub(super) fn connect(
    context: &Context,
    workspace: &Workspace,
    server: &TestDataServer,
    project: &Project,
    force: bool,
) -> Result<(), Failure> {
    let before = workspace.project()?;
    let mut env = WorkspaceEnv::read(workspace.env_path())?;
    let old_server = env.server().or_else(|| before.as_ref()?.api_url().map(str::to_owned));
    let is_other_server =
        old_server.as_ref().is_some_and(|old| !crate::session::checkout::workspace_env::is_same(old, server.target()));
    if is_other_server && env.names_platform() {
        let old = old_server.unwrap_or_default();
        if !force {
            return Err(Failure::Conflict {
                message: format!(
                    "the key in {} is for {old}, not for {}; nothing was written",
                    env.display_path(),
                    server.name()
                ),
                hints: vec![
                    "`--force` removes it from the file; `keepstep apikeys create` then creates one for the new server"
                        .to_owned(),
                ],
            });
        }
        env.forget_platform();
        env.write()?;
        context.printer.notice(format!("removed the key for {old} from {}", env.display_path()));
    }
    let is_other = before.as_ref().is_some_and(|before| before.id() != Some(&project.id));
    if is_other {
        if workspace.change_context(|selected| Ok::<_, Failure>(selected.clear_scenario()))? {
            context.printer.status("the selected scenario belonged to the old project; none is selected now");
        }
        if !is_other_server && env.key().is_some() {
            context.printer.warning(
                "the key in .fluxloop/.env may be for the old project only; `keepstep apikeys create --overwrite-env` creates another",
            );
        }
    }
    let mut file = before.unwrap_or_default();
    let owner = Some(project.workspace_id.as_str());
    file.select(&project.id, &project.name, owner, server.name(), &context.now().to_string());
    workspace.write_project(&file)?;
    trusted::note(context, server.target(), workspace.root())
}
