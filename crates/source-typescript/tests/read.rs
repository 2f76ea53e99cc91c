//! The shapes in which a definition can be written, and the value that each has.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod common;

use common::{Project, agent, shown};
use insta::assert_snapshot;
use keepstep_agent::Field;
use keepstep_source::AgentSource as _;
use keepstep_source::{Property, SourceError};

/// Returns what is read of a persona that is written in some way, with files beside.
fn persona_with(files: &[(&str, &str)], before: &str, persona: &str) -> String {
    let text = agent(before, persona);
    let project = Project::new(files.iter().copied().chain([("src/index.ts", text.as_str())]));
    let source = project.read();
    shown(source.property(Field::PERSONA))
}

fn persona(before: &str, persona: &str) -> String {
    persona_with(&[], before, persona)
}

#[test]
fn every_static_shape_of_one_file() {
    for (before, expression, value) in [
        ("", r"'plain'", r#""plain""#),
        (
            "",
            r#""a\n\x41\u{1F600}\u0042\'\q\
b""#,
            "\"a\\nA\u{1F600}B'qb\"",
        ),
        ("", "`hi ${CO} v${1 + 1}`\n  ", "\"hi Acme v2\""),
        ("", "`a\r\nb\rc`", r#""a\nb\nc""#),
        ("const P = 'before';", "P", r#""before""#),
        ("let P = 'kept';", "P", r#""kept""#),
        ("var P = 'kept';", "P", r#""kept""#),
        ("const P = `x`; const Q = P;", "Q", r#""x""#),
        ("const CFG = { p: { x: 'deep' } };", "CFG.p.x", r#""deep""#),
        ("const CFG = { p: { x: 'deep' } };", "CFG['p']?.x", r#""deep""#),
        ("const K = 'x'; const CFG = { [K]: 'key' };", "CFG[K]", r#""key""#),
        ("const L = ['zero', 'one'];", "L[1]", r#""one""#),
        ("const { p, q: [r] } = { p: 'taken', q: ['item'] };", "p + r", r#""takenitem""#),
        ("enum E { A = 'first', B = `second` }", "E.B", r#""second""#),
        ("enum E { A, B = 5, C }", "`${E.A}${E.B}${E.C}`", r#""056""#),
        ("", "'a' + 'b' + CO + 1 + true + null + undefined", r#""abAcme1truenullundefined""#),
        ("", "1 + 2 + 'x'", r#""3x""#),
        ("", "['a', CO, 'b'].join('\\n')", r#""a\nAcme\nb""#),
        ("", "[...['a', 'b'], null, 'c'].join()", r#""a,b,,c""#),
        ("", "`\n  text\n`.trim()", r#""text""#),
        ("", "' a '.trimStart() + '|' + ' b '.trimEnd()", r#""a | b""#),
        ("const ON = true;", "ON ? 'yes' : 'no'", r#""yes""#),
        ("const T: string | undefined = undefined;", "T ?? 'fallback'", r#""fallback""#),
        ("", "'' || 'or'", r#""or""#),
        ("", "'x' && 'and'", r#""and""#),
        ("", "!'' && 1 === 1 && 'a' !== 'b' ? 'logic' : ''", r#""logic""#),
        ("", "'x' as const", r#""x""#),
        ("const P: string | undefined = 'x';", "P!", r#""x""#),
        ("", "(('x'))", r#""x""#),
        ("", "<string>'x'", r#""x""#),
        ("", "Object.freeze({ base: 'b' })", r#"{"base":"b"}"#),
        ("", "{ base: 'b', 'voice': `v`, [`text`]: 't' }", r#"{"base":"b","voice":"v","text":"t"}"#),
        ("const B = { base: 'b', text: 'old' };", "{ ...B, text: 't' }", r#"{"base":"b","text":"t"}"#),
        ("const B = { base: 'b', text: 'wins' };", "{ text: 't', ...B }", r#"{"text":"wins","base":"b"}"#),
        ("", "{ base: 'b', base: 'twice' }", r#"{"base":"twice"}"#),
        ("", "{ base: '' }", r#"{"base":""}"#),
        ("", "{}", "{}"),
        ("", "''", r#""""#),
        ("", "'   '", r#""   ""#),
        ("", "null", "absent"),
        ("", "undefined", "absent"),
        ("", "void 0", "absent"),
        ("const f = () => 'x';", "`${'in'}`.concat('a', CO)", r#""inaAcme""#),
    ] {
        let before = format!("const CO = 'Acme';\n{before}");
        assert_eq!(persona(&before, expression), value, "{before} {expression}");
    }
}

#[test]
fn x1_shapes_that_were_not_resolved() {
    assert_eq!(persona("", "('x' satisfies string)"), r#""x""#);
    assert_eq!(persona("", r"String.raw`C:\new\table`"), r#""C:\\new\\table""#);
    assert_eq!(persona_with(&[("src/p.ts", "export default 'literal';")], "import P from './p';", "P"), r#""literal""#);
    assert_eq!(
        persona_with(&[("src/p.json", r#"{"text":"a\/bé"}"#)], "import p from './p.json' with { type: 'json' };", "p.text"),
        r#""a/bé""#
    );
    assert_eq!(persona_with(&[("src/p.json", r#"{"text":"x"}"#)], "import { text } from './p.json';", "text"), r#""x""#);
    assert_eq!(persona_with(&[("src/p.json", r#"{"text":"x"}"#)], "import * as p from './p.json';", "p.default.text"), r#""x""#);
    let url = "import fs from 'fs';";
    let expression = "fs.readFileSync(new URL('./x.md', import.meta.url), 'utf8')";
    assert_eq!(persona_with(&[("src/x.md", "from file\n")], url, expression), r#""from file\n""#);
    for (before, property) in [
        ("const persona = 'short';", "persona"),
        ("", "'persona': 'short'"),
        ("", "['persona']: 'short'"),
        ("", "get persona() { return 'short'; }"),
        ("const base = { persona: 'short' };", "...base"),
        ("const K = 'persona';", "[K]: 'short'"),
    ] {
        let text = format!("import {{ LuaAgent }} from 'lua-cli';\n{before}\nnew LuaAgent({{ name: 'N', {property} }});");
        assert_eq!(shown(Project::of(&text).read().property(Field::PERSONA)), r#""short""#, "{property}");
    }
}

#[test]
fn values_of_other_files() {
    let files = [
        ("tsconfig.json", r#"{"compilerOptions":{"baseUrl":".","paths":{"@/*":["src/*"]}}}"#),
        ("src/p.ts", "export const P = 'named'; const D = 'default'; export default D; export { P as Renamed };"),
        ("src/barrel.ts", "export * from './p.js'; export { default as Default } from './p'; export * as ns from './p';"),
        ("src/config.ts", "import { P } from './p';\nexport const config = { persona: `in ${P}` } as const;"),
    ];
    for (before, expression, value) in [
        ("import { P } from './p';", "P", "named"),
        ("import { P as X } from './p.js';", "X", "named"),
        ("import D from './p';", "D", "default"),
        ("import { default as D } from './p';", "D", "default"),
        ("import { Renamed } from './p';", "Renamed", "named"),
        ("import * as p from './p';", "p.P", "named"),
        ("import * as p from './p';", "p.default", "default"),
        ("import { P } from './barrel';", "P", "named"),
        ("import { Default } from './barrel';", "Default", "default"),
        ("import { ns } from './barrel';", "ns.P", "named"),
        ("import { P } from '@/p';", "P", "named"),
        ("import { config } from '@/config';", "config.persona", "in named"),
        ("const { P } = require('./p');", "P", "named"),
    ] {
        assert_eq!(persona_with(&files, before, expression), format!("{value:?}"), "{before}");
    }
}

#[test]
fn text_files_of_the_project() {
    let files = [("persona.md", "\u{feff}# P\r\n"), ("src/near.txt", "near")];
    let whole = "\"\u{feff}# P\\r\\n\"";
    for (before, expression, value) in [
        ("import { readFileSync } from 'node:fs';", "readFileSync('persona.md', 'utf8')", whole),
        ("import fs from 'fs';", "fs.readFileSync('./persona.md', { encoding: 'utf-8' })", whole),
        ("import * as fs from 'fs';", "fs.readFileSync('persona.md').toString()", whole),
        ("import fs from 'fs';", "fs.readFileSync('persona.md').toString('utf8').trim()", "\"# P\""),
        (
            "import fs from 'fs'; import path from 'path';",
            "fs.readFileSync(path.join(__dirname, 'near.txt'), 'utf8')",
            "\"near\"",
        ),
        (
            "import fs from 'fs'; import { resolve } from 'path';",
            "fs.readFileSync(resolve(process.cwd(), 'src', 'near.txt'), 'utf8')",
            "\"near\"",
        ),
        (
            "import fs from 'fs'; import path from 'node:path';",
            "fs.readFileSync(path.join(import.meta.dirname, '..', 'persona.md'), 'utf8').trim()",
            "\"# P\"",
        ),
        (
            "import fs from 'fs'; import path from 'path'; import { fileURLToPath } from 'url';\nconst here = path.dirname(fileURLToPath(import.meta.url));",
            "fs.readFileSync(path.join(here, 'near.txt'), 'utf8')",
            "\"near\"",
        ),
        ("import fs from 'fs';", "`${fs.readFileSync('src/near.txt')}!`", "\"near!\""),
    ] {
        assert_eq!(persona_with(&files, before, expression), value, "{expression}");
    }
}

#[test]
fn the_agent_under_other_names_and_in_other_places() {
    for text in [
        "import { LuaAgent as LA } from 'lua-cli'; new LA({ name: 'N' });",
        "import * as L from 'lua-cli'; export default new L.LuaAgent({ name: 'N' });",
        "import { LuaAgent } from 'lua-cli/dist/api'; export default new LuaAgent({ name: 'N' } as any);",
        "import { LuaAgent } from 'lua-cli'; const cfg = { name: 'N' } satisfies object; new LuaAgent(cfg);",
        "import { LuaAgent } from 'lua-cli'; const cfg = { name: 'N' }; new LuaAgent({ ...cfg, skills: [] });",
        "import { LuaAgent } from 'lua-cli'; new LuaAgent(Object.freeze({ name: 'N' }));",
        "new LuaAgent({ name: 'N' });",
        "const { LuaAgent } = require('lua-cli'); module.exports = new LuaAgent({ name: 'N' });",
        "import { LuaAgent } from 'lua-cli'; class X extends LuaAgent { name = 'N'; }\nexport default new X();",
        "import { LuaAgent } from 'lua-cli'; export default class extends LuaAgent { name = 'N'; }",
        "import { LuaAgent } from 'lua-cli'; class X extends LuaAgent { constructor() { super({ name: 'N' }); } }\nnew X();",
        "import { LuaAgent } from 'lua-cli'; class X extends LuaAgent { get name() { return 'N'; } }",
        "import { LuaAgent } from 'lua-cli'; class X extends LuaAgent {}\nnew X({ name: 'N' });",
        "import { LuaAgent } from 'lua-cli'; class B extends LuaAgent { name = 'B'; }\nclass X extends B { name = 'N'; }",
    ] {
        assert_eq!(Project::of(text).value(Field::NAME), "N", "{text}");
    }
    let own = [
        ("src/lib.ts", "export { LuaAgent as Agent } from 'lua-cli';"),
        ("src/index.ts", "import { Agent } from './lib'; new Agent({ name: 'N' });"),
    ];
    assert_eq!(Project::new(own).value(Field::NAME), "N");
}

#[test]
fn x5_an_agent_inside_a_function() {
    let text = "import { LuaAgent } from 'lua-cli';\nexport function make() { const persona = 'inner'; return new LuaAgent({ name: 'N', persona }); }\n";
    assert_eq!(Project::of(text).value(Field::PERSONA), "inner");
}

#[test]
fn x3_a_name_with_a_slash_and_x4_an_empty_name() {
    assert_eq!(Project::of("new LuaAgent({ name: 'a/b c' })").value(Field::NAME), "a/b c");
    assert_eq!(Project::of("new LuaAgent({ name: '' })").value(Field::NAME), "");
}

#[test]
fn w9_the_agent_is_found_where_it_is() {
    let bot = "export default new LuaAgent({ name: 'N' });";
    for files in [
        vec![("src/index.ts", "export { default } from './bot';"), ("src/bot.ts", bot)],
        vec![("index.ts", "import './src/setup';"), ("src/setup.ts", ""), ("src/index.ts", bot)],
        vec![("src/index.ts", "import './a';"), ("src/a.ts", "import './b';"), ("src/b.ts", bot)],
        vec![("lib/deep/thing.ts", bot), ("lib/thing.test.ts", bot), ("node_modules/x/index.ts", bot)],
        vec![("agent.js", bot)],
        vec![("index.ts", bot), ("src/index.ts", bot)],
    ] {
        assert_eq!(Project::new(files.clone()).value(Field::NAME), "N", "{files:?}");
    }
}

#[test]
fn two_agents_are_an_error() {
    let error = Project::of("new LuaAgent({ name: 'A' });\n\n  new LuaAgent({ name: 'B' });").try_read().unwrap_err();
    assert_snapshot!(error, @"more than one agent is defined, at src/index.ts:1:1, src/index.ts:3:3");
    let files = [
        ("src/index.ts", "import './a'; import './b';"),
        ("src/a.ts", "new LuaAgent({ name: 'A' });"),
        ("src/b.ts", "class B extends LuaAgent { name = 'B'; }"),
    ];
    let error = Project::new(files).try_read().unwrap_err();
    assert_snapshot!(error, @"more than one agent is defined, at src/a.ts:1:1, src/b.ts:1:1");
    assert!(error.help().is_some());
}

#[test]
fn no_agent_and_broken_typescript() {
    assert!(matches!(Project::of("export {};").try_read(), Err(SourceError::NoAgent { .. })));
    let broken = Project::of("import { LuaAgent } from 'lua-cli';\nnew LuaAgent({\n  name: 'N'\n  persona: 'P',\n});\n");
    let error = broken.try_read().unwrap_err();
    assert_snapshot!(error, @r#"
    src/index.ts:4:3: Expected `,` or `}` but found `Identifier`
      3 |   name: 'N'
    > 4 |   persona: 'P',
        |   ^^^^^^^
      5 | });
    "#);
    let files = [("src/index.ts", "import './b'; new LuaAgent({ name: 'N' });"), ("src/b.ts", "const = 1;")];
    assert!(
        matches!(Project::new(files).try_read(), Err(SourceError::Syntax(problem)) if problem.location.file == std::path::Path::new("src/b.ts"))
    );
}

#[test]
fn bytes_that_are_not_utf8() {
    let project = Project::of("");
    project.write("src/index.ts", b"// \xff\nnew LuaAgent({});");
    assert_snapshot!(project.try_read().unwrap_err(), @"src/index.ts is not UTF-8: the byte at offset 3 belongs to no character");
}

#[test]
fn x6_what_cannot_be_told_is_not_empty() {
    let text = agent("import { external } from 'some-package';", "external");
    let project = Project::of(&text);
    let source = project.read();
    let Property::Unreadable(problem) = source.property(Field::PERSONA) else { panic!("{source:?}") };
    assert!(problem.message.contains("some-package"), "{}", problem.message);
    assert_eq!(problem.location.to_string(), "src/index.ts:5:12");
    assert_snapshot!(problem.frame, @r#"
      4 |   name: 'N1',
    > 5 |   persona: external,
        |            ^^^^^^^^
      6 |   skills: [],
    "#);
    assert!(!problem.help.is_empty());
    assert_eq!(shown(source.property(Field::NAME)), r#""N1""#);
}

#[test]
fn reasons_for_a_value_that_cannot_be_told() {
    let files = [
        ("src/a.ts", "import { B } from './b'; export const A = B;"),
        ("src/b.ts", "import { A } from './a'; export const B = A;"),
        ("bad.md", ""),
    ];
    for (before, expression, reason) in [
        ("import { A } from './a';", "A", "`A` depends on itself"),
        ("import { A } from './gone';", "A", "`./gone` cannot be found"),
        ("import { Z } from './a';", "Z", "src/a.ts does not export `Z`"),
        ("import fs from 'fs';", "fs.readFileSync('gone.md', 'utf8')", "gone.md cannot be read"),
        ("import fs from 'fs';", "fs.readFileSync('/etc/hostname', 'utf8')", "outside of the project"),
        ("import fs from 'fs';", "fs.readFileSync('../../../../../../etc/hostname', 'utf8')", "outside of the project"),
        ("import fs from 'fs';", "fs.readFileSync('bad.md')", "without an encoding"),
        ("", r"'half \uD800'", "half of a surrogate pair"),
        ("", r"`half \uD800`", "half of a surrogate pair"),
        ("", "42", "must be a string or an object with base, voice, text"),
        ("", "['a']", "must be a string or an object with base, voice, text"),
        ("", "() => 'x'", "must be a string or an object with base, voice, text"),
    ] {
        let message = persona_with(&files, before, expression);
        assert!(message.starts_with("unreadable: ") && message.contains(reason), "{expression}: {message}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_project_is_not_followed() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), "secret").unwrap();
    let project = Project::persona("import fs from 'fs';", "fs.readFileSync('persona.md', 'utf8')");
    std::os::unix::fs::symlink(outside.path(), project.root().join("persona.md")).unwrap();
    let message = shown(project.read().property(Field::PERSONA));
    assert!(message.contains("persona.md is outside of the project"), "{message}");
}

#[test]
fn models_governance_and_other_properties() {
    let source = Project::of(
        "new LuaAgent({ name: 'N', model: 'openai/gpt-4o', description: `d`, modelSettings: { temperature: 0.5, topK: 3 },\n  governance: { mode: 'sdk' as const, rules: [1, -2.5, 'x', null, { a: undefined }] } })",
    )
    .read();
    assert_eq!(shown(source.property(Field::MODEL)), r#""openai/gpt-4o""#);
    assert_eq!(shown(source.property(Field::named("governance"))), r#"{"mode":"sdk","rules":[1,-2.5,"x",null,{}]}"#);
    assert_eq!(shown(source.setting("modelSettings").unwrap()), r#"{"temperature":0.5,"topK":3}"#);
    assert_eq!(shown(source.setting("description").unwrap()), r#""d""#);
    assert_eq!(source.setting("browser"), Some(&Property::Absent));
    for model in ["() => 'x'", "async (request) => 'x'", "function () { return 'x' }", "pick"] {
        let source = Project::of(&format!("function pick() {{}}\nnew LuaAgent({{ name: 'N', model: {model} }})")).read();
        assert_eq!(shown(source.property(Field::MODEL)), "function", "{model}");
    }
    let source = Project::of("new LuaAgent({ name: 'N', model() { return 'x' } })").read();
    assert_eq!(shown(source.property(Field::MODEL)), "function");
}

#[test]
fn a_bom_and_crlf_are_read() {
    let text = agent("", "`a\n  b`").replace('\n', "\r\n");
    let project = Project::of(&format!("\u{feff}{text}"));
    assert_eq!(project.value(Field::PERSONA), "a\n  b");
    let json = Project::new([
        ("src/p.json", "\u{feff}{\"text\": \"x\"}"),
        ("src/index.ts", &agent("import p from './p.json';", "p.text")),
    ]);
    assert_eq!(json.value(Field::PERSONA), "x");
}

#[test]
fn the_modules_are_listed_breadth_first() {
    let files = [
        ("src/index.ts", "import './b'; import { type T } from './a'; import './data.json'; new LuaAgent({ name: 'N' });"),
        ("src/a.ts", "import './c'; export type T = 1;"),
        ("src/b.ts", "import './index';"),
        ("src/c.ts", ""),
        ("src/data.json", "{}"),
        ("src/unused.ts", ""),
    ];
    let source = Project::new(files).read();
    let paths: Vec<String> =
        source.modules().map(|module| module.path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(paths, ["index.ts", "b.ts", "a.ts", "data.json", "c.ts"]);
}

#[test]
fn x2_a_reassigned_let_has_the_value_that_the_agent_gets() {
    assert_eq!(persona("let P = 'first';\nP = 'second';", "P"), r#""second" (computed)"#);
    assert_eq!(persona("let P = 'first';\nif (P) { P += '!'; }", "P"), r#""first!" (computed)"#);
}

#[test]
fn what_only_running_tells_is_run() {
    for (before, expression, value) in [
        ("function f() { return 'called'; }", "f()", "called"),
        ("const upper = 'a';", "upper.toUpperCase()", "A"),
        ("let text = ''; for (const line of ['a', 'b']) text += line;", "text", "ab"),
        ("", "(() => 'now')()", "now"),
        ("const parts = ['b', 'a'].sort();", "parts.join(' ')", "a b"),
        ("import { make } from './make';", "make('x')", "made x"),
        ("const tag = (strings: TemplateStringsArray) => strings.raw.join('').trim();", "tag` a `", "a"),
    ] {
        let files = [("src/make.ts", "export const make = (what: string) => `made ${what}`;")];
        assert_eq!(persona_with(&files, before, expression), format!("{value:?} (computed)"), "{before} {expression}");
    }
}

#[test]
fn an_object_that_is_changed_after_it_is_made() {
    for (change, value) in [
        ("C.p = 'other';", r#""other" (computed)"#),
        ("C['p'] = 'other';", r#""other" (computed)"#),
        ("Object.assign(C, { p: 'other' });", r#""other" (computed)"#),
        ("const D = C; D.p = 'other';", r#""other" (computed)"#),
        ("function set(c: any) { c.p = 'other'; }\nset(C);", r#""other" (computed)"#),
        // Running it confirms the text, so it stays editable.
        ("C.q = 'other';", r#""one""#),
        ("console.log(C);", r#""one""#),
        ("function show(c: any) { return c; }\nshow(C);", r#""one""#),
    ] {
        assert_eq!(persona(&format!("const C: any = {{ p: 'one' }};\n{change}"), "C.p"), value, "{change}");
    }
    let files =
        [("src/c.ts", "export const C: any = { p: 'one' };"), ("src/change.ts", "import { C } from './c';\nC.p = 'other';")];
    assert_eq!(persona_with(&files, "import './change';\nimport { C } from './c';", "C.p"), r#""other" (computed)"#);
    let list = "const L = ['a'];\nL.push('b');";
    assert_eq!(persona(list, "L.join(' ')"), r#""a b" (computed)"#);
}

#[test]
fn the_environment_is_what_the_caller_says() {
    let project = Project::persona("", "`for ${process.env.TEAM ?? 'nobody'}`");
    assert_eq!(shown(project.read().property(Field::PERSONA)), r#""for nobody" (computed)"#);
    let environment = [("TEAM".to_owned(), "us".to_owned())].into();
    let options = keepstep_source_typescript::Options { environment, ..Default::default() };
    let source = keepstep_source_typescript::read(project.root(), &options).unwrap();
    assert_eq!(shown(source.property(Field::PERSONA)), r#""for us" (computed)"#);
}

#[test]
fn import_cycles_end() {
    let files = [
        ("src/a.ts", "import { B } from './b';\nexport const A = 'a';\nexport const AB = `${A}${B}`;"),
        ("src/b.ts", "import { A } from './a';\nexport const B = 'b';\nexport const BA = () => A;"),
    ];
    assert_eq!(persona_with(&files, "import { AB } from './a';", "AB"), r#""ab""#);
    let circle = [("src/a.ts", "export { X } from './b';"), ("src/b.ts", "export { X } from './a';")];
    let message = persona_with(&circle, "import { X } from './a';", "X");
    assert!(message.contains("in a circle"), "{message}");
    let stars = [("src/a.ts", "export * from './b';"), ("src/b.ts", "export * from './a';")];
    assert!(persona_with(&stars, "import { X } from './a';", "X").starts_with("unreadable: "));
    let own = persona("const C = { get p() { return C.p; } };", "C.p");
    assert!(own.starts_with("unreadable: "), "{own}");
}

#[test]
fn deep_and_long_expressions() {
    let sum = vec!["'a'"; 3000].join(" + ");
    assert_eq!(persona("", &sum), format!("{:?}", "a".repeat(3000)));
    let parentheses = format!("{}'a'{}", "(".repeat(3000), ")".repeat(3000));
    assert_eq!(persona("", &parentheses), r#""a""#);
    let arrays = format!("{}'a'{}", "[".repeat(3000), "]".repeat(3000));
    assert!(persona("", &arrays).starts_with("unreadable: "));
}

#[test]
fn a_persona_of_five_megabytes() {
    let long = "A line of the persona, with words.\n".repeat(150_000);
    assert_eq!(persona("", &format!("`{long}`")), format!("{:?}", long).as_str());
}
