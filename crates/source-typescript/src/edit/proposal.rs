//! What an edit is to bring about, and how it could: a proposal is replacements of stretches of files.

use keepstep_agent::Field;
use serde_json::Value as Json;

use crate::value::Site;

/// What an edit is to bring about.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    pub(super) field: Field,
    /// The member of the field's value that is changed.
    pub(super) path: Vec<String>,
    /// The value that the whole field has afterwards.
    pub(super) total: Option<Json>,
}

/// One stretch of a file and what takes its place.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    pub(super) site: Site,
    pub(super) text: String,
}

/// Replacements that belong together.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    pub(super) replacements: Vec<Replacement>,
    /// How many parts the text may have afterwards: text that became code would add some.
    pub(super) most_parts: Option<usize>,
}

/// Returns a text with stretches replaced, or `None` if they overlap.
pub(super) fn replaced(text: &str, replacements: &[&Replacement]) -> Option<String> {
    let mut ordered: Vec<&Replacement> = replacements.to_vec();
    ordered.sort_by_key(|replacement| replacement.site.span);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for replacement in ordered {
        let range = replacement.site.span.range();
        out.push_str(text.get(at..range.start)?);
        out.push_str(&replacement.text);
        at = range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}
