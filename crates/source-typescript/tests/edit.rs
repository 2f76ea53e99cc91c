//! Edits of the definition: what is written where, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod common;

use common::{Project, agent, shown};
use insta::assert_snapshot;
use keepstep_agent::Field;
use keepstep_source::AgentSource as _;
use keepstep_source::{EditError, EditRefusal};
use serde_json::{Value, json};

/// Edits a field, applies the plan and checks that the project says what was wanted. Returns the patch.
fn edit(project: &Project, field: Field, wanted: Value) -> String {
    let plan = project.read().plan_edits(&[(field, Some(wanted.clone()))]).unwrap();
    plan.apply(project.root()).unwrap();
    assert_eq!(project.value(field), wanted);
    plan.patch()
}

fn refused(project: &Project, field: Field, wanted: Value) -> EditRefusal {
    project.read().plan_edits(&[(field, Some(wanted))]).unwrap_err()
}

/// Returns the file after a new persona was written.
fn persona_edited(before: &str, persona: &str, new: &str) -> String {
    let project = Project::persona(before, persona);
    edit(&project, Field::PERSONA, json!(new));
    project.text("src/index.ts")
}

/// Returns what was the expression of the persona after a new text was written.
fn expression_edited(persona: &str, new: &str) -> String {
    let text = persona_edited("", persona, new);
    text.split_once("persona: ").unwrap().1.rsplit_once(",\n  skills").unwrap().0.to_owned()
}

#[test]
fn only_what_differs_is_written() {
    assert_eq!(expression_edited(r"'it\x27s \u{41} test'", "it's A good test"), r"'it\x27s \u{41} good test'");
    assert_eq!(expression_edited("`a ${'b'} c`", "a b c d"), "`a ${'b'} c d`");
    assert_eq!(expression_edited(r#""say \"hi\"""#, "say \"hello\""), r#""say \"hello\"""#);
    assert_eq!(expression_edited("'one' /* kept */", "two"), "'two' /* kept */");
    assert_eq!(expression_edited("('one' as const)", "two"), "('two' as const)");
}

#[test]
fn w1_a_backslash_stays_one() {
    assert_eq!(expression_edited("`You are one.\nLine two`", r"C:\new\table"), r"`C:\\new\\table`");
    assert_eq!(expression_edited("'x'", r"a\\b"), r"'a\\\\b'");
}

#[test]
fn w2_a_backslash_never_breaks_the_project() {
    assert_eq!(expression_edited("`old`", r"see \users\x"), r"`see \\users\\x`");
    assert_eq!(expression_edited("String.raw`C:\\dir`", r"C:\users"), r"String.raw`C:\users`");
    // A raw template cannot hold every text.
    assert_eq!(expression_edited("String.raw`C:\\dir`", r"C:\dir\"), r"'C:\\dir\\'");
}

#[test]
fn w3_server_text_never_becomes_code() {
    assert_eq!(expression_edited("`old`", r"x \${process.env.HOME} y"), r"`x \\\${process.env.HOME} y`");
    assert_eq!(expression_edited("`costs $x{y}`", "costs ${y}"), r"`costs \${y}`");
    assert_eq!(expression_edited("`$a`", "${a}"), r"`$\{a}`");
    assert_eq!(expression_edited("`a${'b'}`", "a${'b'}b"), r"`a\${'b'}b${''}`");
}

#[test]
fn w4_a_backslash_at_the_end() {
    assert_eq!(expression_edited("`old`", "ends with \\"), r"`ends with \\`");
    assert_eq!(expression_edited("'old'", "ends with \\"), r"'ends with \\'");
    assert_eq!(expression_edited("`old`", "a \\` b"), r"`a \\\` b`");
}

#[test]
fn w5_names_and_models_are_escaped() {
    for name in ["A\\B", "a\\nb", "two\nlines", "ends\\", "it's", "\\'", "\u{2028}", "`${x}`"] {
        let project = Project::of("new LuaAgent({ name: 'N', model: \"m\" });");
        edit(&project, Field::NAME, json!(name));
        edit(&project, Field::MODEL, json!(name));
    }
}

#[test]
fn w6_the_text_is_edited_where_it_is_defined() {
    let patch = edit(&Project::persona("const P = 'one'; // the persona", "P"), Field::PERSONA, json!("two"));
    assert_snapshot!(patch, @r#"
    --- a/src/index.ts
    +++ b/src/index.ts
    @@ -1,5 +1,5 @@
     import { LuaAgent } from 'lua-cli';
    -const P = 'one'; // the persona
    +const P = 'two'; // the persona
     export const agent = new LuaAgent({
       name: 'N1',
       persona: P,
    "#);
    let files = |expression: &str, before: &str| {
        let text = agent(before, expression);
        Project::new([
            ("src/p.ts", "export const P = `one`;\nexport default 'one';\nexport const all = { deep: { p: \"one\" } };\n"),
            ("src/p.json", "{\r\n\t\"text\": \"one\"\r\n}\r\n"),
            ("src/barrel.ts", "export * from './p';\n"),
            ("persona.md", "# one\n"),
            ("src/index.ts", &text),
        ])
    };
    for (expression, before, file, text) in [
        ("P", "import { P } from './barrel';", "src/p.ts", "P = `a \"b\" 'c'`"),
        ("P", "import P from './p';", "src/p.ts", "default 'a \"b\" \\'c\\''"),
        ("p.all.deep['p']", "import * as p from './p';", "src/p.ts", r#"p: "a \"b\" 'c'""#),
        ("p.text", "import p from './p.json';", "src/p.json", "\t\"text\": \"a \\\"b\\\" 'c'\"\r\n"),
        ("readFileSync('persona.md', 'utf8').trim()", "import { readFileSync } from 'fs';", "persona.md", "a \"b\" 'c'\n"),
    ] {
        let project = files(expression, before);
        let index = project.text("src/index.ts");
        edit(&project, Field::PERSONA, json!("a \"b\" 'c'"));
        assert!(project.text(file).contains(text), "{}", project.text(file));
        assert_eq!(project.text("src/index.ts"), index);
    }
}

#[test]
fn the_names_in_a_text_stay_as_long_as_their_texts_do() {
    let before = "const CO = 'Acme';\nconst RULES = `Be kind.\nBe short.`;\nconsole.log(CO);";
    let text = persona_edited(before, "`You work for ${CO}.\n${RULES}`", "You work hard for Acme.\nBe kind.\nBe very short.");
    assert!(text.contains("`You work hard for ${CO}.\n${RULES}`") && text.contains("`Be kind.\nBe very short.`"), "{text}");
    // It is used elsewhere, so only this text changes.
    let text = persona_edited(before, "`You work for ${CO}.\n${RULES}`", "You work for Globex.\nBe kind.\nBe short.");
    assert!(text.contains("`You work for Globex.\n${RULES}`") && text.contains("CO = 'Acme'"), "{text}");
    let text = persona_edited(before, "'Work for ' + CO + '.'", "Work for \"G\".");
    assert!(text.contains("'Work for ' + '\"G\"' + '.'"), "{text}");
    // It is used here alone, so it is changed where it is defined.
    let text = persona_edited("const CO = 'Acme';", "`You work for ${CO}.`", "You work for Globex.");
    assert!(text.contains("const CO = 'Globex';") && text.contains("${CO}"), "{text}");
}

#[test]
fn texts_of_several_literals() {
    assert_eq!(expression_edited("'one ' + 'two'", "one three"), "'one ' + 'three'");
    assert_eq!(expression_edited("['one', 'two'].join('\\n')", "one\n2"), "['one', '2'].join('\\n')");
    assert_eq!(expression_edited("`\n  one\n`.trim()", "one\ntwo"), "`\n  one\ntwo\n`.trim()");
    assert_eq!(expression_edited("`\n  one\n`.trim()", " one"), "` one`");
    assert_eq!(expression_edited("['one', 'two'].join('\\n')", "three"), "'three'");
    assert_eq!(expression_edited("true ? 'one' : 'two'", "three"), "true ? 'three' : 'two'");
}

#[test]
fn several_lines_turn_a_quoted_text_into_a_template() {
    assert_eq!(expression_edited("'one'", "one\n`two` ${x}"), "`one\n\\`two\\` \\${x}`");
    assert_eq!(expression_edited(r"'one\ntwo'", "one\ntwo\nthree"), r"'one\ntwo\nthree'");
}

#[test]
fn w7_no_second_property_is_added() {
    for (before, property, after) in [
        ("const persona = 'old';", "persona", "const persona = 'new';"),
        ("", "'persona': 'old'", "{ name: 'N', 'persona': 'new' }"),
        ("const base = { persona: 'old' };", "...base", "const base = { persona: 'new' };"),
        ("", "get persona() { return 'old'; }", "get persona() { return 'new'; }"),
        ("", "['persona']: 'old'", "['persona']: 'new'"),
    ] {
        let project = Project::of(&format!("{before}\nnew LuaAgent({{ name: 'N', {property} }});\n"));
        edit(&project, Field::PERSONA, json!("new"));
        let text = project.text("src/index.ts");
        assert!(text.contains(after) && text.matches("persona").count() <= 2, "{text}");
    }
    let project = Project::of("new LuaAgent({ name: 'N', persona() { return 'x' } });");
    assert_snapshot!(refused(&project, Field::PERSONA, json!("new")), @r#"the persona cannot be read, so it is not edited: the persona is a function, and it must be a string or an object with base, voice, text"#);
}

#[test]
fn w8_and_w9_only_the_agent_that_was_read_is_edited() {
    let bot = "export default new LuaAgent({ name: 'N' });\n";
    let project =
        Project::new([("src/index.ts", "export { default } from './bot';\n"), ("src/bot.ts", bot), ("src/other.ts", bot)]);
    edit(&project, Field::NAME, json!("new"));
    assert_eq!(project.text("src/other.ts"), bot);
    assert_eq!(project.text("src/bot.ts"), "export default new LuaAgent({ name: 'new' });\n");
}

#[test]
fn w10_every_shape_of_an_agent_is_edited() {
    for text in [
        "class X extends LuaAgent { name = 'N'; }\nexport default new X();",
        "class X extends LuaAgent { constructor() { super({ name: 'N' }); } }",
        "const cfg = { name: 'N' };\nnew LuaAgent(cfg);",
        "new LuaAgent({ name: 'N' } as any);",
        "import { LuaAgent as LA } from 'lua-cli';\nnew LA({ name: 'N' });",
        "import * as L from 'lua-cli';\nnew L.LuaAgent({ name: 'N' });",
        "function f() { const name = 'N'; return new LuaAgent({ name }); }",
    ] {
        let project = Project::of(text);
        edit(&project, Field::NAME, json!("it's"));
        assert_eq!(project.text("src/index.ts"), text.replace("'N'", r"'it\'s'"));
    }
}

#[test]
fn w11_a_new_property_looks_like_its_neighbors() {
    for (before, after) in [
        (
            "new LuaAgent({\n\tname: 'N', // nm\n\tskills: [],\n});\n",
            "new LuaAgent({\n\tname: 'N', // nm\n\tskills: [],\n\tmodel: 'm',\n});\n",
        ),
        (
            "new LuaAgent({\n   name: \"N\",\n   skills: [] // all\n});\n",
            "new LuaAgent({\n   name: \"N\",\n   skills: [], // all\n   model: \"m\"\n});\n",
        ),
        ("new LuaAgent({ name: 'N' });", "new LuaAgent({ name: 'N', model: 'm' });"),
        ("new LuaAgent({name: 'N',});", "new LuaAgent({name: 'N', model: 'm',});"),
        ("new LuaAgent({});", "new LuaAgent({ model: 'm' });"),
        ("  new LuaAgent({\n  });", "  new LuaAgent({\n    model: 'm',\n  });"),
        (
            "class X extends LuaAgent {\n  name = 'N';\n  run() {}\n}\n",
            "class X extends LuaAgent {\n  name = 'N';\n  run() {}\n  model = 'm';\n}\n",
        ),
        (
            "const c = {\n  name: 'N'\n};\nnew LuaAgent({ ...c });",
            "const c = {\n  name: 'N'\n};\nnew LuaAgent({ ...c, model: 'm' });",
        ),
    ] {
        let project = Project::of(before);
        edit(&project, Field::MODEL, json!("m"));
        assert_eq!(project.text("src/index.ts"), after);
        let plan = project.read().plan_edits(&[(Field::MODEL, None)]).unwrap();
        plan.apply(project.root()).unwrap();
        assert_eq!(shown(project.read().property(Field::MODEL)), "absent", "{}", project.text("src/index.ts"));
    }
}

#[test]
fn a_property_is_removed_with_its_comma_and_line() {
    for (before, after) in [
        (
            "new LuaAgent({\n  name: 'N',\n  model: 'm', // gone\n  skills: [],\n});\n",
            "new LuaAgent({\n  name: 'N',\n  skills: [],\n});\n",
        ),
        ("new LuaAgent({\n  name: 'N',\n  model: 'm'\n});\n", "new LuaAgent({\n  name: 'N'\n});\n"),
        ("new LuaAgent({ model: 'm', name: 'N' });", "new LuaAgent({ name: 'N' });"),
        ("new LuaAgent({ name: 'N', model: 'm' });", "new LuaAgent({ name: 'N' });"),
        ("new LuaAgent({ model: 'm' });", "new LuaAgent({ });"),
        ("class X extends LuaAgent {\n  name = 'N';\n  model = 'm';\n}\n", "class X extends LuaAgent {\n  name = 'N';\n}\n"),
        (
            "const b = { model: 'b' };\nnew LuaAgent({ ...b, model: 'm' });",
            "const b = { model: 'b' };\nnew LuaAgent({ ...b, model: undefined });",
        ),
    ] {
        let project = Project::of(before);
        project.read().plan_edits(&[(Field::MODEL, None)]).unwrap().apply(project.root()).unwrap();
        assert_eq!(project.text("src/index.ts"), after);
    }
}

#[test]
fn w12_line_ends_and_a_bom_stay() {
    let text = format!("\u{feff}{}", agent("", "`one`").replace('\n', "\r\n"));
    let project = Project::of(&text);
    edit(&project, Field::PERSONA, json!("one\ntwo"));
    assert_eq!(project.text("src/index.ts"), text.replace("`one`", "`one\r\ntwo`"));
    edit(&project, Field::MODEL, json!("m"));
    assert_eq!(
        project.text("src/index.ts"),
        text.replace("`one`", "`one\r\ntwo`").replace("skills: [],\r\n", "skills: [],\r\n  model: 'm',\r\n")
    );
}

#[test]
fn w13_object_personas_member_by_member() {
    let before = "const VOICE = `v`;";
    let persona = "{\n    base: 'b', // kept\n    voice: VOICE,\n    foo: 'x',\n  }";
    let project = Project::persona(before, persona);
    edit(&project, Field::PERSONA, json!({"base": "b\u{85}c", "voice": "w", "foo": "x", "text": "new\nlines"}));
    assert_snapshot!(project.text("src/index.ts"), @r#"
    import { LuaAgent } from 'lua-cli';
    const VOICE = `w`;
    export const agent = new LuaAgent({
      name: 'N1',
      persona: {
        base: 'b\x85c', // kept
        voice: VOICE,
        foo: 'x',
        text: `new
    lines`,
      },
      skills: [],
    });
    "#);
    edit(&project, Field::PERSONA, json!({"foo": "y"}));
    assert_snapshot!(project.text("src/index.ts"), @r#"
    import { LuaAgent } from 'lua-cli';
    const VOICE = `w`;
    export const agent = new LuaAgent({
      name: 'N1',
      persona: {
        foo: 'y',
      },
      skills: [],
    });
    "#);
    edit(&project, Field::PERSONA, json!({"foo": {"a-b": [1, "it's"], "__proto__": true}}));
}

#[test]
fn a_string_persona_becomes_an_object_and_back() {
    for (before, expression) in [("", "`one\ntwo`"), ("const P = 'one';", "P"), ("import { P } from './p';", "P")] {
        let text = agent(before, expression);
        let project = Project::new([("src/p.ts", "export const P = 'one';\n"), ("src/index.ts", &text)]);
        edit(&project, Field::PERSONA, json!({"base": "b", "text": "t\nu"}));
        edit(&project, Field::PERSONA, json!("${string}"));
    }
}

#[test]
fn w14_an_empty_name_can_be_written() {
    let project = Project::of("new LuaAgent({ name: 'N' });");
    edit(&project, Field::NAME, json!(""));
    edit(&project, Field::NAME, json!("back"));
}

#[test]
fn w15_governance_is_data_whatever_its_keys_and_texts() {
    let governance = json!({"mode": "api", "serverUrl": "https://x/'y", "enabled": true, "rules": [{"a": null}]});
    for (before, agent) in [
        ("", "new LuaAgent({\n  name: 'N',\n});\n"),
        ("", "new LuaAgent({ name: 'N', governance: { mode: 'sdk' as const, preset: 'x' } });"),
        ("export const governance = {\n  mode: 'sdk' as const,\n};\n", "new LuaAgent({ name: 'N', governance });"),
    ] {
        let project = Project::of(&format!("{before}{agent}"));
        edit(&project, Field::named("governance"), governance.clone());
        let text = project.text("src/index.ts");
        assert_eq!(text.matches("governance").count(), before.matches("governance").count() + 1, "{text}");
    }
    let project = Project::of("new LuaAgent({\n  name: 'N',\n});\n");
    edit(&project, Field::named("governance"), governance);
    assert_snapshot!(project.text("src/index.ts"), @r#"
    new LuaAgent({
      name: 'N',
      governance: {
        mode: 'api',
        serverUrl: 'https://x/\'y',
        enabled: true,
        rules: [{ a: null }],
      },
    });
    "#);
}

#[test]
fn a_computed_value_without_a_text_is_refused_and_not_spelled_out() {
    let before = "const count = () => [1, 2].length;";
    let project = Project::persona(before, "`We have ${count()} desks in ${[0].map(() => 'Kiel').join()}.\nBe kind.`");
    let refusal = refused(&project, Field::PERSONA, json!("We own 3 desks in Kiel.\nBe kind."));
    assert_snapshot!(refusal, @"the persona is computed by the code, and no edit of one of its texts gives this value");
    assert_eq!(refusal.location.unwrap().to_string(), "src/index.ts:5:12");
    assert_snapshot!(refusal.frame, @r#"
      4 |   name: 'N1',
    > 5 |   persona: `We have ${count()} desks in ${[0].map(() => 'Kiel').join()}.
        |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      6 | Be kind.`,
    "#);
    // The number is of this machine, so it is no part of what may be copied.
    assert_snapshot!(refusal.patch.unwrap(), @r#"
    --- persona as src/index.ts:5:12 computes it
    +++ persona on the server
    @@ line 1 @@
    -We have … desks in Kiel…
    +We own 3 desks in Kiel…
    "#);
}

/// How a computed persona is edited: what stands before the agent, the expression, the new text, and what becomes of each part.
#[test]
fn a_computed_text_is_edited_at_the_literal_beside() {
    let tag = "const tag = (s: TemplateStringsArray) => { const lines = s.join('').split('\\n'); const by = Math.min(...lines.filter((l) => l.trim()).map((l) => l.search(/\\S/))); return lines.map((l) => l.slice(by)).join('\\n').trim(); };";
    let wrap = "const NORTH = `\nSHARED:\n- Say it once.\n`.trim();\nconst wrap = (base: string, ...more: string[]) => [base.trim(), NORTH, ...more].filter(Boolean).join('\\n\\n');";
    for (before, persona, new, edited) in [
        // A variable of the environment with a text for where it is not set.
        (
            "",
            "`Desk of ${process.env.NONE ?? 'the yard'}.\nBe brief.`",
            "Desk of the yard.\nBe brief, and say thanks.",
            "`Desk of ${process.env.NONE ?? 'the yard'}.\nBe brief, and say thanks.`",
        ),
        (
            "",
            "`Desk of ${process.env.NONE ?? 'the yard'}.`",
            "A desk of the yard.",
            "`A desk of ${process.env.NONE ?? 'the yard'}.`",
        ),
        // Blocks that are put around it.
        (
            wrap,
            "wrap(`You are Ops.\nSound like a colleague.`)",
            "You are Ops.\nSound like a good colleague.\n\nSHARED:\n- Say it once.",
            "wrap(`You are Ops.\nSound like a good colleague.`)",
        ),
        (
            wrap,
            "wrap('You are Ops.', 'Bye.')",
            "You are Ops.\n\nSHARED:\n- Say it once.\n\nGood bye.",
            "wrap('You are Ops.', 'Good bye.')",
        ),
        // An indentation that is taken away.
        (
            tag,
            "tag`\n    You are Bay.\n      - nested\n  `",
            "You are Bay.\n  - nested\n  - more\n\nBye.",
            "tag`\n    You are Bay.\n      - nested\n      - more\n\n    Bye.\n  `",
        ),
        (
            tag,
            "tag`\n    You are Bay.\n      - nested\n    End.`",
            "Hello.\nYou are Bay.\nEnd.",
            "tag`\n    Hello.\n    You are Bay.\n    End.`",
        ),
        (tag, "tag`\n    one\n    two\n    three`", "one\nthree", "tag`\n    one\n    three`"),
        // Names that are filled in.
        (
            "const fill = (text: string) => text.replace(/{{(\\w+)}}/g, () => 'Bay');",
            "fill('You are {{name}}, the desk.')",
            "You are Bay, the best desk.",
            "fill('You are {{name}}, the best desk.')",
        ),
        // Lists.
        (
            "",
            "['Be kind', 'Be short'].map((rule) => `- ${rule}`).join('\\n')",
            "- Be very kind\n- Be short",
            "['Be very kind', 'Be short'].map((rule) => `- ${rule}`).join('\\n')",
        ),
        (
            "",
            "Object.entries({ tone: 'kind', words: 'few' }).map(([key, value]) => `${key}: ${value}`).join('\\n')",
            "tone: calm\nwords: few",
            "Object.entries({ tone: 'calm', words: 'few' }).map(([key, value]) => `${key}: ${value}`).join('\\n')",
        ),
        // Text of the server is text, also there.
        (
            "const up = (text: string) => text.trim();",
            "up(`one`)",
            "one ${process.env.HOME} `two` \\",
            "up(`one \\${process.env.HOME} \\`two\\` \\\\`)",
        ),
        ("const up = (text: string) => text.trim();", "up('one')", "one\ntwo", "up(`one\ntwo`)"),
    ] {
        let project = Project::persona(before, persona);
        assert!(shown(project.read().property(Field::PERSONA)).ends_with(" (computed)"), "{persona}");
        let text = project.text("src/index.ts");
        project
            .read()
            .plan_edits(&[(Field::PERSONA, Some(json!(new)))])
            .unwrap_or_else(|refusal| panic!("{persona}: {refusal}"))
            .apply(project.root())
            .unwrap();
        assert_eq!(project.text("src/index.ts"), text.replace(persona, edited), "{persona}");
        assert_eq!(project.value(Field::PERSONA), json!(new));
    }
}

#[test]
fn a_computed_text_is_edited_in_the_file_that_it_is_read_from() {
    let index = common::agent(
        "import { readFileSync } from 'fs';\nimport data from './data.json';\nconst fill = (text: string) => text.replace('NAME', data.name);",
        "fill(readFileSync('persona.md', 'utf8'))",
    );
    let project = Project::new([
        ("src/index.ts", index.as_str()),
        ("persona.md", "You are NAME.\r\nBe brief.\r\n"),
        ("src/data.json", "{\"name\": \"Bay\"}"),
    ]);
    let plan = project.read().plan_edits(&[(Field::PERSONA, Some(json!("You are Bay.\nBe very brief.\nBye.\n")))]).unwrap();
    plan.apply(project.root()).unwrap();
    assert_eq!(project.text("persona.md"), "You are NAME.\r\nBe very brief.\r\nBye.\r\n");
    project
        .read()
        .plan_edits(&[(Field::PERSONA, Some(json!("You are Kai.\nBe very brief.\nBye.\n")))])
        .unwrap()
        .apply(project.root())
        .unwrap();
    assert_eq!(project.text("src/data.json"), "{\"name\": \"Kai\"}");
    assert_eq!(project.text("src/index.ts"), index);
}

#[test]
fn an_agent_of_a_factory_is_edited_where_its_text_is() {
    let make = "import { LuaAgent } from 'lua-cli';\nexport const make = (o: any) => new LuaAgent({ name: o.name, persona: `You are ${o.name}, ${o.tone}.` });\n";
    let project = Project::new([
        ("src/index.ts", "import { make } from './make';\nexport default make({ name: 'Bay', tone: 'kind' });\n"),
        ("src/make.ts", make),
    ]);
    edit(&project, Field::PERSONA, json!("You are Bay, calm."));
    assert_eq!(
        project.text("src/index.ts"),
        "import { make } from './make';\nexport default make({ name: 'Bay', tone: 'calm' });\n"
    );
    edit(&project, Field::PERSONA, json!("You are the desk Bay, calm."));
    assert_eq!(project.text("src/make.ts"), make.replace("You are $", "You are the desk $"));
    // The name is in the persona too.
    let refusal = refused(&project, Field::NAME, json!("Kai"));
    assert_snapshot!(refusal, @"the text of the name is the text of `persona` as well, which would change too");
}

#[test]
fn the_text_of_another_folder_of_the_repository_is_not_written() {
    let project = Project::new([("package.json", "{\"workspaces\": [\"*\"]}"), ("shared/p.ts", "export const P = 'one';\n")]);
    project.write("agent/src/index.ts", common::agent("import { P } from '../../shared/p';", "P"));
    let source =
        keepstep_source_typescript::read(&project.root().join("agent"), &keepstep_source_typescript::Options::default()).unwrap();
    let refusal = source.plan_edits(&[(Field::PERSONA, Some(json!("two")))]).unwrap_err();
    assert_snapshot!(refusal, @"the text of the persona is written in ../shared/p.ts, outside of this project, where others may use it");
}

#[test]
fn line_ends_are_those_of_the_code() {
    let project = Project::persona("", "`one\ntwo\nthree`");
    let text = project.text("src/index.ts");
    edit_persona_to(&project, "one\r\ntwo!\r\nthree", "one\ntwo!\nthree");
    assert_eq!(project.text("src/index.ts"), text.replace("two", "two!"));
    edit_persona_to(&project, "one\rtwo!\rthree", "one\ntwo!\nthree");
    let project = Project::persona("", "'one\\r\\ntwo'");
    edit_persona_to(&project, "one\ntwo\nthree", "one\r\ntwo\r\nthree");
}

/// Takes a persona from the server, and checks what the code then has.
fn edit_persona_to(project: &Project, taken: &str, expected: &str) {
    project.read().plan_edits(&[(Field::PERSONA, Some(json!(taken)))]).unwrap().apply(project.root()).unwrap();
    assert_eq!(project.value(Field::PERSONA), json!(expected));
}

#[test]
fn a_text_that_two_fields_share_is_refused() {
    let project = Project::of("const T = 'same';\nnew LuaAgent({\n  name: T,\n  persona: T,\n  description: `d`,\n});\n");
    let refusal = refused(&project, Field::PERSONA, json!("new"));
    assert_snapshot!(refusal, @r#"the text of the persona is the text of `name` as well, which would change too"#);
    assert_snapshot!(refusal.patch.unwrap(), @r#"
    --- a/src/index.ts
    +++ b/src/index.ts
    @@ -1,6 +1,6 @@
     const T = 'same';
     new LuaAgent({
       name: T,
    -  persona: T,
    +  persona: 'new',
       description: `d`,
     });
    "#);
    let project = Project::of("const T = 'same';\nnew LuaAgent({ name: 'N', persona: { base: T, text: T } });\n");
    assert_snapshot!(refused(&project, Field::PERSONA, json!({"base": "same", "text": "new"})), @r#"the text of the persona is used in more than one place, and only one of them is to change"#);
}

#[test]
fn a_function_and_something_unreadable_are_refused() {
    let project = Project::of("import { P } from './gone';\nnew LuaAgent({ name: 'N', persona: P, model: () => 'm' });\n");
    assert_snapshot!(refused(&project, Field::MODEL, json!("new")), @r#"the model is a function, which is not replaced by a value"#);
    assert_snapshot!(refused(&project, Field::PERSONA, json!("new")), @r#"the persona cannot be read, so it is not edited: `./gone` cannot be found"#);
}

#[test]
fn several_fields_are_planned_together() {
    let project = Project::new([
        ("src/index.ts", "import { P } from './p';\nnew LuaAgent({ name: 'N', persona: P, model: 'm' });\n"),
        ("src/p.ts", "export const P = 'p';\n"),
    ]);
    let changes = [
        (Field::NAME, Some(json!("A"))),
        (Field::PERSONA, Some(json!("q"))),
        (Field::MODEL, None),
        (Field::named("governance"), Some(json!({"mode": "sdk"}))),
    ];
    let plan = project.read().plan_edits(&changes).unwrap();
    assert_snapshot!(plan.patch(), @r#"
    --- a/src/index.ts
    +++ b/src/index.ts
    @@ -1,2 +1,2 @@
     import { P } from './p';
    -new LuaAgent({ name: 'N', persona: P, model: 'm' });
    +new LuaAgent({ name: 'A', persona: P, governance: { mode: 'sdk' } });
    --- a/src/p.ts
    +++ b/src/p.ts
    @@ -1 +1 @@
    -export const P = 'p';
    +export const P = 'q';
    "#);
    plan.apply(project.root()).unwrap();
    assert!(project.read().plan_edits(&changes).unwrap().files.is_empty());
}

#[test]
fn a_file_that_changed_meanwhile_is_left_alone() {
    let project = Project::persona("", "'old'");
    let plan = project.read().plan_edits(&[(Field::PERSONA, Some(json!("new")))]).unwrap();
    project.write("src/index.ts", "// mine");
    let error = plan.apply(project.root()).unwrap_err();
    assert!(matches!(error, EditError::ChangedMeanwhile { .. }));
    assert_snapshot!(error, @"src/index.ts was changed meanwhile; nothing was written to it");
    assert_eq!(project.text("src/index.ts"), "// mine");
}

#[cfg(unix)]
#[test]
fn permissions_stay_and_a_read_only_file_is_not_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::persona("", "'old'");
    let path = project.root().join("src/index.ts");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    edit(&project, Field::PERSONA, json!("new"));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).unwrap();
    let plan = project.read().plan_edits(&[(Field::PERSONA, Some(json!("newer")))]).unwrap();
    assert!(matches!(plan.apply(project.root()), Err(EditError::ReadOnly { .. })));
    let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["index.ts"]);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_inside_of_the_project_only() {
    let project = Project::new([
        ("shared/persona.md", "old"),
        ("src/index.ts", &agent("import fs from 'fs';", "fs.readFileSync('persona.md', 'utf8')")),
    ]);
    std::os::unix::fs::symlink("shared/persona.md", project.root().join("persona.md")).unwrap();
    let plan = project.read().plan_edits(&[(Field::PERSONA, Some(json!("new")))]).unwrap();
    plan.apply(project.root()).unwrap();
    assert_eq!(project.text("shared/persona.md"), "new");
    assert!(project.root().join("persona.md").is_symlink());
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), "new").unwrap();
    let plan = project.read().plan_edits(&[(Field::PERSONA, Some(json!("newer")))]).unwrap();
    std::fs::remove_file(project.root().join("shared/persona.md")).unwrap();
    std::os::unix::fs::symlink(outside.path(), project.root().join("shared/persona.md")).unwrap();
    assert!(matches!(plan.apply(project.root()), Err(EditError::Outside { .. })));
    assert_eq!(std::fs::read_to_string(outside.path()).unwrap(), "new");
}

#[test]
fn numbers_are_the_same_as_javascript_has_them() {
    let project = Project::of("new LuaAgent({ name: 'N', governance: { mode: 'sdk', limit: 2 } });");
    let plan = project
        .read()
        .plan_edits(&[(Field::named("governance"), Some(json!({"mode": "sdk", "limit": 1.0, "share": 0.25})))])
        .unwrap();
    plan.apply(project.root()).unwrap();
    assert_eq!(project.value(Field::named("governance")), json!({"mode": "sdk", "limit": 1, "share": 0.25}));
}

#[test]
fn computed_properties_do_not_stand_in_the_way() {
    let text = "import { LuaAgent } from 'lua-cli';\nconst now = Date.now() + Math.random();\nnew LuaAgent({\n  name: 'N',\n  description: `at ${now}`,\n  model: ['a', 'b'].map((part) => part.toUpperCase()).join('/'),\n});\n";
    let project = Project::of(text);
    edit(&project, Field::NAME, json!("M"));
    assert_eq!(project.text("src/index.ts"), text.replace("'N'", "'M'"));
    // Unless they are computed from the text that would change.
    let project =
        Project::of("import { LuaAgent } from 'lua-cli';\nconst N = 'N';\nnew LuaAgent({ name: N, model: N.toLowerCase() });\n");
    assert_snapshot!(refused(&project, Field::NAME, json!("M")), @"the text of the name is the text of `model` as well, which would change too");
}

#[test]
fn members_of_a_json_file() {
    let files = [
        ("src/agent.json", "{\n    \"name\": \"N\",\n    \"persona\": { \"base\": \"b\" }\n}\n"),
        ("src/index.ts", "import config from './agent.json';\nnew LuaAgent(config);\n"),
    ];
    let project = Project::new(files);
    edit(&project, Field::MODEL, json!("it's \"m\""));
    edit(&project, Field::PERSONA, json!({"base": "b\n2", "voice": "v"}));
    assert_snapshot!(project.text("src/agent.json"), @r#"
    {
        "name": "N",
        "persona": { "base": "b\n2", "voice": "v" },
        "model": "it's \"m\""
    }
    "#);
    project.read().plan_edits(&[(Field::MODEL, None)]).unwrap().apply(project.root()).unwrap();
    edit(&project, Field::PERSONA, json!({"base": "b"}));
    assert_eq!(project.text("src/agent.json"), files[0].1);
}

#[test]
fn an_object_that_was_changed_by_the_code_is_edited_if_running_confirms_it() {
    let project = Project::persona("const C: any = { p: 'one' };\nC.q = 'two';", "C.p");
    edit(&project, Field::PERSONA, json!("three"));
    assert!(project.text("src/index.ts").contains("{ p: 'three' };\nC.q = 'two';"));
}

#[test]
fn a_long_persona_is_edited() {
    let long = "A line of the persona, with words.\n".repeat(50_000);
    let project = Project::persona("", &format!("`{long}`"));
    let new = long.replacen("words", "${words}", 3) + "\\";
    edit(&project, Field::PERSONA, json!(new));
    edit(&project, Field::PERSONA, json!("short"));
    edit(&project, Field::PERSONA, json!(long));
}
