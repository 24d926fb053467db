//! What identity refuses, and in which words: codes are stable, and a wrong password, an unknown
//! name and a wrong guest token sound alike.

use schemas::keyed::Refusal;

/// The one code of every login that proved nothing.
pub const BAD_LOGIN: &str = "bad_login";
/// Too many failures: wait.
pub const LOCKED: &str = "locked";
/// More logins than hashes can be made for.
pub const BUSY: &str = "busy";
/// Somebody has this login name.
pub const NAME_TAKEN: &str = "name_taken";
/// A password that would be guessed.
pub const WEAK_PASSWORD: &str = "weak_password";
/// There is no such login session.
pub const SESSION_UNKNOWN: &str = "session_unknown";
/// A refresh token came again.
pub const SESSION_REUSED: &str = "session_reused";
/// The session cannot go on as it is.
pub const LOG_IN_AGAIN: &str = "log_in_again";
/// The secret was sealed to a key that has been destroyed.
pub const OLD_KEY: &str = "sealed_to_an_old_key";
/// An OpenID nonce came again.
pub const NONCE_USED: &str = "nonce_used";
/// An ID token that was good, but not for this command.
pub const OIDC_OTHER_PERSON: &str = "oidc_other_person";
/// The command is about somebody else's.
pub const NOT_YOURS: &str = "not_yours";
/// A credential that an account has not taken, and whose owner does not vouch for it.
pub const NOT_LINKED: &str = "not_linked";
/// The grant has been taken.
pub const GRANT_USED: &str = "grant_used";
/// The grant came too late.
pub const GRANT_EXPIRED: &str = "grant_expired";
/// The account has as many characters as it may.
pub const TOO_MANY_CHARACTERS: &str = "too_many_characters";
/// An order to erase that was not given by who holds identity's secret.
pub const NO_ORDER: &str = "no_order";
/// The command makes no sense.
pub const BAD_REQUEST: &str = "bad_request";

/// All of them, besides those of OpenID.
pub const ALL: &[&str] = &[
    BAD_LOGIN,
    LOCKED,
    BUSY,
    NAME_TAKEN,
    WEAK_PASSWORD,
    SESSION_UNKNOWN,
    SESSION_REUSED,
    LOG_IN_AGAIN,
    OLD_KEY,
    NONCE_USED,
    OIDC_OTHER_PERSON,
    NOT_YOURS,
    NOT_LINKED,
    GRANT_USED,
    GRANT_EXPIRED,
    TOO_MANY_CHARACTERS,
    NO_ORDER,
    BAD_REQUEST,
];

/// The refusal of this code, in its usual words.
#[must_use]
pub fn refusal(code: &str) -> Refusal {
    let message = match code {
        BAD_LOGIN => "this login is not valid; check name and password, or begin as a new guest",
        LOCKED => "too many failed logins; wait before the next one",
        BUSY => "many people are logging in at this moment; try again shortly",
        NAME_TAKEN => "somebody has this login name; choose another",
        WEAK_PASSWORD => "this password would be guessed; choose another of at least 8 characters",
        SESSION_UNKNOWN => "this login session is over; log in again",
        SESSION_REUSED => {
            "this refresh token had been used already, so the session was ended for safety; log in again"
        }
        LOG_IN_AGAIN => "this login session cannot go on; log in again",
        OLD_KEY => "the secret was sealed to a key that is gone; seal it to the current one",
        NONCE_USED => "this login has been used already; begin a new one",
        OIDC_OTHER_PERSON => "the ID token is of another person than the login was for",
        NOT_YOURS => "that is not yours",
        NOT_LINKED => {
            "this does not let into the account yet; log in to the account as before, and add it there once more"
        }
        GRANT_USED => "this login has been used already; log in again",
        GRANT_EXPIRED => "this login took too long; log in again",
        TOO_MANY_CHARACTERS => "the account has as many characters as it may have",
        NO_ORDER => "this order was not given by who holds identity's secret",
        BAD_REQUEST => "the command makes no sense; this is a fault of the server that sent it",
        _ => "refused, as it was before",
    };
    Refusal::new(code, message)
}

/// Nothing was proven.
#[must_use]
pub fn bad_login() -> Refusal {
    refusal(BAD_LOGIN)
}
