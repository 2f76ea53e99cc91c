//! What the tests of this crate share.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepstep_base::AgentId;
use keepstep_base::api_key::{ApiKey, KeyKind, RANDOM_LENGTH};
use keepstep_client::retry::Pace;
use keepstep_client::{ClientError, Key, KeyOrigin, Options, Reader, Secret, Target, UrlOrigin, Writer};
use serde_json::{Value, json};

/// Time that passes only when somebody waits, and chance that always says the most.
#[derive(Default)]
pub struct FakePace {
    waits: Mutex<Vec<Duration>>,
    now: i64,
}

impl FakePace {
    pub fn at(now: i64) -> Self {
        Self { waits: Mutex::default(), now }
    }

    /// The waits so far, in milliseconds.
    pub fn waits(&self) -> Vec<u128> {
        self.waits.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

impl Pace for FakePace {
    fn elapsed(&self) -> Duration {
        self.waits.lock().unwrap().iter().sum()
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.waits.lock().unwrap().push(wait);
        Box::pin(std::future::ready(()))
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

pub fn good_key() -> String {
    ApiKey::from_random(KeyKind::Api, [7; RANDOM_LENGTH]).reveal().to_owned()
}

pub fn target(url: &str, key: Option<&str>) -> Target {
    let key = key.map(|key| Key { secret: Secret::from(key), origin: KeyOrigin::Variable("KEEPSTEP_API_KEY") });
    Target { url: url.parse().unwrap(), url_origin: UrlOrigin::Flag, key, withheld: Vec::new(), named_only_by: None }
}

pub fn options() -> (Options, Arc<FakePace>) {
    let pace = Arc::new(FakePace::at(1_700_000_000));
    (Options { pace: pace.clone(), ..Options::default() }, pace)
}

pub fn reader(url: &str) -> Reader {
    Reader::new(&target(url, Some(&good_key())), &options().0).unwrap()
}

pub fn writer(url: &str) -> Writer {
    Writer::new(&target(url, Some(&good_key())), &options().0).unwrap()
}

pub fn agent() -> AgentId {
    "baseAgent_agent_1".parse().unwrap()
}

/// An answer of a keepstep server.
pub fn ours(status: u16, body: &Value) -> keepstep_testkit::Reply {
    keepstep_testkit::Reply::json(status, body).header("keepstep-api", "1").header("keepstep-version", "0.1.0")
}

/// An error of a keepstep server.
pub fn our_error(status: u16, code: &str, message: &str) -> keepstep_testkit::Reply {
    ours(status, &json!({"success": false, "message": message, "error": "Error", "code": code, "statusCode": status}))
}

pub fn state(revision: u64) -> Value {
    json!({
        "agent_id": "baseAgent_agent_1", "org_id": "o_1", "revision": revision,
        "definition": {"name": "N1", "persona": {"base": "b", "voice": "v"}, "model": "m/1"},
        "published": {"version": 3, "status": "published", "is_current": true, "created": {"author": "ann", "at": 1}},
        "changed": {"author": "ann", "at": 2, "message": "why"},
        "added by a newer server": true
    })
}

/// An error as a person sees it, without the port.
pub fn told(error: &ClientError, url: &str) -> String {
    let hint = error.hint("keepstep").map_or_else(String::new, |hint| format!("\n{hint}"));
    format!("{error}{hint}").replace(url, "http://server")
}
