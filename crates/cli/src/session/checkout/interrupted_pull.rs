//! Ending a pull that was interrupted.

use std::path::Path;

use keepstep_workspace::pull::{self as files, Recovered};

use crate::session::checkout::keepstep_folder::Folder;
use crate::session::context::Context;
use crate::shell::failure::Failure;

/// Ends a pull that was interrupted, if there is one. Costs one look at the disk otherwise.
pub(crate) fn recover(context: &Context, root: &Path, scenario: &Path) -> Result<(), Failure> {
    if !files::is_interrupted(scenario) {
        return Ok(());
    }
    let _guard = Folder::of(root).guard(&context.printer)?;
    recover_guarded(context, scenario)
}

/// The same for somebody who has seen to it that no other keepstep writes.
pub(crate) fn recover_guarded(context: &Context, scenario: &Path) -> Result<(), Failure> {
    match files::recover(scenario, &mut || Ok(()))? {
        Some(Recovered::Completed) => context.printer.status("An earlier pull was interrupted; it is complete now."),
        Some(Recovered::TakenBack) => context.printer.status("An earlier pull was interrupted; it was rolled back."),
        None => {}
    }
    Ok(())
}
