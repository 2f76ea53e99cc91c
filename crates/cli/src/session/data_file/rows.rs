//! Questions as rows: CSV, TSV, JSON Lines, a JSON list.
//!
//! One column is the question, and what is neither an id, a persona nor tags becomes metadata under its own name: nothing is left out. A table
//! is read as the dashboard reads one.

use std::path::Path;

use keepstep_store::test_data::{InputFile, Message};
use keepstep_testdata::sheet::{self, Format};
use serde_json::{Map, Value};

/// The columns that a question may be in; the first that is there is it.
const QUESTIONS: [&str; 3] = ["input", "question", "text"];

/// How the name of a table ends.
const TABLES: [&str; 3] = ["csv", "tsv", "tab"];

/// Returns true for a table by its name.
pub(super) fn is_table(file: &Path) -> bool {
    TABLES.contains(&extension_of(file).as_str())
}

fn extension_of(file: &Path) -> String {
    file.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Returns the inputs of a file that has rows; `None` for another file.
pub(super) fn read(text: &str, file: &Path) -> Option<Result<Vec<InputFile>, String>> {
    let extension = extension_of(file);
    match extension.as_str() {
        extension if TABLES.contains(&extension) => Some(table(text, file)),
        "jsonl" | "ndjson" => Some(lines(text)),
        _ if text.trim_start().starts_with('[') => {
            let Ok(Value::Array(rows)) = serde_json::from_str(text) else { return None };
            let input = |(at, row)| input(row).map_err(|reason| format!("entry {}: {reason}", at + 1));
            Some(rows.into_iter().enumerate().map(input).collect())
        }
        _ if is_lines(text) => Some(lines(text)),
        _ => None,
    }
}

/// Returns true for several lines that are a JSON object each.
fn is_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let is_object = |line: &str| line.starts_with('{') && serde_json::from_str::<Map<String, Value>>(line).is_ok();
    lines.next().is_some_and(is_object) && lines.next().is_some_and(is_object)
}

/// Returns the inputs of a table, as a browser that brings it would read them.
fn table(text: &str, file: &Path) -> Result<Vec<InputFile>, String> {
    let format = match Format::guess(text, &file.to_string_lossy()) {
        Format::JsonLines | Format::Lines => Format::Comma,
        table => table,
    };
    let table = sheet::read(text, format, true).map_err(|error| error.to_string())?;
    keepstep_platform::inputs_of(table, format)
}

fn lines(text: &str) -> Result<Vec<InputFile>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let input = |(at, line): (usize, &str)| {
        let row = serde_json::from_str(line).map_err(|error| format!("it is not JSON ({error})"));
        row.and_then(input).map_err(|reason| format!("line {}: {reason}", at + 1))
    };
    lines.map(input).collect()
}

/// Returns the input that a JSON object is.
fn input(row: Value) -> Result<InputFile, String> {
    let mut members = match row {
        Value::Object(members) => members,
        text @ Value::String(_) => Map::from_iter([(QUESTIONS[0].to_owned(), text)]),
        _ => return Err("expected an object".to_owned()),
    };
    let mut input = nothing();
    let mut rest = match members.shift_remove("metadata") {
        Some(Value::Object(metadata)) => metadata,
        None | Some(Value::Null) => Map::new(),
        Some(other) => Map::from_iter([("metadata".to_owned(), other)]),
    };
    if let Some(id) = members.get("id").and_then(as_text) {
        members.shift_remove("id");
        input.id = Some(id);
    }
    // Some tools wrap the question once more.
    for name in QUESTIONS {
        if let Some(Value::Object(inner)) = members.get(name)
            && QUESTIONS.iter().any(|name| inner.get(*name).and_then(as_text).is_some())
            && let Some(Value::Object(inner)) = members.shift_remove(name)
        {
            for (key, value) in inner {
                put(&mut members, key, value)?;
            }
            break;
        }
    }
    let question = QUESTIONS.into_iter().find(|name| members.get(*name).is_some_and(|value| !value.is_null()));
    match question.and_then(|name| Some((name, members.shift_remove(name)?))) {
        Some((name, value)) => match (as_text(&value), messages(&value)) {
            (Some(text), _) => input.text = Some(text),
            (None, Some(messages)) => input.messages = Some(messages),
            (None, None) => return Err(format!("`{name}` is neither a text nor a list of messages")),
        },
        None => match members.get("messages").and_then(messages) {
            Some(messages) => {
                members.shift_remove("messages");
                input.messages = Some(messages);
            }
            None => return Err("`input`, `question` or `text` is required".to_owned()),
        },
    }
    for (key, value) in members {
        put(&mut rest, key, value)?;
    }
    input.metadata = rest;
    Ok(input)
}

fn put(members: &mut Map<String, Value>, key: String, value: Value) -> Result<(), String> {
    match members.get(&key) {
        Some(other) if *other != value => Err(format!("`{key}` is there twice, with two values")),
        _ => {
            members.insert(key, value);
            Ok(())
        }
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn messages(value: &Value) -> Option<Vec<Message>> {
    serde_json::from_value(value.clone()).ok().filter(|messages: &Vec<Message>| !messages.is_empty())
}

fn nothing() -> InputFile {
    InputFile { id: None, text: None, messages: None, persona: None, metadata: Map::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(file: &str, text: &str) -> Result<Value, String> {
        read(text, Path::new(file)).expect("a file with rows").map(|inputs| serde_json::to_value(inputs).unwrap())
    }

    #[test]
    fn each_row_is_an_input_and_nothing_of_it_is_left_out() {
        let two = json!([
            {"text": "Where is it, please?", "metadata": {"__expected": "contains: order", "zip": "08989"}},
            {"id": "b", "text": "When?\nNow?", "metadata": {"zip": "1.10"}},
        ]);
        let csv = "question,id,__expected,zip\r\n\"Where is it, please?\",,contains: order,08989\r\n\"When?\nNow?\",b,,1.10\r\n";
        assert_eq!(inputs("t.csv", csv).unwrap(), two);
        // What the dashboard writes and reads.
        let csv = "id,text,messages,persona,tags,metadata\r\nq1,'=1+1,,novice,\"late, refund\",\"{\"\"n\"\":1}\"\r\n";
        let expected = json!([{
            "id": "q1", "text": "=1+1", "persona": "novice", "metadata": {"n": 1, "tags": ["late", "refund"]},
        }]);
        assert_eq!(inputs("t.csv", csv).unwrap(), expected);
        // Whoever asked is not what was asked.
        let expected = json!([{"text": "Where?", "metadata": {"user": "Ada", "text": "x"}}]);
        assert_eq!(inputs("t.csv", "user,text,question\nAda,x,Where?\n").unwrap(), expected);
        assert_eq!(inputs("t.CSV", "Text;n\na, b;1\n").unwrap(), json!([{"text": "a, b", "metadata": {"n": "1"}}]));
        assert_eq!(inputs("t.tsv", "input\tn\n\"a\"\t1\n").unwrap(), json!([{"text": "a", "metadata": {"n": "1"}}]));
        let lines = "{\"input\": \"Where?\", \"expected\": \"Here\", \"metadata\": {\"k\": 1}}\n\n{\"id\": 2, \"messages\": [{\"role\": \"user\", \"content\": \"When?\"}]}\n\"Who?\"\n";
        let expected = json!([
            {"text": "Where?", "metadata": {"k": 1, "expected": "Here"}},
            {"id": "2", "messages": [{"role": "user", "content": "When?"}]},
            {"text": "Who?"},
        ]);
        assert_eq!(inputs("t.jsonl", lines).unwrap(), expected);
        let lines: Vec<&str> = lines.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(inputs("t.json", &format!("[{}]", lines.join(","))).unwrap(), expected);
        let langfuse = r#"[{"id":"1","input":{"question":"Where?","lang":"en"},"expectedOutput":"x","metadata":{"a":1}}]"#;
        let expected = json!([{"id": "1", "text": "Where?", "metadata": {"a": 1, "expectedOutput": "x", "lang": "en"}}]);
        assert_eq!(inputs("t.json", langfuse).unwrap(), expected);
        assert!(read("scenario: {name: a}\n", Path::new("t.yaml")).is_none());
        assert!(read("{\"scenario\": {\"name\": \"a\"}}\n", Path::new("t.json")).is_none());
    }

    #[test]
    fn a_row_that_is_none_is_named_with_its_line() {
        for (file, text, said) in [
            ("t.csv", "a,b\n1,2\n", "line 1: no column `input`, `question` or `text`; the columns are `a`, `b`"),
            ("t.csv", "text,a,a\n1,2,3\n", "line 1: two columns are called `a`; give each a name of its own"),
            ("t.csv", "text,a\n\"1,2\n3,4\n", "line 2: unclosed quote, or text after a closing quote"),
            ("t.csv", "text,a\n1,2\n3\n", "line 3: it has 1 cell, and the first row has 2"),
            ("t.csv", "text,a\n1,2\n ,3\n", "line 3: no text"),
            ("t.jsonl", "{\"text\": \"a\"}\n{\"txt\": \"a\"}\n", "line 2: `input`, `question` or `text` is required"),
            ("t.jsonl", "{\"text\": {\"a\": 1}}\n", "line 1: `text` is neither a text nor a list of messages"),
            ("t.jsonl", "{\"text\": \"a\", \"k\": 1, \"metadata\": {\"k\": 2}}\n", "line 1: `k` is there twice, with two values"),
            ("t.json", "[1]", "entry 1: expected an object"),
        ] {
            assert_eq!(inputs(file, text), Err(said.to_owned()), "{text}");
        }
        assert!(inputs("t.jsonl", "{\"text\": \"a\"}\n{\n").unwrap_err().starts_with("line 2: it is not JSON"));
    }
}
