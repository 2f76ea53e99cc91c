//! What a criterion may take of a server that others use, too.
//!
//! A test runs where the person is who wrote its criteria; there they take what they take. On a server the same code judges within bounds: what
//! could take longer says so, and is not judged.

use serde_json::Value;

/// How large a compiled pattern may be, in bytes: at least, and at most.
const PATTERN: (usize, usize) = (32 * 1024, 1024 * 1024);

/// How often a state of a pattern may meet a character: matching takes as long as both together.
const PATTERN_STEPS: usize = 1 << 37;

/// How large a compiled pattern of a schema may be, in bytes.
pub(super) const PATTERN_OF_A_SCHEMA: usize = 256 * 1024;

/// How large a schema may be with all that it refers to.
const SCHEMA: u64 = 20_000;

/// What a pattern counts as in a schema.
const PATTERN_IN_A_SCHEMA: u64 = 8000;

/// What a criterion may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How large a compiled pattern may be.
    pub(super) pattern: usize,
}

impl Bounds {
    /// Returns what a criterion may take that looks at so many bytes.
    pub fn of_answer(bytes: usize) -> Self {
        let (least, most) = PATTERN;
        Self { pattern: (PATTERN_STEPS / bytes.max(1)).clamp(least, most) }
    }
}

/// Returns how large a schema is with all that it refers to; nothing where that is too large, or refers to itself.
pub(super) fn size_of_schema(schema: &Value) -> Option<u64> {
    let mut open = Vec::new();
    size(schema, schema, &mut open, &mut 0)
}

/// Returns the size of a part. `open` are the references that lead to it, and `seen` is how much was looked at.
fn size<'a>(part: &'a Value, whole: &'a Value, open: &mut Vec<&'a str>, seen: &mut u64) -> Option<u64> {
    *seen += 1;
    if *seen > SCHEMA {
        return None;
    }
    let mut sum: u64 = 1;
    match part {
        Value::Array(parts) => {
            for part in parts {
                sum += size(part, whole, open, seen)?;
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                sum += match (name.as_str(), member) {
                    ("$ref", Value::String(reference)) => {
                        let target = whole.pointer(reference.strip_prefix('#')?)?;
                        if open.contains(&reference.as_str()) {
                            return None;
                        }
                        open.push(reference);
                        let of_target = size(target, whole, open, seen)?;
                        open.pop();
                        of_target
                    }
                    // A reference is only followed where it is written in this form.
                    ("$dynamicRef" | "$recursiveRef" | "$id" | "$anchor" | "$dynamicAnchor", _) => return None,
                    ("pattern", Value::String(_)) => PATTERN_IN_A_SCHEMA,
                    ("patternProperties", Value::Object(patterns)) => {
                        PATTERN_IN_A_SCHEMA * patterns.len() as u64 + size(member, whole, open, seen)?
                    }
                    _ => size(member, whole, open, seen)?,
                };
            }
        }
        _ => {}
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_grows_by_its_references_is_too_large() {
        assert_eq!(size_of_schema(&json!({"type": "object"})), Some(2));
        assert_eq!(
            size_of_schema(&json!({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "string"}}})),
            Some(8)
        );
        let mut definitions = serde_json::Map::new();
        for level in 0..60 {
            let next = format!("#/$defs/{}", level + 1);
            definitions.insert(level.to_string(), json!({"allOf": [{"$ref": next}, {"$ref": next}]}));
        }
        definitions.insert("60".to_owned(), json!({"type": "string"}));
        assert_eq!(size_of_schema(&json!({"$ref": "#/$defs/0", "$defs": definitions})), None);
        for itself in [json!({"$ref": "#"}), json!({"properties": {"next": {"$ref": "#"}}}), json!({"$dynamicRef": "#a"})] {
            assert_eq!(size_of_schema(&itself), None, "{itself}");
        }
        // What is a property with such a name is no reference.
        assert_eq!(size_of_schema(&json!({"$ref": "https://example.com"})), None);
    }
}
