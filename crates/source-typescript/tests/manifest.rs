//! The manifest of a project, in the form in which the peer's tools read it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use keepstep_source::ManifestError;
use keepstep_source_typescript::manifest::{FILE_NAME, FOLDER, build, write};
use keepstep_source_typescript::{Options, read_and_list};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const COMPILED_AT: i64 = 1_795_303_663_571;

fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        add(folder.path(), path, text);
    }
    folder
}

fn add(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn built(root: &Path) -> Result<Value, ManifestError> {
    let (source, files) = read_and_list(root, &Options::default()).unwrap();
    build(&source, files, COMPILED_AT)
}

fn manifest(root: &Path) -> Value {
    built(root).unwrap()
}

/// Returns the manifest as text with the folder left out.
fn shown(root: &Path, value: &Value) -> String {
    format!("{value:#}").replace(root.canonicalize().unwrap().to_str().unwrap(), "/p")
}

fn hash(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text)[..8])
}

fn names(manifest: &Value) -> Vec<String> {
    let files = manifest["projectFiles"].as_array().unwrap();
    files.iter().map(|file| file["relativePath"].as_str().unwrap().to_owned()).collect()
}

fn primitives(manifest: &Value) -> Vec<(&str, &str)> {
    let primitives = manifest["primitives"].as_array().unwrap();
    primitives.iter().map(|one| (one["kind"].as_str().unwrap(), one["name"].as_str().unwrap())).collect()
}

const AGENT: &str = "import { LuaAgent } from 'lua-cli';\n\nconst agent = new LuaAgent({\n  name: 'N1',\n  persona: `You are one.\nLine two`,\n});\n";

#[test]
fn a_manifest_has_the_form_of_the_peer() {
    let project =
        project(&[("lua.skill.yaml", "agent:\n  agentId: a\n  orgId: o\n"), ("tsconfig.json", "{}"), ("src/index.ts", AGENT)]);
    let manifest = manifest(project.path());
    insta::assert_snapshot!(shown(project.path(), &manifest), @r#"
    {
      "version": "2.0.0",
      "compiledAt": "2026-11-21T23:27:43.571Z",
      "primitives": [
        {
          "kind": "agent",
          "name": "N1",
          "description": "You are one.\nLine two",
          "path": "artifacts/agent/N1.js",
          "sourcePath": "/p/src/index.ts",
          "hash": "eb9191129b9d1a61",
          "persona": "You are one.\nLine two"
        }
      ],
      "projectFiles": [
        {
          "relativePath": "lua.skill.yaml",
          "hash": "59ed175380fc9eb4",
          "size": 31,
          "type": "config"
        },
        {
          "relativePath": "src/index.ts",
          "hash": "1aec18647f35a8d3",
          "size": 120,
          "type": "source"
        },
        {
          "relativePath": "tsconfig.json",
          "hash": "44136fa355b3678a",
          "size": 2,
          "type": "config"
        }
      ],
      "config": {
        "tsconfigJson": "44136fa355b3678a",
        "luaSkillYaml": "59ed175380fc9eb4"
      }
    }
    "#);
    // The digest of a file is that of its text.
    assert_eq!(manifest["projectFiles"][1]["hash"], hash(AGENT));
    assert_eq!(manifest["config"]["tsconfigJson"], hash("{}"));
}

#[test]
fn the_agent_has_every_field_that_the_code_sets() {
    let project = project(&[(
        "src/index.ts",
        "import { LuaAgent, defineVoice } from 'lua-cli';
         const voice = defineVoice({ name: 'v1', description: 'vd', llm: 'openai/gpt-4o', onEnter: async () => {} });
         new LuaAgent({
           name: 'All', persona: { voice: 'V', other: 'x', base: 'B' }, description: 'Routes', model: 'a/b',
           modelSettings: { reasoning: { effort: 'low', show: true }, seed: 1, stopSequences: ['x'], temperature: 0.5, bad: 1 },
           batching: { debounceWindowMs: 5, serializeProcessing: true, x: 1 },
           governance: { mode: 'sdk', apiKey: 'k', rules: { a: [1] } }, browser: { enabled: true }, voices: [voice],
         });",
    )]);
    let manifest = manifest(project.path());
    insta::assert_snapshot!(shown(project.path(), &manifest["primitives"]), @r#"
    [
      {
        "kind": "agent",
        "name": "All",
        "description": "B\n\nV",
        "path": "artifacts/agent/All.js",
        "sourcePath": "/p/src/index.ts",
        "hash": "87cab0ef47e87c62",
        "persona": {
          "base": "B",
          "voice": "V"
        },
        "routingDescription": "Routes",
        "model": "a/b",
        "modelSettings": {
          "temperature": 0.5,
          "seed": 1,
          "stopSequences": [
            "x"
          ],
          "reasoning": {
            "effort": "low",
            "show": true
          }
        },
        "batching": {
          "debounceWindowMs": 5,
          "serializeProcessing": true
        },
        "governance": {
          "mode": "sdk",
          "apiKey": "k",
          "rules": {
            "a": [
              1
            ]
          }
        },
        "browser": {
          "enabled": true
        },
        "voiceRefs": [
          {
            "name": "v1"
          }
        ]
      },
      {
        "kind": "voice",
        "name": "v1",
        "description": "vd",
        "path": "artifacts/voice/v1.js",
        "sourcePath": "/p/src/index.ts",
        "hash": "87cab0ef47e87c62",
        "llm": {
          "kind": "inference",
          "model": "openai/gpt-4o"
        },
        "hasInterruption": false,
        "hasOnEnter": true,
        "hasOnUserTurnCompleted": false,
        "hasOnExit": false,
        "hasTools": false
      }
    ]
    "#);
}

#[test]
fn a_model_that_is_a_function_is_a_resolver() {
    let project = project(&[(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nnew LuaAgent({ name: 'A', persona: '', description: 'd', model: () => 'm', governance: { preset: 'x' }, browser: false });",
    )]);
    let agent = manifest(project.path())["primitives"][0].clone();
    assert_eq!(agent["hasModelResolver"], json!(true));
    assert_eq!((agent["persona"].clone(), agent["description"].clone()), (json!(""), json!("d")));
    for key in ["model", "governance", "browser", "modelSettings", "batching", "voiceRefs"] {
        assert_eq!(agent.get(key), None, "{key}");
    }
}

#[test]
fn a_computed_persona_is_in_the_manifest() {
    let project = project(&[(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nconst f = () => ['a', 'b'].map((x) => x.toUpperCase()).join();\nnew LuaAgent({ name: 'A', persona: f() });",
    )]);
    assert_eq!(manifest(project.path())["primitives"][0]["persona"], "A,B");
}

#[test]
fn x6_a_persona_that_cannot_be_read_is_never_an_empty_one() {
    let project = project(&[(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nimport { persona } from 'prompts';\nnew LuaAgent({ name: 'A', persona });",
    )]);
    let error = built(project.path()).unwrap_err();
    assert!(matches!(error, ManifestError::Unreadable { field: "persona", .. }), "{error}");
    assert!(error.to_string().starts_with("the manifest was not written: the persona cannot be read: src/index.ts:3"), "{error}");
}

#[test]
fn x3_the_path_of_a_primitive_never_leaves_its_folder() {
    let project =
        project(&[("src/index.ts", "import { LuaAgent } from 'lua-cli';\nnew LuaAgent({ name: '../../a/b c', persona: 'p' });")]);
    let manifest = manifest(project.path());
    assert_eq!(manifest["primitives"][0]["name"], "../../a/b c");
    let path = manifest["primitives"][0]["path"].as_str().unwrap();
    assert_eq!(path.matches('/').count(), 2, "{path}");
    assert!(path.split('/').all(|part| !part.starts_with('.')), "{path}");
}

#[test]
fn every_kind_of_primitive_is_found_with_its_name() {
    let project = project(&[
        (
            "src/index.ts",
            "import { LuaAgent, LuaSkill, LuaMCPServer, defineDevice, defineDeviceTrigger, defineTrigger, LuaWebhook as Hook } from 'lua-cli';
             import * as Lua from 'lua-cli';
             import { skill } from './skill';
             import job from './job';
             import flow from './flow';
             const mcp = new LuaMCPServer({ name: 'mcp', transport: 'sse', url: 'https://x/sse', headers: { Authorization: 'secret' } });
             const hooks = [new Hook({ name: 'hook', execute: async () => {} })];
             new LuaAgent({
               name: 'A', persona: 'p', skills: [skill, new Lua.LuaSkill({ name: 'inline', description: 'i', condition: () => true, tools: [] })],
               webhooks: [...hooks], triggers: [defineTrigger({ name: 'trigger', description: 'td' })], jobs: [job],
               preProcessors: [new Lua.PreProcessor({ name: 'pre', async: true, priority: 3 })],
               postProcessors: [new Lua.PostProcessor({ name: 'post' })], mcpServers: [mcp],
               devices: [defineDevice({ name: 'device', group: 'g' })], deviceTriggers: [defineDeviceTrigger({ name: 'device trigger' })],
               voices: [Lua.defineVoice({ name: 'voice', llm: 'a/b' })], workflows: [flow],
             });",
        ),
        (
            "src/skill.ts",
            "import { LuaSkill } from 'lua-cli';
             import { z } from 'zod';
             import Tool from './tool';
             const NAME = 'sk' + 'ill';
             const inline = { name: 'inline_tool', description: 'in', inputSchema: z.object({}), execute: async () => 1 };
             export const skill = new LuaSkill({ name: NAME, description: 'S', context: 'ctx', tools: [new Tool(), inline, new Tool()] });",
        ),
        (
            "src/tool.ts",
            "import { LuaTool } from 'lua-cli';
             export default class Tool implements LuaTool { name = 'my_tool'; description = 'T'; condition = async () => true; constructor() { connect(); } async execute() {} }",
        ),
        (
            "src/job.ts",
            "import { LuaJob } from 'lua-cli';
             const job = new LuaJob({ name: 'job', description: 'J', schedule: { type: 'interval', seconds: 300 }, timeout: 30, execute: async () => {} });
             export default job;",
        ),
        (
            "src/flow.ts",
            "import { createWorkflow, createStep } from 'lua-cli';
             const step = createStep({ id: 'not the name' });
             export default createWorkflow({ id: 'flow' }).then(step).map({ a: 1 }).commit();",
        ),
    ]);
    let manifest = manifest(project.path());
    assert_eq!(
        primitives(&manifest),
        [
            ("agent", "A"),
            ("skill", "skill"),
            ("tool", "my_tool"),
            ("tool", "inline_tool"),
            ("skill", "inline"),
            ("webhook", "hook"),
            ("trigger", "trigger"),
            ("job", "job"),
            ("preprocessor", "pre"),
            ("postprocessor", "post"),
            ("mcp-server", "mcp"),
            ("device", "device"),
            ("device-trigger", "device trigger"),
            ("voice", "voice"),
            ("workflow", "flow"),
        ]
    );
    let others: Vec<Value> = manifest["primitives"].as_array().unwrap()[1..]
        .iter()
        .map(|primitive| {
            let mut primitive = primitive.clone();
            let hash = primitive.as_object_mut().unwrap().shift_remove("hash").unwrap();
            assert_eq!(hash.as_str().unwrap().len(), 16);
            primitive
        })
        .collect();
    let lines: Vec<String> =
        others.iter().map(|one| shown(project.path(), one).split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(!shown(project.path(), &manifest).contains("secret"));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    { "kind": "skill", "name": "skill", "description": "S", "path": "artifacts/skill/skill.js", "sourcePath": "/p/src/skill.ts", "context": "ctx", "tools": [ "my_tool", "inline_tool", "my_tool" ], "hasCondition": false }
    { "kind": "tool", "name": "my_tool", "description": "T", "path": "artifacts/tool/my_tool.js", "sourcePath": "/p/src/tool.ts", "hasCondition": true }
    { "kind": "tool", "name": "inline_tool", "description": "in", "path": "artifacts/tool/inline_tool.js", "sourcePath": "/p/src/skill.ts", "hasCondition": false }
    { "kind": "skill", "name": "inline", "description": "i", "path": "artifacts/skill/inline.js", "sourcePath": "/p/src/index.ts", "tools": [], "hasCondition": true }
    { "kind": "webhook", "name": "hook", "description": "", "path": "artifacts/webhook/hook.js", "sourcePath": "/p/src/index.ts" }
    { "kind": "trigger", "name": "trigger", "description": "td", "path": "artifacts/trigger/trigger.js", "sourcePath": "/p/src/index.ts" }
    { "kind": "job", "name": "job", "description": "J", "path": "artifacts/job/job.js", "sourcePath": "/p/src/job.ts", "schedule": { "type": "interval", "seconds": 300 }, "timeout": 30 }
    { "kind": "preprocessor", "name": "pre", "description": "", "path": "artifacts/preprocessor/pre.js", "sourcePath": "/p/src/index.ts", "isAsync": true, "priority": 3 }
    { "kind": "postprocessor", "name": "post", "description": "", "path": "artifacts/postprocessor/post.js", "sourcePath": "/p/src/index.ts" }
    { "kind": "mcp-server", "name": "mcp", "description": "", "path": "artifacts/mcp-server/mcp.js", "sourcePath": "/p/src/index.ts", "config": { "transport": "sse", "url": "https://x/sse" } }
    { "kind": "device", "name": "device", "description": "", "path": "artifacts/device/device.js", "sourcePath": "/p/src/index.ts", "group": "g" }
    { "kind": "device-trigger", "name": "device trigger", "description": "", "path": "artifacts/device-trigger/device trigger.js", "sourcePath": "/p/src/index.ts" }
    { "kind": "voice", "name": "voice", "description": "", "path": "artifacts/voice/voice.js", "sourcePath": "/p/src/index.ts", "llm": { "kind": "inference", "model": "a/b" }, "hasInterruption": false, "hasOnEnter": false, "hasOnUserTurnCompleted": false, "hasOnExit": false, "hasTools": false }
    { "kind": "workflow", "name": "flow", "description": "", "path": "artifacts/workflow/flow.js", "sourcePath": "/p/src/flow.ts" }
    "#);
}

#[test]
fn primitives_of_a_list_that_is_made_at_run_time_are_found_in_the_code() {
    let project = project(&[(
        "src/index.ts",
        "import { LuaAgent, LuaSkill } from 'lua-cli';
         const make = (): LuaSkill[] => { return [new LuaSkill({ name: 'inner', tools: [] })]; };
         const outer = new LuaSkill({ name: 'outer', tools: [] });
         new LuaAgent({ name: 'A', persona: 'p', skills: make().concat(outer) });",
    )]);
    let manifest = manifest(project.path());
    assert!(primitives(&manifest).contains(&("skill", "outer")), "{manifest:#}");
}

#[test]
fn the_files_are_those_that_the_peer_lists() {
    let project = project(&[("src/index.ts", AGENT), ("package.json", "{\"name\":\"x\"}\n")]);
    let root = project.path();
    // What the peer lists for such a project, in its order.
    let listed = [
        ".github/w.yml",
        "__tests__/a.ts",
        "a/b.ts",
        "a b.ts",
        "a.jsx",
        "a.ts",
        "a.yml",
        "aspec.ts",
        "bin.png",
        "build/x.ts",
        "bun.lockb",
        "emoji/e.md",
        "lib.node_modules.x/q.ts",
        "link.ts",
        "package.json",
        "src/.hidden/a.ts",
        "src/Z.TSX",
        "src/index.ts",
        "src/m.mts",
        "src/x.test.d/a.ts",
        "tsconfig.tsbuildinfo",
    ];
    for path in listed.iter().filter(|path| !["src/index.ts", "package.json", "link.ts"].contains(path)) {
        add(root, path, "a\n");
    }
    for path in [
        ".env",
        "src/a.d.ts",
        "src/a.js.map",
        "src/a.test.ts",
        "a.spec.",
        "yarn.lock",
        "package-lock.json",
        "pnpm-lock.yaml",
        "a/dist/x.ts",
        "coverage/x.ts",
        "node_modules/x/index.ts",
        "dist-v2/manifest.json",
        ".git/config",
        ".lua/x.json",
        "src/.next/x.js",
    ] {
        add(root, path, "a\n");
    }
    fs::write(root.join("bin.png"), b"a\xffb").unwrap();
    fs::write(root.join("emoji/e.md"), "\u{feff}\u{1f600}").unwrap();
    symlink("src/index.ts", root.join("link.ts")).unwrap();
    // The peer fails for these.
    symlink("nowhere", root.join("broken")).unwrap();
    symlink("src", root.join("folder")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.ts"), "secret").unwrap();
    symlink(outside.path().join("secret.ts"), root.join("outside.ts")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());

    let manifest = manifest(root);
    assert_eq!(names(&manifest), listed);
    let file = |name: &str| {
        let files = manifest["projectFiles"].as_array().unwrap();
        files.iter().find(|file| file["relativePath"] == name).unwrap().clone()
    };
    // Digests and sizes as the peer has them.
    assert_eq!(file("bin.png"), json!({"relativePath": "bin.png", "hash": "05087813392efc16", "size": 3, "type": "other"}));
    assert_eq!(file("emoji/e.md"), json!({"relativePath": "emoji/e.md", "hash": "3e5468d800fbdaff", "size": 3, "type": "other"}));
    assert_eq!(file("a.ts"), json!({"relativePath": "a.ts", "hash": "87428fc522803d31", "size": 2, "type": "source"}));
    for (name, kind) in
        [("a.yml", "config"), ("a.jsx", "other"), ("src/m.mts", "other"), ("src/Z.TSX", "other"), ("package.json", "config")]
    {
        assert_eq!(file(name)["type"], kind, "{name}");
    }
    assert_eq!(manifest["config"], json!({"packageJson": "a1c5e150230b343e"}));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let project = project(&[("src/index.ts", AGENT), ("secret.txt", "x")]);
    fs::set_permissions(project.path().join("secret.txt"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(project.path().join("secret.txt")).is_ok() {
        // The user of this test may read everything.
        return;
    }
    let error = built(project.path()).unwrap_err();
    assert!(error.to_string().contains("secret.txt cannot be read"), "{error}");
}

#[test]
fn a_manifest_depends_on_nothing_but_the_project_and_the_time() {
    let files = [
        (
            "src/index.ts",
            "import { LuaAgent } from 'lua-cli';\nimport { p } from './p';\nnew LuaAgent({ name: 'A', persona: p });",
        ),
        ("src/p.ts", "export const p = 'p';"),
        ("z", ""),
        ("B", ""),
        ("b", ""),
    ];
    let one = project(&files);
    let mut reversed = files;
    reversed.reverse();
    let other = project(&reversed);
    let [first, second] = [&one, &other].map(|project| shown(project.path(), &manifest(project.path())));
    assert_eq!(first, second);

    // The digest of the agent is over all that it is made of, and over nothing else.
    let hash = |root: &Path| manifest(root)["primitives"][0]["hash"].clone();
    let before = hash(one.path());
    add(one.path(), "README.md", "x");
    assert_eq!(hash(one.path()), before);
    add(one.path(), "src/p.ts", "export const p = 'q';");
    assert_ne!(hash(one.path()), before);
}

#[test]
fn a_manifest_is_written_whole_and_ignored_by_git() {
    let project = project(&[("src/index.ts", AGENT), (".gitignore", "node_modules/\ndist/\n")]);
    let root = project.path();
    let manifest = manifest(root);
    for _ in 0..2 {
        assert_eq!(write(root, &manifest).unwrap(), [""; 0]);
        let text = fs::read_to_string(root.join(FOLDER).join(FILE_NAME)).unwrap();
        assert!(
            text.starts_with("{\n  \"version\": \"2.0.0\",\n  \"compiledAt\": \"2026-11-21T23:27:43.571Z\",")
                && text.ends_with("\n}")
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), manifest);
        assert_eq!(fs::read_to_string(root.join(".gitignore")).unwrap(), "node_modules/\ndist/\ndist-v2/\n");
    }
    let left: Vec<_> = fs::read_dir(root.join(FOLDER)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.iter().filter(|name| *name != "sources").collect::<Vec<_>>(), [FILE_NAME]);

    // The one that is replaced keeps its rights; a link to one is replaced by one.
    let path = root.join(FOLDER).join(FILE_NAME);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    write(root, &json!({})).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    fs::rename(&path, root.join("kept")).unwrap();
    symlink("../kept", &path).unwrap();
    write(root, &manifest).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert_eq!(fs::read_to_string(root.join("kept")).unwrap(), "{}");
}

#[test]
fn what_cannot_be_written_is_told() {
    let project = project(&[("src/index.ts", AGENT), (FOLDER, "a file")]);
    let root = project.path();
    let manifest = manifest(root);
    let error = write(root, &manifest).unwrap_err();
    assert!(error.to_string().contains("dist-v2 cannot be written"), "{error}");
    fs::remove_file(root.join(FOLDER)).unwrap();

    // A .gitignore that cannot be changed keeps nobody from compiling.
    fs::create_dir(root.join(".gitignore")).unwrap();
    let warnings = write(root, &manifest).unwrap();
    assert!(warnings[0].ends_with("add the line `dist-v2/` to it"), "{warnings:?}");
    let path = root.join(FOLDER).join(FILE_NAME);
    assert!(path.is_file());

    // A folder of the manifest's name stays.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = write(root, &manifest).unwrap_err();
    assert!(error.to_string().ends_with("what was there before is unchanged"), "{error}");
    assert!(path.is_dir());
}

#[test]
fn each_file_that_is_listed_has_a_copy_beside_the_manifest() {
    let project = project(&[("src/index.ts", AGENT), ("notes/README", "a\n"), ("notes/again.md", "a\n"), ("b.md", "b\r\n")]);
    let root = project.path();
    let listed = manifest(root);
    write(root, &listed).unwrap();
    let sources = root.join(FOLDER).join("sources");
    let check = |listed: &Value| {
        for file in listed["projectFiles"].as_array().unwrap() {
            let path = file["relativePath"].as_str().unwrap();
            let end = Path::new(path).extension().map_or("txt", |end| end.to_str().unwrap());
            let copy = sources.join(format!("{}.{end}", file["hash"].as_str().unwrap()));
            assert_eq!(fs::read(&copy).unwrap(), fs::read(root.join(path)).unwrap(), "{path}");
        }
    };
    check(&listed);
    let count = || fs::read_dir(&sources).unwrap().count();
    let before = count();
    add(root, "b.md", "changed\n");
    let listed = manifest(root);
    write(root, &listed).unwrap();
    check(&listed);
    assert_eq!(count(), before + 1);
    // What is another file by the time of writing is not copied under the old name.
    add(root, "b.md", "later\n");
    let stale = root.join(FOLDER);
    fs::remove_dir_all(&stale).unwrap();
    write(root, &listed).unwrap();
    assert_eq!(count(), before - 1);
}
