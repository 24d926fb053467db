//! Five failures are free; then the credential is closed for a while, whoever knocks.

use super::*;

fn after(failures: usize, existing: bool) -> Vec<CredentialEvent> {
    let mut events = if existing { registered() } else { vec![] };
    events.extend(failed(failures));
    events
}

#[test]
fn a_locked_name_is_locked_whether_it_exists_or_not() {
    for existing in [true, false] {
        ann(&credentials(), after(5, existing))
            .at(NOW)
            .when(log_in().into())
            .then([])
            .refused(LOCKED);
    }
}

#[test]
fn a_correct_password_during_a_lock_is_refused_too_and_says_how_long() {
    let credentials = credentials();
    let right = Evidence::Right { rehashed: None };
    let given = ann(&credentials, after(7, true)).at(UnixMillis(NOW.0 + 500));
    let state = given.state.clone();
    given
        .when(Asked::with(log_in(), right))
        .then([])
        .refused(LOCKED);
    let refusal = refused_anyway(&key(), &state, &log_in(), UnixMillis(NOW.0 + 500));
    assert_eq!(refusal.and_then(|r| r.retry_after), Some(4));
}

#[test]
fn after_the_wait_the_right_password_opens_it_and_the_count_begins_anew() {
    let credentials = credentials();
    let right = Evidence::Right { rehashed: None };
    let later = ann(&credentials, after(7, true)).at(UnixMillis(NOW.0 + 4_000));
    let opened = later.when(Asked::with(log_in(), right));
    assert_eq!(opened.state.failures, 0);
    opened.answer();
}

#[tokio::test]
async fn nothing_is_hashed_during_a_lock() {
    let credentials = credentials();
    let state = ann(&credentials, after(6, true)).state;
    let asked = credentials
        .prepare(&key(), &state, log_in().into(), &ctx())
        .await;
    assert_eq!(asked.evidence, None);
}
