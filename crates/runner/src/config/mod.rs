//! The configuration of a scenario: `configs/{scenario,input,simulation}.yaml`, in the dialects of both peers.
//!
//! Nothing here can come from a server: a pull writes inputs, personas and criteria, never a section of the configuration.

mod error;
mod keys;
mod merge;
mod model;
mod place;
mod section;
mod target;
mod user;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

pub use error::ConfigError;
pub use model::ModelConfig;
pub use place::ConfigLocation;
pub use target::{
    HttpConfig, ModuleConfig, ProcessConfig, Protocol, ReplayConfig, Signal, TargetConfig, is_node_module, is_typescript,
};

use crate::conversation::UserConfig;
use crate::yaml;
use keepstep_results::guardrails::Guardrails;
use section::{MergedFile, Section};

/// The files that make up the configuration, in the order in which they are merged.
const SECTIONS: [&str; 3] = ["scenario.yaml", "input.yaml", "simulation.yaml"];

/// The folder that they are in.
const FOLDER: &str = "configs";

/// The time that an agent has for one answer where nobody set one.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// A configuration.
#[derive(Debug)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// The merged sections as they were written, before variables were replaced.
    pub written: Value,
    /// What is run.
    pub target: TargetConfig,
    /// How often each input is run.
    pub iterations: u32,
    /// How many cases run at once, if the configuration says so.
    pub parallel: Option<u32>,
    /// How long a slot rests after a case.
    pub delay: Duration,
    /// The longest time for one answer.
    pub timeout: Duration,
    /// Where the inputs are.
    pub inputs: InputSources,
    /// The personas that the configuration describes.
    pub personas: Vec<Value>,
    /// What is made of an input and its persona before the agent gets it.
    pub input_template: Option<String>,
    /// Where experiment folders go.
    pub output_directory: PathBuf,
    /// Whether an answer may be empty.
    pub allow_empty: bool,
    /// Whether traces are written.
    pub save_traces: bool,
    /// The user of a conversation with several turns.
    pub user: Option<UserConfig>,
    /// The model that judges, if one does.
    pub judge: Option<ModelConfig>,
    /// What to warn about in answers.
    pub guardrails: Option<Guardrails>,
    /// Whether a run without `--full` is a smoke test.
    pub smoke: bool,
    /// Whether results go up without being asked for.
    pub auto_upload: bool,
}

/// Where the inputs are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputSources {
    /// `inputs_file`.
    pub file: Option<PathBuf>,
    /// The inputs inside of the configuration.
    pub inline: Vec<Value>,
    /// True for the dialect whose pulls go to `pulled/`.
    pub prefers_pulled: bool,
}

/// Reads the configuration of a scenario.
///
/// # Errors
/// A file or a key is missing, or cannot be understood.
pub fn load(place: &ConfigLocation<'_>) -> Result<Config, ConfigError> {
    let origins = read_sections(place)?;
    let mut written = Value::Object(serde_json::Map::new());
    for origin in &origins {
        merge::merge(&mut written, origin.value.clone());
    }
    merge::merge(&mut written, place.overrides.clone());
    let mut value = written.clone();
    merge::substitute(&mut value, place.variable);
    let root = Section::root(&origins, &value);
    keys::check(&root)?;
    interpret(place, &root, written.clone())
}

fn read_sections(place: &ConfigLocation<'_>) -> Result<Vec<MergedFile>, ConfigError> {
    let configs = place.scenario.join(FOLDER);
    if let Some(file) = place.file {
        let is_section = file.components().count() == 1 && file.to_str().is_some_and(is_section_name);
        let path = [place.current, place.scenario].map(|folder| folder.join(file)).into_iter().find(|path| path.is_file());
        let inside = path.as_ref().and_then(|path| path.parent()?.file_name()).is_some_and(|folder| folder == FOLDER);
        match path {
            Some(path) if inside => return sections_of(path.parent().unwrap_or(&configs)),
            Some(path) => return Ok(vec![read_one(&path)?.ok_or(ConfigError::Missing { path })?]),
            None if is_section => {}
            None => return Err(ConfigError::Missing { path: place.current.join(file) }),
        }
    }
    sections_of(&configs)
}

fn is_section_name(name: &str) -> bool {
    // The peer's name for the whole set, although no such file exists.
    name == "setting.yaml" || SECTIONS.contains(&name)
}

fn sections_of(folder: &Path) -> Result<Vec<MergedFile>, ConfigError> {
    let mut origins = Vec::new();
    for name in SECTIONS {
        origins.extend(read_one(&folder.join(name))?);
    }
    if origins.is_empty() {
        return Err(ConfigError::NoTarget { path: folder.join(SECTIONS[2]) });
    }
    Ok(origins)
}

fn read_one(path: &Path) -> Result<Option<MergedFile>, ConfigError> {
    match yaml::read(path)? {
        None | Some((Value::Null, _)) => Ok(None),
        Some((value @ Value::Object(_), text)) => Ok(Some(MergedFile { path: path.to_owned(), text, value })),
        Some(_) => Err(ConfigError::NoMapping { path: path.to_owned() }),
    }
}

fn interpret(place: &ConfigLocation<'_>, root: &Section<'_>, written: Value) -> Result<Config, ConfigError> {
    let runner = root.section("runner")?;
    let test = root.section("test")?;
    let input = root.section("input")?;
    let second_dialect = runner.text("type")?.is_some();
    let mut inline = input.list("items")?;
    inline.extend(root.list("base_inputs")?);
    let limit = target::timeout(&runner)?.unwrap_or(DEFAULT_TIMEOUT);
    let guards = runner.section("guards")?;
    let limit = guards.duration("max_duration")?.map_or(limit, |most| most.min(limit));
    let iterations = root.number("iterations", 1_000_000)?.unwrap_or(1).max(1);
    let output = root.text("output_directory")?.unwrap_or("experiments");
    let default_mode = test.text("default_mode")?;
    if default_mode.is_some_and(|mode| !matches!(mode, "full" | "smoke")) {
        return Err(test.wrong("default_mode", "full or smoke"));
    }
    let folder = place.scenario.file_name().map_or_else(|| "scenario".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Config {
        name: root.text("name")?.map_or(folder, str::to_owned),
        target: target::interpret(place, root, &runner, second_dialect)?,
        iterations: u32::try_from(iterations).unwrap_or(u32::MAX),
        parallel: root.number("parallel_runs", 10_000)?.and_then(|number| u32::try_from(number.max(1)).ok()),
        delay: root.duration("run_delay_seconds")?.unwrap_or_default(),
        timeout: limit,
        inputs: InputSources {
            file: root.text("inputs_file")?.map(|path| place.scenario.join(path)),
            inline,
            prefers_pulled: second_dialect || input.exists(),
        },
        personas: root.list("personas")?,
        input_template: root.text("input_template")?.map(str::to_owned),
        output_directory: place.scenario.join(output),
        allow_empty: root.truth("allow_empty")?.unwrap_or(false),
        save_traces: root.truth("save_traces")?.unwrap_or(true),
        user: user::interpret(place, root, &written)?,
        judge: judge(place, root, &written)?,
        guardrails: guardrails(root, second_dialect)?,
        smoke: default_mode == Some("smoke"),
        auto_upload: test.truth("auto_upload")?.unwrap_or(true),
        written,
    })
}

/// Returns the model of the section `judge`.
fn judge(place: &ConfigLocation<'_>, root: &Section<'_>, written: &Value) -> Result<Option<ModelConfig>, ConfigError> {
    let judge = root.section("judge")?;
    if !judge.exists() {
        return Ok(None);
    }
    model::interpret(place, &judge, written, ("openai", "gpt-5-mini")).map(Some)
}

fn guardrails(root: &Section<'_>, second_dialect: bool) -> Result<Option<Guardrails>, ConfigError> {
    let section = root.section("guardrails")?;
    if second_dialect && !section.exists() {
        return Ok(None);
    }
    let mut guardrails = Guardrails::default();
    if let Some(words) = section.texts("forbidden_words")? {
        guardrails.forbidden_words = words;
    }
    if let Some(length) = section.number("max_response_length", u64::from(u32::MAX))? {
        guardrails.max_response_length = usize::try_from(length).unwrap_or(usize::MAX);
    }
    Ok(Some(guardrails))
}
