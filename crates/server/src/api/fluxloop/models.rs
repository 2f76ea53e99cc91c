//! What the dialect leaves to a language model on the server, which this platform does not have.

use keepstep_platform::Error;
use keepstep_store::Role;

use crate::auth::Caller;
use crate::error::ApiError;

/// The addresses, each with what it would do.
pub(crate) const NOT_OFFERED: [(&str, &str); 8] = [
    ("/api/scenarios/refine", "refine scenarios"),
    ("/api/scenarios/generate", "generate scenarios"),
    ("/api/intents/refine", "refine intents"),
    ("/api/inputs/synthesize", "synthesize inputs"),
    ("/api/inputs/refine", "refine inputs"),
    ("/api/inputs/qc", "judge inputs"),
    ("/api/personas/suggest", "suggest personas"),
    ("/api/evaluations", "evaluate experiments"),
];

/// `POST` to one of [`NOT_OFFERED`].
pub(crate) async fn not_offered(what: &'static str, caller: Caller) -> ApiError {
    match caller.require(Role::Viewer) {
        Ok(()) => Error::NotOffered(what).into(),
        Err(error) => error.into(),
    }
}
