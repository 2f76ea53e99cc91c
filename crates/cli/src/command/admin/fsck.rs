//! `keepstep admin fsck`

use clap::Args;
use keepstep_store::artifacts::Objects;
use keepstep_store::{About, Examined};
use serde_json::{Value, json};

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::{DataArguments, FileArguments};
use crate::shell::printer::count;
use crate::shell::visible::visible_line;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep admin fsck --data ./data\n  keepstep admin fsck --data ./data --content    read all files, too\n  keepstep admin fsck --data ./data --mend       mend what can be mended\n\nThe server may run meanwhile. Exits with 1 when something is not as it should be."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    files: FileArguments,
    /// Read the bytes of all files and compare them with what was uploaded
    #[arg(long)]
    content: bool,
    /// Mend what can be mended; everything else is only named
    #[arg(long)]
    mend: bool,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let platform = arguments.data.open_existing(context).await?;
    let store = &platform.store;
    let objects = Objects::in_folder(&arguments.files.folder(context, &arguments.data)?)?;
    let examined = store.examine(&objects, arguments.content).await?;
    let mended = if arguments.mend { store.mend(&examined).await? } else { 0 };
    store.close().await;
    if examined.has_stopped {
        context.printer.answer("Looked at the database only: it is damaged, so nothing else was looked at.");
    } else {
        context.printer.answer(looked(&examined));
        if !arguments.content {
            context.printer.answer("The contents of files were not read; --content reads them.");
        }
    }
    tell(context, &examined);
    if mended > 0 {
        context.printer.answer(format!("Mended: {}", count(mended, "problem")));
    } else if examined.is_sound() {
        context.printer.answer("No problems found.");
    }
    context.printer.document(
        "admin.fsck",
        json!({ "looked_at": looked_at(&examined), "problems": problems(&examined), "more": examined.more, "mended": mended }),
    );
    if !arguments.mend && examined.is_mendable() {
        context.printer.hint("`keepstep admin fsck --mend` brings the counts in step");
    }
    if examined.problems.iter().any(|problem| !problem.is_mendable()) {
        context.printer.hint("what is lost may be in a backup: `keepstep admin restore FILE --data NEW_FOLDER`");
    }
    let is_done = examined.is_sound() || (mended > 0 && examined.more == 0 && mended == examined.problems.len() as u64);
    Ok(if is_done { Outcome::Done } else { Outcome::Found })
}

/// Returns what was looked at, for people.
fn looked(examined: &Examined) -> String {
    let entries = if examined.log_entries == 1 { "1 entry".to_owned() } else { format!("{} entries", examined.log_entries) };
    let (experiments, files) = (count(examined.experiments, "experiment"), count(examined.contents, "file"));
    format!("Looked at the database, {experiments}, {files} and {entries} of the activity log.")
}

/// Says what was found, one line each.
pub(super) fn tell(context: &Context, examined: &Examined) {
    for problem in &examined.problems {
        context.printer.answer(visible_line(&problem.what).to_string());
    }
    if examined.more > 0 {
        context.printer.answer(format!("… and {} more", examined.more));
    }
}

/// Returns what was found, for programs.
pub(super) fn problems(examined: &Examined) -> Vec<Value> {
    let problems = examined.problems.iter();
    problems
        .map(|problem| json!({ "about": About::name(problem.about), "what": problem.what, "mendable": problem.is_mendable() }))
        .collect()
}

fn looked_at(examined: &Examined) -> Value {
    json!({
        "experiments": examined.experiments, "contents": examined.contents, "objects": examined.objects,
        "log_entries": examined.log_entries, "bytes_read": examined.has_read_contents, "stopped": examined.has_stopped,
    })
}
