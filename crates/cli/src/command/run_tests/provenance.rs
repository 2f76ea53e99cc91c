//! What was tested: versions, commits and digests, for `summary.json`.

use keepstep_agent::canonical;
use keepstep_agent::drift::Base;
use keepstep_agent::lock::AgentEntry;
use keepstep_base::Digest;
use keepstep_results::provenance::{Provenance, TEST_KEY};
use keepstep_runner::config::{Config, TargetConfig};
use keepstep_source::skill_file;
use serde_json::{Map, Value};
use url::Url;

use super::git::Checkout;
use super::setup::Tested;
use crate::session::checkout::git;
use crate::session::checkout::lock_file::LockFile;
use crate::session::context::Context;
use crate::session::sides;

/// Returns the digest of a configuration.
pub(super) fn config_digest(config: &Config) -> String {
    Digest::of_bytes(config.written.to_string().as_bytes()).to_string()
}

fn kind_and_target(target: &TargetConfig) -> (&'static str, String) {
    match target {
        TargetConfig::Python(module) => ("python", module.target.clone()),
        TargetConfig::Node(module) => ("node", module.target.clone()),
        TargetConfig::Process(process) => ("process", process.command.first().cloned().unwrap_or_default()),
        TargetConfig::Http(service) => ("http", address(&service.url)),
    }
}

/// Returns what is tested, for people.
pub(super) fn target_described(target: &TargetConfig) -> String {
    match kind_and_target(target) {
        ("http", address) => address,
        ("process", program) => program,
        (kind, target) => format!("{kind} {target}"),
    }
}

/// Returns what is known about what was tested.
pub(super) fn provenance(
    context: &Context,
    tested: &Tested,
    config: &Config,
    mut checkout: Checkout,
    bundle_version_id: Option<String>,
    key: &str,
) -> Map<String, Value> {
    let (kind, target) = kind_and_target(&config.target);
    let known = Provenance {
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        scenario: Some(tested.name.clone()),
        git_dirty: checkout.is_dirty(),
        git_branch: checkout.branch.take().or_else(|| git::branch_in_pipeline(&context.environment)),
        git_author: checkout.author(),
        git_commit: checkout.commit,
        bundle_version_id,
        target_kind: Some(kind.to_owned()),
        target: Some(target),
        config_digest: Some(config_digest(config)),
        ..agent(context)
    };
    let mut members = known.to_members();
    members.insert(TEST_KEY.to_owned(), Value::from(key));
    members
}

/// Returns what is known of it when the run begins, without asking anybody.
pub(super) fn known_before(tested: &Tested, config: &Config, checkout: &Checkout, bundle: &str) -> Map<String, Value> {
    let (kind, target) = kind_and_target(&config.target);
    let known = Provenance {
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        scenario: Some(tested.name.clone()),
        git_branch: checkout.branch.clone(),
        git_commit: checkout.commit.clone(),
        bundle_version_id: Some(bundle.to_owned()),
        target_kind: Some(kind.to_owned()),
        target: Some(target),
        ..Provenance::default()
    };
    known.to_members()
}

/// Returns which agent the project around is, the persona that its code and the platform last agreed on, and whether the code has
/// another one now, and which. A project that cannot be read is not what a test is about.
fn agent(context: &Context) -> Provenance {
    let project = skill_file::find_root(&context.directory).and_then(|root| Some((skill_file::read(&root).ok()?, root)));
    let Some((skill, root)) = project else { return Provenance::default() };
    let lock = LockFile::read(&root).ok();
    let entry = lock.as_ref().and_then(|file| file.lock.agent(&skill.agent_id));
    let agreed = match entry.map(AgentEntry::persona) {
        Some(Base::Agreed(digest)) => Some(digest),
        _ => None,
    };
    let local = || {
        let code = sides::read_code(context, &root).ok()?;
        sides::persona(&*code).ok().map(|persona| canonical::persona_digest(persona.as_ref()))
    };
    let local = local();
    Provenance {
        agent: Some(skill.agent_id.to_string()),
        agent_revision: entry.and_then(|entry| entry.revision).map(|revision| revision.0),
        persona_version: entry.and_then(|entry| entry.persona_version).map(|version| version.0.into()),
        persona_digest: agreed.flatten().map(|digest| digest.to_string()),
        code_persona_digest: local.flatten().map(|digest| digest.to_string()),
        persona_modified: agreed.and_then(|agreed| Some(local? != agreed)),
        ..Provenance::default()
    }
}

/// Returns an address without what may be secret in it.
fn address(text: &str) -> String {
    Url::parse(text).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization() + url.path())
}
