//! Sections become one configuration, and names of variables become values.

use serde_json::Value;

/// Merges a later section into what is there: mappings merge, everything else replaces.
pub(super) fn merge(into: &mut Value, later: Value) {
    match (into, later) {
        (Value::Object(into), Value::Object(later)) => {
            for (key, value) in later {
                match into.get_mut(&key) {
                    Some(there) => merge(there, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (_, Value::Null) => {}
        (into, later) => *into = later,
    }
}

/// Replaces `${NAME}` in every text; a name that is not known stays as it was typed.
pub(super) fn substitute(value: &mut Value, variable: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) if text.contains("${") => *text = substituted(text, variable),
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, variable)),
        Value::Object(members) => members.values_mut().for_each(|member| substitute(member, variable)),
        _ => {}
    }
}

fn substituted(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        rest = from;
        let Some(end) = from.find('}') else { break };
        match variable(&from[2..end]) {
            // What a variable holds is not looked through again.
            Some(value) => out.push_str(&value),
            None => out.push_str(&from[..=end]),
        }
        rest = &from[end + 1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn later_sections_win_key_by_key() {
        let mut value = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        merge(&mut value, json!({"a": {"c": [3], "e": {"f": 1}}, "d": null, "g": "new"}));
        assert_eq!(value, json!({"a": {"b": 1, "c": [3], "e": {"f": 1}}, "d": 1, "g": "new"}));
    }

    #[test]
    fn known_names_are_replaced_once() {
        let variable = |name: &str| (name == "KEY").then(|| "${KEY}é".to_owned());
        let mut value = json!({"a": ["x ${KEY} ${NO} ${", 1], "${KEY}": "${KEY}${KEY}"});
        substitute(&mut value, &variable);
        assert_eq!(value, json!({"a": ["x ${KEY}é ${NO} ${", 1], "${KEY}": "${KEY}é${KEY}é"}));
    }
}
