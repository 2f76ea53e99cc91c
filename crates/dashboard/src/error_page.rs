//! Pages that say what went wrong and offer a way out.

use std::fmt::Display;

use askama::Template;
use axum::Extension;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use keepstep_base::{AgentId, Revision};
use keepstep_http::addresses::agent_path;
use keepstep_http::request_log;
use keepstep_platform::{Error, OidcProblem};
use keepstep_store::StoreError;

use crate::parts::frame::Frame;

/// Why a page is not shown or a form not accepted.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Nobody is signed in in this browser.
    NotSignedIn {
        /// True where the browser was signed in before.
        ended: bool,
    },
    /// The role does not cover it.
    Forbidden {
        /// The role that would.
        needed: &'static str,
        /// The role that there is.
        has: &'static str,
    },
    /// The role covers it, but the right to publish was not given.
    MayNotPublish,
    /// The form comes from another site, or its token is not that of the session.
    Forged,
    /// A sign-in link is not known, or not complete.
    LinkUnknown,
    /// A sign-in link was used.
    LinkUsed,
    /// A sign-in link has expired.
    LinkExpired,
    /// A sign-in link was revoked.
    LinkRevoked,
    /// There is nothing at this address.
    NotFound,
    /// The agent was not found.
    AgentNotFound,
    /// There is no such version of the agent.
    VersionNotFound {
        /// The agent.
        agent: AgentId,
    },
    /// The agent changed since the page was made.
    Stale {
        /// The agent.
        agent: AgentId,
        /// The revision that it has now.
        current: Revision,
    },
    /// The request has no meaning.
    Invalid(String),
    /// The form, or something in it, is larger than what is accepted.
    TooLarge(String),
    /// It was tried too often.
    TooMany(String),
    /// The address takes no such request.
    MethodNotAllowed,
    /// The database is busy or read-only.
    Unavailable(String),
    /// There is no room to write.
    StorageFull,
    /// The server is at fault; the log says how.
    Internal,
    /// One of the others, while somebody had typed something that is shown again.
    WithTyped(Box<Self>, Vec<Typed>),
}

/// Somebody has to sign in before the page that they asked for is shown.
#[derive(Debug, Clone)]
pub(crate) struct SignInNeeded {
    /// True where the browser was signed in before.
    pub(crate) ended: bool,
    /// What they had typed.
    pub(crate) typed: Vec<Typed>,
}

/// A text that somebody typed into a form that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The label of the field.
    pub(crate) label: &'static str,
    /// The text.
    pub(crate) text: String,
}

impl PageError {
    /// Logs a failure that the reader of the page can do nothing about.
    pub(crate) fn internal(error: &dyn Display) -> Self {
        tracing::error!(request = request_log::current_id(), %error, "a page could not be created");
        Self::Internal
    }

    /// Returns the same error on a page that also shows what was typed, so that nobody loses it.
    pub(crate) fn keeping(self, typed: Vec<Typed>) -> Self {
        if typed.is_empty() { self } else { Self::WithTyped(Box::new(self), typed) }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotSignedIn { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::MayNotPublish | Self::Forged => StatusCode::FORBIDDEN,
            Self::LinkUnknown | Self::NotFound | Self::AgentNotFound | Self::VersionNotFound { .. } => StatusCode::NOT_FOUND,
            Self::LinkUsed | Self::LinkExpired | Self::LinkRevoked => StatusCode::GONE,
            Self::Stale { .. } => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::WithTyped(error, _) => error.status(),
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotSignedIn { ended: false } => "Sign in to continue",
            Self::NotSignedIn { ended: true } => "Your session has ended",
            Self::Forbidden { .. } => "Your role does not allow this",
            Self::MayNotPublish => "You may not publish",
            Self::Forged => "This form was not accepted",
            Self::LinkUnknown => "This sign-in link is invalid",
            Self::LinkUsed => "This sign-in link was already used",
            Self::LinkExpired => "This sign-in link has expired",
            Self::LinkRevoked => "This sign-in link was revoked",
            Self::NotFound => "Page not found",
            Self::AgentNotFound => "Agent not found",
            Self::VersionNotFound { .. } => "Version not found",
            Self::Stale { .. } => "The agent has changed",
            Self::Invalid(_) => "This request is not valid",
            Self::TooLarge(_) => "This is too large",
            Self::TooMany(_) => "Too often",
            Self::MethodNotAllowed => "This page cannot be used that way",
            Self::Unavailable(_) => "Not now",
            Self::StorageFull => "The disk of the server is full",
            Self::Internal => "Something went wrong in keepstep",
            Self::WithTyped(error, _) => error.title(),
        }
    }

    fn explanation(&self) -> String {
        match self {
            Self::NotSignedIn { .. } => "Sign in again.".into(),
            Self::Forbidden { needed, has } => {
                format!("You are signed in as {has}; this requires the role {needed}. Ask an owner of the server for it.")
            }
            Self::MayNotPublish => {
                "You may write drafts. Save your text as a draft, or ask an owner for the right to publish.".into()
            }
            Self::Forged => "It did not come from a page of this session, perhaps because you signed in again in another \
                             window. Nothing was changed. Open the page again and repeat what you did."
                .into(),
            Self::LinkUnknown => "The address may be incomplete: copy it again.".into(),
            Self::LinkUsed => "Each link works once. If it was not you who used it, ask an owner of the server.".into(),
            Self::LinkExpired => "A link works for a limited time. Ask the person who sent it for another one.".into(),
            Self::LinkRevoked => "Ask the person who sent it for another one.".into(),
            Self::NotFound => "The address may be mistyped, or what was here was removed.".into(),
            Self::AgentNotFound => "It may belong to another organization, or its id is mistyped.".into(),
            Self::VersionNotFound { .. } => "The agent has fewer versions than that.".into(),
            Self::Stale { current, .. } => format!(
                "It was changed while the page was open: it is at revision {current} now. Your change was not saved. \
                 Reload the page and try again."
            ),
            Self::Invalid(reason) | Self::TooLarge(reason) | Self::TooMany(reason) => reason.clone(),
            Self::MethodNotAllowed => "Open it from the first page instead.".into(),
            Self::Unavailable(reason) => format!("{reason}. Try again in a moment."),
            Self::StorageFull => "Nothing was saved; reading goes on. Ask the operator of the server to make room.".into(),
            Self::Internal => "Nothing was changed. Try again; see the log of the server for details.".into(),
            Self::WithTyped(error, _) => error.explanation(),
        }
    }

    /// Returns true where a new link is what helps.
    fn needs_link(&self) -> bool {
        match self {
            Self::LinkUnknown | Self::LinkUsed | Self::LinkExpired | Self::LinkRevoked => true,
            Self::WithTyped(error, _) => error.needs_link(),
            _ => false,
        }
    }

    fn way_out(&self) -> Option<WayOut> {
        match self {
            _ if self.needs_link() => None,
            Self::WithTyped(error, _) => error.way_out(),
            Self::VersionNotFound { agent } | Self::Stale { agent, .. } => {
                Some(WayOut { href: agent_path(agent), label: "Back to the agent" })
            }
            _ => Some(WayOut { href: "/".to_owned(), label: "All agents" }),
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::AgentNotFound(_) => Self::AgentNotFound,
            StoreError::VersionNotFound { agent, .. } | StoreError::RevisionNotFound { agent, .. } => {
                Self::VersionNotFound { agent }
            }
            StoreError::KeyNotFound(_)
            | StoreError::WebhookNotFound(_)
            | StoreError::UserNotFound(_)
            | StoreError::ProjectNotFound(_)
            | StoreError::ScenarioNotFound(_)
            | StoreError::InputNotFound(_)
            | StoreError::CriteriaNotFound(_)
            | StoreError::TestPersonaNotFound(_)
            | StoreError::BundleNotFound(_)
            | StoreError::UploadNotFound(_)
            | StoreError::BatchNotFound(_)
            | StoreError::RunNotFound { .. }
            | StoreError::ArtifactNotFound(_) => Self::NotFound,
            StoreError::LinkUnknown => Self::LinkUnknown,
            StoreError::LinkUsed => Self::LinkUsed,
            StoreError::LinkExpired => Self::LinkExpired,
            StoreError::LinkRevoked => Self::LinkRevoked,
            StoreError::Full => {
                tracing::error!(request = request_log::current_id(), %error, "the store refused a page");
                Self::StorageFull
            }
            StoreError::ReadOnly | StoreError::Busy | StoreError::FileGone { .. } => {
                tracing::error!(request = request_log::current_id(), %error, "the store refused a page");
                Self::Unavailable(capitalized(&error.to_string()))
            }
            StoreError::NameTaken { .. }
            | StoreError::InputChanged(_)
            | StoreError::CriteriaChanged
            | StoreError::TestPersonaChanged
            | StoreError::DraftChanged
            | StoreError::TestData(_)
            | StoreError::InvalidName { .. }
            | StoreError::EmailTaken { .. }
            | StoreError::InvalidEmail { .. }
            | StoreError::LastOwner { .. }
            | StoreError::TooManyLogins
            | StoreError::TooManyCodes => Self::Invalid(capitalized(&error.to_string())),
            other => Self::internal(&other),
        }
    }
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        match error {
            Error::TooLarge { .. } => Self::TooLarge(error.to_string()),
            Error::Store(error) => error.into(),
            Error::TooFast(rate) => Self::TooMany(format!("{error} Try again in {} seconds.", rate.after)),
            Error::Overloaded => Self::Unavailable("The server is busy".to_owned()),
            Error::Invalid(reason) | Error::Refused(reason) => Self::Invalid(reason),
            Error::TooNarrow { has, needs, .. } => Self::Forbidden { needed: needs.label(), has: has.label() },
            Error::MayNotPublish(_) => Self::MayNotPublish,
            Error::NoAgents(_) => Self::AgentNotFound,
            Error::NotFound(_) => Self::NotFound,
            Error::NotSignedIn { ended } => Self::NotSignedIn { ended },
            Error::Forged => Self::Forged,
            Error::WrongPassword | Error::WrongOldPassword | Error::WeakPassword(_) => Self::Invalid(error.to_string()),
            Error::Oidc(OidcProblem::NotSetUp) => Self::NotFound,
            Error::Oidc(_) => Self::Invalid(error.to_string()),
            Error::TooManyAttempts { .. } => Self::TooMany(error.to_string()),
            Error::MethodNotAllowed { .. } => Self::MethodNotAllowed,
            other => Self::internal(&other),
        }
    }
}

/// Returns a sentence with a large first letter.
pub(crate) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[derive(Debug)]
struct WayOut {
    href: String,
    label: &'static str,
}

#[derive(Template)]
#[template(path = "error_page.html")]
struct ErrorPage {
    frame: Frame,
    status: StatusCode,
    title: &'static str,
    explanation: String,
    needs_link: bool,
    way_out: Option<WayOut>,
    typed: Vec<Typed>,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = self.status();
        let needed = match &self {
            Self::NotSignedIn { ended } => Some(SignInNeeded { ended: *ended, typed: Vec::new() }),
            Self::WithTyped(error, typed) => match **error {
                Self::NotSignedIn { ended } => Some(SignInNeeded { ended, typed: typed.clone() }),
                _ => None,
            },
            _ => None,
        };
        if let Some(needed) = needed {
            // The form in this place needs what only the request knows.
            return (status, Extension(needed)).into_response();
        }
        let page = ErrorPage {
            frame: Frame::default(),
            status,
            title: self.title(),
            explanation: self.explanation(),
            needs_link: self.needs_link(),
            way_out: self.way_out(),
            typed: if let Self::WithTyped(_, typed) = self { typed } else { Vec::new() },
        };
        let mut response = match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "an error page could not be created");
                let media_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
                (status, media_type, page.title).into_response()
            }
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_beside_what_was_typed() {
        let typed = vec![Typed { label: "Message", text: "lost otherwise".to_owned() }];
        let error = PageError::from(StoreError::Full).keeping(typed);
        assert_eq!(error.status(), StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(error.title(), "The disk of the server is full");
        assert!(error.explanation().starts_with("Nothing was saved"), "{}", error.explanation());
        assert!(matches!(error, PageError::WithTyped(_, typed) if typed.len() == 1));
    }
}
