//! The upload to a keepstep platform: offer, parts, commit.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::header::CONTENT_TYPE;
use http::{HeaderName, Method};
use keepstep_api::IDEMPOTENCY_HEADER;
use keepstep_api::own::uploads::{Committed, OfferAnswer, PARTS_HEADER};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use crate::dialect::part;
use crate::error::ClientError;
use crate::transport::{Call, Transport};
use crate::upload::manifest::Manifest;
use crate::upload::packs::{Pack, Piece, plan};
use crate::upload::progress::{AT_ONCE, Progress, Sent, UploadError};

/// How often parts are offered again that the platform lost between their arrival and the commit.
const ROUNDS: usize = 3;

const IDEMPOTENCY: HeaderName = HeaderName::from_static(IDEMPOTENCY_HEADER);
const PARTS: HeaderName = HeaderName::from_static(PARTS_HEADER);

/// Sends an experiment, or returns `None` where the platform does not know this way.
pub(crate) async fn send(
    transport: &Arc<Transport>,
    manifest: &Manifest,
    progress: &dyn Progress,
) -> Result<Option<Sent>, UploadError> {
    let (offer, digest) = manifest.offer_text();
    let key = digest.to_string();
    let offer = Call::bytes(Method::POST, "/api/v1/uploads".to_owned(), offer.into()).with(CONTENT_TYPE, "application/json");
    let offer = offer.harmless();
    let mut bytes_sent = 0;
    let mut round = 1;
    loop {
        let answer = transport.send(&offer).await?;
        if !answer.is_ours() && matches!(answer.status.as_u16(), 404 | 405 | 501) {
            return Ok(None);
        }
        let what = format!("project {} with bundle {}", manifest.project_id, manifest.bundle_version_id);
        let offered: OfferAnswer = transport.read(&answer, &what)?;
        let packs = plan(manifest, &offered.missing);
        let bytes = packs.iter().map(|pack| pack.size).sum();
        if round == 1 {
            progress.begin(bytes);
        }
        send_packs(transport, &offered.upload_id, packs, progress).await?;
        bytes_sent += bytes;
        let path = format!("/api/v1/uploads/{}/commit", part(&offered.upload_id));
        let commit = Call::write(Method::POST, path, json!(manifest.commit)).with(IDEMPOTENCY, &key).harmless().patient();
        let answer = transport.send(&commit).await?;
        // Parts that nobody committed are thrown away after some time, and then they are offered once more. Another client
        // that committed the same meanwhile has ended this upload; the offer finds that out, too.
        if matches!(answer.status.as_u16(), 404 | 409) && answer.is_ours() && round < ROUNDS {
            round += 1;
            continue;
        }
        let committed: Committed = transport.read(&answer, "upload that was just offered")?;
        return Ok(Some(Sent {
            run_batch_id: committed.run_batch_id,
            url: Some(committed.url),
            runs: Some(committed.runs),
            failed: Some(committed.failed),
            repeated: committed.repeated,
            gate: committed.gate,
            bytes_sent,
        }));
    }
}

async fn send_packs(
    transport: &Arc<Transport>,
    upload_id: &str,
    packs: Vec<Pack>,
    progress: &dyn Progress,
) -> Result<(), UploadError> {
    let path: Arc<str> = format!("/api/v1/uploads/{}/parts", part(upload_id)).into();
    let mut packs = packs.into_iter();
    // What is still under way when this returns early ends with it.
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(pack) = packs.next()
        {
            under_way.spawn(send_pack(Arc::clone(transport), Arc::clone(&path), pack));
        }
        match under_way.join_next().await {
            None => return Ok(()),
            Some(Ok(sent)) => progress.sent(sent?),
            Some(Err(error)) => {
                let reason = format!("a part of the work broke down: {error}");
                return Err(ClientError::Setup { server: transport.server().to_owned(), reason }.into());
            }
        }
    }
}

async fn send_pack(transport: Arc<Transport>, path: Arc<str>, pack: Pack) -> Result<u64, UploadError> {
    let names = pack.header();
    // Made here, where it also ends: memory that another thread's allocator gave out is not given back to this one.
    let room = Vec::with_capacity(usize::try_from(pack.size).unwrap_or(0));
    let read = tokio::task::spawn_blocking(move || read_pack(&pack.pieces, room)).await;
    let body = read.map_err(|error| ClientError::Setup {
        server: transport.server().to_owned(),
        reason: format!("a file could not be read: {error}"),
    })??;
    let size = body.len() as u64;
    let call = Call::bytes(Method::PUT, path.to_string(), body).with(PARTS, &names).harmless();
    let answer = transport.send(&call).await?;
    if answer.status.is_success() { Ok(size) } else { Err(transport.refusal(&answer, "upload that was just offered").into()) }
}

/// Reads the parts of a pack into an empty buffer and checks that they are what was offered.
fn read_pack(pack: &[Piece], mut body: Vec<u8>) -> Result<Bytes, UploadError> {
    let mut changed = BTreeSet::new();
    for piece in pack {
        let fail = |source| UploadError::Io { path: piece.path.clone(), source };
        let mut file = File::open(&piece.path).map_err(fail)?;
        if piece.offset > 0 {
            file.seek(SeekFrom::Start(piece.offset)).map_err(fail)?;
        }
        let start = body.len();
        file.take(piece.part.size).read_to_end(&mut body).map_err(fail)?;
        if HEXLOWER.encode(&Sha256::digest(&body[start..])) != piece.part.sha256 {
            changed.insert(piece.path.clone());
        }
    }
    match changed.pop_first() {
        None => Ok(body.into()),
        Some(path) => Err(UploadError::Changed { path }),
    }
}
