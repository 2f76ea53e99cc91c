//! `keepstep compile`

use insta::assert_snapshot;
use keepstep_testkit::closed_port;

use crate::common::{Bench, FIRST};

#[test]
fn it_says_what_it_compiled() {
    let bench = Bench::new();
    assert_snapshot!(bench.run(&["compile"]), @"");
    assert_snapshot!(bench.run(&["compile", "--verbose"]), @"");
}

#[test]
fn s10_the_drift_is_of_what_was_just_compiled() {
    let bench = Bench::in_step();
    bench.code(&FIRST.replace("friendly", "formal"));
    assert_snapshot!(bench.run(&["compile", "--sync"]), @"");
    assert_eq!(bench.output(&["compile", "--sync", "--strict"]).status.code(), Some(1));
    bench.code(FIRST);
    bench.project().remove("dist-v2/manifest.json");
    let text = bench.ok(&["compile", "--sync", "--strict"]);
    assert!(text.contains("✅ No drift detected. Local code is in sync with server."), "{text}");
}

#[test]
fn an_unreachable_server_does_not_block() {
    let bench = Bench::new();
    let url = format!("http://127.0.0.1:{}", closed_port().port());
    let output = bench.output(&["compile", "--sync", "--url", &url]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("The drift was NOT checked"));
    assert!(bench.project().has("dist-v2/manifest.json"));
    assert_eq!(bench.output(&["compile", "--sync", "--strict", "--url", &url]).status.code(), Some(11));
}

#[test]
fn x6_an_unreadable_persona_leaves_the_manifest_as_it_was() {
    let bench = Bench::in_step();
    let manifest = bench.project().read("dist-v2/manifest.json");
    bench.project().file(
        "src/index.ts",
        "import { LuaAgent } from 'lua-cli';\nexport default new LuaAgent({ name: 'Helper', persona: unknownThing });\n",
    );
    assert_snapshot!(bench.run(&["compile"]), @"");
    assert_eq!(bench.project().read("dist-v2/manifest.json"), manifest);
}
