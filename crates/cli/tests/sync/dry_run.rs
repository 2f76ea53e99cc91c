//! `keepstep sync --dry-run`

use insta::assert_snapshot;

use crate::common::{Bench, FIRST, code};

#[test]
fn a_pull_is_shown_as_a_patch() {
    let bench = Bench::in_step();
    bench.colleague(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["sync", "--accept", "--dry-run"]), @"
    exit: 0
    ----- stdout -----
    ⚠️  Drift in 1 field   - only on the server   + only in the code

    Persona  changed on the server  v2 by test owner, just now
      your code: src/index.ts:5:12, unchanged since v1
    - You are a formal helper.
    + You are a friendly helper.
      Answer briefly.
      Never promise a date.

    --- a/src/index.ts
    +++ b/src/index.ts
    @@ -2,7 +2,7 @@
     
     export const agent = new LuaAgent({
       name: 'Helper',
    -  persona: `You are a friendly helper.
    +  persona: `You are a formal helper.
     Answer briefly.
     Never promise a date.`,
     });
    ----- stderr -----
    Would write the server's persona into the code
    ");
    assert_eq!(bench.project().read("src/index.ts"), code(FIRST));
}

#[test]
fn a_push_is_only_named() {
    let bench = Bench::in_step();
    bench.code("Mine");
    let (exit, document) = bench.json(&["sync", "--push", "--dry-run"]);
    assert_eq!(exit, 0);
    assert_eq!(document["actions"], serde_json::json!([{ "field": "persona", "would": "push" }]));
    assert_eq!(bench.published(), FIRST);
}
