//! Comments stay with what they are about.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn entry(id: &str, text: &str) -> Value {
    json!({"input": text, "metadata": {"input_item_id": id}})
}

/// Returns a text with other entries, written anew where that is needed.
fn with(text: &str, entries: &[Value]) -> String {
    let local = text::inputs(text).unwrap().entries;
    let words = ListWords::of(text).expect("a list of lines");
    words.with_entries(text, &local, entries).expect("the text says what the entries do")
}

const COMMENTED: &str = "\
# the file
version: 1 # one
inputs:
# the first one
- input: one # beside it
  # between
  metadata:
    input_item_id: a

# a heading

# the second one
- input: two
  metadata:
    input_item_id: b
  # at its end
# the third one
- input: |
    three
    # no comment

  metadata:
    input_item_id: c
# at the end
more: x # last
";

#[test]
fn a_comment_stays_with_its_item() {
    let [a, b, c] = [entry("a", "one"), entry("b", "two"), entry("c", "three\n# no comment\n")];
    assert_eq!(with(COMMENTED, &[a.clone(), b.clone(), c.clone()]), COMMENTED);
    insta::assert_snapshot!(with(COMMENTED, &[c.clone(), entry("b", "other"), entry("d", "new")]), @"
    # the file
    version: 1 # one
    inputs:
    # the third one
    - input: |
        three
        # no comment

      metadata:
        input_item_id: c

    # a heading

    # the second one
    # at its end
    - input: other
      metadata:
        input_item_id: b
    - input: new
      metadata:
        input_item_id: d
    # at the end
    more: x # last
    ");
    insta::assert_snapshot!(with(COMMENTED, &[entry("a", "other"), c, b]), @"
    # the file
    version: 1 # one
    inputs:
    # the first one
    # beside it
    # between
    - input: other
      metadata:
        input_item_id: a
    # the third one
    - input: |
        three
        # no comment

      metadata:
        input_item_id: c

    # a heading

    # the second one
    - input: two
      metadata:
        input_item_id: b
      # at its end
    # at the end
    more: x # last
    ");
    let windows = COMMENTED.replace('\n', "\r\n");
    let kept = with(&windows, &[a, entry("d", "new")]);
    assert!(!kept.replace("\r\n", "").contains('\n') && kept.contains("# beside it"), "{kept:?}");
}

#[test]
fn other_forms_of_a_list_are_kept_or_left_alone() {
    assert_eq!(with("- a # x\n-\n  b: 1\n", &[json!({"b": 1}), json!("c")]), "-\n  b: 1\n- c\n");
    assert_eq!(with("inputs:\n  # a\n  - a\n  # b\n  - b", &[json!("b")]), "inputs:\n  # b\n  - b\n");
    assert_eq!(
        with("inputs:\n    - a\nx: 1\n", &[json!("a"), json!({"b": [1]})]),
        "inputs:\n    - a\n    - b:\n      - 1\nx: 1\n"
    );
    for text in ["inputs: [a, b] # x\n", "{inputs: [a]}", "[a, b]", "other:\n- a\n", "inputs:\n"] {
        assert!(ListWords::of(text).is_none(), "{text}");
    }
}

#[test]
fn it_is_told_when_a_comment_goes() {
    assert!(has_lost_comments("- a # x\n- b # y\n", "- b # y\n"));
    assert!(!has_lost_comments("- a # x\n- b # y\n", "# y\n- b\n- a # x\n"));
    assert!(has_lost_comments("# x\n- a # x\n", "# x\n- a\n"));
    assert!(!has_lost_comments("- 'a # x'\n", "- b\n"));
}

/// An entry in one of the forms that people write, with comments that name it.
fn written(at: usize, form: u8, comments: [bool; 4]) -> String {
    let comment =
        |place: usize, indent: &str| if comments[place] { format!("{indent}# {place} of {at}\n") } else { String::new() };
    let beside = if comments[3] { format!(" # 3 of {at}") } else { String::new() };
    let body = match form % 4 {
        0 => format!("- input: text {at}{beside}\n{}  metadata:\n    input_item_id: i{at}\n", comment(1, "  ")),
        1 => format!("- {{input: \"text {at}\", metadata: {{input_item_id: i{at}}}}}{beside}\n"),
        2 => format!("- metadata: {{input_item_id: i{at}}}{beside}\n{}  input: text {at}\n", comment(1, "    ")),
        _ => format!("-{beside}\n{}  input: |-\n    text {at}\n  metadata:\n    input_item_id: i{at}\n", comment(1, "  ")),
    };
    format!("{}{body}{}", comment(0, ""), comment(2, "  "))
}

proptest! {
    #[test]
    fn every_comment_of_what_stays_stays(
        forms in prop::collection::vec((any::<u8>(), any::<[bool; 4]>(), any::<bool>()), 1..8),
        order in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..10),
        is_indented: bool,
    ) {
        let mut text = "# head\ninputs:\n".to_owned();
        for (at, (form, comments, has_gap)) in forms.iter().enumerate() {
            let entry = written(at, *form, *comments);
            let entry = if is_indented { entry.lines().map(|line| format!("  {line}\n")).collect() } else { entry };
            text += &format!("{}{entry}", if *has_gap { "\n" } else { "" });
        }
        let local = text::inputs(&text).unwrap().entries;
        let mut kept = std::collections::BTreeMap::new();
        let mut entries = Vec::new();
        for (index, is_changed) in order {
            let at = index.index(local.len());
            if kept.insert(at, is_changed).is_none() {
                entries.push(if is_changed { entry(&format!("i{at}"), "changed") } else { local[at].clone() });
            }
        }
        let after = with(&text, &entries);
        prop_assert_eq!(&text::inputs(&after).unwrap().entries, &entries);
        for (at, (form, comments, _)) in forms.iter().enumerate() {
            for (place, _) in comments.iter().enumerate().filter(|(_, is_there)| **is_there) {
                let comment = format!("# {place} of {at}\n");
                let was_written = text.contains(&comment);
                prop_assert_eq!(after.contains(&comment), was_written && kept.contains_key(&at), "form {}: {}\n{}\n{}", form % 4, comment, text, after);
            }
        }
    }
}
