//! Bytes that come in: cut, hashed, written, and only then known.

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _};
use keepstep_base::Digest;
use sha2::{Digest as _, Sha256};

use super::objects::Writer;
use super::{ContentError, FileContent, Objects, OfferedParts, PartName, SignedFile, Upload};
use crate::{Result, Store, StoreError, Transaction, rows};

/// What is known of a body before it comes.
#[derive(Debug, Clone)]
pub struct Announced {
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its SHA-256.
    pub sha256: Option<Digest>,
    /// How large a part of it is to be.
    pub part_size: u64,
    /// How long it may be.
    pub limit: u64,
}

impl Store {
    /// Takes the parts of an upload that one body brings. All of them are kept, or none.
    ///
    /// When this returns they are on the disk. A part that is there already stays where it is.
    ///
    /// # Errors
    /// The body is not what was announced or was cut off, or the disk or the database failed.
    pub async fn receive_parts<E>(
        &self,
        objects: &Objects,
        upload: &Upload,
        parts: &OfferedParts,
        body: impl Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    ) -> Result<()> {
        let announced = parts.size();
        let parts = &parts.0;
        let mut body = Body { stream: body, rest: Bytes::new(), taken: 0 };
        let mut writer = objects.write(self.surroundings(), &upload.project_id)?;
        for part in parts {
            let found = body.part(&mut writer, part.size, None).await?;
            if found.size < part.size {
                return Err(ContentError::Cut(body.taken).into());
            }
            if found.sha256 != part.sha256 {
                let (announced, found) = (part.sha256, found.sha256);
                return Err(ContentError::OtherContent { what: "a part", announced, found }.into());
            }
        }
        if body.next(1).await?.is_some() {
            return Err(ContentError::TooLong(announced).into());
        }
        let object = writer.finish().await?;
        let mut transaction = self.write().await?;
        let is_used = transaction.put_parts(&upload.project_id, &object, parts).await?;
        transaction.commit().await?;
        // Somebody else was faster with all of them.
        if !is_used {
            objects.remove(&object).await?;
        }
        Ok(())
    }

    /// Takes the body that is put to a signed address, and makes it known.
    ///
    /// When this returns it is on the disk. The same content once more changes nothing.
    ///
    /// # Errors
    /// The body was cut off or is not what was announced, the address was used for another content, or the disk or the
    /// database failed. Then nothing of it is kept.
    pub async fn receive_file<E>(
        &self,
        objects: &Objects,
        file: &SignedFile,
        announced: &Announced,
        body: impl Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    ) -> Result<()> {
        let mut body = Body { stream: body, rest: Bytes::new(), taken: 0 };
        let mut writer = objects.write(self.surroundings(), &file.project_id)?;
        let mut whole = Sha256::new();
        let mut parts = Vec::new();
        loop {
            let part = body.part(&mut writer, announced.part_size, Some(&mut whole)).await?;
            if body.taken > announced.limit {
                return Err(ContentError::TooLarge(announced.limit).into());
            }
            if part.size > 0 {
                parts.push(part);
            }
            if part.size < announced.part_size {
                break;
            }
        }
        let content = FileContent { size: body.taken, sha256: Digest::from_bytes(whole.finalize().into()), parts };
        announced.check(&content)?;
        let object = writer.finish().await?;
        let stored = self.store_file(file, &content, &object).await;
        // After any other error the rows may be there after all. What has none is found later.
        if matches!(stored, Ok(false) | Err(StoreError::Content(_))) {
            objects.remove(&object).await?;
        }
        stored.map(|_| ())
    }

    async fn store_file(&self, file: &SignedFile, content: &FileContent, object: &str) -> Result<bool> {
        let mut transaction = self.write().await?;
        let is_used = transaction.put_parts(&file.project_id, object, &content.parts).await?;
        let blob = transaction.put_blob(&file.project_id, content, true).await?;
        transaction.name_blob(file, &blob).await?;
        transaction.commit().await?;
        Ok(is_used)
    }
}

impl Announced {
    fn check(&self, content: &FileContent) -> Result<(), ContentError> {
        if let Some(announced) = self.size.filter(|size| *size != content.size) {
            return Err(ContentError::OtherSize { announced, found: content.size });
        }
        if let Some(announced) = self.sha256.filter(|sha256| *sha256 != content.sha256) {
            return Err(ContentError::OtherContent { what: "the body", announced, found: content.sha256 });
        }
        Ok(())
    }
}

impl Transaction {
    /// Makes the parts of an object known. Returns false if all of them were there already, elsewhere.
    pub(super) async fn put_parts(&mut self, project: &str, object: &str, parts: &[PartName]) -> Result<bool> {
        let mut offset = 0;
        let list: Vec<(String, u64, u64)> = parts
            .iter()
            .map(|part| {
                let start = offset;
                offset += part.size;
                (part.sha256.to_string(), part.size, start)
            })
            .collect();
        let now = self.now;
        for some in list.chunks(5000) {
            sqlx::query(
                "INSERT INTO parts (project_id, sha256, size, object, offset, used_at)
                 SELECT ?1, value ->> 0, value ->> 1, ?2, value ->> 2, ?3 FROM json_each(?4) WHERE true
                 ON CONFLICT (project_id, sha256) DO UPDATE SET used_at = ?3",
            )
            .bind(project)
            .bind(object)
            .bind(now)
            .bind(rows::text(some))
            .execute(self.connection())
            .await?;
        }
        let is_used = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM parts WHERE object = ?)")
            .bind(object)
            .fetch_one(self.connection())
            .await?;
        Ok(is_used)
    }
}

/// A body that is taken in pieces of other sizes than it came in.
struct Body<S> {
    stream: S,
    rest: Bytes,
    /// How much was taken.
    taken: u64,
}

impl<S: Stream<Item = std::result::Result<Bytes, E>> + Unpin, E> Body<S> {
    /// Returns the next bytes, at most so many; `None` at the end.
    async fn next(&mut self, most: u64) -> Result<Option<Bytes>> {
        while self.rest.is_empty() {
            match self.stream.next().await {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(_)) => return Err(ContentError::Cut(self.taken).into()),
                None => return Ok(None),
            }
        }
        let size = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        self.taken += size as u64;
        Ok(Some(self.rest.split_to(size)))
    }

    /// Writes and hashes the next bytes, so many unless the body ends before.
    async fn part(&mut self, writer: &mut Writer, size: u64, mut whole: Option<&mut Sha256>) -> Result<PartName, StoreError> {
        let mut hash = Sha256::new();
        let mut left = size;
        while left > 0 {
            let Some(bytes) = self.next(left).await? else { break };
            left -= bytes.len() as u64;
            hash.update(&bytes);
            if let Some(whole) = &mut whole {
                whole.update(&bytes);
            }
            writer.write(bytes).await?;
        }
        Ok(PartName { sha256: Digest::from_bytes(hash.finalize().into()), size: size - left })
    }
}
