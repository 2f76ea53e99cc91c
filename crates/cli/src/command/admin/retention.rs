//! `keepstep admin retention`

use clap::Args;
use keepstep_base::human::size_text;
use keepstep_store::results::ExperimentsSize;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::DataArguments;
use crate::shell::failure::Failure;
use crate::shell::printer::count;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep admin retention --data ./data --project ID                     show it\n  keepstep admin retention --data ./data --project ID --days 90 --dry-run  show what that deletes\n  keepstep admin retention --data ./data --project ID --days 90\n  keepstep admin retention --data ./data --project ID --off\n\nBaselines are kept, and the newest experiment of each scenario and branch."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    /// The project
    #[arg(long, value_name = "ID")]
    project: String,
    /// Delete experiments that are older than N days, from now on
    #[arg(long, value_name = "N", conflicts_with = "off", value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: Option<u32>,
    /// Keep experiments for ever
    #[arg(long)]
    off: bool,
    /// Show what would be deleted now, and change nothing
    #[arg(long, requires = "days")]
    dry_run: bool,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let platform = arguments.data.open_for_admin(context).await?;
    let operator = platform.operator_of(&arguments.project).await?;
    let before = platform.retention(&operator, &arguments.project).await?.map(|retention| retention.days);
    let preview = match arguments.days {
        Some(days) => Some(platform.preview_retention(&operator, &arguments.project, days).await?),
        None => None,
    };
    let is_changed = (arguments.days.is_some() || arguments.off) && !arguments.dry_run;
    if is_changed && !platform.set_retention(&operator, &arguments.project, before, arguments.days).await? {
        return Err(Failure::Conflict {
            message: "another person changed this at the same time; nothing was changed here".to_owned(),
            hints: vec!["run the command again".to_owned()],
        });
    }
    let days = if is_changed { arguments.days } else { before };
    platform.store.close().await;
    if let Some(preview) = &preview {
        context.printer.answer(described(preview, arguments.dry_run));
    }
    context.printer.answer(match days {
        Some(days) => format!("Experiments are kept for {}.", count(days, "day")),
        None => "Experiments are kept for ever.".to_owned(),
    });
    let preview = preview.map(|size| {
        json!({
            "experiments": size.experiments, "cases": size.cases, "file_bytes": size.bytes,
            "files_not_counted_of": size.uncounted, "oldest": size.oldest, "newest": size.newest,
        })
    });
    context.printer.document(
        "admin.retention",
        json!({ "project_id": arguments.project, "days": days, "dry_run": arguments.dry_run, "deletes": preview }),
    );
    Ok(Outcome::Done)
}

fn described(size: &ExperimentsSize, is_dry: bool) -> String {
    let will = if is_dry { "would be" } else { "will be" };
    if size.experiments == 0 {
        return "Nothing is that old.".to_owned();
    }
    let experiments = count(size.experiments, "experiment");
    let cases = count(size.cases, "case");
    let files = if size.uncounted > 0 {
        "files that are not all counted yet".to_owned()
    } else {
        format!("{} of files", size_text(size.bytes))
    };
    format!("{experiments} with {cases} and {files} {will} deleted; each can be restored for a day.")
}
