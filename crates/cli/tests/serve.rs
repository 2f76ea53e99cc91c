//! `keepstep serve`

use std::path::Path;

use keepstep_testkit::Platform;

use crate::common::{BINARY, Bench};

#[test]
fn it_prints_where_it_is_and_ends_well() {
    let mut platform = Platform::start(Path::new(BINARY));
    let first = format!("keepstep {}   {}   data {} (", env!("CARGO_PKG_VERSION"), platform.url(), platform.data_dir().display());
    assert!(platform.output().contains(&first), "{}", platform.output());
    assert_eq!(platform.terminate().code(), Some(0));
    // The process has ended; what it printed is on its way through the pipe.
    let start = std::time::Instant::now();
    while platform.owner_link().is_none() && start.elapsed().as_secs() < 30 {
        std::thread::yield_now();
    }
    assert!(platform.owner_link().is_some(), "{}", platform.output());
}

/// Returns the mode of a file: what its owner may do, and everybody else.
#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_data() {
    let world = keepstep_testkit::World::new();
    let folder = world.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    let platform = Platform::start_on(Path::new(BINARY), &folder);
    platform.agent("x");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let most = if entry.file_type().unwrap().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry.path()), most, "{:?}", entry.file_name());
    }
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn a_lost_database_is_not_replaced_by_an_empty_one() {
    let mut platform = Platform::start(Path::new(BINARY));
    platform.agent("x");
    platform.terminate();
    let database = platform.data_dir().join("keepstep.db");
    let serve = |more: &[&str]| {
        let mut serve = platform.command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(platform.data_dir()).args(more);
        serve
    };
    for state in ["is empty", "does not exist"] {
        if state == "is empty" {
            std::fs::write(&database, "").unwrap();
        } else {
            std::fs::remove_file(&database).unwrap();
        }
        let output = serve(&[]).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", keepstep_testkit::transcript(&output));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(&format!("keepstep.db {state}, but its folder is not new")) && text.contains("--create"), "{text}");
    }
    // Somebody who knows what they do begins anew.
    let admin = |more: &[&str]| {
        let mut admin = platform.command();
        admin.args(["admin", "project", "create", "--name", "p", "--data"]).arg(platform.data_dir()).args(more).output().unwrap()
    };
    assert_eq!(admin(&[]).status.code(), Some(3));
    assert!(admin(&["--create"]).status.success());
}

#[test]
fn two_servers_on_one_folder_are_told_so() {
    let first = Platform::start(Path::new(BINARY));
    let second = Platform::start_on(Path::new(BINARY), &first.data_dir());
    assert!(second.output().contains("another `keepstep serve` (process"), "{}", second.output());
}

#[test]
fn every_request_has_a_line_on_stderr() {
    let mut platform = Platform::start(Path::new(BINARY));
    let key = platform.key("viewer");
    let client =
        platform.command().args(["auth", "status", "--url", &platform.url()]).env("KEEPSTEP_API_KEY", &key).output().unwrap();
    assert!(client.status.success(), "{}", keepstep_testkit::transcript(&client));
    platform.terminate();
    let output = platform.whole_output();
    let line = output.lines().find(|line| line.contains("path=\"/api/v1/whoami\"")).unwrap_or_else(|| panic!("{output}"));
    assert!(line.starts_with("time=") && line.contains(" status=200 ") && line.ends_with("caller=\"test viewer\""), "{line}");
    assert!(!output.contains(&key));
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

/// A certificate for 127.0.0.1, and its key, which only its owner can read.
fn certificate(folder: &Path) -> (String, String) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/fixtures");
    let [certificate, key] = ["first.crt", "first.key"].map(|name| {
        let file = folder.join(name);
        std::fs::copy(fixtures.join(name), &file).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        file.display().to_string()
    });
    (certificate, key)
}

#[test]
fn a_variable_that_is_mistyped_is_named_at_the_start() {
    let bench = Bench::new();
    let mut serve = bench.command(&["serve", "--listen", "127.0.0.1:0", "--data", "nowhere/file"]);
    bench.project().file("nowhere/file", "in the way");
    let output = serve.env("KEEPSTEP_OIDC_SECRET", "hidden").env("KEEPSTEP_X", "y").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let warning = "warning: keepstep does not read the variable KEEPSTEP_OIDC_SECRET; did you mean KEEPSTEP_OIDC_CLIENT_SECRET?";
    assert!(text.contains(warning) && text.contains("the variable KEEPSTEP_X\n") && !text.contains("hidden"), "{text}");
}

#[test]
fn the_key_of_secrets_is_made_once_and_a_damaged_one_is_told_before_anything_begins() {
    let mut platform = Platform::start(Path::new(BINARY));
    let file = platform.data_dir().join("secret.key");
    let key = std::fs::read_to_string(&file).unwrap();
    platform.restart();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);
    platform.terminate();
    let serve = |variable: Option<&str>| {
        let mut serve = platform.command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(platform.data_dir());
        serve.envs(variable.map(|text| ("KEEPSTEP_SECRET_KEY", text)));
        let output = serve.output().unwrap();
        assert!(output.stdout.is_empty(), "{}", keepstep_testkit::transcript(&output));
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (exit, text) = serve(Some("hidden"));
    assert!(exit == Some(2) && text.contains("KEEPSTEP_SECRET_KEY is not a key") && !text.contains("hidden"), "{text}");
    std::fs::write(&file, "cut").unwrap();
    let (exit, text) = serve(None);
    assert!(exit == Some(2) && text.contains("secret.key is not a key") && text.contains("openssl rand -base64 32"), "{text}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "cut", "it is never replaced");
}

#[test]
fn it_serves_https_with_a_certificate() {
    let bench = Bench::new();
    let (certificate, key) = certificate(bench.world.path());
    let platform = Platform::start_with(Path::new(BINARY), &["--tls-cert", &certificate, "--tls-key", &key]);
    let url = platform.url().replace("http://", "https://");
    assert!(platform.output().contains(&format!("   {url}   data ")), "{}", platform.output());
    assert!(!platform.output().contains("private key"), "{}", platform.output());
    let client = |url: &str, trusted: &str| {
        let mut client = platform.command();
        client
            .args(["auth", "status", "--url", url])
            .env("KEEPSTEP_API_KEY", platform.key("viewer"))
            .env("SSL_CERT_FILE", trusted);
        client.output().unwrap()
    };
    let output = client(&url, &certificate);
    assert_eq!(output.status.code(), Some(0), "{}", keepstep_testkit::transcript(&output));
    // Who does not trust the certificate sends no key, and who speaks plain HTTP gets no further, either.
    let other = format!("{}/../server/tests/fixtures/second.crt", env!("CARGO_MANIFEST_DIR"));
    assert_eq!(client(&url, &other).status.code(), Some(11));
    let plain = client(&platform.url(), &certificate);
    assert_eq!(plain.status.code(), Some(11));
    let text = String::from_utf8_lossy(&plain.stderr).into_owned();
    assert!(text.contains("This server speaks HTTPS: begin its address with https://"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_private_key_that_others_can_read_is_told() {
    let bench = Bench::new();
    let (certificate, key) = certificate(bench.world.path());
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let platform = Platform::start_with(Path::new(BINARY), &["--tls-cert", &certificate, "--tls-key", &key]);
    let told = format!("everyone on this machine can read the private key {key}; run `chmod 600` on it");
    assert!(platform.output().contains(&told), "{}", platform.output());
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_before_anything_is_created() {
    let bench = Bench::new();
    let (certificate, key) = certificate(bench.world.path());
    let refused = |options: &[&str]| {
        let output = bench.output(&[&["serve", "--listen", "127.0.0.1:0", "--data", "data"][..], options].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = refused(&["--tls-cert", &certificate, "--tls-key", &certificate]);
    assert!(code == Some(2) && text.contains("has no private key"), "{code:?} {text}");
    let (code, text) = refused(&["--tls-cert", "absent.crt", "--tls-key", &key]);
    assert!(code == Some(2) && text.contains("absent.crt"), "{code:?} {text}");
    let (code, text) = refused(&["--tls-cert", &certificate]);
    assert!(code == Some(2) && text.contains("--tls-key"), "{code:?} {text}");
    let (code, text) = refused(&["--tls-cert", &certificate, "--tls-key", &key, "--public-url", "http://x.example"]);
    assert!(code == Some(2) && text.contains("its public URL begins with http://"), "{code:?} {text}");
    assert!(!bench.project().has("data"));
}

#[test]
fn plain_http_stays_on_this_machine() {
    let bench = Bench::new();
    // An address of documentation, which no machine has: where it is not refused, it cannot be listened on.
    let serve = |options: &[&str]| {
        let output = bench.output(&[&["serve", "--listen", "192.0.2.1:4747", "--data", "data"][..], options].concat());
        String::from_utf8(output.stderr).unwrap()
    };
    let text = serve(&[]);
    assert!(text.contains("other machines can reach 192.0.2.1:4747") && text.contains("--tls-cert"), "{text}");
    assert!(!bench.project().has("data"));
    assert!(serve(&["--public-url", "http://keepstep.example"]).contains("other machines can reach"));
    for allowed in [&["--plain-http"][..], &["--public-url", "HTTPS://keepstep.example"]] {
        let text = serve(allowed);
        assert!(text.contains("listen on 192.0.2.1:4747") && !text.contains("other machines"), "{text}");
    }
}
