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
//! | a place that also names an address (`KEEPSTEP_API_KEY` beside `KEEPSTEP_URL`, `LUA_API_KEY` beside `LUA_API_URL`, in the environment or in the project's files) | that address only |
//! | the environment, alone | an address from the command line or the environment. To the address that only a project's file names: see below. `KEEPSTEP_API_KEY` also to the platform of the last login, `LUA_API_KEY` also to the service of `lua` |
//! | the project's files, alone | an address from the command line, the environment or the project's files, and the same two |
//! | what `login` stored | the address for which it was stored |
//! | `~/.lua-cli/credentials` | the service of `lua`, or the address in the real `LUA_API_URL` |
//!
//! The address in a project's file was chosen by whoever wrote the project, which may be a stranger whose repository was
//! just cloned. The peer sends it whatever key it has. Here a key of the environment goes there only if the file uses the
//! same tool's names (`LUA_API_URL` for `LUA_API_KEY`, so that a set-up of the peer works on), the connection is
//! encrypted or stays on this machine, and the key was not stored for another platform. Keys that `login` or another
//! tool stored never follow a project's file.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use url::Url;

use crate::credentials::{self, Credentials, CredentialsError};
use crate::env_file;
use crate::secret::Secret;
use crate::target::{Key, KeyOrigin, LUA_SERVICE, Target, Tool, UrlOrigin, Withheld, is_loopback, parse_url, same_server};
use crate::text::visible;

/// What the command line says.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The address, as typed.
    pub url_flag: Option<String>,
    /// The key, as typed.
    pub key_flag: Option<Secret>,
    /// The name that the program was called by.
    pub called_as: Tool,
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
    /// The project's folder.
    pub project: Option<PathBuf>,
}

/// Why there is nobody to talk to.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Nobody names a platform.
    #[error("no platform is known: neither --url nor KEEPSTEP_URL says which, and nobody logged in")]
    NoPlatform,
    /// An address cannot be one.
    #[error("\"{text}\" {origin} is not the address of a platform: {reason}")]
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
            Self::NoPlatform => Some(format!("Run `{program} login URL`, or set KEEPSTEP_URL.")),
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

impl Tool {
    /// Returns the families in their order. Agent commands use the names of the lua tool under our own name, too.
    fn names(self) -> [Names; 2] {
        match self {
            Self::Keepstep | Self::Lua => [OWN, LUA],
            Self::Fluxloop => [OWN, FLUXLOOP],
        }
    }
}

/// A place with variables: the environment, or a file of the project.
struct Place {
    file: Option<PathBuf>,
    variables: BTreeMap<String, String>,
}

impl Place {
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
    /// Whose names the variable has that holds the address; our own where it is no variable.
    family: Family,
}

/// Returns the platform that a command talks to, and the key that belongs to it.
///
/// # Errors
/// No address is known, one is not an address, or a file cannot be read.
pub fn resolve(wanted: &Wanted, surroundings: &Surroundings) -> Result<Target, ResolveError> {
    let mut places = vec![Place { file: None, variables: surroundings.variables.clone() }];
    places.extend(project_places(wanted.called_as, surroundings)?);
    let mut stored = Stored { config_dir: surroundings.config_dir.as_deref(), loaded: None };
    let in_force = address(wanted, &places, &mut stored)?;

    let mut withheld = Vec::new();
    if let Some(secret) = wanted.key_flag.clone() {
        let key = Key { secret, origin: KeyOrigin::Flag };
        return Ok(Target { url: in_force.url, url_origin: in_force.origin, key: Some(key), withheld });
    }
    for place in &places {
        for names in wanted.called_as.names() {
            let Some((variable, text)) = place.first(names.keys) else { continue };
            let secret = Secret::from(text);
            let origin = place.file.clone().map_or(KeyOrigin::Variable(variable), KeyOrigin::File);
            match belongs(&secret, place, &names, &in_force, &mut stored)? {
                Ok(()) => return Ok(in_force.with_key(Key { secret, origin }, withheld)),
                Err(reason) => withheld.push(Withheld { origin, reason }),
            }
        }
    }
    if let Some(credentials) = stored.load()?
        && let Some(secret) = credentials.key_for(&in_force.url)
    {
        let key = Key { secret: secret.clone(), origin: KeyOrigin::Stored(credentials.path().to_owned()) };
        return Ok(in_force.with_key(key, withheld));
    }
    if let Some((path, secret)) = peer_key(wanted.called_as, surroundings)? {
        let origin = KeyOrigin::PeerFile(path);
        let real = places[0].first(LUA.urls).and_then(|(_, text)| parse_url(text).ok());
        let service = parse_url(LUA_SERVICE).ok();
        if [real, service].iter().flatten().any(|url| same_server(url, &in_force.url)) {
            return Ok(in_force.with_key(Key { secret, origin }, withheld));
        }
        withheld.push(Withheld { origin, reason: format!("it belongs to {LUA_SERVICE}") });
    }
    Ok(Target { url: in_force.url, url_origin: in_force.origin, key: None, withheld })
}

impl InForce {
    fn with_key(self, key: Key, withheld: Vec<Withheld>) -> Target {
        Target { url: self.url, url_origin: self.origin, key: Some(key), withheld }
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
}

fn address(wanted: &Wanted, places: &[Place], stored: &mut Stored<'_>) -> Result<InForce, ResolveError> {
    let parse = |text: &str, origin: UrlOrigin, family: Family| match parse_url(text) {
        Ok(url) => Ok(InForce { url, origin, family }),
        Err(reason) => Err(ResolveError::BadUrl { text: visible(&without_password(text)), origin: origin.to_string(), reason }),
    };
    if let Some(text) = &wanted.url_flag {
        return parse(text, UrlOrigin::Flag, Family::Own);
    }
    for place in places {
        for names in wanted.called_as.names() {
            if let Some((variable, text)) = place.first(names.urls) {
                let origin = place.file.clone().map_or(UrlOrigin::Variable(variable), UrlOrigin::File);
                return parse(text, origin, names.family);
            }
        }
    }
    if let Some(credentials) = stored.load()?
        && let Some(url) = credentials.default_url()
    {
        let origin = UrlOrigin::Stored(credentials.path().to_owned());
        return Ok(InForce { url: url.clone(), origin, family: Family::Own });
    }
    match wanted.called_as.service() {
        Some(service) => parse(service, UrlOrigin::Default(wanted.called_as), Family::Peer),
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

/// Decides whether a key from a variable may be sent to the address in force; if not, says why.
fn belongs(
    secret: &Secret,
    place: &Place,
    names: &Names,
    in_force: &InForce,
    stored: &mut Stored<'_>,
) -> Result<Result<(), String>, ResolveError> {
    if let Some((variable, text)) = place.first(names.urls) {
        let is_same = parse_url(text).is_ok_and(|url| same_server(&url, &in_force.url));
        return Ok(if is_same {
            Ok(())
        } else {
            Err(format!("it belongs to {}, which {variable} names", visible(&without_password(text))))
        });
    }
    let is_own = names.family == Family::Own;
    let refuse = |reason: &str| Ok(Err(reason.to_owned()));
    match &in_force.origin {
        UrlOrigin::Flag | UrlOrigin::Variable(_) => Ok(Ok(())),
        UrlOrigin::Stored(_) if is_own => Ok(Ok(())),
        UrlOrigin::Stored(_) => refuse("it is for another service than the platform of the last login"),
        UrlOrigin::Default(_) if !is_own => Ok(Ok(())),
        UrlOrigin::Default(tool) => {
            Ok(Err(format!("it is for a keepstep platform, not for the service of `{}`", tool.program())))
        }
        UrlOrigin::File(_) if place.file.is_some() => Ok(Ok(())),
        UrlOrigin::File(file) => {
            let file = file.display();
            if names.family != in_force.family {
                return Ok(Err(format!("only {file} names that address")));
            }
            if in_force.url.scheme() != "https" && !is_loopback(&in_force.url) {
                return Ok(Err(format!("only {file} names that address, and the connection would not be encrypted")));
            }
            let elsewhere = stored.load()?.and_then(|credentials| credentials.url_of(secret));
            match elsewhere {
                Some(url) if !same_server(url, &in_force.url) => {
                    Ok(Err(format!("only {file} names that address, and the key was stored for {}", crate::target::shown(url))))
                }
                _ => Ok(Ok(())),
            }
        }
    }
}

/// Returns the project's files that may name an address or a key, in their order.
fn project_places(tool: Tool, surroundings: &Surroundings) -> Result<Vec<Place>, ResolveError> {
    let Some(project) = &surroundings.project else { return Ok(Vec::new()) };
    let mut paths = vec![project.join(".env")];
    if tool == Tool::Fluxloop {
        paths.push(project.join(".fluxloop/.env"));
    }
    let mut places = Vec::new();
    for path in paths {
        if let Some(text) = read_if_there(&path)? {
            places.push(Place { variables: env_file::parse(&text), file: Some(path) });
        }
    }
    if tool == Tool::Fluxloop {
        let path = project.join(".fluxloop/project.json");
        if let Some(text) = read_if_there(&path)? {
            let parsed: serde_json::Value = serde_json::from_str(&text)
                .map_err(|error| ResolveError::Unreadable { path: path.clone(), reason: error.to_string() })?;
            let url = parsed.get("api_url").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            places.push(Place { variables: BTreeMap::from([(FLUXLOOP.urls[0].to_owned(), url)]), file: Some(path) });
        }
    }
    Ok(places)
}

/// Returns the key that the lua tool stored, and where.
fn peer_key(tool: Tool, surroundings: &Surroundings) -> Result<Option<(PathBuf, Secret)>, ResolveError> {
    let Some(home) = surroundings.home.as_ref().filter(|_| tool != Tool::Fluxloop) else { return Ok(None) };
    let path = home.join(".lua-cli/credentials");
    let secret = read_if_there(&path)?.map(Secret::from).filter(|secret| !secret.reveal().is_empty());
    Ok(secret.map(|secret| (path, secret)))
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
