//! What the dialect leaves to a language model on the server, which this platform does not have.

use crate::auth::Caller;
use crate::error::ApiError;
use keepstep_store::Role;

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
    match caller.must_be(Role::Viewer) {
        Ok(()) => ApiError::NotOffered(what),
        Err(error) => error,
    }
}
