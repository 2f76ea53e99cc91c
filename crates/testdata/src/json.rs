//! JSON that is read without being copied.
//!
//! The items of a bundle are most of a pull, so they borrow their texts from the answer, and what does not lie there (lists,
//! members, texts with escapes) lies in an arena that is cleared for the next item: nothing is allocated or freed for each of
//! them. Reading means the same as with [`serde_json::Value`]: of members with one name the last counts, in the place of the
//! first.

use std::collections::HashMap;
use std::fmt;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

/// Up to how many members looking for a name means looking at all of them.
const FEW: usize = 16;

/// A JSON value whose parts lie elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(&'a str),
    /// An array.
    List(&'a [Json<'a>]),
    /// An object: its members in their order, each name once.
    Members(&'a [Member<'a>]),
}

/// A member of an object.
pub type Member<'a> = (&'a str, Json<'a>);

impl<'a> Json<'a> {
    /// Returns a value with its texts where they are, and its lists and members in the arena.
    pub fn of(value: &'a Value, arena: &'a Bump) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(is_true) => Self::Bool(*is_true),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text),
            Value::Array(list) => Self::List(arena.alloc_slice_fill_iter(list.iter().map(|value| Self::of(value, arena)))),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.as_str(), Self::of(value, arena)));
                Self::Members(arena.alloc_slice_fill_iter(members))
            }
        }
    }

    /// Returns the member of an object.
    pub fn get(&self, name: &str) -> Option<&'a Self> {
        match self {
            Self::Members(members) => members.iter().find(|(key, _)| *key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns the text, if it is one.
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns true for nothing.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// Returns the value by itself.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(is_true) => Value::Bool(*is_true),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String((*text).to_owned()),
            Self::List(list) => Value::Array(list.iter().map(Self::to_value).collect()),
            Self::Members(members) => {
                let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.to_value()));
                Value::Object(members.collect::<Map<String, Value>>())
            }
        }
    }
}

/// Sets a member: in the place of the one with its name, or as the last.
pub(super) fn set<'a>(members: &mut ArenaVec<'a, Member<'a>>, name: &'a str, value: Json<'a>) {
    match members.iter_mut().find(|(key, _)| *key == name) {
        Some((_, old)) => *old = value,
        None => members.push((name, value)),
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(is_true) => serializer.serialize_bool(*is_true),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => {
                let mut sequence = serializer.serialize_seq(Some(list.len()))?;
                for value in *list {
                    sequence.serialize_element(value)?;
                }
                sequence.end()
            }
            Self::Members(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in *members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// Reads values. What they do not borrow from the text goes into the arena.
#[derive(Debug, Clone, Copy)]
pub struct JsonReader<'a>(pub &'a Bump);

impl<'de: 'a, 'a> DeserializeSeed<'de> for JsonReader<'a> {
    type Value = Json<'a>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for JsonReader<'a> {
    type Value = Json<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(self.0.alloc_str(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut list = ArenaVec::new_in(self.0);
        while let Some(value) = access.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Json::List(list.into_bump_slice()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members: ArenaVec<'a, Member<'a>> = ArenaVec::with_capacity_in(4, self.0);
        // Of many members only, since a table costs more than a few comparisons.
        let mut places: Option<HashMap<&'a str, usize>> = None;
        while let Some(name) = access.next_key_seed(Name(self.0))? {
            let value = access.next_value_seed(self)?;
            if places.is_none() && members.len() == FEW {
                places = Some(members.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect());
            }
            let place = match &places {
                None => members.iter().position(|(known, _)| *known == name),
                Some(places) => places.get(name).copied(),
            };
            match place {
                Some(place) => members[place].1 = value,
                None => {
                    if let Some(places) = &mut places {
                        places.insert(name, members.len());
                    }
                    members.push((name, value));
                }
            }
        }
        Ok(Json::Members(members.into_bump_slice()))
    }
}

/// Reads the names of members.
struct Name<'a>(&'a Bump);

impl<'de: 'a, 'a> DeserializeSeed<'de> for Name<'a> {
    type Value = &'a str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Name<'a> {
    type Value = &'a str;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(value)
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self.0.alloc_str(value))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values of every kind.
    pub(crate) fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-z]{0,2}|\"\\PC", inner), 0..40)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn read_in<'a>(arena: &'a Bump, text: &'a str) -> Json<'a> {
        JsonReader(arena).deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap()
    }

    proptest! {
        #[test]
        fn it_is_read_and_written_like_a_value(value in value()) {
            let text = value.to_string();
            let arena = Bump::new();
            let json = read_in(&arena, &text);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(json.to_value().to_string(), read.to_string());
            prop_assert_eq!(serde_json::to_string_pretty(&json).unwrap(), format!("{read:#}"));
            prop_assert_eq!(&Json::of(&read, &arena), &json);
        }

        #[test]
        fn of_members_with_one_name_the_last_counts(names in prop::collection::vec("[a-z]", 0..60)) {
            let members: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("\"{name}\":{at}")).collect();
            let text = format!("{{{}}}", members.join(","));
            let arena = Bump::new();
            let json = read_in(&arena, &text);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(json.to_value().to_string(), read.to_string());
        }
    }
}
