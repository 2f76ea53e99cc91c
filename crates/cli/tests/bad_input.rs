//! Bad input gets a clear error, and nothing is lost.

use std::process::Stdio;

use insta::assert_snapshot;
use keepstep_testkit::{Fault, Proxy};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::common::{Bench, FIRST};

fn through(bench: &Bench, fault: Fault) -> String {
    let proxy = Proxy::before(bench.platform.address());
    proxy.otherwise(fault);
    bench.run(&["sync", "--check", "--strict", "--url", &proxy.url(), "--api-key", &bench.key]).replace(&proxy.url(), "[URL]")
}

#[test]
fn no_agent_in_the_project_file() {
    let bench = Bench::new();
    bench.project().file("lua.skill.yaml", "skills: []\n");
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/lua.skill.yaml has no section `agent`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
}

#[test]
fn a_project_file_that_is_no_yaml() {
    let bench = Bench::new();
    bench.project().file("lua.skill.yaml", "agent: [\n");
    assert!(bench.run(&["sync", "--check"]).starts_with("exit: 2\n"));
}

#[test]
fn an_agent_that_the_server_does_not_know() {
    let bench = Bench::new();
    bench.project().agent("unknown_agent", "org");
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 3
    ----- stderr -----
    error: [URL] has no agent unknown_agent
    ");
}

#[test]
fn code_that_does_not_parse() {
    let bench = Bench::in_step();
    bench.project().file("src/index.ts", "export const agent = new LuaAgent({ name: 'x', persona: `y });\n");
    let manifest = bench.project().read("dist-v2/manifest.json");
    assert_snapshot!(bench.run(&["compile"]), @"
    exit: 2
    ----- stderr -----
    error: src/index.ts:1:57: Unterminated string
    > 1 | …const agent = new LuaAgent({ name: 'x', persona: `y });
        |                                                   ^^^^^^
    ");
    assert_eq!(bench.project().read("dist-v2/manifest.json"), manifest);
}

#[test]
fn two_agents_in_one_file() {
    let bench = Bench::new();
    let agent = "new LuaAgent({ name: 'x', persona: 'y' })";
    bench.project().file(
        "src/index.ts",
        format!("import {{ LuaAgent }} from 'lua-cli';\nexport const a = {agent};\nexport const b = {agent};\n"),
    );
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 2
    ----- stderr -----
    error: more than one agent is defined, at src/index.ts:2:18, src/index.ts:3:18
    hint: keep one agent in a project, or give each a folder with its own lua.skill.yaml
    ");
}

#[test]
fn a_missing_import() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", "import { LuaAgent } from 'lua-cli';\nimport { persona } from './gone';\nexport default new LuaAgent({ name: 'Helper', persona });\n");
    assert_snapshot!(bench.run(&["compile"]), @"
    exit: 2
    ----- stderr -----
    error: the persona cannot be read: src/index.ts:2:25: `./gone` cannot be found
      1 | import { LuaAgent } from 'lua-cli';
    > 2 | import { persona } from './gone';
        |                         ^^^^^^^^
      3 | export default new LuaAgent({ name: 'Helper', persona });

    hint: correct the path of the import, or create the file
    ");
}

#[test]
fn an_import_cycle() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", "import { LuaAgent } from 'lua-cli';\nimport { a } from './a';\nexport const tail = ' tail';\nexport default new LuaAgent({ name: 'Helper', persona: a });\n");
    bench.project().file("src/a.ts", "import { tail } from './index';\nexport const a = 'head' + tail;\n");
    let shown = bench.run(&["sync", "--check"]);
    assert!(shown.starts_with("exit: 0\n") || shown.starts_with("exit: 2\n"), "{shown}");
}

#[test]
fn a_persona_of_five_mebibytes() {
    let bench = Bench::new();
    bench.code(&"0123456789abcde\n".repeat(5 << 16));
    let output = bench.output(&["push", "persona", "--force", "--quiet"]);
    assert_eq!(output.status.code(), Some(12));
    assert_snapshot!(bench.filtered(&String::from_utf8_lossy(&output.stderr)), @"error: this is too large for [URL], which accepts at most 1048576 bytes");
}

#[test]
fn code_that_is_not_utf_8() {
    let bench = Bench::new();
    bench.project().file("src/index.ts", b"const x = '\xff';");
    assert_snapshot!(bench.run(&["compile"]), @"
    exit: 2
    ----- stderr -----
    error: src/index.ts is not UTF-8: the byte at offset 11 belongs to no character
    hint: save the file as UTF-8
    ");
}

#[test]
fn a_lock_file_with_merge_markers() {
    let bench = Bench::in_step();
    bench.project().file("keepstep.lock", "<<<<<<< HEAD\nversion = 1\n=======\nversion = 1\n>>>>>>> b\n");
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 2
    ----- stderr -----
    error: keepstep.lock holds the markers of an unfinished git merge
    hint: take either side's keepstep.lock (`git checkout --theirs keepstep.lock`), then run `keepstep sync`
    ");
}

#[test]
fn a_lock_file_of_a_newer_version() {
    let bench = Bench::in_step();
    bench.project().file("keepstep.lock", "version = 9\n");
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 2
    ----- stderr -----
    error: keepstep.lock has format 9, and this keepstep knows formats up to 1
    hint: use the newer keepstep that wrote it
    ");
}

#[test]
fn a_settings_file_that_is_no_toml() {
    let bench = Bench::new();
    bench.project().file("keepstep.toml", "strict = maybe\n");
    assert_snapshot!(bench.run(&["sync", "--check"]), @"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project/keepstep.toml cannot be read: TOML parse error at line 1, column 10
      |
    1 | strict = maybe
      |          ^^^^^
    string values must be quoted, expected literal string
    ");
}

#[test]
fn a_file_that_may_not_be_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::in_step();
    let kept = bench.ok(&["undo", "--list"]);
    bench.colleague("Theirs");
    let file = bench.project().path().join("src/index.ts");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    assert_snapshot!(bench.run(&["sync", "--accept"]), @"
    exit: 2
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed on the server  v2 by test owner, just now
      your code: src/index.ts:5:12, unchanged since v1
    - Theirs
    + You are a friendly helper.
    + Answer briefly.
    + Never promise a date.

    ----- stderr -----
    error: src/index.ts is read-only; nothing was written to it
    ");
    assert!(bench.project().read("src/index.ts").contains(FIRST));
    assert_eq!(bench.ok(&["undo", "--list"]), kept, "nothing was replaced");
}

#[test]
fn a_file_that_changed_between_reading_and_writing() {
    let bench = Bench::in_step();
    let kept = bench.ok(&["undo", "--list"]);
    bench.colleague("Theirs");
    let proxy = Proxy::before(bench.platform.address());
    proxy.on("GET", "/state", Fault::HoldResponse);
    let mut command = bench.command(&["sync", "--accept", "--quiet", "--url", &proxy.url(), "--api-key", &bench.key]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.wait_until_held();
    bench.code("Saved by the editor just now");
    proxy.release();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", keepstep_testkit::transcript(&output));
    assert_snapshot!(bench.filtered(&String::from_utf8_lossy(&output.stderr)), @"
    warning: a key on the command line is visible to other users of this machine; `keepstep login` stores it
    error: src/index.ts was changed meanwhile; nothing was written to it
    hint: run the command again to work with the file as it is now
    ");
    assert!(bench.project().read("src/index.ts").contains("Saved by the editor just now"));
    assert_eq!(bench.ok(&["undo", "--list"]), kept, "nothing was replaced");
}

#[test]
fn a_link_out_of_the_project() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    let outside = bench.world.path().join("outside.ts");
    std::fs::rename(bench.project().path().join("src/index.ts"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, bench.project().path().join("src/index.ts")).unwrap();
    let output = bench.output(&["sync", "--accept"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(std::fs::read_to_string(&outside).unwrap().contains(FIRST));
}

#[test]
fn five_kinds_of_keys_are_five_messages() {
    let bench = Bench::new();
    let with = |key: Option<&str>, arguments: &[&str]| {
        let mut command = bench.command(arguments);
        match key {
            Some(key) => command.env("KEEPSTEP_API_KEY", key),
            None => command.env_remove("KEEPSTEP_API_KEY"),
        };
        bench.filtered(&keepstep_testkit::transcript(&command.output().unwrap()))
    };
    let check = ["sync", "--check"];
    assert_snapshot!(with(None, &check), @"
    exit: 9
    ----- stderr -----
    error: not signed in to [URL]: no key for it
    hint: run `keepstep login [URL]`, or set KEEPSTEP_API_KEY
    ");
    assert_snapshot!(with(Some("ks_api_short"), &check), @"
    exit: 9
    ----- stderr -----
    error: the key from KEEPSTEP_API_KEY for [URL] is malformed: it is cut or mistyped
    hint: put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login [URL]`
    ");
    let other = keepstep_testkit::Platform::start(std::path::Path::new(crate::common::BINARY)).key("owner");
    assert_snapshot!(with(Some(&other), &check), @"
    exit: 9
    ----- stderr -----
    error: [URL] does not know the key from KEEPSTEP_API_KEY
    hint: put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login [URL]`
    ");
    let expired = bench.platform.admin(&["key", "create", "--name", "old", "--expires", "0s"]);
    assert_snapshot!(with(Some(&expired), &check), @"
    exit: 9
    ----- stderr -----
    error: the key from KEEPSTEP_API_KEY for [URL] has expired
    hint: put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login [URL]`
    ");
    let narrow = bench.platform.key("viewer");
    assert_snapshot!(with(Some(&narrow), &["sync", "--push", "--quiet"]), @r#"
    exit: 10
    ----- stderr -----
    error: [URL] does not allow this with the key from KEEPSTEP_API_KEY: The key "test viewer" has the role viewer, and this needs the role editor.
    hint: ask an owner of the server for a key with a wider role or project
    "#);
}

#[test]
fn a_page_of_a_proxy() {
    assert_snapshot!(through(&Bench::new(), Fault::html_page("Please sign in")), @r#"
    exit: 11
    ----- stderr -----
    warning: a key on the command line is visible to other users of this machine; `keepstep login` stores it
    error: [URL] is not a keepstep server: status 200, text/html, "Please sign in"
    hint: check the address, and whether a proxy or a sign-in page stands in front of the server
    "#);
}

#[test]
fn a_cut_answer() {
    assert_snapshot!(through(&Bench::new(), Fault::CutResponse(200)), @"
    exit: 11
    ----- stderr -----
    warning: a key on the command line is visible to other users of this machine; `keepstep login` stores it
    error: the connection to [URL] was cut before the answer was complete
    ");
}

#[test]
fn too_many_requests() {
    assert_snapshot!(through(&Bench::new(), Fault::status(429, Some("3600"))), @"
    exit: 11
    ----- stderr -----
    warning: a key on the command line is visible to other users of this machine; `keepstep login` stores it
    error: [URL] accepts no more requests now; try again in 60 minutes
    ");
}

#[test]
fn a_redirect_to_another_host() {
    let reply = keepstep_testkit::Reply::new(302, &[("location", "http://elsewhere.example/x")], "");
    assert_snapshot!(through(&Bench::new(), Fault::Answer(reply)), @"
    exit: 2
    ----- stderr -----
    warning: a key on the command line is visible to other users of this machine; `keepstep login` stores it
    error: [URL] redirects to http://elsewhere.example, and the key is not for there
    hint: if that is the server, run `keepstep login http://elsewhere.example`, or set KEEPSTEP_URL=http://elsewhere.example
    ");
}

#[test]
fn a_full_disk_behind_stdout() {
    let bench = Bench::in_step();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = bench.command(&["sync", "--check"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_snapshot!(String::from_utf8_lossy(&output.stderr), @"error: cannot write to stdout: No space left on device (os error 28)");
}

#[test]
fn a_database_that_is_none() {
    let bench = Bench::new();
    let folder = bench.world.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("keepstep.db"), "this is no database at all, only a text of some length").unwrap();
    let output = bench.output(&["admin", "key", "list", "--data", &folder.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert_snapshot!(bench.filtered(&String::from_utf8_lossy(&output.stderr)), @"error: [WORLD]/data/keepstep.db is not a database of keepstep (no SQLite database, or a damaged one). Name another data folder, or move the file away.");
}

/// Makes a database as a keepstep of the future leaves it.
fn database_of_the_future(bench: &Bench) -> String {
    let folder = bench.world.path().join("data").to_string_lossy().into_owned();
    bench.ok(&["admin", "key", "create", "--create", "--name", "me", "--data", &folder]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(format!("{folder}/keepstep.db"));
        let mut connection = options.connect().await.unwrap();
        let migration = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9000, 'x', 1, x'00', 0)";
        sqlx::query(migration).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    folder
}

#[test]
fn a_database_of_a_newer_version() {
    let bench = Bench::new();
    let folder = database_of_the_future(&bench);
    let admin = bench.output(&["admin", "key", "list", "--data", &folder]);
    let serve = bench.output(&["serve", "--listen", "127.0.0.1:0", "--data", &folder]);
    assert_eq!((admin.status.code(), serve.status.code()), (Some(2), Some(2)), "{}", keepstep_testkit::transcript(&serve));
    assert_eq!((&admin.stdout, &admin.stderr), (&serve.stdout, &serve.stderr));
    assert!(admin.stdout.is_empty());
    let said = bench.filtered(&String::from_utf8_lossy(&admin.stderr));
    let (before, after) = said.split_once("up to ").unwrap();
    let (newest, after) = after.split_once('.').unwrap();
    assert!(newest.parse::<u32>().is_ok_and(|newest| newest >= 16), "{said}");
    assert_snapshot!(format!("{before}up to [NEWEST].{after}"), @"error: [WORLD]/data/keepstep.db has the schema 9000, created by a newer keepstep; this one knows the schemas up to [NEWEST]. Use the newer one, or another data folder.");
}
