//! A YAML document as it is written, before anything is made of its scalars.

use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, ScalarStyle, ScanError, Span, Tag};
use serde_json::{Map, Value};

use super::error::{Position, YamlError, excerpt};
use super::scalar::{Numbers, is_null, resolve};

/// The most values that references may repeat: nobody writes data with more, but a bomb does.
const MOST_REPEATED: usize = 100_000;

/// Up to how many keys comparing each with each is faster than a table.
const FEW: usize = 16;

/// The keys of criteria whose values are texts to look for, whatever they look like.
const TEXTS: [&str; 8] = ["contains", "contains_any", "not_contains", "equals", "similar", "to", "regex", "not_regex"];

/// The tags of the values that YAML itself knows begin so.
const CORE: &str = "tag:yaml.org,2002:";

/// A part of a document.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) position: Position,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// A scalar. One that is plain may be something else than a text.
    Scalar {
        text: String,
        is_plain: bool,
    },
    List(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

/// A key of a mapping, which is always a text here.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) position: Position,
}

impl Node {
    /// Returns true for a scalar that says nothing.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, is_plain: true } if is_null(text))
    }

    /// Returns the value.
    pub(crate) fn value(&self, numbers: Numbers) -> Value {
        match &self.content {
            Content::Scalar { text, is_plain: true } => resolve(text, numbers),
            Content::Scalar { text, is_plain: false } => Value::from(text.as_str()),
            Content::List(items) => items.iter().map(|item| item.value(numbers)).collect(),
            Content::Mapping(members) => {
                let members =
                    members.iter().map(|(key, value)| (key.text.clone(), value.value(value.numbers_of(&key.text, numbers))));
                Value::Object(members.collect::<Map<String, Value>>())
            }
        }
    }

    /// Returns what becomes of the numbers of the value of a key.
    pub(super) fn numbers_of(&self, key: &str, numbers: Numbers) -> Numbers {
        let is_text = TEXTS.contains(&key) && !matches!(self.content, Content::Mapping(_));
        if is_text { Numbers::AsWritten } else { numbers }
    }

    /// Returns the value of an entry of a list of inputs. What is said is a text, whatever it looks like.
    pub(crate) fn entry(&self) -> Value {
        const SAID: [&str; 3] = ["input", "text", "content"];
        let Content::Mapping(members) = &self.content else { return self.to_value() };
        let member = |(key, value): &(Key, Self)| {
            let value = match &value.content {
                Content::List(messages) if key.text == "messages" => messages.iter().map(Self::entry).collect(),
                _ if SAID.contains(&key.text.as_str()) => value.to_value(),
                _ => value.value(Numbers::AsWritten),
            };
            (key.text.clone(), value)
        };
        Value::Object(members.iter().map(member).collect::<Map<String, Value>>())
    }

    fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar { text, .. } if !self.is_null() => Value::from(text.as_str()),
            _ => self.value(Numbers::AsWritten),
        }
    }

    /// Returns how many nodes it is.
    fn size(&self) -> usize {
        1 + match &self.content {
            Content::Scalar { .. } => 0,
            Content::List(items) => items.iter().map(Self::size).sum(),
            Content::Mapping(members) => members.iter().map(|(_, value)| value.size()).sum(),
        }
    }
}

/// Puts the events of a parser together.
pub(crate) struct Composer<I> {
    events: I,
    anchors: HashMap<usize, Node>,
    /// The anchors of what is not complete yet.
    open: HashSet<usize>,
    repeated: usize,
}

pub(crate) type Step<'t> = (Event<'t>, Span);

impl<'t, I: Iterator<Item = Result<Step<'t>, ScanError>>> Composer<I> {
    pub(crate) fn new(events: I) -> Self {
        Self { events, anchors: HashMap::new(), open: HashSet::new(), repeated: 0 }
    }

    /// Returns the only document; `None` if there is none.
    pub(crate) fn document(&mut self) -> Result<Option<Node>, YamlError> {
        let Some(first) = self.begin()? else { return Ok(None) };
        let node = self.node(first)?;
        self.end()?;
        Ok(Some(node))
    }

    /// Returns the first event of the only document; `None` if there is none.
    pub(crate) fn begin(&mut self) -> Result<Option<Step<'t>>, YamlError> {
        loop {
            match self.next()? {
                (Event::StreamStart, _) => {}
                (Event::DocumentStart(..), _) => return self.next().map(Some),
                _ => return Ok(None),
            }
        }
    }

    /// Makes sure that nothing follows the first document.
    pub(crate) fn end(&mut self) -> Result<(), YamlError> {
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::DocumentStart(..), span) => {
                    let message = "a second document begins here (`---`); keep one document in the file, or split it into files";
                    return Err(YamlError::at(position(&span), message));
                }
                _ => return Ok(()),
            }
        }
    }

    pub(crate) fn next(&mut self) -> Result<Step<'t>, YamlError> {
        match self.events.next() {
            Some(step) => step.map_err(|error| of_scan(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// Returns the node that begins with an event.
    pub(crate) fn node(&mut self, (event, span): Step<'t>) -> Result<Node, YamlError> {
        let position = position(&span);
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.repeat(anchor, position),
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = is_plain(style, tag.as_deref());
                (anchor, Node { content: Content::Scalar { text: text.into_owned(), is_plain }, position })
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open.insert(anchor);
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        first => items.push(self.node(first)?),
                    }
                }
                (anchor, Node { content: Content::List(items), position })
            }
            Event::MappingStart(_, anchor, _) => {
                self.open.insert(anchor);
                let mut members = Members::default();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => break,
                        first => {
                            let key = self.key(first)?;
                            let first = self.next()?;
                            let value = self.node(first)?;
                            members.add(key, value)?;
                        }
                    }
                }
                (anchor, Node { content: Content::Mapping(members.end()?), position })
            }
            _ => return Err(YamlError::at(position, "a value is missing here")),
        };
        if anchor > 0 {
            self.open.remove(&anchor);
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Passes over a node. What later parts may refer to is kept.
    pub(crate) fn skip(&mut self, step: Step<'t>) -> Result<(), YamlError> {
        match &step.0 {
            Event::Scalar(_, _, 0, _) | Event::Alias(_) => return Ok(()),
            Event::SequenceStart(_, 0, _) | Event::MappingStart(_, 0, _) => {}
            _ => return self.node(step).map(drop),
        }
        loop {
            match self.next()? {
                (Event::SequenceEnd | Event::MappingEnd, _) => return Ok(()),
                step => self.skip(step)?,
            }
        }
    }

    /// Returns the key that begins with an event.
    pub(crate) fn key(&mut self, step: Step<'t>) -> Result<MergeOrKey, YamlError> {
        let node = self.node(step)?;
        match node.content {
            Content::Scalar { text, is_plain: true } if text == "<<" => Ok(MergeOrKey::Merge(node.position)),
            Content::Scalar { text, .. } => Ok(MergeOrKey::Key(Key { text, position: node.position })),
            _ => Err(YamlError::at(node.position, "a key is a list or a mapping; it must be a text")),
        }
    }

    fn repeat(&mut self, anchor: usize, position: Position) -> Result<Node, YamlError> {
        if self.open.contains(&anchor) {
            return Err(YamlError::at(position, "an alias refers to what it is a part of"));
        }
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(YamlError::at(position, "an alias refers to an unknown anchor"));
        };
        self.repeated += node.size();
        if self.repeated > MOST_REPEATED {
            return Err(YamlError::at(
                position,
                format!("aliases repeat more than {MOST_REPEATED} values; write them out or remove them"),
            ));
        }
        Ok(node.clone())
    }
}

/// A key, or the sign that the members of other mappings belong here, too.
pub(crate) enum MergeOrKey {
    Merge(Position),
    Key(Key),
}

/// The members of a mapping that is being read.
#[derive(Default)]
struct Members {
    own: Vec<(Key, Node)>,
    /// From the sixteenth key on.
    seen: HashSet<String>,
    merged: Vec<(Key, Node)>,
}

impl Members {
    fn add(&mut self, key: MergeOrKey, value: Node) -> Result<(), YamlError> {
        match key {
            MergeOrKey::Merge(position) => self.merge(value, position),
            MergeOrKey::Key(key) => {
                let is_twice = if self.own.len() < FEW {
                    self.own.iter().any(|(other, _)| other.text == key.text)
                } else {
                    if self.seen.is_empty() {
                        self.seen.extend(self.own.iter().map(|(other, _)| other.text.clone()));
                    }
                    !self.seen.insert(key.text.clone())
                };
                if is_twice {
                    return Err(twice(&key));
                }
                self.own.push((key, value));
                Ok(())
            }
        }
    }

    fn merge(&mut self, value: Node, position: Position) -> Result<(), YamlError> {
        let wrong = || {
            YamlError::at(
                position,
                "`<<` needs a mapping or a list of mappings; write the key in quotes if it is meant as a text",
            )
        };
        let sources = match value.content {
            Content::List(items) => items,
            _ => vec![value],
        };
        for source in sources {
            let Content::Mapping(members) = source.content else { return Err(wrong()) };
            // What comes first wins.
            for (key, value) in members {
                if !self.merged.iter().any(|(other, _)| other.text == key.text) {
                    self.merged.push((key, value));
                }
            }
        }
        Ok(())
    }

    fn end(self) -> Result<Vec<(Key, Node)>, YamlError> {
        let Self { own, mut merged, .. } = self;
        if merged.is_empty() {
            return Ok(own);
        }
        merged.retain(|(key, _)| !own.iter().any(|(other, _)| other.text == key.text));
        merged.extend(own);
        Ok(merged)
    }
}

/// Returns the error for a key that is there twice.
pub(crate) fn twice(key: &Key) -> YamlError {
    YamlError::at(key.position, format!("the key `{}` is there twice; keep one of them", excerpt(&key.text)))
}

/// Returns true for a scalar that may be something else than a text.
fn is_plain(style: ScalarStyle, tag: Option<&Tag>) -> bool {
    match tag {
        None => style == ScalarStyle::Plain,
        Some(tag) => tag.handle() == CORE && matches!(tag.suffix(), "int" | "float" | "bool" | "null"),
    }
}

pub(crate) fn position(span: &Span) -> Position {
    Position { line: span.start.line().max(1), column: span.start.col() + 1 }
}

/// Returns the error of the parser, in words.
fn of_scan(error: &ScanError) -> YamlError {
    let marker = error.marker();
    let position = Position { line: marker.line().max(1), column: marker.col() + 1 };
    let message = match error.kind() {
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            "a tab is used for indentation; YAML is indented with spaces".to_owned()
        }
        ErrorKind::UnknownAnchor => {
            "an alias (`*`) refers to an unknown anchor; write a text that begins with `*` in quotes".to_owned()
        }
        ErrorKind::MappingValueNotAllowed => "`:` is not allowed here; write a text that contains `: ` in quotes".to_owned(),
        ErrorKind::UnclosedQuotedScalar => "a quoted text is not closed".to_owned(),
        ErrorKind::UnclosedFlowCollection { open } => format!("`{open}` is not closed"),
        ErrorKind::UnexpectedCharacter { character } => {
            format!("unexpected `{}`; write a text that begins with it in quotes", excerpt(&character.to_string()))
        }
        ErrorKind::InputIo { error } => error.message().to_owned(),
        ErrorKind::InputDecoding { message } => return YamlError { position: None, message: message.clone() },
        _ => error.info(),
    };
    YamlError::at(position, message)
}
