//! A platform's data on this machine, for `serve`, `admin` and `demo`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use keepstep_platform::{Platform, Settings};
use keepstep_store::Store;
use keepstep_store::backup::{DATABASE, OBJECTS};

use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::visible::word;

/// The key of what is encrypted in the database, a file of the data folder. A backup leaves it out.
pub(crate) const SECRET_KEY: &str = "secret.key";

/// Where the data is.
#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    /// The folder of the server's data; the user's data folder when left out
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A database instead of the one in the data folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Begin with empty data also where the folder is not new
    #[arg(long)]
    create: bool,
}

/// Where the bytes of files are.
#[derive(Debug, Args)]
pub(crate) struct FileArguments {
    /// Where files go, as file://DIR; `objects` in the data folder when left out
    #[arg(long, value_name = "URL")]
    object_store: Option<String>,
}

impl FileArguments {
    /// Returns the folder for files.
    pub(crate) fn folder(&self, context: &Context, data: &DataArguments) -> Result<PathBuf, Failure> {
        match self.object_store.as_deref() {
            None => Ok(data.folder(context)?.join(OBJECTS)),
            Some(url) => match url.strip_prefix("file://").filter(|folder| !folder.is_empty()) {
                Some(folder) => Ok(context.directory.join(folder)),
                None => Err(Failure::Usage {
                    message: format!("this keepstep keeps files in a folder only, not in {url}"),
                    hint: Some(
                        "leave --object-store out, or name a folder: --object-store file:///srv/keepstep/objects".to_owned(),
                    ),
                }),
            },
        }
    }
}

impl DataArguments {
    /// Returns the data folder.
    pub(crate) fn folder(&self, context: &Context) -> Result<PathBuf, Failure> {
        match &self.data {
            Some(folder) => Ok(context.directory.join(folder)),
            None => context
                .environment
                .data_folder()
                .map(|folder| folder.join("keepstep"))
                .ok_or_else(|| Failure::usage("no home folder to keep data in; name a folder with --data")),
        }
    }

    /// Returns the file of the database.
    pub(crate) fn path(&self, context: &Context) -> Result<PathBuf, Failure> {
        match self.database_url.as_deref() {
            None => Ok(self.folder(context)?.join(DATABASE)),
            Some(url) => match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
                Some(path) if !path.is_empty() => Ok(context.directory.join(path)),
                _ => Err(Failure::Usage {
                    message: "this keepstep keeps its data in SQLite only: --database-url accepts sqlite://PATH".to_owned(),
                    hint: Some("leave --database-url out to use the database in the data folder".to_owned()),
                }),
            },
        }
    }

    /// Opens the database for `admin`, and creates it only where that was asked for.
    pub(crate) async fn open_for_admin(&self, context: &Context) -> Result<Platform, Failure> {
        if self.create {
            return Ok(alone(self.open(context).await?));
        }
        match self.open_existing(context).await {
            Err(Failure::NotFound { message, .. }) => Err(Failure::NotFound {
                message,
                hint: Some("`--data` names the folder that `keepstep serve` uses; `--create` begins a new one".to_owned()),
            }),
            other => other,
        }
    }

    /// Opens the database for somebody who only asks or takes away: one that is not there is most likely a mistyped folder.
    pub(crate) async fn open_existing(&self, context: &Context) -> Result<Platform, Failure> {
        let path = self.path(context)?;
        if !path.exists() {
            return Err(Failure::NotFound {
                message: format!("no server data at {}", path.display()),
                hint: Some("`--data` names the folder that `keepstep serve` uses".to_owned()),
            });
        }
        Ok(alone(Store::open(&path).await?))
    }

    /// Opens the database, and begins one in a folder that is new. Where something is in the folder already, a database that is not
    /// there was lost, or the folder is another one than was meant: an empty server would hide that.
    pub(crate) async fn open(&self, context: &Context) -> Result<Store, Failure> {
        let path = self.path(context)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let is_there = fs::metadata(&path).is_ok_and(|file| !file.is_file() || file.len() > 0);
        if !is_there && !self.create && !is_empty(folder) {
            let state = if path.exists() { "is empty" } else { "does not exist" };
            return Err(Failure::NotFound {
                message: format!("the database {} {state}, but its folder is not new", path.display()),
                hint: Some(
                    "put the database back, name the right folder with `--data`, or begin with empty data: `--create`".to_owned(),
                ),
            });
        }
        make_private(folder).map_err(|error| Failure::io("create", &folder.display().to_string(), error))?;
        Ok(Store::open(&path).await?)
    }

    /// Returns the arguments that name the data, as they were typed.
    pub(crate) fn as_typed(&self) -> String {
        let data = self.data.as_ref().map(|folder| format!(" --data {}", word(&folder.to_string_lossy())));
        let url = self.database_url.as_ref().map(|url| format!(" --database-url {}", word(url)));
        data.into_iter().chain(url).collect()
    }
}

/// Returns the platform on a store that this process does not serve.
pub(crate) fn alone(store: Store) -> Platform {
    Platform::new(store, Settings::default())
}

/// Returns true if a folder is not there, or nothing is in it.
fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// Makes a folder that only its owner may read. One that is there and empty becomes such a folder.
pub(crate) fn make_private(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() && !is_empty(folder) {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
