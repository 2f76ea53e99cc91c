//! What git sees of a workspace.

use std::process::Command;

use super::Place;

fn git(place: &Place, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=t", "-c", "user.email=t@t"]).args(arguments).current_dir(place.world.project().path());
    let output = git.env("HOME", place.world.home()).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn git_sees_only_what_belongs_in_it() {
    let place = Place::connected();
    git(&place, &["init", "-q"]);
    place.ok(&["scenarios", "select", "orders"]);
    place.ok(&["sync", "pull"]);
    place.ok(&["apikeys", "create", "--name", "mine"]);
    git(&place, &["add", "-A"]);
    let staged = git(&place, &["diff", "--cached", "--name-only"]);
    assert!(staged.contains(".fluxloop/project.json") && staged.contains("inputs/generated.yaml"), "{staged}");
    for left_out in [".env", "context.json", ".state", ".keepstep/"] {
        assert!(!staged.contains(left_out), "{left_out} is staged:\n{staged}");
    }
}

#[test]
fn a_key_is_never_written_where_git_takes_it() {
    let place = Place::connected();
    git(&place, &["init", "-q"]);
    place.ok(&["apikeys", "create", "--env-file", "keys.env"]);
    assert!(git(&place, &["status", "--porcelain"]).lines().all(|line| !line.ends_with("keys.env")));
    place.world.project().file("tracked.env", "OTHER=1\n");
    git(&place, &["add", "-f", "tracked.env"]);
    let before = place.ok(&["apikeys", "list"]);
    assert_eq!(place.code(&["apikeys", "create", "--env-file", "tracked.env"]), 4);
    assert_eq!(place.world.project().read("tracked.env"), "OTHER=1\n");
    assert_eq!(place.ok(&["apikeys", "list"]), before, "no key was created");
}

#[test]
fn the_login_manages_also_where_the_workspace_has_a_key() {
    use std::io::Write as _;
    use std::process::Stdio;
    let place = Place::connected();
    let mut login = place.bare(&["login", &place.platform.url(), "--with-key"]);
    let mut login = login.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    login.stdin.take().unwrap().write_all(place.key.as_bytes()).unwrap();
    assert!(login.wait().unwrap().success());
    let bare = |arguments: &[&str]| place.bare(arguments).output().unwrap().status.code();
    assert_eq!(bare(&["apikeys", "create"]), Some(0));
    // That key is for one project.
    assert_eq!(bare(&["projects", "create", "--name", "second", "--no-select"]), Some(0));
}
