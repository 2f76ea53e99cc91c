//! Why nobody was signed in by their identity provider.

/// Why nobody was signed in by their identity provider, in words for the page that signs in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcProblem {
    /// This server was started without one.
    #[error("This server has no identity provider.")]
    NotSetUp,
    /// The provider cannot be asked now.
    #[error("{provider} cannot be used to sign in now: {reason}.")]
    Unavailable {
        /// Its host.
        provider: String,
        /// Why, as the end of a sentence.
        reason: String,
    },
    /// What came back does not belong to what this browser has begun lately.
    #[error("This sign-in was open for too long, or was begun in another browser or tab. Begin it again.")]
    Stale,
    /// The provider did not sign them in.
    #[error("{provider} did not sign you in: {reason}.")]
    Declined {
        /// Its host.
        provider: String,
        /// What it says.
        reason: String,
    },
    /// What the provider sent cannot be trusted.
    #[error("What {provider} sent is not accepted: {reason}. Begin again; if it stays, tell an owner of this server.")]
    Untrusted {
        /// Its host.
        provider: String,
        /// Why not, as the end of a sentence.
        reason: String,
    },
    /// Nobody here is who the provider says they are.
    #[error("No account here belongs to {who}. You need an invitation: ask {whom}.")]
    NoAccount {
        /// Whom the provider named.
        who: String,
        /// Who invites people.
        whom: String,
    },
    /// The provider has not verified the address by which an account would be found.
    #[error("{provider} has not verified the address {email}, so no account is found by it. Ask {whom} for an invitation.")]
    NotVerified {
        /// Its host.
        provider: String,
        /// The address.
        email: String,
        /// Who invites people.
        whom: String,
    },
    /// The account of the address signs in with another identity of the same provider.
    #[error(
        "The account with the address {email} signs in with another identity of {provider}. Its owner can unlink that under Your \
         account."
    )]
    OtherIdentity {
        /// The address.
        email: String,
        /// The provider's host.
        provider: String,
    },
    /// Somebody who has an account opened an invitation.
    #[error("{name} signs in with this identity already, so the link was not used. Sign in without it.")]
    HasAccount {
        /// The account's name.
        name: String,
    },
}
