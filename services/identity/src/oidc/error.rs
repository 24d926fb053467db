//! Why an ID token is refused.

/// One refusal for each check. Nothing of the token is in it: it may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum OidcError {
    /// No such provider is configured.
    #[error("there is no such identity provider")]
    UnknownProvider,
    /// Larger than any token should be; not read.
    #[error("the ID token is too large")]
    TooLarge,
    /// Not a JWT, or a claim is missing or of the wrong kind.
    #[error("the ID token cannot be read: {0}")]
    Malformed(&'static str),
    /// The algorithm is none that this provider may sign with.
    #[error("the ID token's algorithm is not allowed")]
    Algorithm,
    /// The provider has no such key, as far as is known; it is asked at most once a minute.
    #[error("the ID token names a key that its provider does not have")]
    UnknownKey,
    /// The key cannot have made a signature of this algorithm.
    #[error("the ID token's key is not of its algorithm")]
    KeyMismatch,
    /// The provider's keys cannot be had, and none are kept; try again later.
    #[error("the identity provider's keys cannot be had now")]
    KeysUnavailable,
    /// The provider has not signed this.
    #[error("the ID token's signature is wrong")]
    Signature,
    /// Somebody else's word.
    #[error("the ID token is of another issuer")]
    Issuer,
    /// Meant for somebody else.
    #[error("the ID token is for another audience")]
    Audience,
    /// Given to somebody else, or to several without saying to whom.
    #[error("the ID token was given to another party")]
    AuthorizedParty,
    /// Of another login than the one that was begun.
    #[error("the ID token has another nonce")]
    Nonce,
    /// Not good any more.
    #[error("the ID token has expired")]
    Expired,
    /// Of the future: one of the clocks is wrong.
    #[error("the ID token is not good yet")]
    NotYet,
    /// Good perhaps, but not from a login of now.
    #[error("the ID token was issued too long ago")]
    TooOld,
}

impl OidcError {
    /// Its stable name for programs, metrics and the documentation.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownProvider => "oidc_unknown_provider",
            Self::TooLarge => "oidc_too_large",
            Self::Malformed(_) => "oidc_malformed",
            Self::Algorithm => "oidc_algorithm",
            Self::UnknownKey => "oidc_unknown_key",
            Self::KeyMismatch => "oidc_key_mismatch",
            Self::KeysUnavailable => "oidc_keys_unavailable",
            Self::Signature => "oidc_signature",
            Self::Issuer => "oidc_issuer",
            Self::Audience => "oidc_audience",
            Self::AuthorizedParty => "oidc_azp",
            Self::Nonce => "oidc_nonce",
            Self::Expired => "oidc_expired",
            Self::NotYet => "oidc_not_yet",
            Self::TooOld => "oidc_too_old",
        }
    }

    /// Whether the same token may be good later.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::KeysUnavailable)
    }
}
