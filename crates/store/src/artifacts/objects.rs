//! The object store: bytes under names that we make.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Result, StoreError, Surroundings};

/// The prefix of all names: what else lies in the folder is left alone.
const PREFIX: &str = "parts";

/// How much is gathered before it is written, and how much is read at a time.
const CHUNK: usize = 1024 * 1024;

/// How much all writers together gather, in KiB. Where that is used up, what comes is written in the pieces in which it comes.
const GATHERED: usize = 32 * 1024;

/// Where the bytes of files are. Clones are the same place.
///
/// An object is written to a temporary name in its folder, synced, renamed, and its folder is synced: it is there as a whole
/// and will survive a power cut, or it is not there.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
    room: Arc<Semaphore>,
}

impl Objects {
    /// Returns the objects in a folder, which is made if it is not there; then only its owner may read it.
    ///
    /// # Errors
    /// The folder cannot be made or opened.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let failed = |error: io::Error| StoreError::CannotOpenObjects { path: folder.to_owned(), reason: error.to_string() };
        if !folder.is_dir() {
            fs::create_dir_all(folder).map_err(failed)?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(failed)?;
            }
        }
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| StoreError::CannotOpenObjects { path: folder.to_owned(), reason: error.to_string() })?
            // Without this it leaves to the system when things come to the disk.
            .with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: folder.to_owned(), room: Arc::new(Semaphore::new(GATHERED)) })
    }

    /// Returns the same objects, read and written through something that stands before their store.
    #[must_use]
    pub fn behind(self, front: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self { store: front(self.store), ..self }
    }

    /// Begins a new object of a project.
    pub(crate) fn write(&self, surroundings: &Surroundings, project: &str) -> Result<Writer> {
        let name = surroundings.id("")?;
        let (shelf, rest) = name.split_at(2);
        let key = Key::from_iter([PREFIX, project, shelf, rest]);
        Ok(Writer { objects: self.clone(), key, upload: None, gathered: Vec::new(), size: 0, room: None })
    }

    /// Returns a piece of an object.
    pub(crate) fn read(&self, key: &str, offset: u64, size: u64) -> BoxStream<'static, Result<Bytes>> {
        let (store, key, end) = (Arc::clone(&self.store), Key::from(key), offset + size);
        // Its own streams hand over 8 KiB at a time, each of them from another thread.
        stream::try_unfold(offset, move |from| {
            let (store, key) = (Arc::clone(&store), key.clone());
            async move {
                if from >= end {
                    return Ok(None);
                }
                let until = end.min(from + CHUNK as u64);
                let bytes = store.get_range(&key, from..until).await?;
                if bytes.len() as u64 != until - from {
                    return Err(StoreError::Damaged { what: "the object", of: key.to_string() });
                }
                Ok(Some((bytes, until)))
            }
        })
        .boxed()
    }

    /// Returns how many bytes an object has; nothing where it is not there.
    pub(crate) async fn size(&self, key: &str) -> Result<Option<u64>> {
        match self.store.head(&Key::from(key)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an object. One that is not there is removed already.
    pub(crate) async fn remove(&self, key: &str) -> Result<()> {
        match self.store.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the names of all objects with the time of their last change, in epoch milliseconds.
    pub(crate) fn list(&self) -> BoxStream<'static, Result<(String, i64)>> {
        let found = self.store.list(Some(&Key::from(PREFIX)));
        found.map_ok(|object| (object.location.to_string(), object.last_modified.timestamp_millis())).map_err(Into::into).boxed()
    }

    /// Removes what writers left behind when they were killed: temporary names that have not changed since a time.
    pub(crate) async fn sweep(&self, before: i64) -> Result<u64> {
        let root = self.folder.join(PREFIX);
        let before = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(before).unwrap_or(0));
        let swept = tokio::task::spawn_blocking(move || sweep(&root, before)).await;
        swept.map_err(io::Error::other).and_then(|swept| swept).map_err(StoreError::Storage)
    }
}

/// Removes the temporary files under a folder that were last changed before a time. The object store marks them by `#`.
fn sweep(folder: &Path, before: SystemTime) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += sweep(&entry.path(), before)?;
        } else if entry.file_name().to_string_lossy().contains('#') && entry.metadata()?.modified()? < before {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// An object that is being written. Dropped, it never was.
pub(crate) struct Writer {
    objects: Objects,
    key: Key,
    /// Made with the first bytes: an object without any is none.
    upload: Option<Box<dyn MultipartUpload>>,
    gathered: Vec<Bytes>,
    size: usize,
    /// What the gathered bytes take of the room for all.
    room: Option<OwnedSemaphorePermit>,
}

impl Writer {
    /// Adds bytes at the end.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let needed = u32::try_from(bytes.len().div_ceil(1024)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.objects.room).try_acquire_many_owned(needed);
        self.size += bytes.len();
        self.gathered.push(bytes);
        let Ok(room) = room else { return self.flush().await };
        match &mut self.room {
            Some(taken) => taken.merge(room),
            None => self.room = Some(room),
        }
        if self.size >= CHUNK { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        if self.size == 0 {
            return Ok(());
        }
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => self.upload.insert(self.objects.store.put_multipart(&self.key).await?),
        };
        self.size = 0;
        let written = upload.put_part(PutPayload::from_iter(self.gathered.drain(..))).await;
        self.room = None;
        Ok(written?)
    }

    /// Returns the name of the object, once it is on the disk.
    pub(crate) async fn finish(mut self) -> Result<String> {
        self.flush().await?;
        if let Some(mut upload) = self.upload.take() {
            upload.complete().await?;
        }
        Ok(self.key.to_string())
    }
}
