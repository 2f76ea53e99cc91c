//! `keepstep sync --merge`

use insta::assert_snapshot;
use keepstep_testkit::{Fault, Proxy, World, transcript};

use crate::common::{Bench, FIRST, code};

#[test]
fn edits_of_different_lines_come_to_both_sides() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("a date", "a day"));
    bench.code(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["sync", "--merge"]), @"
    exit: 0
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed on both sides  v2 by test owner, just now
      your code: src/index.ts:5:12, changed since v1
    - You are a friendly helper.
    + You are a formal helper.
      Answer briefly.
    - Never promise a day.
    + Never promise a date.

    ✅ Persona merged into src/index.ts
       undo: keepstep undo [UNDO]
    ✅ Persona version 3 is published and current
       undo: keepstep persona production deploy --persona-version 2
    ");
    let both = FIRST.replace("a date", "a day").replace("friendly", "formal");
    assert_eq!(bench.project().read("src/index.ts"), code(&both));
    assert_eq!(bench.published(), both);
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
}

#[test]
fn edits_of_the_same_line_are_marked_and_nothing_is_published() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("friendly", "kind"));
    bench.code(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["sync", "--merge"]), @"
    exit: 4
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed on both sides  v2 by test owner, just now
      your code: src/index.ts:5:12, changed since v1
    - You are a kind helper.
    + You are a formal helper.
      Answer briefly.
      Never promise a date.

    ⚠️  Persona: both sides changed the same lines, marked at 1 place in src/index.ts
       undo: keepstep undo [UNDO]
    ----- stderr -----
    hint: decide between the marked lines, then `keepstep sync --push`
    ");
    assert_snapshot!(bench.project().read("src/index.ts"), @"
    import { LuaAgent } from 'lua-cli';

    export const agent = new LuaAgent({
      name: 'Helper',
      persona: `<<<<<<< code
    You are a formal helper.
    ||||||| base
    You are a friendly helper.
    =======
    You are a kind helper.
    >>>>>>> server
    Answer briefly.
    Never promise a date.`,
    });
    ");
    assert_eq!(bench.published(), FIRST.replace("friendly", "kind"));
    assert_eq!(bench.output(&["sync", "--push"]).status.code(), Some(4));
    bench.code(&FIRST.replace("friendly", "kind and formal"));
    bench.ok(&["sync", "--push"]);
    assert_eq!(bench.output(&["sync", "--check"]).status.code(), Some(0));
}

#[test]
fn without_a_base_one_side_has_to_be_chosen() {
    let bench = Bench::in_step();
    bench.colleague("Theirs");
    bench.code("Mine");
    bench.project().remove("keepstep.lock");
    assert_snapshot!(bench.run(&["sync", "--merge"]), @"
    exit: 4
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  different  v2 by test owner, just now
      your code: src/index.ts:5:12
    - Theirs
    + Mine

    ----- stderr -----
    error: the persona cannot be merged: it is not known what both sides last agreed on; nothing was written
    hint: choose one side with `--push` or `--accept`
    ");
    assert_eq!(bench.project().read("src/index.ts"), code("Mine"));
    assert_eq!(bench.published(), "Theirs");
}

#[test]
fn a_fresh_clone_can_merge() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("a date", "a day"));
    bench.code(&FIRST.replace("friendly", "formal"));
    for path in bench.project().files().iter().filter(|path| path.starts_with(".keepstep") || path.starts_with("dist-v2")) {
        bench.project().remove(path);
    }
    bench.ok(&["sync", "--merge"]);
    assert_eq!(bench.published(), FIRST.replace("a date", "a day").replace("friendly", "formal"));
}

/// The code was merged and the publishing failed: the base is what was taken, so that the next edit of the same colleague is one
/// edit and not two.
#[test]
fn the_base_moves_with_what_was_taken() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("a date", "a day"));
    bench.code(&FIRST.replace("friendly", "formal"));
    let proxy = Proxy::before(bench.platform.address());
    proxy.on("PATCH", "/definition", Fault::status(400, None));
    let output = bench.output(&["sync", "--merge", "--url", &proxy.url(), "--api-key", &bench.key]);
    assert!(!output.status.success(), "{}", transcript(&output));
    assert_eq!(bench.project().read("src/index.ts"), code(&FIRST.replace("a date", "a day").replace("friendly", "formal")));
    bench.colleague(&FIRST.replace("a date", "a month"));
    bench.ok(&["sync", "--merge"]);
    let both = FIRST.replace("a date", "a month").replace("friendly", "formal");
    assert_eq!(bench.project().read("src/index.ts"), code(&both));
    assert_eq!(bench.published(), both);
}

#[test]
fn ten_at_once_who_change_different_lines_all_succeed() {
    const PEOPLE: usize = 10;
    let bench = Bench::new();
    let first: Vec<String> = (0..PEOPLE).map(|line| format!("line {line} of nobody")).collect();
    bench.code(&first.join("\n"));
    bench.ok(&["sync", "--push"]);
    let lock = bench.project().read("keepstep.lock");
    let worlds: Vec<World> = (0..PEOPLE).map(|_| World::new()).collect();
    for world in &worlds {
        world
            .project()
            .agent(&bench.agent, &bench.org)
            .file("keepstep.lock", &lock)
            .file("src/index.ts", code(&first.join("\n")));
    }
    // Each changes the own line twice, so that what somebody else took from it changes once more.
    for round in 1..=2 {
        let children: Vec<_> = worlds
            .iter()
            .enumerate()
            .map(|(person, world)| {
                let text = world.project().read("src/index.ts");
                let mine = text.lines().map(|line| match line.split_once(&format!("line {person} of ")) {
                    Some((before, rest)) => {
                        let end: String =
                            rest.chars().skip_while(|character| character.is_alphanumeric() || *character == ' ').collect();
                        format!("{before}line {person} of person {round}{end}\n")
                    }
                    None => format!("{line}\n"),
                });
                world.project().file("src/index.ts", mine.collect::<String>());
                let mut command = bench.command_in(world, &["sync", "--merge"]);
                command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}\n{}", transcript(&output));
        }
    }
    let all: Vec<String> = (0..PEOPLE).map(|line| format!("line {line} of person 2")).collect();
    assert_eq!(bench.published(), all.join("\n"));
}
