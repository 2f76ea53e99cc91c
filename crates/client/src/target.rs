//! Which platform, with which key, and who said so.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
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
    /// Why it is not sent: the end of a sentence that begins with "the key … is not sent there: ".
    pub reason: String,
    /// True if it would be sent as soon as the person trusts the address.
    pub needs_trust: bool,
}

impl fmt::Display for Withheld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the key {} is not sent there: {}", self.origin, self.reason)
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
    /// The file of the project that alone names the address, where the key is from elsewhere and CI sends it all the same.
    pub named_only_by: Option<PathBuf>,
}

impl Target {
    /// Returns the address as it is shown: without a slash at its end.
    pub fn server(&self) -> String {
        display_url(&self.url)
    }
}

/// Returns an address without a slash at its end.
pub(crate) fn display_url(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Returns true if two addresses are the same server for a key: scheme, host, port and path are equal. A slash at the end
/// does not count.
pub fn same_server(left: &Url, right: &Url) -> bool {
    display_url(left) == display_url(right)
}

/// Returns true if the address is this machine, by its number in any form or as `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        // The parser has read decimal, octal and hexadecimal forms already.
        Some(url::Host::Ipv4(address)) => is_this_machine(address.into()),
        Some(url::Host::Ipv6(address)) => is_this_machine(address.into()),
        None => false,
    }
}

/// Returns true if a number is this machine: the loopback network, the unspecified address, which systems take for it, and both
/// written as numbers of the other family.
pub(crate) fn is_this_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.octets()[0] == 0,
        IpAddr::V6(address) => {
            // `::ffff:a.b.c.d`, the old `::a.b.c.d`, and the translation prefix `64:ff9b::a.b.c.d`.
            let inner = || {
                let [high @ .., _, _] = address.segments();
                let is_translated = high == [0x64, 0xff9b, 0, 0, 0, 0];
                let number = u32::try_from(address.to_bits() & u128::from(u32::MAX)).unwrap_or_default();
                address.to_ipv4_mapped().or_else(|| (is_translated || high == [0; 6]).then(|| Ipv4Addr::from_bits(number)))
            };
            address.is_loopback() || address.is_unspecified() || inner().is_some_and(|inner| is_this_machine(inner.into()))
        }
    }
}

/// Reads the address of a platform as people write it.
///
/// # Errors
/// Why it is none, as the end of a sentence.
pub fn parse_url(text: &str) -> Result<Url, &'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_in_every_form() {
        for here in [
            "http://127.0.0.1",
            "http://127.9.9.9",
            "http://2130706433",
            "http://0x7f000001",
            "http://0177.0.0.1",
            "http://127.1",
            "http://0.0.0.0",
            "http://0",
            "http://[::1]",
            "http://[::]",
            "http://[::ffff:127.0.0.1]",
            "http://[::ffff:7f00:1]",
            "http://[::127.0.0.1]",
            "http://[64:ff9b::127.0.0.1]",
            "http://[::ffff:0.0.0.0]",
            "http://localhost",
            "http://LOCALHOST.",
            "http://a.localhost:80",
        ] {
            assert!(is_loopback(&Url::parse(here).unwrap()), "{here}");
        }
        for elsewhere in [
            "http://10.0.0.1",
            "http://128.0.0.1",
            "http://[::ffff:10.0.0.1]",
            "http://[2001:db8::7f00:1]",
            "http://localhost.example",
            "http://127.example",
        ] {
            assert!(!is_loopback(&Url::parse(elsewhere).unwrap()), "{elsewhere}");
        }
    }
}
