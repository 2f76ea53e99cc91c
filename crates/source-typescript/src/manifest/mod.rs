//! Writes `dist-v2/manifest.json`, in the form in which the tools of the peer read it.
//!
//! The manifest holds the agent with its values, the other primitives by kind and name, and a list of the project's
//! files with their digests. Nothing in it depends on the time or the machine but `compiledAt` and the absolute
//! `sourcePath`s: what is listed is sorted by the bytes of the names.
//!
//! Bundles are not made yet. So the `hash` of a primitive, which the peer takes over its bundle, is a digest over the
//! modules that the primitive is made of: its own and all that these import. It changes when one of them does.

mod artifact;
mod files;
mod gitignore;
mod measure;
pub(crate) mod primitives;
mod sources;

use keepstep_base::whole_file::{self, Policy};
use keepstep_source::AgentSource as _;
use std::io;
use std::path::Path;

use keepstep_agent::Field;
use keepstep_agent::definition::flattened_persona;
use serde_json::{Map, Value, json};

use self::artifact::artifact_path;
pub use self::files::FileList;
use self::measure::Digests;
use keepstep_source::{ManifestError, Property};

use crate::TypeScriptAgent;

/// The folder that the compiler writes to, below the project's.
pub const FOLDER: &str = "dist-v2";

/// The name of the manifest in that folder.
pub const FILE_NAME: &str = "manifest.json";

/// The version of the manifest's form.
const VERSION: &str = "2.0.0";

/// The settings of a model that the platform knows.
const MODEL_SETTINGS: [&str; 9] = [
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "presencePenalty",
    "frequencyPenalty",
    "seed",
    "stopSequences",
    "reasoning",
];

/// The settings of batching that the platform knows.
const BATCHING: [&str; 4] = ["firstMessageDelayMs", "debounceWindowMs", "maxBatchMessages", "serializeProcessing"];

/// Returns the manifest of a project, with the list of its files.
///
/// `compiled_at` is the time in milliseconds since 1970.
///
/// # Errors
/// A property of the agent is there and cannot be told, or a file of the project cannot be read.
pub fn build(source: &TypeScriptAgent, files: FileList, compiled_at: i64) -> Result<Value, ManifestError> {
    let modules = source.modules().map(|module| (module.path, module.text));
    let digests = Digests::of(&source.graph.root, modules);
    let mut primitives = vec![agent(source, &digests)?];
    primitives.extend(primitives::list(source, &digests));
    let files = files.finish(&digests)?;
    let hash_of = |name: &str| files.iter().find(|file| file.relative_path == name).map(|file| json!(file.hash()));
    let config = [
        ("packageJson", hash_of("package.json")),
        ("tsconfigJson", hash_of("tsconfig.json")),
        ("luaSkillYaml", hash_of("lua.skill.yaml")),
    ];
    let config: Map<String, Value> = config.into_iter().filter_map(|(key, hash)| Some((key.to_owned(), hash?))).collect();
    Ok(json!({
        "version": VERSION,
        "compiledAt": time(compiled_at),
        "primitives": primitives,
        "projectFiles": files.iter().map(files::ProjectFile::to_json).collect::<Vec<_>>(),
        "config": config,
    }))
}

/// Returns the kind and the name of everything that an agent has besides itself: skills, tools, jobs and the like.
pub fn primitives(source: &TypeScriptAgent) -> Vec<(&'static str, String)> {
    primitives::names(source)
}

/// Writes a manifest with a copy of each file that it lists, and sees to it that git ignores its folder.
///
/// Returns what went wrong without keeping the manifest from being written: a `.gitignore` that cannot be changed, a copy.
///
/// # Errors
/// The manifest cannot be written. The one that was there is unchanged then.
pub fn write(root: &Path, manifest: &Value) -> Result<Vec<String>, ManifestError> {
    let folder = root.join(FOLDER);
    let path = folder.join(FILE_NAME);
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ManifestError::Write { path, source }
    };
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let written = serde_json::to_vec_pretty(manifest).map_err(io::Error::from);
    written.and_then(|text| whole_file::write(&path, &text, Policy::Derived)).map_err(failed(&path))?;
    let copies = sources::ensure(root, &folder, manifest).err().map(|error| format!("`lua push backup` would fail: {error}"));
    Ok(gitignore::ensure(root, FOLDER).err().into_iter().chain(copies).collect())
}

fn agent(source: &TypeScriptAgent, digests: &Digests<'_>) -> Result<Value, ManifestError> {
    let value = |key: &'static str| source.setting(key).map_or(Ok(None), |property| known(key, property));

    let name = value("name")?.and_then(Value::as_str).unwrap_or_default();
    let persona = value("persona")?.map_or_else(|| json!(""), persona);
    let routing = value("description")?.and_then(Value::as_str);
    let flattened = flattened_persona(&persona);
    let description = if flattened.is_empty() { routing.unwrap_or_default() } else { &flattened };
    let path = source.graph.root.join(&source.location().file);

    let mut entry = Map::new();
    entry.insert("kind".to_owned(), json!("agent"));
    entry.insert("name".to_owned(), json!(name));
    entry.insert("description".to_owned(), json!(description));
    entry.insert("path".to_owned(), json!(artifact_path("agent", name)));
    entry.insert("sourcePath".to_owned(), json!(path.to_string_lossy()));
    entry.insert("hash".to_owned(), json!(digests.of_modules(source.modules().map(|module| module.path))));
    entry.insert("persona".to_owned(), persona);
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            entry.insert(key.to_owned(), value);
        }
    };
    add("routingDescription", routing.map(Value::from));
    add("model", value("model")?.filter(|model| model.as_str().is_some_and(|text| !text.is_empty())).cloned());
    let is_resolver = matches!(source.setting("model"), Some(Property::Function { .. }));
    add("hasModelResolver", is_resolver.then_some(Value::Bool(true)));
    add("modelSettings", value("modelSettings")?.and_then(|settings| only(settings, &MODEL_SETTINGS)));
    add("batching", value("batching")?.and_then(|batching| only(batching, &BATCHING)));
    add("governance", value("governance")?.filter(|governance| has_mode(governance)).cloned());
    add("browser", value("browser")?.filter(|browser| **browser == Value::Bool(true) || browser.is_object()).cloned());
    let voices = primitives::voices(source);
    add("voiceRefs", (!voices.is_empty()).then(|| voices.iter().map(|name| json!({"name": name})).collect()));
    Ok(Value::Object(entry))
}

fn known<'a>(key: &'static str, property: &'a Property) -> Result<Option<&'a Value>, ManifestError> {
    match property {
        Property::Unreadable(problem) => Err(ManifestError::Unreadable { field: key, problem: Box::new(problem.clone()) }),
        property => Ok(property.value()),
    }
}

/// Returns a persona as the peer keeps it: a text, or an object with the texts of the channels.
fn persona(value: &Value) -> Value {
    let Some(members) = value.as_object() else {
        return if value.is_string() { value.clone() } else { json!("") };
    };
    let channels = Field::PERSONA.channels().iter().filter_map(|&channel| {
        let text = members.get(channel).filter(|text| text.is_string())?;
        Some((channel.to_owned(), text.clone()))
    });
    let channels: Map<String, Value> = channels.collect();
    if channels.is_empty() { json!("") } else { Value::Object(channels) }
}

/// Returns the members of an object that have one of the keys, in the order of the keys.
fn only(value: &Value, keys: &[&str]) -> Option<Value> {
    let members = value.as_object()?;
    let kept = keys.iter().filter_map(|&key| Some((key.to_owned(), members.get(key)?.clone())));
    Some(Value::Object(kept.collect()))
}

fn has_mode(governance: &Value) -> bool {
    governance.get("mode").is_some_and(|mode| !matches!(mode.as_str(), None | Some("")))
}

/// Returns the time as the peer writes it, such as `2026-11-21T23:27:43.571Z`.
fn time(milliseconds: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_the_peer_does() {
        assert_eq!(time(1_795_303_663_571), "2026-11-21T23:27:43.571Z");
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
    }
}
