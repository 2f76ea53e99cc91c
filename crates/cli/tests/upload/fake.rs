//! A platform that takes uploads and remembers them: our own protocol, or the one of the peers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use keepstep_base::Digest;
use keepstep_testkit::{Canned, Reply, Request};
use serde_json::{Value, json};

/// What such a platform has.
#[derive(Default)]
pub(crate) struct Kept {
    /// By their digests.
    pub(crate) parts: BTreeMap<String, Vec<u8>>,
    offers: BTreeMap<String, Value>,
    /// By project, bundle and experiment.
    pub(crate) batches: BTreeMap<String, Value>,
    /// How many bytes of parts or files arrived.
    pub(crate) received: usize,
    /// What the next commit answers in place of success.
    pub(crate) refuse: Option<u16>,
    /// What it says of the gate, where it has one.
    pub(crate) gate: Option<Value>,
    /// The body of the last upload of the peers' protocol.
    pub(crate) uploaded: Value,
    /// The files of the peers' protocol, by the address.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// Such a platform.
pub(crate) struct Fake {
    pub(crate) server: Canned,
    kept: Arc<Mutex<Kept>>,
}

impl Fake {
    /// Starts a keepstep platform.
    pub(crate) fn keepstep() -> Self {
        Self::start(own)
    }

    /// Starts one of the peers.
    pub(crate) fn peer() -> Self {
        Self::start(peer)
    }

    fn start(answer: fn(&mut Kept, &Request) -> Reply) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let server = Canned::start({
            let kept = Arc::clone(&kept);
            move |request| answer(&mut kept.lock().unwrap(), request)
        });
        Self { server, kept }
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// Returns the files of the only batch, with their content, by type and name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let kept = self.kept();
        assert_eq!(kept.batches.len(), 1);
        let offer = kept.batches.values().next().unwrap();
        let content = |file: &Value| {
            let parts = file["parts"].as_array().unwrap().iter();
            parts.flat_map(|part| kept.parts[part["sha256"].as_str().unwrap()].clone()).collect::<Vec<u8>>()
        };
        let files = offer["files"].as_array().unwrap().iter();
        files
            .map(|file| (format!("{}/{}", file["type"].as_str().unwrap(), file["name"].as_str().unwrap()), content(file)))
            .collect()
    }

    /// Returns the runs of the only batch.
    pub(crate) fn runs(&self) -> Vec<Value> {
        let text = String::from_utf8(self.files()["runs/runs.jsonl"].clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn ours(status: u16, body: &Value) -> Reply {
    Reply::json(status, body).header("keepstep-api", "1")
}

fn own(kept: &mut Kept, request: &Request) -> Reply {
    let path = request.path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches("/api/v1/uploads").split('/').filter(|part| !part.is_empty()).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", []) => {
            let offer = request.json();
            let id = Digest::of_bytes(&request.body).to_string()[..12].to_owned();
            let names = all_parts(&offer);
            let mut seen = BTreeSet::new();
            let missing: Vec<&String> =
                names.iter().filter(|name| !kept.parts.contains_key(*name) && seen.insert(*name)).collect();
            let answer = ours(200, &json!({"upload_id": id, "missing": missing}));
            kept.offers.insert(id, offer);
            answer
        }
        ("PUT", [id, "parts"]) => {
            let mut body = &request.body[..];
            let named = request.header("keepstep-parts").unwrap().split(',');
            for (sha256, size) in named.flat_map(|name| named_parts(&kept.offers[*id], name)).collect::<Vec<_>>() {
                let (part, rest) = body.split_at(size);
                assert_eq!(Digest::of_bytes(part).to_string(), sha256);
                kept.parts.insert(sha256, part.to_vec());
                body = rest;
            }
            assert!(body.is_empty());
            kept.received += request.body.len();
            ours(204, &json!({}))
        }
        ("POST", [id, "commit"]) => {
            if let Some(status) = kept.refuse.take() {
                return ours(
                    status,
                    &json!({"success": false, "message": "too large", "error": "Payload Too Large", "code": "TOO_LARGE", "statusCode": status, "limit": 7}),
                );
            }
            let offer = kept.offers[*id].clone();
            assert!(all_parts(&offer).iter().all(|part| kept.parts.contains_key(part)));
            let name = format!("{}/{}/{}", offer["project_id"], offer["bundle_version_id"], offer["experiment_id"]);
            let repeated = kept.batches.insert(name, offer).is_some();
            let mut committed = json!({"run_batch_id": "rb-1", "url": "https://keepstep.test/batches/rb-1", "runs": 2, "failed": 1, "repeated": repeated});
            if let Some(gate) = &kept.gate {
                committed["gate"] = gate.clone();
            }
            ours(200, &committed)
        }
        _ => ours(404, &json!({"message": "nothing"})),
    }
}

/// Returns the parts that a name in the header of a pack stands for.
fn named_parts(offer: &Value, name: &str) -> Vec<(String, usize)> {
    if let Some((sha256, size)) = name.split_once(':') {
        return vec![(sha256.to_owned(), size.parse().unwrap())];
    }
    let (first, last) = name.split_once('-').unwrap();
    let files = &offer["files"].as_array().unwrap()[first.parse().unwrap()..=last.parse().unwrap()];
    let parts = files.iter().flat_map(|file| file["parts"].as_array().unwrap());
    let part = |part: &Value| (part["sha256"].as_str().unwrap().to_owned(), part["size"].as_u64().unwrap() as usize);
    parts.map(part).collect()
}

fn all_parts(offer: &Value) -> Vec<String> {
    let files = offer["files"].as_array().unwrap().iter();
    files.flat_map(|file| file["parts"].as_array().unwrap()).map(|part| part["sha256"].as_str().unwrap().to_owned()).collect()
}

fn peer(kept: &mut Kept, request: &Request) -> Reply {
    match (request.method.as_str(), request.path()) {
        ("POST", "/api/storage/presign") => {
            let body = request.json();
            let place = format!("/put/{}-{}", body["artifact_type"].as_str().unwrap(), kept.files.len());
            let host = request.header("host").unwrap();
            Reply::json(
                200,
                &json!({"upload_url": format!("http://{host}{place}"), "storage_url": format!("s3:/{place}"), "headers": {"x-own": "1"}}),
            )
        }
        ("PUT", path) => {
            assert_eq!((request.header("authorization"), request.header("x-own")), (None, Some("1")));
            assert_eq!(request.header("content-length"), Some(request.body.len().to_string().as_str()));
            kept.received += request.body.len();
            kept.files.insert(path.to_owned(), request.body.clone());
            Reply::new(200, &[], "")
        }
        ("POST", "/api/sync/upload") => {
            kept.uploaded = request.json();
            Reply::json(200, &json!({"run_batch_id": "rb-9", "run_ids": []}))
        }
        _ => Reply::json(404, &json!({"detail": "Not Found"})),
    }
}
