//! `runner`: what is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::error::ConfigError;
use super::place::ConfigLocation;
use super::section::Section;
use crate::json_path::JsonPath;

/// What is run.
#[derive(Debug, Clone)]
pub enum TargetConfig {
    /// A Python function, in a worker that is reused.
    Python(ModuleConfig),
    /// A function of a Node module, likewise.
    Node(ModuleConfig),
    /// A program.
    Process(ProcessConfig),
    /// A service.
    Http(HttpConfig),
}

/// A function in a module.
#[derive(Debug, Clone)]
pub struct ModuleConfig {
    /// `module:function`, `module:object.method`, or `file.mjs#function`.
    pub target: String,
    /// `module:callable` that makes the object whose method is called.
    pub factory: Option<String>,
    /// What the factory is given.
    pub factory_kwargs: Value,
    /// Where the text is in the events of a generator.
    pub stream_output_path: String,
    /// Where modules are looked for before anywhere else.
    pub search: Vec<PathBuf>,
    /// The interpreter, if the configuration names one.
    pub interpreter: Option<String>,
    /// Variables for the process.
    pub variables: Vec<(String, String)>,
    /// A recorded call whose arguments are used, if there is one.
    pub replay: Option<ReplayConfig>,
}

/// A recorded call: `replay_args`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayConfig {
    /// The recording, whose last line counts.
    pub file: PathBuf,
    /// Where the input goes among the arguments.
    pub override_path: Option<String>,
    /// What stands in for arguments that were functions.
    pub providers: BTreeMap<String, String>,
}

/// How a program is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A process for each turn: one line in, the last JSON object out.
    Ndjson,
    /// Messages with a type, for a process that may be reused.
    Jsonl,
}

/// The signal that asks a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Signal {
    Hangup,
    Interrupt,
    Quit,
    Terminate,
    Kill,
}

/// A program.
#[derive(Debug, Clone)]
pub struct ProcessConfig {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Variables beside the inherited ones.
    pub variables: Vec<(String, String)>,
    /// How it is talked to.
    pub protocol: Protocol,
    /// Where the text is in a delta, if not at `delta`.
    pub stream_output_path: Option<JsonPath>,
    /// The line to wait for before the first input.
    pub ready_pattern: Option<regex::Regex>,
    /// How it is asked to end.
    pub kill_signal: Signal,
    /// How long it has for that.
    pub kill_timeout: Duration,
    /// Whether one process answers many inputs.
    pub reuse: bool,
    /// The longest answer in characters; what comes after that is cut off.
    pub output_char_limit: Option<usize>,
}

/// A service.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Whether the answer is a stream of events; otherwise the answer itself says so.
    pub streams: Option<bool>,
    /// Where the text is in an answer that is no stream, if the configuration says it.
    pub output_path: Option<JsonPath>,
    /// Where the text is in an event, if the configuration says it.
    pub stream_output_path: Option<JsonPath>,
    /// The only type of event that counts.
    pub event_filter: Option<String>,
    /// What the body is made of.
    pub mapping: Value,
    /// How often a request is sent.
    pub attempts: u32,
    /// The pause between two attempts.
    pub backoff: Duration,
    /// The answers after which it is sent again.
    pub retry_statuses: Vec<u16>,
    /// The longest answer in characters.
    pub output_char_limit: Option<usize>,
}

/// Returns what the configuration runs.
pub(super) fn interpret(
    place: &ConfigLocation<'_>,
    root: &Section<'_>,
    runner: &Section<'_>,
    second_dialect: bool,
) -> Result<TargetConfig, ConfigError> {
    if !runner.exists() {
        return Err(ConfigError::NoTarget { path: place.scenario.join("configs/simulation.yaml") });
    }
    let kind = runner.text("type")?;
    if runner.section("http")?.exists() || matches!(kind, Some("http" | "http-sse")) {
        return http(runner);
    }
    let section = runner.section("process")?;
    if section.exists() {
        return process(place, runner, &section, Protocol::Jsonl, second_dialect);
    }
    match kind {
        Some("process" | "subprocess-jsonl") => {
            let protocol = if kind == Some("process") { Protocol::Ndjson } else { Protocol::Jsonl };
            process(place, runner, runner, protocol, second_dialect)
        }
        None | Some("function" | "python" | "python-function" | "node") => module(place, root, runner, second_dialect),
        Some("skill") => {
            Err(runner.error("type", "is \"skill\", which keepstep cannot run; it has function, process and http".to_owned()))
        }
        Some(_) => Err(runner.wrong("type", "function, process or http")),
    }
}

fn module(
    place: &ConfigLocation<'_>,
    root: &Section<'_>,
    runner: &Section<'_>,
    second_dialect: bool,
) -> Result<TargetConfig, ConfigError> {
    let module = runner.text("module_path")?;
    let function = runner.text("function_name")?.unwrap_or("run");
    if let Some(better) = runner.text("target")?.and_then(in_other_words) {
        return Err(runner.error("target", better));
    }
    let target = match (runner.text("target")?, module) {
        (Some(target), _) if target.contains([':', '#']) => target.to_owned(),
        (Some(target), Some(module)) => format!("{module}:{target}"),
        (Some(_), None) => {
            return Err(runner.error("target", "must name a module and a function, such as \"my_agent:run\"".to_owned()));
        }
        (None, Some(module)) => format!("{module}:{function}"),
        (None, None) => {
            return Err(runner.error("target", "is missing: say which function to run, such as \"my_agent:run\"".to_owned()));
        }
    };
    let base = if second_dialect { place.current } else { place.scenario };
    let mut search = Vec::new();
    search.extend(runner.text("working_directory")?.map(|path| base.join(path)));
    match runner.value("python_path") {
        Some(Value::String(path)) => search.push(base.join(path)),
        _ => search.extend(runner.texts("python_path")?.unwrap_or_default().iter().map(|path| base.join(path))),
    }
    // Where the peers find a module without being told: in the scenario or where the command was started.
    search.extend([place.scenario, place.current, place.root].map(Path::to_owned));
    let mut seen = Vec::new();
    search.retain(|path| {
        let clean: PathBuf = path.components().collect();
        let new = !seen.contains(&clean);
        seen.push(clean);
        new
    });
    let is_node = target.split_once('#').is_some_and(|(file, _)| is_node_module(file));
    let config = ModuleConfig {
        target,
        factory: runner.text("factory")?.map(str::to_owned),
        factory_kwargs: runner.value("factory_kwargs").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        stream_output_path: runner.text("stream_output_path")?.unwrap_or("update.delta").to_owned(),
        search,
        interpreter: runner.text(if is_node { "node" } else { "python" })?.map(str::to_owned),
        variables: runner.variables("environment_vars")?,
        replay: replay(place, root)?,
    };
    if is_node {
        if config.replay.is_some() {
            let root = root.section("replay_args")?;
            return Err(root.error("enabled", "is true, but only calls of Python functions can be replayed".to_owned()));
        }
        return Ok(TargetConfig::Node(config));
    }
    Ok(TargetConfig::Python(config))
}

/// Returns true for a file that Node runs, or runs when its types are gone.
pub fn is_node_module(file: &str) -> bool {
    [".mjs", ".js", ".cjs"].iter().any(|ending| file.ends_with(ending)) || is_typescript(file)
}

/// Returns true for a file with TypeScript.
pub fn is_typescript(file: &str) -> bool {
    [".ts", ".mts", ".cts", ".tsx"].iter().any(|ending| file.ends_with(ending))
}

/// Returns how a target is written that mixes the forms of two languages, as the end of a sentence.
fn in_other_words(target: &str) -> Option<String> {
    if let Some((file, function)) = target.rsplit_once(':').filter(|(file, _)| is_node_module(file)) {
        return Some(format!("is invalid: {file} is a Node module; write it as {file}#{function}"));
    }
    if is_node_module(target) {
        return Some(format!("names no function; write it as {target}#function"));
    }
    let (file, function) = target.split_once('#')?;
    let module = file.strip_suffix(".py").unwrap_or(file).replace('/', ".");
    (!is_node_module(file)).then(|| format!("is invalid: {file} is a Python module; write it as {module}:{function}"))
}

fn replay(place: &ConfigLocation<'_>, root: &Section<'_>) -> Result<Option<ReplayConfig>, ConfigError> {
    let section = root.section("replay_args")?;
    if !section.truth("enabled")?.unwrap_or(false) {
        return Ok(None);
    }
    let file = section.text("recording_file")?;
    let file = file.ok_or_else(|| section.error("recording_file", "is missing: the recording of a call".to_owned()))?;
    let mut providers = BTreeMap::from(
        [("send_message_callback", "builtin:collector.send"), ("send_error_callback", "builtin:collector.error")]
            .map(|(name, provider)| (name.to_owned(), provider.to_owned())),
    );
    if section.section("callable_providers")?.exists() {
        providers = section.variables("callable_providers")?.into_iter().collect();
        let known = |provider: &String| matches!(provider.as_str(), "builtin:collector.send" | "builtin:collector.error");
        if !providers.values().all(known) {
            return Err(section.wrong("callable_providers", "a mapping to builtin:collector.send or builtin:collector.error"));
        }
    }
    let has_path = section.has("override_param_path");
    let path = if has_path { section.text("override_param_path")? } else { Some("data.content") };
    Ok(Some(ReplayConfig { file: place.scenario.join(file), override_path: path.map(str::to_owned), providers }))
}

fn process(
    place: &ConfigLocation<'_>,
    runner: &Section<'_>,
    section: &Section<'_>,
    protocol: Protocol,
    second_dialect: bool,
) -> Result<TargetConfig, ConfigError> {
    let command = section.texts("command")?.unwrap_or_default();
    if command.is_empty() {
        return Err(section.error("command", "is missing: a list with the program and its arguments".to_owned()));
    }
    let protocol = match section.text("protocol")? {
        None => protocol,
        Some("ndjson") => Protocol::Ndjson,
        Some("jsonl") => Protocol::Jsonl,
        Some(_) => return Err(section.wrong("protocol", "ndjson or jsonl")),
    };
    let base = if second_dialect { place.current } else { place.scenario };
    let directory = match section.text("cwd")? {
        Some(path) => Some(path),
        None => runner.text("working_directory")?,
    };
    let ready_pattern = match section.text("ready_pattern")? {
        None => None,
        Some(pattern) => Some(
            regex::Regex::new(pattern)
                .map_err(|error| section.error("ready_pattern", format!("is not a valid regular expression: {error}")))?,
        ),
    };
    let kill_signal = match section.text("kill_signal")?.map(|name| name.trim_start_matches("SIG")) {
        None | Some("TERM") => Signal::Terminate,
        Some("INT") => Signal::Interrupt,
        Some("HUP") => Signal::Hangup,
        Some("QUIT") => Signal::Quit,
        Some("KILL") => Signal::Kill,
        Some(_) => return Err(section.wrong("kill_signal", "SIGTERM, SIGINT, SIGHUP, SIGQUIT or SIGKILL")),
    };
    let mut variables = runner.variables("environment_vars")?;
    variables.extend(section.variables("env")?);
    Ok(TargetConfig::Process(ProcessConfig {
        command,
        directory: directory.map_or_else(|| base.to_owned(), |path| base.join(path)),
        variables,
        protocol,
        stream_output_path: section.json_path("stream_output_path")?,
        ready_pattern,
        kill_signal,
        kill_timeout: section.duration("kill_timeout")?.unwrap_or(Duration::from_secs(5)),
        reuse: section.truth("reuse")?.unwrap_or(false),
        output_char_limit: output_char_limit(runner)?,
    }))
}

fn http(runner: &Section<'_>) -> Result<TargetConfig, ConfigError> {
    let section = runner.section("http")?;
    let Some(url) = section.text("url")? else {
        return Err(section.error("url", "is missing: the address that is asked".to_owned()));
    };
    let retry = section.section("retry")?;
    let body = section.section("body_template")?;
    if !matches!(body.text("type")?, None | Some("json")) {
        return Err(body.wrong("type", "json"));
    }
    let streams = match section.text("stream")? {
        None => None,
        Some("none" | "json") => Some(false),
        Some("sse") => Some(true),
        Some(_) => return Err(section.wrong("stream", "sse or none")),
    };
    let stream_output_path = section.json_path("stream_output_path")?;
    let statuses = retry.list("status_codes")?;
    let statuses = statuses.iter().map(|status| status.as_u64().and_then(|status| u16::try_from(status).ok()));
    let retry_statuses =
        statuses.collect::<Option<Vec<u16>>>().ok_or_else(|| retry.wrong("status_codes", "a list of numbers"))?;
    Ok(TargetConfig::Http(HttpConfig {
        method: section.text("method")?.unwrap_or("POST").to_ascii_uppercase(),
        url: url.to_owned(),
        headers: section.variables("headers")?,
        streams,
        output_path: match section.json_path("output_path")? {
            None if streams != Some(true) => stream_output_path.clone(),
            path => path,
        },
        stream_output_path,
        event_filter: section.text("stream_event_filter")?.map(str::to_owned),
        mapping: body.value("mapping").cloned().unwrap_or_else(|| serde_json::json!({"input": "$.input"})),
        attempts: u32::try_from(retry.number("attempts", 20)?.unwrap_or(1)).unwrap_or(1).max(1),
        backoff: retry.duration("backoff")?.unwrap_or(Duration::from_millis(200)),
        retry_statuses,
        output_char_limit: output_char_limit(runner)?,
    }))
}

fn output_char_limit(runner: &Section<'_>) -> Result<Option<usize>, ConfigError> {
    let limit = runner.section("guards")?.number("output_char_limit", u64::from(u32::MAX))?;
    Ok(limit.and_then(|limit| usize::try_from(limit).ok()))
}

/// Returns the longest time for one answer of a runner, if it says one.
pub(super) fn timeout(runner: &Section<'_>) -> Result<Option<Duration>, ConfigError> {
    let mut timeout = runner.duration("timeout_seconds")?;
    for kind in ["process", "http"] {
        timeout = runner.section(kind)?.duration("timeout")?.or(timeout);
    }
    Ok(timeout.or(runner.duration("timeout")?))
}
