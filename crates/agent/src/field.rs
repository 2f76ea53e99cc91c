//! The table of what a definition consists of: one row for each field.
//!
//! Everything that is particular to a field stands in its row. Reading the code, comparing, merging, sending, storing and showing ask the
//! row and name no field, so a new field is a row.

use std::fmt;

use serde::de::{self, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the values of a field are. It decides how they are checked, compared, merged and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What something is called: a text that is replaced as a whole.
    Name,
    /// A text that is merged line by line. Where there are channels, an object with a text for each of them is one too.
    Text {
        /// The members that have a meaning, in the order in which they are shown.
        channels: &'static [&'static str],
    },
    /// One of the texts that the platform offers. In code it may be a function, which the platform calls.
    Choice,
    /// An object that is merged member by member.
    Json {
        /// The member without which the object says nothing.
        needed: Option<&'static str>,
        /// The member that never leaves the machine.
        secret: Option<&'static str>,
    },
    /// `true`, or an object that says more.
    Switch,
    /// A list of things that the code makes, such as voices, each named by its id on the server. They are linked, merged one by one,
    /// and never written into the code.
    List {
        /// The list in `lua.skill.yaml` that has the ids.
        ids_in: &'static str,
        /// The key of an id, there and in requests.
        id: &'static str,
    },
}

/// A row of the table.
struct Row {
    /// The key in the code, in our JSON and in the lock file.
    key: &'static str,
    /// The key in requests and answers of the lua dialect, under which the value is stored too.
    sent_as: &'static str,
    /// The name at the start of a line.
    title: &'static str,
    kind: Kind,
    /// An agent cannot do without it: a blank value is never written, on either side.
    is_required: bool,
    /// It is named where everything is in step, even if neither side sets it.
    is_always_named: bool,
    /// The server keeps its values as numbered versions, of which one is in production, and drafts.
    has_versions: bool,
    /// Its place in the order in which the peer writes the fields.
    writing: u8,
    /// How it looks in code.
    example: &'static str,
}

/// What most fields are.
const OPTIONAL: Row = Row {
    key: "",
    sent_as: "",
    title: "",
    kind: Kind::Json { needed: None, secret: None },
    is_required: false,
    is_always_named: false,
    has_versions: false,
    writing: 0,
    example: "",
};

/// The table, in the order in which the fields are shown.
const TABLE: &[Row] = &[
    Row {
        key: "name",
        sent_as: "name",
        title: "Name",
        kind: Kind::Name,
        is_required: true,
        is_always_named: true,
        writing: 2,
        example: "name: 'My agent'",
        ..OPTIONAL
    },
    Row {
        key: "persona",
        sent_as: "persona",
        title: "Persona",
        kind: Kind::Text { channels: &["base", "voice", "text"] },
        is_required: true,
        is_always_named: true,
        has_versions: true,
        writing: 1,
        example: "persona: `You are …`",
    },
    Row {
        key: "model",
        sent_as: "model",
        title: "Model",
        kind: Kind::Choice,
        is_always_named: true,
        writing: 3,
        example: "model: 'openai/gpt-4o'",
        ..OPTIONAL
    },
    Row {
        key: "governance",
        sent_as: "governance",
        title: "Governance",
        kind: Kind::Json { needed: Some("mode"), secret: Some("apiKey") },
        is_always_named: true,
        writing: 8,
        example: "governance: { mode: 'sdk' }",
        ..OPTIONAL
    },
    Row {
        key: "description",
        sent_as: "description",
        title: "Routing description",
        kind: Kind::Text { channels: &[] },
        writing: 0,
        example: "description: 'Answers questions about orders'",
        ..OPTIONAL
    },
    Row {
        key: "modelSettings",
        sent_as: "modelSettings",
        title: "Model settings",
        writing: 4,
        example: "modelSettings: { temperature: 0.2 }",
        ..OPTIONAL
    },
    Row {
        key: "batching",
        sent_as: "batchingConfig",
        title: "Batching",
        writing: 5,
        example: "batching: { debounceWindowMs: 1500 }",
        ..OPTIONAL
    },
    Row {
        key: "browser",
        sent_as: "browser",
        title: "Browser",
        kind: Kind::Switch,
        writing: 6,
        example: "browser: true",
        ..OPTIONAL
    },
    Row {
        key: "voices",
        sent_as: "voices",
        title: "Voices",
        kind: Kind::List { ids_in: "voices", id: "voiceId" },
        writing: 7,
        example: "voices: [frontDesk]",
        ..OPTIONAL
    },
];

/// A part of the definition that is kept in step.
///
/// The order is the one in which the fields are shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field(u8);

impl Field {
    /// The agent's name.
    pub const NAME: Self = Self::named("name");
    /// The persona: what the agent is told to be.
    pub const PERSONA: Self = Self::named("persona");
    /// The model that answers.
    pub const MODEL: Self = Self::named("model");

    /// All fields, in the order in which they are shown.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self(0); TABLE.len()];
        let mut index = 0;
        while index < all.len() {
            all[index] = Self(index as u8);
            index += 1;
        }
        all
    };

    /// Returns the field of a row that is known to be there.
    ///
    /// # Panics
    /// There is no such row; in a constant that is an error of the compiler.
    pub const fn named(key: &str) -> Self {
        let mut index = 0;
        while index < TABLE.len() {
            if is_same(TABLE[index].key.as_bytes(), key.as_bytes()) {
                return Self(index as u8);
            }
            index += 1;
        }
        panic!("no row has this key")
    }

    /// Returns the field with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }

    /// Returns the field that the lua dialect sends under this key.
    pub fn sent_under(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.sent_as() == key)
    }

    fn row(self) -> &'static Row {
        &TABLE[usize::from(self.0)]
    }

    /// Returns the field's key in the source, in JSON and in the lock file.
    pub fn key(self) -> &'static str {
        self.row().key
    }

    /// Returns the field's key in the lua dialect and in the store.
    pub fn sent_as(self) -> &'static str {
        self.row().sent_as
    }

    /// Returns the field's name at the start of a line.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// Returns what the field's values are.
    pub fn kind(self) -> Kind {
        self.row().kind
    }

    /// Returns true if an agent cannot do without the field, so that a blank value is never written on either side.
    pub fn is_required(self) -> bool {
        self.row().is_required
    }

    /// Returns true if the field is named where everything is in step, even if neither side sets it.
    pub fn is_always_named(self) -> bool {
        self.row().is_always_named
    }

    /// Returns true if the server keeps the field's values as numbered versions and drafts.
    pub fn has_versions(self) -> bool {
        self.row().has_versions
    }

    /// Returns how the field looks in code, for a hint.
    pub fn example(self) -> &'static str {
        self.row().example
    }

    /// Returns the verb that follows the field in a sentence: the one for one thing, or the one for several.
    pub fn verb(self, one: &'static str, several: &'static str) -> &'static str {
        if self.title().ends_with('s') { several } else { one }
    }

    /// Returns what is sent where the field is to be cleared.
    pub fn nothing(self) -> Value {
        match self.kind() {
            Kind::List { .. } => Value::Array(Vec::new()),
            _ => Value::Null,
        }
    }

    /// Returns true if the values are short enough to stand in a sentence.
    pub fn is_short(self) -> bool {
        matches!(self.kind(), Kind::Name | Kind::Choice)
    }

    /// Returns true if the values are texts, which are merged line by line.
    pub fn is_text(self) -> bool {
        matches!(self.kind(), Kind::Text { .. })
    }

    /// Returns true if the values are links to what the code makes, which are never written into the code.
    pub fn is_linked(self) -> bool {
        matches!(self.kind(), Kind::List { .. })
    }

    /// Returns the channels that a text may be divided into.
    pub fn channels(self) -> &'static [&'static str] {
        match self.kind() {
            Kind::Text { channels } => channels,
            _ => &[],
        }
    }

    /// Returns the member of the field's objects that never leaves the machine.
    pub fn secret(self) -> Option<&'static str> {
        match self.kind() {
            Kind::Json { secret, .. } => secret,
            _ => None,
        }
    }

    /// Returns a value without the member that never leaves the machine.
    pub fn without_secret(self, mut value: Value) -> Value {
        if let (Some(secret), Value::Object(members)) = (self.secret(), &mut value) {
            members.shift_remove(secret);
        }
        value
    }

    /// Returns true if a value is of the form that the field has.
    pub fn accepts(self, value: &Value) -> bool {
        match self.kind() {
            Kind::Name | Kind::Choice => value.is_string(),
            Kind::Text { channels } => value.is_string() || (value.is_object() && !channels.is_empty()),
            Kind::Json { .. } => value.is_object(),
            Kind::Switch => value.is_boolean() || value.is_object(),
            Kind::List { .. } => value.is_array(),
        }
    }

    /// Returns the form of the field's values in words, such as "a string".
    pub fn form(self) -> String {
        match self.kind() {
            Kind::Name | Kind::Choice | Kind::Text { channels: [] } => "a string".to_owned(),
            Kind::Text { channels } => format!("a string or an object with {}", channels.join(", ")),
            Kind::Json { .. } => "an object".to_owned(),
            Kind::Switch => "true or an object".to_owned(),
            Kind::List { .. } => "an array".to_owned(),
        }
    }

    /// Returns all fields in the order in which the peer writes them.
    pub fn in_order_of_writing() -> [Self; TABLE.len()] {
        let mut fields = Self::ALL;
        fields.sort_by_key(|field| field.row().writing);
        fields
    }
}

const fn is_same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// The field in the middle of a sentence.
impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.title().to_lowercase())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.key())
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Self::from_key(&key).ok_or_else(|| de::Error::custom(format_args!("unknown field `{key}`")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_row_can_be_told_from_every_other() {
        let distinct = |of: fn(Field) -> String| Field::ALL.map(of).into_iter().collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(|field| field.key().to_owned()), Field::ALL.len());
        assert_eq!(distinct(|field| field.sent_as().to_owned()), Field::ALL.len());
        assert_eq!(distinct(|field| field.title().to_owned()), Field::ALL.len());
        assert_eq!(distinct(|field| field.row().writing.to_string()), Field::ALL.len());
        for field in Field::ALL {
            assert!(field.example().starts_with(&format!("{}: ", field.key())), "{field:?}");
            assert_eq!(Field::from_key(field.key()), Some(field));
            assert_eq!(Field::sent_under(field.sent_as()), Some(field));
            assert_eq!(serde_json::from_value::<Field>(serde_json::to_value(field).unwrap()).unwrap(), field);
        }
    }
}
