//! Who changed what since both sides last agreed.

use serde::Serialize;
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
    let server = match server {
        Server::Silent if local.is_some() => return State::NotOnServer,
        Server::Silent => return State::InStep,
        Server::Value(value) => canonical::digest(field, value.as_ref()),
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
    fn a_silent_server_is_no_drift_and_an_unreadable_field_is_never_in_step() {
        let local = Local::Value(Some(json!("x")));
        assert_eq!(compare(Field::PERSONA, Base::None, &local, &Server::Silent), State::NotOnServer);
        assert_eq!(compare(Field::PERSONA, Base::None, &Local::Value(None), &Server::Silent), State::InStep);
        for server in [Server::Silent, Server::Value(None), Server::Value(Some(json!("x")))] {
            assert_eq!(compare(Field::PERSONA, Base::Agreed(None), &Local::Unreadable, &server), State::Unreadable);
        }
    }
}
