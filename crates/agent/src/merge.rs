//! How two edits of one value become one.

use serde_json::{Map, Value};
use similar::{MergeResolution, TextMerge};

use crate::canonical;
use crate::definition::text_of;
use crate::diff::{MOST_COMPARED, lines_between, terminated};
use crate::field::{Field, Kind};

/// The outcome of a merge.
#[derive(Debug, Clone, PartialEq)]
pub enum Merged {
    /// The edits do not touch each other; this value has both. `None` where both sides removed it.
    Clean(Option<Value>),
    /// Lines overlap. The value holds diff3 markers around them.
    Marked {
        /// The value with its markers.
        value: Value,
        /// How many places have markers.
        conflicts: usize,
    },
    /// The two values cannot stand in one text (names, models, members that are no texts).
    Impossible,
}

/// The three versions of a value. `None` where the field is not set.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// What both sides last agreed on.
    pub base: Option<&'a Value>,
    /// What the code says.
    pub local: Option<&'a Value>,
    /// What the platform says.
    pub server: Option<&'a Value>,
}

/// A place where two edits of a value overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The member that it is in, where the value is an object.
    pub member: Option<String>,
    /// What stood there.
    pub base: String,
    /// What one side wrote there.
    pub local: String,
    /// What the other side wrote there.
    pub server: String,
    /// True for lines, of which both sides' can be kept; false for values that cannot stand beside each other.
    pub is_lines: bool,
}

/// What is kept of an overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// What the one side wrote.
    Local,
    /// What the other side wrote.
    Server,
    /// Both, the one side's lines first.
    Both,
}

impl Choice {
    /// Returns the lines that are kept.
    fn lines(self, overlap: &Overlap) -> String {
        match self {
            Self::Local => overlap.local.clone(),
            Self::Server => overlap.server.clone(),
            Self::Both => overlap.local.clone() + &overlap.server,
        }
    }
}

/// Merges a field as its kind is merged: texts line by line, objects member by member, lists item by item, everything else as a whole.
pub fn merge(field: Field, sides: Sides<'_>) -> Merged {
    merge_deciding(field, sides, &mut |_| None)
}

/// Merges a field with what somebody decided at each place where the two edits overlap. Where nothing was decided there are markers, as
/// in [`merge`].
pub fn merge_with(field: Field, sides: Sides<'_>, decide: &mut dyn FnMut(&Overlap) -> Option<Choice>) -> Merged {
    let merged = merge_deciding(field, sides, &mut |overlap| Some(decide(&overlap)?.lines(&overlap)));
    if merged != Merged::Impossible {
        return merged;
    }
    let text = |value| text_of(field, value);
    let overlap =
        Overlap { member: None, base: text(sides.base), local: text(sides.local), server: text(sides.server), is_lines: false };
    match decide(&overlap) {
        Some(Choice::Local) => Merged::Clean(sides.local.cloned()),
        Some(Choice::Server) => Merged::Clean(sides.server.cloned()),
        Some(Choice::Both) | None => Merged::Impossible,
    }
}

/// Decides about lines that overlap, where it returns a text; otherwise they get markers.
type Decide<'a> = dyn FnMut(Overlap) -> Option<String> + 'a;

fn merge_deciding(field: Field, sides: Sides<'_>, decide: &mut Decide<'_>) -> Merged {
    let Sides { base, local, server } = sides;
    if canonical::same(field, local, server) || canonical::same(field, base, server) {
        return Merged::Clean(local.cloned());
    }
    if canonical::same(field, base, local) {
        return Merged::Clean(server.cloned());
    }
    let empty = Value::Array(Vec::new());
    match (field.kind(), base, local, server) {
        (Kind::Text { .. }, Some(Value::String(base)), Some(Value::String(local)), Some(Value::String(server))) => {
            merge_text(base, local, server, decide).map_or(Merged::Impossible, MergedText::into_merged)
        }
        (
            kind @ (Kind::Text { .. } | Kind::Json { .. } | Kind::Switch),
            Some(Value::Object(base)),
            Some(Value::Object(local)),
            Some(Value::Object(server)),
        ) => merge_members(base, local, server, matches!(kind, Kind::Text { .. }), decide),
        (Kind::List { .. }, base, local, server) => match [base, local, server].map(|side| side.unwrap_or(&empty)) {
            [Value::Array(base), Value::Array(local), Value::Array(server)] => merge_items(base, local, server),
            _ => Merged::Impossible,
        },
        _ => Merged::Impossible,
    }
}

/// Returns the items of `local` without those that the server removed, then those that the server added.
fn merge_items(base: &[Value], local: &[Value], server: &[Value]) -> Merged {
    let is_kept = |item: &&Value| server.contains(item) || !base.contains(item);
    let is_added = |item: &&Value| !base.contains(item) && !local.contains(item);
    let items: Vec<Value> = local.iter().filter(is_kept).chain(server.iter().filter(is_added)).cloned().collect();
    Merged::Clean((!items.is_empty()).then_some(Value::Array(items)))
}

fn merge_members(
    base: &Map<String, Value>,
    local: &Map<String, Value>,
    server: &Map<String, Value>,
    texts: bool,
    decide: &mut Decide<'_>,
) -> Merged {
    let mut merged = Map::new();
    let mut conflicts = 0;
    let added = server.keys().filter(|key| !local.contains_key(*key));
    for key in local.keys().chain(added) {
        let (base, local, server) = (base.get(key), local.get(key), server.get(key));
        let value = if local == server || base == server {
            local.cloned()
        } else if base == local {
            server.cloned()
        } else {
            match (base.unwrap_or(&Value::Null), local, server) {
                (Value::String(base), Some(Value::String(local)), Some(Value::String(server))) if texts => {
                    let decide = &mut |overlap| decide(Overlap { member: Some(key.clone()), ..overlap });
                    let Some(text) = merge_text(base, local, server, decide) else { return Merged::Impossible };
                    conflicts += text.conflicts;
                    Some(Value::String(text.text))
                }
                _ => return Merged::Impossible,
            }
        };
        if let Some(value) = value {
            merged.insert(key.clone(), value);
        }
    }
    let value = Value::Object(merged);
    if conflicts == 0 { Merged::Clean(Some(value)) } else { Merged::Marked { value, conflicts } }
}

struct MergedText {
    text: String,
    conflicts: usize,
}

impl MergedText {
    fn into_merged(self) -> Merged {
        let Self { text, conflicts } = self;
        let value = Value::String(text);
        if conflicts == 0 { Merged::Clean(Some(value)) } else { Merged::Marked { value, conflicts } }
    }
}

/// Merges the lines of three texts. The result ends its lines as `local` does. `None` where so many lines differ that the work would
/// have no end.
fn merge_text(base: &str, local: &str, server: &str, decide: &mut Decide<'_>) -> Option<MergedText> {
    let (base, mut ours, mut theirs) = (terminated(base), terminated(local), terminated(server));
    if lines_between(&base, &ours).max(lines_between(&base, &theirs)) > MOST_COMPARED {
        return None;
    }
    if let Some(settled) = settle_neighbors(&base, &ours, &theirs) {
        (ours, theirs) = settled;
    }
    let merge = TextMerge::from_lines(base.as_str(), ours.as_str(), theirs.as_str());
    let (mut text, mut conflicts) = (String::new(), 0);
    for region in merge.regions() {
        let ours: String = region.ours_range().filter_map(|line| merge.ours_line(line)).collect();
        let theirs = || region.theirs_range().filter_map(|line| merge.theirs_line(line)).collect::<String>();
        match region.resolution() {
            MergeResolution::Theirs => text += &theirs(),
            MergeResolution::Conflict => {
                let base: String = region.base_range().filter_map(|line| merge.base_line(line)).collect();
                let overlap = Overlap { member: None, base, local: ours, server: theirs(), is_lines: true };
                text += &decide(overlap.clone()).unwrap_or_else(|| {
                    conflicts += 1;
                    marked(&overlap)
                });
            }
            _ => text += &ours,
        }
    }
    if !local.ends_with(['\n', '\r']) {
        text.truncate(text.trim_end_matches('\n').len());
    }
    if local.contains("\r\n") {
        text = text.replace('\n', "\r\n");
    }
    Some(MergedText { text, conflicts })
}

/// Returns the lines of an overlap between the markers of diff3, which name their sides.
fn marked(overlap: &Overlap) -> String {
    let Overlap { base, local, server, .. } = overlap;
    format!("<<<<<<< code\n{local}||||||| base\n{base}=======\n{server}>>>>>>> server\n")
}

/// Returns both sides with each other's edits where they changed lines that lie side by side, and neither added nor removed any: then
/// each line has one edit, though no unchanged line is between them. `None` where there is no such place.
fn settle_neighbors(base: &str, ours: &str, theirs: &str) -> Option<(String, String)> {
    let merge = TextMerge::from_lines(base, ours, theirs);
    let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
    let (mut our_lines, mut their_lines) = (lines(ours), lines(theirs));
    let mut is_settled = false;
    for region in merge.conflicts() {
        let (our_range, their_range) = (region.ours_range(), region.theirs_range());
        if region.base_range().len() != our_range.len() || our_range.len() != their_range.len() {
            continue;
        }
        let merged: Option<Vec<String>> = region
            .base_range()
            .zip(our_range.clone().zip(their_range.clone()))
            .map(|(base, (ours, theirs))| {
                let (base, ours, theirs) = (merge.base_line(base)?, merge.ours_line(ours)?, merge.theirs_line(theirs)?);
                match (ours == base, theirs == base) {
                    (_, true) => Some(ours.to_owned()),
                    (true, false) => Some(theirs.to_owned()),
                    (false, false) => (ours == theirs).then(|| ours.to_owned()),
                }
            })
            .collect();
        if let Some(merged) = merged {
            // As many lines as before, so the other ranges still hold.
            our_lines.splice(our_range, merged.iter().cloned());
            their_lines.splice(their_range, merged);
            is_settled = true;
        }
    }
    is_settled.then(|| (our_lines.concat(), their_lines.concat()))
}

/// Returns true if a text holds the markers of an unfinished merge: a line that opens one, one that divides it and one
/// that closes it, in that order.
pub fn has_conflict_markers(text: &str) -> bool {
    let mut awaited = ["<<<<<<< ", "=======", ">>>>>>> "].into_iter().peekable();
    for line in text.lines() {
        if awaited.next_if(|marker| line.starts_with(marker)).is_some() && awaited.peek().is_none() {
            return true;
        }
    }
    false
}

/// Returns true if a text anywhere in the value holds the markers of an unfinished merge.
pub fn value_has_conflict_markers(value: &Value) -> bool {
    match value {
        Value::String(text) => has_conflict_markers(text),
        Value::Array(items) => items.iter().any(value_has_conflict_markers),
        Value::Object(members) => members.values().any(value_has_conflict_markers),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn persona(base: &Value, local: &Value, server: &Value) -> Merged {
        merge(Field::PERSONA, Sides { base: Some(base), local: Some(local), server: Some(server) })
    }

    #[test]
    fn edits_of_different_lines_are_both_kept() {
        let merged = persona(&json!("a\nb\nc\nd"), &json!("A\nb\nc\nd"), &json!("a\nb\nc\nD\n"));
        assert_eq!(merged, Merged::Clean(Some(json!("A\nb\nc\nD"))));
        let merged = persona(&json!("a\r\nb\r\nc"), &json!("A\r\nb\r\nc"), &json!("a\nb\nC"));
        assert_eq!(merged, Merged::Clean(Some(json!("A\r\nb\r\nC"))));
    }

    #[test]
    fn edits_of_neighboring_lines_are_both_kept() {
        let merged = persona(&json!("a\nb\nc\nd"), &json!("A\nb\nC\nd"), &json!("a\nB\nc\nD"));
        assert_eq!(merged, Merged::Clean(Some(json!("A\nB\nC\nD"))));
        // A line that was added beside a changed one may belong before or after it.
        let merged = persona(&json!("a\nb"), &json!("A\nb"), &json!("a\nnew\nb"));
        assert!(matches!(merged, Merged::Marked { .. }), "{merged:?}");
    }

    #[test]
    fn edits_of_one_line_get_markers_that_name_their_sides() {
        let Merged::Marked { value, conflicts } = persona(&json!("x\na\ny"), &json!("x\nb\ny"), &json!("x\nc\ny")) else {
            panic!("no conflict")
        };
        assert_eq!(conflicts, 1);
        assert_eq!(value, json!("x\n<<<<<<< code\nb\n||||||| base\na\n=======\nc\n>>>>>>> server\ny"));
        assert!(value_has_conflict_markers(&value));
    }

    #[test]
    fn what_overlaps_is_what_somebody_chooses() {
        let chosen = |base: Value, local: Value, server: Value, choice: Option<Choice>| {
            let mut asked = Vec::new();
            let sides = Sides { base: Some(&base), local: Some(&local), server: Some(&server) };
            let merged = merge_with(Field::PERSONA, sides, &mut |overlap| {
                asked.push((overlap.member.clone(), overlap.local.clone(), overlap.server.clone(), overlap.is_lines));
                choice
            });
            (merged, asked)
        };
        let text = || (json!("x\na\ny\nz"), json!("x\nb\ny\nZ"), json!("X\nc\ny\nz\n"));
        for (choice, expected) in
            [(Choice::Local, "X\nb\ny\nZ"), (Choice::Server, "X\nc\ny\nZ"), (Choice::Both, "X\nb\nX\nc\ny\nZ")]
        {
            let (base, local, server) = text();
            let (merged, asked) = chosen(base, local, server, Some(choice));
            assert_eq!(asked.len(), 1, "{asked:?}");
            let Merged::Clean(Some(merged)) = merged else { panic!("{merged:?}") };
            let lines =
                |text: &str| text.lines().filter(|line| !["x", "X"].contains(line)).map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(lines(merged.as_str().unwrap()), lines(expected));
        }
        let (base, local, server) = text();
        assert!(matches!(chosen(base, local, server, None).0, Merged::Marked { conflicts: 1, .. }));
        let voice = |text: &str| json!({"base": "b", "voice": text});
        let (merged, asked) = chosen(voice("v"), voice("mine"), voice("theirs"), Some(Choice::Both));
        assert_eq!(asked, [(Some("voice".to_owned()), "mine\n".to_owned(), "theirs\n".to_owned(), true)]);
        assert_eq!(merged, Merged::Clean(Some(voice("mine\ntheirs"))));
        // A text and an object cannot stand beside each other.
        for (choice, expected) in [
            (Choice::Local, Merged::Clean(Some(json!("mine")))),
            (Choice::Server, Merged::Clean(Some(voice("v")))),
            (Choice::Both, Merged::Impossible),
        ] {
            let (merged, asked) = chosen(json!("a"), json!("mine"), voice("v"), Some(choice));
            assert_eq!((merged, asked[0].3), (expected, false));
        }
    }

    #[test]
    fn members_are_merged_one_by_one() {
        let merged = persona(
            &json!({"base": "a\nb\nc", "voice": "v"}),
            &json!({"base": "A\nb\nc", "voice": "v"}),
            &json!({"base": "a\nb\nC", "voice": "w", "text": "t"}),
        );
        assert_eq!(merged, Merged::Clean(Some(json!({"base": "A\nb\nC", "voice": "w", "text": "t"}))));
    }

    #[test]
    fn items_that_one_side_added_or_removed_are_added_or_removed() {
        let merged = |base: Value, local: Value, server: Value| match [base, local, server] {
            [Value::Array(base), Value::Array(local), Value::Array(server)] => merge_items(&base, &local, &server),
            _ => Merged::Impossible,
        };
        assert_eq!(
            merged(json!(["a", "b"]), json!(["c", "a", "b"]), json!(["b", "d"])),
            Merged::Clean(Some(json!(["c", "b", "d"])))
        );
        assert_eq!(merged(json!(["a"]), json!(["a", "b"]), json!(["a", "b"])), Merged::Clean(Some(json!(["a", "b"]))));
        assert_eq!(merged(json!(["a"]), json!([]), json!(["a"])), Merged::Clean(None));
    }

    #[test]
    fn names_are_not_mixed() {
        let (base, local, server) = (json!("a"), json!("b"), json!("c"));
        let sides = Sides { base: Some(&base), local: Some(&local), server: Some(&server) };
        assert_eq!(merge(Field::NAME, sides), Merged::Impossible);
    }

    #[test]
    fn a_heading_underlined_with_equals_signs_is_no_marker() {
        assert!(!has_conflict_markers("Title\n=======\ntext"));
        assert!(!has_conflict_markers("<<<<<<< HEAD\nwithout an end"));
    }

    proptest! {
        #[test]
        fn merge_laws(base in "([abc]\n){0,6}", left in "([abc]\n){0,6}", right in "([abc]\n){0,6}") {
            let (base, left, right) = (json!(base), json!(left), json!(right));
            prop_assert_eq!(persona(&left, &left, &right), Merged::Clean(Some(right.clone())));
            prop_assert_eq!(persona(&right, &left, &right), Merged::Clean(Some(left.clone())));
            prop_assert_eq!(persona(&base, &left, &left), Merged::Clean(Some(left.clone())));
            let one = persona(&base, &left, &right);
            let other = persona(&base, &right, &left);
            prop_assert_eq!(matches!(one, Merged::Clean(_)), matches!(other, Merged::Clean(_)));
            if let (Merged::Clean(one), Merged::Clean(other)) = (one, other) {
                prop_assert!(canonical::same(Field::PERSONA, one.as_ref(), other.as_ref()));
            }
        }

        /// A word that both sides still have is lost only by a choice, or where it stood twice and each side removed another of the two.
        #[test]
        fn no_word_of_both_sides_is_lost(
            texts in prop::array::uniform3("(a\n|a x\n|b\n|b y\n|c\n|d\n){0,6}"),
            choice in prop::sample::select(vec![Choice::Local, Choice::Server, Choice::Both]),
        ) {
            let [base, left, right] = &texts;
            let mut refused = String::new();
            let [a, b, c] = texts.each_ref().map(|text| json!(text));
            let merged = merge_with(Field::PERSONA, Sides { base: Some(&a), local: Some(&b), server: Some(&c) }, &mut |overlap| {
                match choice {
                    Choice::Local => refused += &overlap.server,
                    Choice::Server => refused += &overlap.local,
                    Choice::Both => {}
                }
                Some(choice)
            });
            let Merged::Clean(Some(Value::String(merged))) = merged else { panic!("{merged:?}") };
            let copies = |text: &str, word: &str| text.split_whitespace().filter(|found| *found == word).count();
            for word in left.split_whitespace().filter(|word| copies(right, word) > 0 && copies(&refused, word) == 0) {
                let is_removed_by_both = copies(base, word) > copies(left, word) && copies(base, word) > copies(right, word);
                prop_assert!(is_removed_by_both || copies(&merged, word) > 0, "{word:?} is lost in {merged:?}");
            }
        }

        /// Whoever changes lines that the others do not change, in whatever order it comes together.
        #[test]
        fn edits_of_different_lines_never_conflict(owners in prop::collection::vec(0u8..3, 1..10)) {
            let text = |of: &[u8]| {
                let line = |(number, owner): (usize, &u8)| format!("line {number} {}\n", if of.contains(owner) { "new" } else { "old" });
                json!(owners.iter().enumerate().map(line).collect::<String>())
            };
            prop_assert_eq!(persona(&text(&[]), &text(&[1]), &text(&[2])), Merged::Clean(Some(text(&[1, 2]))));
        }

        #[test]
        fn no_added_line_is_lost(base in "([abc]\n){0,6}", at in 0usize..6, other in 0usize..6) {
            let insert = |line: &str, at: usize| {
                let mut lines: Vec<&str> = base.lines().collect();
                lines.insert(at.min(lines.len()), line);
                json!(lines.join("\n"))
            };
            let text = match persona(&json!(base.clone()), &insert("LEFT", at), &insert("RIGHT", other)) {
                Merged::Clean(Some(value)) | Merged::Marked { value, .. } => value,
                // A blank base has no lines to merge by.
                Merged::Impossible | Merged::Clean(None) => return Ok(()),
            };
            let text = text.as_str().unwrap_or_default();
            prop_assert!(text.contains("LEFT") && text.contains("RIGHT"), "{text}");
        }
    }
}
