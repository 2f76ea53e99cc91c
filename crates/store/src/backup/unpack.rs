//! Reading a backup into a folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::{Entry, Manifest, Objects};
use super::pack::{Hashed, hexadecimal, listed};
use super::{BackupError, DATABASE, FORMAT, HEAD, MANIFEST, OBJECTS};

/// The longest list of contents, and the longest first entry, in bytes.
const LONGEST_MANIFEST: u64 = 1024 * 1024;
const LONGEST_HEAD: u64 = 100;

/// How far back the packed bytes may refer, as a power of two: what our own packing needs, and no more memory than 8 MiB.
const WINDOW: u32 = 23;

/// An entry, by its name.
enum Place {
    Head,
    Database,
    Object(PathBuf),
    Manifest,
}

/// Reads a backup into an empty folder, and returns what it says of itself. Everything in it is what it says: the length and the SHA-256 of
/// the database and of all files. What is in the folder is on the disk then.
///
/// # Errors
/// It is not a backup, a newer one, cut or damaged, or the disk failed. What was read of it is in the folder.
pub fn unpack(archive: impl Read, folder: &Path) -> Result<Manifest, BackupError> {
    let mut packed = zstd::Decoder::new(archive)?;
    packed.window_log_max(WINDOW)?;
    let mut archive = tar::Archive::new(packed);
    let mut reading = Reading { folder, has_head: false, database: None, listing: Sha256::new(), count: 0, size: 0 };
    for entry in archive.entries().map_err(foreign)? {
        let mut entry = entry.map_err(|error| if reading.has_head { cut(error) } else { foreign(error) })?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let place = Place::of(&name).filter(|_| entry.header().entry_type() == tar::EntryType::Regular);
        match place {
            Some(Place::Head) if !reading.has_head => reading.head(&mut entry)?,
            None if !reading.has_head => return Err(BackupError::Foreign("it begins with something else".to_owned())),
            Some(Place::Database) if reading.database.is_none() => {
                reading.database = Some(reading.file(&mut entry, Path::new(DATABASE))?);
            }
            Some(Place::Object(path)) if reading.database.is_some() => reading.object(&mut entry, &name, &path)?,
            Some(Place::Manifest) => return reading.end(&mut entry),
            _ => return Err(BackupError::Unexpected(name.chars().take(200).collect())),
        }
    }
    Err(if reading.has_head { BackupError::Cut } else { BackupError::Foreign("it is empty".to_owned()) })
}

impl Place {
    /// Returns the place of an entry, if a backup has such entries. A path is made of what was checked only.
    fn of(name: &str) -> Option<Self> {
        match name {
            HEAD => return Some(Self::Head),
            DATABASE => return Some(Self::Database),
            MANIFEST => return Some(Self::Manifest),
            _ => {}
        }
        let parts: Vec<&str> = name.split('/').collect();
        let is_plain = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        };
        let is_object = parts.len() == 5 && parts[0] == OBJECTS && parts.iter().all(is_plain);
        is_object.then(|| Self::Object(parts.iter().collect()))
    }
}

/// A backup that is being read.
struct Reading<'a> {
    folder: &'a Path,
    has_head: bool,
    database: Option<Entry>,
    listing: Sha256,
    count: u64,
    size: u64,
}

impl Reading<'_> {
    fn head(&mut self, entry: &mut impl Read) -> Result<(), BackupError> {
        let mut text = String::new();
        entry.take(LONGEST_HEAD).read_to_string(&mut text).map_err(foreign)?;
        let Ok(found) = text.trim_end().parse() else {
            return Err(BackupError::Foreign("its first line is something else".to_owned()));
        };
        if found > FORMAT {
            return Err(BackupError::Newer { found });
        }
        self.has_head = true;
        Ok(())
    }

    /// Writes an entry as a file.
    fn file(&mut self, entry: &mut impl Read, path: &Path) -> Result<Entry, BackupError> {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = new_file(&path)?;
        let mut content = Hashed { content: entry, hash: Sha256::new(), size: 0 };
        io::copy(&mut content, &mut file).map_err(cut)?;
        file.sync_all()?;
        Ok(Entry { size: content.size, sha256: hexadecimal(content.hash) })
    }

    fn object(&mut self, entry: &mut impl Read, name: &str, path: &Path) -> Result<(), BackupError> {
        let entry = self.file(entry, path)?;
        self.listing.update(listed(&entry, name));
        self.count += 1;
        self.size += entry.size;
        Ok(())
    }

    fn end(self, entry: &mut impl Read) -> Result<Manifest, BackupError> {
        let mut text = Vec::new();
        entry.take(LONGEST_MANIFEST).read_to_end(&mut text).map_err(cut)?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| BackupError::Differs(format!("its list of contents cannot be read: {error}")))?;
        let found = Objects { count: self.count, size: self.size, sha256: hexadecimal(self.listing) };
        if self.database.as_ref() != Some(&manifest.database) {
            return Err(BackupError::Differs("the database is not the one that was copied".to_owned()));
        }
        if found != manifest.objects {
            return Err(BackupError::Differs("its files are not those that were copied".to_owned()));
        }
        Ok(manifest)
    }
}

/// Makes a file that only its owner may read. One that is there is not written over.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Returns what an archive is that cannot be read from its beginning.
fn foreign(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            BackupError::Foreign(format!("it cannot be unpacked ({error})"))
        }
        _ => BackupError::Disk(error),
    }
}

/// Returns what an archive is that cannot be read from here on.
fn cut(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::Cut,
        io::ErrorKind::InvalidData | io::ErrorKind::Other => BackupError::Differs(error.to_string()),
        _ => BackupError::Disk(error),
    }
}
