//! What holds for every text in every shape: it comes out as it went in, and nothing else changes.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod common;

use keepstep_source::AgentSource as _;
use std::collections::BTreeMap;

use common::{Project, agent};
use keepstep_agent::Field;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A way to write a persona: the files besides, what stands before the agent, the expression, and the file with the text.
struct Shape {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    before: &'static str,
    expression: &'static str,
    home: &'static str,
}

const INDEX: &str = "src/index.ts";

const SHAPES: &[Shape] = &[
    Shape { name: "single", files: &[], before: "", expression: "'It\\'s one.'", home: INDEX },
    Shape { name: "double", files: &[], before: "", expression: "\"One \\u{1F600} two\"", home: INDEX },
    Shape { name: "template", files: &[], before: "", expression: "`You are ${''}one.\nLine \\`two\\``", home: INDEX },
    Shape { name: "const", files: &[], before: "const P = `one`;", expression: "P as string", home: INDEX },
    Shape {
        name: "import",
        files: &[("src/p.ts", "// p\nexport const P = 'one';\n")],
        before: "import { P } from './p';",
        expression: "P",
        home: "src/p.ts",
    },
    Shape {
        name: "default",
        files: &[("src/p.ts", "export default `one\r\ntwo`;\r\n")],
        before: "import P from './p';",
        expression: "P",
        home: "src/p.ts",
    },
    Shape { name: "member", files: &[], before: "const C = { a: { b: ['one'] } };", expression: "C.a.b[0]", home: INDEX },
    Shape { name: "sum", files: &[], before: "", expression: "'one ' + \"two\" + `\nthree`", home: INDEX },
    Shape { name: "sum with a name", files: &[], before: "const N = 7;", expression: "'one ' + N + ' two'", home: INDEX },
    Shape { name: "join", files: &[], before: "", expression: "['one', 'two', 'three'].join('\\n')", home: INDEX },
    Shape { name: "trim", files: &[], before: "", expression: "`\n  one\n  two\n`.trim()", home: INDEX },
    Shape { name: "substitution", files: &[], before: "const N = 7;", expression: "`one ${N} two ${ N }`", home: INDEX },
    Shape { name: "raw", files: &[], before: "", expression: "String.raw`C:\\new`", home: INDEX },
    Shape { name: "getter", files: &[], before: "const C = { get p() { return 'one'; } };", expression: "C.p", home: INDEX },
    Shape {
        name: "json",
        files: &[("src/p.json", "{ \"a\": 1, \"text\": \"one \\u0041\" }")],
        before: "import p from './p.json';",
        expression: "p.text",
        home: "src/p.json",
    },
    Shape {
        name: "file",
        files: &[("persona.md", "# one\r\ntwo\n")],
        before: "import fs from 'fs';",
        expression: "fs.readFileSync('persona.md', 'utf8')",
        home: "persona.md",
    },
];

impl Shape {
    fn project(&self) -> Project {
        let text = agent(self.before, self.expression);
        Project::new(self.files.iter().copied().chain([(INDEX, text.as_str())]))
    }

    fn texts(&self, project: &Project) -> BTreeMap<String, String> {
        let paths = self.files.iter().map(|(path, _)| *path).chain([INDEX]);
        paths.map(|path| (path.to_owned(), project.text(path))).collect()
    }
}

/// Texts that are hard to write down.
fn texts() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "\\",
        "`",
        "${",
        "$",
        "{",
        "}",
        "'",
        "\"",
        "\r",
        "\n",
        "\r\n",
        "\0",
        "1",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "😀",
        "e\u{301}",
        "\t",
        "\u{85}",
        "\u{202e}",
        "\\u",
        "\\x",
        "*/",
        "//",
        "<!--",
        "</script>",
        " ",
        "one",
        "two",
        "7",
        "${process.env.HOME}",
        "\\n",
        "\u{1b}[31m",
        "\u{7f}",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(hard, 0..12).prop_map(|parts| parts.concat()),
        Just(String::new()),
        Just("It's one.".to_owned()),
    ]
}

/// Writes a field and checks everything that has to hold; returns the project's files.
fn write(shape: &Shape, project: &Project, field: Field, wanted: &Value) -> Result<(), TestCaseError> {
    let before = shape.texts(project);
    let plan = project
        .read()
        .plan_edits(&[(field, Some(wanted.clone()))])
        .map_err(|refusal| TestCaseError::fail(format!("{}: {refusal}", shape.name)))?;
    for file in &plan.files {
        prop_assert_eq!(file.path.to_str().unwrap(), shape.home, "{}", shape.name);
    }
    plan.apply(project.root()).unwrap();
    prop_assert_eq!(as_compared(field, &project.value(field)), as_compared(field, wanted), "{}", shape.name);
    for (path, text) in shape.texts(project) {
        if path != shape.home {
            prop_assert_eq!(&before[&path], &text);
        }
    }
    Ok(())
}

/// Returns a value as two sides compare it: the line ends of a persona are no difference.
fn as_compared(field: Field, value: &Value) -> Value {
    match (field, value) {
        (Field::PERSONA, Value::String(text)) => json!(keepstep_agent::canonical::canonical_line_ends(text)),
        (Field::PERSONA, Value::Object(members)) => {
            members.iter().map(|(key, value)| (key.clone(), as_compared(field, value))).collect()
        }
        _ => value.clone(),
    }
}

fn check(shape: &Shape, text: &str) -> Result<(), TestCaseError> {
    let project = shape.project();
    let original = project.value(Field::PERSONA);
    write(shape, &project, Field::PERSONA, &json!(text))?;
    // Everything around the definition is as it was.
    let (first, edited) = (shape.project().text(shape.home), project.text(shape.home));
    if shape.home == INDEX {
        let head = "import { LuaAgent } from 'lua-cli';\n";
        let tail = "\n  skills: [],\n});\n";
        prop_assert!(edited.starts_with(head) && edited.ends_with(tail), "{}", edited);
        prop_assert_eq!(first.matches("LuaAgent").count(), 2);
    }
    write(shape, &project, Field::PERSONA, &original)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_comes_out_as_it_went_in_and_back(text in texts()) {
        for shape in SHAPES {
            check(shape, &text)?;
        }
    }

    #[test]
    fn a_computed_text_comes_out_as_it_went_in(text in texts()) {
        // Around the text stands what is computed; the text itself is what a person edits.
        for (before, expression, frame) in [
            ("const wrap = (text: string) => `Hi ${[1].length}. ${text} End.`;", "wrap('Be kind.')", ("Hi 1. ", " End.")),
            ("const wrap = (text: string) => `Hi ${[1].length}. ${text} End.`;", "wrap(`Be kind.`)", ("Hi 1. ", " End.")),
            ("const N = () => 'x';", "`${N()}Be kind.${N()}`", ("x", "x")),
            ("", "['A:', \"Be kind.\"].map((part) => part).join(' ')", ("A: ", "")),
        ] {
            let project = Project::persona(before, expression);
            let old = project.text(INDEX);
            let wanted = format!("{}{text}{}", frame.0, frame.1);
            let plan = project.read().plan_edits(&[(Field::PERSONA, Some(json!(wanted)))]);
            let Ok(plan) = plan else {
                // Nothing says where a text that is not there any more belongs.
                continue;
            };
            plan.apply(project.root()).unwrap();
            prop_assert_eq!(as_compared(Field::PERSONA, &project.value(Field::PERSONA)), as_compared(Field::PERSONA, &json!(wanted)));
            let new = project.text(INDEX);
            let (head, tail) = old.split_once(expression).unwrap();
            prop_assert!(new.starts_with("import { LuaAgent }") && (new.starts_with(head) || new.ends_with(tail)), "{}", new);
            prop_assert_eq!(new.matches("LuaAgent").count(), old.matches("LuaAgent").count() + text.matches("LuaAgent").count());
        }
    }

    #[test]
    fn one_edit_after_another(texts in prop::collection::vec(texts(), 1..4)) {
        for shape in SHAPES {
            let project = shape.project();
            for text in &texts {
                write(shape, &project, Field::PERSONA, &json!(text))?;
            }
        }
    }

    #[test]
    fn a_member_of_an_object_persona(text in texts(), key in texts()) {
        let shape = Shape { name: "object", files: &[], before: "", expression: "{\n    base: 'b',\n    voice: `v`,\n  }", home: INDEX };
        let project = shape.project();
        let mut wanted = json!({"base": text, "voice": "v"});
        write(&shape, &project, Field::PERSONA, &wanted)?;
        wanted[key.as_str()] = json!(text);
        write(&shape, &project, Field::PERSONA, &wanted)?;
        write(&shape, &project, Field::PERSONA, &json!({"base": "b", "voice": "v"}))?;
        write(&shape, &project, Field::PERSONA, &json!(text))?;
        write(&shape, &project, Field::PERSONA, &json!({"text": text}))?;
    }

    #[test]
    fn names_models_and_governance(text in texts(), key in texts()) {
        let shape = Shape { name: "fields", files: &[], before: "", expression: "'p'", home: INDEX };
        let project = shape.project();
        write(&shape, &project, Field::NAME, &json!(text))?;
        write(&shape, &project, Field::MODEL, &json!(text))?;
        let governance = json!({"mode": text, key.as_str(): [1.5, null, true, {key.as_str(): text}]});
        write(&shape, &project, Field::named("governance"), &governance)?;
        project.read().plan_edits(&[(Field::MODEL, None), (Field::named("governance"), None)]).unwrap().apply(project.root()).unwrap();
        prop_assert_eq!(project.value(Field::NAME), json!(text));
        prop_assert!(project.read().definition().get(Field::named("governance")).is_none());
    }

    #[test]
    fn a_field_of_a_class(text in texts()) {
        let before = "import { LuaAgent } from 'lua-cli';\nexport default class extends LuaAgent {\n  name = 'N'; // n\n  persona = 'one';\n}\n";
        let shape = Shape { name: "class", files: &[], before: "", expression: "", home: INDEX };
        let project = Project::of(before);
        write(&shape, &project, Field::PERSONA, &json!(text))?;
        write(&shape, &project, Field::PERSONA, &json!("one"))?;
        prop_assert!(project.text(INDEX).starts_with(&before[..90]));
    }
}
