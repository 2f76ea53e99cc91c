//! The kinds of criteria: one row for each. The parser knows no other, and forms and documentation are made from the same rows.

/// What stands under the key of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One text or several.
    Texts,
    /// A regular expression.
    Pattern,
    /// A text, or the name of a metadata of the input that has it.
    Expected,
    /// A JSON schema.
    Schema,
    /// The name of a tool, and arguments that a call must have at least.
    Tool,
    /// A time.
    Duration,
    /// A number.
    Number,
    /// A program and its arguments.
    Command,
    /// A statement.
    Statement,
}

/// Who says whether a criterion of a kind holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedFrom {
    /// What is known about the case.
    Case,
    /// A program where the test runs.
    Program,
    /// The model that is set as judge where the test runs.
    Model,
}

/// A kind of criterion.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The key that its value stands under.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// When it holds, as a sentence.
    pub about: &'static str,
    /// What stands under its key.
    pub shape: Shape,
    /// The keys that say more about a criterion of this kind, besides those of [`COMMON`].
    pub keys: &'static [&'static str],
    /// Who says whether it holds.
    pub judged_from: JudgedFrom,
}

/// All of them.
pub const KINDS: [Kind; 15] = [
    kind("contains", "Contains", "The answer has all of these texts.", Shape::Texts, &["of", "ignore_case"]),
    kind("contains_any", "Contains one of", "The answer has at least one of these texts.", Shape::Texts, &["of", "ignore_case"]),
    kind("not_contains", "Does not contain", "The answer has none of these texts.", Shape::Texts, &["of", "ignore_case"]),
    kind(
        "regex",
        "Matches a pattern",
        "The regular expression matches somewhere in the answer.",
        Shape::Pattern,
        &["of", "ignore_case"],
    ),
    kind(
        "not_regex",
        "Does not match a pattern",
        "The regular expression matches nowhere in the answer.",
        Shape::Pattern,
        &["of", "ignore_case"],
    ),
    kind("equals", "Equals", "The answer is this text, white space around it aside.", Shape::Expected, &["ignore_case"]),
    kind(
        "similar",
        "Is similar to",
        "The answer is at least so much like this text: 0.8 where `at_least` says nothing else.",
        Shape::Expected,
        &["at_least", "ignore_case"],
    ),
    kind("json_schema", "Is JSON of a schema", "The answer is JSON that fits the schema.", Shape::Schema, &[]),
    kind("tool_called", "Calls a tool", "The agent calls the tool, with at least these arguments.", Shape::Tool, &[]),
    kind("tool_not_called", "Does not call a tool", "The agent does not call the tool with these arguments.", Shape::Tool, &[]),
    kind("latency_at_most", "Answers in time", "No answer takes longer.", Shape::Duration, &[]),
    kind("tokens_at_most", "Takes few tokens", "The case takes at most so many tokens.", Shape::Number, &[]),
    kind("cost_at_most", "Costs little", "The case costs at most so many US dollars.", Shape::Number, &["per_million"]),
    Kind {
        judged_from: JudgedFrom::Program,
        ..kind(
            "program",
            "A program agrees",
            "The program ends with exit code 0. It gets the case as JSON and runs where the test runs.",
            Shape::Command,
            &["timeout"],
        )
    },
    Kind {
        judged_from: JudgedFrom::Model,
        ..kind(
            "judge",
            "A model agrees",
            "The model that is set as judge says that the statement holds.",
            Shape::Statement,
            &["at_least"],
        )
    },
];

/// The keys that say more about a criterion of any kind.
pub const COMMON: [&str; 9] = ["id", "name", "description", "text", "title", "required", "priority", "weight", "when"];

const fn kind(key: &'static str, title: &'static str, about: &'static str, shape: Shape, keys: &'static [&'static str]) -> Kind {
    Kind { key, title, about, shape, keys, judged_from: JudgedFrom::Case }
}

/// Returns the kind with a key.
pub fn kind_of(key: &str) -> Option<&'static Kind> {
    // A constant is copied where it is used; this one is not.
    static ALL: [Kind; 15] = KINDS;
    ALL.iter().find(|kind| kind.key == key)
}

/// Returns all keys that a criterion may have.
pub(super) fn known_keys() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().flat_map(|kind| std::iter::once(kind.key).chain(kind.keys.iter().copied())).chain(COMMON)
}

/// Returns true for a key that says more about a criterion, and is no kind.
pub fn is_addition(key: &str) -> bool {
    COMMON.contains(&key) || KINDS.iter().any(|kind| kind.keys.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page of the reference has a row for each kind, and no other.
    #[test]
    fn the_reference_has_each_kind() {
        let page = include_str!("../../../../docs/reference/criteria.md");
        let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")).collect();
        let row = |kind: &Kind| {
            let keys: Vec<String> = kind.keys.iter().map(|key| format!("`{key}`")).collect();
            format!("{}` | {} | {} |", kind.key, kind.about, keys.join(", "))
        };
        let wanted: Vec<String> = KINDS.iter().map(row).collect();
        assert_eq!(rows[..KINDS.len()], wanted);
        for key in COMMON.iter().chain(KINDS.iter().flat_map(|kind| kind.keys)) {
            assert!(page.contains(&format!("`{key}`")), "{key}");
        }
    }
}
