//! Which modules a definition is read through: those of its repository, installed packages, parts of Node.js.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use keepstep_source::AgentSource as _;
use std::os::unix::fs::symlink;

use common::shown;
use keepstep_agent::Field;
use keepstep_source_typescript::{Options, read};

/// A repository with an agent in the folder `agent`.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// Writes an agent whose persona is an expression, after some statements, and other files.
    fn new(before: &str, persona: &str, files: &[(&str, &str)]) -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.write("agent/src/index.ts", &common::agent(before, persona));
        for (path, text) in files {
            repository.write(path, text);
        }
        repository
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn link(self, link: &str, target: &str) -> Self {
        let link = self.folder.path().join(link);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(self.folder.path().join(target), link).unwrap();
        self
    }

    fn persona(&self) -> String {
        let source = read(&self.folder.path().join("agent"), &Options::default()).unwrap();
        shown(source.property(Field::PERSONA))
    }
}

fn read_as(before: &str, persona: &str, files: &[(&str, &str)]) -> String {
    Repository::new(before, persona, files).persona()
}

const WORKSPACE: (&str, &str) = ("package.json", r#"{"private": true, "workspaces": ["agent", "packages/*"]}"#);
const MODULE: (&str, &str) = ("agent/package.json", r#"{"name": "agent", "type": "module"}"#);

/// A tag that takes away the indentation, as several packages have one.
const TAG: &str = "function (s) { var t = (s.raw || [s]).join(''); var m = Math.min.apply(null, t.split('\\n').filter(function (l) \
                   { return l.trim(); }).map(function (l) { return l.match(/^ */)[0].length; })); return t.split('\\n').map(function (l) \
                   { return l.slice(m); }).join('\\n').trim(); }";

#[test]
fn installed_packages_of_every_kind() {
    let tag = |start: &str| format!("{start}{TAG};\n");
    let (commonjs, default) = (tag("module.exports = "), tag("export default "));
    let marked = format!("Object.defineProperty(exports, '__esModule', {{ value: true }});\nexports.default = {TAG};\n");
    let text = "tag`\n    You are Bay.\n      - nested\n  `";
    let import = "import tag from 'tag';";
    type Files<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(&str, &str, Files<'_>)] = &[
        (
            "main",
            import,
            &[("agent/node_modules/tag/package.json", r#"{"main": "i.js"}"#), ("agent/node_modules/tag/i.js", &commonjs)],
        ),
        (
            "main without an end",
            import,
            &[("agent/node_modules/tag/package.json", r#"{"main": "lib/i"}"#), ("agent/node_modules/tag/lib/i.js", &commonjs)],
        ),
        ("no main", import, &[("agent/node_modules/tag/index.js", &commonjs)]),
        ("above the project", import, &[WORKSPACE, ("node_modules/tag/index.js", &commonjs)]),
        (
            "modules of the newer kind",
            import,
            &[
                ("agent/node_modules/tag/package.json", r#"{"type": "module", "main": "i.js"}"#),
                ("agent/node_modules/tag/i.js", &default),
            ],
        ),
        (
            "TypeScript",
            "import { tag } from 'tag';",
            &[
                ("agent/node_modules/tag/package.json", r#"{"main": "./src/i.ts"}"#),
                (
                    "agent/node_modules/tag/src/i.ts",
                    "import dedent from './d.js';\nexport const tag = (s: TemplateStringsArray): string => dedent(s);\n",
                ),
                ("agent/node_modules/tag/src/d.ts", &default),
            ],
        ),
        (
            "conditions",
            import,
            &[
                (
                    "agent/node_modules/tag/package.json",
                    r#"{"exports": {".": {"require": "./no.cjs", "import": {"types": "./i.d.ts", "default": "./i.mjs"}}}}"#,
                ),
                ("agent/node_modules/tag/i.mjs", &default),
                ("agent/node_modules/tag/no.cjs", "throw new Error('the other one');"),
            ],
        ),
        (
            "require has its own condition",
            "const tag = require('tag');",
            &[
                ("agent/node_modules/tag/package.json", r#"{"exports": {"import": "./no.mjs", "require": "./i.cjs"}}"#),
                ("agent/node_modules/tag/i.cjs", &commonjs),
                ("agent/node_modules/tag/no.mjs", "throw new Error('the other one');"),
            ],
        ),
        (
            "a part of a package",
            "import tag from '@yard/text/tags/tag';",
            &[
                ("agent/node_modules/@yard/text/package.json", r#"{"exports": {"./tags/*": "./lib/*.js"}}"#),
                ("agent/node_modules/@yard/text/lib/tag.js", &commonjs),
            ],
        ),
        ("a marked default, compiled", import, &[("agent/node_modules/tag/index.js", &marked)]),
        (
            "a marked default, as Node.js has it",
            "import whole from 'tag';\nconst tag = (whole as any).default;",
            &[MODULE, ("agent/node_modules/tag/index.js", &marked)],
        ),
        (
            "everything",
            "import * as all from 'tag';\nconst tag = all.default;",
            &[("agent/node_modules/tag/index.js", &commonjs)],
        ),
        (
            "a name of a CommonJS module",
            "import { tag } from 'tags';",
            &[
                ("agent/node_modules/tags/index.js", "const make = require('tag'); exports.tag = make;"),
                ("agent/node_modules/tags/node_modules/tag/index.js", &commonjs),
            ],
        ),
        (
            "passed on by a file of the project",
            "import { tag } from './all';",
            &[
                ("agent/src/all.ts", "export * from 'tags';"),
                ("agent/node_modules/tags/index.js", "exports.tag = require('./tag');"),
                ("agent/node_modules/tags/tag.js", &commonjs),
            ],
        ),
        (
            "passed on as one name",
            "import { all } from './all';\nconst tag = all.tag;",
            &[
                ("agent/src/all.ts", "export * as all from 'tags';"),
                ("agent/node_modules/tags/index.js", "exports.tag = require('./tag');"),
                ("agent/node_modules/tags/tag.js", &commonjs),
            ],
        ),
        ("loaded late", "const { default: tag } = await import('tag');", &[("agent/node_modules/tag/index.js", &commonjs)]),
        (
            "through createRequire",
            "import { createRequire } from 'node:module';\nconst tag = createRequire(import.meta.url)('tag');",
            &[("agent/node_modules/tag/index.js", &commonjs)],
        ),
        (
            "asking for the environment",
            import,
            &[
                (
                    "agent/node_modules/tag/index.js",
                    "module.exports = process.env.NODE_ENV === 'production' ? null : require('./tag.js');",
                ),
                ("agent/node_modules/tag/tag.js", &commonjs),
            ],
        ),
        (
            "what it may lack",
            import,
            &[
                (
                    "agent/node_modules/tag/index.js",
                    "try { require('optional'); } catch (e) { if (e.code !== 'MODULE_NOT_FOUND') throw e; }\nmodule.exports = require('./tag.js');",
                ),
                ("agent/node_modules/tag/tag.js", &commonjs),
            ],
        ),
        (
            "in a circle",
            "import { tag } from 'tag';",
            &[
                ("agent/node_modules/tag/package.json", r#"{"type": "module", "exports": "./a.js"}"#),
                (
                    "agent/node_modules/tag/a.js",
                    "import { apply } from './b.js';\nexport function make() { return inner; }\nimport inner from './inner.js';\nexport const tag = (s) => apply(s);\nexport { tag as other };",
                ),
                (
                    "agent/node_modules/tag/b.js",
                    "import { make } from './a.js';\nexport const apply = (s) => { const make2 = { make }; return make2.make()(s); };",
                ),
                ("agent/node_modules/tag/inner.js", &default),
            ],
        ),
    ];
    for (name, before, files) in cases {
        assert_eq!(read_as(before, text, files), r#""You are Bay.\n  - nested" (computed)"#, "{name}");
    }
}

#[test]
fn a_package_manager_may_keep_packages_elsewhere() {
    let commonjs = format!("module.exports = {TAG};");
    let files = [
        ("node_modules/.pnpm/tag@1.0.0/node_modules/tag/index.js", commonjs.as_str()),
        ("pnpm-workspace.yaml", "packages: [agent]\n"),
    ];
    let repository = Repository::new("import tag from 'tag';", "tag`\n  one\n    two`", &files)
        .link("agent/node_modules/tag", "node_modules/.pnpm/tag@1.0.0/node_modules/tag");
    assert_eq!(repository.persona(), r#""one\n  two" (computed)"#);
}

#[test]
fn packages_of_the_workspace() {
    let linked = |before: &str, persona: &str, package: &str, files: &[(&str, &str)]| {
        let mut all = vec![WORKSPACE, ("packages/prompts/package.json", package)];
        all.extend(files);
        Repository::new(before, persona, &all).link("agent/node_modules/@yard/prompts", "packages/prompts").persona()
    };
    let import = "import { prompts } from '@yard/prompts';";
    let text = "export const prompts = { bay: `From the workspace.` };";
    let static_value = r#""From the workspace.""#;
    assert_eq!(linked(import, "prompts.bay", r#"{"main": "./index.ts"}"#, &[("packages/prompts/index.ts", text)]), static_value);
    assert_eq!(
        linked(import, "prompts.bay", r#"{"exports": {".": "./src/i.ts"}}"#, &[("packages/prompts/src/i.ts", text)]),
        static_value
    );
    let with_paths = [
        ("packages/prompts/index.ts", "export * from '~/texts';"),
        ("packages/prompts/tsconfig.json", r#"{"compilerOptions": {"paths": {"~/*": ["./inner/*"]}}}"#),
        ("packages/prompts/inner/texts.ts", text),
    ];
    assert_eq!(linked(import, "prompts.bay", r#"{"main": "./index.ts"}"#, &with_paths), static_value);
    let computed = r#""From the workspace." (computed)"#;
    let commonjs = "exports.prompts = { bay: 'From the workspace.' };";
    assert_eq!(linked(import, "prompts.bay", r#"{"main": "./index.js"}"#, &[("packages/prompts/index.js", commonjs)]), computed);
    let function = "export const make = (name: string) => `From ${name}.`;";
    assert_eq!(
        linked(
            "import { make } from '@yard/prompts';",
            "make('the workspace')",
            r#"{"main": "i.ts"}"#,
            &[("packages/prompts/i.ts", function)]
        ),
        computed
    );
}

#[test]
fn files_of_the_repository_beside_the_project() {
    let import = "import { text } from '../../shared/text';\nimport json from '../../shared/more.json';\nimport { readFileSync } from 'node:fs';";
    let persona = "text + json.more + readFileSync(new URL('../../shared/end.md', import.meta.url), 'utf8')";
    let files = [
        ("shared/text.ts", "export const text = 'shared ';"),
        ("shared/more.json", "{\"more\": \"more \"}"),
        ("shared/end.md", "end"),
    ];
    let with = |extra: (&'static str, &'static str)| {
        let mut all = files.to_vec();
        all.push(extra);
        read_as(import, persona, &all)
    };
    assert_eq!(with(WORKSPACE), r#""shared more end""#);
    assert_eq!(with((".git/HEAD", "ref: refs/heads/main\n")), r#""shared more end""#);
    assert_eq!(with(("pnpm-workspace.yaml", "packages: []\n")), r#""shared more end""#);
    let alone = read_as(import, persona, &files);
    assert!(alone.starts_with("unreadable: `../../shared/text` is outside of the project and its repository"), "{alone}");
}

#[test]
fn what_is_hidden_or_outside_of_the_repository_is_not_read() {
    let read_file = |path: &str| {
        let before = "import { readFileSync } from 'fs';\nconst quiet = (read: () => string) => read();";
        let persona = format!("quiet(() => readFileSync('{path}', 'utf8'))");
        let files =
            [("in/.git/HEAD", ""), ("in/.env", "TOKEN=abc"), ("in/.ssh/key", "abc"), ("secret.md", "abc"), ("in/a.md", "fine")];
        let repository = Repository::new("", "''", &files);
        repository.write("in/agent/src/index.ts", &common::agent(before, &persona));
        let source = read(&repository.folder.path().join("in/agent"), &Options::default()).unwrap();
        shown(source.property(Field::PERSONA))
    };
    assert_eq!(read_file("../a.md"), r#""fine" (computed)"#);
    for path in ["../.env", "../.git/HEAD", "../.ssh/key", "../../secret.md", "/etc/hostname"] {
        let shown = read_file(path);
        assert!(shown.contains("is outside of the project and its repository"), "{path}: {shown}");
    }
}

#[test]
fn configurations_that_name_modules() {
    let persona = ("agent/src/prompts/bay.ts", "export const text = 'found';");
    for (name, specifier, files) in [
        (
            "imports of the package",
            "#prompts/bay",
            vec![("agent/package.json", r##"{"imports": {"#prompts/*": "./src/prompts/*.ts"}}"##)],
        ),
        ("baseUrl", "prompts/bay", vec![("agent/tsconfig.json", r#"{"compilerOptions": {"baseUrl": "./src"}}"#)]),
        ("paths", "@p/bay", vec![("agent/tsconfig.json", r#"{"compilerOptions": {"paths": {"@p/*": ["./src/prompts/*"]}}}"#)]),
        (
            "a file that is extended",
            "@p/bay",
            vec![
                ("agent/tsconfig.json", r#"{"extends": "./tsconfig.base.json"}"#),
                ("agent/tsconfig.base.json", r#"{"compilerOptions": {"paths": {"@p/*": ["./src/prompts/*"]}}}"#),
            ],
        ),
        (
            "a package that is extended",
            "@p/bay",
            vec![
                (
                    "agent/tsconfig.json",
                    r#"{"extends": "@yard/tsconfig/base.json", "compilerOptions": {"paths": {"@p/*": ["./src/prompts/*"]}}}"#,
                ),
                ("agent/node_modules/@yard/tsconfig/base.json", r#"{"compilerOptions": {"strict": true}}"#),
            ],
        ),
    ] {
        let mut all = vec![persona];
        all.extend(files);
        assert_eq!(read_as(&format!("import {{ text }} from '{specifier}';"), "text", &all), "\"found\"", "{name}");
    }
}

#[test]
fn modules_of_the_older_kind_in_the_project() {
    for (name, before, persona, files) in [
        (
            "module.exports",
            "import { text } from './text';",
            "text",
            vec![("agent/src/text.js", "module.exports = { text: 'found' };")],
        ),
        (
            "exports",
            "import { text } from './text.cjs';",
            "text",
            vec![("agent/src/text.cjs", "exports.text = require('./a.json').a;"), ("agent/src/a.json", "{\"a\": \"found\"}")],
        ),
        (
            "cts",
            "import { text } from './text.cjs';",
            "text",
            vec![("agent/src/text.cts", "const name: string = 'found';\nexports.text = name;")],
        ),
        ("default", "import text from './text.js';", "text()", vec![("agent/src/text.js", "module.exports = () => 'found';")]),
        (
            "import equals",
            "import all = require('./text');",
            "all.text",
            vec![("agent/src/text.ts", "export const text = 'found';")],
        ),
        (
            "export equals",
            "import all = require('./text');",
            "all.text",
            vec![("agent/src/text.ts", "const all = { text: 'found' };\nexport = all;")],
        ),
        (
            "a function that requires",
            "const get = () => require('./text');",
            "get().text",
            vec![("agent/src/text.ts", "export const text = 'found';")],
        ),
    ] {
        let found = read_as(before, persona, &files);
        assert_eq!(found.trim_end_matches(" (computed)"), "\"found\"", "{name}");
    }
}

#[test]
fn parts_of_node_that_only_compute() {
    let before = "import util, { format } from 'node:util';\nimport * as path from 'path';\nimport { createHash, createHmac } from 'node:crypto';\nimport { EOL } from 'node:os';";
    for (persona, expected) in [
        ("format('%s has %d of %i, %j %%', 'Bay', 1.5, 2.9, { a: [1] })", r#"Bay has 1.5 of 2, {"a":[1]} %"#),
        ("util.format('a', 'b', 1, null)", "a b 1 null"),
        (
            "util.inspect({ a: 1, b: ['x', true], 'c-d': { e: undefined } })",
            "{ a: 1, b: [ 'x', true ], 'c-d': { e: undefined } }",
        ),
        ("util.inspect(\"it's\")", "\"it's\""),
        ("util.isDeepStrictEqual({ a: [1] }, { a: [1] }) + ''", "true"),
        ("path.basename('/a/b.md', '.md') + path.extname('x.ts') + path.join('a', '..', 'b')", "b.tsb"),
        (
            "createHash('sha256').update('a').update('b').digest('hex')",
            "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603",
        ),
        ("createHash('md5').update('ä').digest('base64')", "hBm3HIeiJaLHC1BIb77lRQ=="),
        ("createHash('sha1').update('').digest('hex')", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("createHash('sha512').update('').digest('hex').slice(0, 16)", "cf83e1357eefb8bd"),
        ("createHmac('sha256', 'key').update('text').digest('hex').slice(0, 16)", "6afa9046a9579cad"),
        ("JSON.stringify(EOL)", "\"\\n\""),
    ] {
        let found = read_as(before, &format!("(() => {persona})()"), &[]);
        assert_eq!(found, format!("{} (computed)", serde_json::Value::from(expected)), "{persona}");
    }
    for persona in [
        "require('crypto').randomUUID()",
        "require('node:crypto').randomBytes(4).toString('hex')",
        "util.inspect(new Map([[1, 2]]))",
    ] {
        let found = read_as(before, persona, &[]);
        assert!(found.starts_with("unreadable: "), "{persona}: {found}");
    }
}

#[test]
fn packages_beside_the_agent_do_not_stand_in_its_way() {
    let before = "import axios from 'axios';\nimport { z } from 'zod';\nimport pg from 'pg';\nimport { promises as files } from 'node:fs';\nimport http from 'node:http';\n\
                  const client = axios.create({ baseURL: 'http://127.0.0.1' });\nconst shape = z.object({ a: z.string().optional() }).strict();\n\
                  export const pool = new pg.Pool({ max: 2 });\nhttp.createServer(() => client);\nexport const later = () => files.writeFile('x', shape.parse(1));\n\
                  const name = ['B', 'ay'].join('');";
    let broken = "throw new Error('no network here');";
    let files = [
        ("agent/node_modules/axios/index.js", broken),
        ("agent/node_modules/zod/index.js", "exports.z = { object() { while (true); } };"),
    ];
    assert_eq!(
        read_as(before, "[`You are ${name}.`].map((line) => line.trim()).join('')", &files),
        r#""You are Bay." (computed)"#
    );
}

/// A condition is no text, so a stand-in could answer it in silence.
#[test]
fn what_a_package_decides_is_asked_of_it() {
    let conditions = [
        "flag() ? 'yes' : 'no'",
        "level === 'gold' ? 'yes' : 'no'",
        "level == 'gold' || 'no'",
        "String(nothing ?? 'no')",
        "nothing ? 'yes' : 'no'",
        "`${!flag()}`.replace('true', 'no')",
        "(() => { if (flag() && level) return 'yes'; return 'no'; })()",
        "(() => { const parts = []; while (flag()) { parts.push('yes'); if (parts.length > 3) break; } return parts.join() || 'no'; })()",
        "(level instanceof Object) ? 'yes' : 'no'",
        "(() => { switch (level) { case 'silver': return 'no'; default: return 'yes'; } })()",
        "(() => { switch ('silver') { case level: return 'no'; default: return 'yes'; } })()",
        "(() => { out: switch (level) { default: return 'yes'; case 'silver': { break out; } } return 'no'; })()",
        "['no'].filter(flag).length ? 'yes' : 'no'",
        "['no'].filter((one) => flag(one)).length ? 'yes' : 'no'",
        "['a'].some(flag) ? 'yes' : 'no'",
        "['a'].every(() => flag()) ? 'yes' : 'no'",
        "['a'].find(flag) ?? 'no'",
        "['a'].findLastIndex(flag) === 0 ? 'yes' : 'no'",
        "Boolean(flag()) ? 'yes' : 'no'",
        "[flag()].filter(Boolean).length ? 'yes' : 'no'",
        "new Boolean(flag()).valueOf() ? 'yes' : 'no'",
        "!!flag() ? 'yes' : 'no'",
        "typeof level === 'string' ? 'no' : 'yes'",
        "typeof nothing === 'function' ? 'yes' : 'no'",
        "(typeof level).replace('string', 'no')",
        "nothing ?? 'no'",
        "nothing?.name ?? 'no'",
        "(() => { let n = 0; nothing?.[n++]; return n === 0 ? 'no' : 'yes'; })()",
        "(() => { let said = nothing; said ??= 'no'; return said; })()",
        "level in { silver: 1 } ? 'no' : 'yes'",
        "'name' in shape ? 'yes' : 'no'",
        "[...list].length ? 'yes' : 'no'",
        "Object.keys({ ...shape }).length > 1 ? 'yes' : 'no'",
        "Object.keys(shape).length > 1 ? 'yes' : 'no'",
        "Object.hasOwn(shape, 'x') ? 'no' : 'yes'",
        "Object.assign({}, shape).x === 1 ? 'no' : 'yes'",
        "Object.getPrototypeOf(shape) === Object.prototype ? 'no' : 'yes'",
        "JSON.stringify(shape).replace('{\"x\":1}', 'no')",
        "JSON.stringify({ shape }).length === 17 ? 'no' : 'yes'",
        "JSON.stringify({ a: 'n' }, replace).length === 2 ? 'no' : 'yes'",
        "(() => { const { x = 'yes' } = shape; return x === 1 ? 'no' : x; })()",
        "(() => { const { x, ...rest } = shape; return Object.keys(rest).join() || 'no'; })()",
        "(() => { for (const key in shape) if (key === 'x') return 'no'; return 'yes'; })()",
        "(() => { for (const one of list) return `${one}`; return 'no'; })()",
        "`${level}`.replace('silver', 'no')",
        "Array.isArray(list) ? 'no' : 'yes'",
        "ArrayBuffer.isView(list) ? 'yes' : 'no'",
        "Number.isInteger(count) ? 'no' : 'yes'",
        "count > 5 ? 'yes' : 'no'",
        "if_(shape.x)",
        "['silver'].includes(level) ? 'no' : 'yes'",
        "[level].includes('silver') ? 'no' : 'yes'",
        "['silver', 'gold'].indexOf(level) === 0 ? 'no' : 'yes'",
        "Object.is(level, 'silver') ? 'no' : 'yes'",
        "new Set(['silver']).has(level) ? 'no' : 'yes'",
        "new Set([level]).has('silver') ? 'no' : 'yes'",
        "new Set([level, 'silver']).size === 1 ? 'no' : 'yes'",
        "new Map([['silver', 'no']]).get(level) ?? 'yes'",
        "({ silver: 'no' })[level as string] ?? 'yes'",
        "[].concat(list as any).length ? 'yes' : 'no'",
        "[1].flatMap(() => list).length ? 'yes' : 'no'",
        "[list].flat().length ? 'yes' : 'no'",
        "Object.prototype.toString.call(list) === '[object Array]' ? 'no' : 'yes'",
        "(flag() ? flag() : true) ? 'no' : 'yes'",
        "(() => { const [a, b] = [flag(), truth()]; return a ? (b ? 'p' : 'yes') : (b ? 'no' : 'p'); })()",
        "(() => { class Own extends Parent { own = 1 } return Object.keys(new Own()).length > 1 ? 'no' : 'yes'; })()",
        "(() => { class Own extends Parent {} return (new Own() as any).inherited === 1 ? 'no' : 'yes'; })()",
        "(() => { class Own extends Parent {} return (new Own() as any).missing === undefined ? 'no' : 'yes'; })()",
    ];
    let package = "exports.flag = () => false; exports.truth = () => true; exports.level = 'silver'; exports.nothing = null; exports.list = []; \
                   exports.shape = { x: 1 }; exports.count = 3; exports.replace = (key, value) => key ? undefined : value; \
                   exports.Parent = class { constructor() { this.inherited = 1; } };";
    let installed = [("agent/node_modules/tier/index.js", package)];
    for condition in conditions {
        let before = "import { flag, truth, level, nothing, list, shape, count, replace, Parent } from 'tier';\nconst if_ = (x: any) => { if (x) return 'no'; return 'yes'; };";
        assert_eq!(read_as(before, condition, &installed), r#""no" (computed)"#, "{condition}");
        let found = read_as(before, condition, &[]);
        assert!(found.starts_with("unreadable: ") && found.contains("package 'tier'"), "{condition}: {found}");
    }
    // What is the same whatever the package says is a value of the code.
    for same in [
        "(() => { class Own extends Parent { own = 'no'; get() { return this.own; } } return new Own().get(); })()",
        "(() => { try { return typeof absent; } finally { flag(); } })().replace('undefined', 'no')",
        "(() => { switch (1 as number) { case 1: return 'no'; default: return `${level}`; } })()",
    ] {
        let found = read_as("import { flag, level, Parent } from 'tier';\ndeclare const absent: any;", same, &[]);
        assert_eq!(found, r#""no" (computed)"#, "{same}");
    }
    // What it decides beside the text does not matter to it.
    let before = "import { flag } from 'tier';\nif (flag()) console.log('debug');\nexport const other = flag() ? 1 : 2;";
    assert_eq!(read_as(before, "['one'].join('')", &[]), r#""one""#);
}

/// Libraries look for the parts of Node that make them quicker, and keep them without calling them.
#[test]
fn a_package_that_keeps_parts_of_node_for_later() {
    let package = "var unsafe = Buffer ? Buffer.allocUnsafe : undefined;\nvar types = module.require && module.require('util').types;\n\
                   exports.word = () => typeof unsafe + (types && types.isDate(new Date(0)));\nexports.bytes = () => String(unsafe(2));";
    let installed = [("agent/node_modules/kit/index.js", package)];
    let before = "import { word, bytes } from 'kit';";
    assert_eq!(read_as(before, "word()", &installed), r#""functiontrue" (computed)"#);
    let found = read_as(before, "bytes()", &installed);
    assert!(found.starts_with("unreadable: "), "{found}");
}

#[test]
fn a_package_that_cannot_be_run_is_said_to_be_the_reason() {
    let found = read_as("import tag from 'tag';", "tag`one`", &[]);
    assert!(found.contains("the value depends on package 'tag', which is not installed"), "{found}");
    assert!(!found.contains("``"), "{found}");
    let found =
        read_as("import tag from 'tag';", "tag`one`", &[("agent/node_modules/tag/index.js", "throw new Error('not today');")]);
    assert!(found.contains("'tag', which cannot be run here: not today"), "{found}");
    let network = "require('net').connect(80).write('x'); module.exports = (s) => s.raw[0] + fetch('http://127.0.0.1');";
    let found = read_as("import tag from 'tag';", "tag`one`", &[("agent/node_modules/tag/index.js", network)]);
    assert!(found.starts_with("unreadable: ") && found.ends_with("it has no network"), "{found}");
    // One that fails when it is loaded, for another that something depends on.
    let before = "import tag from 'tag';\nimport other from 'other';\nconst late = (() => { try { return String(other); } catch { return ''; } });\nexport { late };";
    let files = [
        ("agent/node_modules/tag/index.js", "module.exports = (s) => s.raw[0];"),
        ("agent/node_modules/other/index.js", "process.exit(1);"),
    ];
    assert_eq!(read_as(before, "tag`one`", &files), r#""one" (computed)"#);
}

#[test]
fn agents_that_a_function_of_another_file_makes() {
    let lua = "import { LuaAgent } from 'lua-cli';\n";
    for (name, index, make) in [
        (
            "a function",
            "import { make } from './make';\nexport default make({ name: 'Bay', tone: 'kind' });",
            "export function make(o: any) { return new LuaAgent({ name: o.name, persona: `You are ${o.name}, ${o.tone}.` }); }",
        ),
        (
            "an arrow with defaults",
            "import make from './make';\nexport const agent = make({ tone: 'kind' });",
            "const make = ({ name = 'Bay', tone = '' } = {}) => new LuaAgent({ name, persona: `You are ${name}, ${tone}.` });\nexport default make;",
        ),
        (
            "a method of a class",
            "import { Desk } from './make';\nexport const agent = Desk.open('Bay').with('kind').build();",
            "export class Desk {\n  tone = '';\n  private constructor(private name: string) {}\n  static open(name: string) { return new Desk(name); }\n  with(tone: string) { this.tone = tone; return this; }\n  build() { return new LuaAgent({ name: this.name, persona: `You are ${this.name}, ${this.tone}.` }); }\n}",
        ),
        (
            "a spread",
            "import { make } from './make';\nexport const agent = make({ persona: 'You are Bay, kind.' });",
            "export const make = (o: object) => new LuaAgent({ name: 'Bay', persona: 'none', ...o });",
        ),
        (
            "Object.assign",
            "import { make } from './make';\nexport const agent = make({ persona: 'You are Bay, kind.' });",
            "export const make = (o: object) => new LuaAgent(Object.assign({ name: 'Bay', persona: 'none' }, o) as any);",
        ),
        (
            "one of two",
            "import { makeBay } from './make';\nexport default makeBay('kind');",
            "export const makeBay = (tone: string) => new LuaAgent({ name: 'Bay', persona: `You are Bay, ${tone}.` });\nexport const makeOther = () => new LuaAgent({ name: 'Other', persona: 'other' });",
        ),
        (
            "the one that is exported",
            "import { make } from './make';\nmake('Decoy', 'bad');\nexport default make('Bay', 'kind');",
            "export const make = (name: string, tone: string) => new LuaAgent({ name, persona: `You are ${name}, ${tone}.` });",
        ),
        (
            "an entry that fails afterwards",
            "import { make } from './make';\nexport default make('kind');\nthrow new Error('no server');",
            "export const make = (tone: string) => new LuaAgent({ name: 'Bay', persona: `You are Bay, ${tone}.` });",
        ),
    ] {
        let files = [("src/index.ts", index), ("src/make.ts", &format!("{lua}{make}"))];
        let source = common::Project::new(files).read();
        assert_eq!(shown(source.property(Field::PERSONA)), r#""You are Bay, kind." (computed)"#, "{name}");
        assert_eq!(shown(source.property(Field::NAME)).trim_end_matches(" (computed)"), "\"Bay\"", "{name}");
    }
}
