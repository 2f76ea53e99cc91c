//! What is wrong with what somebody typed, at the field where it is wrong.

use http::StatusCode;
use keepstep_platform::{Error, OidcProblem};
use keepstep_store::StoreError;

use crate::error_page::{PageError, capitalized};

/// What is wrong with a form, if something is.
#[derive(Debug, Default)]
pub(crate) struct Problem {
    field: &'static str,
    text: String,
    status: StatusCode,
}

impl Problem {
    /// Returns a problem of a form that came without the right token.
    pub(crate) fn stale_form() -> Self {
        let text =
            "This form was open for too long, or belongs to another browser. Nothing was done: check it and send it again.";
        Self { field: "form", text: text.to_owned(), status: StatusCode::FORBIDDEN }
    }

    /// Returns a problem of one field.
    pub(crate) fn at(field: &'static str, text: impl Into<String>) -> Self {
        Self { field, text: text.into(), status: StatusCode::BAD_REQUEST }
    }

    /// Returns what is wrong at a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        (!self.text.is_empty() && self.field == field).then_some(&self.text)
    }

    /// Returns true where nothing is wrong.
    pub(crate) fn is_none(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the status of the page with the form.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl TryFrom<Error> for Problem {
    type Error = PageError;

    /// Passes on what no other text in a field would mend.
    fn try_from(error: Error) -> Result<Self, PageError> {
        let field = match &error {
            Error::Store(StoreError::InvalidName { .. } | StoreError::NameTaken { .. }) => "name",
            Error::Store(StoreError::InvalidEmail { .. } | StoreError::EmailTaken { .. }) => "email",
            Error::WeakPassword(_) => "password",
            Error::WrongOldPassword => "old",
            Error::WrongPassword | Error::Refused(_) | Error::Store(StoreError::LastOwner { .. }) => "form",
            Error::Oidc(OidcProblem::NotSetUp) => return Err(error.into()),
            Error::Oidc(problem) => {
                let status = match problem {
                    OidcProblem::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
                    OidcProblem::NoAccount { .. }
                    | OidcProblem::NotVerified { .. }
                    | OidcProblem::NotLinked { .. }
                    | OidcProblem::OtherIdentity { .. }
                    | OidcProblem::HasIdentity { .. }
                    | OidcProblem::LinkedElsewhere { .. }
                    | OidcProblem::HasAccount { .. } => StatusCode::FORBIDDEN,
                    _ => StatusCode::BAD_REQUEST,
                };
                return Ok(Self { field: "form", text: error.to_string(), status });
            }
            Error::TooManyAttempts { .. } => {
                return Ok(Self { field: "form", text: error.to_string(), status: StatusCode::TOO_MANY_REQUESTS });
            }
            _ => return Err(error.into()),
        };
        Ok(Self::at(field, capitalized(&error.to_string())))
    }
}
