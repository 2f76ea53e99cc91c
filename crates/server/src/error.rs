//! What a request is answered when it cannot be done: one enum, one body, the cause in the log.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::ext::ReasonPhrase;
use keepstep_api::error::{ErrorBody, ErrorCode};
use keepstep_base::Revision;
use keepstep_store::{Role, StoreError};

use crate::request_log;

/// Why a request is not done.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The key does not open anything.
    #[error("{0}")]
    Key(#[from] KeyProblem),
    /// The key is good, but not for this.
    #[error("The key {name:?} has the role {has}, and this needs the role {needs}.")]
    TooNarrow {
        /// The key's name.
        name: String,
        /// The role that it has.
        has: Role,
        /// The role that it would need.
        needs: Role,
    },
    /// The key is confined to a project, and this is about the whole organisation.
    #[error("The key {0:?} is confined to a project, and this needs one that is not.")]
    Confined(String),
    /// This server does not do that.
    #[error("This server does not {0}: no language model is set up.")]
    NotOffered(&'static str),
    /// The request has no meaning.
    #[error("{0}")]
    Invalid(String),
    /// The value is not accepted.
    #[error("{0}")]
    Refused(String),
    /// What the request names cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// The value or the body is too large.
    #[error("{what} is larger than {limit} bytes.")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The largest size that is accepted.
        limit: u64,
    },
    /// The body is not JSON by its content type.
    #[error("The body must be JSON, and its content type says {0:?}.")]
    NotJson(String),
    /// The write does not name the revision that it replaces.
    #[error("This write must name the revision that it replaces.")]
    NoPrecondition,
    /// The body has too many values.
    #[error("The body has about {0} values, which is more than this server reads at once.")]
    TooManyValues(usize),
    /// The server has too much to do.
    #[error("The server is busy.")]
    Overloaded,
    /// There is nothing at that address.
    #[error("There is nothing at {0}.")]
    NotFound(String),
    /// No agent has an id that begins like that.
    #[error("There is no agent {0}.")]
    NoAgents(String),
    /// The lua dialect has something at that address that this platform does not keep.
    #[error(
        "This platform has nothing at {0}: it keeps an agent's definition, and the names of its skills, jobs and the like, \
         but not their code."
    )]
    NotKept(String),
    /// The address does not take that method.
    #[error("{path} does not take {method}.")]
    MethodNotAllowed {
        /// The method.
        method: String,
        /// The address.
        path: String,
    },
    /// Parts of an upload are missing.
    #[error("The upload lacks {0} of its parts: send them and commit again.")]
    Incomplete(usize),
    /// This platform was given no place for files.
    #[error("This server has no place to keep files in.")]
    NoFiles,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server is at fault.
    #[error("{0}")]
    Internal(String),
}

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// There is none.
    #[error("This request came without a key.")]
    Missing,
    /// It is cut or mistyped.
    #[error("This key is incomplete or mistyped.")]
    Malformed,
    /// Nobody made it here.
    #[error("This server does not know this key.")]
    Unknown,
    /// Its time is over.
    #[error("This key has expired.")]
    Expired,
    /// Somebody took it back.
    #[error("This key was revoked.")]
    Revoked,
    /// It would renew a login that is over.
    #[error("This sign-in has ended.")]
    LoginEnded,
}

impl KeyProblem {
    fn code(self) -> ErrorCode {
        match self {
            Self::Missing => ErrorCode::KeyMissing,
            Self::Malformed => ErrorCode::KeyMalformed,
            Self::Unknown => ErrorCode::KeyUnknown,
            Self::Expired | Self::LoginEnded => ErrorCode::KeyExpired,
            Self::Revoked => ErrorCode::KeyRevoked,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Missing => "Send it as `Authorization: Bearer ks_api_…`.",
            Self::Malformed => "Copy the whole key again.",
            Self::Unknown => "Check that the key belongs to this server.",
            Self::Expired | Self::Revoked => "Ask an owner for a new one: `keepstep admin key create --name NAME`.",
            Self::LoginEnded => "Sign in again: `keepstep login`.",
        }
    }
}

impl ApiError {
    /// Returns the HTTP status and the body of the answer.
    pub fn to_body(&self) -> (StatusCode, ErrorBody) {
        let (code, hint) = self.code_and_hint();
        let status = match self {
            Self::NotJson(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NoPrecondition => StatusCode::PRECONDITION_REQUIRED,
            // Not 501: the peers repeat what failed with a status of that class, and this cannot succeed the next time.
            Self::NotOffered(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Store(StoreError::NameTaken { .. }) => StatusCode::CONFLICT,
            Self::Unusable(_) | Self::Store(StoreError::Results(_) | StoreError::TestData(_) | StoreError::Content(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            _ => StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let message = match (self, code) {
            (_, ErrorCode::Internal) => "The server failed; its log says why.".to_owned(),
            (Self::Store(error), _) => sentence(&error.to_string()),
            _ => self.to_string(),
        };
        let current_revision = match self {
            Self::Store(StoreError::Stale { current }) => Some(*current),
            _ => None,
        };
        let limit = match self {
            Self::TooLarge { limit, .. } => Some(*limit),
            _ => None,
        };
        let error = status.canonical_reason().unwrap_or("Error").to_owned();
        let body = ErrorBody {
            success: false,
            detail: message.clone(),
            message,
            error,
            code,
            status_code: status.as_u16(),
            hint: hint.map(str::to_owned),
            current_revision,
            limit,
        };
        (status, body)
    }

    fn code_and_hint(&self) -> (ErrorCode, Option<&'static str>) {
        match self {
            Self::Key(problem) => (problem.code(), Some(problem.hint())),
            Self::TooNarrow { .. } => (ErrorCode::KeyTooNarrow, Some("Ask an owner for a key with that role.")),
            Self::Confined(_) => (ErrorCode::KeyTooNarrow, Some("Ask an owner for a key of the whole organisation.")),
            Self::NotOffered(_) => {
                (ErrorCode::NotOffered, Some("Write it by hand; `keepstep admin import --project ID FILE` brings a file here."))
            }
            Self::Invalid(_) | Self::NotJson(_) => (ErrorCode::Invalid, None),
            Self::NoPrecondition => {
                (ErrorCode::Invalid, Some("Send the ETag that you read as `If-Match`, for example `If-Match: \"r7\"`."))
            }
            Self::Refused(_) | Self::Unusable(_) => (ErrorCode::Refused, None),
            Self::Incomplete(_) => (ErrorCode::Incomplete, None),
            Self::NoFiles => (ErrorCode::NotOffered, Some("Start it with `keepstep serve`, which makes one.")),
            Self::TooLarge { .. } => (ErrorCode::TooLarge, None),
            Self::TooManyValues(_) => (ErrorCode::TooLarge, Some("Send it in several requests.")),
            Self::Overloaded => (ErrorCode::Unavailable, Some("Nothing was written. Try again in some seconds.")),
            Self::NoAgents(_) => (ErrorCode::AgentNotFound, Some("Check the agent's id and the key's project.")),
            Self::NotFound(_) | Self::NotKept(_) => (ErrorCode::NotFound, None),
            Self::MethodNotAllowed { .. } => (ErrorCode::MethodNotAllowed, None),
            Self::Internal(_) => (ErrorCode::Internal, None),
            Self::Store(error) => match error {
                StoreError::AgentNotFound(_) => (ErrorCode::AgentNotFound, Some("Check the agent's id and the key's project.")),
                StoreError::VersionNotFound { .. } | StoreError::RevisionNotFound { .. } => (ErrorCode::VersionNotFound, None),
                StoreError::OrganisationNotFound(_) | StoreError::ProjectNotFound(_) | StoreError::KeyNotFound(_) => {
                    (ErrorCode::NotFound, None)
                }
                StoreError::ScenarioNotFound(_)
                | StoreError::InputSetNotFound(_)
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
                | StoreError::InvalidName { .. }
                | StoreError::SettingsTooLarge { .. }
                | StoreError::LinkUnknown
                | StoreError::LinkUsed
                | StoreError::LinkExpired => (ErrorCode::Refused, None),
                StoreError::Stale { .. } => (ErrorCode::Stale, Some("Read the agent again and decide again.")),
                StoreError::TooManyLogins | StoreError::TooManyCodes => (ErrorCode::TooMany, None),
                StoreError::OtherRequest => (ErrorCode::IdempotencyMismatch, Some("Use a new idempotency key.")),
                StoreError::Content(_) => (ErrorCode::Refused, None),
                StoreError::Busy
                | StoreError::Full
                | StoreError::ReadOnly
                | StoreError::FileGone { .. }
                | StoreError::Storage(_) => (ErrorCode::Unavailable, Some("Nothing was written. Tell who runs the server.")),
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
            tracing::error!(request, error = &self as &dyn std::error::Error, "a request failed");
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
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        if let ApiError::Store(StoreError::Stale { current }) = self
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
