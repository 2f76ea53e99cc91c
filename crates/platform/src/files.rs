//! Files of peers: signed addresses, and what is put there.
//!
//! A signed address carries all that it is for, so nothing is written before a file arrives, and an address that nobody
//! uses leaves nothing behind. It can be used once: the same content may come again, as it does when the answer was lost
//! on its way, but no other.

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use hmac::{Hmac, KeyInit as _, Mac as _};
use keepstep_api::own::uploads::PART_SIZE;
use keepstep_base::Digest;
use keepstep_store::artifacts::{Announced, ContentError, SignedFile};
use keepstep_store::{Role, StoreError};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;
use crate::text::printable;

/// How long an address can be used, in milliseconds: an hour.
const LIFE: i64 = 60 * 60 * 1000;

/// A file that somebody wants to put.
#[derive(Debug, Clone)]
pub struct AnnouncedFile {
    /// The project, where it is named.
    pub project: Option<String>,
    /// The run that it belongs to.
    pub run_id: String,
    /// What it is.
    pub file_type: String,
    /// Its name.
    pub name: String,
    /// Its length in bytes, where that is known.
    pub size: Option<u64>,
    /// Its SHA-256, where that is known.
    pub sha256: Option<Digest>,
}

/// Where a file is to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAddress {
    /// The address that names the file once it is there.
    pub storage_url: String,
    /// What the address to put it to ends with; none where the content is here already.
    pub token: Option<String>,
}

/// What an address is for. The names are short because it is a part of a URL.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "p")]
    project_id: String,
    #[serde(rename = "r")]
    run_id: String,
    #[serde(rename = "t")]
    file_type: String,
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "e")]
    ends_at: i64,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
}

impl Platform {
    /// Signs an address for a file. An editor may. A content that is here already needs no sending.
    ///
    /// # Errors
    /// The actor may not, there is no place for files or no such project for them, a name is not one, the file is too large, or the
    /// database failed.
    pub async fn sign_address(&self, actor: &Actor, file: AnnouncedFile) -> Result<SignedAddress, Error> {
        actor.require(Role::Editor)?;
        self.objects()?;
        let project = self.project_of(actor, file.project).await?;
        let project = self.store.project(&actor.scope, &project).await?;
        check_label("A run's id", &file.run_id)?;
        check_label("The type of a file", &file.file_type)?;
        check_file_name(&file.name)?;
        if file.size.is_some_and(|size| size > self.upload_limit()) {
            return Err(Error::TooLarge { what: "The file".into(), limit: self.upload_limit() });
        }
        let claims = Claims {
            id: self.store.surroundings().id("file_")?,
            project_id: project.id,
            run_id: file.run_id,
            file_type: file.file_type,
            name: file.name,
            ends_at: self.store.now() + LIFE,
            size: file.size,
            sha256: file.sha256,
        };
        let signed = claims.file();
        let storage_url = signed.storage_url();
        if let (Some(size), Some(sha256)) = (file.size, file.sha256) {
            let mut transaction = self.store.write().await?;
            if transaction.name_content(&signed, &sha256, size).await? {
                transaction.commit().await?;
                return Ok(SignedAddress { storage_url, token: None });
            }
        }
        let token = claims.sign(&self.address_secret().await?)?;
        self.tidy();
        Ok(SignedAddress { storage_url, token: Some(token) })
    }

    /// Checks an address before anything is put to it.
    ///
    /// # Errors
    /// There is no place for files, the address was not signed here or is too old, or the database failed.
    pub async fn check_address(&self, token: &str) -> Result<(), Error> {
        self.claims(token).await.map(drop)
    }

    /// Takes the content of a file that is put to a signed address. When this returns it is on the disk.
    ///
    /// # Errors
    /// The address is not good, the content is not what was announced, too large or cut off, or the disk or the database failed.
    pub async fn put_file(
        &self,
        token: &str,
        body: impl Stream<Item = Result<Bytes, io::Error>> + Unpin + Send,
    ) -> Result<(), Error> {
        let objects = self.objects()?;
        let claims = self.claims(token).await?;
        let limit = self.upload_limit();
        let announced = Announced { size: claims.size, sha256: claims.sha256, part_size: PART_SIZE, limit };
        match self.store.receive_file(objects, &claims.file(), &announced, body).await {
            Err(StoreError::Content(ContentError::TooLarge(limit))) => Err(Error::TooLarge { what: "The file".into(), limit }),
            received => Ok(received?),
        }
    }

    async fn claims(&self, token: &str) -> Result<Claims, Error> {
        self.objects()?;
        let claims = Claims::verify(token, &self.address_secret().await?).ok_or_else(|| {
            Error::Refused("This upload address is invalid: it was changed, or another server created it.".to_owned())
        })?;
        if claims.ends_at <= self.store.now() {
            return Err(Error::Refused("This address is too old: it can be used for an hour. Ask for a new one.".to_owned()));
        }
        Ok(claims)
    }
}

impl Claims {
    fn file(&self) -> SignedFile {
        SignedFile {
            id: self.id.clone(),
            project_id: self.project_id.clone(),
            run_id: self.run_id.clone(),
            file_type: self.file_type.clone(),
            name: self.name.clone(),
            content_type: media_type(&self.name).to_owned(),
        }
    }

    fn sign(&self, secret: &[u8]) -> Result<String, Error> {
        let claims = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        let signature = mac(secret, &claims)?.finalize().into_bytes();
        let encode = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
        Ok(format!("{}.{}", encode(&claims), encode(&signature)))
    }

    fn verify(token: &str, secret: &[u8]) -> Option<Self> {
        let (claims, signature) = token.split_once('.')?;
        let decode = |text: &str| data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let (claims, signature) = (decode(claims)?, decode(signature)?);
        mac(secret, &claims).ok()?.verify_slice(&signature).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

/// Returns the seal of what only this server may have written.
///
/// # Errors
/// The secret cannot be one.
pub(crate) fn mac(secret: &[u8], claims: &[u8]) -> Result<Hmac<Sha256>, Error> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| Error::Internal(error.to_string()))?;
    mac.update(claims);
    Ok(mac)
}

/// Checks the name of a file: it has no folder and nothing that cannot be seen.
pub(crate) fn check_file_name(name: &str) -> Result<(), Error> {
    let is_good = (1..=200).contains(&name.len())
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control)
        && !matches!(name, "." | "..");
    if is_good {
        return Ok(());
    }
    let name = printable(name);
    Err(Error::Refused(format!("\"{name}\" is not the name of a file: 1 to 200 bytes without folders and control characters.")))
}

/// Checks a text that names something of a client's.
pub(crate) fn check_label(what: &str, text: &str) -> Result<(), Error> {
    if (1..=200).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::Refused(format!("{what} has 1 to 200 bytes without control characters; \"{}\" has not.", printable(text))))
}

/// Returns the media type that goes with the name of a file.
pub fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => "application/json",
        Some("jsonl") => "application/x-ndjson",
        Some("md") => "text/markdown; charset=utf-8",
        Some("txt" | "log") => "text/plain; charset=utf-8",
        Some("yaml" | "yml") => "application/yaml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f22_the_name_of_a_file_is_never_a_path() {
        for name in ["", ".", "..", "../x", "a/b", "a\\b", "a\0", "a\u{1b}[31m", "a\nb", &"x".repeat(201)] {
            assert!(check_file_name(name).is_err(), "{name:?}");
        }
        for name in ["summary.json", "..json", "Füße \u{1f600}.md", "a b"] {
            assert!(check_file_name(name).is_ok(), "{name:?}");
        }
    }
}
