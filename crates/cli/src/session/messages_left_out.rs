//! Inputs with more messages than a target is told.

use crate::shell::printer::count;

/// Returns what a person should know of them: how many inputs there are, and how many messages they have besides.
pub(crate) fn sentence(inputs: usize, messages: usize) -> String {
    let (have, are) = (if inputs == 1 { "has" } else { "have" }, if messages == 1 { "is" } else { "are" });
    format!(
        "{} {have} more than one message: the agent gets the first one of the user, and {} {are} left out",
        count(inputs, "input"),
        count(messages, "message")
    )
}
