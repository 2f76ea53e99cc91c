//! Which platform, with which key, and who said so.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use crate::secret::Secret;

/// The service that the lua tool talks to when nobody says otherwise.
pub const LUA_SERVICE: &str = "https://api.heylua.ai";

const FLUXLOOP_SERVICE: &str = "https://api.fluxloop.ai";

/// The name that the program was called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Its own.
    Keepstep,
    /// In the place of `lua`.
    Lua,
    /// In the place of `fluxloop`.
    Fluxloop,
}

impl Tool {
    /// Returns the name as one types it.
    pub fn program(self) -> &'static str {
        match self {
            Self::Keepstep => "keepstep",
            Self::Lua => "lua",
            Self::Fluxloop => "fluxloop",
        }
    }

    /// Returns the service of the tool of that name. Keepstep has none: every team runs its own platform.
    pub fn service(self) -> Option<&'static str> {
        match self {
            Self::Keepstep => None,
            Self::Lua => Some(LUA_SERVICE),
            Self::Fluxloop => Some(FLUXLOOP_SERVICE),
        }
    }
}

/// Where a key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The command line.
    Flag,
    /// A variable of the real environment.
    Variable(&'static str),
    /// A file of the project.
    File(PathBuf),
    /// What `login` stored.
    Stored(PathBuf),
    /// The file in which another tool stores its key.
    PeerFile(PathBuf),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => formatter.write_str("from the command line"),
            Self::Variable(name) => write!(formatter, "from {name}"),
            Self::File(path) | Self::Stored(path) | Self::PeerFile(path) => write!(formatter, "from {}", path.display()),
        }
    }
}

/// Where an address comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlOrigin {
    /// The command line.
    Flag,
    /// A variable of the real environment.
    Variable(&'static str),
    /// A file of the project.
    File(PathBuf),
    /// What `login` stored.
    Stored(PathBuf),
    /// The service of the tool that the program was called as.
    Default(Tool),
}

impl fmt::Display for UrlOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => formatter.write_str("from the command line"),
            Self::Variable(name) => write!(formatter, "from {name}"),
            Self::File(path) | Self::Stored(path) => write!(formatter, "from {}", path.display()),
            Self::Default(tool) => write!(formatter, "the service of `{}`", tool.program()),
        }
    }
}

/// A key with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub secret: Secret,
    /// Where it comes from.
    pub origin: KeyOrigin,
}

/// A key that was found and is not sent, because it belongs elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Where the key comes from.
    pub origin: KeyOrigin,
    /// Why it is not sent: the end of a sentence that begins with "The key … is not sent there: ".
    pub reason: String,
}

impl fmt::Display for Withheld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "The key {} is not sent there: {}", self.origin, self.reason)
    }
}

/// A platform, and the key for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address, with the path that a proxy may want before ours and without a slash at its end.
    pub url: Url,
    /// Who named the address.
    pub url_origin: UrlOrigin,
    /// The key; `None` where none belongs to that address.
    pub key: Option<Key>,
    /// Keys that were found on the way and belong elsewhere.
    pub withheld: Vec<Withheld>,
}

impl Target {
    /// Returns the address as it is shown: without a slash at its end.
    pub fn server(&self) -> String {
        shown(&self.url)
    }
}

/// Returns an address without a slash at its end.
pub(crate) fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Returns true if two addresses are the same server for a key: scheme, host, port and path are equal. A slash at the end
/// does not count.
pub fn same_server(left: &Url, right: &Url) -> bool {
    shown(left) == shown(right)
}

/// Returns true if the address is this machine, by its number or as `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads the address of a platform as people write it.
///
/// # Errors
/// Why it is none, as the end of a sentence.
pub(crate) fn parse_url(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text.trim()).map_err(|_| "it must look like https://keepstep.example.com")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("it must begin with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a name or password does not belong into it");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must end before any ? or #");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}
