//! `keepstep apikeys …`

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;
use keepstep_testkit::transcript;

use super::Place;

#[test]
fn a_key_is_made_kept_used_and_taken_back() {
    let place = Place::connected();
    assert_snapshot!(place.run(&["apikeys", "create", "--name", "ci"]), @"
    exit: 0
    ----- stdout -----
    ✅ Created the key ci ([KEY]) and stored it in [WORLD]/project/.fluxloop/.env
    ----- stderr -----
    Only you can read that file, and git leaves it out.
    ");
    let check = place.shown(&mut place.bare(&["apikeys", "check"]));
    assert_snapshot!(check, @"
    exit: 0
    ----- stdout -----
    server  [URL] (from [WORLD]/project/.fluxloop/.env)
    key     [KEY] from [WORLD]/project/.fluxloop/.env
    opens   1 project
    ");
    assert_snapshot!(place.run(&["apikeys", "list"]), @"
    exit: 0
    ----- stdout -----
    ID                            NAME  CREATED
    [KEY]  ci    [DAY]
    ");
    let id = place.json(&["apikeys", "list"])["keys"][0]["id"].as_str().unwrap().to_owned();
    place.ok(&["apikeys", "revoke", &id]);
    let output = place.bare(&["apikeys", "check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(9), "{}", transcript(&output));
    assert_eq!(place.code(&["apikeys", "revoke", "key_0"]), 3);
}

#[test]
fn f28_comments_and_blank_lines_stay_and_nobody_else_reads_the_key() {
    let place = Place::connected();
    let before = "# mine\n\nexport OTHER='x y' # why\nFLUXLOOP_SYNC_API_KEY=your-api-key-here\n\n# end\n";
    place.world.project().file(".fluxloop/.env", before);
    place.ok(&["apikeys", "create"]);
    let after = place.world.project().read(".fluxloop/.env");
    for line in [
        "# mine\n\nexport OTHER='x y' # why\nFLUXLOOP_SYNC_API_KEY=ks_api_",
        "\n\n# end\n",
        "FLUXLOOP_SYNC_URL=http://127.0.0.1:",
    ] {
        assert!(after.contains(line), "{after}");
    }
    let mode = std::fs::metadata(place.world.project().path().join(".fluxloop/.env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn f42_a_key_is_not_replaced_without_a_word_and_is_shown_once() {
    let place = Place::connected();
    let made = transcript(&place.output(&["apikeys", "create"]));
    let env = place.world.project().read(".fluxloop/.env");
    let key = env.lines().find_map(|line| line.strip_prefix("FLUXLOOP_SYNC_API_KEY=")).unwrap();
    assert!(!made.contains(key) && made.contains(&format!("****{}", &key[key.len() - 4..])), "{made}");
    assert_snapshot!(place.run(&["apikeys", "create"]), @"
    exit: 4
    ----- stderr -----
    error: [WORLD]/project/.fluxloop/.env already has a key ([KEY]); none was created
    hint: `--overwrite-env` replaces it; `--no-save` prints the new one instead
    ");
    assert_eq!(place.world.project().read(".fluxloop/.env"), env);
    assert_eq!(place.json(&["apikeys", "list"])["keys"].as_array().unwrap().len(), 1, "none was made in vain");
    place.ok(&["apikeys", "create", "--overwrite-env"]);
    assert_ne!(place.world.project().read(".fluxloop/.env"), env);
    let printed = place.ok(&["apikeys", "create", "--no-save"]);
    assert!(printed.trim_end().starts_with("ks_api_") && printed.lines().count() == 1, "{printed}");
}

#[test]
fn f4_the_placeholder_of_the_peer_wins_over_nothing() {
    let place = Place::connected();
    place.world.project().file(
        ".fluxloop/scenarios/orders/.env",
        "FLUXLOOP_SYNC_URL=https://api.fluxloop.ai\nFLUXLOOP_SYNC_API_KEY=your-api-key-here\n",
    );
    place.ok(&["scenarios", "select", "orders"]);
    place.ok(&["apikeys", "create"]);
    let output = place.bare(&["apikeys", "check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", transcript(&output));
}
