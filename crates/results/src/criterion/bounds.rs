//! What a criterion may take of a server that others use, too.
//!
//! A test runs where the person is who wrote its criteria; there they take what they take. On a server the same code judges within bounds: what
//! could take longer says so, and is not judged.

use serde_json::Value;

/// How large a compiled pattern may be, in bytes.
const PATTERN: usize = 1024 * 1024;

/// The longest pattern, in bytes: read, each of its characters takes a hundred.
const LONGEST_PATTERN: usize = 32 * 1024;

/// How often a byte of a compiled pattern may meet a byte of an answer: each time takes up to two nanoseconds.
const PATTERN_STEPS: usize = 1 << 31;

/// How large a compiled pattern of a schema may be, in bytes.
pub(super) const PATTERN_OF_A_SCHEMA: usize = 64 * 1024;

/// How much memory a pattern of a schema may take while it is matched, in bytes.
pub(super) const CACHE_OF_A_PATTERN: usize = 256 * 1024;

/// How many parts of a schema are looked at, with all that it refers to.
const SCHEMA: u64 = 20_000;

/// How large a schema may be, with all that it refers to. So it has at most 25 patterns.
const LARGEST_SCHEMA: u64 = 400_000;

/// How deep a schema may be, with all that it refers to: it is read and it judges by functions that call themselves.
const DEPTH: usize = 100;

/// What a pattern counts as in a schema: as long as it takes.
const PATTERN_IN_A_SCHEMA: u64 = 16_000;

/// How often a schema is looked at where one that it has says `unevaluatedProperties`: what these are is found out by judging again.
const JUDGED_AGAIN: u64 = 4;

const TOO_LARGE: &str = "the schema is too large with all that it refers to";
const TOO_DEEP: &str = "the schema is too deep with all that it refers to";
const ITSELF: &str = "the schema refers to itself";
const NOT_FOLLOWED: &str = "the schema has a reference that is followed only where a test runs";
const PATTERN_OF_THE_ANSWER: &str = "the schema reads patterns from the answer";
pub(super) const PATTERN_TOO_LARGE: &str = "a pattern of the schema is too large";

/// What a criterion may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How large a compiled pattern may be.
    pub(super) pattern: usize,
    /// How large a schema may be.
    schema: u64,
}

impl Bounds {
    /// Returns what a criterion may take that looks at so many bytes.
    pub fn of_answer(bytes: usize) -> Self {
        Self { pattern: (PATTERN_STEPS / bytes.max(1)).min(PATTERN), schema: LARGEST_SCHEMA }
    }

    /// Returns what a criterion may take that is one of a list, and looks at nothing.
    pub fn of_list() -> Self {
        Self { pattern: 16 * 1024, schema: 1000 }
    }

    /// Returns true for a pattern that is too long to be read.
    pub(super) fn is_too_long(pattern: &str) -> bool {
        pattern.len() > LONGEST_PATTERN
    }
}

/// What a schema comes to with all that it refers to.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    /// How large it is: how many parts of it may meet a value.
    pub(super) size: u64,
    /// Its patterns.
    pub(super) patterns: Vec<&'a str>,
    /// True where it may fit in several ways: then a fault is told with those of each.
    pub(super) has_alternatives: bool,
}

/// Returns what a schema comes to, or why it is not judged within bounds.
pub(super) fn measured(schema: &Value, bounds: Bounds) -> Result<Measured<'_>, &'static str> {
    // Of before `$id` was called so, a part with it is a document of its own.
    let is_of_draft_4 = schema.get("$schema").and_then(Value::as_str).is_some_and(|draft| draft.contains("draft-04"));
    let nothing = Measured { size: 0, patterns: Vec::new(), has_alternatives: false };
    let mut measuring =
        Measuring { whole: schema, is_of_draft_4, most: bounds.schema, open: Vec::new(), depth: 0, seen: 0, found: nothing };
    let size = measuring.size(schema)?;
    Ok(Measured { size, ..measuring.found })
}

/// About how many values the JSON of an answer has, at most.
pub(super) fn values_of(answer: &str) -> u64 {
    answer.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() as u64 + 1
}

struct Measuring<'a> {
    whole: &'a Value,
    is_of_draft_4: bool,
    most: u64,
    /// The references that lead to the part.
    open: Vec<&'a str>,
    depth: usize,
    /// How much was looked at.
    seen: u64,
    found: Measured<'a>,
}

impl<'a> Measuring<'a> {
    fn size(&mut self, part: &'a Value) -> Result<u64, &'static str> {
        self.seen += 1;
        self.depth += 1;
        if self.seen > SCHEMA {
            return Err(TOO_LARGE);
        }
        if self.depth > DEPTH {
            return Err(TOO_DEEP);
        }
        let (mut sum, mut times): (u64, u64) = (1, 1);
        match part {
            Value::Array(parts) => {
                for part in parts {
                    sum = sum.saturating_add(self.size(part)?);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let is_unevaluated = matches!(name.as_str(), "unevaluatedProperties" | "unevaluatedItems");
                    times = if is_unevaluated { JUDGED_AGAIN } else { times };
                    sum = sum.saturating_add(self.member(name, member)?);
                }
            }
            _ => {}
        }
        self.depth -= 1;
        let size = sum.saturating_mul(times);
        if size > self.most { Err(TOO_LARGE) } else { Ok(size) }
    }

    fn member(&mut self, name: &str, member: &'a Value) -> Result<u64, &'static str> {
        let is_whole = self.depth == 1;
        Ok(match (name, member) {
            ("$ref", Value::String(reference)) => self.target(reference)?,
            // The whole is a document anyway.
            ("$id" | "$schema", Value::String(_)) if is_whole => 1,
            ("id", Value::String(_)) if is_whole || !self.is_of_draft_4 => 1,
            // A reference is only followed where it is written as a path.
            ("$dynamicRef" | "$recursiveRef" | "$id" | "$schema" | "$anchor" | "$dynamicAnchor", _)
            | ("id", Value::String(_)) => return Err(NOT_FOLLOWED),
            ("format", Value::String(format)) if format == "regex" => return Err(PATTERN_OF_THE_ANSWER),
            ("pattern", Value::String(pattern)) => self.pattern(pattern)?,
            ("patternProperties", Value::Object(patterns)) => {
                let mut sum = 0;
                for pattern in patterns.keys() {
                    sum += self.pattern(pattern)?;
                }
                sum.saturating_add(self.size(member)?)
            }
            _ => {
                self.found.has_alternatives |= matches!(name, "anyOf" | "oneOf");
                self.size(member)?
            }
        })
    }

    fn pattern(&mut self, pattern: &'a str) -> Result<u64, &'static str> {
        if Bounds::is_too_long(pattern) {
            return Err(PATTERN_TOO_LARGE);
        }
        self.found.patterns.push(pattern);
        if self.found.patterns.len() as u64 * PATTERN_IN_A_SCHEMA > LARGEST_SCHEMA {
            return Err(TOO_LARGE);
        }
        Ok(PATTERN_IN_A_SCHEMA)
    }

    fn target(&mut self, reference: &'a str) -> Result<u64, &'static str> {
        // What is written with `%` is another path for who reads it.
        let path = reference.strip_prefix('#').filter(|path| !path.contains('%')).ok_or(NOT_FOLLOWED)?;
        let target = self.whole.pointer(path).ok_or(NOT_FOLLOWED)?;
        if self.open.contains(&reference) {
            return Err(ITSELF);
        }
        self.open.push(reference);
        let size = self.size(target)?;
        self.open.pop();
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn size_of_schema(schema: &Value) -> Result<u64, &'static str> {
        measured(schema, Bounds::of_answer(0)).map(|measured| measured.size)
    }

    /// A schema whose parts refer to the next one each, in some way.
    fn chain(links: usize, link: impl Fn(Value) -> Value) -> Value {
        let mut definitions = serde_json::Map::new();
        for level in 0..links {
            definitions.insert(level.to_string(), link(json!({"$ref": format!("#/$defs/{}", level + 1)})));
        }
        definitions.insert(links.to_string(), json!({"type": "string"}));
        json!({"$ref": "#/$defs/0", "$defs": definitions})
    }

    #[test]
    fn a_schema_that_grows_by_its_references_is_too_large() {
        assert_eq!(size_of_schema(&json!({"type": "object"})), Ok(2));
        assert_eq!(
            size_of_schema(&json!({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "string"}}})),
            Ok(8)
        );
        assert_eq!(size_of_schema(&chain(60, |next| json!({"allOf": [next, next]}))), Err(TOO_DEEP));
        assert_eq!(size_of_schema(&chain(20, |next| json!({"allOf": [next, next]}))), Err(TOO_LARGE));
        for itself in [json!({"$ref": "#"}), json!({"properties": {"next": {"$ref": "#"}}})] {
            assert_eq!(size_of_schema(&itself), Err(ITSELF), "{itself}");
        }
    }

    #[test]
    fn what_is_another_document_for_who_judges_is_not_followed() {
        let of_draft_4 = "http://json-schema.org/draft-04/schema#";
        for elsewhere in [
            json!({"$ref": "https://example.com"}),
            json!({"$dynamicRef": "#a"}),
            json!({"$ref": "#/$defs/a%41", "$defs": {"a%41": {}, "aA": {"$ref": "#"}}}),
            json!({"not": {"$id": "https://example.com", "$ref": "#/$defs/a"}, "$defs": {"a": {}}}),
            json!({"$schema": of_draft_4, "not": {"id": "https://example.com", "$ref": "#/$defs/a"}, "$defs": {"a": {}}}),
        ] {
            assert_eq!(size_of_schema(&elsewhere), Err(NOT_FOLLOWED), "{elsewhere}");
        }
        for whole in [json!({"$id": "https://example.com", "$schema": "x"}), json!({"default": {"id": "a"}})] {
            assert!(size_of_schema(&whole).is_ok(), "{whole}");
        }
        let read = json!({"$schema": "http://json-schema.org/draft-07/schema#", "format": "regex"});
        assert_eq!(size_of_schema(&read), Err(PATTERN_OF_THE_ANSWER));
    }

    #[test]
    fn a_schema_is_neither_deep_nor_full_of_patterns() {
        // So deep, the threads of a server would have no room for what calls itself; a test would end with it.
        assert_eq!(size_of_schema(&chain(5000, |next| next)), Err(TOO_DEEP));
        let patterns = |many: usize| -> Value {
            json!({"allOf": (0..many).map(|at| json!({"pattern": at.to_string()})).collect::<Vec<_>>()})
        };
        assert!(size_of_schema(&patterns(24)).is_ok());
        assert_eq!(size_of_schema(&patterns(26)), Err(TOO_LARGE));
        assert_eq!(size_of_schema(&json!({"pattern": "a".repeat(LONGEST_PATTERN + 1)})), Err(PATTERN_TOO_LARGE));
        assert!(measured(&patterns(1), Bounds::of_list()).is_err());
    }
}
