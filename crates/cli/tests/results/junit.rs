//! The report as JUnit XML, checked against what its readers agree on: the schema of Jenkins' xUnit plug-in, as a table.

use std::process::Command;

use super::{questions, test};
use crate::test_command::Orders;

/// The name of an element and its attributes.
type Element = (String, Vec<(String, String)>);

/// Element, its attributes (those that must be there with a star), and the elements that may be in it.
const SCHEMA: &[(&str, &[&str], &[&str])] = &[
    ("testsuites", &["name", "time", "tests", "failures", "errors"], &["testsuite"]),
    (
        "testsuite",
        &["name*", "tests*", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"],
        &["properties", "testcase", "system-out", "system-err"],
    ),
    ("testcase", &["name*", "classname", "time", "group"], &["skipped", "error", "failure", "system-out", "system-err"]),
    ("failure", &["type", "message"], &[]),
    ("error", &["type", "message"], &[]),
    ("skipped", &["type", "message"], &[]),
    ("system-out", &[], &[]),
];

/// Reads a document strictly enough to know that any parser can, and checks it against the table. Returns each element's name
/// and attributes.
fn checked(text: &str) -> Vec<Element> {
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let (mut open, mut all): (Vec<String>, Vec<Element>) = (Vec::new(), Vec::new());
    while let Some(at) = rest.find('<') {
        check_text(
            &rest[..at],
            open.last().is_some_and(|name| name == "testsuites" || name == "testsuite" || name == "testcase"),
        );
        let (tag, after) = rest[at + 1..].split_once('>').expect("an end of the tag");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let (_, allowed, _) = SCHEMA.iter().find(|(known, _, _)| *known == name).unwrap_or_else(|| panic!("<{name}>"));
        if let Some(parent) = open.last() {
            let (_, _, inner) = SCHEMA.iter().find(|(known, _, _)| known == parent).unwrap();
            assert!(inner.contains(&name), "<{name}> in <{parent}>");
        }
        let attributes = read_attributes(attributes);
        for (attribute, value) in &attributes {
            assert!(allowed.iter().any(|known| known.trim_end_matches('*') == attribute), "{attribute} of <{name}>");
            check_text(value, false);
        }
        for needed in allowed.iter().filter_map(|known| known.strip_suffix('*')) {
            assert!(attributes.iter().any(|(attribute, _)| attribute == needed), "<{name}> has no {needed}");
        }
        if !is_empty {
            open.push(name.to_owned());
        }
        all.push((name.to_owned(), attributes));
    }
    assert!(open.is_empty() && rest.trim().is_empty());
    all
}

fn read_attributes(text: &str) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect("an attribute");
        let (value, after) = after.split_once('"').expect("its end");
        attributes.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    attributes
}

fn check_text(text: &str, only_space: bool) {
    assert!(!only_space || text.trim().is_empty(), "text between elements: {text:?}");
    assert!(!text.chars().any(|character| character < ' ' && !matches!(character, '\n' | '\t')), "{text:?}");
    for (at, _) in text.match_indices('&') {
        let entity = text[at + 1..].split(';').next().unwrap();
        assert!(matches!(entity, "amp" | "lt" | "gt" | "quot" | "apos"), "&{entity}");
    }
}

fn report(orders: &Orders, arguments: &[&str]) -> Vec<Element> {
    orders.output(&[&["test", "--skip-upload", "--junit", "out/report.xml"], arguments].concat());
    let elements = checked(&orders.project().read("out/report.xml"));
    // And by somebody who knows nothing of us.
    let parse = "import sys, xml.etree.ElementTree as xml; print(sum(1 for _ in xml.parse(sys.argv[1]).iter()))";
    let path = orders.project().path().join("out/report.xml");
    let parsed = Command::new("python3").args(["-c", parse]).arg(path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&parsed.stdout).trim(), elements.len().to_string(), "{parsed:?}");
    elements
}

#[test]
fn a_report_follows_the_schema() {
    let orders = questions(4);
    test(&orders, "one 2");
    orders.file("criteria/own.yaml", "name: Own\nitems:\n  - {contains: 'question 3', name: 'a < b & \"c\"'}\n");
    let elements = report(&orders, &["--parallel", "1"]);
    let number = |name: &str| elements.iter().filter(|(element, _)| element == name).count().to_string();
    let suite = &elements[1].1;
    for (attribute, element) in [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
        let (_, value) = suite.iter().find(|(name, _)| name == attribute).unwrap();
        assert_eq!(*value, number(element), "{attribute}");
    }
    assert_eq!((number("failure"), number("error")), ("2".to_owned(), "1".to_owned()));
    let stopped = report(&orders, &["--fail-fast", "--parallel", "1"]);
    assert!(stopped.iter().any(|(element, _)| element == "skipped"));
}

#[test]
fn what_an_agent_says_is_never_markup() {
    let orders = Orders::new("def run(input):\n    raise ValueError('</error>]]><x a=\"\\x00\\x1b\">&amp;\\n' + input)\n");
    orders.inputs(&["\"><testcase name='x'/>", "\u{1}&#0;"]);
    assert_eq!(report(&orders, &[]).iter().filter(|(element, _)| element == "error").count(), 2);
}
