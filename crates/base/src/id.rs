//! Identifiers, each of a type of its own so that one cannot be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest identifier that is accepted, in bytes.
const LONGEST: usize = 200;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid agent id {text:?}: {reason}")]
pub struct InvalidId {
    text: String,
    reason: &'static str,
}

/// The id of an agent, as `agent.agentId` in `lua.skill.yaml` and as the platform hands it out.
///
/// It is data from a file or a server: printable, without `/`, and never `.` or `..`, so that it cannot change the
/// meaning of a path or a URL even where somebody forgets to escape it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AgentId(String);

impl AgentId {
    /// Returns the id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the two parts that the lua dialect's `PATCH /agents/{base}/sub-agent` uses: what stands before the
    /// first `_`, and the rest. An id without `_` is both.
    pub fn base_and_rest(&self) -> (&str, &str) {
        self.0.split_once('_').unwrap_or((&self.0, &self.0))
    }

    /// Returns the id that [`AgentId::base_and_rest`] took apart.
    ///
    /// # Errors
    /// The parts do not make an id.
    pub fn from_base_and_rest(base: &str, rest: &str) -> Result<Self, InvalidId> {
        if base == rest { base.parse() } else { format!("{base}_{rest}").parse() }
    }
}

impl FromStr for AgentId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let fail = |reason| Err(InvalidId { text: text.chars().take(80).collect(), reason });
        if text.is_empty() {
            return fail("it is empty");
        }
        if text.len() > LONGEST {
            return fail("it is longer than 200 bytes");
        }
        if text == "." || text == ".." || text.contains(['/', '\\']) {
            return fail("it reads as a path");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return fail("it holds white space or control characters");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The number of a state of one agent on the platform. Every change makes the next one; none is ever taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// Returns the entity tag that names this revision in `ETag`, `If-Match` and `If-None-Match`, with its quotes.
    pub fn to_etag(self) -> String {
        format!("\"r{}\"", self.0)
    }

    /// Returns the revision that an entity tag names, or `None` for a tag that we did not make.
    ///
    /// Weak tags (`W/"…"`) are accepted: a proxy that compresses may have weakened ours.
    pub fn from_etag(tag: &str) -> Option<Self> {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        let digits = tag.strip_prefix("\"r")?.strip_suffix('"')?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok().map(Self))?
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// The number of a persona version of one agent: 1, 2, 3, … in the order of creation, drafts included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonaVersion(pub u32);

impl fmt::Display for PersonaVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_id_is_never_a_path() {
        for text in ["", ".", "..", "a/b", "a\\b", "a b", "a\u{1b}[31m", "a\n", &"x".repeat(201)] {
            assert!(text.parse::<AgentId>().is_err(), "{text:?}");
        }
        assert_eq!("baseAgent_agent_1".parse::<AgentId>().unwrap().as_str(), "baseAgent_agent_1");
    }

    #[test]
    fn base_and_rest_are_the_parts_of_the_lua_dialect() {
        for (id, base, rest) in
            [("baseAgent_agent_1", "baseAgent", "agent_1"), ("a_b_c_d", "a", "b_c_d"), ("solo", "solo", "solo")]
        {
            let id: AgentId = id.parse().unwrap();
            assert_eq!(id.base_and_rest(), (base, rest));
            assert_eq!(AgentId::from_base_and_rest(base, rest).unwrap(), id);
        }
    }

    #[test]
    fn an_etag_of_a_revision_reads_back() {
        assert_eq!(Revision::from_etag(&Revision(17).to_etag()), Some(Revision(17)));
        assert_eq!(Revision::from_etag("W/\"r17\""), Some(Revision(17)));
        for foreign in ["r17", "\"17\"", "\"r\"", "\"r-1\"", "\"r+1\"", "*", ""] {
            assert_eq!(Revision::from_etag(foreign), None, "{foreign}");
        }
    }
}
