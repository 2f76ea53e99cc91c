//! The text of an answer, taken apart while it arrives.
//!
//! An answer is an object, and the lists in it may be longer than memory: each of their entries is handed on as soon as it is
//! there, and only what is not complete yet is kept.

use std::marker::PhantomData;

use bumpalo::Bump;
use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::Value;

use super::json::{Json, JsonReader};

/// A part of an answer.
#[derive(Debug)]
pub enum Part<'a> {
    /// A member that is no list of those that come entry by entry.
    Member(&'a str, Value),
    /// One of the lists begins.
    List(&'a str),
    /// An entry of the list that began last, and the arena that parts of it lie in.
    Entry(Json<'a>, &'a Bump),
}

/// A text is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It is no JSON.
    #[error("it is not JSON")]
    NotJson,
    /// It is JSON, but no object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// It ends too early.
    #[error("it ends too early")]
    Unfinished,
}

/// Takes an answer apart.
#[derive(Debug)]
pub struct Answer {
    /// The members that are lists.
    lists: &'static [&'static str],
    /// What has arrived and is not taken apart yet.
    text: String,
    /// The first bytes of a character whose others are still to come.
    begun: Vec<u8>,
    /// How much of it is.
    at: usize,
    /// How long the text has to be before looking again is worth it.
    wait: usize,
    place: Place,
    /// The member that comes.
    name: String,
    /// Where an entry lies while it is handed on.
    arena: Bump,
}

/// Where in the answer it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    FirstName,
    Name,
    Colon,
    Value,
    FirstEntry,
    Entry,
    AfterEntry,
    AfterValue,
    End,
}

/// What stops the reading of an answer.
#[derive(Debug)]
pub enum Stop<E> {
    /// It is none.
    NoAnswer(NoAnswer),
    /// Whoever takes the parts has enough.
    Taker(E),
}

impl<E> From<NoAnswer> for Stop<E> {
    fn from(error: NoAnswer) -> Self {
        Self::NoAnswer(error)
    }
}

impl Answer {
    /// Begins an answer in which the members of these names come entry by entry.
    pub fn new(lists: &'static [&'static str]) -> Self {
        let (text, begun, name, arena) = (String::new(), Vec::new(), String::new(), Bump::new());
        Self { lists, text, begun, at: 0, wait: 0, place: Place::Start, name, arena }
    }

    /// Takes more of the text, and hands on the parts that are complete.
    ///
    /// # Errors
    /// It is no answer, or `take` refuses.
    pub fn feed<E>(&mut self, bytes: &[u8], take: &mut dyn FnMut(Part<'_>) -> Result<(), E>) -> Result<(), Stop<E>> {
        self.keep(bytes)?;
        if self.text.len() >= self.wait {
            self.advance(false, take)?;
        }
        Ok(())
    }

    /// Ends the text.
    ///
    /// # Errors
    /// It is no answer, or no whole one, or `take` refuses.
    pub fn end<E>(&mut self, take: &mut dyn FnMut(Part<'_>) -> Result<(), E>) -> Result<(), Stop<E>> {
        self.advance(true, take)?;
        if self.place == Place::End && self.begun.is_empty() { Ok(()) } else { Err(NoAnswer::Unfinished.into()) }
    }

    /// Keeps the next bytes as text. It is checked here, once, rather than for each of the texts in it.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), NoAnswer> {
        let mut begun = std::mem::take(&mut self.begun);
        let bytes = if begun.is_empty() {
            bytes
        } else {
            begun.extend_from_slice(bytes);
            &begun
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text.push_str(text),
            Err(error) if error.error_len().is_none() => {
                let (whole, rest) = bytes.split_at(error.valid_up_to());
                self.text.push_str(&String::from_utf8_lossy(whole));
                self.begun = rest.to_vec();
            }
            Err(_) => return Err(NoAnswer::NotJson),
        }
        Ok(())
    }

    fn advance<E>(&mut self, is_all: bool, take: &mut dyn FnMut(Part<'_>) -> Result<(), E>) -> Result<(), Stop<E>> {
        while self.step(is_all, take)? {}
        self.text.drain(..self.at);
        self.at = 0;
        // A part that is larger than what arrives at once is not looked at again with every bit of it.
        self.wait = self.text.len() * 2;
        Ok(())
    }

    /// Goes one step on, or returns false where that takes more text.
    fn step<E>(&mut self, is_all: bool, take: &mut dyn FnMut(Part<'_>) -> Result<(), E>) -> Result<bool, Stop<E>> {
        let left = self.text[self.at..].trim_ascii_start();
        self.at = self.text.len() - left.len();
        let Some(next) = left.bytes().next() else { return Ok(false) };
        let (place, skip) = match (self.place, next) {
            (Place::Start, b'{') => (Place::FirstName, 1),
            (Place::Start, _) => {
                // Other JSON is told from what is none, for the sake of the message.
                let Some((_, _)) = read(PhantomData::<IgnoredAny>, left, is_all)? else { return Ok(false) };
                return Err(NoAnswer::NotAnObject.into());
            }
            (Place::FirstName | Place::AfterValue, b'}') => (Place::End, 1),
            (Place::FirstName | Place::Name, b'"') => {
                let Some((name, length)) = read(PhantomData::<String>, left, is_all)? else { return Ok(false) };
                self.name = name;
                (Place::Colon, length)
            }
            (Place::Colon, b':') => (Place::Value, 1),
            (Place::Value, b'[') if self.lists.contains(&self.name.as_str()) => {
                take(Part::List(&self.name)).map_err(Stop::Taker)?;
                (Place::FirstEntry, 1)
            }
            (Place::Value, _) => {
                let Some((value, length)) = read(PhantomData::<Value>, left, is_all)? else { return Ok(false) };
                take(Part::Member(&self.name, value)).map_err(Stop::Taker)?;
                (Place::AfterValue, length)
            }
            (Place::FirstEntry | Place::AfterEntry, b']') => (Place::AfterValue, 1),
            (Place::FirstEntry | Place::Entry, _) => {
                let Some((entry, length)) = read(JsonReader(&self.arena), left, is_all)? else { return Ok(false) };
                take(Part::Entry(entry, &self.arena)).map_err(Stop::Taker)?;
                self.arena.reset();
                (Place::AfterEntry, length)
            }
            (Place::AfterEntry, b',') => (Place::Entry, 1),
            (Place::AfterValue, b',') => (Place::Name, 1),
            _ => return Err(NoAnswer::NotJson.into()),
        };
        (self.place, self.at) = (place, self.at + skip);
        Ok(true)
    }
}

/// Reads a value at the beginning of a text, and returns it with its length; `None` where its end has not arrived.
fn read<'a, S: DeserializeSeed<'a>>(seed: S, text: &'a str, is_all: bool) -> Result<Option<(S::Value, usize)>, NoAnswer> {
    let mut reader = serde_json::Deserializer::from_str(text);
    match seed.deserialize(&mut reader) {
        Ok(value) => {
            let length = reader.into_iter::<IgnoredAny>().byte_offset();
            // More digits may follow what looks like a number.
            let is_whole = is_all || length < text.len() || text[..length].ends_with(['"', ']', '}']);
            Ok(is_whole.then_some((value, length)))
        }
        Err(error) if error.is_eof() && !is_all => Ok(None),
        Err(error) if error.is_eof() => Err(NoAnswer::Unfinished),
        Err(_) => Err(NoAnswer::NotJson),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::super::json::tests::value;
    use super::*;

    const LISTS: &[&str] = &["list", "other"];

    /// Puts the parts of an answer together again.
    fn whole(pieces: &[&[u8]]) -> Result<Value, NoAnswer> {
        let mut members = Map::new();
        let mut last = String::new();
        let mut take = |part: Part<'_>| -> Result<(), ()> {
            match part {
                Part::Member(name, value) => {
                    members.insert(name.to_owned(), value);
                }
                Part::List(name) => {
                    last = name.to_owned();
                    members.insert(last.clone(), json!([]));
                }
                Part::Entry(entry, _) => members[&last].as_array_mut().unwrap().push(entry.to_value()),
            }
            Ok(())
        };
        let mut answer = Answer::new(LISTS);
        let no_answer = |stop: Stop<()>| match stop {
            Stop::NoAnswer(error) => error,
            Stop::Taker(()) => unreachable!(),
        };
        for piece in pieces {
            answer.feed(piece, &mut take).map_err(no_answer)?;
        }
        answer.end(&mut take).map_err(no_answer)?;
        Ok(Value::Object(members))
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        for text in ["{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"list\":[", "{\"list\":[{\"a\":", "{\"list\":[1]", "", "[1", "\"a"]
        {
            assert_eq!(whole(&[text.as_bytes()]), Err(NoAnswer::Unfinished), "{text}");
        }
        for text in
            ["<html>", "{]", "{\"a\" 1}", "{\"list\":[1 2]}", "{\"a\":1} {}", "{\"a\":1,}", "{,}", "{\"list\":[,]}", "{a:1}"]
        {
            assert_eq!(whole(&[text.as_bytes()]), Err(NoAnswer::NotJson), "{text}");
        }
        for text in ["[]", "1 ", "\"a\"", "null"] {
            assert_eq!(whole(&[text.as_bytes()]), Err(NoAnswer::NotAnObject), "{text}");
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
            prop_assert_eq!(whole(&[&text.as_bytes()[..cut]]), Err(NoAnswer::Unfinished));
        }
    }
}
