//! `keepstep admin import`

use insta::assert_snapshot;
use keepstep_store::{Scope, Store};

use crate::common::Bench;

/// A platform with a project, and files to bring there.
struct Desk {
    bench: Bench,
    shop: String,
}

/// What the platform has of a bundle version.
struct Published {
    generation: Option<u32>,
    scenario: String,
    personas: serde_json::Value,
    criteria: serde_json::Value,
}

impl Desk {
    fn new() -> Self {
        let bench = Bench::new();
        let shop = bench.platform.admin(&["project", "create", "--name", "shop"]);
        Self { bench, shop }
    }

    /// Runs an import of that text and returns its transcript.
    fn import(&self, text: &str) -> String {
        self.bench.project().file("orders.yaml", text);
        let data = self.bench.platform.data_dir().to_string_lossy().into_owned();
        let shown = self.bench.run(&["admin", "import", "--data", &data, "--project", &self.shop, "orders.yaml"]);
        shown.replace(&self.shop, "[SHOP]")
    }

    /// Runs an import that must be done, and returns the id of the bundle version.
    fn imported(&self, text: &str) -> String {
        let shown = self.import(text);
        let id = shown.lines().find(|line| line.starts_with("bundle_"));
        id.unwrap_or_else(|| panic!("{shown}")).to_owned()
    }

    /// Returns what the platform has now, while its server runs.
    fn published(&self, id: &str) -> Published {
        let path = self.bench.platform.data_dir().join("keepstep.db");
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let store = Store::open(&path).await.unwrap();
            let scope = Scope::organization(&self.bench.org);
            let bundle = store.bundle(&scope, id).await.unwrap();
            let content = store.bundle_content(&scope, id).await.unwrap();
            let scenario = store.scenario(&scope, &bundle.scenario_id).await.unwrap();
            store.close().await;
            Published {
                generation: bundle.generation,
                scenario: scenario.name,
                personas: serde_json::from_str(&content.personas).unwrap(),
                criteria: serde_json::from_str(&content.criteria).unwrap(),
            }
        })
    }
}

#[test]
fn a_file_is_published_and_its_id_stands_alone() {
    let desk = Desk::new();
    let text = "scenario: {name: orders}\npersonas:\n- name: novice\n  description: New\ninputs:\n- text: Where is my order?\n  persona: novice\ncriteria:\n- name: Politeness\n  items: [Be polite]\n";
    let first = desk.imported(text);
    assert_eq!(desk.imported(text), first, "the same file is the same version");
    let second = desk.imported(&text.replace("Where is", "Where the hell is"));
    assert_ne!(first, second);
    let published = desk.published(&second);
    assert_eq!((published.generation, published.scenario.as_str()), (Some(2), "orders"));
    assert_eq!(published.personas[0]["description"], "New");
    assert_eq!(published.criteria[0]["items"][0], "Be polite");
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let desk = Desk::new();
    assert_snapshot!(desk.import("scenario: {name: orders}\ninputs:\n\t- text: Hello\n"), @"
    exit: 2
    ----- stderr -----
    error: orders.yaml: line 3, column 2: a tab is used for indentation; YAML is indented with spaces
    ");
    assert_snapshot!(desk.import("scenario: {name: orders}\nscenario: {name: other}\ninputs:\n- text: Hello\n"), @"
    exit: 2
    ----- stderr -----
    error: orders.yaml: line 2, column 1: the key `scenario` is there twice; keep one of them
    ");
    assert_snapshot!(desk.import("scenario: {name: orders}\ninputs:\n- text: Hello\n  persona: nobody\n"), @r#"
    exit: 2
    ----- stderr -----
    error: input 1: persona "nobody" not found in `personas` or in the project
    "#);
    assert_snapshot!(desk.import("scenario: {name: orders}\ninputs:\n- text: ''\n"), @"
    exit: 2
    ----- stderr -----
    error: orders.yaml: input 1: a message is empty
    ");
    assert_snapshot!(desk.import("scenario: {name: orders}\npersonas: [{name: a}, {name: ' a'}]\ninputs: [{text: Hi}]\n"), @r#"
    exit: 2
    ----- stderr -----
    error: orders.yaml: two personas are called "a"
    "#);
}

#[test]
fn a_file_that_grows_by_its_aliases_is_refused_at_once() {
    let desk = Desk::new();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let last = format!("*a{}, ", level - 1).repeat(10);
        bomb += &format!("a{level}: &a{level} [{}]\n", last.trim_end_matches(", "));
    }
    bomb += "scenario: {name: orders, config: {x: *a11}}\ninputs: [{text: Hello}]\n";
    let shown = desk.import(&bomb);
    assert!(shown.starts_with("exit: 2\n") && shown.contains("orders.yaml: "), "{shown}");
}

#[test]
fn f22_server_names_that_are_paths_are_only_names() {
    let desk = Desk::new();
    for name in ["../../../etc/passwd", "/abs/path", "..", "C:\\con", "🛒 Заказы", "Ünïcode"] {
        let file = serde_json::json!({
            "scenario": {"name": name},
            "personas": [{"name": name}],
            "inputs": [{"text": "Hello", "persona": name}],
            "criteria": [{"name": name}],
        });
        let published = desk.published(&desk.imported(&file.to_string()));
        assert_eq!(published.scenario, name);
        assert_eq!((&published.personas[0]["name"], &published.criteria[0]["name"]), (&name.into(), &name.into()));
    }
}

#[test]
fn a_name_that_is_none_is_refused_and_nothing_is_written() {
    let desk = Desk::new();
    let with = |name: &str| desk.import(&serde_json::json!({"scenario": {"name": name}, "inputs": [{"text": "Hi"}]}).to_string());
    for name in ["", "  ", "a\nb", "\u{1b}[31m", "Shop [/v2]", &"x".repeat(300)] {
        let shown = with(name);
        assert!(!shown.starts_with("exit: 0") && shown.contains("invalid name "), "{name:?}: {shown}");
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
    // A bad name further down takes back what stands before it.
    let late = serde_json::json!({
        "scenario": {"name": "orders"}, "inputs": [{"text": "Hi"}], "criteria": [{"name": "good"}, {"name": "x".repeat(300)}],
    });
    assert!(desk.import(&late.to_string()).contains("it is longer than 200 bytes"));
    let published = desk.published(&desk.imported(r#"{"scenario": {"name": "orders"}, "inputs": [{"text": "Hi"}]}"#));
    assert_eq!((published.generation, published.criteria), (Some(1), serde_json::json!([])));
}

#[test]
fn f31_names_that_are_equal_as_files_are_kept_apart() {
    let desk = Desk::new();
    let file = serde_json::json!({
        "scenario": {"name": "orders"},
        "inputs": [{"text": "Hi"}],
        "criteria": [{"name": "A!B", "items": ["one"]}, {"name": "a b", "items": ["two"]}, {"name": "A B", "items": ["three"]}],
    });
    let published = desk.published(&desk.imported(&file.to_string()));
    let items: Vec<_> = published.criteria.as_array().unwrap().iter().map(|criterion| &criterion["items"][0]).collect();
    assert_eq!(items, ["one", "two", "three"]);
}
