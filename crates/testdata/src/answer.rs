//! The text of an answer, taken apart while it is read.
//!
//! An answer is an object, and one of the lists in it may be longer than memory: each of its entries is handed on as soon as it was
//! read, borrowing its texts, and nothing of it is kept.

use std::collections::HashSet;
use std::io::{self, Read};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_json_borrow::Value as Json;

/// How many bytes are read at a time.
const AT_ONCE: usize = 64 * 1024;

/// An answer is no bundle, or not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It ends too early.
    #[error("the server's answer to the pull cannot be read: it ends too early; nothing was changed")]
    Unfinished,
    /// It is no JSON.
    #[error("the server's answer to the pull cannot be read: it is not JSON; nothing was changed")]
    NotJson,
    /// It is JSON that says something else.
    #[error("{0}; nothing was changed")]
    Refused(String),
    /// It is packed, and its text cannot be had.
    #[error("the server's answer to the pull cannot be unpacked: {0}; nothing was changed")]
    Packed(String),
}

impl From<BundleError> for io::Error {
    fn from(error: BundleError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// A part of an answer.
#[derive(Debug)]
pub enum Part<'a> {
    /// A member. That of the list is empty, and its entries follow.
    Member(&'a str, Value),
    /// An entry of the list.
    Entry(&'a Json<'a>),
}

/// Reads an answer in which the member of this name is a list that comes entry by entry, and hands on its parts.
///
/// # Errors
/// It is no answer, or no whole one (then the error has a [`BundleError`] in it), it cannot be read, or `take` refuses.
pub fn read(answer: impl Read, list: &str, take: &mut dyn FnMut(Part<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut text = Text { reader: answer, read: Vec::new(), at: 0, is_over: false };
    if !text.skip(b'{')? {
        // Other JSON is told from what is none, for the sake of the message.
        text.value::<IgnoredAny>()?;
        return Err(BundleError::Refused("the server's answer to the pull is not a JSON object".to_owned()).into());
    }
    let mut is_more = !text.skip(b'}')?;
    while is_more {
        let name = text.value::<String>()?;
        if !text.skip(b':')? {
            return Err(BundleError::NotJson.into());
        }
        if name == list && text.skip(b'[')? {
            take(Part::Member(&name, Value::Array(Vec::new())))?;
            let mut is_more = !text.skip(b']')?;
            while is_more {
                text.entry(take)?;
                is_more = text.is_followed(b']')?;
            }
        } else {
            take(Part::Member(&name, text.value()?))?;
        }
        is_more = text.is_followed(b'}')?;
    }
    if text.peek()?.is_some() { Err(BundleError::NotJson.into()) } else { Ok(()) }
}

struct Text<R> {
    reader: R,
    /// What was read and is not taken apart yet, behind what is.
    read: Vec<u8>,
    /// How much of it is.
    at: usize,
    is_over: bool,
}

impl<R: Read> Text<R> {
    /// Reads on. A value that is longer than what is read at once is not looked at again with every bit of it.
    fn more(&mut self) -> io::Result<()> {
        self.read.drain(..std::mem::take(&mut self.at));
        let wanted = AT_ONCE.max(self.read.len());
        self.is_over = (&mut self.reader).take(wanted as u64).read_to_end(&mut self.read)? < wanted;
        Ok(())
    }

    /// Returns the next byte that is no white space, and goes there; `None` at the end.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let left = &self.read[self.at..];
            if let Some(blank) = left.iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
                self.at += blank;
                return Ok(Some(left[blank]));
            }
            if self.is_over {
                return Ok(None);
            }
            self.at = self.read.len();
            self.more()?;
        }
    }

    /// Goes behind the next byte if it is this one.
    fn skip(&mut self, byte: u8) -> io::Result<bool> {
        let is_next = self.peek()?.ok_or(BundleError::Unfinished)? == byte;
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    /// Returns true behind a comma, false behind the end.
    fn is_followed(&mut self, end: u8) -> io::Result<bool> {
        if self.skip(b',')? {
            return Ok(true);
        }
        if self.skip(end)? { Ok(false) } else { Err(BundleError::NotJson.into()) }
    }

    fn value<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        loop {
            self.peek()?;
            if let Some((value, length)) = parsed(&self.read[self.at..], self.is_over)? {
                self.at += length;
                return Ok(value);
            }
            self.more()?;
        }
    }

    fn entry(&mut self, take: &mut dyn FnMut(Part<'_>) -> io::Result<()>) -> io::Result<()> {
        loop {
            self.peek()?;
            let text = &self.read[self.at..];
            let Some((entry, length)) = parsed::<Json<'_>>(text, self.is_over)? else {
                self.more()?;
                continue;
            };
            self.at += length;
            if !has_twins(&entry) {
                return take(Part::Entry(&entry));
            }
            // Of members with one name the last counts, in the place of the first.
            let value: Value = serde_json::from_slice(&text[..length]).map_err(|_| BundleError::NotJson)?;
            return take(Part::Entry(&Json::from(&value)));
        }
    }
}

/// Reads a value at the beginning of a text, and returns it with its length; `None` where its end was not read.
fn parsed<'a, T: Deserialize<'a>>(text: &'a [u8], is_all: bool) -> Result<Option<(T, usize)>, BundleError> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => {
            let length = values.byte_offset();
            // More digits may follow what looks like a number.
            let is_whole = is_all || length < text.len() || text.last().is_some_and(|last| b"\"]}".contains(last));
            Ok(is_whole.then_some((value, length)))
        }
        Some(Err(error)) if !error.is_eof() => Err(BundleError::NotJson),
        _ if is_all => Err(BundleError::Unfinished),
        _ => Ok(None),
    }
}

/// Returns true if two members of an object in it have one name.
fn has_twins(json: &Json<'_>) -> bool {
    match json {
        Json::Array(list) => list.iter().any(has_twins),
        Json::Object(members) => {
            // A table of the names costs more than a few comparisons.
            let is_twice = |(at, name)| members.keys().take(at).any(|other| other == name);
            let is_any = match members.len() {
                0..=16 => members.keys().enumerate().any(is_twice),
                many => members.keys().collect::<HashSet<_>>().len() < many,
            };
            is_any || members.values().any(has_twins)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;

    const LIST: &str = "list";

    /// Gives away some bytes at a time.
    struct Pieces<'a>(Vec<&'a [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.retain(|piece| !piece.is_empty());
            self.0.first_mut().map_or(Ok(0), |piece| piece.read(buffer))
        }
    }

    /// Puts the parts of an answer together again.
    fn whole(pieces: &[&[u8]]) -> Result<Value, BundleError> {
        let mut members = Map::new();
        let read = read(Pieces(pieces.to_vec()), LIST, &mut |part| {
            match part {
                Part::Member(name, value) => {
                    members.insert(name.to_owned(), value);
                }
                Part::Entry(entry) => members[LIST].as_array_mut().unwrap().push(entry.into()),
            }
            Ok(())
        });
        read.map(|()| Value::Object(members)).map_err(|error| error.downcast().unwrap())
    }

    /// Values of every kind.
    fn value() -> impl Strategy<Value = Value> {
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

    #[test]
    fn what_is_no_answer_is_told_apart() {
        for text in ["{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"list\":[", "{\"list\":[{\"a\":", "{\"list\":[1]", "", "[1", "\"a"]
        {
            assert_eq!(whole(&[text.as_bytes()]), Err(BundleError::Unfinished), "{text}");
        }
        for text in
            ["<html>", "{]", "{\"a\" 1}", "{\"list\":[1 2]}", "{\"a\":1} {}", "{\"a\":1,}", "{,}", "{\"list\":[,]}", "{a:1}"]
        {
            assert_eq!(whole(&[text.as_bytes()]), Err(BundleError::NotJson), "{text}");
        }
        for text in ["[]", "1 ", "\"a\"", "null"] {
            assert_eq!(
                whole(&[text.as_bytes()]),
                Err(BundleError::Refused("the server's answer to the pull is not a JSON object".to_owned())),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_network_cuts(
            members in prop::collection::vec(("list|other|[a-z]{0,3}", value()), 0..5),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            is_pretty: bool,
        ) {
            let value = Value::Object(members.into_iter().collect());
            let text = if is_pretty { format!(" {value:#}\n") } else { value.to_string() };
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
            // As serde_json reads it, which has its own idea of some numbers.
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(whole(&pieces), Ok(read));
        }

        #[test]
        fn half_an_answer_is_none(members in prop::collection::vec(("list|other|[a-z]{0,3}", value()), 0..5), cut: prop::sample::Index) {
            let text = Value::Object(members.into_iter().collect()).to_string();
            let cut = cut.index(text.len());
            prop_assert_eq!(whole(&[&text.as_bytes()[..cut]]), Err(BundleError::Unfinished));
        }

        #[test]
        fn of_members_with_one_name_the_last_counts(names in prop::collection::vec("[a-z]", 0..60), inner: bool) {
            let members: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("\"{name}\":{at}")).collect();
            let entry = if inner { format!("[{{\"a\":{{{}}}}}]", members.join(",")) } else { format!("{{{}}}", members.join(",")) };
            let text = format!("{{\"list\":[{entry}]}}");
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(whole(&[text.as_bytes()]).unwrap().to_string(), read.to_string());
        }
    }
}
