//! Files in YAML or JSON that a person wrote.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::failure::Failure;

/// The largest file, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What the parser says to those who call it, in the middle of what it says to those who wrote the file.
const FOR_PROGRAMMERS: &str = ", set DuplicateKeyPolicy in Options if acceptable";

/// Reads a file's text. Its path is relative to the folder that the command works in.
pub(crate) fn read(context: &Context, file: &Path) -> Result<String, Failure> {
    let shown = file.display().to_string();
    let fail = |error| Failure::io("read", &shown, error);
    let path = context.directory.join(file);
    let size = fs::metadata(&path).map_err(fail)?.len();
    if size > LARGEST {
        return Err(Failure::usage(format!("{shown} is larger than {LARGEST} bytes; split it into several scenarios")));
    }
    fs::read_to_string(&path).map_err(fail)
}

/// Returns what a file's text says. `shown` names the file in the message.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, shown: &str) -> Result<T, Failure> {
    from_text(text).map_err(|reason| Failure::usage(format!("{shown}: {reason}")))
}

/// Reads a text as JSON where it begins like that, as YAML otherwise.
fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    // What begins with a brace may be YAML, too, and its errors name the line just as well. How far aliases may grow a
    // document is limited by the parser.
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    let problem = |error: serde_saphyr::Error| error.to_string().replace(FOR_PROGRAMMERS, "");
    serde_saphyr::from_str_with_options(text, options).map_err(problem)
}

#[cfg(test)]
mod tests {
    use keepstep_store::test_data::TestDataFile;

    fn parse(text: &str) -> Result<TestDataFile, String> {
        super::from_text(text)
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = parse("scenario: {name: orders}\ninputs:\n  - text: Hello\n").unwrap();
        let json = parse(r#"{"scenario": {"name": "orders"}, "inputs": [{"text": "Hello"}]}"#).unwrap();
        assert_eq!(yaml, json);
        assert_eq!(parse("\u{feff}{scenario: {name: orders}, inputs: [{text: Hello}]}").unwrap(), json);
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        for (text, said) in [
            ("scenario: {name: orders}\ninputs:\n\t- text: Hello\n", "line 3"),
            ("scenario: {name: orders}\ninputs:\n  - txt: Hello\n", "line 3"),
            ("scenario: {name: orders}\nscenario: {name: other}\ninputs: []\n", "line 2"),
            ("scenario: {name: orders}\n", "inputs"),
            ("{\"scenario\": {\"name\": \"orders\"},\n \"inputs\": [{\"text\": ]}", "line 2"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(said), "{text:?}: {problem}");
        }
    }

    #[test]
    fn a_file_that_grows_by_its_aliases_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", last.trim_end_matches(", "));
        }
        bomb += "scenario: {name: orders, config: {x: *a11}}\ninputs: [{text: Hello}]\n";
        assert!(parse(&bomb).is_err());
    }
}
