//! What a criterion expected or found, where it stands in an answer.

use crate::parts::visible::Visible;

/// How much of an answer stands around a place, in characters.
const AROUND: usize = 60;

/// How many places are shown for a criterion, and how many texts of it are looked for.
const MOST: usize = 3;
const MOST_WANTED: usize = 10;

/// A place in a text, with what stands around it.
#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) before: Visible,
    pub(crate) marked: Visible,
    pub(crate) after: Visible,
}

/// An answer in which texts are looked for. Upper and lower case of ASCII are the same.
#[derive(Debug)]
pub(crate) struct Searched<'a> {
    answer: &'a str,
    /// As long, so that the places are the same.
    lower: String,
}

impl<'a> Searched<'a> {
    pub(crate) fn of(answer: &'a str) -> Self {
        Self { answer, lower: answer.to_ascii_lowercase() }
    }

    /// Returns where the answer has the texts that a criterion names in quotes: what it expected, and what it found.
    pub(crate) fn places(&self, expected: &str, found: &str) -> Vec<Place> {
        let found = found.split_once("\" in \"").map_or("", |(found, _)| found);
        let mut wanted = quoted(&format!("{found}\""));
        wanted.extend(quoted(expected));
        let mut places: Vec<(usize, usize)> = wanted.iter().take(MOST_WANTED).filter_map(|text| self.position(text)).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().take(MOST).map(|(start, end)| place(self.answer, start, end)).collect()
    }

    /// Returns where a text begins and ends.
    fn position(&self, wanted: &str) -> Option<(usize, usize)> {
        if wanted.trim().is_empty() {
            return None;
        }
        let at = self.lower.find(&wanted.to_ascii_lowercase())?;
        Some((at, at + wanted.len()))
    }
}

fn place(answer: &str, start: usize, end: usize) -> Place {
    let begin = answer[..start].char_indices().rev().take(AROUND).last().map_or(start, |(at, _)| at);
    let stop = answer[end..].char_indices().nth(AROUND).map_or(answer.len(), |(at, _)| end + at);
    let dots = |is_cut: bool| if is_cut { "…" } else { "" };
    Place {
        before: Visible::of(format!("{}{}", dots(begin > 0), &answer[begin..start])),
        marked: Visible::of(&answer[start..end]),
        after: Visible::of(format!("{}{}", &answer[end..stop], dots(stop < answer.len()))),
    }
}

/// Returns the texts in double quotes, as criteria write them.
fn quoted(text: &str) -> Vec<String> {
    let (mut all, mut current) = (Vec::new(), None::<String>);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (&mut current, character) {
            (None, '"') => current = Some(String::new()),
            (None, _) => {}
            (Some(_), '"') => all.extend(current.take()),
            (Some(inside), '\\') => match characters.next() {
                Some('n') => inside.push('\n'),
                Some('t') => inside.push('\t'),
                Some('r') => inside.push('\r'),
                Some(other) => inside.push(other),
                None => {}
            },
            (Some(inside), other) => inside.push(other),
        }
    }
    // A text that was cut is no text that stands anywhere.
    all.retain(|text| !text.ends_with('…'));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(answer: &str, expected: &str, found: &str) -> Vec<String> {
        let shown = |place: Place| format!("{}[{}]{}", place.before.plain(), place.marked.plain(), place.after.plain());
        Searched::of(answer).places(expected, found).into_iter().map(shown).collect()
    }

    #[test]
    fn what_was_expected_and_found_is_marked_where_it_stands() {
        let answer = "Yes, it arrives on 20 December. Order 4711.";
        let found = r#""20 December" in "Yes, it arrives on 20 December. Order 4711.""#;
        assert_eq!(shown(answer, r"no match of \d+ December", found), ["Yes, it arrives on [20 December]. Order 4711."]);
        assert_eq!(shown(answer, r#"contains "ORDER 4711""#, r#""Yes, it…""#), ["Yes, it arrives on 20 December. [Order 4711]."]);
        assert!(shown(answer, "politeness", "no match in \"Yes\"").is_empty());
        assert!(shown("", "\"\"", "\"a\" in \"\"").is_empty());
        assert_eq!(shown("a \"b\"\nü", r#""\"b\"\n""#, ""), ["a [\"b\"\n]ü"]);
    }

    #[test]
    fn a_long_answer_is_shown_around_the_place() {
        let answer = format!("{}needle{}", "ä".repeat(500), "ö".repeat(500));
        let [shown] = &shown(&answer, "\"needle\"", "")[..] else { panic!("one place") };
        assert_eq!(shown.chars().count(), 2 * AROUND + "…[needle]…".chars().count());
    }
}
