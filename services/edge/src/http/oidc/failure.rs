//! Why a login through a provider has come to nothing, as the page is told: `?login_error=<code>`.

use crate::http::Problem;

/// One code for each thing that somebody can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The browser's cookie and the state do not belong together; begin again.
    BadState,
    /// It has taken longer than ten minutes; begin again.
    Late,
    /// The person said no, there.
    Denied,
    /// The provider answers with an error: it and the configuration do not fit.
    Provider,
    /// The provider does not take the code: used, late, or not ours; begin again.
    Code,
    /// The provider does not answer; try again later.
    Unavailable,
    /// Identity's word, or why it cannot be had.
    Refused(Problem),
}

impl Failure {
    /// Its stable name.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::BadState => "bad_state",
            Self::Late => "login_expired",
            Self::Denied => "denied",
            Self::Provider => "provider_error",
            Self::Code => "code_refused",
            Self::Unavailable => "provider_unavailable",
            Self::Refused(problem) => problem.code(),
        }
    }

    /// Its name for metrics; what identity says is counted there.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::BadState => "oidc_bad_state",
            Self::Late => "oidc_late",
            Self::Denied => "oidc_denied",
            Self::Provider => "oidc_provider",
            Self::Code => "oidc_code",
            Self::Unavailable => "oidc_unavailable",
            Self::Refused(_) => "oidc_refused",
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}
