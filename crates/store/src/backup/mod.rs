//! Backups: everything that a server keeps, in one file.
//!
//! A backup is a tar archive, packed with zstd, of these entries in this order:
//!
//! | Entry | What it is |
//! |---|---|
//! | `keepstep-backup` | the number of the format, on one line |
//! | `keepstep.db` | a SQLite database: the state at one moment |
//! | `objects/parts/…` | the bytes of files, each under the name that the database has for it |
//! | `manifest.json` | the [`Manifest`], which ends it |
//!
//! The state is fixed first, and what it names stays until all of it is copied: see [`Store::back_up`](crate::Store::back_up).

mod error;
mod hold;
mod manifest;
mod pack;
mod restored;
mod unpack;

pub use self::error::BackupError;
pub use self::manifest::{Entry, Manifest, Objects as ObjectsEntry};
pub use self::restored::check_restored;
pub use self::unpack::unpack;

/// The number of the format that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// The first entry.
const HEAD: &str = "keepstep-backup";

/// The database, in the archive and in the folder of a server's data.
pub const DATABASE: &str = "keepstep.db";

/// The folder of files, in the archive and in the folder of a server's data.
pub const OBJECTS: &str = "objects";

/// The last entry.
const MANIFEST: &str = "manifest.json";
