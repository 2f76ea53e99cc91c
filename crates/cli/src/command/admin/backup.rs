//! `keepstep admin backup`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use keepstep_base::human::size_text;
use keepstep_base::whole_file::{Policy, WholeFile, folder_of};
use keepstep_store::StoreError;
use keepstep_store::artifacts::Objects;
use keepstep_store::backup::BackupError;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::{DataArguments, FileArguments};
use crate::shell::failure::Failure;
use crate::shell::visible::word;

/// How often a person is told how far it is.
const TOLD: Duration = Duration::from_millis(200);

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep admin backup --data ./data keepstep.backup\n  keepstep admin restore keepstep.backup --check           look whether it can be restored\n\nThe server may run meanwhile. The file is as private as the data: it has mode 0600."
)]
pub(super) struct Arguments {
    /// The file to write; one that is there is not replaced
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    files: FileArguments,
    /// Replace a file that is there, once the new backup is complete
    #[arg(long)]
    replace: bool,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let path = context.directory.join(&arguments.file);
    let shown = path.display().to_string();
    if path.symlink_metadata().is_ok() && !arguments.replace {
        return Err(Failure::Usage {
            message: format!("{shown} exists"),
            hint: Some("name another file, or replace it with --replace".to_owned()),
        });
    }
    let platform = arguments.data.open_existing(context).await?;
    let objects = Objects::in_folder(&arguments.files.folder(context, &arguments.data)?)?;
    let failed = |error| Failure::io("write", &shown, error);
    let file = WholeFile::begin(&path, Policy::Private).map_err(failed)?;
    let beside = WholeFile::begin(&folder_of(&path).join("keepstep-backup"), Policy::Private).map_err(failed)?;
    let printer = context.printer.clone();
    let mut told_at = Instant::now();
    let told = move |_: u64, bytes: u64| {
        if printer.has_progress() && told_at.elapsed() >= TOLD {
            told_at = Instant::now();
            printer.progress(&format!("{} of files copied", size_text(bytes)));
        }
    };
    let backed_up = platform.store.back_up(&objects, beside.written().1, file, env!("CARGO_PKG_VERSION"), told).await;
    if context.printer.has_progress() {
        context.printer.progress("");
    }
    let (manifest, file) = backed_up.map_err(|error| match error {
        StoreError::Backup(error @ BackupError::Missing(_)) => Failure::Usage {
            message: error.to_string(),
            hint: Some("`keepstep admin fsck` names the experiments that it was part of".to_owned()),
        },
        other => other.into(),
    })?;
    let size = file.written().0.metadata().map_err(failed)?.len();
    file.put().map_err(failed)?;
    platform.store.close().await;
    context.printer.answer(format!(
        "Wrote {shown}: {}, with {} of database and {} of files",
        size_text(size),
        size_text(manifest.database.size),
        size_text(manifest.objects.size),
    ));
    context.printer.document("admin.backup", json!({ "file": shown, "bytes": size, "manifest": manifest }));
    context.printer.hint(&format!("`keepstep admin restore {} --check` looks whether it can be restored", word(&shown)));
    Ok(Outcome::Done)
}
