//! Spreads a new text over the parts that the old one is put together from.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// With more pieces than this, a comparison piece by piece takes too long, and the texts are compared by larger ones.
const MOST_PIECES: usize = 20_000;

/// A part of the old text, and whether it can have another text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) text: &'a str,
    pub(super) is_open: bool,
}

/// A stretch of the old text and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk<'a> {
    pub(super) old: Range<usize>,
    pub(super) new: &'a str,
}

/// What texts are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Word,
    Character,
    Line,
}

/// Returns the ways to give the parts new texts that make up the new text, the most plausible first.
pub(super) fn assignments(cells: &[Cell<'_>], new: &str) -> Vec<Vec<String>> {
    let old: String = cells.iter().map(|cell| cell.text).collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    for piece in [Piece::Word, Piece::Line, Piece::Character] {
        add(&mut found, place(cells, &hunks_by(&old, new, piece)));
    }
    // One stretch from the first difference to the last.
    add(&mut found, place(cells, &middle(&old, new).into_iter().collect::<Vec<_>>()));
    add(&mut found, anchored(cells, new));
    found
}

fn add(found: &mut Vec<Vec<String>>, assignment: Option<Vec<String>>) {
    if let Some(assignment) = assignment
        && !found.contains(&assignment)
    {
        found.push(assignment);
    }
}

/// Returns the differences of two texts, word by word.
pub(super) fn hunks<'n>(old: &str, new: &'n str) -> Vec<Hunk<'n>> {
    hunks_by(old, new, Piece::Word)
}

/// Returns the one stretch from the first difference to the last.
pub(super) fn middle<'n>(old: &str, new: &'n str) -> Option<Hunk<'n>> {
    if old == new {
        return None;
    }
    let (start, old_end, new_end) = common_ends(old, new);
    Some(Hunk { old: start..old_end, new: &new[start..new_end] })
}

/// Returns where the texts begin to differ, and where each ends to.
fn common_ends(old: &str, new: &str) -> (usize, usize, usize) {
    let start: usize =
        old.chars().zip(new.chars()).take_while(|(ours, theirs)| ours == theirs).map(|(character, _)| character.len_utf8()).sum();
    let end: usize = old[start..]
        .chars()
        .rev()
        .zip(new[start..].chars().rev())
        .take_while(|(ours, theirs)| ours == theirs)
        .map(|(character, _)| character.len_utf8())
        .sum();
    (start, old.len() - end, new.len() - end)
}

/// Returns the differences of two texts by pieces of one kind.
pub(super) fn hunks_by<'n>(old: &str, new: &'n str, piece: Piece) -> Vec<Hunk<'n>> {
    if old == new {
        return Vec::new();
    }
    let (mut start, mut old_end, mut new_end) = common_ends(old, new);
    if piece != Piece::Character {
        // Only whole lines are cut off, or a word would be compared with half of one.
        start = old[..start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &old[old_end..];
        let kept = rest.find('\n').map_or(rest.len(), |at| at + 1);
        old_end += kept;
        new_end += kept;
    }
    let (old_pieces, new_pieces) = (pieces(&old[start..old_end], piece), pieces(&new[start..new_end], piece));
    if old_pieces.len() + new_pieces.len() > MOST_PIECES {
        return match piece {
            Piece::Word | Piece::Character => hunks_by(old, new, Piece::Line),
            Piece::Line => middle(old, new).into_iter().collect(),
        };
    }
    let old_offsets = offsets(&old_pieces, start);
    let new_offsets = offsets(&new_pieces, start);
    let mut ranges: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &old_pieces, &new_pieces) {
        if matches!(operation, DiffOp::Equal { .. }) {
            continue;
        }
        let (old_range, new_range) = (operation.old_range(), operation.new_range());
        let old_range = old_offsets[old_range.start]..old_offsets[old_range.end];
        let new_range = new_offsets[new_range.start]..new_offsets[new_range.end];
        match ranges.last_mut() {
            // A deletion and an insertion at the same place are one replacement.
            Some((last_old, last_new)) if last_old.end == old_range.start && last_new.end == new_range.start => {
                last_old.end = old_range.end;
                last_new.end = new_range.end;
            }
            _ => ranges.push((old_range, new_range)),
        }
    }
    ranges.into_iter().map(|(old, new_range)| Hunk { old, new: &new[new_range] }).collect()
}

fn pieces(text: &str, piece: Piece) -> Vec<&str> {
    match piece {
        Piece::Line => text.split_inclusive('\n').collect(),
        Piece::Character => text.char_indices().map(|(at, character)| &text[at..at + character.len_utf8()]).collect(),
        Piece::Word => {
            let mut pieces = Vec::new();
            let mut start = 0;
            let mut last: Option<char> = None;
            for (at, character) in text.char_indices() {
                let is_inside = last.is_some_and(|last| last.is_alphanumeric() && character.is_alphanumeric());
                if last.is_some() && !is_inside {
                    pieces.push(&text[start..at]);
                    start = at;
                }
                last = Some(character);
            }
            if start < text.len() {
                pieces.push(&text[start..]);
            }
            pieces
        }
    }
}

fn offsets(pieces: &[&str], start: usize) -> Vec<usize> {
    let ends = pieces.iter().scan(start, |at, piece| {
        *at += piece.len();
        Some(*at)
    });
    std::iter::once(start).chain(ends).collect()
}

/// Gives each hunk to the open parts that it touches, or returns `None` if it touches another.
fn place(cells: &[Cell<'_>], hunks: &[Hunk<'_>]) -> Option<Vec<String>> {
    let mut starts = Vec::with_capacity(cells.len());
    let mut at = 0;
    for cell in cells {
        starts.push(at);
        at += cell.text.len();
    }
    let mut texts: Vec<String> = cells.iter().map(|cell| cell.text.to_owned()).collect();
    // From the end, so that the offsets of what is still to come stay right.
    for hunk in hunks.iter().rev() {
        let within = |index: usize| {
            let (start, end) = (starts[index], starts[index] + cells[index].text.len());
            (hunk.old.start.clamp(start, end) - start)..(hunk.old.end.clamp(start, end) - start)
        };
        let touched: Vec<usize> = (0..cells.len()).filter(|index| !within(*index).is_empty()).collect();
        if touched.iter().any(|index| !cells[*index].is_open) {
            return None;
        }
        let taker = match touched.first() {
            Some(first) => *first,
            None => (0..cells.len()).find(|index| {
                let range = starts[*index]..=starts[*index] + cells[*index].text.len();
                cells[*index].is_open && range.contains(&hunk.old.start)
            })?,
        };
        for index in touched.iter().rev().filter(|index| **index != taker) {
            texts[*index].replace_range(within(*index), "");
        }
        texts[taker].replace_range(within(taker), hunk.new);
    }
    Some(texts)
}

/// Looks for the texts that stay in the new text, from left to right, and gives what is between them to the open parts.
fn anchored(cells: &[Cell<'_>], new: &str) -> Option<Vec<String>> {
    let mut texts = vec![String::new(); cells.len()];
    let mut rest = new;
    let mut index = 0;
    while index < cells.len() {
        let run_end = (index..cells.len()).find(|at| !cells[*at].is_open && !cells[*at].text.is_empty()).unwrap_or(cells.len());
        let between = if run_end == cells.len() {
            std::mem::take(&mut rest)
        } else {
            let anchor = cells[run_end].text;
            // The last one ends the text; before it, the first that is found.
            let is_last = run_end + 1 == cells.len();
            let at = if is_last { rest.strip_suffix(anchor)?.len() } else { rest.find(anchor)? };
            let between = &rest[..at];
            rest = &rest[at + anchor.len()..];
            anchor.clone_into(&mut texts[run_end]);
            between
        };
        let run = &cells[index..run_end];
        let old: String = run.iter().map(|cell| cell.text).collect();
        if old != between || !run.is_empty() {
            let placed = place(run, &middle(&old, between).into_iter().collect::<Vec<_>>())?;
            for (offset, text) in placed.into_iter().enumerate() {
                texts[index + offset] = text;
            }
        }
        index = run_end + 1;
    }
    rest.is_empty().then_some(texts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells<'a>(parts: &[(&'a str, bool)]) -> Vec<Cell<'a>> {
        parts.iter().map(|&(text, is_open)| Cell { text, is_open }).collect()
    }

    #[test]
    fn a_change_goes_to_the_part_that_it_is_in() {
        let cells = cells(&[("You work for ", true), ("Acme", false), (". Be kind.", true)]);
        let found = assignments(&cells, "You work hard for Acme. Be very kind.");
        assert_eq!(found[0], ["You work hard for ", "Acme", ". Be very kind."]);
        assert!(assignments(&cells, "You work for Globex. Be kind.").is_empty());
    }

    #[test]
    fn an_insertion_between_parts_goes_to_an_open_one() {
        let cells = cells(&[("", true), ("Acme", false), ("", true)]);
        assert_eq!(assignments(&cells, "The Acme!")[0], ["The ", "Acme", "!"]);
    }

    proptest! {
        #[test]
        fn every_assignment_makes_up_the_new_text(
            parts in prop::collection::vec(("[ab \n]{0,6}", any::<bool>()), 1..5),
            new in "[abc \n]{0,20}",
        ) {
            let parts: Vec<(&str, bool)> = parts.iter().map(|(text, is_open)| (text.as_str(), *is_open)).collect();
            let cells = cells(&parts);
            for assignment in assignments(&cells, &new) {
                prop_assert_eq!(assignment.concat(), new.clone());
                for (cell, text) in cells.iter().zip(&assignment) {
                    prop_assert!(cell.is_open || cell.text == text);
                }
            }
        }

        #[test]
        fn hunks_turn_the_old_text_into_the_new(old in "[ab \n😀]{0,20}", new in "[ab \n😀]{0,20}") {
            for piece in [Piece::Word, Piece::Line, Piece::Character] {
                let mut text = old.clone();
                for hunk in hunks_by(&old, &new, piece).iter().rev() {
                    text.replace_range(hunk.old.clone(), hunk.new);
                }
                prop_assert_eq!(&text, &new);
            }
        }
    }
}
