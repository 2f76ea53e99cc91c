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
    /// Somebody has the address, and signs in with a password so far. Whoever took an address here did not prove that it is theirs, so it
    /// alone links nobody.
    #[error(
        "The account with the address {email} does not sign in with {provider} yet. Sign in with its password, then link {provider} under \
         Your account. If the password is lost, or the account is not yours, ask an owner of this server."
    )]
    NotLinked {
        /// The address.
        email: String,
        /// The provider's host.
        provider: String,
    },
    /// The provider has not verified the address of somebody without an account.
    #[error(
        "{provider} has not verified the address {email}, so no account is found by it. Ask {whom} for an invitation; if you have an \
         account, sign in with its password, and link {provider} under Your account."
    )]
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
    /// Somebody links a second identity of the provider to their account.
    #[error("Your account signs in with another identity of {provider} already. Unlink that first.")]
    HasIdentity {
        /// The provider's host.
        provider: String,
    },
    /// Somebody links an identity that is somebody else's.
    #[error("{name} signs in with this identity already. Unlink it there first.")]
    LinkedElsewhere {
        /// The other account's name.
        name: String,
    },
    /// Somebody who has an account opened an invitation.
    #[error("{name} signs in with this identity already, so the link was not used. Sign in without it.")]
    HasAccount {
        /// The account's name.
        name: String,
    },
}
