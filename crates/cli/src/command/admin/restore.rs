//! `keepstep admin restore`

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use keepstep_base::human::size_text;
use keepstep_base::whole_file::folder_of;
use keepstep_platform::is_sealed;
use keepstep_store::Store;
use keepstep_store::artifacts::Objects;
use keepstep_store::backup::{self, BackupError, DATABASE, Manifest, OBJECTS};
use serde_json::json;

use super::fsck;
use crate::command::{CommandResult, Outcome};
use crate::session::context::Context;
use crate::session::platform_data::SECRET_KEY;
use crate::shell::failure::Failure;
use crate::shell::visible::word;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep admin restore keepstep.backup --check             look whether it can be restored, and keep nothing\n  keepstep admin restore keepstep.backup --data ./restored\n  keepstep serve --data ./restored"
)]
pub(super) struct Arguments {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder for the data; it must be new or empty
    #[arg(long, value_name = "DIR", required_unless_present = "check", conflicts_with = "check")]
    data: Option<PathBuf>,
    /// Restore it beside the file, compare everything with what was copied, and remove it again
    #[arg(long)]
    check: bool,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let path = context.directory.join(&arguments.file);
    let shown = path.display().to_string();
    let file = File::open(&path).map_err(|error| Failure::io("read", &shown, error))?;
    let target = arguments.data.as_ref().map(|data| context.directory.join(data));
    if let Some(target) = &target {
        require_empty(target)?;
    }
    // A folder that is there may be a disk of its own, where nothing can be renamed to from outside.
    let parent = match &target {
        Some(target) if target.is_dir() => target.clone(),
        _ => folder_of(target.as_deref().unwrap_or(&path)).to_owned(),
    };
    let failed = |error| Failure::io("write to", &parent.display().to_string(), error);
    fs::create_dir_all(&parent).map_err(failed)?;
    // Only its owner may read it, and it goes away with whatever is in it unless it becomes the data.
    let mut staged = tempfile::Builder::new();
    staged.prefix(".keepstep-restore-");
    #[cfg(unix)]
    staged.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let staged = staged.tempdir_in(&parent).map_err(failed)?;
    let folder = staged.path().to_owned();
    let manifest = tokio::task::spawn_blocking(move || backup::unpack(std::io::BufReader::new(file), &folder)).await;
    let manifest = manifest.map_err(|error| failed(std::io::Error::other(error)))?.map_err(|error| broken(error, &shown))?;
    backup::check_restored(staged.path(), &manifest).await?;
    // As the server would open it: an older schema is upgraded.
    let store = Store::open(&staged.path().join(DATABASE)).await?;
    let objects = Objects::in_folder(&staged.path().join(OBJECTS))?;
    let examined = store.examine(&objects, arguments.check).await?;
    let sealed = store.webhook_secrets().await?.iter().filter(|webhook| is_sealed(&webhook.secret)).count();
    store.close().await;
    let is_sound = examined.is_sound();
    if arguments.check {
        staged.close().map_err(failed)?;
    } else if let Some(target) = &target {
        put(staged, target).map_err(|error| Failure::io("create", &target.display().to_string(), error))?;
    }
    let what = described(&manifest);
    match &target {
        None if is_sound => context.printer.answer(format!("{shown} can be restored: {what}")),
        None => context.printer.answer(format!("{shown} is a whole copy of data that was damaged before: {what}")),
        Some(target) => context.printer.answer(format!("Restored {}: {what}", target.display())),
    }
    if sealed > 0 {
        let webhooks = if sealed == 1 { "1 webhook needs".to_owned() } else { format!("{sealed} webhooks need") };
        context
            .printer
            .answer(format!("{webhooks} the file {SECRET_KEY} of the old server beside the database: a backup leaves it out."));
    }
    fsck::tell(context, &examined);
    context.printer.document(
        "admin.restore",
        json!({ "file": shown, "data": target, "checked": arguments.check, "manifest": manifest, "problems": fsck::problems(&examined), "encrypted_webhooks": sealed }),
    );
    if let Some(target) = &target {
        context.printer.hint(&format!("`keepstep serve --data {}` serves it", word(&target.display().to_string())));
    }
    Ok(if is_sound { Outcome::Done } else { Outcome::Found })
}

/// Makes sure that nothing is written over.
fn require_empty(target: &Path) -> Result<(), Failure> {
    match fs::read_dir(target).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::Usage {
            message: format!("{} is not empty", target.display()),
            hint: Some("a backup is restored into a new folder: name one that does not exist".to_owned()),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::io("use", &target.display().to_string(), error)),
    }
}

/// Puts what was restored in its place. The database comes last: without it a folder is no server's.
fn put(staged: tempfile::TempDir, target: &Path) -> std::io::Result<()> {
    let synced = if staged.path().starts_with(target) {
        for name in [OBJECTS, DATABASE] {
            fs::rename(staged.path().join(name), target.join(name))?;
        }
        staged.close()?;
        target
    } else {
        fs::rename(staged.path(), target)?;
        // It has another name now.
        let _ = staged.keep();
        folder_of(target)
    };
    // A rename is only safe once its folder is on the disk. Not every file system can do that.
    let _ = File::open(synced).and_then(|folder| folder.sync_all());
    Ok(())
}

fn described(manifest: &Manifest) -> String {
    let at = Timestamp::from_millisecond(manifest.created_at).map_or_else(|_| "an unknown time".to_owned(), |at| at.to_string());
    format!(
        "the state of {at}, made by keepstep {}, with {} of database and {} of files",
        manifest.version,
        size_text(manifest.database.size),
        size_text(manifest.objects.size),
    )
}

fn broken(error: BackupError, shown: &str) -> Failure {
    match error {
        BackupError::Disk(error) => Failure::io("restore", shown, error),
        other => {
            let is_damaged = matches!(other, BackupError::Cut | BackupError::Differs(_));
            let hint = is_damaged.then(|| "copy it again from where it was made, or use an older backup".to_owned());
            Failure::Usage { message: format!("{shown}: {other}"), hint }
        }
    }
}
