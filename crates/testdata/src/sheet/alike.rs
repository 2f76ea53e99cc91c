//! Texts that say nearly the same.
//!
//! Two texts are compared by the groups of three characters that they have, after case, white space and punctuation are taken away. So that
//! many can be compared with many, each text is found by the few of its groups that come first in one order of all groups: texts that
//! are alike enough share at least one of these (the prefix filter of similarity joins).

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

/// How much of a text counts, in characters.
const LONGEST: usize = 2000;

/// How many texts one is compared with at most, and how many are found by a group: where all are alike, one of them is enough.
const MOST_COMPARED: usize = 64;

/// Texts that are alike have at least this part of their groups in common, in tenths.
const ALIKE: usize = 7;

/// Texts, and how to find those that are like another.
#[derive(Debug, Default)]
pub struct AlikeTexts {
    texts: Vec<Vec<u32>>,
    found_by: HashMap<u32, Vec<usize>>,
}

impl AlikeTexts {
    /// Returns the number of a text that is like this one: the one that is most like it of those that it is compared with.
    pub fn find(&self, text: &str) -> Option<usize> {
        let groups = groups(text);
        let mut compared: Vec<usize> = Vec::new();
        let mut best: Option<(usize, usize, usize)> = None;
        let candidates = first_groups(&groups).iter().filter_map(|group| self.found_by.get(group)).flatten();
        for &candidate in candidates {
            if compared.len() == MOST_COMPARED {
                break;
            }
            if compared.contains(&candidate) {
                continue;
            }
            compared.push(candidate);
            let (common, all) = overlap(&groups, &self.texts[candidate]);
            let is_better = best.is_none_or(|(best, of_common, of_all)| (common * of_all, best) > (of_common * all, candidate));
            if is_alike(common, all) && is_better {
                best = Some((candidate, common, all));
            }
        }
        best.map(|(candidate, ..)| candidate)
    }

    /// Adds a text, and returns its number: they count from 0.
    pub fn add(&mut self, text: &str) -> usize {
        let (groups, number) = (groups(text), self.texts.len());
        for group in first_groups(&groups) {
            let found = self.found_by.entry(*group).or_default();
            if found.len() < MOST_COMPARED {
                found.push(number);
            }
        }
        self.texts.push(groups);
        number
    }
}

/// Returns how alike two texts are: 0 where they have nothing in common, 1 where they differ in nothing that counts.
pub fn likeness(one: &str, other: &str) -> f64 {
    let (common, all) = overlap(&groups(one), &groups(other));
    if all == 0 { 1.0 } else { common as f64 / all as f64 }
}

fn is_alike(common: usize, all: usize) -> bool {
    common * 10 >= all * ALIKE
}

/// Returns the groups of a text in the order of all groups.
fn groups(text: &str) -> Vec<u32> {
    let words = normalized(text);
    let characters: Vec<char> = std::iter::once(' ').chain(words.chars()).chain([' ']).collect();
    let mut groups: Vec<u32> = characters.windows(3).map(number_of).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Returns the letters and digits of a text in small letters, with one blank between words. A text without any is as it is.
fn normalized(text: &str) -> String {
    let cut: String = text.trim().chars().take(LONGEST).collect();
    let folded: String = cut.nfkc().flat_map(char::to_lowercase).collect();
    let words: Vec<&str> = folded.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { folded } else { words.join(" ") }
}

/// Returns a number for a group: FNV-1a over its characters.
fn number_of(group: &[char]) -> u32 {
    group.iter().fold(0x811c_9dc5, |number, character| (number ^ u32::from(*character)).wrapping_mul(0x0100_0193))
}

/// Returns the groups of which a text shares at least one with each that is like it.
fn first_groups(groups: &[u32]) -> &[u32] {
    let in_common = (groups.len() * ALIKE).div_ceil(10);
    &groups[..(groups.len() - in_common + 1).min(groups.len())]
}

/// Returns how many groups two texts have in common, and how many they have together.
fn overlap(one: &[u32], other: &[u32]) -> (usize, usize) {
    let (mut common, mut left, mut right) = (0, 0, 0);
    while let (Some(first), Some(second)) = (one.get(left), other.get(right)) {
        match first.cmp(second) {
            std::cmp::Ordering::Less => left += 1,
            std::cmp::Ordering::Greater => right += 1,
            std::cmp::Ordering::Equal => (common, left, right) = (common + 1, left + 1, right + 1),
        }
    }
    (common, one.len() + other.len() - common)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_in_a_letter_or_a_sign_is_alike() {
        let mut texts = AlikeTexts::default();
        for text in ["Where is my order?", "How do I return shoes?", "???", "Où est ma commande ?"] {
            texts.add(text);
        }
        for (text, found) in [
            ("where is  my ORDER", Some(0)),
            ("Where is my ordr?", Some(0)),
            ("Where is my order, please?", Some(0)),
            ("How do I return a shoe?", Some(1)),
            ("How do I return the whole box of them?", None),
            ("!!!", None),
            (" ??? ", Some(2)),
            ("", None),
        ] {
            assert_eq!(texts.find(text), found, "{text}");
        }
    }

    #[test]
    fn many_that_are_all_alike_are_found_in_few_steps() {
        let mut texts = AlikeTexts::default();
        let text = |number: usize| format!("Where is my order number {number}, which I placed on Monday?");
        for number in 0..1_000 {
            texts.add(&text(number));
        }
        assert!((0..1_000).all(|number| texts.find(&text(number)).is_some()));
        assert!(texts.found_by.values().all(|found| found.len() <= MOST_COMPARED));
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec("order|orders|where|is|my|refund|the|thé|THE|\\?", 0..7).prop_map(|words| words.join(" "))
    }

    proptest! {
        #[test]
        fn likeness_has_no_direction_and_case_and_signs_do_not_count(one in text(), other in text()) {
            prop_assert_eq!(likeness(&one, &other), likeness(&other, &one));
            prop_assert!((0.0..=1.0).contains(&likeness(&one, &other)));
            prop_assert_eq!(likeness(&one, &format!("  {}", one.to_uppercase())), 1.0);
        }

        #[test]
        fn a_text_is_found_exactly_where_one_is_alike(texts in prop::collection::vec(text(), 0..40), wanted in text()) {
            let mut index = AlikeTexts::default();
            for (number, text) in texts.iter().enumerate() {
                prop_assert_eq!(index.add(text), number);
            }
            let most = texts.iter().map(|text| likeness(text, &wanted)).fold(0.0, f64::max);
            match index.find(&wanted) {
                Some(found) => prop_assert_eq!(likeness(&texts[found], &wanted), most),
                None => prop_assert!(most < 0.7 || wanted.trim().is_empty(), "{}", most),
            }
        }
    }
}
