//! Where something is in a JSON document: a JSONPath (RFC 9535), or the short form that peers write.

use std::fmt;

use serde_json::Value;

/// A way into a JSON document, as a configuration writes it.
///
/// What begins with `$` is a JSONPath: `$.output[?@.type == 'message'].content`. Everything else is names and numbers with dots and
/// brackets, as peers write it: `choices[0].delta.content`. There a number is an index or the name of a member, whatever is found,
/// and characters that mean something in a JSONPath make it one.
#[derive(Debug, Clone)]
pub struct JsonPath {
    written: String,
    path: serde_json_path::JsonPath,
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// It is neither of the two forms; the error is the end of a sentence.
    pub fn parse(written: &str) -> Result<Self, String> {
        let rest = written.strip_prefix('$').filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        let path = match (rest, short_form(rest.unwrap_or(written))) {
            (_, Some(path)) => path,
            (Some(_), None) => written.to_owned(),
            (None, None) if written.starts_with('[') => format!("${written}"),
            (None, None) => format!("$.{written}"),
        };
        let path = serde_json_path::JsonPath::parse(&path).map_err(|error| {
            let position = error.position().saturating_sub(path.len() - written.len());
            format!("is not a valid JSONPath, at position {position}: {}", error.message())
        })?;
        Ok(Self { written: written.to_owned(), path })
    }

    /// Returns the first value that is there.
    pub fn first<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.path.query(document).first()
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

/// The largest index that a JSONPath can have.
const LARGEST_INDEX: u64 = (1 << 53) - 1;

/// Returns the JSONPath of a short form.
fn short_form(text: &str) -> Option<String> {
    let is_slice = text.contains('[') && text.contains(':');
    if is_slice || text.contains("..") || text.contains(['*', '?', '\'', '"', ',']) {
        return None;
    }
    let parts = text.split(['.', '[']).map(|part| part.trim_end_matches(']')).filter(|part| !part.is_empty());
    let index = |part: &str| part.parse().ok().filter(|index: &i64| index.unsigned_abs() <= LARGEST_INDEX);
    let selectors = parts.map(|part| match (Value::from(part), index(part)) {
        (name, Some(index)) => format!("[{name},{index}]"),
        (name, None) => format!("[{name}]"),
    });
    Some(["$".to_owned()].into_iter().chain(selectors).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_find_what_they_name() {
        let document = json!({
            "choices": [{"delta": {"content": "a"}}, "last"], "x": null, "7": "seven", "two words": "b", "a-b": "c", "@id": "d",
            "xml:lang": "e", "한국어": {"말": "f"}, "$ref": "g", "say \"it\"": "h",
            "output": [{"type": "reasoning", "text": "hm"}, {"type": "message", "text": "yes"}],
        });
        for (path, expected) in [
            // The short form.
            ("choices[0].delta.content", json!("a")),
            ("choices.0.delta.content", json!("a")),
            ("choices[0][delta][content]", json!("a")),
            ("choices[-1]", json!("last")),
            ("choices.[1]", json!("last")),
            ("7", json!("seven")),
            ("[7]", json!("seven")),
            ("x", json!(null)),
            ("two words", json!("b")),
            ("a-b", json!("c")),
            ("@id", json!("d")),
            ("xml:lang", json!("e")),
            ("한국어.말", json!("f")),
            ("$ref", json!("g")),
            // The standard, with `$` and without.
            ("$", document.clone()),
            ("$.choices[0].delta.content", json!("a")),
            ("$.a-b", json!("c")),
            ("$['two words']", json!("b")),
            ("$[\"say \\\"it\\\"\"]", json!("h")),
            ("$.choices[-1:]", json!("last")),
            ("$..content", json!("a")),
            ("$.output[?@.type == 'message'].text", json!("yes")),
            ("output[?@.type == 'message'].text", json!("yes")),
            ("output[*].text", json!("hm")),
            ("['two words']", json!("b")),
        ] {
            assert_eq!(JsonPath::parse(path).unwrap().first(&document), Some(&expected), "{path}");
        }
        for nothing in [
            "choices[7]",
            "choices[-7]",
            "choices[9007199254740993]",
            "choices.x",
            "x.y",
            "$.nothing",
            "$.output[?@.type == 'none']",
        ] {
            assert_eq!(JsonPath::parse(nothing).unwrap().first(&document), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_neither_form_is_told() {
        let errors = ["$.a[?@.b", "a['b", "$.a[0:x]", "a[b,c]", "$x[?]", "a[?@.b == ]"].map(|path| {
            let problem = JsonPath::parse(path).unwrap_err();
            format!("{path} {problem}")
        });
        insta::assert_snapshot!(errors.join("\n"), @"
        $.a[?@.b is not a valid JSONPath, at position 8: in long-hand segment, expected closing ']'
        a['b is not a valid JSONPath, at position 4: in long-hand segment, expected an ending quote
        $.a[0:x] is not a valid JSONPath, at position 6: in long-hand segment, expected closing ']'
        a[b,c] is not a valid JSONPath, at position 1: parser error
        $x[?] is not a valid JSONPath, at position 0: in dot member name, must start with lowercase alpha or '_'
        a[?@.b == ] is not a valid JSONPath, at position 7: in long-hand segment, expected closing ']'
        ");
    }

    proptest! {
        /// What the short form meant before there was another one: a name in an object, a number in a list, from its end if negative.
        #[test]
        fn the_short_form_takes_one_step_for_each_part(parts in prop::collection::vec("[a-z가-힣_@ -]{1,4}|-?[0-3]", 1..4)) {
            let mut document = json!("found");
            for part in parts.iter().rev() {
                document = match part.parse::<i64>() {
                    Ok(index) if index < 0 => Value::from([vec![document], vec![json!(0); index.unsigned_abs() as usize - 1]].concat()),
                    Ok(index) => Value::from([vec![json!(0); index as usize], vec![document]].concat()),
                    Err(_) => json!({part.as_str(): document}),
                };
            }
            prop_assert_eq!(JsonPath::parse(&parts.join(".")).unwrap().first(&document), Some(&json!("found")));
            let brackets: String = parts.iter().map(|part| format!("[{part}]")).collect();
            prop_assert_eq!(JsonPath::parse(&brackets).unwrap().first(&document), Some(&json!("found")));
        }
    }
}
