//! Errors as programs are told them: a status, a code, a sentence, and what helps. The cause is in the log.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::ext::ReasonPhrase;
use keepstep_api::error::{ErrorBody, ErrorCode};
use keepstep_base::Revision;
use keepstep_http::request_log;
use keepstep_platform::{Error, KeyProblem};
use keepstep_store::StoreError;

/// Why a request of a program is not done.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ApiError(#[from] pub Error);

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<KeyProblem> for ApiError {
    fn from(problem: KeyProblem) -> Self {
        Self(problem.into())
    }
}

fn key_code(problem: KeyProblem) -> ErrorCode {
    match problem {
        KeyProblem::Missing => ErrorCode::KeyMissing,
        KeyProblem::Malformed => ErrorCode::KeyMalformed,
        KeyProblem::Unknown => ErrorCode::KeyUnknown,
        KeyProblem::Expired | KeyProblem::LoginEnded => ErrorCode::KeyExpired,
        KeyProblem::Revoked => ErrorCode::KeyRevoked,
    }
}

fn key_hint(problem: KeyProblem) -> &'static str {
    match problem {
        KeyProblem::Missing => "Send it as `Authorization: Bearer ks_api_…`.",
        KeyProblem::Malformed => "Copy the whole key again.",
        KeyProblem::Unknown => "Check that the key belongs to this server.",
        KeyProblem::Expired | KeyProblem::Revoked => "Ask an owner for a new one: `keepstep admin key create --name NAME`.",
        KeyProblem::LoginEnded => "Sign in again: `keepstep login`.",
    }
}

impl ApiError {
    /// Returns the HTTP status and the body of the answer.
    pub fn to_body(&self) -> (StatusCode, ErrorBody) {
        let (code, hint) = self.code_and_hint();
        let error = &self.0;
        let status = match error {
            Error::NotJson(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::NoPrecondition => StatusCode::PRECONDITION_REQUIRED,
            // Not 501: the peers repeat what failed with a status of that class, and this cannot succeed the next time.
            Error::NotOffered(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Store(StoreError::NameTaken { .. }) => StatusCode::CONFLICT,
            Error::Unusable(_) | Error::Store(StoreError::Results(_) | StoreError::TestData(_) | StoreError::Content(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            _ => StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let message = match (error, code) {
            (_, ErrorCode::Internal) => "The server failed; see its log.".to_owned(),
            (Error::Store(error), _) => sentence(&error.to_string()),
            _ => error.to_string(),
        };
        let current_revision = match error {
            Error::Store(StoreError::Stale { current }) => Some(*current),
            _ => None,
        };
        let limit = match error {
            Error::TooLarge { limit, .. } => Some(*limit),
            _ => None,
        };
        let reason = status.canonical_reason().unwrap_or("Error").to_owned();
        let body = ErrorBody {
            success: false,
            detail: message.clone(),
            message,
            error: reason,
            code,
            status_code: status.as_u16(),
            hint: hint.map(str::to_owned),
            current_revision,
            limit,
        };
        (status, body)
    }

    fn code_and_hint(&self) -> (ErrorCode, Option<&'static str>) {
        match &self.0 {
            Error::Key(problem) => (key_code(*problem), Some(key_hint(*problem))),
            Error::TooNarrow { .. } => (ErrorCode::KeyTooNarrow, Some("Ask an owner for a key with that role.")),
            Error::MayNotPublish(_) => (ErrorCode::KeyTooNarrow, Some("Save a draft, or ask an owner for the right to publish.")),
            Error::Confined(_) => (ErrorCode::KeyTooNarrow, Some("Ask an owner for a key of the whole organization.")),
            Error::NotOffered(_) => {
                (ErrorCode::NotOffered, Some("Write it by hand; `keepstep admin import --project ID FILE` brings a file here."))
            }
            Error::Invalid(_) | Error::NotJson(_) => (ErrorCode::Invalid, None),
            Error::NoPrecondition => {
                (ErrorCode::Invalid, Some("Send the ETag that you read as `If-Match`, for example `If-Match: \"r7\"`."))
            }
            Error::Refused(_) | Error::Unusable(_) => (ErrorCode::Refused, None),
            Error::Incomplete(_) => (ErrorCode::Incomplete, None),
            Error::NoFiles => (ErrorCode::NotOffered, Some("Start it with `keepstep serve`, which creates one.")),
            Error::TooLarge { .. } => (ErrorCode::TooLarge, None),
            Error::TooManyValues(_) => (ErrorCode::TooLarge, Some("Send it in several requests.")),
            Error::TooFast(_) => {
                (ErrorCode::TooMany, Some("Nothing was done. Wait as long as the header Retry-After says, and ask again."))
            }
            Error::Overloaded => (ErrorCode::Unavailable, Some("Nothing was written. Try again in some seconds.")),
            Error::NoAgents(_) => (ErrorCode::AgentNotFound, Some("Check the agent's id and the key's project.")),
            Error::NotFound(_) | Error::NotKept(_) => (ErrorCode::NotFound, None),
            Error::MethodNotAllowed { .. } => (ErrorCode::MethodNotAllowed, None),
            Error::Internal(_) => (ErrorCode::Internal, None),
            Error::NotSignedIn { .. } => (ErrorCode::KeyMissing, Some(key_hint(KeyProblem::Missing))),
            Error::Forged | Error::WrongPassword | Error::WrongOldPassword | Error::WeakPassword(_) | Error::Oidc(_) => {
                (ErrorCode::Refused, None)
            }
            Error::TooManyAttempts { .. } => (ErrorCode::TooMany, None),
            Error::Store(error) => match error {
                StoreError::AgentNotFound(_) => (ErrorCode::AgentNotFound, Some("Check the agent's id and the key's project.")),
                StoreError::VersionNotFound { .. } | StoreError::RevisionNotFound { .. } => (ErrorCode::VersionNotFound, None),
                StoreError::OrganizationNotFound(_)
                | StoreError::ProjectNotFound(_)
                | StoreError::KeyNotFound(_)
                | StoreError::WebhookNotFound(_)
                | StoreError::UserNotFound(_) => (ErrorCode::NotFound, None),
                StoreError::ScenarioNotFound(_)
                | StoreError::InputSetNotFound(_)
                | StoreError::InputNotFound(_)
                | StoreError::CriteriaNotFound(_)
                | StoreError::TestPersonaNotFound(_)
                | StoreError::BundleNotFound(_)
                | StoreError::BundleIsDraft(_)
                | StoreError::NothingPublished(_)
                | StoreError::UploadNotFound(_)
                | StoreError::BlobNotFound(_)
                | StoreError::BatchNotFound(_)
                | StoreError::RunNotFound { .. }
                | StoreError::ArtifactNotFound(_) => (ErrorCode::NotFound, None),
                StoreError::WhichScenario(_) | StoreError::NoInputs(_) | StoreError::TestData(_) | StoreError::Results(_) => {
                    (ErrorCode::Refused, None)
                }
                StoreError::NameTaken { .. }
                | StoreError::InputChanged(_)
                | StoreError::CriteriaChanged
                | StoreError::TestPersonaChanged
                | StoreError::DraftChanged
                | StoreError::InvalidName { .. }
                | StoreError::SettingsTooLarge { .. }
                | StoreError::EmailTaken { .. }
                | StoreError::InvalidEmail { .. }
                | StoreError::LastOwner { .. }
                | StoreError::LinkUnknown
                | StoreError::LinkUsed
                | StoreError::LinkRevoked
                | StoreError::LinkExpired => (ErrorCode::Refused, None),
                StoreError::PersonaOvertaken(_) => (
                    ErrorCode::Refused,
                    Some(
                        "Give it another name; or publish the scenario on its page, which takes the persona as it is in the project, \
                         and pull.",
                    ),
                ),
                StoreError::BundleOvertaken => (ErrorCode::Stale, Some("Pull it and publish again.")),
                StoreError::Stale { .. } => (ErrorCode::Stale, Some("Read the agent again and decide again.")),
                StoreError::TooManyLogins | StoreError::TooManyCodes => (ErrorCode::TooMany, None),
                StoreError::OtherRequest => (ErrorCode::IdempotencyMismatch, Some("Use a new idempotency key.")),
                StoreError::Content(_) => (ErrorCode::Refused, None),
                // Asking again soon does not help, so it is no 503.
                StoreError::Full => (
                    ErrorCode::StorageFull,
                    Some(
                        "Reading goes on. Ask the operator of the server to make room: `keepstep admin stats` shows what takes it.",
                    ),
                ),
                StoreError::Busy | StoreError::ReadOnly | StoreError::FileGone { .. } | StoreError::Storage(_) => {
                    (ErrorCode::Unavailable, Some("Nothing was written. Report it to the operator of the server."))
                }
                _ => (ErrorCode::Internal, None),
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, body) = self.to_body();
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
            let request = request_log::current_id();
            tracing::error!(request, error = &self.0 as &dyn std::error::Error, "a request failed");
        }
        let reason = reason_phrase(&body.detail);
        let mut response = (status, Json(body)).into_response();
        if let Some(reason) = reason {
            response.extensions_mut().insert(reason);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let after = if let Error::TooFast(rate) = &self.0 { rate.after } else { 60 };
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        if let Error::Store(StoreError::Stale { current }) = self.0
            && let Some(tag) = etag(current)
        {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// Returns the first sentence of an explanation for the status line of HTTP/1.1, in place of words like "Not Found".
///
/// Unmodified clients of the fluxloop dialect print the status line of a refusal and nothing of its body, so this is the only way in which
/// a reason reaches their users. It is printable ASCII of at most 200 bytes: everything else becomes `?`.
fn reason_phrase(detail: &str) -> Option<ReasonPhrase> {
    const LONGEST: usize = 200;
    let end = detail.find(". ").map_or(detail.len(), |stop| stop + 1);
    let printable = |character: char| if character == ' ' || character.is_ascii_graphic() { character } else { '?' };
    let sentence: String = detail[..end].trim_end_matches('.').chars().take(LONGEST).map(printable).collect();
    if sentence.is_empty() { None } else { ReasonPhrase::try_from(sentence.into_bytes()).ok() }
}

/// Returns the header value of a revision.
pub(crate) fn etag(revision: Revision) -> Option<HeaderValue> {
    HeaderValue::from_str(&revision.to_etag()).ok()
}

/// Returns the message of a library's error as a sentence: with a capital letter and a full stop.
fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    let rest = characters.as_str();
    let stop = if rest.ends_with('.') { "" } else { "." };
    format!("{first}{rest}{stop}")
}
