//! Ids that are written into the entries of a list, with everything else as it is.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::node::{Composer, Step, position};
use super::{Numbers, YamlError, document, reading};

/// The key of an id.
const ID: &str = "id";

/// Where an id goes.
struct InsertionPoint {
    /// The byte in front of which it stands.
    at: usize,
    /// What follows it.
    separator: String,
    /// True if the keys are in quotes.
    is_quoted: bool,
}

/// Writes ids into those entries of the list in a member of a YAML or JSON text that have none. `ids` has one for each entry.
///
/// # Errors
/// The text cannot be read, an entry is not written here, or the text would say something else then; each with its place.
pub fn with_ids(text: &str, member: &str, ids: &[String]) -> Result<String, YamlError> {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let places = places(&text[mark..], member)?;
    let mut out = String::with_capacity(text.len() + ids.len() * 40);
    let mut from = 0;
    for (place, id) in places.iter().zip(ids) {
        let Some(place) = place else { continue };
        let at = place.at + mark;
        out.push_str(&text[from..at]);
        let is_plain = id.starts_with(|first: char| first.is_ascii_alphabetic())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            && id.contains(['_', '-']);
        let key = if place.is_quoted { format!("\"{ID}\"") } else { ID.to_owned() };
        let value = if is_plain && !place.is_quoted { id.clone() } else { Value::from(id.as_str()).to_string() };
        out.push_str(&format!("{key}: {value}{}", place.separator));
        from = at;
    }
    out.push_str(&text[from..]);
    let wrong = || YamlError { position: None, message: "ids cannot be written into this file; write them by hand".to_owned() };
    let read = |text: &str| Ok::<_, YamlError>(document(text)?.map(|node| node.value(Numbers::AsWritten)));
    let (mut expected, after) = (read(text)?.ok_or_else(wrong)?, read(&out).ok().flatten().ok_or_else(wrong)?);
    let entries = expected.get_mut(member).and_then(Value::as_array_mut).ok_or_else(wrong)?;
    if entries.len() != ids.len() {
        return Err(wrong());
    }
    for (entry, id) in entries.iter_mut().zip(ids) {
        if let Value::Object(members) = entry
            && !members.contains_key(ID)
        {
            let rest = std::mem::take(members);
            *members = Map::from_iter([(ID.to_owned(), Value::from(id.as_str()))]);
            members.extend(rest);
        }
    }
    if expected == after { Ok(out) } else { Err(wrong()) }
}

/// Returns where the id of each entry goes; `None` for one that has an id.
fn places(text: &str, member: &str) -> Result<Vec<Option<InsertionPoint>>, YamlError> {
    let mut composer = Composer::new(Parser::new_from_str_with_options(text, reading()));
    let Some((Event::MappingStart(..), _)) = composer.begin()? else { return Ok(Vec::new()) };
    loop {
        let (event, _) = composer.next()?;
        let is_member = match &event {
            Event::MappingEnd | Event::StreamEnd => return Ok(Vec::new()),
            Event::Scalar(text, ..) => text == member,
            _ => false,
        };
        let value = composer.next()?;
        if !is_member {
            composer.skip(value)?;
        } else if matches!(value.0, Event::SequenceStart(..)) {
            return entries(text, &mut composer);
        } else {
            return Err(YamlError::at(position(&value.1), format!("`{member}` is not a list that is written here")));
        }
    }
}

fn entries<'t, I>(text: &str, composer: &mut Composer<I>) -> Result<Vec<Option<InsertionPoint>>, YamlError>
where
    I: Iterator<Item = Result<Step<'t>, granit_parser::ScanError>>,
{
    let mut places = Vec::new();
    loop {
        let (event, start) = composer.next()?;
        match event {
            Event::SequenceEnd => return Ok(places),
            Event::MappingStart(..) => {}
            _ => {
                let message = "this entry is not a mapping that is written here; give it an id by hand";
                return Err(YamlError::at(position(&start), message));
            }
        }
        let mut place = None;
        let mut has_id = false;
        let mut is_first = true;
        loop {
            let (key, span) = composer.next()?;
            if matches!(key, Event::MappingEnd) {
                break;
            }
            if let Event::Scalar(name, style, ..) = &key {
                has_id |= name == ID;
                if std::mem::take(&mut is_first) {
                    let at = span.start.byte_offset().unwrap_or_default();
                    let is_flow = text[..at].trim_end().ends_with('{');
                    let is_on_line = is_flow && span.start.line() == start.start.line();
                    let ends = if text.contains("\r\n") { "\r\n" } else { "\n" };
                    let indentation = " ".repeat(span.start.col());
                    let separator = match (is_flow, is_on_line) {
                        (true, true) => ", ".to_owned(),
                        (true, false) => format!(",{ends}{indentation}"),
                        (false, _) => format!("{ends}{indentation}"),
                    };
                    place = Some(InsertionPoint { at, separator, is_quoted: *style == ScalarStyle::DoubleQuoted });
                }
            }
            let value = composer.next()?;
            composer.skip(value)?;
        }
        places.push(place.filter(|_| !has_id));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("item_{at}")).collect()
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        let text = "\u{feff}# head\r\nscenario: {name: q}\r\ninputs: # all\r\n  # one\r\n  - text: a # beside\r\n    metadata: {zip: 007}\r\n  - {text: b}\r\n  -\r\n    text: c\r\n  - id: own\r\n    text: d\r\n";
        let expected = "\u{feff}# head\r\nscenario: {name: q}\r\ninputs: # all\r\n  # one\r\n  - id: item_0\r\n    text: a # beside\r\n    metadata: {zip: 007}\r\n  - {id: item_1, text: b}\r\n  -\r\n    id: item_2\r\n    text: c\r\n  - id: own\r\n    text: d\r\n";
        assert_eq!(with_ids(text, "inputs", &ids(4)).as_deref(), Ok(expected));
        assert_eq!(with_ids(expected, "inputs", &ids(4)).as_deref(), Ok(expected));
        let json = "{\"scenario\":{\"name\":\"é\"},\"inputs\":[\n  {\n    \"text\": \"a\"\n  },\n  {\"text\":\"b\"}\n]}\n";
        let expected = "{\"scenario\":{\"name\":\"é\"},\"inputs\":[\n  {\n    \"id\": \"item_0\",\n    \"text\": \"a\"\n  },\n  {\"id\": \"item_1\", \"text\":\"b\"}\n]}\n";
        assert_eq!(with_ids(json, "inputs", &ids(2)).as_deref(), Ok(expected));
        assert_eq!(
            with_ids("inputs: [{text: a}]", "inputs", &["007".to_owned()]).as_deref(),
            Ok("inputs: [{id: \"007\", text: a}]")
        );
    }

    #[test]
    fn what_cannot_be_written_is_said_with_its_line() {
        for (text, said) in [
            (
                "inputs:\n- &a {text: a}\n- *a\n",
                "line 3, column 3: this entry is not a mapping that is written here; give it an id by hand",
            ),
            ("inputs:\n- ? text\n  : a\n", "ids cannot be written into this file; write them by hand"),
            ("other: 1\n", "ids cannot be written into this file; write them by hand"),
        ] {
            assert_eq!(with_ids(text, "inputs", &ids(2)).map_err(|error| error.to_string()), Err(said.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn only_ids_are_added(forms in prop::collection::vec((0..4_u8, "[a-zé:#'\" -]{1,9}"), 1..8)) {
            let entry = |(form, text): &(u8, String)| {
                let text = Value::from(text.as_str());
                match form {
                    0 => format!("- text: {text}\n  metadata: {{a: 1}} # x\n"),
                    1 => format!("- {{\"text\": {text}}}\n"),
                    2 => format!("-\n  # above\n  text: {text}\n"),
                    _ => format!("- id: x_{}\n  text: {text}\n", text.to_string().len()),
                }
            };
            let text = format!("inputs:\n{}", forms.iter().map(entry).collect::<String>());
            let after = with_ids(&text, "inputs", &ids(forms.len())).unwrap();
            let mut before = after.clone();
            for at in 0..forms.len() {
                for added in [format!("id: item_{at}\n  "), format!("\"id\": \"item_{at}\", ")] {
                    before = before.replace(&added, "");
                }
            }
            prop_assert_eq!(before, text);
        }
    }
}
