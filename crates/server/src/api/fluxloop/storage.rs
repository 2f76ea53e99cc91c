//! `/api/storage`: where the peers put the files of a run.
//!
//! A signed address carries all that it is for, so nothing is written before a file arrives, and an address that nobody
//! uses leaves nothing behind. It can be used once: the same content may come again, as it does when the answer was lost
//! on its way, but no other.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use hmac::{Hmac, KeyInit as _, Mac as _};
use keepstep_api::fluxloop::{PresignRequest, Presigned};
use keepstep_api::own::uploads::PART_SIZE;
use keepstep_base::Digest;
use keepstep_store::artifacts::{Announced, ContentError, SignedFile};
use keepstep_store::{Role, StoreError};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::login::Origin;
use super::project_of;
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::files::{check_file_name, check_label, drain, incoming, media_type};
use crate::request::{Input, Segments};

/// How long an address can be used, in milliseconds: an hour.
const LIFE: i64 = 60 * 60 * 1000;

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

/// `POST /api/storage/presign`
#[utoipa::path(
    post,
    path = "/api/storage/presign",
    request_body = PresignRequest,
    responses((status = 200, description = "Where to put the file", body = Presigned))
)]
pub(crate) async fn presign(
    State(state): State<AppState>,
    caller: Caller,
    Origin(origin): Origin,
    input: Input<PresignRequest>,
) -> Result<Json<Presigned>, ApiError> {
    caller.must_be(Role::Editor)?;
    state.objects()?;
    let request = input.value;
    let project = project_of(&state, &caller, request.project_id).await?;
    let project = state.store.project(caller.scope(), &project).await?;
    check_label("A run's id", &request.run_id)?;
    check_label("The type of a file", &request.artifact_type)?;
    check_file_name(&request.filename)?;
    if request.size.is_some_and(|size| size > state.upload_limit()) {
        return Err(ApiError::TooLarge { what: "The file", limit: state.upload_limit() });
    }
    let sha256 = request.sha256.as_deref().map(crate::api::uploads::offer::digest).transpose()?;
    let claims = Claims {
        id: state.store.surroundings().id("file_")?,
        project_id: project.id,
        run_id: request.run_id,
        file_type: request.artifact_type,
        name: request.filename,
        ends_at: state.store.now() + LIFE,
        size: request.size,
        sha256,
    };
    let file = claims.file();
    if let (Some(size), Some(sha256)) = (request.size, sha256) {
        let mut transaction = state.store.write().await?;
        if transaction.name_content(&file, &sha256, size).await? {
            transaction.commit().await?;
            return Ok(Json(Presigned { storage_url: file.storage_url(), exists: true, ..Presigned::default() }));
        }
    }
    let secret = state.store.address_secret().await?;
    let upload_url = format!("{origin}/api/storage/upload/{}", claims.sign(&secret)?);
    state.tidy();
    Ok(Json(Presigned { upload_url, storage_url: file.storage_url(), ..Presigned::default() }))
}

/// `PUT /api/storage/upload/{token}`: no key is needed, the address is one.
#[utoipa::path(
    put,
    path = "/api/storage/upload/{token}",
    params(("token" = String, Path, description = "What the address was signed with")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The file is on the disk"))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    Segments(token): Segments<String>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let mut body = incoming(body);
    let received = async {
        let objects = state.objects()?;
        let claims = claims(&state, &token).await?;
        let (size, sha256, limit) = (claims.size, claims.sha256, state.upload_limit());
        let announced = Announced { size, sha256, part_size: PART_SIZE, limit };
        match state.store.receive_file(objects, &claims.file(), &announced, &mut body).await {
            Err(StoreError::Content(ContentError::TooLarge(limit))) => Err(ApiError::TooLarge { what: "The file", limit }),
            received => Ok(received?),
        }
    };
    let received = received.await;
    if received.is_err() {
        drain(&mut body).await;
    }
    received.map(|()| StatusCode::OK)
}

/// Checks an address before anything is put to it, and returns what it is for.
pub(crate) async fn check_address(state: &AppState, token: &str) -> Result<(), ApiError> {
    claims(state, token).await.map(drop)
}

async fn claims(state: &AppState, token: &str) -> Result<Claims, ApiError> {
    state.objects()?;
    let claims = Claims::verify(token, &state.store.address_secret().await?)
        .ok_or_else(|| ApiError::Refused("This address was not made here, or something was changed in it.".to_owned()))?;
    if claims.ends_at <= state.store.now() {
        return Err(ApiError::Refused("This address is too old: it can be used for an hour. Ask for a new one.".to_owned()));
    }
    Ok(claims)
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

    fn sign(&self, secret: &[u8]) -> Result<String, ApiError> {
        let claims = serde_json::to_vec(self).map_err(|error| ApiError::Internal(error.to_string()))?;
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

fn mac(secret: &[u8], claims: &[u8]) -> Result<Hmac<Sha256>, ApiError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| ApiError::Internal(error.to_string()))?;
    mac.update(claims);
    Ok(mac)
}
