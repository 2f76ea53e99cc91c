//! From the row of a table to an input, and back.

use keepstep_store::test_data::{InputFile, InputValues, Message, TestPersona};
use keepstep_testdata::sheet::{Format, Meaning, RowProblem, Table, TableRow, guess_by_name};
use serde_json::{Map, Value, json};

/// The columns of a table that is written here.
pub(super) const SHEET_COLUMNS: [&str; 6] = ["id", "text", "messages", "persona", "tags", "metadata"];

/// The member of the metadata that has the tags.
const TAGS: &str = "tags";

/// A column of a sheet.
#[derive(Debug, Clone)]
pub struct SheetColumn {
    /// Its name.
    pub name: String,
    /// What it is.
    pub meaning: Meaning,
    /// What the first rows have in it.
    pub sample: Vec<String>,
}

/// What a row says about an input. What no column says stays as it is.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) id: Option<String>,
    words: Option<String>,
    messages: Option<Vec<Message>>,
    persona: Option<Option<String>>,
    tags: Option<Vec<String>>,
    metadata: Option<Map<String, Value>>,
    own: Vec<(String, Option<Value>)>,
}

/// The personas of a project.
pub(super) struct Personas<'a>(pub(super) &'a [TestPersona]);

impl<'a> Personas<'a> {
    /// Returns the persona of an id or a name. One that is deleted is found where an input has it already (`current`).
    fn find(&self, said: &str, current: Option<&str>) -> Option<&'a str> {
        let mut known = self.0.iter().filter(|persona| !persona.is_deleted || Some(persona.id.as_str()) == current);
        let by_id = known.clone().find(|persona| persona.id == said);
        by_id.or_else(|| known.find(|persona| persona.name == said)).map(|persona| persona.id.as_str())
    }

    /// Returns what a table says of a persona.
    fn name_of(&self, id: &'a str) -> &'a str {
        let persona = self.0.iter().find(|persona| persona.id == id);
        persona.map(|persona| persona.name.as_str()).filter(|name| self.find(name, Some(id)) == Some(id)).unwrap_or(id)
    }
}

impl Said {
    /// Returns what a row says. An empty cell of a table says that there is nothing; in JSON, `null` does, and a member that is not there
    /// says nothing.
    ///
    /// # Errors
    /// What is wrong with it, as a text for people.
    pub(super) fn of(row: TableRow, columns: &[SheetColumn], format: Format) -> Result<Self, String> {
        let mut said = Self::default();
        let mut cells = row.cells.into_iter().peekable();
        for (number, SheetColumn { name, meaning, .. }) in columns.iter().enumerate() {
            let cell = cells.next_if(|(at, _)| *at == number).map(|(_, value)| value);
            if cell.is_none() && format == Format::JsonLines {
                continue;
            }
            let cell = cell.filter(|cell| !cell.is_null());
            match (meaning, cell) {
                (Meaning::LeaveOut, _) => {}
                (Meaning::Own, cell) => said.own.push((name.clone(), cell)),
                (Meaning::Persona, cell) => {
                    let text = cell.map(|cell| text_of(cell, name)).transpose()?;
                    said.persona = Some(text.filter(|text| !text.trim().is_empty()));
                }
                (Meaning::Tags, cell) => said.tags = Some(cell.map_or_else(|| Ok(Vec::new()), |cell| tags_of(cell, name))?),
                (Meaning::Metadata, cell) => {
                    said.metadata = Some(cell.map_or_else(|| Ok(Map::new()), |cell| object_of(cell, name))?);
                }
                (_, None) => {}
                (Meaning::Id, Some(cell)) => said.id = Some(text_of(cell, name)?),
                (Meaning::Words, Some(Value::Array(list))) => said.messages = Some(messages_of(Value::Array(list), name)?),
                (Meaning::Words, Some(cell)) => said.words = Some(text_of(cell, name)?).filter(|words| !words.trim().is_empty()),
                (Meaning::Messages, Some(cell)) => {
                    let cell = parsed(cell, name)?;
                    said.messages = Some(messages_of(cell, name)?);
                }
            }
        }
        if said.words.is_some() && said.messages.is_some() {
            return Err("both a text and messages given".to_owned());
        }
        Ok(said)
    }

    /// Returns what the input says then, which says `current` now.
    ///
    /// # Errors
    /// What is wrong with the row, as a text for people.
    pub(super) fn values(self, current: &InputValues, personas: &Personas<'_>) -> Result<InputValues, String> {
        let messages = match (self.words, self.messages) {
            (_, Some(messages)) => messages,
            (Some(words), None) => reworded(&current.messages, words),
            (None, None) if current.messages.is_empty() => return Err("no text".to_owned()),
            (None, None) => current.messages.clone(),
        };
        let persona = match self.persona {
            None => current.persona.clone(),
            Some(None) => None,
            Some(Some(said)) => match personas.find(&said, current.persona.as_deref()) {
                Some(id) => Some(id.to_owned()),
                None if current.persona.as_ref() == Some(&said) => Some(said),
                None => return Err(format!("persona {said:?} not found in the project")),
            },
        };
        // What two columns say of one thing is not chosen for whoever wrote both.
        let said_of_all: Vec<String> = self.metadata.iter().flat_map(Map::keys).cloned().collect();
        let says_tags = self.tags.as_ref().is_some_and(|tags| !tags.is_empty());
        let is_whole = self.metadata.is_some();
        let mut metadata = self.metadata.unwrap_or_else(|| current.metadata.clone());
        if let Some(tags) = self.tags {
            if is_whole {
                if !tags.is_empty() && metadata.insert(TAGS.to_owned(), json!(tags)).is_some() {
                    return Err("its tags are in two columns".to_owned());
                }
            } else if tags != plain_tags(&current.metadata) {
                metadata.shift_remove(TAGS);
                if !tags.is_empty() {
                    metadata.insert(TAGS.to_owned(), json!(tags));
                }
            }
        }
        for (name, value) in self.own {
            let is_same = match (metadata.get(&name), &value) {
                (Some(Value::String(old)), Some(Value::String(new))) => old == new,
                (Some(old), Some(Value::String(new))) => json_text(old) == *new,
                (old, new) => old == new.as_ref(),
            };
            let is_said = said_of_all.contains(&name) || says_tags && name == TAGS;
            match value {
                _ if is_same => {}
                Some(_) if is_said => return Err(format!("`{name}` is in two columns, with two values")),
                None if is_said => {}
                Some(value) => drop(metadata.insert(name, value)),
                None => drop(metadata.shift_remove(&name)),
            }
        }
        Ok(InputValues { messages, persona, metadata })
    }
}

/// Returns the inputs of a table for a file that is imported. What a column is follows from its name alone, because nobody looks at it before.
///
/// # Errors
/// What is wrong with it and in which line, as a text for people.
pub fn inputs_of(table: Table, format: Format) -> Result<Vec<InputFile>, String> {
    if let Some(RowProblem { line, what }) = table.problems.first() {
        return Err(format!("line {line}: {what}"));
    }
    if let Some(name) = &table.twice {
        return Err(format!("line 1: two columns are called `{name}`; give each a name of its own"));
    }
    let Some(meanings) = guess_by_name(&table.columns) else {
        let found = table.columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(format!("line 1: no column `input`, `question` or `text`; the columns are {found}"));
    };
    let columns = table.columns.into_iter().zip(meanings);
    let columns: Vec<SheetColumn> = columns.map(|(name, meaning)| SheetColumn { name, meaning, sample: Vec::new() }).collect();
    let input = |row: TableRow| {
        let line = row.line;
        let said = Said::of(row, &columns, format).and_then(Said::into_file);
        said.map_err(|what| format!("line {line}: {what}"))
    };
    table.rows.into_iter().map(input).collect()
}

impl Said {
    /// Returns a new input that is imported. Its persona is named, and found where it is imported.
    fn into_file(mut self) -> Result<InputFile, String> {
        let (id, persona) = (self.id.take(), self.persona.take().flatten());
        let values = self.values(&InputValues::default(), &Personas(&[]))?;
        let text = only_words(&values).map(str::to_owned);
        let messages = if text.is_some() { None } else { Some(values.messages) };
        Ok(InputFile { id, text, messages, persona, metadata: values.metadata })
    }
}

/// Returns messages of which the first one of the user says something else.
fn reworded(messages: &[Message], words: String) -> Vec<Message> {
    let mut messages = messages.to_vec();
    match messages.iter_mut().find(|message| message.role == "user") {
        Some(message) => message.content = words,
        None => messages.push(Message { role: "user".to_owned(), content: words }),
    }
    messages
}

fn text_of(cell: Value, column: &str) -> Result<String, String> {
    match cell {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(format!("`{column}` is not a text")),
    }
}

/// Returns the JSON of a cell, which a table has as a text.
fn parsed(cell: Value, column: &str) -> Result<Value, String> {
    match cell {
        Value::String(text) => serde_json::from_str(&text).map_err(|error| format!("`{column}` is not JSON: {error}")),
        other => Ok(other),
    }
}

fn object_of(cell: Value, column: &str) -> Result<Map<String, Value>, String> {
    match parsed(cell, column)? {
        Value::Object(members) => Ok(members),
        _ => Err(format!("`{column}` is not a JSON object")),
    }
}

fn messages_of(cell: Value, column: &str) -> Result<Vec<Message>, String> {
    serde_json::from_value(cell).map_err(|error| format!("`{column}` is not a list of messages: {error}"))
}

fn tags_of(cell: Value, column: &str) -> Result<Vec<String>, String> {
    let said: Vec<String> = match cell {
        Value::String(text) => text.split(',').map(|tag| tag.trim().to_owned()).collect(),
        list => serde_json::from_value(list).map_err(|_| format!("`{column}` is not a list of texts"))?,
    };
    let mut tags: Vec<String> = Vec::new();
    for tag in said {
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

/// Returns tags that can stand between commas; none where one of them cannot.
fn plain_tags(metadata: &Map<String, Value>) -> Vec<String> {
    let Some(Value::Array(tags)) = metadata.get(TAGS) else { return Vec::new() };
    let mut plain: Vec<String> = Vec::new();
    for tag in tags {
        match tag.as_str() {
            Some(tag)
                if !tag.is_empty() && tag.trim() == tag && !tag.contains(',') && !plain.iter().any(|known| known == tag) =>
            {
                plain.push(tag.to_owned());
            }
            _ => return Vec::new(),
        }
    }
    plain
}

/// Returns what a user says who says one thing, as a table has it in a cell of its own.
fn only_words(values: &InputValues) -> Option<&str> {
    match values.messages.as_slice() {
        [only] if only.role == "user" && !only.content.trim().is_empty() => Some(&only.content),
        _ => None,
    }
}

fn json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns an input as the cells of [`SHEET_COLUMNS`].
pub(super) fn sheet_row(id: &str, values: &InputValues, personas: &[TestPersona]) -> [String; 6] {
    let words = only_words(values);
    let tags = plain_tags(&values.metadata);
    let mut metadata = values.metadata.clone();
    if !tags.is_empty() {
        metadata.shift_remove(TAGS);
    }
    [
        id.to_owned(),
        words.unwrap_or_default().to_owned(),
        if words.is_some() { String::new() } else { json_text(&values.messages) },
        values.persona.as_deref().map_or("", |id| Personas(personas).name_of(id)).to_owned(),
        tags.join(", "),
        if metadata.is_empty() { String::new() } else { json_text(&metadata) },
    ]
}

/// Returns an input as a line of JSON, without the end of the line.
pub(super) fn sheet_row_as_json(id: &str, values: &InputValues, personas: &[TestPersona]) -> String {
    let mut row = Map::from_iter([("id".to_owned(), Value::from(id))]);
    match only_words(values) {
        Some(words) => row.insert("text".to_owned(), words.into()),
        None => row.insert("messages".to_owned(), json!(values.messages)),
    };
    // All of it is said: what is not said would stay as it is, where the line comes back.
    row.insert("persona".to_owned(), values.persona.as_deref().map(|id| Personas(personas).name_of(id)).into());
    row.insert("metadata".to_owned(), values.metadata.clone().into());
    json_text(&row)
}

#[cfg(test)]
mod tests {
    use keepstep_base::spreadsheet;
    use keepstep_testdata::sheet::{guess, read};
    use proptest::prelude::*;

    use super::*;

    fn personas() -> Vec<TestPersona> {
        let persona = |id: &str, name: &str, is_deleted| TestPersona {
            id: id.to_owned(),
            name: name.to_owned(),
            body: Map::new(),
            is_deleted,
        };
        let deleted = [persona("p4", "novice", true), persona("p5", "former", true)];
        [persona("p1", "novice", false), persona("p2", "p1", false), persona("p3", "=expert", false)]
            .into_iter()
            .chain(deleted)
            .collect()
    }

    fn columns(names: &[String]) -> Vec<SheetColumn> {
        let columns = names.iter().zip(guess(names, &[]));
        columns.map(|(name, meaning)| SheetColumn { name: name.clone(), meaning, sample: Vec::new() }).collect()
    }

    /// Reads the rows of a text, each on top of what its input says now.
    fn read_again(text: &str, format: Format, current: &[InputValues]) -> Vec<Result<InputValues, String>> {
        let table = read(text, format, true).unwrap();
        assert!(table.problems.is_empty(), "{:?}", table.problems);
        let (columns, personas) = (columns(&table.columns), personas());
        let rows = table.rows.into_iter().zip(current);
        rows.map(|(row, current)| Said::of(row, &columns, format)?.values(current, &Personas(&personas))).collect()
    }

    fn said(words: &str) -> InputValues {
        InputValues { messages: reworded(&[], words.to_owned()), ..InputValues::default() }
    }

    #[test]
    fn what_no_column_says_stays() {
        let mut current = said("One");
        current.messages.push(Message { role: "assistant".to_owned(), content: "Yes?".to_owned() });
        current.persona = Some("p1".to_owned());
        current.metadata = json!({"tags": [1], "zip": 5, "k": "v"}).as_object().unwrap().clone();
        let text = "text,zip,tags,k\nUno,5,,\n";
        let found = read_again(text, Format::Comma, &[current.clone()]).remove(0).unwrap();
        current.messages[0].content = "Uno".to_owned();
        current.metadata.shift_remove("k");
        assert_eq!(found, current);
        // In JSON, a member that only other lines have says nothing, and `null` says that there is nothing.
        let lines = "{\"text\":\"Uno\"}\n{\"text\":\"Uno\",\"persona\":null,\"metadata\":{\"k\":1}}\n";
        let found = read_again(lines, Format::JsonLines, &[current.clone(), current.clone()]);
        let other = InputValues { persona: None, metadata: Map::from_iter([("k".to_owned(), json!(1))]), ..current.clone() };
        assert_eq!(found, [Ok(current), Ok(other)]);
    }

    #[test]
    fn what_is_wrong_with_a_row_is_told() {
        let current = vec![InputValues::default(); 9];
        let text = "text,messages,persona,tags,metadata\n\
            ,,,,\n,[1],,,\na,\"[{\"\"role\"\":\"\"user\"\",\"\"content\"\":\"\"b\"\"}]\",,,\na,,stranger,,\na,,,x,\"{\"\"tags\"\":[]}\"\na,,,,[1]\na,,,,{\n";
        let found: Vec<String> = read_again(text, Format::Comma, &current).into_iter().map(|found| found.unwrap_err()).collect();
        assert_eq!(found[0], "no text");
        assert!(found[1].starts_with("`messages` is not a list of messages: "), "{}", found[1]);
        assert_eq!(
            found[2..6],
            [
                "both a text and messages given",
                "persona \"stranger\" not found in the project",
                "its tags are in two columns",
                "`metadata` is not a JSON object"
            ]
        );
        assert!(found[6].starts_with("`metadata` is not JSON: "), "{}", found[6]);
    }

    #[test]
    fn what_two_columns_say_of_one_thing_is_told() {
        let current = vec![InputValues::default(); 4];
        let twice = "text,tags,labels,zip,metadata\na,x,y,,\na,,,5,\"{\"\"zip\"\":6}\"\na,x,x,,\"{\"\"zip\"\":6}\"\na,,,6,\"{\"\"zip\"\":6}\"\n";
        let mut of_twice = read_again(twice, Format::Comma, &current);
        let labels = of_twice.remove(0).unwrap().metadata;
        assert_eq!(json!(labels), json!({"tags": ["x"], "labels": "y"}));
        assert_eq!(of_twice.remove(0), Err("`zip` is in two columns, with two values".to_owned()));
        for found in of_twice {
            assert_eq!(found.unwrap().metadata["zip"], 6);
        }
        let twice = "text,labels,tags\na,x,y\na,x,\na,,y\n";
        let found_tags = read_again(twice, Format::Comma, &current);
        assert_eq!(found_tags[0], Err("`tags` is in two columns, with two values".to_owned()));
        assert_eq!(found_tags[1].as_ref().unwrap().metadata["tags"], json!(["x"]));
        assert_eq!(found_tags[2].as_ref().unwrap().metadata["tags"], "y");
    }

    fn any_values() -> impl Strategy<Value = InputValues> {
        let text = || "[a=+@',;\"\\[{\t\r\n ä]{0,8}";
        let message = ("user|assistant|system", text()).prop_map(|(role, content)| Message { role, content });
        let tags = prop_oneof![
            Just(Value::Null),
            Just(json!("late")),
            prop::collection::vec("[a=, ]{0,3}", 0..4).prop_map(|tags| json!(tags)),
        ];
        let persona = prop::option::of("p[1-5]|gone");
        (prop::collection::vec(message, 0..4), persona, tags, text(), any::<i32>()).prop_map(
            |(messages, persona, tags, text, number)| InputValues {
                messages,
                persona,
                metadata: json!({"tags": tags, "note": text, "n": [number, {"a": null}]}).as_object().unwrap().clone(),
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_downloaded_says_the_same(all in prop::collection::vec(any_values(), 1..5)) {
            let all: Vec<InputValues> = all.into_iter().filter(|values| !values.messages.is_empty()).collect();
            let personas = personas();
            let mut text = spreadsheet::row(SHEET_COLUMNS);
            let mut lines = String::new();
            for (number, values) in all.iter().enumerate() {
                text.push_str(&spreadsheet::row(sheet_row(&format!("q{number}"), values, &personas)));
                lines.push_str(&sheet_row_as_json(&format!("q{number}"), values, &personas));
                lines.push('\n');
            }
            for (text, format) in [(&text, Format::Comma), (&lines, Format::JsonLines)] {
                let found = read_again(text, format, &all);
                prop_assert_eq!(found.len(), all.len());
                for (found, values) in found.into_iter().zip(&all) {
                    prop_assert_eq!(found.as_ref(), Ok(values));
                }
            }
        }
    }
}
