//! Who may come in: logins over whole stacks, and what must be true of them whatever is killed.

mod anywhere;
mod provider;
mod secrets;
mod taken_over;
mod while_away;

use bots::HttpError;

/// The code of a refused request.
fn code<T>(answer: Result<T, HttpError>) -> String {
    match answer {
        Ok(_) => "accepted".into(),
        Err(HttpError::Refused { code, .. }) => code,
        Err(error) => error.to_string(),
    }
}
