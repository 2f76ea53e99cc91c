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
fn a_table_of_a_spreadsheet_is_read_as_the_dashboard_reads_it() {
    let place = shop();
    let table = "id;question;tags;zip\r\nq1;'=1+1 für 5 €;late, refund;08989\r\nq2;\"One,\r\n\"\"two\"\"\";;\r\n";
    let mut western: Vec<u8> = Vec::new();
    for character in table.chars() {
        western.push(match character {
            'ü' => 0xfc,
            '€' => 0x80,
            other => u8::try_from(other).unwrap(),
        });
    }
    let utf_16: Vec<u8> = "\u{feff}".encode_utf16().chain(table.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let mut lists = Vec::new();
    for bytes in [table.as_bytes(), format!("\u{feff}{table}").as_bytes(), &western, &utf_16] {
        place.world.project().file("q.csv", bytes);
        let shown = place.run(&["bundles", "import", "q.csv"]);
        assert!(shown.starts_with("exit: 0\n"), "{shown}");
        let is_told = shown.contains("warning: q.csv is not UTF-8; it is read as Windows-1252\n");
        assert_eq!(is_told, bytes == western, "{shown}");
        place.ok(&["sync", "pull", "--scenario", "q"]);
        lists.push(place.world.project().read(".fluxloop/scenarios/q/inputs/generated.yaml"));
    }
    let read = keepstep_workspace::yaml::parse_inputs(&lists[0], "inputs").unwrap();
    let entries = read["inputs"].as_array().unwrap();
    // The apostrophe that keeps a spreadsheet from calculating is no part of the text, and an empty cell says nothing.
    let said = [&entries[0], &entries[1]].map(|entry| entry["input"].as_str().unwrap());
    assert_eq!(said, ["=1+1 für 5 €", "One,\r\n\"two\""]);
    let [first, second] = [&entries[0]["metadata"], &entries[1]["metadata"]];
    assert_eq!(*first, serde_json::json!({"zip": "08989", "tags": ["late", "refund"], "input_item_id": "q1"}));
    assert_eq!(*second, serde_json::json!({"input_item_id": "q2"}));
    assert!(lists.iter().all(|list| *list == lists[0]), "{lists:?}");
    // What would swallow the rest of the file, and a persona that nobody has, are told, and nothing is sent.
    for (text, said) in [
        ("question,zip\nOne,1\n\"Two,2\nThree,3\n", "q.csv: line 3: unclosed quote, or text after a closing quote"),
        ("question,persona\nOne,stranger\n", "persona \"stranger\" not found"),
    ] {
        place.world.project().file("q.csv", text);
        let shown = place.run(&["bundles", "import", "q.csv"]);
        assert!(!shown.starts_with("exit: 0\n") && shown.contains(said), "{shown}");
    }
    // JSON has one way to be written.
    place.world.project().file("q.jsonl", b"{\"text\": \"gr\xfcn\"}\n");
    assert!(place.run(&["bundles", "import", "q.jsonl"]).contains("q.jsonl: "));
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
