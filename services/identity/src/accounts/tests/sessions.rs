//! Sessions end, and there are never too many.

use schemas::account::SessionEnd;

use super::super::sessions::{MOST, UNUSED};
use super::*;

fn ended(session: LoginId, why: SessionEnd) -> AccountEvent {
    AccountEvent::SessionEnded { session, why }
}

fn guest_login(session: LoginId) -> AccountAsked {
    AccountCommand::LoginGuest {
        account: ANN,
        proof: accounts().guests.proof(ANN),
        asker: asker(session),
    }
    .into()
}

#[test]
fn logging_out_ends_one_session_and_twice_is_no_error() {
    let accounts = accounts();
    let log_out = |session| {
        let account = ANN;
        AccountCommand::LogOut { account, session }.into()
    };
    ann(&accounts, registered())
        .when(log_out(PHONE))
        .then([ended(PHONE, SessionEnd::LoggedOut)])
        .answer();
    let nothing = ann(&accounts, registered()).when(log_out(LAPTOP)).then([]);
    assert_eq!(nothing.answer(), Some(AccountReply::Done));
}

#[test]
fn logging_out_everywhere_ends_all_or_all_but_one() {
    let accounts = accounts();
    let everywhere = |except| {
        let account = ANN;
        AccountCommand::LogOutEverywhere { account, except }.into()
    };
    let mut events = registered();
    events.push(opened(LAPTOP, NOW));
    let why = SessionEnd::LoggedOutEverywhere;
    ann(&accounts, events.clone())
        .when(everywhere(None))
        .then([ended(PHONE, why), ended(LAPTOP, why)]);
    ann(&accounts, events)
        .when(everywhere(Some(LAPTOP)))
        .then([ended(PHONE, why)]);
    ann(&accounts, []).when(everywhere(None)).then([]).answer();
}

#[test]
fn the_session_unused_for_longest_makes_room() {
    let accounts = accounts();
    let mut events = registered();
    for n in 1..MOST as u64 {
        events.push(opened(LoginId(100 + n), UnixMillis(NOW.0 + n)));
    }
    // The phone was the first, but it has been used since.
    let used = UnixMillis(NOW.0 + 1_000);
    events.push(AccountEvent::Refreshed {
        session: PHONE,
        generation: 2,
        at: used,
        address: HOME,
    });
    let after = ann(&accounts, events)
        .at(used)
        .when(guest_login(LAPTOP))
        .then([
            ended(LoginId(101), SessionEnd::Displaced),
            opened(LAPTOP, used),
            AccountEvent::LoggedIn { account: ANN },
        ]);
    assert_eq!(after.state.sessions.len(), MOST);
}

#[test]
fn what_is_over_goes_first_and_is_not_shown() {
    let accounts = accounts();
    let late = UnixMillis(NOW.0 + UNUSED + 1);
    let describe = AccountCommand::Describe { account: ANN }.into();
    let described = ann(&accounts, registered()).at(late).when(describe);
    let Some(AccountReply::Described { sessions, .. }) = described.answer() else {
        panic!("not described");
    };
    assert_eq!(sessions, []);
    ann(&accounts, registered())
        .at(late)
        .when(guest_login(LAPTOP))
        .then([
            ended(PHONE, SessionEnd::Expired),
            opened(LAPTOP, late),
            AccountEvent::LoggedIn { account: ANN },
        ]);
}
