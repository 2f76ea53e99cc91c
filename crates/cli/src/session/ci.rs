//! Warnings in the form in which a service that runs jobs shows them beside the change, and not in the middle of a log.

use keepstep_results::report::github;

use crate::session::context::Context;

/// Returns true where the service that the job runs in has a form of its own for warnings.
pub(crate) fn has_form(context: &Context) -> bool {
    context.environment.is_github_actions() || context.environment.get("TF_BUILD").is_some()
}

/// Gives a warning in the form of the service that the job runs in. On a terminal, and where no form is known, it is a line like any
/// other.
pub(crate) fn warning(context: &Context, title: &str, text: &str) {
    if context.environment.is_github_actions() {
        context.printer.workflow_command(&github::command("warning", &[("title", title)], text));
    } else if context.environment.get("TF_BUILD").is_some() {
        let escaped = text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A");
        context.printer.workflow_command(&format!("##vso[task.logissue type=warning]{escaped}"));
    } else {
        context.printer.warning(text);
    }
}
