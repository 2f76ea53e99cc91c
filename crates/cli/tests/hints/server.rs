//! Hints about the server and the key.

use super::Row;
use super::Then::{Ends, Says, Shows};

pub(super) const ROWS: &[Row] = &[
    Row {
        state: &["agent"],
        command: "KEEPSTEP_URL= KEEPSTEP_API_KEY= sync --check --strict",
        hint: "Run `keepstep login URL`, or set KEEPSTEP_URL",
        typed: "login $URL --with-key",
        then: Ends(0),
    },
    Row {
        state: &["agent"],
        command: "KEEPSTEP_API_KEY= sync --check --strict",
        hint: "Run `keepstep login $URL`, or set KEEPSTEP_API_KEY",
        typed: "login $URL --with-key",
        then: Ends(0),
    },
    Row {
        state: &["own server", "KEEPSTEP_API_KEY= login $URL --with-key", "revoke the keys", "another key"],
        command: "KEEPSTEP_URL= KEEPSTEP_API_KEY= projects list",
        hint: "Run `keepstep login $URL` to sign in again",
        typed: "login $URL --with-key",
        then: Ends(0),
    },
    Row {
        state: &["KEEPSTEP_API_KEY= login $URL --with-key"],
        command: "KEEPSTEP_API_KEY=wrong projects list",
        hint: "Put a new key into KEEPSTEP_API_KEY, or unset it and run `keepstep login $URL`",
        typed: "KEEPSTEP_API_KEY= login $URL --with-key",
        then: Shows("Signed in to $URL"),
    },
    Row {
        state: &[],
        command: "KEEPSTEP_API_KEY= --api-key wrong projects list",
        hint: "Pass a new key, or run `keepstep login $URL`",
        typed: "login $URL --with-key",
        then: Shows("Signed in to $URL"),
    },
    Row {
        state: &[],
        command: "--api-key $KEY projects list",
        hint: "a key on the command line is visible to other users of this machine; `keepstep login` stores it",
        typed: "login $URL --with-key",
        then: Shows("Signed in to $URL"),
    },
    Row {
        state: &["shop", "write .fluxloop/.env FLUXLOOP_API_KEY=wrong\n"],
        command: "KEEPSTEP_API_KEY= projects list",
        hint: "Put a new key into *.fluxloop/.env, or take it out there and run `keepstep login $URL`",
        typed: "login $URL --with-key",
        then: Shows("Signed in to $URL"),
    },
    Row {
        state: &["orders", "trust --remove $URL"],
        command: "KEEPSTEP_URL= scenarios list",
        hint: "`keepstep trust $URL` sends it from now on; so does KEEPSTEP_URL=$URL",
        typed: "",
        then: Ends(0),
    },
    Row {
        state: &["agent"],
        command: "KEEPSTEP_API_KEY= doctor",
        hint: "`keepstep login $URL` stores one",
        typed: "login $URL --with-key",
        then: Says("found: "),
    },
    Row {
        state: &[],
        command: "KEEPSTEP_API_KEY= login --resume",
        hint: "`keepstep login URL --no-wait` begins one",
        typed: "login $URL --no-wait",
        then: Shows("keepstep login --resume"),
    },
    Row {
        state: &[],
        command: "admin key create --name k --data new",
        hint: "`--data` names the folder that `keepstep serve` uses; `--create` begins a new one",
        typed: "admin key create --name k --data new --create",
        then: Ends(0),
    },
    Row {
        state: &["admin key create --name k --data there --create"],
        command: "admin key list --data new",
        hint: "`--data` names the folder that `keepstep serve` uses",
        typed: "admin key list --data there",
        then: Shows("key_"),
    },
    Row {
        state: &["admin key create --name k --data there --create"],
        command: "admin key revoke key_none --data there",
        hint: "`keepstep admin key list` shows the keys",
        typed: "admin key list --data there",
        then: Shows("key_"),
    },
];
