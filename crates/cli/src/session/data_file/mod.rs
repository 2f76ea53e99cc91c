//! Files with data that a person wrote: YAML and JSON of our own form, and the simple forms that questions come in.

mod foreign;
mod rows;

use std::fs;
use std::path::Path;

use keepstep_store::test_data::TestDataFile;
use keepstep_testdata::sheet::{self, Encoding};
use keepstep_workspace::yaml::{self, YamlError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::session::context::Context;
use crate::shell::failure::Failure;

/// The largest file, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// The keys of data below which numbers are numbers in whatever form.
const CONFIGURATIONS: [&str; 3] = ["config", "config_snapshot", "criteria"];

/// From so many digits on, a number of JSON could lose some of them.
const LONG_NUMBER: usize = 16;

/// What can be imported, in words.
const FORMATS: &str = "YAML or JSON with `scenario` and `inputs`, and CSV, TSV, JSON Lines or a JSON list with a column `input`, `question` or `text`";

/// Reads a file's text. Its path is relative to the folder that the command works in.
pub(crate) fn read(context: &Context, file: &Path) -> Result<String, Failure> {
    let shown = file.display().to_string();
    let fail = |error| Failure::io("read", &shown, error);
    let path = context.directory.join(file);
    let size = fs::metadata(&path).map_err(fail)?.len();
    if size > LARGEST {
        return Err(Failure::usage(format!("{shown} is larger than {LARGEST} bytes; split it into several scenarios")));
    }
    let bytes = fs::read(&path).map_err(fail)?;
    // Spreadsheets write in several ways, and what they wrote is the same table.
    let is_utf_16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let is_table = rows::is_table(file);
    if let Some(format) = foreign::of_bytes(&bytes).filter(|_| !(is_utf_16 && is_table)) {
        return Err(unknown_format(&shown, &format!("is {format}")));
    }
    if is_table {
        let (text, encoding) = sheet::decode(&bytes);
        if encoding == Encoding::Windows1252 {
            context.printer.warning(&format!("{shown} is not UTF-8; it is read as Windows-1252"));
        }
        return Ok(text);
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{shown}: {}", yaml::NOT_UTF_8)))
}

/// Returns the test data of a file, whatever the form. `scenario` is what a file that does not name its scenario is for; its own name
/// otherwise.
pub(crate) fn test_data(text: &str, file: &Path, scenario: Option<&str>) -> Result<TestDataFile, Failure> {
    let shown = file.display().to_string();
    let name = || {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        scenario.map(str::to_owned).or(stem).unwrap_or_default()
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(inputs) = rows::read(text, file) {
        let inputs = inputs.map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
        return Ok(TestDataFile::of_inputs(name(), inputs));
    }
    let read = from_text(text).map_err(|error| (foreign::of_text(text), error));
    let mut data: TestDataFile = read.map_err(|(format, error)| match format {
        Some(format) => unknown_format(&shown, &format!("is {format}")),
        // Whoever has the right form knows what to do with the line.
        None => {
            let hint = (!text.contains("scenario")).then(|| format!("what can be imported: {FORMATS}"));
            Failure::Usage { message: format!("{shown}: {error}"), hint }
        }
    })?;
    if let Some(scenario) = scenario {
        scenario.clone_into(&mut data.scenario.name);
    }
    Ok(data)
}

fn unknown_format(shown: &str, what: &str) -> Failure {
    let message = format!("{shown} {what}, a format that cannot be imported");
    Failure::Usage { message, hint: Some(format!("what can be imported: {FORMATS}")) }
}

/// Returns what a file with data says. `shown` names the file in the message.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, shown: &str) -> Result<T, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    from_text(text).map_err(|error| Failure::usage(format!("{shown}: {error}")))
}

/// Returns what a file with a configuration says. `shown` names the file in the message.
pub(crate) fn configuration(text: &str, shown: &str) -> Result<Map<String, Value>, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str(text).or_else(|_| yaml::parse(text)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::usage(format!("{shown}: expected a mapping"))),
        Err(reason) => Err(Failure::usage(format!("{shown}: {reason}"))),
    }
}

/// Reads a text as JSON where it begins like that, as YAML otherwise.
fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    if text.trim_start().starts_with('{')
        && !has_long_number(text)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    // What begins with a brace may be YAML, too, and its errors name the line just as well. There a number is a text where one is
    // wanted, and one that is too long for a number stays whole.
    yaml::read(text, &CONFIGURATIONS)
}

/// Returns true if there may be a number with more digits than JSON would keep.
fn has_long_number(text: &str) -> bool {
    let mut length = 0;
    text.bytes().any(|byte| {
        length = if byte.is_ascii_digit() || byte == b'.' { length + 1 } else { 0 };
        length >= LONG_NUMBER
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<TestDataFile, String> {
        test_data(text, Path::new("orders.yaml"), None).map_err(|failure| failure.message())
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = parse("scenario: {name: orders}\ninputs:\n  - text: Hello\n").unwrap();
        let json = parse(r#"{"scenario": {"name": "orders"}, "inputs": [{"text": "Hello"}]}"#).unwrap();
        assert_eq!(yaml, json);
        assert_eq!(parse("\u{feff}{scenario: {name: orders}, inputs: [{text: Hello}]}").unwrap(), json);
        assert_eq!(parse("\u{feff}scenario: {name: orders}\r\ninputs:\r\n  - {text: Hello}\r\n").unwrap(), json);
    }

    #[test]
    fn what_looks_like_a_number_is_what_was_written() {
        let text = "scenario: {name: 2026, config: {share: 0.70}}\npersonas:\n- {name: 7, age: 040}\ninputs:\n- {id: 007, text: 08989, persona: 7, metadata: {zip: 08989, price: 1.10, n: 3, no: no}}\n\
                    criteria:\n- {name: 1.0, items: [{equals: 1.10, weight: 0.50}]}\n";
        let file = parse(text).unwrap();
        let expected = json!({
            "scenario": {"name": "2026", "config": {"share": 0.7}},
            "personas": [{"name": "7", "age": "040"}],
            "inputs": [{"id": "007", "text": "08989", "persona": "7", "metadata": {"zip": "08989", "price": "1.10", "n": 3, "no": "no"}}],
            "criteria": [{"name": "1.0", "items": [{"equals": "1.10", "weight": 0.5}]}],
            "bundle": {},
        });
        assert_eq!(serde_json::to_value(&file).unwrap(), expected);
        // What is sent says the same.
        assert_eq!(serde_json::from_value::<TestDataFile>(expected).unwrap(), file);
        let json =
            parse(r#"{"scenario": {"name": 1}, "inputs": [{"text": 42, "metadata": {"order": 12345678901234567890123}}]}"#)
                .unwrap();
        assert_eq!(json.inputs[0].text.as_deref(), Some("42"));
        assert_eq!(json.inputs[0].metadata["order"], "12345678901234567890123");
    }

    #[test]
    fn a_broken_file_is_named_with_its_line_in_words_for_people() {
        for (text, said) in [
            (
                "scenario: {name: orders}\ninputs:\n\t- text: Hello\n",
                "line 3, column 2: a tab is used for indentation; YAML is indented with spaces",
            ),
            (
                "scenario: {name: orders}\ninputs:\n  - txt: Hello\n",
                "line 3, column 5: unknown key `txt`; the keys here are `id`, `text`, `messages`, `persona`, `metadata`",
            ),
            (
                "scenario: {name: orders}\nscenario: {name: other}\ninputs: []\n",
                "line 2, column 1: the key `scenario` is there twice; keep one of them",
            ),
            ("scenario: {name: orders}\n", "line 1, column 1: `inputs` is missing"),
            ("scenario: {name: orders}\ninputs: Hello\n", "line 2, column 9: `inputs`: expected a list, found a text"),
            ("scenario: {name: [a]}\ninputs: []\n", "line 1, column 18: `name`: expected a text, found a list"),
            ("scenario:\n  name:\ninputs: []\n", "line 2, column 7: `name`: expected a text, found nothing"),
            (
                "scenario: {name: a}\ninputs: []\n---\nx: 1\n",
                "line 3, column 1: a second document begins here (`---`); keep one document in the file, or split it into files",
            ),
            ("Hello\n", "line 1, column 1: expected a mapping, found a text"),
        ] {
            assert_eq!(parse(text), Err(format!("orders.yaml: {said}")), "{text}");
        }
        let problem = parse("{\"scenario\": {\"name\": \"orders\"},\n \"inputs\": [{\"text\": ]}").unwrap_err();
        assert!(problem.contains("line 2"), "{problem}");
    }

    #[test]
    fn a_file_that_grows_by_its_aliases_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", last.trim_end_matches(", "));
        }
        bomb += "scenario: {name: orders, config: {x: *a11}}\ninputs: [{text: Hello}]\n";
        assert!(parse(&bomb).unwrap_err().contains("aliases repeat more than"));
    }
}
