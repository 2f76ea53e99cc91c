//! The outcomes one by one, and the laws that hold for all of them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::input_text;

fn item(id: &str, text: &str) -> Value {
    json!({"input": text, "metadata": {"input_item_id": id}})
}

fn own(text: &str) -> Value {
    json!({"input": text})
}

fn texts(merged: &MergedItems) -> Vec<String> {
    merged.entries.iter().filter_map(input_text::text).collect()
}

/// Returns what the two sides of a conflict say, the local one first.
fn sides(conflict: &Conflict) -> (Option<String>, Option<String>) {
    (conflict.local.as_ref().and_then(input_text::text), conflict.server.as_ref().and_then(input_text::text))
}

#[test]
fn each_item_is_decided_by_itself() {
    let base = [item("1", "a"), item("2", "b"), item("3", "c"), item("4", "d"), item("5", "e")];
    let local = [item("1", "A"), item("2", "b"), item("3", "c"), own("mine"), item("5", "e")];
    let server = [item("1", "a"), item("2", "B"), item("4", "d"), item("5", "e"), item("6", "f")];
    let merged = merge(&base, &local, &server);
    assert_eq!(texts(&merged), ["A", "B", "mine", "e", "f"]);
    assert_eq!(merged.conflicts, []);
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(
        merged.outcomes,
        [
            (id("1"), Outcome::KeptLocal),
            (id("2"), Outcome::Updated),
            (id("4"), Outcome::KeptLocal),
            (id("6"), Outcome::Added),
            (id("3"), Outcome::Removed),
            (None, Outcome::KeptOwn),
        ]
    );
}

#[test]
fn f1_edits_of_one_text_are_a_conflict_that_shows_both() {
    let merged = merge(&[item("1", "a")], &[item("1", "local")], &[item("1", "server")]);
    assert_eq!(texts(&merged), ["local"]);
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!(merged.conflicts[0].id, "1");
    assert_eq!(merged.conflicts[0].members, ["input"]);
    assert_eq!(sides(&merged.conflicts[0]), (Some("local".into()), Some("server".into())));
}

#[test]
fn f1_an_edited_item_that_the_platform_removed_is_a_conflict() {
    let merged = merge(&[item("1", "a")], &[item("1", "local")], &[]);
    assert_eq!(texts(&merged), ["local"]);
    assert_eq!(sides(&merged.conflicts[0]), (Some("local".into()), None));
    let merged = merge(&[item("1", "a"), own("x")], &[own("x")], &[item("1", "server"), own("x")]);
    assert_eq!(texts(&merged), ["x"]);
    assert_eq!(sides(&merged.conflicts[0]), (None, Some("server".into())));
}

#[test]
fn a_person_settles_a_conflict() {
    let merged = merge(
        &[item("1", "a"), item("2", "b"), item("3", "c")],
        &[item("1", "A"), item("2", "B")],
        &[item("1", "x"), item("3", "z")],
    );
    assert_eq!(merged.conflicts.len(), 3);
    let settled = |choices: [Choice; 3]| {
        let mut merged = merged.clone();
        for (id, choice) in ["1", "2", "3"].into_iter().zip(choices) {
            merged.settle(id, choice);
        }
        assert_eq!(merged.counts().of(Outcome::Conflict), 0);
        texts(&merged)
    };
    assert_eq!(settled([Choice::Local; 3]), ["A", "B"]);
    assert_eq!(settled([Choice::Server; 3]), ["x", "z"]);
}

#[test]
fn edits_of_different_lines_and_members_are_merged() {
    let entry = |text: &str, category: &str, level: u8| json!({"input": text, "metadata": {"input_item_id": "1", "category": category, "level": level}});
    let merged = merge(&[entry("a\nb\nc", "x", 1)], &[entry("A\nb\nc", "x", 2)], &[entry("a\nb\nC", "y", 1)]);
    assert_eq!(merged.entries, [entry("A\nb\nC", "y", 2)]);
    assert_eq!(merged.outcomes, [(Some("1".to_owned()), Outcome::Merged)]);
    let merged = merge(&[entry("a", "x", 1)], &[entry("a", "y", 1)], &[entry("a", "z", 1)]);
    assert_eq!(merged.conflicts[0].members, ["metadata.category"]);
}

#[test]
fn equal_edits_are_no_conflict() {
    let merged = merge(&[item("1", "a"), item("2", "b")], &[item("1", "x"), own("m")], &[item("1", "x"), item("2", "b")]);
    assert_eq!(texts(&merged), ["x", "m"]);
    assert_eq!(merged.conflicts, []);
}

#[test]
fn an_edited_copy_with_the_same_id_is_an_entry_of_its_own() {
    let local = [item("1", "copy"), item("1", "a"), item("2", "b")];
    let merged = merge(&[item("1", "a"), item("2", "b")], &local, &[item("1", "A"), item("2", "b")]);
    assert_eq!(texts(&merged), ["copy", "A", "b"]);
    assert_eq!(merged.conflicts, []);
}

#[test]
fn an_order_that_only_one_side_changed_stays() {
    let base = [item("1", "a"), item("2", "b"), item("3", "c")];
    let local = [item("3", "c"), item("1", "a"), item("2", "b")];
    let server = [item("1", "a"), item("2", "B"), item("3", "c"), item("4", "d")];
    assert_eq!(texts(&merge(&base, &local, &server)), ["c", "d", "a", "B"]);
    assert_eq!(texts(&merge(&base, &[base[0].clone(), base[2].clone()], &server)), ["a", "c", "d"]);
}

#[test]
fn removing_more_than_half_is_noticed() {
    let list: Vec<Value> = (0..4).map(|number| item(&number.to_string(), "a")).collect();
    assert!(!merge(&list, &list, &list[..2]).counts().removes_more_than_half());
    assert!(merge(&list, &list, &list[..1]).counts().removes_more_than_half());
    assert!(merge(&list, &list, &[]).counts().removes_more_than_half());
    assert!(!merge(&[], &[], &[]).counts().removes_more_than_half());
}

fn entry() -> impl Strategy<Value = Value> {
    let text = prop::collection::vec("[abc]{1,2}", 1..5).prop_map(|lines| lines.join("\n"));
    let category = prop::option::of("[xyz]");
    (prop::option::weighted(0.8, 0u8..5), text, category).prop_map(|(id, text, category)| {
        let mut entry = json!({"input": text});
        if id.is_some() || category.is_some() {
            entry["metadata"] = json!({});
        }
        if let Some(category) = category {
            entry["metadata"]["category"] = json!(category);
        }
        if let Some(id) = id {
            entry["metadata"]["input_item_id"] = json!(id.to_string());
        }
        entry
    })
}

fn list() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(entry(), 0..7)
}

/// A list as a platform sends it: every id once.
fn served() -> impl Strategy<Value = Vec<Value>> {
    list().prop_map(|list| {
        let mut seen = BTreeSet::new();
        list.into_iter().filter(|entry| item_id(entry).is_some_and(|id| seen.insert(id))).collect()
    })
}

/// Every word of the texts and categories of some entries.
fn words<'a>(entries: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let words = entries.flat_map(|entry| {
        let category = entry["metadata"]["category"].as_str().map(|category| format!("category {category}"));
        input_text::text(entry).unwrap_or_default().split_whitespace().map(str::to_owned).chain(category).collect::<Vec<_>>()
    });
    words.collect()
}

proptest! {
    #[test]
    fn a_list_that_one_side_left_alone_is_the_other_sides(base in list(), local in list(), server in list()) {
        prop_assert_eq!(&merge(&base, &base, &server).entries, &server);
        prop_assert_eq!(&merge(&base, &local, &base).entries, &local);
        let agreed = merge(&base, &local, &local);
        prop_assert_eq!(&agreed.entries, &local);
        prop_assert_eq!(agreed.conflicts, []);
        prop_assert_eq!(agreed.outcomes, []);
    }

    #[test]
    fn fingerprints_count_what_a_merge_does(base in list(), server in list(), is_served: bool) {
        // As a platform sends them: no id twice.
        let once = |list: Vec<Value>| {
            let mut seen = BTreeSet::new();
            list.into_iter().filter(|entry| item_id(entry).is_none_or(|id| seen.insert(id))).collect::<Vec<_>>()
        };
        let (base, server) = (once(base), if is_served { once(server) } else { Vec::new() });
        let fingerprints = |list: &[Value]| {
            let mut fingerprints = Fingerprints::default();
            list.iter().for_each(|entry| fingerprints.add(&Json::from(entry)));
            fingerprints
        };
        let counts = fingerprints(&base).replaced_by(&fingerprints(&server));
        prop_assert_eq!(counts, merge(&base, &base, &server).counts());
    }

    #[test]
    fn f1_no_word_that_was_written_here_is_lost(base in served(), local in list(), server in served()) {
        let merged = merge(&base, &local, &server);
        let known = words(base.iter());
        let written: BTreeSet<String> = words(local.iter()).difference(&known).cloned().collect();
        let shown = words(merged.entries.iter().chain(merged.conflicts.iter().filter_map(|conflict| conflict.local.as_ref())));
        prop_assert!(written.is_subset(&shown), "{:?} of {:?}", written.difference(&shown), merged);
    }

    #[test]
    fn nothing_new_of_the_platform_is_lost_either(base in served(), local in list(), server in served()) {
        let merged = merge(&base, &local, &server);
        let known = words(base.iter());
        let written: BTreeSet<String> = words(server.iter()).difference(&known).cloned().collect();
        let shown = words(merged.entries.iter().chain(merged.conflicts.iter().filter_map(|conflict| conflict.server.as_ref())));
        prop_assert!(written.is_subset(&shown), "{:?} of {:?}", written.difference(&shown), merged);
    }

    #[test]
    fn a_second_merge_changes_nothing(base in served(), local in list(), server in served()) {
        let first = merge(&base, &local, &server);
        let second = merge(&server, &first.entries, &server);
        prop_assert_eq!(&second.entries, &first.entries);
        prop_assert_eq!(second.conflicts, []);
    }

    #[test]
    fn entries_that_somebody_added_by_hand_stay(base in served(), local in served(), server in served(), at in 0usize..7) {
        let mut local = local;
        local.insert(at.min(local.len()), own("added by hand"));
        prop_assert!(merge(&base, &local, &server).entries.contains(&own("added by hand")));
    }
}
