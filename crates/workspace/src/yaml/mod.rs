//! YAML that people and programs write into a workspace.
//!
//! This is the one door for it. A scalar never changes on its way: what `scalar` does not take for a value that everybody reads alike is
//! the text as it is written. What cannot be read is an error with its line, in words for the person who wrote it.

mod error;
mod ids;
pub(crate) mod layout;
mod node;
mod scalar;
mod typed;

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _};

use granit_parser::{ErrorKind, Event, InputIoError, Options, Parser, options};
use serde::de::{DeserializeOwned, DeserializeSeed as _};
use serde_json::Value;

use self::node::{Composer, Content, MergeOrKey, Node, Step, twice};
use self::scalar::Numbers;
use crate::entries::{Entries, is_json};

pub use self::error::{Position, YamlError};
pub use self::ids::with_ids;

/// How much of a file is read at once.
const AT_ONCE: usize = 1 << 16;

/// Returns the value of a YAML text that is a configuration: `1.10` is a number there.
///
/// # Errors
/// Why it cannot be read, with the place: also a key that is there twice, and references that repeat too much.
pub fn parse(text: &str) -> Result<Value, String> {
    value(text, Numbers::ByValue)
}

/// Returns the value of a YAML text that is data: what is not written as it would be written again stays a text.
///
/// # Errors
/// As [`parse`].
pub fn parse_data(text: &str) -> Result<Value, String> {
    value(text, Numbers::AsWritten)
}

/// Returns the value of a YAML text that is or has a list of inputs in a member. What an input says is a text, whatever it looks like.
///
/// # Errors
/// As [`parse`].
pub fn parse_inputs(text: &str, member: &str) -> Result<Value, String> {
    let Some(node) = document(text).map_err(|error| error.to_string())? else { return Ok(Value::Null) };
    let list = |node: &Node| match &node.content {
        Content::List(entries) => entries.iter().map(Node::entry).collect(),
        _ => node.value(Numbers::AsWritten),
    };
    Ok(match &node.content {
        Content::Mapping(members) => {
            let of = |key: &str, node: &Node| if key == member { list(node) } else { node.value(Numbers::AsWritten) };
            Value::Object(members.iter().map(|(key, node)| (key.text.clone(), of(&key.text, node))).collect())
        }
        _ => list(&node),
    })
}

/// Reads a YAML text that is data as a type. Where the type has a text, the scalar is the text as it is written. Below `configurations` the
/// numbers are those of a configuration.
///
/// # Errors
/// As [`parse`], and what the type does not have.
pub fn read<T: DeserializeOwned>(text: &str, configurations: &[&str]) -> Result<T, YamlError> {
    let nothing =
        Node { content: Content::Scalar { text: String::new(), is_plain: true }, position: Position { line: 1, column: 1 } };
    let node = document(text)?.unwrap_or(nothing);
    T::deserialize(typed::Typed::of(&node, configurations))
}

fn value(text: &str, numbers: Numbers) -> Result<Value, String> {
    let node = document(text).map_err(|error| error.to_string())?;
    Ok(node.map_or(Value::Null, |node| node.value(numbers)))
}

fn document(text: &str) -> Result<Option<Node>, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Composer::new(Parser::new_from_str_with_options(text, reading())).document()
}

/// Gives each entry of the list of inputs in a YAML or JSON file to a function: of the list that the file is, or that it has in a
/// member. Returns whether there is such a list. Neither the file nor the list is in memory as a whole.
///
/// # Errors
/// Why it cannot be read, as [`parse`] says it; entries that come before the place were given.
pub fn each_entry(file: File, member: &'static str, mut take: impl FnMut(Value)) -> Result<bool, String> {
    let said = |error: io::Error| error.to_string();
    let mut file = BufReader::with_capacity(AT_ONCE, file);
    if file.fill_buf().map_err(said)?.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'[')) {
        let is_json = is_json(&mut file);
        file.rewind().map_err(said)?;
        if is_json {
            let mut deserializer = serde_json::Deserializer::from_reader(file);
            return Entries::of(member, &mut take).deserialize(&mut deserializer).map_err(|error| error.to_string());
        }
    }
    let parser = Parser::new_from_fallible_iter_with_options(Characters::of(file), reading());
    each(&mut Composer::new(parser), member, &mut take).map_err(|error| error.to_string())
}

fn each<'t, I>(composer: &mut Composer<I>, member: &str, take: &mut dyn FnMut(Value)) -> Result<bool, YamlError>
where
    I: Iterator<Item = Result<Step<'t>, granit_parser::ScanError>>,
{
    let Some(first) = composer.begin()? else { return Ok(true) };
    let found = match first.0 {
        Event::SequenceStart(..) => {
            entries(composer, take)?;
            true
        }
        Event::MappingStart(..) => in_mapping(composer, member, take)?,
        _ => composer.node(first)?.is_null(),
    };
    composer.end()?;
    Ok(found)
}

/// Gives away the entries of a list that has begun.
fn entries<'t, I>(composer: &mut Composer<I>, take: &mut dyn FnMut(Value)) -> Result<(), YamlError>
where
    I: Iterator<Item = Result<Step<'t>, granit_parser::ScanError>>,
{
    loop {
        match composer.next()? {
            (Event::SequenceEnd, _) => return Ok(()),
            first => take(composer.node(first)?.entry()),
        }
    }
}

/// Gives away the entries of the list that a mapping has in a member.
fn in_mapping<'t, I>(composer: &mut Composer<I>, member: &str, take: &mut dyn FnMut(Value)) -> Result<bool, YamlError>
where
    I: Iterator<Item = Result<Step<'t>, granit_parser::ScanError>>,
{
    let mut keys = std::collections::HashSet::new();
    let mut found = None;
    let mut merged = None;
    loop {
        let first = composer.next()?;
        if matches!(first.0, Event::MappingEnd) {
            break;
        }
        let key = composer.key(first)?;
        let first = composer.next()?;
        match key {
            // Mappings are small where they are merged.
            MergeOrKey::Merge(_) => merged = Some(composer.node(first)?),
            MergeOrKey::Key(key) => {
                if !keys.insert(key.text.clone()) {
                    return Err(twice(&key));
                }
                match &first.0 {
                    _ if key.text != member => composer.skip(first)?,
                    Event::SequenceStart(_, 0, _) => {
                        entries(composer, take)?;
                        found = Some(true);
                    }
                    _ => found = Some(list_of(&composer.node(first)?, take)),
                }
            }
        }
    }
    let of_merged = |merged: Node| {
        let sources = if let Content::List(sources) = merged.content { sources } else { vec![merged] };
        let lists = sources.into_iter().filter_map(|source| match source.content {
            Content::Mapping(members) => members.into_iter().find(|(key, _)| key.text == member).map(|(_, value)| value),
            _ => None,
        });
        lists.take(1).next()
    };
    Ok(found.unwrap_or_else(|| merged.and_then(of_merged).is_some_and(|list| list_of(&list, take))))
}

fn list_of(node: &Node, take: &mut dyn FnMut(Value)) -> bool {
    match &node.content {
        Content::List(entries) => {
            entries.iter().for_each(|entry| take(entry.entry()));
            true
        }
        _ => node.is_null(),
    }
}

fn reading() -> Options {
    options! { emit_comments: false }
}

/// What is said of a file in another encoding.
pub const NOT_UTF_8: &str = "the file is not UTF-8; save it as UTF-8";

/// The characters of a file, without the byte order mark before them.
struct Characters<R> {
    input: R,
    text: String,
    /// How much of the text was given.
    at: usize,
    /// The first bytes of a character whose others were not read yet.
    begun: Vec<u8>,
    is_first: bool,
    is_over: bool,
}

impl<R: Read> Characters<R> {
    fn of(input: R) -> Self {
        Self { input, text: String::new(), at: 0, begun: Vec::new(), is_first: true, is_over: false }
    }

    /// Reads on. There is no text at the end.
    fn fill(&mut self) -> Result<(), ErrorKind> {
        (self.at, self.text) = (0, String::new());
        let mut bytes = std::mem::take(&mut self.begun);
        let read = (&mut self.input).take(AT_ONCE as u64).read_to_end(&mut bytes);
        read.map_err(|error| ErrorKind::InputIo { error: InputIoError::from_io(error) })?;
        let valid = match std::str::from_utf8(&bytes) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() && bytes.len() >= AT_ONCE => error.valid_up_to(),
            Err(_) => return Err(ErrorKind::InputDecoding { message: NOT_UTF_8.to_owned() }),
        };
        self.begun = bytes.split_off(valid);
        self.text = String::from_utf8(bytes).unwrap_or_default();
        if std::mem::take(&mut self.is_first) && self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        Ok(())
    }
}

impl<R: Read> Iterator for Characters<R> {
    type Item = Result<char, ErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.text.len() && !self.is_over {
            if let Err(error) = self.fill() {
                self.is_over = true;
                return Some(Err(error));
            }
            self.is_over = self.text.is_empty();
        }
        let character = self.text[self.at..].chars().next()?;
        self.at += character.len_utf8();
        Some(Ok(character))
    }
}

#[cfg(test)]
mod tests;
