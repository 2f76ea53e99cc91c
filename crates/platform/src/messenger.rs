//! Who brings messages to addresses elsewhere.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

/// How long a receiver may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A message that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub url: String,
    /// Its headers, beside the media type, which is JSON.
    pub headers: [(&'static str, String); 3],
    /// What is sent.
    pub body: String,
}

/// Brings messages to addresses: whoever starts the server has the connections.
pub trait Messenger: Debug + Send + Sync {
    /// Sends a message by a `POST`, follows no redirects, and returns the status of the answer, or why there is none, as the end of a
    /// sentence.
    fn send(&self, message: Message) -> BoxFuture<'static, Result<u16, String>>;
}
