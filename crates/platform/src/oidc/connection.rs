//! Who asks the issuer: whoever starts the server has the connections.

use std::fmt;

use futures_util::future::BoxFuture;

/// The longest answer of an issuer that is read, in bytes.
pub const LARGEST_ANSWER: usize = 256 * 1024;

/// A request to an issuer: a `POST` where there is a form, else a `GET`.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuerRequest {
    /// Where to.
    pub url: String,
    /// The `Authorization` header, which is secret.
    pub authorization: Option<String>,
    /// The encoded form, which has secrets in it.
    pub form: Option<String>,
}

impl fmt::Debug for IssuerRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IssuerRequest").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What an issuer answered.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuerAnswer {
    /// The status.
    pub status: u16,
    /// The body, of at most [`LARGEST_ANSWER`] bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for IssuerAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IssuerAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Asks an issuer.
pub trait IssuerConnection: fmt::Debug + Send + Sync {
    /// Sends a request within [`PATIENCE`](crate::PATIENCE), follows no redirects, and returns the answer, or why there is none, as the end
    /// of a sentence. An answer that is longer than [`LARGEST_ANSWER`] is none.
    fn send(&self, request: IssuerRequest) -> BoxFuture<'static, Result<IssuerAnswer, String>>;
}
