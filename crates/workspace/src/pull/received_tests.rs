use keepstep_testdata::bundle::BundleError;
use keepstep_testdata::input_list::InputList;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn received(answer: &[u8]) -> Result<Received, BundleError> {
    let mut spool = Spool::default();
    spool.write_all(answer).unwrap();
    Received::of(spool).map_err(|error| error.downcast().unwrap())
}

fn text(received: &Received, content: Content) -> String {
    received.stored(content).unwrap().to_text().unwrap()
}

/// An answer with its members in an order that some server may have.
fn answer(items: &[Value], personas_first: bool, is_pretty: bool) -> String {
    let personas = json!([{"id": "p1", "name": "novice"}, {"id": "p2", "name": "yes: \"expert\""}]);
    let mut answer = json!({"bundle_version": {"id": "b_1"}});
    if personas_first {
        answer["personas"] = personas.clone();
    }
    answer["input_items"] = json!(items);
    answer["personas"] = personas;
    answer["criteria_pack"] = json!([{"id": "c", "name": "polite"}]);
    if is_pretty { format!("{answer:#}\n") } else { answer.to_string() }
}

#[test]
fn the_items_are_files_of_both_layouts() {
    let item = json!({
        "id": "item-1", "persona_id": "p1", "messages": [{"role": "user", "content": "Where is my order?"}],
        "metadata": {"category": "happy"}, "future": true,
    });
    let received = received(answer(&[item, json!({"id": "silent"})], false, false).as_bytes()).unwrap();
    insta::assert_snapshot!(text(&received, Content::List), @r"
    inputs:
    - input: Where is my order?
      metadata:
        category: happy
        input_item_id: item-1
        persona_id: p1
        persona: novice
    ");
    insta::assert_snapshot!(text(&received, Content::Items), @r#"
    [
      {
        "id": "item-1",
        "persona_id": "p1",
        "messages": [
          {
            "role": "user",
            "content": "Where is my order?"
          }
        ],
        "metadata": {
          "category": "happy"
        },
        "future": true
      },
      {
        "id": "silent"
      }
    ]
    "#);
    let without_text = &received.list().unwrap().left_out.without_text;
    assert_eq!(without_text, &[keepstep_testdata::input_list::ItemWithoutText { position: 2, id: Some("silent".to_owned()) }]);
}

#[test]
fn f3_half_an_answer_is_no_bundle() {
    let answer = answer(&[json!({"id": "1", "text": "one"}), json!({"id": "2", "text": "two"})], true, false);
    for length in 0..answer.len() {
        let received = received(&answer.as_bytes()[..length]);
        let unfinished = matches!(received, Err(BundleError::Unfinished));
        assert!(unfinished, "{}", &answer[..length]);
    }
}

#[test]
fn f3_a_packed_answer_that_is_cut_damaged_or_longer_is_no_bundle() {
    let answer = answer(&[json!({"id": "1", "text": "one"}), json!({"id": "2", "text": "two"})], true, false);
    let packed = packed(&answer, 100);
    assert!(received(&packed).unwrap().is_packed);
    for length in 0..packed.len() {
        let received = received(&packed[..length]);
        assert!(matches!(received, Err(BundleError::Unfinished)), "{length}");
    }
    let message = |bytes: &[u8]| received(bytes).unwrap_err().to_string();
    let longer = [packed.as_slice(), b"<html>"].concat();
    insta::assert_snapshot!(message(&longer), @"the server's answer to the pull cannot be unpacked: it is damaged; nothing was changed");
    let bomb = zstd::bulk::compress(&vec![b' '; 65 * 1024 * 1024], 3).unwrap();
    insta::assert_snapshot!(message(&bomb), @"the server's answer to the pull cannot be unpacked: it has more than 1000 times as much text as was received, over 64 MiB; nothing was changed");
}

/// Packs a text in frames of so many bytes.
fn packed(text: &str, size: usize) -> Vec<u8> {
    text.as_bytes().chunks(size).flat_map(|piece| zstd::bulk::compress(piece, 3).unwrap()).collect()
}

fn item() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-z ?]{0,12}", "[a-z]\n[a-z:# ]{0,5}", any::<String>()];
    let metadata = prop_oneof![Just(json!(null)), Just(json!({"persona": "own"})), Just(json!("old")), Just(json!({"n": 1.5}))];
    (text, metadata, prop::option::of(prop::sample::select(vec![json!("p1"), json!("p2"), json!("p3"), json!(7)])), any::<bool>())
        .prop_map(|(text, metadata, persona, is_message)| {
            let mut item = if is_message {
                json!({"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": text}]})
            } else {
                json!({"text": text})
            };
            item["metadata"] = metadata;
            if let Some(persona) = persona {
                item["persona_id"] = persona;
            }
            item
        })
}

proptest! {
    #[test]
    fn neither_the_order_of_members_nor_packing_matter(
        mut items in prop::collection::vec(item(), 0..8),
        personas_first: bool,
        is_pretty: bool,
        frame in prop::option::of(1usize..500),
    ) {
        for (at, item) in items.iter_mut().enumerate() {
            item["id"] = json!(format!("item-{at}"));
        }
        let whole = received(answer(&items, !personas_first, false).as_bytes()).unwrap();
        let answer = answer(&items, personas_first, is_pretty);
        let bytes = frame.map_or_else(|| answer.clone().into_bytes(), |frame| packed(&answer, frame));
        let pieces = received(&bytes).unwrap();
        prop_assert_eq!((pieces.is_packed, pieces.answer.length()), (frame.is_some(), bytes.len() as u64));
        prop_assert_eq!(&pieces.bundle, &whole.bundle);
        prop_assert_eq!(pieces.entries().unwrap(), whole.entries().unwrap());
        prop_assert_eq!(pieces.fingerprints().unwrap(), whole.fingerprints().unwrap());
        let list = text(&pieces, Content::List);
        prop_assert_eq!(&list, &text(&whole, Content::List));
        prop_assert_eq!(&list, &InputList::of_entries(whole.entries().unwrap()).to_yaml());
        prop_assert_eq!(text(&pieces, Content::Items), format!("{:#}", json!(items)));
    }
}

#[test]
fn an_item_longer_than_what_is_read_at_once_is_read_again_as_it_came() {
    for words in [10, 1_000, 30_000, 200_000] {
        let item = |id: &str, text: &str| json!({"id": id, "input": text});
        let items = [item("1", "one"), item("2", &"word ".repeat(words)), item("3", "three")];
        let received = received(answer(&items, true, false).as_bytes()).unwrap();
        assert_eq!(received.entries().unwrap().len(), 3, "{words}");
    }
}
