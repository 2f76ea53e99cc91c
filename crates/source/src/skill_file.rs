//! Reads and writes `lua.skill.yaml`, the file that says which agent a project defines.
//!
//! Only its section `agent` concerns us. The rest is left alone: this crate never rewrites the file, which a person may
//! have commented.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use keepstep_base::AgentId;
use keepstep_base::InvalidId;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The name of the file, at the root of a project.
pub const FILE_NAME: &str = "lua.skill.yaml";

/// The largest file that is read. A real one has a few kilobytes.
const LARGEST: u64 = 4 << 20;

/// What `lua.skill.yaml` says about the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillFile {
    /// The agent that the project defines.
    pub agent_id: AgentId,
    /// The organization that the agent belongs to.
    pub org_id: String,
}

/// Why `lua.skill.yaml` does not say which agent it is. Each message names the file and what to write.
#[derive(Debug, thiserror::Error)]
pub enum SkillFileError {
    /// There is no such file.
    #[error("no {FILE_NAME} in {}; {}", .folder.display(), Example("create it with"))]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not a text, or too large for one.
    #[error("{} is not a text that could be read: {reason}", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// The file is not valid YAML.
    #[error("{}{} is not valid YAML: {message}", .path.display(), Line(*.line))]
    Yaml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: Option<u64>,
        /// What is wrong.
        message: String,
    },
    /// There is no section `agent`, or it is not a mapping.
    #[error("{} has no section `agent`; {}", .path.display(), Example("write"))]
    NoAgent {
        /// The file.
        path: PathBuf,
    },
    /// A key is missing or empty.
    #[error("{} has no `agent.{key}`; {}", .path.display(), Example("write"))]
    NoValue {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// A value is not a text.
    #[error("`agent.{key}` in {} is {kind} and not a text; write it in quotes: {key}: '…'", .path.display())]
    NotString {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What it is instead.
        kind: &'static str,
    },
    /// The agent's id is not one.
    #[error("`agent.agentId` in {} is wrong: {source}; write the id that the server shows for the agent", .path.display())]
    InvalidId {
        /// The file.
        path: PathBuf,
        /// Why it is not an id.
        #[source]
        source: InvalidId,
    },
}

/// Shows how the section has to look.
struct Example(&'static str);

impl fmt::Display for Example {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n\nagent:\n  agentId: <the agent's id>\n  orgId: <the organization's id>", self.0)
    }
}

/// Shows the line of a file, if it is known.
struct Line(Option<u64>);

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(formatter, ":{line}"))
    }
}

/// Returns the nearest folder with a `lua.skill.yaml`: the given one, or one above it.
pub fn find_root(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(FILE_NAME).is_file()).map(Path::to_path_buf)
}

/// Returns the text of a new `lua.skill.yaml`.
pub fn create_text(agent_id: &AgentId, org_id: &str) -> String {
    // A text of JSON is one of YAML, whatever is in it.
    let scalar = |text: &str| match is_plain(text) {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    };
    format!("agent:\n  agentId: {}\n  orgId: {}\n", scalar(agent_id.as_str()), scalar(org_id))
}

/// Returns true for a text that needs no quotes in YAML, and that no reader takes for anything but a text.
fn is_plain(text: &str) -> bool {
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let starts_well = text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    const WORDS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];
    starts_well && text.chars().all(is_safe) && text.len() > 1 && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Reads the `lua.skill.yaml` of a project.
///
/// # Errors
/// The file is not there, is not valid, or does not name an agent and its organization.
pub fn read(root: &Path) -> Result<SkillFile, SkillFileError> {
    let path = root.join(FILE_NAME);
    let not_text = |reason| SkillFileError::NotText { path: path.clone(), reason };
    let metadata = fs::metadata(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => SkillFileError::Missing { folder: root.to_path_buf() },
        _ => SkillFileError::Io { path: path.clone(), source },
    })?;
    if !metadata.is_file() {
        return Err(not_text("it is not a file"));
    }
    if metadata.len() > LARGEST {
        return Err(not_text("it is larger than 4 MiB"));
    }
    let bytes = fs::read(&path).map_err(|source| SkillFileError::Io { path: path.clone(), source })?;
    let text = String::from_utf8(bytes).map_err(|_| not_text("it is not UTF-8"))?;
    parse(&path, &text)
}

/// Returns the ids that `lua.skill.yaml` has for the names in one of its lists, such as `voices`; none where it cannot be read.
pub fn ids(root: &Path, list: &str, id: &str) -> BTreeMap<String, String> {
    let Ok(text) = fs::read_to_string(root.join(FILE_NAME)) else { return BTreeMap::new() };
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    let Ok(document) = serde_saphyr::from_str_with_options::<serde_json::Value>(&text, options) else { return BTreeMap::new() };
    let rows = document.get(list).and_then(serde_json::Value::as_array);
    let row = |row: &serde_json::Value| {
        let text = |key: &str| row.get(key).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
        Some((text("name")?.to_owned(), text(id)?.to_owned()))
    };
    rows.into_iter().flatten().filter_map(row).collect()
}

fn parse(path: &Path, text: &str) -> Result<SkillFile, SkillFileError> {
    let path = path.to_path_buf();
    if let Some(line) = text.lines().position(|line| line.starts_with("<<<<<<< ")) {
        let message = "it holds the marks of a merge that is not finished".to_owned();
        return Err(SkillFileError::Yaml { path, line: u64::try_from(line + 1).ok(), message });
    }
    // The defaults of the reader limit depth and aliases and refuse a key that is there twice; without the snippet the
    // message is one line.
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    let document: Document = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map(|location| location.line()).filter(|line| *line > 0);
        let message = error.to_string();
        let message = message.lines().next().unwrap_or_default();
        // The place stands before the message already, and nobody here can set options of the reader.
        let end = [" at line ", ", set "].into_iter().filter_map(|end| message.find(end)).min();
        let message = message[..end.unwrap_or(message.len())].to_owned();
        SkillFileError::Yaml { path: path.clone(), line, message }
    })?;
    let Document(Some(agent)) = document else {
        return Err(SkillFileError::NoAgent { path });
    };
    let string = |key, value| match value {
        Scalar::Text(text) if text.trim().is_empty() => Err(SkillFileError::NoValue { path: path.clone(), key }),
        Scalar::Text(text) => Ok(text),
        Scalar::Nothing => Err(SkillFileError::NoValue { path: path.clone(), key }),
        Scalar::Other(kind) => Err(SkillFileError::NotString { path: path.clone(), key, kind }),
    };
    let agent_id = string("agentId", agent.agent_id)?;
    let org_id = string("orgId", agent.org_id)?;
    let agent_id = agent_id.parse().map_err(|source| SkillFileError::InvalidId { path: path.clone(), source })?;
    Ok(SkillFile { agent_id, org_id })
}

/// The whole file: its section `agent`, if that is a mapping.
struct Document(Option<Agent>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Root;

        impl<'de> Visitor<'de> for Root {
            type Value = Document;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a mapping with the section `agent`")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Document, E> {
                Ok(Document(None))
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Document, E> {
                Ok(Document(None))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Document(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut agent = None;
                while let Some(key) = map.next_key::<Scalar>()? {
                    match key {
                        Scalar::Text(key) if key == "agent" => agent = map.next_value::<Section>()?.0,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Document(agent))
            }
        }

        deserializer.deserialize_any(Root)
    }
}

#[derive(Default)]
struct Agent {
    agent_id: Scalar,
    org_id: Scalar,
}

/// A section that may be anything.
struct Section(Option<Agent>);

impl<'de> Deserialize<'de> for Section {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Section;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a mapping with `agentId` and `orgId`")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Section, E> {
                Ok(Section(None))
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Section, E> {
                Ok(Section(None))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Section, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Section(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Section, A::Error> {
                let mut agent = Agent::default();
                while let Some(key) = map.next_key::<Scalar>()? {
                    match key {
                        Scalar::Text(key) if key == "agentId" => agent.agent_id = map.next_value()?,
                        Scalar::Text(key) if key == "orgId" => agent.org_id = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Section(Some(agent)))
            }
        }

        deserializer.deserialize_any(Members)
    }
}

/// A value with the kind that the readers of the peer give it.
///
/// An id of digits without quotes is a number for them, and `0123` another one than it looks. Reading it as text here
/// would make two tools disagree about which agent it is.
#[derive(Default)]
enum Scalar {
    Text(String),
    #[default]
    Nothing,
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Scalar, E> {
                Ok(Scalar::Nothing)
            }

            fn visit_none<E: de::Error>(self) -> Result<Scalar, E> {
                Ok(Scalar::Nothing)
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Scalar, E> {
                Ok(Scalar::Other("a truth value"))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Scalar, E> {
                Ok(Scalar::Other("a number"))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Scalar, E> {
                Ok(Scalar::Other("a number"))
            }

            fn visit_i128<E: de::Error>(self, _: i128) -> Result<Scalar, E> {
                Ok(Scalar::Other("a number"))
            }

            fn visit_u128<E: de::Error>(self, _: u128) -> Result<Scalar, E> {
                Ok(Scalar::Other("a number"))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Scalar, E> {
                Ok(Scalar::Other("a number"))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other("a list"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other("a mapping"))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
