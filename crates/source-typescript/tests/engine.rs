//! What the embedded engine gives for the code of a project, and what it refuses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keepstep_source_typescript::engine::{
    Captured, CapturedValue, Failure, FailureKind, Limits, Machine, Position, Request, evaluate,
};
use serde_json::json;
use tempfile::TempDir;

/// A project on disk, and how it is to be evaluated.
struct Project {
    folder: TempDir,
    environment: BTreeMap<String, String>,
    machine: Machine,
    overlay: BTreeMap<PathBuf, String>,
    limits: Limits,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            environment: BTreeMap::new(),
            machine: Machine::default(),
            overlay: BTreeMap::new(),
            // Generous, so that a slow machine does not change what is tested.
            limits: Limits { time: Duration::from_secs(30), ..Limits::default() },
        };
        for (path, text) in files {
            let path = project.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        project
    }

    /// A project whose agent has the persona of an expression, after some statements.
    fn with_persona(before: &str, expression: &str) -> Self {
        Self::new(&[("src/index.ts", &agent(before, expression))])
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    fn evaluate(&self) -> Result<Captured, Failure> {
        let read = |path: &Path| self.overlay.get(path).cloned();
        evaluate(&Request {
            root: &self.root(),
            entry: &self.root().join("src/index.ts"),
            read: &read,
            environment: &self.environment,
            machine: &self.machine,
            limits: self.limits,
        })
    }

    fn persona(&self) -> CapturedValue {
        let captured = self.evaluate().unwrap();
        assert_eq!(captured.agents.len(), 1, "{captured:?}");
        captured.agents[0].values["persona"].clone()
    }

    fn failure(&self) -> Failure {
        self.evaluate().unwrap_err()
    }
}

fn agent(before: &str, persona: &str) -> String {
    format!(
        "import {{ LuaAgent }} from 'lua-cli';\n{before}\nexport default new LuaAgent({{ name: 'A', persona: {persona} }});\n"
    )
}

fn text(value: &str) -> CapturedValue {
    CapturedValue::Json(json!(value))
}

fn unreadable(reason: &str) -> CapturedValue {
    CapturedValue::Unreadable(reason.to_owned())
}

// ------------------------------------------------------------------------------------------------ What it can do

#[test]
fn calls_loops_and_types_are_evaluated() {
    let before = "
        enum Tone { Kind = 'kind' }
        namespace Words { export const end = '!' }
        interface Rule { text: string }
        const rules: Rule[] = [{ text: 'a' }, { text: 'b' }];
        class Builder<T> { constructor(private tone: T) {} build(): string { return `be ${this.tone}`; } }
        abstract class Base { abstract x(): string }
        function build(): string {
          let all = new Builder(Tone.Kind).build() as unknown as string;
          for (const rule of rules) all += '\\n- ' + rule!.text;
          return all satisfies string;
        }";
    assert_eq!(Project::with_persona(before, "build() + Words.end").persona(), text("be kind\n- a\n- b!"));
}

#[test]
fn decorators_do_not_stand_in_the_way() {
    let before = "
        import { Injectable } from 'framework';
        const mark = (target: any) => { target.marked = 'yes'; };
        const upper = (_: any, __: string, described: any) => ({ ...described, value() { return 'UP'; } });
        @Injectable() @mark class Service { static marked: string; @upper word() { return 'low'; } }";
    let project = Project::with_persona(before, "Service.marked + new Service().word()");
    // Decorators of the standard are called otherwise, and nobody but the settings says which these are.
    let Err(failure) = project.evaluate() else { panic!("the wrong decorators were applied") };
    assert!(failure.message.contains("experimentalDecorators"), "{}", failure.message);
    let project = project.file("tsconfig.json", "{\"compilerOptions\": {\"experimentalDecorators\": true}}");
    assert_eq!(project.persona(), text("yesUP"));
}

/// As esbuild compiles them: the nearest `tsconfig.json` decides, and what it extends.
#[test]
fn fields_of_classes_come_to_be_as_the_settings_say() {
    let before = "class Base { set tone(value: string) { (this as any).set = value; } }
        class Words extends Base {
            // @ts-expect-error
            tone = 'kind';
            empty: any;
            static label = 'L';
            text = `hi ${this.name}`;
            constructor(public name = 'Bay') { super(); }
        }
        const words: any = new Words();";
    let persona = "`${Object.keys(words)} ${words.text} ${Words.label}`";
    let defined = "name,tone,empty,text hi undefined L";
    let assigned = "name,set,text hi Bay L";
    let target = |target: &str| format!("// the compiler\n{{\"compilerOptions\": {{\"target\": \"{target}\",}},}}");
    for (settings, expected) in [
        (vec![], defined),
        (vec![("tsconfig.json", "{}".to_owned())], defined),
        (vec![("tsconfig.json", target("ES2020"))], assigned),
        (vec![("tsconfig.json", target("es2021"))], assigned),
        (vec![("tsconfig.json", target("ES2022"))], defined),
        (vec![("tsconfig.json", target("ESNext"))], defined),
        (vec![("tsconfig.json", r#"{"compilerOptions": {"useDefineForClassFields": false}}"#.to_owned())], assigned),
        (
            vec![("tsconfig.json", r#"{"compilerOptions": {"target": "ES2015", "useDefineForClassFields": true}}"#.to_owned())],
            defined,
        ),
        (vec![("tsconfig.json", r#"{"extends": "./base"}"#.to_owned()), ("base.json", target("ES2020"))], assigned),
        (vec![("tsconfig.json", r#"{"extends": "@absent/base", "compilerOptions": {"target": "ES2020"}}"#.to_owned())], assigned),
        (vec![("tsconfig.json", target("ES2020")), ("src/tsconfig.json", "{}".to_owned())], defined),
    ] {
        let project =
            settings.iter().fold(Project::with_persona(before, persona), |project, (path, text)| project.file(path, text));
        assert_eq!(project.persona(), text(expected), "{settings:?}");
    }
}

/// What a member without a value gets after such a one is another thing to each compiler.
#[test]
fn members_of_enums_after_what_may_be_a_text() {
    for (members, expected) in [
        ("A = 1 << 2, B", Some("5")),
        ("A = -1, Z = A, B", Some("0")),
        ("A = 'x', Z = A, B", None),
        ("A = 'abc'.length, B", None),
        ("A = `t`, B", None),
    ] {
        let project = Project::with_persona(&format!("enum T {{ {members} }}"), "[T.B].join()");
        match (expected, project.evaluate()) {
            (Some(expected), _) => assert_eq!(project.persona(), text(expected), "{members}"),
            (None, found) => assert!(found.is_err_and(|failure| failure.message.contains("enum")), "{members}"),
        }
    }
}

#[test]
fn modules_are_found_as_typescript_finds_them() {
    let project = Project::with_persona(
        "import { a } from './a.js';\nimport b from '@/lib/b';\nimport * as c from './folder';\n\
         import { type T, d } from './d';\nimport data, { kind } from './data.json' with { type: 'json' };\n\
         import words from './words.md';\nimport more from './more.txt' with { type: 'text' };",
        "[a, b, c.c, d, data.text, kind, words, more].join('|')",
    )
    .file("tsconfig.json", "{ // comment\n \"compilerOptions\": { \"baseUrl\": \".\", \"paths\": { \"@/*\": [\"src/*\"] } } }")
    .file("src/a.ts", "export const a: string = 'a';")
    .file("src/lib/b.ts", "export default 'b';")
    .file("src/folder/index.ts", "export * from './c';")
    .file("src/folder/c.ts", "\u{feff}export const c = 'c';")
    .file("src/d.ts", "export interface T {}\nexport { d } from './e';")
    .file("src/e.mts", "const d = 'd';\r\nexport { d };\r\n")
    .file("src/data.json", "{\"text\": \"j\\u2028\", \"kind\": \"k\", \"not-a-name\": 1, \"class\": 2}")
    .file("src/words.md", "# `w` ${x} \\n")
    .file("src/more.txt", "m");
    assert_eq!(project.persona(), text("a|b|c|d|j\u{2028}|k|# `w` ${x} \\n|m"));
}

#[test]
fn import_cycles_and_dynamic_imports_work() {
    let project = Project::with_persona(
        "import { one } from './one';\nconst { late } = await import('./late');\nconst { z } = await import('zod');\nz.object({});",
        "one() + late",
    )
    .file("src/one.ts", "import { two } from './two'; export const one = () => 'one' + two(); export const base = 'b';")
    .file("src/two.ts", "import { base } from './one'; export const two = () => 'two' + base;")
    .file("src/late.ts", "export const late = await Promise.resolve('late');");
    assert_eq!(project.persona(), text("onetwoblate"));
}

#[test]
fn files_of_the_project_are_read() {
    let before = "
        import fs, { readFileSync } from 'node:fs';
        import * as files from 'fs';
        import { readFile } from 'node:fs/promises';
        import path from 'path';
        import { fileURLToPath } from 'url';
        const here = path.dirname(fileURLToPath(import.meta.url));
        const texts = [
          readFileSync('prompts/a.md', 'utf8'),
          fs.readFileSync(path.join(here, '..', 'prompts', 'a.md')).toString(),
          files.readFileSync(new URL('../prompts/a.md', import.meta.url), { encoding: 'utf-8' }),
          readFileSync(path.join(__dirname, '../prompts/a.md'), 'utf8'),
          await readFile(path.resolve('prompts', 'a.md'), 'utf8'),
          require('node:fs').readFileSync(import.meta.dirname + '/../prompts/a.md', 'utf8'),
        ];
        const names = fs.readdirSync('prompts').filter((name) => name.endsWith('.md'));
        const known = [fs.existsSync('prompts/a.md'), fs.existsSync('prompts/none.md'), fs.statSync('prompts').isDirectory()];";
    let project = Project::with_persona(
        before,
        "JSON.stringify([new Set(texts).size, texts[0], names, known, __filename.endsWith('index.ts')])",
    )
    .file("prompts/b.md", "b")
    .file("prompts/a.md", "ä\u{0}€")
    .file("prompts/c.png", "c");
    assert_eq!(project.persona(), text(r#"[1,"ä\u0000€",["a.md","b.md"],[true,false,true],true]"#));
}

#[test]
fn the_text_of_the_caller_stands_in_place_of_a_file() {
    let mut project =
        Project::with_persona("import { a } from './a';\nimport fs from 'fs';", "a + fs.readFileSync('b.md', 'utf8')")
            .file("src/a.ts", "export const a = 'old';")
            .file("b.md", "old");
    let root = project.root();
    project.overlay.insert(root.join("src/a.ts"), "export const a = 'new';".to_owned());
    project.overlay.insert(root.join("b.md"), "er".to_owned());
    assert_eq!(project.persona(), text("newer"));
}

#[test]
fn the_environment_is_the_given_one_and_nothing_of_the_host() {
    // The name is one that the process of this test certainly has.
    assert!(std::env::var_os("PATH").is_some());
    let before = "import { env } from 'lua-cli';";
    let mut project = Project::with_persona(
        before,
        "JSON.stringify([process.env.COMPANY, process.env.PATH, env('COMPANY'), env('NONE') ?? 'none'])",
    );
    project.environment.insert("COMPANY".to_owned(), "Acme".to_owned());
    assert_eq!(project.persona(), text(r#"["Acme",null,"Acme","none"]"#));
}

#[test]
fn the_working_directory_is_the_project() {
    let project = Project::with_persona("", "process.cwd()");
    assert_eq!(project.persona(), text(project.root().canonicalize().unwrap().to_str().unwrap()));
}

#[test]
fn timers_fire_in_their_order_without_waiting() {
    let before = "
        const seen: string[] = [];
        setTimeout(() => seen.push('late'), 3_600_000);
        setTimeout(() => seen.push('soon'), 1);
        await new Promise((resolve) => setTimeout(resolve, 86_400_000));";
    assert_eq!(Project::with_persona(before, "seen.join()").persona(), text("soon,late"));
}

#[test]
fn an_object_persona_keeps_its_members_in_their_order() {
    let before = "const base = () => 'b';";
    let value =
        Project::with_persona(before, "{ voice: 'v', base: base(), text: undefined, n: [1, 2.5, -0, true, null] }").persona();
    assert_eq!(value, CapturedValue::Json(json!({"voice": "v", "base": "b", "n": [1, 2.5, 0, true, null]})));
}

#[test]
fn properties_are_values_functions_or_said_to_be_unreadable() {
    let project = Project::new(&[(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';
         const key = 'na' + 'me';
         new LuaAgent({ [key]: `N${1}`, model: () => 'm', persona: undefined, get description() { throw new Error('no'); },
           governance: new Map(), batching: { wait: Promise.resolve(1) }, modelSettings: { temperature: NaN },
           voices: Promise.resolve([]), browser: new String('yes') } as any);",
    )]);
    let captured = project.evaluate().unwrap();
    let values = &captured.agents[0].values;
    assert_eq!(values["name"], text("N1"));
    assert_eq!(values["model"], CapturedValue::Function);
    assert_eq!(values.get("persona"), None);
    assert_eq!(values["browser"], text("yes"));
    let reasons: BTreeMap<_, _> = values
        .iter()
        .filter_map(|(name, value)| match value {
            CapturedValue::Unreadable(reason) => Some((name, reason)),
            _ => None,
        })
        .collect();
    insta::assert_json_snapshot!(reasons, @r#"
    {
      "batching": "wait: it is a Promise; write await before it",
      "description": "its getter threw Error: no",
      "governance": "it is a Map, which is not text",
      "modelSettings": "temperature: it holds NaN, which JSON cannot hold",
      "voices": "it is a Promise; write await before it"
    }
    "#);
}

#[test]
fn every_text_comes_out_as_it_is_and_half_a_character_is_refused() {
    let project =
        Project::with_persona("const nul = '\\0';", r#"['\r', '\\', '`', '${x}', nul, '\u{1F600}', '\uFEFF'].join('')"#);
    assert_eq!(project.persona(), text("\r\\`${x}\0\u{1F600}\u{feff}"));
    let value = Project::with_persona("", "'\u{1F600}'.slice(0, 1)").persona();
    assert_eq!(value, unreadable("it holds half of a character (a lone surrogate), which cannot be stored as UTF-8"));
}

#[test]
fn a_value_that_contains_itself_is_unreadable() {
    let value = Project::with_persona("const a: any = {}; a.a = a;", "a").persona();
    assert!(matches!(value, CapturedValue::Unreadable(reason) if reason.contains("contains itself")));
}

#[test]
fn a_class_that_extends_the_agent_wins_over_what_it_is_given() {
    let project = Project::new(&[(
        "src/index.ts",
        "import * as Lua from 'lua-cli';
         const line = () => 'computed';
         class Mine extends Lua.LuaAgent {
           name = 'field';
           persona = line();
           get model() { return 'a/' + 'b'; }
           constructor() { super({ name: 'config', persona: 'config', description: 'd' } as any); }
         }
         export default new Mine();",
    )]);
    let captured = project.evaluate().unwrap();
    let [agent] = captured.agents.as_slice() else { panic!("{captured:?}") };
    let expected = [("description", "d"), ("model", "a/b"), ("name", "field"), ("persona", "computed")];
    assert_eq!(agent.values, expected.map(|(name, value)| (name.to_owned(), text(value))).into());
}

#[test]
fn each_agent_says_where_it_is_constructed() {
    let project = Project::new(&[
        (
            "src/index.ts",
            "import { LuaAgent as Agent } from 'lua-cli';\nimport './other';\n\ninterface Long {\n  a: string;\n}\n\n\
             export const a = new Agent({ name: 'one' } as any);\nexport const b =\n  new Agent({ name: 'two' } as any);\n",
        ),
        ("src/other.ts", "import { LuaAgent } from 'lua-cli';\n\nnew LuaAgent({ name: 'other' } as any);\n"),
    ]);
    let captured = project.evaluate().unwrap();
    let root = project.root();
    let places: Vec<_> = captured
        .agents
        .iter()
        .map(|agent| {
            let Position { file, line, .. } = agent.position.clone().unwrap();
            (agent.values["name"].clone(), file.strip_prefix(&root).unwrap().to_path_buf(), line)
        })
        .collect();
    let expected = [("other", "src/other.ts", 3), ("one", "src/index.ts", 8), ("two", "src/index.ts", 10)];
    assert_eq!(places, expected.map(|(name, file, line)| (text(name), PathBuf::from(file), line)));
}

#[test]
fn x5_an_agent_inside_a_function_is_made() {
    let project = Project::new(&[(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';
         export class Other {}
         export const needsMore = (a: string) => a;
         export async function make() { return new LuaAgent({ name: 'A', persona: ['a', 'b'].map((x) => x + x).join() }); }",
    )]);
    assert_eq!(project.persona(), text("aa,bb"));
}

#[test]
fn a_class_that_is_only_exported_is_constructed() {
    let project = Project::new(&[
        (
            "src/index.ts",
            "import { LuaAgent } from './lua';
             const lines = () => ['a', 'b'];
             export class Other { constructor() { throw new Error('never'); } }
             export default class Mine extends LuaAgent { name = 'A'; persona = lines().join(); }",
        ),
        ("src/lua.ts", "export * from 'lua-cli';\nexport * from 'zod';"),
    ]);
    assert_eq!(project.persona(), text("a,b"));
}

#[test]
fn an_agent_is_found_that_is_made_after_something_was_awaited() {
    let project = Project::new(&[(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';
         async function main() {
           const persona = await new Promise<string>((done) => setTimeout(() => done('later'), 10));
           new LuaAgent({ name: 'A', persona });
         }
         main().catch(console.error);",
    )]);
    assert_eq!(project.persona(), text("later"));
}

#[test]
fn what_fails_after_the_agent_is_made_does_not_matter() {
    let project = Project::new(&[(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nnew LuaAgent({ name: 'A', persona: 'p'.repeat(2) });\nthrow new Error('afterwards');",
    )]);
    let captured = project.evaluate().unwrap();
    assert_eq!(captured.agents[0].values["persona"], text("pp"));
    assert_eq!(captured.failed_later.unwrap().message, "the code at src/index.ts:3 threw Error: afterwards");

    // A class whose field fails is not an agent without that field.
    let project = Project::new(&[(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nconst f = (): string => { throw new Error('no'); };\n\
         class X extends LuaAgent { name = 'A'; persona = f(); }\nnew X({} as any);",
    )]);
    assert_eq!(project.failure().message, "f() at src/index.ts:2 threw Error: no");
}

#[test]
fn an_evaluation_gives_the_same_again() {
    let project = Project::with_persona("", "Object.keys({ b: 1, a: 2 }).join() + [3, 1, 2].toSorted().join()");
    assert_eq!(project.evaluate().unwrap(), project.evaluate().unwrap());
}

// ------------------------------------------------------------------------------------------------------ Packages

#[test]
fn packages_may_be_used_as_long_as_no_text_depends_on_them() {
    let before = "
        import { z } from 'zod';
        import * as all from '@scope/all';
        import Client, { type Options } from 'client/sub.js';
        import 'dotenv/config';
        import { LuaSkill, LuaTool, Data, PreProcessor } from 'lua-cli';
        const schema = z.object({ a: z.string().min(1).optional() });
        class Tool implements LuaTool { name = 't'; inputSchema = schema; async execute() { return Data.create('x', {}); } }
        class Own extends Client { field = all.make(schema)`x`; }
        const own = new Own({ key: process.env.KEY }), other = new all.Thing(own);
        if (other instanceof Client) throw new Error('never');
        export { own }; export { x } from 'reexported';
        const awaited = await all.connect();
        new LuaSkill({ name: 's', tools: [new Tool()] } as any); new PreProcessor({ name: 'p' } as any);";
    assert_eq!(Project::with_persona(before, "'fine'").persona(), text("fine"));
}

#[test]
fn a_stub_never_becomes_a_text() {
    let reason = "the value depends on package 'prompts', which is not installed; install the packages of the project";
    assert_eq!(Project::with_persona("import p from 'prompts';", "p").persona(), unreadable(reason));
    assert_eq!(Project::with_persona("import p from 'prompts';", "p.agent.text()").persona(), unreadable(reason));
    assert_eq!(
        Project::with_persona("import { p } from 'prompts';", "{ base: p }").persona(),
        unreadable(&format!("base: {reason}"))
    );
    for expression in [
        "`be ${p}`",
        "'be ' + p.x",
        "String(p())",
        "p.text.trim() + ''",
        "JSON.stringify(p)",
        "JSON.stringify({ p })",
        "[p].join()",
        "{ ...p }",
        "[...p].join()",
        "Object.keys(p).join()",
        "p + 1",
        "'x'.concat(p)",
        "'x'.replace('x', p.y())",
    ] {
        let failure = Project::with_persona("import p from 'prompts';", expression).failure();
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (FailureKind::Package, format!("{reason} (at src/index.ts:3)").as_str()),
            "{expression}"
        );
    }
}

#[test]
fn a_module_of_node_that_could_leave_the_sandbox_is_a_stub() {
    let before = "import { execSync } from 'node:child_process';\nimport net from 'net';\nnet.connect(1);";
    let failure = Project::with_persona(before, "execSync('id').toString()").failure();
    assert_eq!(failure.kind, FailureKind::Package);
    insta::assert_snapshot!(failure, @"the value depends on package 'child_process', which keepstep does not run (at src/index.ts:5)");
}

// -------------------------------------------------------------------------------------------- What it does not do

#[test]
fn nothing_outside_of_the_project_is_read() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("secret.txt"), "secret").unwrap();
    let secret = elsewhere.path().canonicalize().unwrap().join("secret.txt");
    let project = Project::with_persona("", "''");
    let up = "../".repeat(project.root().components().count() + 2);
    let by_dots = format!("{up}{}", secret.strip_prefix("/").unwrap().display());
    std::os::unix::fs::symlink(elsewhere.path(), project.root().join("link")).unwrap();
    std::os::unix::fs::symlink(&secret, project.root().join("link.md")).unwrap();

    for path in [secret.to_str().unwrap(), &by_dots, "link/secret.txt", "link.md", "/etc/passwd", "link/none/../secret.txt"] {
        for call in ["fs.readFileSync(P, 'utf8')", "String(fs.existsSync(P))", "fs.statSync(P).size + ''", "fs.realpathSync(P)"] {
            let call = call.replace('P', &json!(path).to_string());
            fs::write(project.root().join("src/index.ts"), agent("import fs from 'fs';", &call)).unwrap();
            let failure = project.failure();
            assert_eq!(failure.kind, FailureKind::Refused, "{call}: {failure}");
            assert!(failure.message.contains("is outside of the project"), "{call}: {failure}");
            assert!(!failure.message.contains("secret\""), "{call}: {failure}");
        }
    }
    for module in ["./../../outside.ts", secret.to_str().unwrap(), "../link/secret.txt"] {
        let outside = project.root().parent().unwrap().join("outside.ts");
        fs::write(&outside, "export default 1;").unwrap();
        fs::write(project.root().join("src/index.ts"), agent(&format!("import x from '{module}';"), "x")).unwrap();
        let failure = project.failure();
        fs::remove_file(outside).unwrap();
        assert_eq!(failure.kind, FailureKind::Module, "{failure}");
        assert_eq!(failure.position.unwrap().line, 2);
    }
}

#[test]
fn a_pipe_does_not_hold_the_evaluation_up() {
    let project = Project::with_persona("import fs from 'fs';", "fs.readFileSync('pipe', 'utf8')");
    let made = std::process::Command::new("mkfifo").arg(project.root().join("pipe")).status().unwrap();
    assert!(made.success());
    insta::assert_snapshot!(project.failure(), @"pipe is not a regular file (at src/index.ts:3)");
}

#[test]
fn bytes_that_are_no_text_are_not_guessed() {
    let project = Project::with_persona("import fs from 'fs';", "fs.readFileSync('a.md', 'utf8')");
    fs::write(project.root().join("a.md"), b"a\xffb").unwrap();
    insta::assert_snapshot!(project.failure(), @"a.md is not valid UTF-8 (at src/index.ts:3)");
}

#[test]
fn writing_the_network_and_leaving_are_refused() {
    let messages: Vec<String> = [
        "fs.writeFileSync('a', 'b') as any",
        "(fs.rmSync('src', { recursive: true }), '')",
        "await fs.promises.writeFile('a', 'b') as any",
        "await (await fetch('http://127.0.0.1:9/')).text()",
        "process.exit(1)",
    ]
    .into_iter()
    .map(|expression| {
        let failure = Project::with_persona("import fs from 'fs';", expression).failure();
        assert_eq!(failure.kind, FailureKind::Refused, "{failure}");
        failure.message
    })
    .collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    fs.writeFileSync() is not possible while keepstep reads the definition (at src/index.ts:3)
    fs.rmSync() is not possible while keepstep reads the definition (at src/index.ts:3)
    fs.promises.writeFile() is not possible while keepstep reads the definition (at src/index.ts:3)
    fetch() is not possible while keepstep reads the definition: it has no network (at src/index.ts:3)
    process.exit() is not possible while keepstep reads the definition (at src/index.ts:3)
    ");
}

// --------------------------------------------------------------------------------------------------------- Limits

fn limited(before: &str, expression: &str, time: Duration) -> (Failure, Duration) {
    let mut project = Project::with_persona(before, expression);
    project.limits.time = time;
    let start = Instant::now();
    (project.failure(), start.elapsed())
}

#[test]
fn a_loop_without_end_is_stopped() {
    for (before, expression) in [
        ("while (true) {}", "''"),
        ("const f = () => { queueMicrotask(f); }; f(); await new Promise(() => {});", "''"),
        ("const f = () => { setTimeout(f, 0); }; f(); while (true) await null;", "''"),
        ("try { for (;;); } finally { for (;;); }", "''"),
        ("/(a+)+$/.test('a'.repeat(40) + 'b');", "''"),
        // One native function that never looks at the clock.
        ("new Array(4294967295).join('');", "''"),
    ] {
        let (failure, took) = limited(before, expression, Duration::from_millis(300));
        assert_eq!(failure.kind, FailureKind::TimeLimit, "{before}: {failure}");
        assert_eq!(failure.message, "the code ran longer than 300 ms and was stopped");
        assert!(took < Duration::from_secs(20), "{before}: {took:?}");
    }
}

#[test]
fn a_bomb_of_memory_is_stopped() {
    for before in [
        "const all: any[] = []; for (;;) all.push(new Array(1000).fill('x'));",
        "let text = 'x'; for (;;) text += text;",
        "const all: any = {}; for (let i = 0; ; i++) all['k' + i] = { i };",
        "new Uint8Array(1 << 30);",
    ] {
        let (failure, _) = limited(before, "''", Duration::from_secs(60));
        assert_eq!(failure.kind, FailureKind::MemoryLimit, "{before}: {failure}");
        assert_eq!(failure.message, "the code needed more than 64 MiB of memory and was stopped");
    }
}

#[test]
fn too_little_memory_for_the_engine_is_a_failure() {
    for memory in [1, 1 << 10, 1 << 14, 1 << 16, 1 << 18, 1 << 19] {
        let mut project = Project::with_persona("", "'x'.repeat(3)");
        project.limits.memory = memory;
        if let Err(failure) = project.evaluate() {
            assert_eq!(failure.kind, FailureKind::MemoryLimit, "{memory}: {failure}");
        }
    }
}

#[test]
fn calls_that_are_nested_too_deeply_are_stopped() {
    let project = Project::with_persona("const f = (n: number): number => 1 + f(n + 1);", "'' + f(0)");
    let failure = project.failure();
    assert_eq!(failure.kind, FailureKind::DepthLimit);
    insta::assert_snapshot!(failure, @"the calls at src/index.ts:2 are nested too deeply");

    for (depth, kind) in [(1_000, FailureKind::DepthLimit), (9_000, FailureKind::DepthLimit), (100_000, FailureKind::Syntax)] {
        let nested = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(Project::with_persona("", &nested).failure().kind, kind, "{depth}");
    }
    let sum = "1+".repeat(20_000);
    assert_eq!(Project::with_persona("", &format!("{sum}1")).persona(), CapturedValue::Json(json!(20_001)));

    let project = Project::with_persona("const a = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));", "String(a)");
    assert!(matches!(project.failure().kind, FailureKind::DepthLimit | FailureKind::Threw));
}

#[test]
fn waiting_for_what_does_not_come_is_a_failure() {
    insta::assert_snapshot!(
        Project::with_persona("await new Promise(() => {});", "''").failure(),
        @"the code waits for network or input, which keepstep does not provide"
    );
    assert_eq!(
        Project::with_persona("await new Promise((done) => setInterval(done, 1));", "''").failure().kind,
        FailureKind::Waiting
    );
}

// ------------------------------------------------------------------------------------------------------- Messages

#[test]
fn what_is_thrown_is_told_with_its_place() {
    let project = Project::with_persona("import { build } from './build';", "build()").file(
        "src/build.ts",
        "interface A {\n  b: string;\n}\n\nexport function build(): string {\n  const a: A | undefined = undefined as any;\n  return a!.b;\n}\n",
    );
    let failure = project.failure();
    insta::assert_snapshot!(failure, @"build() at src/build.ts:7 threw TypeError: cannot read property 'b' of undefined");
    let position = failure.position.unwrap();
    assert_eq!((position.file, position.line), (project.root().join("src/build.ts"), 7));

    let thrown = |before: &str| Project::with_persona(before, "''").failure().message;
    insta::assert_snapshot!(thrown("throw 'a text';"), @r#"the code at src/index.ts threw "a text""#);
    insta::assert_snapshot!(thrown("await Promise.reject(new RangeError('r'));"), @"the code at src/index.ts:2 threw RangeError: r");
}

#[test]
fn a_module_that_cannot_be_loaded_is_told_with_its_place() {
    let failure = |before: &str| Project::with_persona(before, "''").file("src/bad.ts", "\n\nconst a: = 1;").failure();

    let missing = failure("import './none';");
    assert_eq!((missing.kind, missing.position.unwrap().line), (FailureKind::Module, 2));
    insta::assert_snapshot!(missing.message, @"'./none' cannot be imported: file not found");

    let broken = failure("import './bad';");
    assert_eq!((broken.kind, broken.position.unwrap().line), (FailureKind::Syntax, 3));
    insta::assert_snapshot!(broken.message, @"src/bad.ts:3 is not valid: Unexpected token");

    let json = Project::with_persona("import x from './a.json';", "x").file("src/a.json", "{\n  \"a\": ,\n}").failure();
    insta::assert_snapshot!(json.message, @"src/a.json is not valid JSON: expected value at line 2 column 8");

    let name =
        Project::with_persona("import { missing } from './a';", "missing").file("src/a.ts", "export const a = 1;").failure();
    insta::assert_snapshot!(name.message, @"Could not find export 'missing' in module 'src/a.ts'");

    let other = Project::with_persona("import x from './a.css';", "x").file("src/a.css", "").failure();
    insta::assert_snapshot!(other.message, @"src/a.css cannot be imported: keepstep imports TypeScript, JavaScript, JSON, .md and .txt");
}

#[test]
fn an_entry_that_is_not_there_is_a_failure() {
    let project = Project::new(&[]);
    assert_eq!(project.failure().kind, FailureKind::Module);
}

#[test]
fn a_project_without_an_agent_has_none() {
    assert_eq!(Project::new(&[("src/index.ts", "export const a = 1;")]).evaluate().unwrap(), Captured::default());
}
