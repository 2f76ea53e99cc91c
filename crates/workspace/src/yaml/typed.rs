//! A document as a type, with the place of what the type does not have.

use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, Expected, IntoDeserializer as _, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::error::{YamlError, excerpt};
use super::node::{Content, Key, Node};
use super::scalar::{Numbers, resolve};

/// Reads a node. Where a text is wanted, a scalar is the text as it is written.
#[derive(Clone, Copy)]
pub(super) struct Typed<'a> {
    node: &'a Node,
    /// The key that it belongs to.
    key: Option<&'a str>,
    numbers: Numbers,
    configurations: &'a [&'a str],
}

impl<'a> Typed<'a> {
    /// Begins with a whole document, which is data but for what is below the keys of configurations.
    pub(super) fn of(node: &'a Node, configurations: &'a [&'a str]) -> Self {
        Self { node, key: None, numbers: Numbers::AsWritten, configurations }
    }

    /// Returns the error with this place, if it has none.
    fn placed(self, error: YamlError) -> YamlError {
        if error.position.is_some() {
            return error;
        }
        let message = match self.key {
            Some(key) => format!("`{}`: {}", excerpt(key), error.message),
            None => error.message,
        };
        YamlError { position: Some(self.node.position), message }
    }

    fn visit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, YamlError> {
        match &self.node.content {
            Content::Scalar { text, is_plain: false } => visitor.visit_str(text),
            Content::Scalar { text, is_plain: true } => match resolve(text, self.numbers) {
                Value::Null => visitor.visit_unit(),
                Value::Bool(is_true) => visitor.visit_bool(is_true),
                Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                    (Some(number), ..) => visitor.visit_u64(number),
                    (_, Some(number), _) => visitor.visit_i64(number),
                    (.., number) => visitor.visit_f64(number.unwrap_or_default()),
                },
                _ => visitor.visit_str(text),
            },
            Content::List(items) => visitor.visit_seq(Items { items: items.iter(), of: self }),
            Content::Mapping(members) => visitor.visit_map(Members { members: members.iter(), value: None, of: self }),
        }
    }
}

impl<'a> Deserializer<'a> for Typed<'a> {
    type Error = YamlError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.visit(visitor).map_err(|error| self.placed(error))
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, YamlError> {
        match &self.node.content {
            Content::Scalar { text, .. } if !self.node.is_null() => visitor.visit_str(text).map_err(|error| self.placed(error)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, YamlError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, YamlError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, YamlError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        enum identifier ignored_any
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    of: Typed<'a>,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = YamlError;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, YamlError> {
        let Some(node) = self.items.next() else { return Ok(None) };
        seed.deserialize(Typed { node, ..self.of }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'a> {
    members: std::slice::Iter<'a, (Key, Node)>,
    value: Option<(&'a str, &'a Node)>,
    of: Typed<'a>,
}

impl<'a> MapAccess<'a> for Members<'a> {
    type Error = YamlError;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, YamlError> {
        let Some((key, node)) = self.members.next() else { return Ok(None) };
        self.value = Some((&key.text, node));
        let deserializer: StrDeserializer<'a, YamlError> = key.text.as_str().into_deserializer();
        let read = seed.deserialize(deserializer);
        read.map(Some).map_err(|error| YamlError { position: error.position.or(Some(key.position)), ..error })
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, YamlError> {
        let (key, node) = self.value.take().ok_or_else(|| de::Error::custom("a value is missing"))?;
        let is_configuration = self.of.configurations.contains(&key);
        let numbers = if is_configuration { Numbers::ByValue } else { self.of.numbers };
        let value = Typed { node, key: Some(key), numbers: node.numbers_of(key, numbers), ..self.of };
        seed.deserialize(value).map_err(|error| value.placed(error))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

impl de::Error for YamlError {
    fn custom<T: Display>(message: T) -> Self {
        Self { position: None, message: message.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a mapping",
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            _ => "a text",
        };
        Self::custom(format_args!("expected {}, found {found}", ExpectedType(expected)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let known = expected.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Self::custom(format_args!("unknown key `{}`; the keys here are {known}", excerpt(field)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("`{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom(format_args!("`{field}` is there twice, under two names; keep one of them"))
    }
}

/// What is expected, in words for people.
struct ExpectedType<'a>(&'a dyn Expected);

impl Display for ExpectedType<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.0.to_string();
        formatter.write_str(match said.as_str() {
            "a sequence" => "a list",
            "a map" => "a mapping",
            "a string" => "a text",
            "a boolean" => "true or false",
            said if said.starts_with("struct ") => "a mapping",
            said => said,
        })
    }
}
