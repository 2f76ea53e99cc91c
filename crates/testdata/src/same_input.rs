//! Which input of a new list is which one of the last list, where nobody wrote ids.
//!
//! A question that somebody rewords is still that question: its results, its edits and its comments belong to it. So an input without an
//! id takes that of the one with the same content, else of the one that it is near to. What is near is decided in a
//! narrow way, because a new question that got the history of another one would be worse than a history that begins anew.

use std::collections::HashMap;

/// How alike two texts must be, from 0 to 1, to be one question wherever they stand.
const ALIKE: f64 = 0.75;

/// How alike they must be where both stand between the same neighbors.
const ALIKE_IN_PLACE: f64 = 0.4;

/// How many pairs of texts are compared. Beyond that only those in the same place are.
const MOST_PAIRS: usize = 40_000;

/// How much of a text is compared, in characters.
const MOST_CHARACTERS: usize = 2_000;

/// An input as it is compared.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Everything that it says, metadata included.
    pub whole: &'a str,
    /// Who says what, as one text.
    pub content: &'a str,
    /// What is said.
    pub text: &'a str,
}

/// Returns for each new input which one of the old inputs it is, each of which is one at most.
pub fn pairs(old: &[Known<'_>], new: &[Known<'_>]) -> Vec<Option<usize>> {
    let mut pairing = Pairing { of_new: vec![None; new.len()], is_taken: vec![false; old.len()] };
    pairing.equal(old, new, |input| input.whole);
    pairing.equal(old, new, |input| input.content);
    pairing.in_place(old, new);
    pairing.anywhere(old, new);
    pairing.of_new
}

struct Pairing {
    of_new: Vec<Option<usize>>,
    is_taken: Vec<bool>,
}

impl Pairing {
    fn take(&mut self, new: usize, old: usize) {
        self.of_new[new] = Some(old);
        self.is_taken[old] = true;
    }

    /// Pairs equal inputs in their order.
    fn equal<'a>(&mut self, old: &[Known<'a>], new: &[Known<'a>], by: impl Fn(&Known<'a>) -> &'a str) {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, input) in old.iter().enumerate().rev().filter(|(at, _)| !self.is_taken[*at]) {
            places.entry(by(input)).or_default().push(at);
        }
        for (at, input) in new.iter().enumerate() {
            if self.of_new[at].is_none()
                && let Some(place) = places.get_mut(by(input)).and_then(Vec::pop)
            {
                self.take(at, place);
            }
        }
    }

    /// Pairs what stands between the same neighbors, in order: an old gap and a new gap with as many inputs.
    fn in_place(&mut self, old: &[Known<'_>], new: &[Known<'_>]) {
        let mut at = 0;
        while at < new.len() {
            if self.of_new[at].is_some() {
                at += 1;
                continue;
            }
            let end = (at..new.len()).find(|place| self.of_new[*place].is_some()).unwrap_or(new.len());
            let before = at.checked_sub(1).and_then(|place| self.of_new[place]);
            let first = before.map_or(0, |place| place + 1);
            let last = (first..old.len()).find(|place| self.is_taken[*place]).unwrap_or(old.len());
            let is_same_gap = self.of_new.get(end).copied().flatten() == (last < old.len()).then_some(last);
            if is_same_gap && last - first == end - at {
                for (new_at, old_at) in (at..end).zip(first..last) {
                    if likeness(old[old_at].text, new[new_at].text) >= ALIKE_IN_PLACE {
                        self.take(new_at, old_at);
                    }
                }
            }
            at = end;
        }
    }

    /// Pairs what is alike, the most alike first.
    fn anywhere(&mut self, old: &[Known<'_>], new: &[Known<'_>]) {
        let old_left: Vec<usize> = (0..old.len()).filter(|at| !self.is_taken[*at]).collect();
        let new_left: Vec<usize> = (0..new.len()).filter(|at| self.of_new[*at].is_none()).collect();
        if old_left.len().saturating_mul(new_left.len()) > MOST_PAIRS {
            return;
        }
        let grams: Vec<Grams> = old_left.iter().map(|at| Grams::of(old[*at].text)).collect();
        let mut candidates = Vec::new();
        for new_at in new_left {
            let of_new = Grams::of(new[new_at].text);
            for (old_at, of_old) in old_left.iter().zip(&grams) {
                let likeness = of_old.likeness(&of_new);
                if likeness >= ALIKE {
                    candidates.push((likeness, new_at, *old_at));
                }
            }
        }
        candidates.sort_by(|one, other| other.0.total_cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2))));
        for (_, new_at, old_at) in candidates {
            if self.of_new[new_at].is_none() && !self.is_taken[old_at] {
                self.take(new_at, old_at);
            }
        }
    }
}

/// Returns how alike two texts are, from 0 to 1.
fn likeness(one: &str, other: &str) -> f64 {
    Grams::of(one).likeness(&Grams::of(other))
}

/// A text as its pairs of neighboring characters, in which case and white space do not count.
struct Grams {
    pairs: HashMap<(char, char), usize>,
    count: usize,
}

impl Grams {
    fn of(text: &str) -> Self {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        // A space before the first and behind the last word makes a pair of a single character, too.
        let characters: Vec<char> = format!(" {} ", words.join(" ")).chars().take(MOST_CHARACTERS).collect();
        let mut pairs = HashMap::new();
        for pair in characters.windows(2) {
            *pairs.entry((pair[0], pair[1])).or_insert(0) += 1;
        }
        Self { pairs, count: characters.len().saturating_sub(1) }
    }

    #[expect(clippy::cast_precision_loss, reason = "a likeness need not be exact")]
    fn likeness(&self, other: &Self) -> f64 {
        // Texts of very different lengths are not counted through.
        let (shorter, longer) = (self.count.min(other.count), self.count.max(other.count));
        if shorter * 4 < longer {
            return 0.0;
        }
        let common: usize =
            self.pairs.iter().map(|(pair, count)| other.pairs.get(pair).map_or(0, |others| *count.min(others))).sum();
        (2 * common) as f64 / (self.count + other.count).max(1) as f64
    }
}

/// Returns the places of a pairing that are not the same content: what was reworded.
pub fn reworded(old: &[Known<'_>], new: &[Known<'_>], pairs: &[Option<usize>]) -> Vec<(usize, usize)> {
    let is_other = |(new_at, old_at): &(usize, usize)| old[*old_at].content != new[*new_at].content;
    pairs.iter().enumerate().filter_map(|(at, pair)| Some((at, (*pair)?))).filter(is_other).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paired<T: AsRef<str>>(old: &[T], new: &[T]) -> Vec<Option<usize>> {
        fn known<T: AsRef<str>>(texts: &[T]) -> Vec<Known<'_>> {
            texts.iter().map(AsRef::as_ref).map(|text| Known { whole: text, content: text, text }).collect()
        }
        pairs(&known(old), &known(new))
    }

    #[test]
    fn a_reworded_question_is_the_same_one_and_another_is_not() {
        let old = ["Where is my order?", "Cancel it, please", "How much is shipping to Norway?"];
        for (new, expected) in [
            (["Where is my order, please?", "Cancel it, please", "How much is shipping to Norway?"], [Some(0), Some(1), Some(2)]),
            // In its place, with other words.
            (["Where is my parcel?", "Cancel it, please", "How much is shipping to Norway?"], [Some(0), Some(1), Some(2)]),
            // In another place.
            (["Cancel it, please", "How much is the shipping to Norway?", "Where is my order?"], [Some(1), Some(2), Some(0)]),
            // Another question in the same place.
            (["Do you sell gift cards?", "Cancel it, please", "How much is shipping to Norway?"], [None, Some(1), Some(2)]),
            // One more, one less.
            (["Cancel it, please", "Who are you?", "How much is shipping to Norway?"], [Some(1), None, Some(2)]),
        ] {
            assert_eq!(paired(&old, &new), expected, "{new:?}");
        }
        assert_eq!(paired(&["one", "two"], &["one new", "two", "three"]), [Some(0), Some(1), None]);
        assert_eq!(paired(&["a", "a"], &["a", "a", "a"]), [Some(0), Some(1), None]);
    }

    #[test]
    fn what_is_known_by_its_metadata_is_paired_by_it() {
        let known = |whole, content| Known { whole, content, text: content };
        let old = [known("a 1", "a"), known("a 2", "a"), known("b", "b")];
        let new = [known("a 2", "a"), known("a 3", "a"), known("b 1", "b")];
        assert_eq!(pairs(&old, &new), [Some(1), Some(0), Some(2)]);
    }

    proptest! {
        #[test]
        fn the_same_list_is_itself_and_nobody_is_two(
            old in prop::collection::vec("[abc ]{0,6}", 0..12),
            new in prop::collection::vec("[abc ]{0,6}", 0..12),
        ) {
            let mut pairs: Vec<usize> = paired(&old, &new).into_iter().flatten().collect();
            let count = pairs.len();
            pairs.sort_unstable();
            pairs.dedup();
            prop_assert_eq!(pairs.len(), count);
            prop_assert_eq!(paired(&old, &old), (0..old.len()).map(Some).collect::<Vec<_>>());
        }
    }
}
