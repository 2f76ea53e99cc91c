//! The upload to a platform of the peers: an address for each file, the file there, and one request at the end.
//!
//! The platform makes one piece of that last request, so here it is made in one piece, too: this way is for the amounts
//! that the peers send. Run ids are always the same, and the request names itself, so that sending it again makes no second
//! batch where a platform cares.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use http::{HeaderName, Method};
use keepstep_api::IDEMPOTENCY_HEADER;
use keepstep_api::fluxloop::{PresignRequest, Presigned};
use keepstep_api::own::uploads::{RunRecord, Turn};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use crate::error::ClientError;
use crate::transport::{Call, Elsewhere, Transport};
use crate::upload::manifest::{Manifest, ManifestFile};
use crate::upload::progress::{AT_ONCE, Progress, Sent, UploadError};

const IDEMPOTENCY: HeaderName = HeaderName::from_static(IDEMPOTENCY_HEADER);

/// The types of files that the peers send, and the traces, which they forget.
const TYPES: &[&str] = &["summary", "trace_summary", "traces", "observations", "per_trace_markdown", "per_trace_index"];

/// How much of a file is in memory while it is sent.
const BLOCK: u64 = 256 * 1024;

/// Sends an experiment.
pub(crate) async fn send(transport: &Arc<Transport>, manifest: &Manifest, progress: &dyn Progress) -> Result<Sent, UploadError> {
    let files: Vec<(ManifestFile, String)> = manifest
        .files
        .iter()
        .filter(|file| TYPES.contains(&file.offered.file_type.as_str()))
        // Where there is no run at all, no file has a place.
        .filter_map(|file| Some((file.clone(), file.offered.run_id.clone().or_else(|| manifest.first_run.clone())?)))
        .collect();
    progress.begin(files.iter().map(|(file, _)| file.offered.size).sum());
    let mut files = files.into_iter();
    let mut under_way = JoinSet::new();
    let (mut artifacts, mut bytes_sent) = (Vec::new(), 0);
    loop {
        while under_way.len() < AT_ONCE
            && let Some((file, run)) = files.next()
        {
            under_way.spawn(send_file(Arc::clone(transport), manifest.project_id.clone(), file, run));
        }
        match under_way.join_next().await {
            None => break,
            Some(Ok(sent)) => {
                let (artifact, bytes) = sent?;
                artifacts.push(artifact);
                bytes_sent += bytes;
                progress.sent(bytes);
            }
            Some(Err(error)) => {
                let reason = format!("a part of the work broke down: {error}");
                return Err(ClientError::Setup { server: transport.server().to_owned(), reason }.into());
            }
        }
    }
    let body = body(manifest, artifacts)?;
    let call = Call::write(Method::POST, "/api/sync/upload".to_owned(), body)
        .with(IDEMPOTENCY, &manifest.digest().to_string())
        .harmless()
        .patient();
    let answer: Value = transport.ask(&call, "place for results").await?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let Some(run_batch_id) = text("run_batch_id") else {
        return Err(ClientError::Refused {
            server: transport.server().to_owned(),
            status: 200,
            code: None,
            message: "its answer does not name the upload".to_owned(),
            hint: None,
        }
        .into());
    };
    Ok(Sent { run_batch_id, url: text("url"), runs: None, failed: None, repeated: false, gate: None, bytes_sent })
}

/// Asks where a file belongs and puts it there. An address can only be used once, so a new try begins with a new one.
async fn send_file(
    transport: Arc<Transport>,
    project_id: String,
    file: ManifestFile,
    run_id: String,
) -> Result<(Value, u64), UploadError> {
    let offered = &file.offered;
    let request = PresignRequest {
        project_id: Some(project_id),
        run_id: run_id.clone(),
        artifact_type: offered.file_type.clone(),
        filename: offered.name.clone(),
        content_type: Some(content_type(&offered.name).to_owned()),
        size: Some(offered.size),
        sha256: Some(offered.sha256.clone()),
    };
    let presign = Call::write(Method::POST, "/api/storage/presign".to_owned(), json!(request)).harmless();
    let start = transport.elapsed();
    let mut tries = 0;
    loop {
        tries += 1;
        let presigned: Presigned = transport.ask(&presign, "place for files").await?;
        let artifact = json!({"run_id": run_id, "type": offered.file_type, "storage_url": presigned.storage_url});
        if presigned.exists {
            return Ok((artifact, 0));
        }
        let content = Content::open(&file)?;
        let changed = Arc::clone(&content.changed);
        let place = Elsewhere { url: presigned.upload_url, headers: presigned.headers, size: offered.size };
        let (failure, error) = match transport.put_elsewhere(&place, content.into_body()).await {
            Ok(()) => return Ok((artifact, offered.size)),
            Err(_) if changed.get().is_some() => return Err(UploadError::Changed { path: file.path }),
            Err((Some(failure), error)) => (failure, error),
            Err((None, error)) => return Err(error.into()),
        };
        if !transport.pause(failure, tries, start).await {
            return Err(error.into());
        }
    }
}

/// A file on its way.
struct Content {
    file: File,
    left: u64,
    digest: Sha256,
    sha256: String,
    changed: Arc<std::sync::OnceLock<()>>,
}

impl Content {
    fn open(file: &ManifestFile) -> Result<Self, UploadError> {
        let opened = File::open(&file.path).map_err(|source| UploadError::Io { path: file.path.clone(), source })?;
        Ok(Self {
            file: opened,
            left: file.offered.size,
            digest: Sha256::new(),
            sha256: file.offered.sha256.clone(),
            changed: Arc::default(),
        })
    }

    /// Reads the next piece. The last one is only given away when the whole is what was offered.
    fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut block = Vec::new();
        (&mut self.file).take(BLOCK.min(self.left)).read_to_end(&mut block)?;
        self.digest.update(&block);
        self.left -= block.len() as u64;
        let is_wrong =
            block.is_empty() || (self.left == 0 && HEXLOWER.encode(&std::mem::take(&mut self.digest).finalize()) != self.sha256);
        if is_wrong {
            let _ = self.changed.set(());
            return Err(std::io::Error::other("the file changed"));
        }
        Ok(Some(block))
    }

    fn into_body(self) -> reqwest::Body {
        let blocks = futures_util::stream::try_unfold(self, |mut content| async move {
            let block = content.next()?;
            std::io::Result::Ok(block.map(|block| (block, content)))
        });
        reqwest::Body::wrap_stream(blocks)
    }
}

/// Returns the body of the last request.
fn body(manifest: &Manifest, artifacts: Vec<Value>) -> Result<Value, UploadError> {
    let (mut runs, mut results, mut turns, mut summaries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    if let Some(file) = manifest.runs() {
        let fail = |source| UploadError::Io { path: file.path.clone(), source };
        for line in BufReader::new(File::open(&file.path).map_err(fail)?).lines() {
            let mut run: RunRecord =
                serde_json::from_str(&line.map_err(fail)?).map_err(|_| UploadError::Changed { path: file.path.clone() })?;
            let status = if run.status.label() == "completed" { "completed" } else { "failed" };
            // They are in a file of their own.
            run.evaluation.shift_remove("observations");
            runs.push(json!({"id": run.id, "input_item_id": run.input_item_id, "persona_id": null, "status": status}));
            let warned = run.turns.iter().filter(|turn| !turn.warnings.is_empty()).count();
            let warnings: usize = run.turns.iter().map(|turn| turn.warnings.len()).sum();
            summaries.push(json!({
                "run_id": run.id,
                "total_turns": run.turns.len(),
                "warning_turns": warned,
                "warning_count": warnings,
                "warning_rate": warned as f64 / run.turns.len().max(1) as f64,
            }));
            for turn in std::mem::take(&mut run.turns) {
                let mut value = json!(Turn { run_id: run.id.clone(), ..turn });
                // The peers send a list, also where it is empty.
                if value.get("warnings").is_none() {
                    value["warnings"] = json!([]);
                }
                turns.push(value);
            }
            results.push(json!({
                "run_id": run.id,
                "status": status,
                "metrics": run.metrics,
                "transcript": run.transcript,
                "local_eval_summary": run.evaluation,
            }));
        }
    }
    let status = if manifest.all_succeeded { "completed" } else { "failed" };
    Ok(json!({
        "bundle_version_id": manifest.bundle_version_id,
        "run_batch": {"experiment_id": manifest.experiment_id, "execution_target": "local", "status": status},
        "runs": runs,
        "run_results": results,
        "artifacts": artifacts,
        "turns": turns,
        "turn_summaries": summaries,
        "upload_meta": {},
    }))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("json" | "jsonl") => "application/json",
        Some("md") => "text/markdown",
        _ => "application/octet-stream",
    }
}
