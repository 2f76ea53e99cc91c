//! Both sides of an agent, read and compared: the part that `sync`, `compile --sync`, `status` and `doctor` share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keepstep_agent::Field;
use keepstep_agent::State;
use keepstep_agent::canonical;
use keepstep_agent::drift::{self, Base, Local, Server as ServerSide};
use keepstep_agent::plan::FieldView;
use keepstep_api::own::PersonaSummary;
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_client::RemoteAgent;
use keepstep_source::{AgentSource, Property, skill_file};
use keepstep_source_typescript::TypeScriptAgent;
use keepstep_source_typescript::manifest::FileList;
use serde_json::Value;

use crate::session::checkout::lock_file::LockFile;
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::session::settings::Settings;
use crate::shell::failure::Failure;

/// A project and the agent that it defines.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// The folder with `lua.skill.yaml`.
    pub(crate) root: PathBuf,
    /// Its agent.
    pub(crate) agent: AgentId,
}

impl Project {
    /// Returns the project that the folder is in.
    pub(crate) fn open(context: &Context) -> Result<Self, Failure> {
        let root = project_root(context)?;
        let skill = skill_file::read(&root)?;
        Ok(Self { root, agent: skill.agent_id })
    }
}

/// Returns the root of the project that the folder is in.
pub(crate) fn project_root(context: &Context) -> Result<PathBuf, Failure> {
    skill_file::find_root(&context.directory).ok_or_else(|| Failure::Usage {
        message: format!(
            "no project here: neither {} nor a folder above it has a {}",
            context.directory.display(),
            skill_file::FILE_NAME
        ),
        hint: Some("`keepstep init agent` starts one; `-C DIR` names another folder".to_owned()),
    })
}

/// How the names of the variables begin that hold keys of this program and of the two that it stands in for.
const OUR_PREFIXES: [&str; 3] = ["KEEPSTEP_", "LUA_", "FLUXLOOP_"];

/// Reads the agent from the code.
pub(crate) fn read_code(context: &Context, root: &Path) -> Result<Box<dyn AgentSource>, Failure> {
    Ok(Box::new(keepstep_source_typescript::read(root, &options(context, root)?)?))
}

/// Reads the agent from the code and begins with the list of files for its manifest.
pub(crate) fn read_code_and_list(context: &Context, root: &Path) -> Result<(TypeScriptAgent, FileList), Failure> {
    Ok(keepstep_source_typescript::read_and_list(root, &options(context, root)?)?)
}

/// What the code may read of `process.env` is what the project's own `.env` says, and what its settings allow by name: what
/// the code computes goes to the server for everybody to see, and the project may be somebody else's.
fn options(context: &Context, root: &Path) -> Result<keepstep_source_typescript::Options, Failure> {
    let mut environment = match std::fs::read_to_string(root.join(".env")) {
        Ok(text) => keepstep_client::env_file::parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(Failure::io("read", ".env", error)),
    };
    let all = context.environment.all();
    for name in Settings::variables_for_code(root)? {
        if let Some(value) = all.get(&name) {
            environment.insert(name, value.clone());
        }
    }
    // Our keys are nothing to compute with, wherever they stand.
    let is_our_key = |name: &str| name.ends_with("_API_KEY") && OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let mut withheld: BTreeSet<String> = all.keys().cloned().collect();
    withheld.extend(environment.keys().filter(|name| is_our_key(name)).cloned());
    environment.retain(|name, _| !is_our_key(name));
    withheld.retain(|name| !environment.contains_key(name));
    // As Node finds the language of the machine.
    let language = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| context.environment.get(name)).unwrap_or("C");
    let machine = keepstep_source_typescript::engine::Machine {
        is_utc: is_utc(&jiff::tz::TimeZone::system()),
        is_english: matches!(language.split(['.', '@']).next(), Some("C" | "POSIX" | "en_US")),
        withheld,
    };
    Ok(keepstep_source_typescript::Options { environment, machine, ..Default::default() })
}

/// Returns whether a time zone is UTC in winter and in summer; one that is not known is UTC to Node as well.
fn is_utc(zone: &jiff::tz::TimeZone) -> bool {
    let is_utc_at = |second| {
        let Ok(time) = jiff::Timestamp::from_second(second) else { return false };
        let info = zone.to_offset_info(time);
        info.offset().is_zero() && info.abbreviation() == "UTC"
    };
    zone.is_unknown() || [0, 1_767_225_600, 1_782_864_000].into_iter().all(is_utc_at)
}

/// Warns of values that are other ones on other machines, before they are compared or published.
pub(crate) fn warn_of_notes(context: &Context, code: &dyn AgentSource) {
    for note in Field::ALL.into_iter().flat_map(|field| code.notes(field)) {
        context.printer.warning(&format!("{} ({})", note.message, note.location));
        context.printer.hint(&note.help);
    }
}

/// Which state of the server the code is compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Against {
    /// The latest published persona.
    #[default]
    Published,
    /// The persona in production.
    Current,
    /// The newest draft.
    Draft,
    /// A persona version.
    Version(PersonaVersion),
}

impl std::str::FromStr for Against {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "published" => Ok(Self::Published),
            "current" => Ok(Self::Current),
            "draft" => Ok(Self::Draft),
            _ => text
                .strip_prefix('v')
                .and_then(|number| number.parse().ok())
                .filter(|number| *number > 0)
                .map(|number| Self::Version(PersonaVersion(number)))
                .ok_or("say published, current, draft or a version such as v3"),
        }
    }
}

impl std::fmt::Display for Against {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Published => formatter.write_str("published"),
            Self::Current => formatter.write_str("current"),
            Self::Draft => formatter.write_str("draft"),
            Self::Version(version) => write!(formatter, "v{version}"),
        }
    }
}

/// What the code says of a field.
pub(crate) fn local(code: &dyn AgentSource, field: Field) -> Local {
    match code.property(field) {
        // A function is a value that only the running agent has; as a definition it is not set.
        Property::Absent | Property::Function { .. } => Local::Value(None),
        Property::Known { value, .. } => Local::Value(Some(value.clone())),
        Property::Unreadable(_) => Local::Unreadable,
    }
}

/// Returns the code's persona; `None` where the code sets none.
pub(crate) fn persona(code: &dyn AgentSource) -> Result<Option<Value>, Failure> {
    let field = Field::PERSONA;
    match code.property(field) {
        Property::Unreadable(problem) => Err(Failure::Unreadable(vec![(field, problem.clone())])),
        property => Ok(property.value().cloned()),
    }
}

/// Both sides, compared.
#[derive(Debug)]
pub(crate) struct Compared {
    /// The server's side.
    pub(crate) remote: RemoteAgent,
    /// What the code was compared with.
    pub(crate) against: Against,
    /// The fields.
    pub(crate) views: Vec<FieldView>,
}

impl Compared {
    /// Returns the view of a field.
    pub(crate) fn view(&self, field: Field) -> Option<&FieldView> {
        self.views.iter().find(|view| view.field == field)
    }

    /// Returns the view of the persona.
    pub(crate) fn persona(&self) -> Option<&FieldView> {
        self.view(Field::PERSONA)
    }

    /// Returns the fields that are known to differ.
    pub(crate) fn drifted(&self) -> impl Iterator<Item = &FieldView> {
        self.views.iter().filter(|view| view.state.is_drift())
    }

    /// Returns true if something is known to differ.
    pub(crate) fn has_drift(&self) -> bool {
        self.drifted().next().is_some()
    }

    /// Returns true if something could not be compared.
    pub(crate) fn has_unreadable(&self) -> bool {
        self.views.iter().any(|view| view.state == State::Unreadable)
    }

    /// Returns the version of the persona that the code was compared with, where the server told it.
    pub(crate) fn version(&self) -> Option<&PersonaSummary> {
        match self.against {
            Against::Published => self.remote.published.as_ref(),
            Against::Current => self.remote.current.as_ref(),
            Against::Draft => self.remote.newest_draft.as_ref(),
            Against::Version(_) => None,
        }
    }

    /// Returns the newer draft, if the code's persona is equal to it and not to the published one.
    pub(crate) fn equal_draft(&self) -> Option<PersonaVersion> {
        let view = self.persona().filter(|view| view.state.is_drift())?;
        let draft = self.remote.newest_draft.as_ref()?;
        let Local::Value(value) = &view.local else { return None };
        let digest = canonical::persona_digest(value.as_ref());
        (digest.is_some() && digest == draft.digest).then_some(draft.version)
    }
}

/// Asks the server and compares.
pub(crate) fn compare(
    server: &Server,
    project: &Project,
    code: &dyn AgentSource,
    lock: &LockFile,
    against: Against,
) -> Result<Compared, Failure> {
    let remote = server.state(&project.agent)?;
    let persona = match against {
        Against::Published => None,
        Against::Current => Some(version_text(server, project, remote.current.as_ref().map(|summary| summary.version))?),
        Against::Draft => Some(version_text(server, project, remote.newest_draft.as_ref().map(|summary| summary.version))?),
        Against::Version(version) => Some(version_text(server, project, Some(version))?),
    };
    let entry = lock.lock.agent(&project.agent);
    let view = |field: Field| {
        let local = local(code, field);
        let (server, base) = match &persona {
            Some(persona) if field.has_versions() => (persona.clone(), Base::None),
            _ => (remote.side(field), entry.map(|entry| entry.base(field)).unwrap_or_default()),
        };
        let state = drift::compare(field, base, &local, &server);
        let computed = matches!(code.property(field), Property::Known { computed: true, .. });
        FieldView { field, local, server, state, computed }
    };
    let is_kept = |field: &Field| remote.kept.contains(field);
    let views = Field::ALL.into_iter().filter(is_kept).map(view).filter(is_worth_naming).collect();
    Ok(Compared { remote, against, views })
}

/// Returns true if a field has to be named: most agents do without most fields.
fn is_worth_naming(view: &FieldView) -> bool {
    let is_set = local_value(view).is_some() || server_value(view).is_some();
    is_set || view.field.is_always_named() || view.state != State::InStep
}

fn version_text(server: &Server, project: &Project, version: Option<PersonaVersion>) -> Result<ServerSide, Failure> {
    match version {
        None => Ok(ServerSide::Silent),
        Some(version) => Ok(ServerSide::Value(Some(server.persona(&project.agent, version)?))),
    }
}

/// Returns the value of a side that has one.
pub(crate) fn server_value(view: &FieldView) -> Option<&Value> {
    match &view.server {
        ServerSide::Value(value) => value.as_ref(),
        ServerSide::Silent => None,
    }
}

/// Returns the code's value, where it could be read.
pub(crate) fn local_value(view: &FieldView) -> Option<&Value> {
    match &view.local {
        Local::Value(value) => value.as_ref(),
        Local::Unreadable => None,
    }
}

/// Returns a value as it may be shown.
pub(crate) fn without_secret(field: Field, value: Option<&Value>) -> Option<Value> {
    value.cloned().map(|value| field.without_secret(value))
}

/// Returns which fields the code changed since both sides last agreed on them, without asking the server.
pub(crate) fn since_agreed(project: &Project, code: &dyn AgentSource, lock: &LockFile) -> Vec<(Field, State)> {
    let entry = lock.lock.agent(&project.agent);
    let state = |field: Field| {
        let base = entry.map(|entry| entry.base(field)).unwrap_or_default();
        let state = match (local(code, field), base) {
            (Local::Value(None), Base::None | Base::Agreed(None)) if !field.is_always_named() => return None,
            (Local::Unreadable, _) => State::Unreadable,
            (Local::Value(value), Base::Agreed(digest)) if canonical::digest(field, value.as_ref()) == digest => State::InStep,
            (Local::Value(_), Base::Agreed(_)) => State::Ahead,
            (Local::Value(_), Base::None) => State::Unknown,
        };
        Some((field, state))
    };
    Field::ALL.into_iter().filter_map(state).collect()
}
