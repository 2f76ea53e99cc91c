//! `keepstep alias install`

use crate::common::BINARY;
use keepstep_testkit::{World, transcript};

#[test]
fn the_links_are_made_and_made_again() {
    let world = World::new();
    let folder = world.path().join("bin");
    for _ in 0..2 {
        let output = world.command(BINARY).args(["alias", "install", "--dir"]).arg(&folder).output().unwrap();
        assert!(output.status.success(), "{}", transcript(&output));
    }
    let help = world.command(folder.join("lua")).args(["sync", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: lua sync") && help.contains("  lua sync --check"), "{help}");
}

#[test]
fn somebody_elses_program_is_left_alone() {
    let world = World::new();
    let folder = world.path().join("bin");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("fluxloop"), "mine").unwrap();
    let output = world.command(BINARY).args(["alias", "install", "--dir"]).arg(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", transcript(&output));
    assert_eq!(std::fs::read_to_string(folder.join("fluxloop")).unwrap(), "mine");
    assert!(!folder.join("lua").exists());
}
