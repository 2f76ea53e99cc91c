//! Who changed what since both sides last agreed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical;
use crate::field::Field;
use keepstep_base::Digest;

/// What the code says of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Local {
    /// The field has this value; `None` where the code does not set it.
    Value(Option<Value>),
    /// The code sets the field, but nobody could tell to what. It is never taken for an empty value.
    Unreadable,
}

/// What the platform says of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Server {
    /// The field has this value; `None` where it was cleared or never set although the platform keeps it.
    Value(Option<Value>),
    /// The platform has no opinion: no persona was ever published, or the agent has no name there.
    Silent,
}

/// What both sides last agreed on, of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Base {
    /// They never agreed, or nobody wrote it down.
    #[default]
    None,
    /// They agreed on the value with this digest; `None` for a field that was not set.
    Agreed(Option<Digest>),
}

impl Server {
    /// Returns what the platform says of a field that has this value there.
    ///
    /// It is silent about a persona that was never published, or only as an empty text, and about a name that it does not
    /// have: neither is drift. Any other field that it does not have is an empty value.
    pub fn of(field: Field, value: Option<&Value>) -> Self {
        let is_silent = match field.is_required() {
            true if field.has_versions() => canonical::canonical(field, value).is_none(),
            true => value.is_none_or(Value::is_null),
            false => false,
        };
        if is_silent { Self::Silent } else { Self::Value(value.cloned()) }
    }

    /// Returns the digest of what the platform has; `None` where it has no opinion.
    pub fn digest(&self, field: Field) -> Option<Option<Digest>> {
        match self {
            Self::Silent => None,
            Self::Value(value) => Some(canonical::digest(field, value.as_ref())),
        }
    }
}

impl Base {
    /// Reads what `keepstep.lock` and reports of drift say of a field: the digest after `sha256:`, empty for a field that was not set.
    /// Anything else is no agreement.
    pub fn of_text(text: Option<&str>) -> Self {
        match text {
            None => Self::None,
            Some("") => Self::Agreed(None),
            Some(text) => text
                .strip_prefix("sha256:")
                .and_then(|hex| hex.parse().ok())
                .map_or(Self::None, |digest| Self::Agreed(Some(digest))),
        }
    }

    /// Returns the text that [`Base::of_text`] reads; `None` without an agreement.
    pub fn to_text(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Agreed(digest) => Some(digest.map_or_else(String::new, |digest| format!("sha256:{digest}"))),
        }
    }
}

/// What a check has seen of a field: digests and no values, so that the field can be compared again later, without the code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SeenField {
    /// The digest of the code's value after `sha256:`, empty where the code does not set it; none where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The digest of the value that both sides last agreed on, in the same form; none where they never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

impl SeenField {
    /// Returns what has been seen of a field.
    pub fn of(field: Field, base: Base, local: &Local) -> Self {
        let code = match local {
            Local::Unreadable => None,
            Local::Value(value) => Base::Agreed(canonical::digest(field, value.as_ref())).to_text(),
        };
        Self { code, base: base.to_text() }
    }

    /// Returns how the field compares with the digest that the platform has now; `None` where the platform has no opinion.
    pub fn state(&self, server: Option<Option<Digest>>) -> State {
        match Base::of_text(self.code.as_deref()) {
            Base::None => State::Unreadable,
            Base::Agreed(code) => compare_digests(Base::of_text(self.base.as_deref()), code, server),
        }
    }
}

/// The state of one field. The rows are those of the table in the contract of `sync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Both sides say the same.
    InStep,
    /// The platform says nothing, the code does. No drift, as there is nothing to differ from.
    NotOnServer,
    /// Only the code changed.
    Ahead,
    /// Only the platform changed.
    Behind,
    /// Both changed, to different values.
    Diverged,
    /// They differ and there is no base to tell who changed.
    Unknown,
    /// The code sets the field to something that could not be evaluated, so nothing was compared.
    Unreadable,
}

impl State {
    /// Returns true if the two sides are known to differ.
    pub fn is_drift(self) -> bool {
        matches!(self, Self::Ahead | Self::Behind | Self::Diverged | Self::Unknown)
    }

    /// Returns the state in words, for the middle of a line.
    pub fn words(self) -> &'static str {
        match self {
            Self::InStep => "in step",
            Self::NotOnServer => "not on the server yet",
            Self::Ahead => "changed in the code",
            Self::Behind => "changed on the server",
            Self::Diverged => "changed on both sides",
            Self::Unknown => "different",
            Self::Unreadable => "not compared",
        }
    }
}

/// Returns the state of a field.
pub fn compare(field: Field, base: Base, local: &Local, server: &Server) -> State {
    let local = match local {
        Local::Unreadable => return State::Unreadable,
        Local::Value(value) => canonical::digest(field, value.as_ref()),
    };
    compare_digests(base, local, server.digest(field))
}

/// Returns the state of a field of which only the digests are known; `server` is `None` where the platform has no opinion.
pub fn compare_digests(base: Base, local: Option<Digest>, server: Option<Option<Digest>>) -> State {
    let server = match server {
        None if local.is_some() => return State::NotOnServer,
        None => return State::InStep,
        Some(server) => server,
    };
    if local == server {
        return State::InStep;
    }
    match base {
        Base::None => State::Unknown,
        Base::Agreed(base) if base == server => State::Ahead,
        Base::Agreed(base) if base == local => State::Behind,
        Base::Agreed(_) => State::Diverged,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(base: Option<&str>, local: &str, server: &str) -> State {
        let value = |text: &str| Some(json!(text));
        let base = base.map_or(Base::None, |text| Base::Agreed(canonical::digest(Field::PERSONA, value(text).as_ref())));
        compare(Field::PERSONA, base, &Local::Value(value(local)), &Server::Value(value(server)))
    }

    #[test]
    fn the_rows_of_the_contract() {
        assert_eq!(state(Some("a"), "a", "a"), State::InStep);
        assert_eq!(state(Some("a"), "b", "a"), State::Ahead);
        assert_eq!(state(Some("a"), "a", "b"), State::Behind);
        assert_eq!(state(Some("a"), "b", "b"), State::InStep);
        assert_eq!(state(Some("a"), "b", "c"), State::Diverged);
        assert_eq!(state(None, "b", "c"), State::Unknown);
        assert_eq!(state(None, "b", "b"), State::InStep);
    }

    #[test]
    fn what_was_seen_is_compared_as_the_values_were() {
        let value = |text: &str| Some(json!(text));
        for (base, local, server) in [("a", "a", "a"), ("a", "b", "a"), ("a", "a", "b"), ("a", "b", "b"), ("a", "b", "c")] {
            let base = Base::Agreed(canonical::digest(Field::PERSONA, value(base).as_ref()));
            let (local, server) = (Local::Value(value(local)), Server::Value(value(server)));
            let seen = SeenField::of(Field::PERSONA, base, &local);
            assert_eq!(seen.state(server.digest(Field::PERSONA)), compare(Field::PERSONA, base, &local, &server));
        }
        let seen = SeenField::of(Field::PERSONA, Base::None, &Local::Unreadable);
        assert_eq!((seen.state(None), seen.code), (State::Unreadable, None));
    }

    #[test]
    fn a_silent_server_is_no_drift_and_an_unreadable_field_is_never_in_step() {
        let local = Local::Value(Some(json!("x")));
        assert_eq!(compare(Field::PERSONA, Base::None, &local, &Server::Silent), State::NotOnServer);
        assert_eq!(compare(Field::PERSONA, Base::None, &Local::Value(None), &Server::Silent), State::InStep);
        for server in [Server::Silent, Server::Value(None), Server::Value(Some(json!("x")))] {
            assert_eq!(compare(Field::PERSONA, Base::Agreed(None), &Local::Unreadable, &server), State::Unreadable);
        }
    }
}
