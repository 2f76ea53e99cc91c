//! What the dialect leaves to a language model on the server, which this platform does not have.

use keepstep_platform::Error;
use keepstep_store::Role;

use crate::auth::Caller;
use crate::error::ApiError;

/// `POST` to one of [`LEFT_TO_MODELS`](keepstep_http::access::LEFT_TO_MODELS).
pub(crate) async fn not_offered(what: &'static str, caller: Caller) -> ApiError {
    match caller.require(Role::Viewer) {
        Ok(()) => Error::NotOffered(what).into(),
        Err(error) => error.into(),
    }
}
