//! Where the address and the key come from, and which key may go where.
//!
//! The address is the first of: the command line; `KEEPSTEP_URL`; the variable of the tool that we stand in for; the
//! project's files; the platform of the last `login`; the service of that tool. Keys are looked for in the same order,
//! and the first one that *belongs to the address* is sent. A key that belongs elsewhere is passed over, and remembered
//! for the message in case that none is left.
//!
//! | Key from | belongs to |
//! |---|---|
//! | the command line | the address in force, whatever it is: somebody just typed it |
//! | a place that also names that address (`KEEPSTEP_API_KEY` beside `KEEPSTEP_URL`, `LUA_API_KEY` beside `LUA_API_URL`, in the environment or in the project's files) | that address only |
//! | the environment, alone | an address from the command line or the environment. To the address that only a project's file names: see below. `KEEPSTEP_API_KEY` also to the platform of the last login, `LUA_API_KEY` also to the service of `lua` |
//! | the project's files, alone | an address from the command line or the environment, and the same two; a file that git tracks, to the address of another such file; otherwise see below |
//! | a file in `.fluxloop/` | what `.fluxloop/project.json` names, where git does not track that file |
//! | what `login` stored | the address for which it was stored |
//! | `~/.lua-cli/credentials` | the service of `lua`, or the address in the real `LUA_API_URL` |
//!
//! The address in a project's file was chosen by whoever wrote the project, which may be a stranger whose repository was just cloned. A key
//! from elsewhere goes there after the person said so once for that address and that project ([`crate::trust`]). In CI nobody can be asked;
//! there it goes on and the address is named, because who changes files there could change the code that runs, too. What `login` stored for
//! exactly that address goes there as always: by logging in there the person named it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use url::Url;

use crate::credentials::{self, Credentials, CredentialsError};
use crate::env_file;
use crate::secret::Secret;
use crate::target::{Key, KeyOrigin, LUA_SERVICE, Target, Tool, UrlOrigin, Withheld, parse_url, same_server};
use crate::text::visible;
use crate::trust;

/// What the command line says.
#[derive(Debug, Clone)]
pub struct TargetOptions {
    /// The address, as typed.
    pub url_flag: Option<String>,
    /// The key, as typed.
    pub key_flag: Option<Secret>,
    /// The name that the program was called by.
    pub called_as: Tool,
    /// What the command is about.
    pub about: About,
    /// True if what `login` stored comes before the project's own key, which may be for one project only: the command manages projects
    /// and keys.
    pub login_first: bool,
}

/// What a command is about, which decides whose variables and files count besides our own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum About {
    /// An agent's definition: those of the lua tool, unless the program was called as the fluxloop tool.
    #[default]
    Agent,
    /// Test data and results: those of the fluxloop tool, whatever the program was called.
    TestData,
}

/// What surrounds a command.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The real environment, without the project's files. Only the names that [`resolve`] knows matter.
    pub variables: BTreeMap<String, String>,
    /// The user's home folder, in which other tools keep their keys.
    pub home: Option<PathBuf>,
    /// The folder of our own settings, such as `~/.config/keepstep`.
    pub config_dir: Option<PathBuf>,
    /// The project's folder; for test data the workspace's root.
    pub project: Option<PathBuf>,
    /// The folder of the scenario that the command is about, if it is about one.
    pub scenario: Option<PathBuf>,
    /// True where continuous integration runs the command, and nobody can be asked.
    pub is_ci: bool,
    /// Tells whether git tracks a file, so that it came with the repository; `None` where nobody knows. Without it no file is tracked.
    pub is_tracked: Option<fn(&Path) -> Option<bool>>,
}

impl Surroundings {
    fn tracks(&self, path: &Path) -> Option<bool> {
        self.is_tracked.map_or(Some(false), |is_tracked| is_tracked(path))
    }

    fn trusts(&self, url: &Url) -> Result<bool, CredentialsError> {
        match (&self.config_dir, &self.project) {
            (Some(folder), Some(project)) => trust::is_trusted(folder, url, project),
            _ => Ok(false),
        }
    }
}

/// Why there is nobody to talk to.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Nobody names a platform.
    #[error("no server configured: no --url, no KEEPSTEP_URL, and no login on this machine")]
    NoPlatform,
    /// An address cannot be one.
    #[error("\"{text}\" {origin} is not the address of a server: {reason}")]
    BadUrl {
        /// What is written there.
        text: String,
        /// Where.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file that would name the platform or the key cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The stored keys cannot be read.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl ResolveError {
    /// Returns what to do about it. `program` is the name that the program was called by.
    pub fn hint(&self, program: &str) -> Option<String> {
        match self {
            Self::NoPlatform => Some(format!("run `{program} login URL`, or set KEEPSTEP_URL")),
            Self::BadUrl { .. } | Self::Unreadable { .. } => None,
            Self::Credentials(error) => error.hint(program),
        }
    }
}

/// The names of one family of variables.
struct Names {
    family: Family,
    urls: &'static [&'static str],
    keys: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Own,
    Peer,
}

const OWN: Names = Names { family: Family::Own, urls: &["KEEPSTEP_URL"], keys: &["KEEPSTEP_API_KEY"] };
const LUA: Names = Names { family: Family::Peer, urls: &["LUA_API_URL"], keys: &["LUA_API_KEY"] };
const FLUXLOOP: Names = Names {
    family: Family::Peer,
    urls: &["FLUXLOOP_API_URL", "FLUXLOOP_SYNC_URL"],
    keys: &["FLUXLOOP_SYNC_API_KEY", "FLUXLOOP_API_KEY"],
};

/// What a template of the fluxloop tool writes where a key should be.
const PLACEHOLDER_KEY: &str = "your-api-key-here";

impl TargetOptions {
    /// Returns the families in their order. Agent commands use the names of the lua tool under our own name, too.
    fn names(&self) -> [Names; 2] {
        if self.is_fluxloop() { [OWN, FLUXLOOP] } else { [OWN, LUA] }
    }

    /// Returns true if the fluxloop tool's variables and files count.
    fn is_fluxloop(&self) -> bool {
        self.about == About::TestData || self.called_as == Tool::Fluxloop
    }

    /// Returns the service that is meant where nobody names another.
    fn service(&self) -> Option<&'static str> {
        // The lua tool's service has no test data.
        self.called_as.service().filter(|_| self.about == About::Agent || self.called_as == Tool::Fluxloop)
    }
}

/// A place with variables: the environment, or a file of the project.
struct VariableSource {
    file: Option<PathBuf>,
    variables: BTreeMap<String, String>,
    /// The address that keys of this place belong to where the place itself names none.
    connected_to: Option<Connection>,
}

/// The address in a workspace's `project.json`.
#[derive(Clone)]
struct Connection {
    file: PathBuf,
    url: String,
}

impl VariableSource {
    /// Returns the first of the names that is set to something, and its value.
    fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        let value = |name: &'static str| Some((name, self.variables.get(name)?.trim()));
        names.iter().filter_map(|name| value(name)).find(|(_, value)| !value.is_empty() && *value != PLACEHOLDER_KEY)
    }
}

/// The address in force.
struct InForce {
    url: Url,
    origin: UrlOrigin,
}

/// Returns the platform that a command talks to, and the key that belongs to it.
///
/// # Errors
/// No address is known, one is not an address, or a file cannot be read.
pub fn resolve(wanted: &TargetOptions, surroundings: &Surroundings) -> Result<Target, ResolveError> {
    let mut places = vec![VariableSource { file: None, variables: surroundings.variables.clone(), connected_to: None }];
    places.extend(project_places(wanted, surroundings)?);
    let mut stored = Stored { config_dir: surroundings.config_dir.as_deref(), loaded: None };
    let in_force = address(wanted, &places, &mut stored)?;

    let mut withheld = Vec::new();
    if let Some(secret) = wanted.key_flag.clone() {
        let key = Key { secret, origin: KeyOrigin::Flag };
        return Ok(in_force.with_key(key, withheld, None));
    }
    for (index, place) in places.iter().enumerate() {
        // The environment is the first place, and said for this command.
        if index == 1
            && wanted.login_first
            && let Some(key) = stored.key_for(&in_force.url)?
        {
            return Ok(in_force.with_key(key, withheld, None));
        }
        for names in wanted.names() {
            let Some((variable, text)) = place.first(names.keys) else { continue };
            let secret = Secret::from(text);
            let origin = place.file.clone().map_or(KeyOrigin::Variable(variable), KeyOrigin::File);
            match belongs(&secret, place, &names, &in_force, &mut stored, surroundings)? {
                Decision::Send => return Ok(in_force.with_key(Key { secret, origin }, withheld, None)),
                Decision::SendInCi(file) => return Ok(in_force.with_key(Key { secret, origin }, withheld, Some(file))),
                Decision::Ask(reason) => withheld.push(Withheld { origin, reason, needs_trust: true }),
                Decision::Withhold(reason) => withheld.push(Withheld { origin, reason, needs_trust: false }),
            }
        }
    }
    if let Some(key) = stored.key_for(&in_force.url)? {
        return Ok(in_force.with_key(key, withheld, None));
    }
    if wanted.is_fluxloop() {
        if let Some((path, secret)) = fluxloop_key(surroundings)? {
            let origin = KeyOrigin::PeerFile(path);
            match fluxloop_key_belongs(&in_force, &places, surroundings) {
                Ok(()) => return Ok(in_force.with_key(Key { secret, origin }, withheld, None)),
                Err(reason) => withheld.push(Withheld { origin, reason, needs_trust: false }),
            }
        }
    } else if let Some((path, secret)) = lua_key(surroundings)? {
        let origin = KeyOrigin::PeerFile(path);
        let real = places[0].first(LUA.urls).and_then(|(_, text)| parse_url(text).ok());
        let service = parse_url(LUA_SERVICE).ok();
        if [real, service].iter().flatten().any(|url| same_server(url, &in_force.url)) {
            return Ok(in_force.with_key(Key { secret, origin }, withheld, None));
        }
        withheld.push(Withheld { origin, reason: format!("it belongs to {LUA_SERVICE}"), needs_trust: false });
    }
    Ok(Target { url: in_force.url, url_origin: in_force.origin, key: None, withheld, named_only_by: None })
}

impl InForce {
    fn with_key(self, key: Key, withheld: Vec<Withheld>, named_only_by: Option<PathBuf>) -> Target {
        Target { url: self.url, url_origin: self.origin, key: Some(key), withheld, named_only_by }
    }
}

/// The credentials, read when somebody first asks: a command with a flag works although they are broken.
struct Stored<'a> {
    config_dir: Option<&'a Path>,
    loaded: Option<Credentials>,
}

impl Stored<'_> {
    fn load(&mut self) -> Result<Option<&Credentials>, ResolveError> {
        if let (None, Some(folder)) = (&self.loaded, self.config_dir) {
            self.loaded = Some(credentials::load(folder)?);
        }
        Ok(self.loaded.as_ref())
    }

    /// Returns the key that was stored for exactly this address.
    fn key_for(&mut self, url: &Url) -> Result<Option<Key>, ResolveError> {
        let Some(credentials) = self.load()? else { return Ok(None) };
        let origin = || KeyOrigin::Stored(credentials.path().to_owned());
        Ok(credentials.key_for(url).map(|secret| Key { secret: secret.clone(), origin: origin() }))
    }
}

fn address(wanted: &TargetOptions, places: &[VariableSource], stored: &mut Stored<'_>) -> Result<InForce, ResolveError> {
    let parse = |text: &str, origin: UrlOrigin| match parse_url(text) {
        Ok(url) => Ok(InForce { url, origin }),
        Err(reason) => Err(ResolveError::BadUrl { text: visible(&without_password(text)), origin: origin.to_string(), reason }),
    };
    if let Some(text) = &wanted.url_flag {
        return parse(text, UrlOrigin::Flag);
    }
    for place in places {
        for names in wanted.names() {
            if let Some((variable, text)) = place.first(names.urls) {
                let origin = place.file.clone().map_or(UrlOrigin::Variable(variable), UrlOrigin::File);
                return parse(text, origin);
            }
        }
    }
    if let Some(credentials) = stored.load()?
        && let Some(url) = credentials.default_url()
    {
        let origin = UrlOrigin::Stored(credentials.path().to_owned());
        return Ok(InForce { url: url.clone(), origin });
    }
    match wanted.service() {
        Some(service) => parse(service, UrlOrigin::Default(wanted.called_as)),
        None => Err(ResolveError::NoPlatform),
    }
}

/// Returns an address as it may be shown: somebody may have written a password into it.
fn without_password(text: &str) -> String {
    match (text.find("//"), text.rfind('@')) {
        (Some(start), Some(end)) if start < end => format!("{}…{}", &text[..start + 2], &text[end..]),
        _ => text.to_owned(),
    }
}

/// What becomes of a key.
enum Decision {
    /// It is sent.
    Send,
    /// It is sent, and said that only this file names the server.
    SendInCi(PathBuf),
    /// It is sent once the person trusts the address; until then for this reason not.
    Ask(String),
    /// It is not sent, for this reason.
    Withhold(String),
}

/// Decides whether a key from a variable may be sent to the address in force.
fn belongs(
    secret: &Secret,
    place: &VariableSource,
    names: &Names,
    in_force: &InForce,
    stored: &mut Stored<'_>,
    surroundings: &Surroundings,
) -> Result<Decision, ResolveError> {
    let is_in_force = |text: &str| parse_url(text).is_ok_and(|url| same_server(&url, &in_force.url));
    if let Some((variable, text)) = place.first(names.urls) {
        return Ok(if is_in_force(text) {
            Decision::Send
        } else {
            Decision::Withhold(format!("it belongs to {}, which {variable} names", visible(&without_password(text))))
        });
    }
    if let Some(connected_to) = &place.connected_to
        && !is_in_force(&connected_to.url)
    {
        let server = visible(&without_password(&connected_to.url));
        return Ok(Decision::Withhold(format!("it belongs to {server}, which project.json names")));
    }
    let is_own = names.family == Family::Own;
    let named_by = match &in_force.origin {
        UrlOrigin::Flag | UrlOrigin::Variable(_) => return Ok(Decision::Send),
        UrlOrigin::Stored(_) if is_own => return Ok(Decision::Send),
        UrlOrigin::Stored(_) => {
            return Ok(Decision::Withhold("it is for another service than the server of the last login".to_owned()));
        }
        UrlOrigin::Default(_) if !is_own => return Ok(Decision::Send),
        UrlOrigin::Default(tool) => {
            let reason = format!("it is for a keepstep server, not for the service of `{}`", tool.program());
            return Ok(Decision::Withhold(reason));
        }
        UrlOrigin::File(named_by) => named_by,
    };
    if let Some(file) = &place.file {
        // A key that came with the repository is no secret of this person's.
        let is_of_repository = surroundings.tracks(file) == Some(true);
        // The tool made both on this machine, one beside the other.
        let is_connection = place.connected_to.as_ref().is_some_and(|connected_to| connected_to.file == *named_by);
        if is_of_repository || (is_connection && surroundings.tracks(named_by) == Some(false)) {
            return Ok(Decision::Send);
        }
    } else if let Some(url) = stored.load()?.and_then(|credentials| credentials.url_of(secret))
        && !same_server(url, &in_force.url)
    {
        let (file, server) = (named_by.display(), crate::target::display_url(url));
        return Ok(Decision::Withhold(format!("only {file} names that address, and the key was stored for {server}")));
    }
    if surroundings.trusts(&in_force.url)? {
        return Ok(Decision::Send);
    }
    if surroundings.is_ci {
        return Ok(Decision::SendInCi(named_by.clone()));
    }
    Ok(Decision::Ask(format!("only {} names that address", named_by.display())))
}

/// Returns the project's files that may name an address or a key, in their order.
fn project_places(wanted: &TargetOptions, surroundings: &Surroundings) -> Result<Vec<VariableSource>, ResolveError> {
    let mut paths = Vec::new();
    if wanted.is_fluxloop() {
        paths.extend(surroundings.scenario.as_ref().map(|scenario| scenario.join(".env")));
    }
    let project = surroundings.project.as_deref();
    paths.extend(project.map(|project| project.join(".env")));
    let connected_to = match project.filter(|_| wanted.is_fluxloop()) {
        Some(project) => {
            paths.push(project.join(".fluxloop/.env"));
            connection(&project.join(".fluxloop/project.json"))?
        }
        None => None,
    };
    let mut places = Vec::new();
    for path in paths {
        if let Some(text) = read_if_there(&path)? {
            let mut variables = env_file::parse(&text);
            forget_template(&mut variables);
            // Whatever lies in `.fluxloop/` was made for the platform that the workspace is connected to.
            let is_inside = path.parent().is_some_and(|folder| folder.components().any(|part| part.as_os_str() == ".fluxloop"));
            let connected_to = connected_to.as_ref().filter(|_| is_inside).cloned();
            places.push(VariableSource { file: Some(path), variables, connected_to });
        }
    }
    if let Some(Connection { file, url }) = connected_to {
        let variables = BTreeMap::from([(FLUXLOOP.urls[0].to_owned(), url)]);
        places.push(VariableSource { file: Some(file), variables, connected_to: None });
    }
    Ok(places)
}

/// Returns the address in a workspace's `project.json`, and the file.
fn connection(path: &Path) -> Result<Option<Connection>, ResolveError> {
    let Some(text) = read_if_there(path)? else { return Ok(None) };
    let parsed: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| ResolveError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    let url = parsed.get("api_url").and_then(serde_json::Value::as_str).map(str::trim).filter(|url| !url.is_empty());
    Ok(url.map(|url| Connection { file: path.to_owned(), url: url.to_owned() }))
}

/// Takes away what the fluxloop tool writes into every new scenario: its service beside a key that is none. Left there, it
/// would send the workspace's key to that service.
fn forget_template(variables: &mut BTreeMap<String, String>) {
    let is_untouched = FLUXLOOP.keys.iter().any(|name| variables.get(*name).is_some_and(|key| key == PLACEHOLDER_KEY));
    if is_untouched {
        let service = Tool::Fluxloop.service().unwrap_or_default();
        variables.retain(|name, value| !(FLUXLOOP.urls.contains(&name.as_str()) && value.trim_end_matches('/') == service));
    }
}

/// Returns the key that the lua tool stored, and where.
fn lua_key(surroundings: &Surroundings) -> Result<Option<(PathBuf, Secret)>, ResolveError> {
    let Some(home) = &surroundings.home else { return Ok(None) };
    let path = home.join(".lua-cli/credentials");
    let secret = read_if_there(&path)?.map(Secret::from).filter(|secret| !secret.reveal().is_empty());
    Ok(secret.map(|secret| (path, secret)))
}

/// Returns the token that the fluxloop tool stored, and where. What is no whole `auth.json` counts as none, as it does there.
fn fluxloop_key(surroundings: &Surroundings) -> Result<Option<(PathBuf, Secret)>, ResolveError> {
    let Some(home) = &surroundings.home else { return Ok(None) };
    let path = home.join(".fluxloop/auth.json");
    let parsed = read_if_there(&path)?.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    let token = parsed.as_ref().and_then(|parsed| parsed.get("access_token")?.as_str()).map(Secret::from);
    Ok(token.filter(|token| !token.reveal().is_empty()).map(|token| (path, token)))
}

/// Decides whether the token of the fluxloop tool may be sent to the address in force; if not, says why.
///
/// The file does not say which server the token is for. Two who name the same address are believed: the person (on the
/// command line or in the environment) and what the tool noted, in the workspace's `project.json` or in its own home. The
/// workspace alone is not, because it may be a stranger's.
fn fluxloop_key_belongs(in_force: &InForce, places: &[VariableSource], surroundings: &Surroundings) -> Result<(), String> {
    let is_in_force = |text: &str| parse_url(text).is_ok_and(|url| same_server(&url, &in_force.url));
    let pending = surroundings.home.as_ref().map(|home| home.join(".fluxloop/pending_login.json"));
    let pending = pending.and_then(|path| connection(&path).ok().flatten());
    if pending.is_some_and(|connection| is_in_force(&connection.url)) {
        return Ok(());
    }
    let is_said = matches!(in_force.origin, UrlOrigin::Flag | UrlOrigin::Variable(_));
    let is_noted = places.iter().any(|place| {
        let is_project = place.file.as_ref().is_some_and(|file| file.ends_with(".fluxloop/project.json"));
        is_project && place.first(FLUXLOOP.urls).is_some_and(|(_, url)| is_in_force(url))
    });
    match (is_said || surroundings.trusts(&in_force.url).unwrap_or(false), is_noted) {
        (true, true) => Ok(()),
        (false, true) => Err("its server is unknown; with --url it is sent to the one that project.json names".to_owned()),
        _ => Err("its server is unknown; sign in with `login`, or pass --api-key".to_owned()),
    }
}

/// Returns a file's text, or `None` where there is no such file (some projects have a folder named `.env`).
fn read_if_there(path: &Path) -> Result<Option<String>, ResolveError> {
    match fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(ResolveError::Unreadable { path: path.to_owned(), reason: "it is not UTF-8".to_owned() }),
        },
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(ResolveError::Unreadable { path: path.to_owned(), reason: error.to_string() }),
    }
}
