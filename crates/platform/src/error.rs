//! Why something is not done, whoever asked for it: one enum, which programs are told as JSON and people as a page.

use std::borrow::Cow;

use keepstep_store::{Role, StoreError};

use crate::oidc::OidcProblem;
use crate::rates::Rate;

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
    /// The role is enough, but the right to publish was not given.
    #[error("{0:?} may write drafts, but not publish.")]
    MayNotPublish(String),
    /// The key is confined to a project, and this is about the whole organization.
    #[error("The key {0:?} is confined to a project, and this needs one that is not.")]
    Confined(String),
    /// This server does not do that.
    #[error("This server does not {0}: no language model is set up.")]
    NotOffered(&'static str),
    /// The request is not valid.
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
        what: Cow<'static, str>,
        /// The largest size that is accepted.
        limit: u64,
    },
    /// The body is not JSON by its content type.
    #[error("The body must be JSON; its content type is {0:?}.")]
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
    /// A key or a person makes too many requests.
    #[error("There were more than {} requests in a minute.", .0.limit)]
    TooFast(Rate),
    /// The address was not found.
    #[error("{0} not found.")]
    NotFound(String),
    /// No agent has an id that begins like that.
    #[error("Agent {0} not found.")]
    NoAgents(String),
    /// The lua dialect has something at that address that this platform does not keep.
    #[error(
        "{0} is not supported: this server keeps an agent's definition, and the names of its skills, jobs and the like, \
         but not their code."
    )]
    NotKept(String),
    /// The address does not take that method.
    #[error("{path} does not support {method}.")]
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
    #[error("This server does not store files.")]
    NoFiles,
    /// The browser is not signed in.
    #[error("This browser is not signed in.")]
    NotSignedIn {
        /// True where it was signed in before.
        ended: bool,
    },
    /// The address or the password is wrong; which of them is not told.
    #[error("The e-mail address or the password is wrong.")]
    WrongPassword,
    /// The old password is wrong.
    #[error("Your old password is wrong.")]
    WrongOldPassword,
    /// A text cannot be a password.
    #[error("{0}")]
    WeakPassword(String),
    /// The identity provider signed nobody in.
    #[error("{0}")]
    Oidc(#[from] OidcProblem),
    /// Too many sign-ins failed.
    #[error("Too many attempts failed. Try again in {}.", waiting(*seconds))]
    TooManyAttempts {
        /// How long to wait.
        seconds: u64,
    },
    /// A form comes from another site, or its token is not that of the session.
    #[error("The form did not come from a page of this session.")]
    Forged,
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
    /// It is not known here.
    #[error("This server does not know this key.")]
    Unknown,
    /// It has expired.
    #[error("This key has expired.")]
    Expired,
    /// It was revoked.
    #[error("This key was revoked.")]
    Revoked,
    /// It would renew a login that has ended.
    #[error("This sign-in has ended.")]
    LoginEnded,
}

/// Returns how long to wait, in words.
fn waiting(seconds: u64) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
