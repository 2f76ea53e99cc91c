//! `keepstep init agent`

use insta::assert_snapshot;

use crate::common::Bench;

#[test]
fn a_new_project_can_be_pushed_at_once() {
    let bench = Bench::new();
    let shown = bench.run(&["init", "agent", "new", "--name", "It's \"new\""]);
    let agent = shown.split_whitespace().find(|word| word.ends_with("_agent")).unwrap_or_default().to_owned();
    assert_snapshot!(shown.replace(&agent, "[AGENT]"), @"
    exit: 0
    ----- stdout -----
    ✅ Agent [AGENT] starts in [WORLD]/project/new
    ----- stderr -----
    wrote   lua.skill.yaml
    wrote   tsconfig.json
    wrote   package.json
    wrote   src/index.ts
    wrote   .gitignore
    hint: write the persona in src/index.ts, then `keepstep push persona`
    ");
    let folder = bench.project().path().join("new");
    let folder = folder.to_string_lossy();
    assert_eq!(bench.output(&["-C", &folder, "sync", "--check"]).status.code(), Some(0));
    bench.ok(&["-C", &folder, "push", "persona", "--force"]);
    bench.ok(&["-C", &folder, "sync", "--check"]);
}

#[test]
fn nothing_is_overwritten() {
    let bench = Bench::new();
    let before = bench.project().read("src/index.ts");
    assert_eq!(bench.output(&["init", "agent", "--agent-id", "a_1", "--org-id", "o_1"]).status.code(), Some(4));
    bench.project().remove("lua.skill.yaml");
    bench.ok(&["init", "agent", "--agent-id", "a_1", "--org-id", "o_1"]);
    assert_eq!(bench.project().read("src/index.ts"), before);
    assert!(bench.project().read("lua.skill.yaml").contains("agentId: a_1"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_whose_name_is_no_text_is_a_folder_too() {
    use std::os::unix::ffi::OsStrExt as _;
    let bench = Bench::new();
    let mut command = bench.command(&["init", "agent", "--json", "--agent-id", "a_1", "--org-id", "o_1"]);
    let output = command.arg(std::ffi::OsStr::from_bytes(b"fold\xffer")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", keepstep_testkit::transcript(&output));
}

#[test]
fn the_folder_is_named_without_detours() {
    let bench = Bench::new();
    bench.project().remove("lua.skill.yaml");
    let folder = bench.project().path().canonicalize().unwrap();
    for place in [".", "./src/.."] {
        let (_, document) = bench.json(&["init", "agent", place, "--agent-id", "a_1", "--org-id", "o_1"]);
        assert_eq!(document["root"], *folder.to_string_lossy());
        bench.project().remove("lua.skill.yaml");
    }
}
