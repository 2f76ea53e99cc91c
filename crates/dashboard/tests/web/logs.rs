use std::io;
use std::sync::{Arc, Mutex};

use keepstep_platform::{RequestLog, Settings};
use keepstep_store::Role;

use crate::site::{PASSWORD, Site};

/// Where a log is written, to be read here.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_password_and_no_link_is_logged() {
    let (lines, requests) = (Lines::default(), Arc::new(Mutex::new(Vec::new())));
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE).with_ansi(false);
    // For all threads. The other tests write too, at the same time.
    tracing::subscriber::set_global_default(log.with_writer(move || writer.clone()).finish()).unwrap();
    let told = Arc::clone(&requests);
    let request_log = RequestLog::new(move |answered| told.lock().unwrap().push(format!("{answered:?}")));
    let site = Site::start_with(Settings { request_log: Some(request_log), ..Settings::default() }).await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let path = format!("/members/{}", site.id_of("Ada").await);
    let page = owner.get(&path).await;
    let page = owner.submit(&page, &format!("{path}/reset"), "Create a link for a new password", &[]).await;
    let link = page.text(".notice .command");
    site.browser().get(&link[link.find("/sign-in").unwrap()..]).await;
    site.browser().get("/sign-in/link/ks_link_cut").await;
    let mut other = site.browser();
    // Somebody types the password into the wrong field.
    for (email, password) in [(PASSWORD, "x"), ("ada@example.com", "a wrong password"), ("ada@example.com", PASSWORD)] {
        let page = other.get("/sign-in?next=/keys").await;
        other.submit(&page, "/sign-in", "Sign in", &[("email", email), ("password", password)]).await;
    }
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = log.lines().filter(|line| line.contains(" keepstep") || line.contains(" audit")).collect();
    assert!(
        ours.iter().any(|line| line.contains("a sign-in failed")) && ours.iter().any(|line| line.contains("a browser signed in"))
    );
    let requests = requests.lock().unwrap();
    assert!(requests.iter().any(|request| request.contains("/sign-in/link/{token}")), "{requests:?}");
    for line in ours.into_iter().chain(requests.iter().map(String::as_str)) {
        for secret in [PASSWORD, "a wrong password", "ks_link_", "ks_session_", "argon2id"] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
