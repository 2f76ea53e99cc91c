//! What happens to the results of a run after it: they go to the platform.

use std::path::PathBuf;

use super::arguments::RunArguments;
use crate::command::sync::upload;
use crate::session::context::Context;

/// Sends the results of a complete run.
///
/// Whatever becomes of them, the exit code of the test stands: it says how the agent did. What cannot be sent waits.
pub(super) fn results(context: &Context, arguments: &RunArguments, experiment: PathBuf) {
    let sent = upload::after_test(
        context,
        upload::Tested {
            experiment,
            scenario: arguments.scenario.clone(),
            config: arguments.config.clone(),
            project_id: arguments.project_id.clone(),
            bundle_version_id: arguments.bundle_version_id.clone(),
        },
    );
    if let Err(failure) = sent {
        let told = failure.text(context.program);
        context.printer.warning(&format!("the results were not sent: {}", told.message));
        told.hints.iter().for_each(|hint| context.printer.hint(hint));
        context.printer.hint("`keepstep sync upload` sends them later");
    }
}
