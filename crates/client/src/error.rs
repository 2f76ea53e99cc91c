//! What can go wrong between here and a platform.

use std::time::Duration;

use keepstep_agent::Field;
use keepstep_base::Revision;
use keepstep_base::human::waited_text;
use keepstep_base::text::shell_word;

use crate::target::{KeyOrigin, Withheld};

/// What no certificate store on this machine knows. [`ClientError::hint`] looks for it.
pub(crate) const UNKNOWN_AUTHORITY: &str = "its certificate is not signed by an authority that this machine trusts";

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyProblem {
    /// There is none for that server.
    Missing,
    /// It is cut or mistyped; that is seen here already, so it was not sent.
    Malformed,
    /// The server does not know it.
    Unknown,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

/// A request that did not do what it should. The text says what happened and names the server; [`ClientError::hint`] says
/// what to do next. Texts that a server sent are made visible before they get in here.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answered.
    #[error("{server} cannot be reached: {reason}")]
    Unreachable {
        /// The server.
        server: String,
        /// Why.
        reason: String,
    },
    /// Somebody takes connections and says nothing.
    #[error("{server} accepts connections and does not answer ({}; KEEPSTEP_TIMEOUT={}s waits longer)", waited_text(*waited), waited.as_secs().max(1) * 4)]
    Silent {
        /// The server.
        server: String,
        /// How long silence may last.
        waited: Duration,
    },
    /// The answer comes so slowly that it would never end.
    #[error("{server} sends its answer too slowly; given up after {}", waited_text(*spent))]
    Dripping {
        /// The server.
        server: String,
        /// How long it was listened to.
        spent: Duration,
    },
    /// The server does not let us in.
    #[error("{}", not_signed_in(server, *problem, origin.as_ref(), message.as_deref()))]
    NotSignedIn {
        /// The server.
        server: String,
        /// What is wrong with the key.
        problem: KeyProblem,
        /// Where the key comes from.
        origin: Option<KeyOrigin>,
        /// What the server says of it, where that is not what `problem` says.
        message: Option<String>,
        /// Keys that were found and belong elsewhere.
        withheld: Vec<Withheld>,
    },
    /// The key is good, but does not cover this.
    #[error("{server} does not allow this with the key {}: {message}", describe_origin(origin.as_ref()))]
    NotAllowed {
        /// The server.
        server: String,
        /// Where the key comes from.
        origin: Option<KeyOrigin>,
        /// What the server says.
        message: String,
    },
    /// The thing is not there.
    #[error("{server} has no {what}{}", in_brackets(message.as_deref()))]
    NotFound {
        /// The server.
        server: String,
        /// What was asked for.
        what: String,
        /// What the server says.
        message: Option<String>,
    },
    /// The agent changed since the revision that the write names. Nothing was written.
    #[error("the agent changed on {server} in the meantime{}; nothing was written", at_revision(*current))]
    Stale {
        /// The server.
        server: String,
        /// The revision that the agent has now.
        current: Option<Revision>,
    },
    /// The server does not accept the data.
    #[error("{server} refused this: {message}")]
    Refused {
        /// The server.
        server: String,
        /// The HTTP status.
        status: u16,
        /// The server's own word for what happened.
        code: Option<String>,
        /// What the server says.
        message: String,
        /// What the server says to do next.
        hint: Option<String>,
    },
    /// What was sent is larger than the server takes.
    #[error("this is too large for {server}{}", limit_of(*limit))]
    TooLarge {
        /// The server.
        server: String,
        /// The largest size in bytes.
        limit: Option<u64>,
    },
    /// The server's answer is larger than anything it should send.
    #[error("the answer of {server} is larger than {limit} bytes and was not read")]
    AnswerTooLarge {
        /// The server.
        server: String,
        /// The largest size that is read, in bytes.
        limit: usize,
    },
    /// The server wants fewer requests, for longer than it makes sense to wait.
    #[error("{server} accepts no more requests now{}", wait_of(*after))]
    RateLimited {
        /// The server.
        server: String,
        /// How long it wants us to stay away.
        after: Option<Duration>,
    },
    /// Somebody answered, but not a platform: a proxy, a sign-in page, another program.
    #[error("{server} is not a keepstep server: {}", page(*status, content_type.as_deref(), title.as_deref()))]
    NotOurs {
        /// The server.
        server: String,
        /// The HTTP status, where the answer is HTTP.
        status: Option<u16>,
        /// What the answer claims to be.
        content_type: Option<String>,
        /// Its title or first words.
        title: Option<String>,
    },
    /// The connection ended in the middle of the answer.
    #[error("the connection to {server} was cut before the answer was complete")]
    Cut {
        /// The server.
        server: String,
    },
    /// The answer is too long for memory and cannot be put elsewhere.
    #[error("the answer of {server} cannot be kept: {reason}")]
    NotKept {
        /// Which server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The answer is packed in a way that was not asked for, or is not what it says.
    #[error("the answer of {server} cannot be unpacked: {reason}; nothing was changed")]
    NotUnpacked {
        /// Which server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server sends us to another one, which must not get the key.
    #[error("{server} redirects to {location}, and the key is not for there")]
    RedirectedElsewhere {
        /// The server.
        server: String,
        /// Where it sends us: scheme, host and port.
        location: String,
    },
    /// The server speaks a newer API than this program.
    #[error("{server} speaks version {theirs} of the API{}, and this program only {ours}", of_version(version.as_deref()))]
    Newer {
        /// The server.
        server: String,
        /// The server's number.
        theirs: u32,
        /// Ours.
        ours: u32,
        /// The version of the server's program.
        version: Option<String>,
    },
    /// The server is at fault.
    #[error("{server} has a problem of its own (status {status}{})", after_colon(message.as_deref()))]
    Server {
        /// The server.
        server: String,
        /// The HTTP status.
        status: u16,
        /// What it says.
        message: Option<String>,
    },
    /// The server's dialect has no such thing.
    #[error("{server} does not keep {what}; only a keepstep server does")]
    Unsupported {
        /// The server.
        server: String,
        /// What it does not keep, in the plural.
        what: &'static str,
    },
    /// An empty value would wipe what is there. Nothing was sent.
    #[error("an empty {field} is never published")]
    Empty {
        /// Which field.
        field: Field,
    },
    /// A write of several steps stopped in the middle.
    #[error("{source} (already written: {})", list_of(done))]
    HalfDone {
        /// The fields that are written.
        done: Vec<Field>,
        /// What stopped it.
        source: Box<ClientError>,
    },
    /// The connection could not even be prepared.
    #[error("cannot prepare a connection to {server}: {reason}")]
    Setup {
        /// The server.
        server: String,
        /// Why.
        reason: String,
    },
}

impl ClientError {
    /// Returns true where the server did not say anything about what was asked: nobody answered, the answer broke off, or
    /// it came from something else. The question may be asked again later.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Silent { .. }
                | Self::Dripping { .. }
                | Self::Server { .. }
                | Self::Cut { .. }
                | Self::NotOurs { .. }
                | Self::RateLimited { .. }
        )
    }

    /// Returns the error that decides about the exit code: what stopped a write of several steps, else the error itself.
    pub fn cause(&self) -> &Self {
        match self {
            Self::HalfDone { source, .. } => source.cause(),
            other => other,
        }
    }

    /// Returns what to do next. `program` is the name that the program was called by.
    pub fn hint(&self, program: &str) -> Option<String> {
        match self {
            Self::NotSignedIn { server, problem, origin, withheld, .. } => {
                let server = shell_word(server);
                let mut lines: Vec<String> = withheld.iter().map(ToString::to_string).collect();
                lines.push(match problem {
                    KeyProblem::Missing if withheld.iter().any(|key| key.needs_trust) => {
                        format!("`{program} trust {server}` sends it from now on; so does KEEPSTEP_URL={server}")
                    }
                    KeyProblem::Missing if origin.is_some() => {
                        "check whether a proxy in front of the server drops the Authorization header".to_owned()
                    }
                    KeyProblem::Missing => format!("run `{program} login {server}`, or set KEEPSTEP_API_KEY"),
                    KeyProblem::Malformed | KeyProblem::Unknown | KeyProblem::Expired | KeyProblem::Revoked => {
                        other_key(program, &server, origin.as_ref())
                    }
                });
                Some(lines.join("\n"))
            }
            Self::Unreachable { reason, .. } if reason == UNKNOWN_AUTHORITY => {
                Some("if it is from an authority of your own, name the authority's file in SSL_CERT_FILE".to_owned())
            }
            Self::NotAllowed { .. } => Some("ask an owner of the server for a key with a wider role or project".to_owned()),
            Self::Stale { .. } => Some(format!("run `{program} sync` to see what changed")),
            Self::Refused { hint, .. } => hint.clone(),
            Self::RedirectedElsewhere { location, .. } => {
                let location = shell_word(location);
                Some(format!("if that is the server, run `{program} login {location}`, or set KEEPSTEP_URL={location}"))
            }
            Self::Newer { .. } => Some(format!("update {program}")),
            Self::NotOurs { .. } => {
                Some("check the address, and whether a proxy or a sign-in page stands in front of the server".to_owned())
            }
            Self::HalfDone { source, .. } => source.hint(program),
            _ => None,
        }
    }
}

/// Returns how to use another key, for a server as a word of a shell: where the one that does not work comes from, it is in the way of every other.
fn other_key(program: &str, server: &str, origin: Option<&KeyOrigin>) -> String {
    match origin {
        Some(KeyOrigin::Variable(name)) => {
            format!("put a new key into {name}, or unset it and run `{program} login {server}`")
        }
        Some(KeyOrigin::File(path)) => {
            format!("put a new key into {}, or remove it there and run `{program} login {server}`", path.display())
        }
        Some(KeyOrigin::Flag) => format!("pass a new key, or run `{program} login {server}`"),
        _ => format!("run `{program} login {server}` to sign in again"),
    }
}

fn not_signed_in(server: &str, problem: KeyProblem, origin: Option<&KeyOrigin>, message: Option<&str>) -> String {
    let is_sent = origin.is_some();
    let origin = describe_origin(origin);
    match problem {
        KeyProblem::Missing if is_sent => format!("the key {origin} did not reach {server}: something on the way removed it"),
        KeyProblem::Missing => format!("not signed in to {server}: no key for it"),
        KeyProblem::Malformed => format!("the key {origin} for {server} is malformed: it is cut or mistyped"),
        KeyProblem::Unknown => format!("{server} does not know the key {origin}{}", in_brackets(message)),
        KeyProblem::Expired => format!("the key {origin} for {server} has expired"),
        KeyProblem::Revoked => format!("the key {origin} for {server} was revoked"),
    }
}

fn describe_origin(origin: Option<&KeyOrigin>) -> String {
    origin.map_or_else(|| "that was sent".to_owned(), ToString::to_string)
}

fn in_brackets(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| format!(" ({message})"))
}

fn after_colon(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| format!(": {message}"))
}

fn at_revision(current: Option<Revision>) -> String {
    current.map_or_else(String::new, |revision| format!(" (it is at revision {revision} now)"))
}

fn limit_of(limit: Option<u64>) -> String {
    limit.map_or_else(String::new, |limit| format!(", which accepts at most {limit} bytes"))
}

fn of_version(version: Option<&str>) -> String {
    version.map_or_else(String::new, |version| format!(" (it is keepstep {version})"))
}

fn wait_of(after: Option<Duration>) -> String {
    match after.map(|after| after.as_secs()) {
        None => String::new(),
        Some(seconds) if seconds < 120 => format!("; try again in {seconds} seconds"),
        Some(seconds) if seconds < 2 * 3600 => format!("; try again in {} minutes", seconds.div_ceil(60)),
        Some(seconds) if seconds < 48 * 3600 => format!("; try again in {} hours", seconds.div_ceil(3600)),
        Some(seconds) => format!("; try again in {} days", seconds.div_ceil(24 * 3600)),
    }
}

fn page(status: Option<u16>, content_type: Option<&str>, title: Option<&str>) -> String {
    let kind = content_type.unwrap_or("something that is not JSON");
    let status = status.map_or_else(|| "it does not speak HTTP".to_owned(), |status| format!("status {status}, {kind}"));
    title.map_or_else(|| status.clone(), |title| format!("{status}, \"{title}\""))
}

fn list_of(done: &[Field]) -> String {
    let names: Vec<&str> = done.iter().map(|field| field.key()).collect();
    names.join(", ")
}
