//! What somebody brings as a file or as a text: the one form that has a file.

use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request};
use http::header::CONTENT_TYPE;
use keepstep_platform::{LARGEST_SHEET, Platform, Share};
use serde::Deserialize;

use crate::error_page::{PageError, Typed};
use crate::form::posted::{Fields, read_form, read_whole};

/// The fields. A browser that sends no file may send them as it sends any form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct BroughtForm {
    #[serde(default)]
    csrf: String,
    /// What was pasted.
    #[serde(default)]
    pub(crate) text: String,
    /// What is in the file.
    #[serde(skip)]
    pub(crate) file: Vec<u8>,
    /// The name of the file; empty where there is none.
    #[serde(skip)]
    pub(crate) name: String,
}

impl Fields for BroughtForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    /// With room for what stands around a file.
    const LIMIT: usize = LARGEST_SHEET + 64 * 1024;

    /// As it came, as a field of the form, and as a text.
    const COST: usize = 3;

    async fn read(request: Request, platform: &Platform) -> Result<(Self, Option<Share>), PageError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
            return read_form::<Self>(request, platform, Self::LIMIT, Self::COST).await;
        }
        let (request, share) = read_whole(request, platform, Self::LIMIT, Self::COST).await?;
        let invalid = |error: MultipartError| PageError::Invalid(error.body_text());
        let mut parts =
            Multipart::from_request(request, platform).await.map_err(|error| PageError::Invalid(error.body_text()))?;
        let mut form = Self::default();
        while let Some(part) = parts.next_field().await.map_err(invalid)? {
            match part.name() {
                Some("csrf") => form.csrf = part.text().await.map_err(invalid)?,
                Some("text") => form.text = part.text().await.map_err(invalid)?,
                Some("file") => {
                    form.name = part.file_name().unwrap_or_default().to_owned();
                    form.file = part.bytes().await.map_err(invalid)?.into();
                }
                _ => {}
            }
        }
        Ok((form, share))
    }

    fn typed(&self) -> Vec<Typed> {
        if self.text.is_empty() { Vec::new() } else { vec![Typed { label: "Inputs", text: self.text.clone() }] }
    }
}
