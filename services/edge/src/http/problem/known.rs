//! The problems that need no further words, each with its code.

use axum::http::StatusCode;

use super::Problem;

impl Problem {
    pub(crate) const BAD_ORIGIN: Self = Self::new(
        StatusCode::FORBIDDEN,
        "bad_origin",
        "Pages of this origin may not connect here.",
    );
    pub(crate) const NO_SUBPROTOCOL: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "no_subprotocol",
        "Ask for the subprotocol worldline.v1.msgpack or worldline.v1.json.",
    );
    pub(crate) const NO_WEBSOCKET: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "no_websocket",
        "Only websockets are opened here.",
    );
    pub(crate) const WRONG_METHOD: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "This cannot be done here with this method.",
    );
    pub(crate) const NOT_LOGGED_IN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "not_logged_in",
        "The access token is missing, forged or expired; log in again.",
    );
    pub(crate) const BAD_GUEST_TOKEN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "bad_login",
        "this login is not valid; check name and password, or begin as a new guest",
    );
    pub(crate) const TOO_MANY: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "Too many requests from this address; wait a moment.",
    );
    pub(crate) const TOO_MANY_ATTEMPTS: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_attempts",
        "Too many failed logins from this address; wait and try again.",
    );
    pub(crate) const TOO_MANY_REGISTRATIONS: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_registrations",
        "Too many new accounts from this address; wait and try again.",
    );
    pub(crate) const BUSY: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "busy",
        "Too many people are logging in; try again in a moment.",
    );
    pub(crate) const LOG_IN_AGAIN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "log_in_again",
        "The address has changed since the login; log in again.",
    );
    pub(crate) const SESSION_ENDED: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "session_ended",
        "This login has ended; log in again.",
    );
    pub(crate) const SESSION_UNKNOWN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "session_unknown",
        "This is no refresh token in force; log in again.",
    );
    pub(crate) const BAD_ID_TOKEN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "bad_id_token",
        "The provider's word cannot be used; log in again.",
    );
    pub(crate) const ALREADY_LINKED: Self = Self::new(
        StatusCode::CONFLICT,
        "already_linked",
        "Whom the provider vouches for has another account; log in with the provider, or keep this one another way.",
    );
    pub(crate) const NO_PASSWORD: Self = Self::new(
        StatusCode::CONFLICT,
        "no_password",
        "This account has no password that could be changed.",
    );
    pub(crate) const NOT_FROM_OUR_PAGE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "cookie_without_header",
        "A cookie counts only in a request with the header x-worldline-cookie: 1.",
    );
    pub(crate) const UNAVAILABLE: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "The world does not answer now; try again shortly.",
    );
    pub(crate) const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Something broke on this side; the operators know.",
    );
    pub(crate) const NO_SUCH_CHARACTER: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no_such_character",
        "There is no such character.",
    );
    pub(crate) const NOT_YOURS: Self = Self::new(
        StatusCode::FORBIDDEN,
        "not_yours",
        "This character is not yours; choose one of your own.",
    );
    pub(crate) const COMPANY_NOT_IN_WORLD: Self = Self::new(
        StatusCode::CONFLICT,
        "company_not_in_world",
        "Whom you want to join is not in the world now.",
    );
    pub(crate) const NOT_FOUND: Self =
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.");

    pub(crate) const UNREADABLE: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "The file cannot be read now; try again shortly, or another of its addresses.",
    );
}
