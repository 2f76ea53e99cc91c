//! When two values are the same: the canonical form and its hash.
//!
//! The canonical form of a text ends its lines with LF and has no white space at its two ends, because editors, git
//! and the peers' tools change exactly that without anybody having meant it. Everything inside stays significant:
//! spaces, blank lines, case, backslashes, Unicode normal form. The form of an object has its keys sorted, and a number that has no
//! fraction has no point (`1.0` is `1`, as JavaScript reads it). A value without content (an empty name, a blank persona, a governance
//! without a mode, a switch that is off) has no canonical form: it is the same as a field that is not set.
//!
//! The hash is SHA-256 over the canonical value as compact JSON, so a string never equals the object that it spells.

use serde_json::{Map, Number, Value};

use keepstep_base::Digest;
use keepstep_base::text::is_javascript_white_space;

use crate::field::{Field, Kind};

/// Returns the canonical form of a text: lines end with LF, no white space at either end.
pub fn canonical_text(text: &str) -> String {
    canonical_line_ends(text.trim_matches(is_javascript_white_space))
}

/// Returns a text with every CRLF and CR as LF.
pub fn canonical_line_ends(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

/// Returns the canonical form of a field's value, or `None` for a value without content.
pub fn canonical(field: Field, value: Option<&Value>) -> Option<Value> {
    let value = value?;
    match (field.kind(), value) {
        (_, Value::Null) => None,
        (_, Value::String(text)) => {
            let text = canonical_text(text);
            (!text.is_empty()).then_some(Value::String(text))
        }
        (Kind::Text { channels }, Value::Object(members)) => {
            let has_content = channels.iter().any(|channel| {
                members.get(*channel).and_then(Value::as_str).is_some_and(|text| !canonical_text(text).is_empty())
            });
            has_content.then(|| sorted(value, canonical_text))
        }
        (Kind::Json { needed, secret }, Value::Object(members)) => {
            let needed = needed.map(|key| members.get(key).unwrap_or(&Value::Null));
            let says_nothing = match needed {
                Some(needed) => matches!(needed, Value::Null | Value::Bool(false)) || needed.as_str() == Some(""),
                None => members.is_empty(),
            };
            (!says_nothing).then(|| {
                let mut members = members.clone();
                // A key never leaves the machine, so the server cannot hold it and it is no part of the comparison.
                if let Some(secret) = secret {
                    members.shift_remove(secret);
                }
                sorted(&Value::Object(members), str::to_owned)
            })
        }
        (Kind::Switch, Value::Bool(false)) => None,
        (Kind::List { .. }, Value::Array(items)) if items.is_empty() => None,
        // An item is what its id names, whatever else a server tells of it.
        (Kind::List { id, .. }, Value::Array(items)) => {
            let link = |item: &Value| match item.get(id) {
                Some(name) => Value::Object(Map::from_iter([(id.to_owned(), name.clone())])),
                None => sorted(item, str::to_owned),
            };
            Some(items.iter().map(link).collect())
        }
        (_, other) => Some(sorted(other, str::to_owned)),
    }
}

/// Returns the digest of a field's value, or `None` for a value without content.
pub fn digest(field: Field, value: Option<&Value>) -> Option<Digest> {
    canonical(field, value).map(|value| Digest::of_bytes(value.to_string().as_bytes()))
}

/// Returns the digest of a persona, or `None` for one without content.
pub fn persona_digest(persona: Option<&Value>) -> Option<Digest> {
    digest(Field::PERSONA, persona)
}

/// Returns true if two values of a field mean the same.
pub fn same(field: Field, left: Option<&Value>, right: Option<&Value>) -> bool {
    left == right || canonical(field, left) == canonical(field, right)
}

/// Returns a value with the keys of its objects sorted, so that equal values have equal texts.
pub fn sorted_keys(value: &Value) -> Value {
    sorted(value, str::to_owned)
}

fn sorted(value: &Value, text: fn(&str) -> String) -> Value {
    match value {
        Value::String(string) => Value::String(text(string)),
        Value::Array(items) => Value::Array(items.iter().map(|item| sorted(item, text)).collect()),
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort_unstable();
            let members = keys.into_iter().map(|key| (key.clone(), sorted(&members[key], text)));
            Value::Object(members.collect::<Map<String, Value>>())
        }
        Value::Number(number) => Value::Number(whole(number)),
        other => other.clone(),
    }
}

/// Returns a number as JavaScript writes it: what has no fraction has no point.
fn whole(number: &Number) -> Number {
    const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= LARGEST_EXACT => Number::from(float as i64),
        _ => number.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const GOVERNANCE: Field = Field::named("governance");

    fn same_persona(left: Value, right: Value) -> bool {
        same(Field::PERSONA, Some(&left), Some(&right))
    }

    #[test]
    fn line_ends_and_outer_white_space_do_not_matter() {
        assert!(same_persona(json!(" a\n"), json!("a")));
        assert!(same_persona(json!("a\r\nb"), json!("a\nb")));
        assert!(same_persona(json!("a\rb"), json!("a\nb")));
        assert!(same_persona(json!("\u{feff}a\u{a0}"), json!("a")));
        assert!(same_persona(json!({"base": " a\r\n"}), json!({"base": "a"})));
        assert!(same_persona(json!({"base": "a", "voice": "b"}), json!({"voice": "b", "base": "a"})));
    }

    #[test]
    fn everything_inside_matters() {
        for (left, right) in [
            (json!("a  b"), json!("a b")),
            (json!("A"), json!("a")),
            (json!("a \nb"), json!("a\nb")),
            (json!("a\\\\b"), json!("a\\b")),
            (json!("it\\'s"), json!("it's")),
            (json!("\u{e9}"), json!("e\u{301}")),
            (json!({"base": "a"}), json!("a")),
            (json!({"base": "a", "voice": ""}), json!({"base": "a"})),
            (json!({"base": "a"}), json!("{\"base\":\"a\"}")),
        ] {
            assert!(!same_persona(left.clone(), right.clone()), "{left} {right}");
        }
    }

    #[test]
    fn a_value_without_content_is_the_same_as_none() {
        for (field, value) in [
            (Field::NAME, json!("")),
            (Field::PERSONA, json!(" \n")),
            (Field::PERSONA, json!({})),
            (Field::PERSONA, json!({"base": " "})),
            (Field::MODEL, json!(null)),
            (GOVERNANCE, json!({})),
            (GOVERNANCE, json!({"mode": ""})),
        ] {
            assert!(same(field, Some(&value), None), "{field} {value}");
        }
    }

    #[test]
    fn a_linked_item_is_what_its_id_names() {
        let same = |left: Value, right: Value| same(Field::named("voices"), Some(&left), Some(&right));
        assert!(same(json!([{"voiceId": "v"}]), json!([{"name": "front", "voiceId": "v"}])));
        assert!(!same(json!([{"voiceId": "v"}, {"voiceId": "w"}]), json!([{"voiceId": "w"}, {"voiceId": "v"}])));
        assert!(!same(json!(["v"]), json!([{"voiceId": "v"}])));
    }

    #[test]
    fn a_number_without_a_fraction_has_no_point() {
        let same = |left: &str, right: &str| {
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            same(Field::named("modelSettings"), Some(&value(left)), Some(&value(right)))
        };
        assert!(same(r#"{"temperature": 1.0, "seed": [7.0]}"#, r#"{"temperature": 1, "seed": [7]}"#));
        assert!(!same(r#"{"temperature": 0.5}"#, r#"{"temperature": 0}"#));
        assert!(!same(r#"{"seed": 9007199254740993}"#, r#"{"seed": 9007199254740992}"#));
    }

    #[test]
    fn the_governance_key_is_not_compared() {
        let local = json!({"mode": "sdk", "apiKey": "secret"});
        assert!(same(GOVERNANCE, Some(&local), Some(&json!({"mode": "sdk"}))));
    }

    #[test]
    fn a_digest_reads_back() {
        let digest = Digest::of_bytes(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("00".parse::<Digest>().is_err());
        assert!("G".repeat(64).parse::<Digest>().is_err());
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_a_fixpoint(text in "(\\PC|[\r\n\t \u{feff}\u{85}]){0,40}", voice in "(\\PC|[\r\n ]){0,10}") {
            for value in [json!(text), json!({"base": text, "voice": voice})] {
                let once = canonical(Field::PERSONA, Some(&value));
                prop_assert_eq!(canonical(Field::PERSONA, once.as_ref()), once);
            }
        }

        #[test]
        fn equal_values_have_equal_digests(text in "(\\PC|[\r\n]){0,20}", other in "(\\PC|[\r\n]){0,20}") {
            let (left, right) = (json!(text), json!(other));
            let same_digest = digest(Field::PERSONA, Some(&left)) == digest(Field::PERSONA, Some(&right));
            prop_assert_eq!(same(Field::PERSONA, Some(&left), Some(&right)), same_digest);
        }
    }
}
