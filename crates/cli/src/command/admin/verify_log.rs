//! `keepstep admin verify-log`

use clap::Args;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::DataArguments;
use crate::shell::visible::visible_line;

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep admin verify-log --data ./data")]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArguments,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let platform = arguments.data.open_for_admin(context).await?;
    let store = &platform.store;
    let printer = &context.printer;
    let mut logs = Vec::new();
    for organization in store.organizations().await? {
        let found = store.verify_activity(&organization.id).await?;
        let name = visible_line(&organization.name);
        let entries = if found.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", found.entries) };
        match found.first_broken {
            None => printer.answer(format!("{name}: {entries}, none changed")),
            Some(number) => {
                printer.answer(format!("{name}: entry {number} was changed, or an entry before it was added or removed"));
            }
        }
        logs.push(json!({
            "organization": { "id": organization.id, "name": organization.name },
            "entries": found.entries,
            "first_broken": found.first_broken,
        }));
    }
    store.close().await;
    let is_whole = logs.iter().all(|log| log["first_broken"].is_null());
    printer.document("admin.verify_log", json!({ "logs": logs, "is_whole": is_whole }));
    if is_whole {
        return Ok(Outcome::Done);
    }
    printer.hint("compare with a backup of the data, or with a file that `Activity` in the dashboard exported earlier");
    Ok(Outcome::Found)
}
