//! Shows a person what to change where no edit can be proven.

use std::collections::HashSet;

use keepstep_agent::Field;
use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::computed;
use crate::typescript_agent::TypeScriptAgent;
use keepstep_source::Location;

/// How many words beside a change are shown.
const MOST_WORDS: usize = 6;

/// Returns the lines of a computed value that changed.
///
/// What the code computes may be a value of this machine, and whoever copied it from here would write that into the code. So of
/// what stays, only words are shown that are written in the code, and a sign for everything else.
pub(super) fn of_computed(
    source: &TypeScriptAgent,
    field: Field,
    location: &Location,
    current: &Json,
    wanted: &Json,
) -> Option<String> {
    let literals = computed::literals(source);
    let known: HashSet<&str> = literals.iter().flat_map(|written| words(&written.text)).filter(|word| is_word(word)).collect();
    let mut out = format!("--- {field} as {location} computes it\n+++ {field} on the server\n");
    let length = out.len();
    add(&mut out, "", current, wanted, &known);
    (out.len() > length).then_some(out)
}

fn add(out: &mut String, path: &str, current: &Json, wanted: &Json, known: &HashSet<&str>) {
    match (current, wanted) {
        (Json::String(current), Json::String(wanted)) => add_text(out, path, current, wanted, known),
        (Json::Object(current), Json::Object(wanted)) => {
            for (key, wanted) in wanted {
                let path = format!("{path}{key}, ");
                add(out, &path, current.get(key).unwrap_or(&Json::String(String::new())), wanted, known);
            }
        }
        _ => {}
    }
}

fn add_text(out: &mut String, path: &str, current: &str, wanted: &str, known: &HashSet<&str>) {
    let (old, new): (Vec<&str>, Vec<&str>) = (current.lines().collect(), wanted.lines().collect());
    let diff = TextDiff::from_slices(&old, &new);
    for operation in diff.ops().iter().filter(|operation| !matches!(operation, similar::DiffOp::Equal { .. })) {
        let (before, after) = (operation.old_range(), operation.new_range());
        out.push_str(&format!("@@ {path}line {} @@\n", before.start + 1));
        let count = before.len().max(after.len());
        let pairs: Vec<(Option<&str>, Option<&str>)> =
            (0..count).map(|index| (old[before.clone()].get(index).copied(), new[after.clone()].get(index).copied())).collect();
        let shown: Vec<(Option<String>, Option<String>)> = pairs.into_iter().map(|(old, new)| line(old, new, known)).collect();
        shown.iter().filter_map(|(old, _)| old.as_ref()).for_each(|old| out.push_str(&format!("-{old}\n")));
        shown.iter().filter_map(|(_, new)| new.as_ref()).for_each(|new| out.push_str(&format!("+{new}\n")));
    }
}

/// Returns two lines with the words that differ and those around them.
fn line(old: Option<&str>, new: Option<&str>, known: &HashSet<&str>) -> (Option<String>, Option<String>) {
    let (Some(old), Some(new)) = (old, new) else {
        return (
            old.map(|old| words_near_change(&words(old), known, &vec![false; words(old).len()], MOST_WORDS * 2)),
            new.map(str::to_owned),
        );
    };
    let (old_words, new_words) = (words(old), words(new));
    let diff = TextDiff::from_slices(&old_words, &new_words);
    let (mut old_changed, mut new_changed) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                old_changed.push(false);
                new_changed.push(false);
            }
            ChangeTag::Delete => old_changed.push(true),
            ChangeTag::Insert => new_changed.push(true),
        }
    }
    let all: HashSet<&str> = new_words.iter().zip(&new_changed).filter(|(_, is_new)| **is_new).map(|(word, _)| *word).collect();
    let with_new: HashSet<&str> = known.union(&all).copied().collect();
    (
        Some(words_near_change(&old_words, known, &old_changed, MOST_WORDS)),
        Some(words_near_change(&new_words, &with_new, &new_changed, MOST_WORDS)),
    )
}

/// Returns the words near a change, as far as they are known.
fn words_near_change(words: &[&str], known: &HashSet<&str>, changed: &[bool], reach: usize) -> String {
    let is_near = |index: usize| {
        let (from, to) = (index.saturating_sub(reach), (index + reach + 1).min(changed.len()));
        changed[from..to].iter().any(|is_changed| *is_changed) || !changed.contains(&true)
    };
    let mut out = String::new();
    for (index, word) in words.iter().enumerate() {
        if is_near(index) && (!is_word(word) || known.contains(word)) {
            out.push_str(word);
        } else if !out.ends_with('…') {
            out.push('…');
        }
    }
    out
}

/// Returns a text as its words and what is between them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut last: Option<bool> = None;
    for (at, character) in text.char_indices() {
        let is_word = character.is_alphanumeric() || character == '_';
        if last.is_some_and(|last| last != is_word) {
            words.push(&text[start..at]);
            start = at;
        }
        last = Some(is_word);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

fn is_word(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphanumeric() || first == '_')
}
