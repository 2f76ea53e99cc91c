//! The workspace that a command was started in.

use keepstep_workspace::Workspace;

use crate::session::context::Context;
use crate::shell::failure::Failure;

/// Returns the workspace that the command was started in, if there is one.
pub(crate) fn find_workspace(context: &Context) -> Option<Workspace> {
    Workspace::find(&context.directory, context.environment.home().as_deref())
}

/// Returns the workspace that the command was started in.
pub(crate) fn workspace(context: &Context) -> Result<Workspace, Failure> {
    find_workspace(context).ok_or_else(|| Failure::Usage {
        message: format!(
            "{} is in no workspace: neither it nor a folder above has a .fluxloop folder",
            context.directory.display()
        ),
        hint: Some("`keepstep projects select ID` creates one".to_owned()),
    })
}

/// Returns the workspace that the command was started in, or one that begins here as soon as something is written.
pub(crate) fn workspace_or_new(context: &Context) -> Workspace {
    find_workspace(context).unwrap_or_else(|| Workspace::at(&context.directory))
}
