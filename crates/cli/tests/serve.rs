//! `keepstep serve`

use std::path::Path;

use keepstep_testkit::Platform;

use crate::common::{BINARY, Bench};

#[test]
fn it_prints_where_it_is_and_ends_well() {
    let mut platform = Platform::start(Path::new(BINARY));
    assert!(platform.output().contains(&format!("keepstep serves {}", platform.url())));
    assert_eq!(platform.terminate().code(), Some(0));
    // The process has ended; what it printed is on its way through the pipe.
    let start = std::time::Instant::now();
    while platform.owner_link().is_none() && start.elapsed().as_secs() < 30 {
        std::thread::yield_now();
    }
    assert!(platform.owner_link().is_some(), "{}", platform.output());
}

#[test]
fn a_taken_port_is_a_sentence() {
    let bench = Bench::new();
    let address = bench.platform.address().to_string();
    let data = bench.world.path().join("other");
    let output = bench.output(&["serve", "--listen", &address, "--data", &data.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("something else listens on"));
}

#[test]
fn only_sqlite_and_files_for_now() {
    let bench = Bench::new();
    for option in [["--database-url", "postgres://x/y"], ["--object-store", "s3://bucket"]] {
        let output = bench.output(&["serve", "--listen", "127.0.0.1:0", option[0], option[1]]);
        assert_eq!(output.status.code(), Some(2));
    }
}

#[cfg(unix)]
#[test]
fn a_bug_is_told_in_a_sentence_with_a_code_of_its_own() {
    let bench = Bench::new();
    // No system gives a thread a stack of this size, and the runtime takes that for a bug.
    let mut command = bench.command(&["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
    let output = command.env("RUST_MIN_STACK", "1152921504606846976").output().unwrap();
    assert_eq!(output.status.code(), Some(70));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("keepstep has a bug: ") && text.contains("Please report it"), "{text}");
    assert!(!text.contains("RUST_BACKTRACE") && text.lines().count() == 2, "{text}");
}

#[test]
fn what_is_no_address_is_refused() {
    let bench = Bench::new();
    for url in ["not a url", "ftp://x", "https://user:secret@x", "https://x/?q"] {
        let output = bench.output(&["serve", "--listen", "127.0.0.1:0", "--data", "data", "--public-url", url]);
        assert_eq!(output.status.code(), Some(2), "{url}");
    }
    assert_eq!(bench.output(&["serve", "--listen", "4747"]).status.code(), Some(2));
    assert!(!bench.project().has("data"));
}
