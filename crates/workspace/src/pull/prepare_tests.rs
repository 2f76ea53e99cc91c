use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use keepstep_testdata::input_text;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::pull::{Edit, ItemEdits, LocalError, Spool, recover};

const INPUTS: &str = "inputs/generated.yaml";
const POLITE: &str = ".state/criteria/polite.yaml";

/// A scenario's folder and a platform that it is pulled from.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn prepare(&self, received: &Received, force: bool) -> Prepared {
        self.prepare_after(received, None, force)
    }

    fn prepare_after(&self, received: &Received, previous: Option<&Received>, force: bool) -> Prepared {
        let scenario = Scenario::read(self.path()).unwrap();
        let question = Question {
            scenario: &scenario,
            received,
            previous,
            api_url: "http://127.0.0.1:9",
            project_id: None,
            force,
            merges_inputs: false,
        };
        prepare(question).unwrap()
    }

    /// Pulls a bundle that nobody has to decide about, and returns the files that are written.
    fn pull(&self, bundle: &Received) -> Vec<String> {
        let mut prepared = self.prepare(bundle, false);
        assert_eq!(prepared.collisions(), []);
        let written = prepared.actions().filter(|(_, action)| matches!(action, Action::Write(_)));
        let written = written.map(|(path, _)| path.to_owned()).collect();
        prepared.apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
        written
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{text}");
        self.write(path, &text.replace(from, to));
    }

    fn has(&self, path: &str) -> bool {
        self.path().join(path).exists()
    }

    fn edits(&self) -> Vec<Edit> {
        Scenario::read(self.path()).unwrap().edits().unwrap()
    }

    fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.path()).unwrap().to_str().unwrap().to_owned();
                    tree.insert(name, fs::read_to_string(path).unwrap());
                }
            }
        }
        tree
    }
}

fn received(answer: &[u8]) -> Received {
    let mut spool = Spool::default();
    std::io::Write::write_all(&mut spool, answer).unwrap();
    Received::of(spool).unwrap()
}

fn bundle(id: &str, items: &[(&str, &str)], criteria: &[(&str, &str)]) -> Received {
    received(&answer(id, items, criteria))
}

fn answer(id: &str, items: &[(&str, &str)], criteria: &[(&str, &str)]) -> Vec<u8> {
    let items: Vec<Value> = items.iter().map(|(id, text)| json!({"id": id, "text": text})).collect();
    let criteria: Vec<Value> = criteria.iter().map(|(name, text)| json!({"id": name, "name": name, "items": [text]})).collect();
    let answer = json!({
        "bundle_version": {"id": id, "scenario_id": "s_1"}, "input_items": items, "criteria_pack": criteria,
        "sync_meta": {"pulled_at": id},
    });
    answer.to_string().into_bytes()
}

fn first() -> Received {
    bundle("b_1", &[("1", "one"), ("2", "two"), ("3", "three")], &[("polite", "Be polite"), ("short", "Be short")])
}

#[test]
fn a_second_pull_writes_nothing() {
    let bench = Bench::new();
    bench.pull(&first());
    let before = bench.tree();
    assert!(bench.prepare(&first(), false).is_nothing_to_do());
    assert!(bench.pull(&first()).is_empty());
    assert_eq!(bench.tree(), before);
    assert_eq!(Scenario::read(bench.path()).unwrap().known_bundle(), Some("b_1"));
    assert_eq!(bench.edits(), []);
}

#[test]
fn what_was_pulled_is_kept_again_where_it_is_missing() {
    let bench = Bench::new();
    bench.pull(&first());
    bench.edit(INPUTS, "input: two", "input: my two");
    let tree = || bench.tree().into_iter().filter(|(path, _)| path != RECORD_FILE).collect::<Vec<_>>();
    let before = tree();
    fs::remove_file(bench.path().join(".state/pull_base.json")).unwrap();
    assert_eq!(Scenario::read(bench.path()).unwrap().known_bundle(), None);
    let scenario = Scenario::read(bench.path()).unwrap();
    assert!(matches!(scenario.local_test_data(), Err(LocalError::NoBase(_))));
    let mut prepared = bench.prepare_after(&first(), Some(&first()), false);
    assert!(prepared.actions().all(|(_, action)| matches!(action, Action::Keep(_))));
    prepared.apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
    assert_eq!(tree(), before);
}

#[test]
fn the_base_is_kept_as_it_came_and_read_in_either_form() {
    let bench = Bench::new();
    let (packed, plain) = (".state/pull_base.json.zst", ".state/pull_base.json");
    for (number, is_packed) in [false, true, true, false].into_iter().enumerate() {
        let (id, theirs, mine) = (format!("b_{number}"), format!("their {number}"), format!("my {number}"));
        let answer = answer(&id, &[("1", &theirs), ("2", "two"), ("3", "three")], &[]);
        let answer = if is_packed { zstd::bulk::compress(&answer, 3).unwrap() } else { answer };
        bench.pull(&received(&answer));
        let (here, elsewhere) = if is_packed { (packed, plain) } else { (plain, packed) };
        assert_eq!(fs::read(bench.path().join(here)).unwrap(), answer);
        assert!(
            !bench.has(elsewhere)
                && PullRecord::read(bench.path()).unwrap().is_some_and(|record| PullBase::is_in(bench.path(), &record))
        );
        // The merge of the next pull reads it.
        let from = if number == 0 { "two".to_owned() } else { format!("my {}", number - 1) };
        bench.edit(INPUTS, &format!("input: {from}"), &format!("input: {mine}"));
        assert!(bench.read(INPUTS).contains(&theirs));
        assert_eq!(bench.edits().len(), 1);
    }
    // What an older keepstep pulled beside it counts, since the record is about that.
    let record = PullRecord::read(bench.path()).unwrap().unwrap();
    fs::write(bench.path().join(packed), b"no frame").unwrap();
    assert!(PullBase::read(bench.path(), &record).unwrap().is_some());
    fs::rename(bench.path().join(plain), bench.path().join(packed)).unwrap();
    assert!(PullBase::read(bench.path(), &record).unwrap().is_some());
    fs::write(bench.path().join(packed), b"").unwrap();
    assert!(PullBase::read(bench.path(), &record).unwrap().is_none());
}

#[test]
fn f1_edits_on_both_sides_are_merged_item_by_item_and_comments_stay() {
    let bench = Bench::new();
    bench.pull(&first());
    bench.edit(INPUTS, "- input: one\n", "# the first\n- input: my one\n");
    bench.edit(POLITE, "Be polite", "Be very polite");
    let second =
        bundle("b_2", &[("1", "one"), ("2", "two"), ("3", "their three")], &[("polite", "Be polite"), ("short", "Be shorter")]);
    let written = bench.pull(&second);
    assert_eq!(written, [INPUTS, ".state/sync/criteria.json", ".state/criteria/short.yaml"]);
    insta::assert_snapshot!(bench.read(INPUTS), @r#"
    inputs:
    # the first
    - input: my one
      metadata:
        input_item_id: "1"
    - input: two
      metadata:
        input_item_id: "2"
    - input: their three
      metadata:
        input_item_id: "3"
    "#);
    assert!(bench.read(POLITE).contains("very polite"));
    let items = Some(ItemEdits { changed: 1, ..ItemEdits::default() });
    assert_eq!(
        bench.edits(),
        [
            Edit { path: POLITE.to_owned(), is_deleted: false, items: None },
            Edit { path: INPUTS.to_owned(), is_deleted: false, items }
        ]
    );
    assert!(bench.prepare(&second, false).is_nothing_to_do());
}

#[test]
fn f1_what_both_sides_changed_has_to_be_decided() {
    let bench = Bench::new();
    bench.pull(&first());
    bench.edit(INPUTS, "input: one", "input: my one");
    bench.edit(POLITE, "Be polite", "Be very polite");
    let second =
        bundle("b_2", &[("1", "their one"), ("2", "two"), ("3", "three")], &[("polite", "Be rude"), ("short", "Be short")]);
    let settled = |choice| {
        let mut prepared = bench.prepare(&second, false);
        let collisions = prepared.collisions();
        assert_eq!(collisions.len(), 2, "{collisions:?}");
        for collision in &collisions {
            prepared.settle(collision, choice);
        }
        assert!(prepared.collisions().is_empty());
        prepared
    };
    assert_eq!(settled(Choice::Local).actions().filter(|(_, action)| *action == Action::Keep(Keeping::Edited)).count(), 2);
    settled(Choice::Both).apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
    let texts = text::inputs(&bench.read(INPUTS)).unwrap();
    assert_eq!(texts.entries.iter().filter_map(input_text::text).collect::<Vec<_>>(), ["their one", "my one", "two", "three"]);
    assert!(bench.read(POLITE).contains("very polite"), "lines that overlap cannot be merged, so what is here stays");
    bench.prepare(&second, true).apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
    assert!(bench.read(POLITE).contains("Be rude") && !bench.read(INPUTS).contains("my one"));
    assert_eq!(bench.edits(), []);
}

#[test]
fn f1_a_file_that_nobody_can_read_is_a_conflict() {
    let bench = Bench::new();
    bench.pull(&first());
    bench.write(INPUTS, "inputs:\n\t- {");
    let second = bundle("b_2", &[("1", "new")], &[]);
    let collisions = bench.prepare(&second, false).collisions();
    assert!(matches!(&collisions[..], [Collision::File { problem: Some(_), .. }]), "{collisions:?}");
}

#[test]
fn f31_criteria_that_are_gone_are_removed_unless_somebody_edited_them() {
    let bench = Bench::new();
    bench.pull(&bundle("b_1", &[("1", "one")], &[("a", "A"), ("b", "B"), ("c", "C"), ("d", "D"), ("e", "E")]));
    bench.edit(".state/criteria/a.yaml", "- A", "- My A");
    let mut prepared = bench.prepare(&bundle("b_2", &[("1", "one")], &[("c", "C"), ("d", "D"), ("e", "E")]), false);
    assert_eq!(prepared.mass_removal(), None);
    let removed: Vec<&str> = prepared.actions().filter(|(_, action)| *action == Action::Remove).map(|(path, _)| path).collect();
    assert_eq!(removed, [".state/criteria/b.yaml"]);
    prepared.apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
    assert!(bench.read(".state/criteria/a.yaml").contains("My A"));
    assert!(!bench.has(".state/criteria/b.yaml"));
}

#[test]
fn more_than_half_at_once_is_noticed() {
    let bench = Bench::new();
    bench.pull(&first());
    let removes =
        |items: &[(&str, &str)], criteria: &[(&str, &str)]| bench.prepare(&bundle("b_2", items, criteria), false).mass_removal();
    let both = [("polite", "Be polite"), ("short", "Be short")];
    assert_eq!(removes(&[("1", "one")], &both).as_deref(), Some("2 of 3 inputs in inputs/generated.yaml"));
    assert_eq!(removes(&[("1", "one"), ("2", "two")], &[]).as_deref(), Some("2 of 2 criteria"));
    assert_eq!(removes(&[("4", "four"), ("5", "five"), ("6", "six")], &both), None);
}

#[test]
fn a_deleted_file_is_an_edit_and_force_brings_it_back() {
    let bench = Bench::new();
    bench.pull(&first());
    fs::remove_file(bench.path().join(POLITE)).unwrap();
    assert_eq!(bench.edits(), [Edit { path: POLITE.to_owned(), is_deleted: true, items: None }]);
    bench.pull(&first());
    assert!(!bench.has(POLITE));
    bench.prepare(&first(), true).apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
    assert!(bench.has(POLITE));
}

#[test]
fn f31_what_an_upload_noted_stays() {
    let bench = Bench::new();
    bench.pull(&first());
    for path in [".state/sync.json", ".state/sync/sync.json"] {
        bench.edit(path, "\"pulled_at\"", "\"last_run_batch_id\": \"rb-1\", \"own\": 1, \"pulled_at\"");
    }
    bench.pull(&bundle("b_2", &[("1", "one"), ("2", "two"), ("3", "three")], &[("polite", "Be polite"), ("short", "Be short")]));
    let state: Value = serde_json::from_str(&bench.read(".state/sync.json")).unwrap();
    assert_eq!(
        (&state["bundle_version_id"], &state["last_run_batch_id"], &state["own"]),
        (&json!("b_2"), &json!("rb-1"), &json!(1))
    );
    assert_eq!(bench.read(".state/sync.json"), bench.read(".state/sync/sync.json"));
}

#[test]
fn f18_empty_lists_replace_what_was_there() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path().join("pulled")).unwrap();
    bench.pull(&first());
    let empty = bundle("b_2", &[], &[]);
    let mut prepared = bench.prepare(&empty, true);
    prepared.apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
    assert_eq!(bench.read("pulled/inputs.json"), "[]");
    assert_eq!(bench.read(INPUTS), "inputs: []\n");
    assert!(!bench.has(POLITE));
}

#[test]
fn what_the_peer_pulled_is_continued() {
    let bench = Bench::new();
    // As 0.3.3 writes it, with quotes of its own taste.
    bench.write(
        INPUTS,
        "inputs:\n- input: one\n  metadata: {input_item_id: '1'}\n- input: my two\n  metadata: {input_item_id: '2'}\n",
    );
    bench.write(".state/sync.json", "{\"bundle_version_id\": \"b_1\", \"last_experiment_id\": \"exp_1\"}");
    let old = bundle("b_1", &[("1", "one"), ("2", "two")], &[]);
    let new = bundle("b_2", &[("1", "their one"), ("2", "two")], &[]);
    let mut prepared = bench.prepare_after(&new, Some(&old), false);
    assert_eq!(prepared.collisions(), []);
    prepared.apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
    let text = bench.read(INPUTS);
    assert!(text.contains("their one") && text.contains("my two"), "{text}");
    assert!(bench.read(".state/sync.json").contains("exp_1"));
    // Where the old bundle is gone from the platform, nobody can tell who changed what.
    let bench = Bench::new();
    bench.write(INPUTS, "inputs:\n- input: my one\n  metadata: {input_item_id: '1'}\n");
    assert!(!bench.prepare(&new, false).collisions().is_empty());
}

#[test]
fn f34_an_inputs_file_outside_the_scenario_is_refused() {
    let bench = Bench::new();
    bench.write("configs/input.yaml", "inputs_file: ../../../x.yaml\n");
    let scenario = Scenario::read(bench.path()).unwrap();
    let bundle = first();
    let question = Question {
        scenario: &scenario,
        received: &bundle,
        previous: None,
        api_url: "",
        project_id: None,
        force: true,
        merges_inputs: false,
    };
    assert!(matches!(prepare(question), Err(PullError::Path(_))));
    bench.write("configs/input.yaml", "inputs_file: data/mine.yaml\n");
    bench.pull(&bundle);
    assert!(bench.has("data/mine.yaml") && !bench.has(INPUTS));
}

/// The platform's items: an id and a word that no other version has.
fn served() -> impl Strategy<Value = Vec<(u8, u16)>> {
    let items = prop::collection::btree_map(0u8..6, 0u16..3, 0..6);
    items.prop_map(|items| items.into_iter().collect())
}

#[derive(Debug, Clone)]
enum Local {
    Change(usize, u16),
    Delete(usize),
    Add(usize, u16),
    Comment(u16),
    DeleteFile,
    EditCriterion(u16),
}

fn local() -> impl Strategy<Value = Local> {
    prop_oneof![
        4 => (0usize..6, any::<u16>()).prop_map(|(at, word)| Local::Change(at, word)),
        2 => (0usize..6).prop_map(Local::Delete),
        2 => (0usize..6, any::<u16>()).prop_map(|(at, word)| Local::Add(at, word)),
        1 => any::<u16>().prop_map(Local::Comment),
        1 => Just(Local::DeleteFile),
        1 => any::<u16>().prop_map(Local::EditCriterion),
    ]
}

fn version(number: usize, items: &[(u8, u16)]) -> Received {
    let items: Vec<(String, String)> =
        items.iter().map(|(id, word)| (id.to_string(), format!("served {id} in wording {word}"))).collect();
    let items: Vec<(&str, &str)> = items.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    let id = format!("b_{number}");
    bundle(&id, &items, &[("polite", &format!("Be polite {}", number / 2))])
}

/// Does an edit as a person would, and returns the words that must not be lost and those that are the person's no more.
fn do_edit(bench: &Bench, edit: &Local, words: &mut BTreeSet<String>) {
    let Ok(text) = fs::read_to_string(bench.path().join(INPUTS)) else { return };
    let mut list = text::inputs(&text).unwrap();
    let forget = |entry: &Value, words: &mut BTreeSet<String>| {
        words.remove(&*input_text::text(entry).unwrap());
    };
    match edit {
        Local::Change(at, word) => {
            let Some(entry) = list.entries.get_mut(*at) else { return };
            forget(entry, words);
            entry["input"] = json!(format!("mine{word}"));
            words.insert(format!("mine{word}"));
        }
        Local::Delete(at) if *at < list.entries.len() => forget(&list.entries.remove(*at), words),
        Local::Add(at, word) => {
            let at = (*at).min(list.entries.len());
            list.entries.insert(at, json!({"input": format!("own{word}")}));
            words.insert(format!("own{word}"));
        }
        Local::Comment(word) => {
            bench.write(INPUTS, &format!("# comment{word}\n{text}"));
            return;
        }
        Local::DeleteFile => {
            list.entries.iter().for_each(|entry| forget(entry, words));
            fs::remove_file(bench.path().join(INPUTS)).unwrap();
            return;
        }
        Local::EditCriterion(word) => {
            if let Ok(text) = fs::read_to_string(bench.path().join(POLITE)) {
                words.retain(|known| !known.starts_with("criterion"));
                bench.write(POLITE, &format!("{}# criterion{word}\n", text.split('#').next().unwrap()));
                words.insert(format!("criterion{word}"));
            }
            return;
        }
        Local::Delete(_) => return,
    }
    bench.write(INPUTS, &list.to_yaml());
}

/// The tree without times and lengths.
fn content(bench: &Bench) -> BTreeMap<String, String> {
    let mut tree = bench.tree();
    tree.remove(RECORD_FILE);
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn f1_no_edited_word_is_lost_and_a_crash_leaves_the_old_tree_or_the_new(
        rounds in prop::collection::vec((served(), prop::collection::vec(local(), 0..4), 0u32..50, any::<bool>()), 1..5),
    ) {
        let bench = Bench::new();
        let mut words: BTreeSet<String> = BTreeSet::new();
        for (number, (items, edits, crash, both)) in rounds.iter().enumerate() {
            let bundle = version(number, items);
            let mut prepared = bench.prepare(&bundle, false);
            for collision in prepared.collisions() {
                prepared.settle(&collision, if *both { Choice::Both } else { Choice::Local });
            }
            let before = content(&bench);
            let mut left = *crash;
            let died = catch_unwind(AssertUnwindSafe(|| {
                let mut before_step = || {
                    if left == 0 {
                        resume_unwind(Box::new("died"));
                    }
                    left -= 1;
                    Ok(())
                };
                prepared.apply(Vec::new(), &mut before_step, &mut |_| Ok(()))
            }));
            recover(bench.path(), &mut || Ok(())).unwrap();
            if died.is_err() {
                let now = content(&bench);
                let is_old = now.iter().filter(|(path, _)| !path.contains(".pull/")).eq(before.iter());
                let state = Scenario::read(bench.path()).unwrap();
                prop_assert!(is_old || state.bundle() == Some(bundle.bundle.id.as_str()), "{now:?}");
                let mut again = bench.prepare(&bundle, false);
                for collision in again.collisions() {
                    again.settle(&collision, Choice::Local);
                }
                again.apply(Vec::new(), &mut || Ok(()), &mut |_| Ok(())).unwrap();
            }
            let all: String = content(&bench).into_iter().filter(|(path, _)| !path.starts_with(".state/pull")).map(|(_, text)| text).collect();
            for word in &words {
                prop_assert!(all.contains(word.as_str()), "{word} of {words:?} is lost:\n{all}");
            }
            let again = bench.prepare(&bundle, false);
            prop_assert!(again.is_nothing_to_do(), "{:?}", again.actions().collect::<Vec<_>>());
            for edit in edits {
                do_edit(&bench, edit, &mut words);
            }
        }
    }
}
