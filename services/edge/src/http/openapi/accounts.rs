//! What can be asked about accounts: begin one, log in, go on, log out.

use super::operations::{DELETE, GET, Operation, POST};
use super::schema_of;
use crate::http::{guest, password, sessions, tokens};

/// All of it.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/guest",
        id: "guest",
        summary: "Begin as a guest with a name, or come back with a guest token.",
        asked: Some(schema_of::<guest::Guest>),
        answered: (200, Some(schema_of::<tokens::LoggedIn>)),
        refused: &[
            "bad_json",
            "bad_name",
            "reserved_name",
            "name_taken",
            "bad_login",
            "too_many_attempts",
            "too_many_registrations",
        ],
        ..POST
    },
    Operation {
        path: "/v1/register",
        id: "register",
        summary: "Begin an account with a login name and a password.",
        asked: Some(schema_of::<password::Credentials>),
        answered: (200, Some(schema_of::<tokens::LoggedIn>)),
        refused: &[
            "bad_json",
            "bad_name",
            "name_taken",
            "weak_password",
            "busy",
            "too_many_registrations",
        ],
        ..POST
    },
    Operation {
        path: "/v1/login",
        id: "log_in",
        summary: "Log in with a login name and its password.",
        asked: Some(schema_of::<password::Credentials>),
        answered: (200, Some(schema_of::<tokens::LoggedIn>)),
        refused: &[
            "bad_json",
            "bad_login",
            "not_linked",
            "locked",
            "busy",
            "too_many_attempts",
        ],
        ..POST
    },
    Operation {
        path: "/v1/upgrade",
        id: "upgrade",
        summary: "Give a guest's account a login name and a password.",
        logged_in: true,
        asked: Some(schema_of::<password::Credentials>),
        answered: (200, Some(schema_of::<tokens::LoggedIn>)),
        refused: &[
            "bad_json",
            "bad_name",
            "name_taken",
            "not_linked",
            "weak_password",
            "busy",
            "too_many_registrations",
        ],
        ..POST
    },
    Operation {
        path: "/v1/password",
        id: "change_password",
        summary: "Change the password; ends all other login sessions.",
        logged_in: true,
        asked: Some(schema_of::<password::Change>),
        answered: (204, None),
        refused: &[
            "bad_json",
            "bad_login",
            "locked",
            "busy",
            "weak_password",
            "no_password",
            "too_many_attempts",
        ],
        ..POST
    },
    Operation {
        path: "/v1/refresh",
        id: "refresh",
        summary: "The next tokens for the last refresh token; with the header x-worldline-cookie: 1, for the one in the cookie.",
        asked: Some(schema_of::<tokens::Refresh>),
        answered: (200, Some(schema_of::<tokens::LoggedIn>)),
        refused: &[
            "bad_json",
            "session_unknown",
            "session_reused",
            "log_in_again",
            "cookie_without_header",
        ],
        ..POST
    },
    Operation {
        path: "/v1/logout",
        id: "log_out",
        summary: "End the login session that asks.",
        logged_in: true,
        answered: (204, None),
        ..POST
    },
    Operation {
        path: "/v1/logout-everywhere",
        id: "log_out_everywhere",
        summary: "End all login sessions of the account.",
        logged_in: true,
        answered: (204, None),
        ..POST
    },
    Operation {
        path: "/v1/account",
        id: "account",
        summary: "Who one is.",
        logged_in: true,
        answered: (200, Some(schema_of::<sessions::Account>)),
        ..GET
    },
    Operation {
        path: "/v1/sessions",
        id: "sessions",
        summary: "Where one is logged in.",
        logged_in: true,
        answered: (200, Some(schema_of::<sessions::Sessions>)),
        ..GET
    },
    Operation {
        path: "/v1/sessions/{id}",
        id: "end_session",
        summary: "End one login session of the account.",
        logged_in: true,
        answered: (204, None),
        refused: &["not_found"],
        ..DELETE
    },
];
