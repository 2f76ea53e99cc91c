//! Servers that say nothing, too little or too much: every request ends, and takes little memory until then.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{agent, good_key, options, target};
use keepstep_client::{ClientError, Options, Reader, TestData, Waiting};
use keepstep_testkit::{HostileServer, Hostility};

/// Short enough for a test, and long enough for a busy machine to answer within it.
const SILENCE: Duration = Duration::from_millis(200);

fn impatient() -> Options {
    Options { silence: SILENCE, ..options().0 }
}

async fn error_of(hostility: Hostility) -> (ClientError, u64) {
    let server = HostileServer::start(hostility);
    let reader = Reader::new(&target(&server.url(), Some(&good_key())), &impatient()).unwrap();
    let error = reader.agent(&agent(), None).await.unwrap_err();
    (error, server.sent())
}

#[tokio::test]
async fn every_kind_of_hostility_ends_in_a_sentence() {
    for (hostility, end) in [
        (Hostility::Silent, "accepts connections and does not answer (0.2 s; KEEPSTEP_TIMEOUT=4s waits longer)"),
        (Hostility::Stall, "accepts connections and does not answer (0.2 s; KEEPSTEP_TIMEOUT=4s waits longer)"),
        (Hostility::Drip, "sends its answer too slowly"),
        (Hostility::Garbage, "it does not speak HTTP"),
    ] {
        let (error, _) = error_of(hostility).await;
        assert!(error.to_string().contains(end), "{hostility:?}: {error}");
        assert!(error.is_unreachable(), "{hostility:?} keeps nobody from work");
    }
}

#[tokio::test]
async fn bodies_without_an_end_are_not_read_to_it() {
    for status in [200, 401, 403, 404, 412, 413, 422, 500] {
        let (error, sent) = error_of(Hostility::Endless(status)).await;
        // What is on its way in the system's buffers counts as sent, too.
        let limit = if status == 200 { 64 } else { 32 } * 1024 * 1024;
        assert!(sent < limit, "{status}: {sent} bytes; {error}");
    }
}

#[tokio::test]
async fn test_data_is_read_within_the_same_limits() {
    for hostility in [Hostility::Silent, Hostility::Drip, Hostility::Endless(200), Hostility::Endless(403)] {
        let server = HostileServer::start(hostility);
        let client = TestData::new(&target(&server.url(), Some(&good_key())), &impatient()).unwrap();
        client.projects().await.unwrap_err();
        assert!(server.sent() < 64 * 1024 * 1024, "{hostility:?}: {} bytes", server.sent());
    }
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_again() {
    let server = HostileServer::start(Hostility::Silent);
    let options = impatient();
    let reader = || Reader::new(&target(&server.url(), Some(&good_key())), &options).unwrap();
    reader().agent(&agent(), None).await.unwrap_err();
    let begun = std::time::Instant::now();
    let error = reader().agent(&agent(), None).await.unwrap_err();
    assert!(begun.elapsed() < SILENCE, "{error}");
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Waiting for Told {
    fn still(&self, _: &str, waited: Duration) {
        self.0.lock().unwrap().push(format!("{} ms", waited.as_millis()));
    }

    fn over(&self) {
        self.0.lock().unwrap().push("over".to_owned());
    }
}

#[tokio::test]
async fn who_waits_is_told_until_it_is_over() {
    let server = HostileServer::start(Hostility::Silent);
    let told = Arc::new(Told::default());
    let options = Options {
        silence: Duration::from_millis(250),
        said_after: Duration::from_millis(100),
        waiting: Some(told.clone()),
        ..options().0
    };
    let reader = Reader::new(&target(&server.url(), Some(&good_key())), &options).unwrap();
    reader.agent(&agent(), None).await.unwrap_err();
    assert_eq!(*told.0.lock().unwrap(), ["100 ms", "150 ms", "200 ms", "over"]);
}
