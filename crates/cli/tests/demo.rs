//! `keepstep demo`

use keepstep_testkit::{World, transcript};

use crate::common::BINARY;

#[test]
fn the_tour_ends_well_and_touches_nothing() {
    let world = World::new();
    let output = world.command(BINARY).args(["demo", "--once"]).output().unwrap();
    let text = transcript(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for step in [
        "$ keepstep login",
        "$ keepstep sync --check",
        "$ keepstep sync --accept",
        "$ keepstep sync --merge",
        "$ keepstep sync --push",
        "$ keepstep sync pull && keepstep test\n",
        "2 passed, 1 failed of 3 cases",
        "3 passed of 3 cases",
        "$ keepstep results compare latest~1 latest",
        "/sign-in/link/",
    ] {
        assert!(text.contains(step), "{step}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(std::fs::read_dir(world.home()).unwrap().count(), 0);
    assert!(world.project().files().is_empty());
    assert_eq!(std::fs::read_dir(world.path().join("tmp")).unwrap().count(), 0);
}
