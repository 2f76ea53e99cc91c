//! The text of a merged list of inputs: what somebody wrote stays as it is written, comments included.
//!
//! The text is cut into the pieces of its entries, each with the comments above it. An entry that did not change keeps its piece; one that
//! did gets a new one below its comments. A comment goes only with the entry that it stands at.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use keepstep_testdata::input_list::{ENTRIES, item_id};
use keepstep_testdata::yaml::to_yaml;
use serde_json::Value;

use super::text;
use crate::yaml::layout::{Layout, comments, layout};

/// A list in the words of whoever wrote it.
pub(super) struct ListWords<'a> {
    /// Everything before the first entry and its comments.
    before: Vec<&'a str>,
    pieces: Vec<Piece<'a>>,
    /// Everything behind the last entry.
    after: Vec<&'a str>,
    layout: Layout,
}

/// An entry as it is written.
#[derive(Clone)]
struct Piece<'a> {
    /// The line that it begins at, counted from 0.
    first: usize,
    /// The lines of comments and the empty ones above it.
    above: Vec<&'a str>,
    lines: Vec<&'a str>,
}

impl<'a> ListWords<'a> {
    /// Cuts a text into its pieces; `None` where its entries do not stand on lines of their own.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let layout = layout(text, ENTRIES)?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let is_alone = |line: usize| layout.comments.iter().find(|comment| comment.line == line && comment.is_alone);
        let indent = " ".repeat(layout.dash);
        let is_dash = |line: usize| {
            let rest = lines[line].strip_prefix(&indent).and_then(|entry| entry.strip_prefix('-'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        };
        let is_blank = |line: usize| lines[line].trim().is_empty();
        let is_inside = |line: usize| {
            let indentation = lines[line].len() - lines[line].trim_start_matches(' ').len();
            is_blank(line) || indentation > layout.dash || is_dash(line) || is_alone(line).is_some()
        };
        let end = (layout.first..lines.len()).find(|line| !is_inside(*line)).unwrap_or(lines.len());
        let dashes: Vec<usize> = (layout.first..end).filter(|line| is_dash(*line)).collect();
        // What stands above an entry at its own column or before is its own.
        let above = |line: usize, from: usize| {
            let is_above = |line: &usize| is_blank(*line) || is_alone(*line).is_some_and(|comment| comment.column <= layout.dash);
            (from..line).rev().take_while(is_above).last().unwrap_or(line)
        };
        let mut pieces = Vec::new();
        let first = dashes.first().map_or(layout.first, |line| above(*line, 0));
        let mut start = first;
        for (at, &dash) in dashes.iter().enumerate() {
            let next = dashes.get(at + 1).copied().unwrap_or(end);
            let next = above(next, dash + 1);
            pieces.push(Piece { first: dash, above: lines[start..dash].to_vec(), lines: lines[dash..next].to_vec() });
            start = next;
        }
        Some(Self { before: lines[..first].to_vec(), pieces, after: lines[start..].to_vec(), layout })
    }

    /// Returns the text with other entries; `None` where that would say something else than they do. `local` are the entries that
    /// the text has.
    pub(super) fn with_entries(&self, text: &str, local: &[Value], entries: &[Value]) -> Option<String> {
        self.written(text, local, entries, &origins(local, entries))
    }

    /// The same for entries each of which is the one at its place, whatever it says now.
    pub(super) fn with_entries_in_place(&self, text: &str, local: &[Value], entries: &[Value]) -> Option<String> {
        self.written(text, local, entries, &(0..entries.len()).map(Some).collect::<Vec<_>>())
    }

    fn written(&self, text: &str, local: &[Value], entries: &[Value], origins: &[Option<usize>]) -> Option<String> {
        if self.pieces.len() != local.len() || entries.is_empty() {
            return None;
        }
        let ends = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut out: String = self.before.concat();
        // Comments that stand apart stay where an entry goes that they were above.
        let is_gone = |piece: &usize| !origins.contains(&Some(*piece));
        let apart = |pieces: Range<usize>| pieces.filter(is_gone).flat_map(|piece| self.pieces[piece].apart());
        let mut pending: Vec<&str> = Vec::new();
        let mut next = 0;
        for (entry, origin) in entries.iter().zip(origins) {
            if let Some(at) = *origin {
                pending.extend(apart(next..at.max(next)));
                next = next.max(at + 1);
            }
            let piece = origin.map(|at| (&self.pieces[at], &local[at]));
            pending.drain(..).for_each(|line| push(&mut out, line, ends));
            match piece {
                Some((piece, same)) if same == entry => {
                    piece.above.iter().chain(&piece.lines).for_each(|line| push(&mut out, line, ends));
                }
                _ => self.write_new(&mut out, piece.map(|(piece, _)| piece), entry, ends),
            }
        }
        pending.extend(apart(next..self.pieces.len()));
        pending.iter().for_each(|line| push(&mut out, line, ends));
        self.after.iter().for_each(|line| push(&mut out, line, ends));
        let mut wanted = text::inputs(text).ok()?;
        wanted.entries = entries.to_vec();
        (text::inputs(&out).ok()? == wanted).then_some(out)
    }

    /// Writes an entry that is new or changed. Comments inside of the old piece stand above it now, since nobody knows what of it
    /// they were about.
    fn write_new(&self, out: &mut String, piece: Option<&Piece<'_>>, entry: &Value, ends: &str) {
        let indent = " ".repeat(self.layout.dash);
        if let Some(piece) = piece {
            piece.above.iter().for_each(|line| push(out, line, ends));
            let lines = piece.first..piece.first + piece.lines.len();
            for comment in self.layout.comments.iter().filter(|comment| lines.contains(&comment.line)) {
                push(out, &format!("{indent}# {}", comment.text), ends);
            }
        }
        let written = to_yaml(&Value::from(vec![entry.clone()]));
        for line in written.lines() {
            push(out, &if line.is_empty() { String::new() } else { format!("{indent}{line}") }, ends);
        }
    }
}

impl<'a> Piece<'a> {
    /// Returns what of the comments above stands apart from the entry: an empty line is between.
    fn apart(&self) -> Vec<&'a str> {
        let end = self.above.iter().rposition(|line| line.trim().is_empty()).map_or(0, |at| at + 1);
        let apart = &self.above[..end];
        if apart.iter().all(|line| line.trim().is_empty()) { Vec::new() } else { apart.to_vec() }
    }
}

/// Returns which of the local entries each entry is: the same one, else the one with its id.
fn origins(local: &[Value], entries: &[Value]) -> Vec<Option<usize>> {
    let mut by_content: HashMap<String, Vec<usize>> = HashMap::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (at, entry) in local.iter().enumerate().rev() {
        by_content.entry(entry.to_string()).or_default().push(at);
        if let Some(id) = item_id(entry) {
            by_id.insert(id, at);
        }
    }
    let same = |entry: &Value| by_content.get_mut(&entry.to_string()).and_then(Vec::pop);
    let mut origins: Vec<Option<usize>> = entries.iter().map(same).collect();
    let mut used: HashSet<usize> = origins.iter().flatten().copied().collect();
    for (entry, origin) in entries.iter().zip(&mut origins) {
        if origin.is_none() {
            *origin = item_id(entry).and_then(|id| by_id.get(&id).copied()).filter(|at| used.insert(*at));
        }
    }
    origins
}

fn push(out: &mut String, line: &str, ends: &str) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(ends);
    }
    out.push_str(line.trim_end_matches(['\n', '\r']));
    out.push_str(ends);
}

/// Returns true if a text has fewer comments than another one.
pub(super) fn has_lost_comments(before: &str, after: &str) -> bool {
    let said = |text: &str| comments(text).unwrap_or_default().into_iter().map(|comment| comment.text).collect::<Vec<_>>();
    let mut after = said(after);
    let mut take = |text: &_| Some(after.swap_remove(after.iter().position(|other| other == text)?));
    said(before).iter().any(|text| take(text).is_none())
}

#[cfg(test)]
#[path = "list_text_tests.rs"]
mod tests;
