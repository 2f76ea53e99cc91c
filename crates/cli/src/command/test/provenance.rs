//! What was tested: versions, commits and digests, for `summary.json`.

use std::fs;
use std::path::Path;

use keepstep_core::Digest;
use keepstep_runner::config::{Config, TargetConfig};
use serde_json::{Map, Value};
use url::Url;

use super::setup::Tested;
use crate::context::Context;

/// Returns what is known about what was tested.
pub(super) fn provenance(context: &Context, tested: &Tested, config: &Config) -> Map<String, Value> {
    let mut known = Map::new();
    known.insert("version".to_owned(), Value::from(env!("CARGO_PKG_VERSION")));
    known.insert("scenario".to_owned(), Value::from(tested.name.as_str()));
    let (kind, target) = match &config.target {
        TargetConfig::Python(module) => ("python", module.target.clone()),
        TargetConfig::Node(module) => ("node", module.target.clone()),
        TargetConfig::Process(process) => ("process", process.command.first().cloned().unwrap_or_default()),
        TargetConfig::Http(service) => ("http", address(&service.url)),
    };
    known.insert("target_kind".to_owned(), Value::from(kind));
    known.insert("target".to_owned(), Value::from(target));
    known.insert("config_digest".to_owned(), Value::from(Digest::of_bytes(config.written.to_string().as_bytes()).to_string()));
    if let Some(commit) = git_commit(&context.directory) {
        known.insert("git_commit".to_owned(), Value::from(commit));
    }
    if let Some(bundle) = bundle_version(&tested.path) {
        known.insert("bundle_version_id".to_owned(), Value::from(bundle));
    }
    known
}

/// Returns an address without what may be secret in it.
fn address(text: &str) -> String {
    Url::parse(text).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization() + url.path())
}

/// Returns the bundle version that was pulled last.
fn bundle_version(scenario: &Path) -> Option<String> {
    let read = |path: &str| -> Option<Value> { serde_json::from_slice(&fs::read(scenario.join(path)).ok()?).ok() };
    let id = |value: &Value| value.as_str().map(str::to_owned);
    read(".state/sync.json")
        .and_then(|state| id(state.get("bundle_version_id")?))
        .or_else(|| id(read("pulled/sync_meta.json")?.pointer("/bundle_version/id")?))
}

/// Returns the commit that is checked out around a folder, as git's own files have it.
fn git_commit(folder: &Path) -> Option<String> {
    let git = folder.ancestors().map(|folder| folder.join(".git")).find(|path| path.exists())?;
    // In a worktree it is a file that names the folder.
    let git = match fs::read_to_string(&git) {
        Ok(text) => git.parent()?.join(text.trim().strip_prefix("gitdir: ")?),
        Err(_) => git,
    };
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let is_commit = |text: &str| (40..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(name) = head.trim().strip_prefix("ref: ") else {
        return is_commit(head.trim()).then(|| head.trim().to_owned());
    };
    let common = match fs::read_to_string(git.join("commondir")) {
        Ok(text) => git.join(text.trim()),
        Err(_) => git,
    };
    let loose = fs::read_to_string(common.join(name)).ok().map(|text| text.trim().to_owned());
    let packed = || {
        let text = fs::read_to_string(common.join("packed-refs")).ok()?;
        text.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' ').map(str::to_owned))
    };
    loose.or_else(packed).filter(|commit| is_commit(commit))
}
