//! The proof of a proposal: the project is read again with the changed text, and has to say what is wanted.

use keepstep_source::AgentSource as _;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::read::read_graph;
use crate::syntax::File;
use crate::typescript_agent::TypeScriptAgent;
use keepstep_source::Property;

use super::proposal::{Goal, Proposal, Replacement, replaced};
use super::site::parts;

/// Why a proposal is not accepted.
#[derive(Debug, Clone)]
pub(super) enum Rejection {
    /// The replacements overlap, or the project cannot be read afterwards.
    Broken,
    /// The field has another value than the wanted one.
    Value,
    /// Another property would change.
    Other(String),
    /// The text is written in a file of the repository that is not the project's.
    Outside(PathBuf),
}

/// Returns the project with a proposal carried out.
pub(super) fn prove(source: &TypeScriptAgent, goal: &Goal, proposal: &Proposal) -> Result<TypeScriptAgent, Rejection> {
    let mut by_file: BTreeMap<PathBuf, (Arc<File>, Vec<&Replacement>)> = BTreeMap::new();
    for replacement in &proposal.replacements {
        let file = &replacement.site.file;
        by_file.entry(file.path.clone()).or_insert_with(|| (Arc::clone(file), Vec::new())).1.push(replacement);
    }
    if let Some(path) = by_file.keys().find(|path| !path.starts_with(&source.graph.root)) {
        return Err(Rejection::Outside(source.graph.relative(path)));
    }
    let mut texts = Vec::new();
    for (path, (file, replacements)) in by_file {
        texts.push((path, replaced(&file.text, &replacements).ok_or(Rejection::Broken)?));
    }
    let edited = read_graph(source.graph.with_texts(texts), &source.options).map_err(|_| Rejection::Broken)?;
    if edited.agent.module.file.path != source.agent.module.file.path {
        return Err(Rejection::Broken);
    }
    // What was a literal stays one; what was computed may go on being computed.
    let was_computed = matches!(source.property(goal.field), Property::Known { computed: true, .. });
    let is_wanted = match (edited.property(goal.field), &goal.total) {
        (Property::Known { value, computed, .. }, Some(total)) => value == total && (was_computed || !computed),
        (Property::Absent, None) => true,
        _ => false,
    };
    for (key, before) in source.all() {
        let after = edited.all().find(|(other, _)| *other == key).map(|(_, property)| property);
        if key != goal.field.key()
            && !after.is_some_and(|after| is_equivalent(before, after) || differs_by_itself(source, key, before, after))
        {
            return Err(Rejection::Other(key.to_owned()));
        }
    }
    if let Some((key, _)) = edited.all().find(|(key, _)| source.all().all(|(other, _)| other != *key)) {
        return Err(Rejection::Other(key.to_owned()));
    }
    if !is_wanted {
        // Another member of the same object is another text as well.
        let is_elsewhere = !goal.path.is_empty() && differs_elsewhere(&edited, goal);
        return Err(if is_elsewhere { Rejection::Other(goal.field.key().to_owned()) } else { Rejection::Value });
    }
    match (proposal.most_parts, parts(&edited, goal)) {
        (Some(most), Some(parts)) if parts > most => Err(Rejection::Value),
        _ => Ok(edited),
    }
}

fn differs_elsewhere(edited: &TypeScriptAgent, goal: &Goal) -> bool {
    let at = |value: Option<&serde_json::Value>| goal.path.iter().try_fold(value?.clone(), |value, key| value.get(key).cloned());
    let value = edited.property(goal.field).value();
    value.is_some() && at(value) == at(goal.total.as_ref())
}

/// Returns true if two properties are the same but for their places.
fn is_equivalent(before: &Property, after: &Property) -> bool {
    match (before, after) {
        (Property::Known { value, computed, .. }, Property::Known { value: other, computed: other_computed, .. }) => {
            value == other && computed == other_computed
        }
        // What is wrong may name a line, and lines move.
        (Property::Unreadable(_), Property::Unreadable(_))
        | (Property::Function { .. }, Property::Function { .. })
        | (Property::Absent, Property::Absent) => true,
        _ => false,
    }
}

/// Returns true if a computed property is another one each time that the code runs, also without any edit.
fn differs_by_itself(source: &TypeScriptAgent, key: &str, before: &Property, after: &Property) -> bool {
    let is_computed = |property: &Property| matches!(property, Property::Known { computed: true, .. });
    is_computed(before)
        && is_computed(after)
        && read_graph(source.graph.clone(), &source.options).is_ok_and(|again| {
            again.all().find(|(other, _)| *other == key).is_some_and(|(_, again)| !is_equivalent(before, again))
        })
}
