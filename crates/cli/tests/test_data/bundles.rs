//! `keepstep bundles …`, `personas` and `inputs`

use insta::assert_snapshot;

use super::{ORDERS, Place};

#[test]
fn test_data_goes_from_a_file_to_the_server() {
    let place = Place::new();
    place.ok(&["projects", "select", "shop"]);
    place.world.project().file("orders.yaml", ORDERS);
    assert_snapshot!(place.run(&["bundles", "import", "orders.yaml"]), @"
    exit: 0
    ----- stdout -----
    ✅ [BUNDLE] (orders) is published on [URL], with 2 inputs
    ----- stderr -----
    hint: `keepstep sync pull` brings it to a workspace
    ");
    // The same file makes no other version.
    let first = place.json(&["bundles", "import", "orders.yaml"])["bundle"]["bundle_version_id"].clone();
    assert_eq!(place.json(&["bundles", "list"])["bundles"].as_array().unwrap().len(), 1);
    assert_snapshot!(place.run(&["bundles", "list"]), @"
    exit: 0
    ----- stdout -----
    ID                               NAME    STATUS     VERSION  INPUTS  CREATED
    [BUNDLE]  orders  published  1        2       [DAY]
    ");
    assert_snapshot!(place.run(&["bundles", "show", first.as_str().unwrap()]), @"
    exit: 0
    ----- stdout -----
    bundle    orders ([BUNDLE])
    status    published, generation 1
    scenario  [SCENARIO]
    inputs    2 (set [INPUTS])
    personas  1
    created   [DAY]
    ");
    assert_snapshot!(place.run(&["personas", "create", "--name", "expert", "--description", "Knows it all"]), @"
    exit: 0
    ----- stdout -----
    ✅ Created persona expert ([PERSONA]) on [URL]
    ");
    assert_snapshot!(place.run(&["personas", "list"]), @"
    exit: 0
    ----- stdout -----
    ID                                NAME    DIFFICULTY  DESCRIPTION
    [PERSONA]  expert              Knows it all
    [PERSONA]  novice              New to the shop
    ");
    let sets = place.json(&["inputs", "list"]);
    assert_eq!(sets["input_sets"][0]["inputs"], 2);
    let shown = place.ok(&["inputs", "show", sets["input_sets"][0]["id"].as_str().unwrap()]);
    assert!(shown.contains("Where is my order?"), "{shown}");
    place.ok(&["scenarios", "select", "orders"]);
    assert_eq!(place.json(&["bundles", "publish", "--name", "second"])["bundle"]["generation"], 2);
    assert_snapshot!(place.run_as_fluxloop(&["bundles", "publish", "--name", "second"]), @"
    exit: 0
    ----- stdout -----
    ✅ [BUNDLE] (second) is published on [URL], with 2 inputs
    BUNDLE_PUBLISHED: [BUNDLE]
    ");
}

#[test]
fn a_file_with_a_mistake_is_not_sent() {
    let place = Place::connected();
    let project = place.world.project();
    for (text, said) in [
        ("scenario: {name: orders}\ninputs:\n\t- text: x\n", "line 3"),
        ("scenario: {name: orders}\ninputs: []\n", "no inputs"),
        ("scenario: {name: orders}\ninputs: [{text: ''}]\n", "input 1"),
    ] {
        project.file("bad.yaml", text);
        let shown = place.run(&["bundles", "import", "bad.yaml"]);
        assert!(shown.starts_with("exit: 2") && shown.contains(said), "{shown}");
    }
    // What only the server can know is its own sentence.
    project.file("bad.yaml", "scenario: {name: orders}\ninputs: [{text: x, persona: nobody}]\n");
    assert_snapshot!(place.run(&["bundles", "import", "bad.yaml"]), @r#"
    exit: 12
    ----- stderr -----
    error: [URL] refused this: Input 1: persona "nobody" not found in `personas` or in the project.
    "#);
    assert_eq!(place.json(&["bundles", "list"])["bundles"].as_array().unwrap().len(), 1);
    assert_eq!(place.code(&["bundles", "import", "missing.yaml"]), 2);
    assert_eq!(place.code(&["bundles", "import", "bad.yaml", "--project-id", "project_0"]), 3);
    assert_eq!(place.code(&["bundles", "show", "bundle_0"]), 3);
}

#[test]
fn a_viewer_imports_nothing() {
    let place = Place::connected();
    place.world.project().file("orders.yaml", ORDERS);
    let viewer = place.platform.key("viewer");
    let output = place.command(&["bundles", "import", "orders.yaml"]).env("KEEPSTEP_API_KEY", viewer).output().unwrap();
    assert_eq!(output.status.code(), Some(10));
}

#[test]
fn a_reworded_question_keeps_its_id_and_ids_are_written_where_they_are_wanted() {
    let place = Place::new();
    place.ok(&["projects", "select", "shop"]);
    let file = |text: &str| _ = place.world.project().file("q.yaml", text);
    file("scenario: {name: q}\ninputs: # all\n  - text: Where is my order?\n  - {text: Cancel it} # later\n");
    place.ok(&["bundles", "import", "q.yaml"]);
    file("scenario: {name: q}\ninputs: # all\n  - text: Where is my order, please?\n  - {text: Cancel it} # later\n");
    let shown = place.run(&["bundles", "import", "q.yaml"]);
    assert!(shown.contains("1 reworded input kept the id of the version before:"), "{shown}");
    assert!(shown.contains("\"Where is my order?\" → \"Where is my order, please?\""), "{shown}");
    assert!(shown.contains("`keepstep bundles import q.yaml --write-ids`"), "{shown}");
    let document = place.json(&["bundles", "import", "q.yaml", "--write-ids"]);
    assert_eq!(document["ids_written"], true);
    let set = document["bundle"]["input_set_id"].as_str().unwrap().to_owned();
    let inputs = place.json(&["inputs", "show", &set]);
    let id = |at: usize| inputs["inputs"][at]["id"].as_str().unwrap().to_owned();
    let expected = format!(
        "scenario: {{name: q}}\ninputs: # all\n  - id: {}\n    text: Where is my order, please?\n  - {{id: {}, text: Cancel it}} # later\n",
        id(0),
        id(1)
    );
    assert_eq!(place.world.project().read("q.yaml"), expected);
    // With its id a question may say anything.
    file(&expected.replace("Where is my order, please?", "Do you sell gift cards?"));
    let document = place.json(&["bundles", "import", "q.yaml", "--write-ids"]);
    assert_eq!((&document["ids_written"], &document["reworded_count"]), (&false.into(), &0.into()));
    let set = document["bundle"]["input_set_id"].as_str().unwrap().to_owned();
    assert_eq!(place.json(&["inputs", "show", &set])["inputs"][0]["id"], id(0).as_str());
}
