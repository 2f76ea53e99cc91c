use std::io::Write as _;

use serde_json::json;

use super::*;

fn entries(text: &str) -> Result<(bool, Vec<Value>), String> {
    entries_of(text.as_bytes())
}

fn entries_of(bytes: &[u8]) -> Result<(bool, Vec<Value>), String> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let mut entries = Vec::new();
    let is_list = each_entry(file, "inputs", |entry| entries.push(entry))?;
    Ok((is_list, entries))
}

#[test]
fn entries_come_one_by_one_and_are_those_of_the_whole_file() {
    let some = vec![json!({"input": "a", "n": [1, null]}), json!("é")];
    for text in [
        "- {input: a, n: [1, ~]}\n- é\n",
        "\u{feff}version: 1\ninputs:\n- input: a\n  n: [1, null]\n- é\nmore: {inputs: [x]}\n",
        " [{\"input\": \"a\", \"n\": [1, null]}, \"é\"]",
        "{\"inputs\": [{\"input\": \"a\", \"n\": [1, null]}, \"é\"], \"more\": 2}",
        "[{input: a, n: [1, null]}, é]",
    ] {
        assert_eq!(entries(text), Ok((true, some.clone())), "{text}");
    }
    for text in ["", "# nothing\n", "null", "inputs:\n", "inputs: []"] {
        assert_eq!(entries(text), Ok((true, Vec::new())), "{text}");
    }
    for text in ["a", "1", "true", "more: [a]\n", "inputs: none\n", "inputs: {inputs: [a]}\n"] {
        assert_eq!(entries(text), Ok((false, Vec::new())), "{text}");
    }
    for (text, said) in [("a:\n\t- x\n", "line 2"), ("inputs: [a]\ninputs: [b]\n", "line 2"), ("- a: 1\n  a: 2\n", "line 2")] {
        let message = entries(text).unwrap_err();
        assert!(message.contains(said), "{text}: {message}");
    }
}

#[test]
fn a_list_may_be_long_and_a_bomb_is_refused() {
    let long = format!("inputs: [{}]\n", "x, ".repeat(300_000));
    assert_eq!(parse(&long).unwrap()["inputs"].as_array().map(Vec::len), Some(300_000));
    assert_eq!(entries(&long).unwrap().1.len(), 300_000);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let last = format!("*a{}, ", level - 1).repeat(10);
        bomb += &format!("a{level}: &a{level} [{}]\n", last.trim_end_matches(", "));
    }
    assert!(parse(&bomb).is_err());
    bomb += "inputs: [*a11]\n";
    assert!(entries(&bomb).is_err());
}

#[test]
fn a_text_is_the_text_as_it_is_written() {
    let some = vec![
        json!({"input": "08989", "metadata": {"zip": "08989", "order": "0123", "n": 7, "pi": "3.10", "on": "yes", "none": null}}),
        json!("42"),
        json!("True"),
        json!({"messages": [{"role": "user", "content": "1e3"}], "text": "0x1F"}),
        json!({"input": null}),
    ];
    let text = "inputs:\n- input: 08989\n  metadata: {zip: 08989, order: 0123, n: 7, pi: 3.10, on: yes, none: ~}\n- 42\n- True\n\
                - {messages: [{role: user, content: 1e3}], text: 0x1F}\n- input:\n";
    assert_eq!(entries(text), Ok((true, some.clone())));
    assert_eq!(parse_inputs(text, "inputs"), Ok(json!({"inputs": some})));
    assert_eq!(entries(&text.replace('\n', "\r\n")), Ok((true, some)));
}

#[test]
fn what_is_merged_and_repeated_is_what_it_says() {
    let text = "base: &b {metadata: {zip: 007}, kind: x}\ninputs:\n- {<<: *b, input: a, kind: y}\n- &c {input: 08989}\n- *c\n";
    let merged = json!({"metadata": {"zip": "007"}, "input": "a", "kind": "y"});
    let again = json!({"input": "08989"});
    assert_eq!(entries(text), Ok((true, vec![merged, again.clone(), again])));
    assert_eq!(
        parse("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}\n").unwrap()["c"],
        json!({"x": 1, "y": 2, "z": 3})
    );
    assert_eq!(
        parse("\"<<\": 1\n1: a\n2026-01-02: b\ntrue: c\n").unwrap(),
        json!({"<<": 1, "1": "a", "2026-01-02": "b", "true": "c"})
    );
    assert_eq!(parse("a: !!str 7\nb: !!int \"7\"\nc: ! 7\nd: !own 7\n").unwrap(), json!({"a": "7", "b": 7, "c": "7", "d": "7"}));
    assert_eq!(entries("x: &x {inputs: [a]}\n<<: *x\n"), Ok((true, vec![json!("a")])));
}

#[test]
fn what_cannot_be_read_is_said_to_people() {
    let mut wrong = Vec::new();
    for (text, said) in [
        (
            "a: 1\n---\nb: 2\n",
            "line 2, column 1: a second document begins here (`---`); keep one document in the file, or split it into files",
        ),
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key `a` is there twice; keep one of them"),
        ("a:\n\t- x\n", "line 2, column 2: a tab is used for indentation; YAML is indented with spaces"),
        ("a: *b\n", "line 1, column 4: an alias (`*`) refers to an unknown anchor; write a text that begins with `*` in quotes"),
        ("a: b: c\n", "line 1, column 5: `:` is not allowed here; write a text that contains `: ` in quotes"),
        ("a: &a [*a]\n", "line 1, column 8: an alias refers to what it is a part of"),
        ("? [a]\n: b\n", "line 1, column 3: a key is a list or a mapping; it must be a text"),
        ("a: @b\n", "line 1, column 4: unexpected `@`; write a text that begins with it in quotes"),
        ("a: \"b\n", "line 2, column 1: invalid indentation in multiline quoted scalar"),
    ] {
        let both = (parse(text), entries(text).map(|_| Value::Null));
        if both != (Err(said.to_owned()), Err(said.to_owned())) {
            wrong.push(format!("{text}{both:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
    let merge = "line 1, column 1: `<<` needs a mapping or a list of mappings; write the key in quotes if it is meant as a text";
    assert_eq!(parse("<<: a\n"), Err(merge.to_owned()));
    assert_eq!(entries_of(b"a: \xff\n"), Err(NOT_UTF_8.to_owned()));
    assert_eq!(entries_of(&[b"- ".as_slice(), "é".repeat(AT_ONCE).as_bytes()].concat()).unwrap().1.len(), 1);
    assert_eq!(entries_of(&[b"- ".as_slice(), "é".repeat(AT_ONCE).as_bytes(), b"\xc3"].concat()), Err(NOT_UTF_8.to_owned()));
}

#[test]
fn a_text_to_look_for_is_the_text_and_a_limit_is_a_number() {
    let text = "- {equals: 1.10, weight: 0.50}\n- contains: [08989, 1e3]\n- similar: {to: 1.0e+3, at_least: 0.80}\n- json_schema: {minimum: 0.10}\n";
    let expected = json!([
        {"equals": "1.10", "weight": 0.5},
        {"contains": ["08989", "1e3"]},
        {"similar": {"to": "1.0e+3", "at_least": 0.8}},
        {"json_schema": {"minimum": 0.1}},
    ]);
    assert_eq!(parse(text), Ok(expected));
}
