//! The list of a file, one entry after the other: a list of any length is never in memory as a whole.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Gives each entry of a list to a function. The list is the document, or a member of it.
///
/// What it reads tells whether there was a list; an empty document, or an empty member, is one without entries.
#[derive(Debug)]
pub(crate) struct Entries<'a, F> {
    /// The member; `None` inside of it.
    member: Option<&'static str>,
    take: &'a mut F,
}

impl<'a, F: FnMut(Value)> Entries<'a, F> {
    /// Returns a reader of the list that a document is, or has in this member.
    pub(crate) fn of(member: &'static str, take: &'a mut F) -> Self {
        Self { member: Some(member), take }
    }
}

impl<'de, F: FnMut(Value)> DeserializeSeed<'de> for Entries<'_, F> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Value)> Visitor<'de> for Entries<'_, F> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            (self.take)(item);
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            if self.member == Some(name.as_str()) {
                found = members.next_value_seed(Entries { member: None, take: &mut *self.take })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_none<E>(self) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }
}

/// Returns whether a text is JSON, which is faster to read than YAML.
pub(crate) fn is_json(input: impl std::io::Read) -> bool {
    let mut deserializer = serde_json::Deserializer::from_reader(input);
    IgnoredAny::deserialize(&mut deserializer).and_then(|_| deserializer.end()).is_ok()
}
