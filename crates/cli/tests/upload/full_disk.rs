//! No room on the platform's disk, or on the client's.
//!
//! The limit that a shell sets on the size of files stands in for a full disk, as in the other tests of that kind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use insta::assert_snapshot;
use keepstep_testkit::{Fault, Proxy, World};

use super::real::{Place, Server, Shape};
use crate::common::BINARY;

/// A program that starts ours, and `serve` with the limit that a file names.
struct Limited {
    world: World,
}

impl Limited {
    fn new() -> Self {
        let limited = Self { world: World::new() };
        let limit = limited.limit().display().to_string();
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = serve ] && [ -f '{limit}' ]; then ulimit -f \"$(cat '{limit}')\"; trap '' XFSZ; fi\n\
             exec '{BINARY}' \"$@\"\n"
        );
        fs::write(limited.program(), script).unwrap();
        fs::set_permissions(limited.program(), fs::Permissions::from_mode(0o755)).unwrap();
        limited
    }

    fn program(&self) -> PathBuf {
        self.world.path().join("limited")
    }

    fn limit(&self) -> PathBuf {
        self.world.path().join("limit")
    }

    /// Starts the server again, with so much room for each file, in the shell's units of 512 bytes.
    fn restart(&self, server: &mut Server, units: Option<u64>) {
        match units {
            Some(units) => fs::write(self.limit(), units.to_string()).unwrap(),
            None => fs::remove_file(self.limit()).unwrap(),
        }
        server.platform.restart();
    }
}

fn stderr(place: &Place, output: &Output) -> String {
    place.filtered(&String::from_utf8_lossy(&output.stderr))
}

#[test]
fn f15_a_full_disk_of_the_platform_keeps_nothing_half() {
    let limited = Limited::new();
    let mut server = Server::of(&limited.program());
    let shape = Shape::of_long_answers(150, 10_000, 12_000_000);
    let proxy = Proxy::before(server.platform.address());
    let place = server.place("full", &proxy.url(), &shape);
    let expected = place.expected(&shape);

    // There is room for the database and not for a part of 8 MiB.
    limited.restart(&mut server, Some(5 * 2048));
    let output = place.upload();
    assert_ne!(output.status.code(), Some(0));
    assert_snapshot!(stderr(&place, &output), @"
    hint: it is kept, and the next `keepstep sync upload --pending` sends it
    error: [URL] has a problem of its own (status 507: The disk is full: nothing was written.)
    ");
    assert!(!place.is_there(&expected));
    limited.restart(&mut server, None);

    // All parts have come, and there is no room for the rows of the runs. The database tells a full disk from this stand-in, so
    // the sentence is another one.
    proxy.on("POST", "/commit", Fault::Hold);
    let child = place.begin();
    proxy.wait_until_held();
    limited.restart(&mut server, Some(2048));
    proxy.release();
    let output = child.wait_with_output().unwrap();
    assert_ne!(output.status.code(), Some(0));
    assert_snapshot!(stderr(&place, &output), @"
    hint: it is kept, and the next `keepstep sync upload --pending` sends it
    error: [URL] has a problem of its own (status 503: The disk with the data failed; nothing was written.)
    ");
    assert!(!place.is_there(&expected));

    limited.restart(&mut server, None);
    let output = place.upload();
    assert!(output.status.success(), "{}", stderr(&place, &output));
    assert!(place.is_there(&expected));
}

#[test]
fn f15_a_full_disk_of_the_client_sends_nothing_and_leaves_nothing() {
    let server = Server::start();
    let shape = Shape::of_long_answers(20, 1000, 0);
    let place = server.place("full", &server.platform.url(), &shape);
    let expected = place.expected(&shape);
    // Enough for the copy of the summary, and not for the list of the runs.
    let output = place.upload_without_room(8);
    assert_eq!(output.status.code(), Some(2));
    assert_snapshot!(stderr(&place, &output), @"
    error: cannot write [WORLD]/project/.keepstep/outbox/000001/runs.jsonl: the file would exceed the size limit
    hint: what was there before is unchanged: a file is only renamed into place when it is complete
    ");
    assert!(!place.is_there(&expected));
    assert_eq!(place.waiting(), Vec::<String>::new());
    let output = place.upload();
    assert!(output.status.success(), "{}", stderr(&place, &output));
    assert!(place.is_there(&expected));
}
