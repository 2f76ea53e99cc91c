//! What was tested: versions, commits and digests, for `summary.json`.

use std::fs;
use std::path::Path;

use keepstep_core::drift::Base;
use keepstep_core::{Digest, Field};
use keepstep_runner::config::{Config, TargetConfig};
use keepstep_runner::provenance::Provenance;
use keepstep_source::skill_file;
use serde_json::{Map, Value};
use url::Url;

use super::setup::Tested;
use crate::context::Context;
use crate::lock_file::LockFile;

/// Returns what is known about what was tested.
pub(super) fn provenance(context: &Context, tested: &Tested, config: &Config) -> Map<String, Value> {
    let (kind, target) = match &config.target {
        TargetConfig::Python(module) => ("python", module.target.clone()),
        TargetConfig::Node(module) => ("node", module.target.clone()),
        TargetConfig::Process(process) => ("process", process.command.first().cloned().unwrap_or_default()),
        TargetConfig::Http(service) => ("http", address(&service.url)),
    };
    let known = Provenance {
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        scenario: Some(tested.name.clone()),
        git_commit: git_commit(&context.directory),
        bundle_version_id: bundle_version(&tested.path),
        target_kind: Some(kind.to_owned()),
        target: Some(target),
        config_digest: Some(Digest::of_bytes(config.written.to_string().as_bytes()).to_string()),
        ..agent(context)
    };
    known.to_members()
}

/// Returns which agent the project around is, and the persona that its code and the platform last agreed on. A project that
/// cannot be read is not what a test is about.
fn agent(context: &Context) -> Provenance {
    let project = skill_file::find_root(&context.directory).and_then(|root| Some((skill_file::read(&root).ok()?, root)));
    let Some((skill, root)) = project else { return Provenance::default() };
    let lock = LockFile::read(&root).ok();
    let entry = lock.as_ref().and_then(|file| file.lock.agent(&skill.agent_id));
    let persona = entry.map(|entry| entry.base(Field::Persona));
    Provenance {
        agent: Some(skill.agent_id.to_string()),
        agent_revision: entry.and_then(|entry| entry.revision).map(|revision| revision.0),
        persona_digest: match persona {
            Some(Base::Agreed(Some(digest))) => Some(digest.to_string()),
            _ => None,
        },
        ..Provenance::default()
    }
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
