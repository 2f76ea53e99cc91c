//! Files with questions go to the server and come back as they were written.

use serde_json::Value;

use super::Place;

/// A place whose project is selected.
fn shop() -> Place {
    let place = Place::new();
    place.ok(&["projects", "select", "shop"]);
    place
}

/// Imports a file and pulls it, and returns the text of the list of inputs.
fn pulled(place: &Place, file: &str, text: &str) -> String {
    place.world.project().file(file, text);
    place.ok(&["bundles", "import", file]);
    place.ok(&["sync", "pull", "--scenario", "q"]);
    place.world.project().read(".fluxloop/scenarios/q/inputs/generated.yaml")
}

#[test]
fn no_scalar_changes_on_its_way() {
    let scalars = [
        "08989",
        "0123",
        "007",
        "0o17",
        "0x1F",
        "1_000",
        "1e3",
        ".5",
        "12:30",
        "2026-01-02",
        "yes",
        "no",
        "on",
        "off",
        "1.10",
        "1e400",
        "12345678901234567890123",
        ".inf",
        ".nan",
        "+491234567",
    ];
    let metadata: Vec<String> = scalars.iter().enumerate().map(|(at, scalar)| format!("m{at}: {scalar}")).collect();
    let questions: String = scalars.iter().map(|scalar| format!("  - {{text: {scalar}}}\r\n")).collect();
    let text = format!(
        "\u{feff}scenario: {{name: q}}\r\ninputs:\r\n  - text: Where?\r\n    metadata: {{{}, count: 7, b: true, none: ~, price: 9.5}}\r\n{questions}  - {{text: 42}}\r\n",
        metadata.join(", ")
    );
    let place = shop();
    let list = pulled(&place, "q.yaml", &text);
    for (at, scalar) in scalars.iter().enumerate() {
        assert!(list.contains(&format!("    m{at}: \"{scalar}\"\n")), "{scalar}\n{list}");
        assert!(list.contains(&format!("- input: \"{scalar}\"\n")), "{scalar}\n{list}");
    }
    for said in ["    count: 7\n", "    b: true\n", "    none: null\n", "    price: 9.5\n", "- input: \"42\"\n"] {
        assert!(list.contains(said), "{said}\n{list}");
    }
}

#[test]
fn texts_that_look_like_values_stay_texts() {
    let texts = [
        "N/A",
        "null",
        "007",
        "true",
        "NaN",
        "=1+1",
        "cat x | grep y",
        "| a | b |",
        "~",
        "yes",
        "1e3",
        "2024-01-01",
        "12:30",
        "{{x}}",
        "%s",
        "it's \"q\" \\n",
        " lead",
        "trail ",
        "- a",
        "# c",
        "*x",
        "!t",
        "a: b",
        "é😀",
        "<b>&amp;",
        "0x1F",
        "1_000",
        ".5",
    ];
    let inputs: Vec<Value> = texts
        .iter()
        .map(|text| serde_json::json!({"text": text, "metadata": {"v": text, "n": null, "b": true, "f": 1.5, "l": [text, 2]}}))
        .collect();
    let place = shop();
    let list = pulled(&place, "q.json", &serde_json::json!({"scenario": {"name": "q"}, "inputs": inputs}).to_string());
    let read = keepstep_workspace::yaml::parse_inputs(&list, "inputs").unwrap();
    for (entry, text) in read["inputs"].as_array().unwrap().iter().zip(texts) {
        assert_eq!(entry["input"], text);
        let metadata = serde_json::json!({"v": text, "n": null, "b": true, "f": 1.5, "l": [text, 2], "input_item_id": entry["metadata"]["input_item_id"]});
        assert_eq!(entry["metadata"], metadata);
    }
}

#[test]
fn many_questions_keep_their_order_and_their_ids() {
    let inputs: Vec<Value> = (0..500)
        .map(|at| {
            let text = if at % 7 == 0 { format!("question {at}") } else { format!("question {}", at % 400) };
            serde_json::json!({"text": text, "metadata": {"expected": format!("answer {at}")}})
        })
        .collect();
    let file = serde_json::json!({"scenario": {"name": "q"}, "inputs": inputs}).to_string();
    let place = shop();
    let list = pulled(&place, "q.json", &file);
    let answers: Vec<&str> = list.lines().filter_map(|line| line.trim().strip_prefix("expected: answer ")).collect();
    assert_eq!(answers, (0..500).map(|at| at.to_string()).collect::<Vec<_>>());
    assert_eq!(pulled(&place, "q.json", &file), list, "the same file again changes nothing");
}

#[test]
fn the_simple_forms_of_questions_are_imported_and_others_are_named() {
    let place = shop();
    for (file, text) in [
        ("q.csv", "question,__expected\n\"Where is it, please?\",\"contains: order\"\nWhen?,contains: soon\n"),
        ("q.tsv", "input\t__expected\nWhere is it, please?\tcontains: order\nWhen?\tcontains: soon\n"),
        (
            "q.jsonl",
            "{\"input\": \"Where is it, please?\", \"__expected\": \"contains: order\"}\n{\"input\": \"When?\", \"__expected\": \"contains: soon\"}\n",
        ),
        (
            "q.json",
            r#"[{"input": {"question": "Where is it, please?"}, "__expected": "contains: order"}, {"text": "When?", "__expected": "contains: soon"}]"#,
        ),
    ] {
        let list = pulled(&place, file, text);
        assert!(
            list.contains("- input: Where is it, please?\n  metadata:\n    \"__expected\": \"contains: order\"\n"),
            "{file}\n{list}"
        );
        assert!(list.contains("- input: When?\n  metadata:\n    \"__expected\": \"contains: soon\"\n"), "{file}\n{list}");
    }
    place.world.project().file(
        "promptfooconfig.yaml",
        "description: t\nprompts: [p.txt]\nproviders: [echo]\ntests:\n  - vars: {question: Where?}\n",
    );
    insta::assert_snapshot!(place.run(&["bundles", "import", "promptfooconfig.yaml"]), @"
    exit: 2
    ----- stderr -----
    error: promptfooconfig.yaml is a promptfoo configuration, a format that cannot be imported
    hint: what can be imported: YAML or JSON with `scenario` and `inputs`, and CSV, TSV, JSON Lines or a JSON list with a column `input`, `question` or `text`
    ");
    place.world.project().file("q.xlsx", b"PK\x03\x04");
    insta::assert_snapshot!(place.run(&["bundles", "import", "q.xlsx"]), @"
    exit: 2
    ----- stderr -----
    error: q.xlsx is a spreadsheet or a ZIP file, a format that cannot be imported
    hint: what can be imported: YAML or JSON with `scenario` and `inputs`, and CSV, TSV, JSON Lines or a JSON list with a column `input`, `question` or `text`
    ");
    place.world.project().file("two.yaml", "scenario: {name: q}\ninputs: [{text: a}]\n---\nscenario: {name: r}\n");
    insta::assert_snapshot!(place.run(&["bundles", "import", "two.yaml"]), @"
    exit: 2
    ----- stderr -----
    error: two.yaml: line 3, column 1: a second document begins here (`---`); keep one document in the file, or split it into files
    ");
}

#[test]
fn one_odd_entry_does_not_stop_the_others() {
    let place = shop();
    pulled(&place, "q.yaml", "scenario: {name: q}\ninputs:\n  - {id: a, text: one}\n  - {id: b, text: two}\n");
    let folder = ".fluxloop/scenarios/q";
    place.world.project().file(&format!("{folder}/agents/a.py"), "def run(input):\n    return 'heard ' + input\n");
    place.world.project().file(&format!("{folder}/configs/simulation.yaml"), "runner:\n  target: \"agents.a:run\"\n");
    let list = "inputs:\n- input: 08989\n- {metadata: {a: 1}}\n- input: 42\n- 1e3\n";
    place.world.project().file(&format!("{folder}/inputs/generated.yaml"), list);
    let shown = place.run(&["test", "--scenario", "q", "--skip-upload"]);
    assert!(shown.starts_with("exit: 0\n"), "{shown}");
    assert!(shown.contains("1 input without a text not run: number 2 of"), "{shown}");
    let experiments = format!("{folder}/experiments/");
    let files = place.world.project().files();
    let traces = files.iter().find(|path| path.starts_with(&experiments) && path.ends_with("/trace_summary.jsonl")).unwrap();
    let traces = place.world.project().read(traces);
    for said in ["heard 08989", "heard 42", "heard 1e3"] {
        assert!(traces.contains(said), "{said}: {traces}");
    }
}
