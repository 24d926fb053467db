//! The rules of accounts, each a sentence.

mod erasing;
mod guests;
mod opening;
mod refreshing;
mod sessions;

use eventlog::keyed::given::{Given, given};
use schemas::account::LoginSession;
use schemas::sealed::Sealed;
use schemas::sealed_to::{BoxKey, BoxSecret};
use schemas::{CharacterId, Digest};

use super::*;

const ANN: AccountId = AccountId(7);
const ANNS: CharacterId = CharacterId(70);
const PHONE: LoginId = LoginId(71);
const LAPTOP: LoginId = LoginId(72);
const HOME: Digest = Digest([1; 16]);
const AWAY: Digest = Digest([2; 16]);
/// When everything is stored unless a test says otherwise.
const NOW: UnixMillis = UnixMillis(1_000_000);

fn secrets() -> Secrets {
    Secrets::from_text("0123456789abcdef0123456789abcdef").unwrap()
}

fn accounts_bound(binding: AddressBinding) -> Accounts {
    Accounts::new(&secrets(), KeyRing::alone(), binding, Arc::default())
}

fn accounts() -> Accounts {
    accounts_bound(AddressBinding::Soft)
}

fn reply_secret() -> BoxSecret {
    BoxSecret::from_bytes([9; 32])
}

fn asker(session: LoginId) -> Asker {
    Asker {
        reply_key: reply_secret().public(),
        session,
        address: HOME,
        device: None,
    }
}

fn from(address: Digest, session: LoginId) -> Asker {
    Asker {
        address,
        ..asker(session)
    }
}

fn name() -> Sealed {
    Sealed {
        key: "realm.1".into(),
        nonce: vec![1; 24],
        bytes: vec![2; 19],
    }
}

fn session(id: LoginId, method: Method, at: UnixMillis) -> LoginSession {
    LoginSession {
        id,
        method,
        opened_at: at,
        used_at: at,
        generation: 1,
        address: HOME,
        device: None,
    }
}

fn opened(id: LoginId, at: UnixMillis) -> AccountEvent {
    AccountEvent::SessionOpened {
        session: session(id, Method::Guest, at),
        grant: None,
    }
}

/// Ann is a guest, logged in on her phone.
fn registered() -> Vec<AccountEvent> {
    vec![
        AccountEvent::GuestRegistered {
            account: ANN,
            character: ANNS,
            name: name(),
            proof: accounts().guests.proof(ANN),
        },
        opened(PHONE, NOW),
        AccountEvent::LoggedIn { account: ANN },
    ]
}

fn ann<'a>(
    accounts: &'a Accounts,
    events: impl IntoIterator<Item = AccountEvent>,
) -> Given<'a, Accounts> {
    given(accounts, ANN.to_string(), events)
}

/// What was sealed for who asked.
fn tokens(answer: Option<AccountReply>) -> LoggedIn {
    let Some(AccountReply::LoggedIn { tokens }) = answer else {
        panic!("no tokens: {answer:?}");
    };
    let secret = reply_secret();
    let bound_to = bound_to(&ANN.to_string(), secret.public());
    let opened = secret.open(&tokens, ANSWER, &bound_to).unwrap();
    schemas::decode(&opened).unwrap()
}

#[test]
fn a_command_under_another_accounts_key_is_refused() {
    let command = AccountCommand::LogOut {
        account: ANN,
        session: PHONE,
    };
    given(&accounts(), AccountId(8).to_string(), [])
        .when(command.into())
        .then([])
        .refused(NOT_YOURS);
}

#[test]
fn who_cannot_be_answered_is_refused() {
    let nobody = Asker {
        reply_key: BoxKey::default(),
        ..asker(LAPTOP)
    };
    for asker in [nobody, asker(LoginId::default())] {
        let proof = accounts().guests.proof(ANN);
        let command = AccountCommand::LoginGuest {
            account: ANN,
            proof,
            asker,
        };
        ann(&accounts(), registered())
            .when(command.into())
            .then([])
            .refused(BAD_REQUEST);
    }
}

#[test]
fn characters_are_added_up_to_eight_and_removed_and_neither_twice() {
    let accounts = accounts();
    let add = |character| {
        let account = ANN;
        AccountCommand::AddCharacter { account, character }.into()
    };
    let remove = |character| {
        let account = ANN;
        AccountCommand::RemoveCharacter { account, character }.into()
    };
    let second = CharacterId(80);
    let added = AccountEvent::CharacterAdded { character: second };
    let first = ann(&accounts, registered()).when(add(second));
    first.then([added.clone()]).asking_nobody();
    let mut events = registered();
    events.push(added);
    ann(&accounts, events.clone()).when(add(second)).then([]);
    events.extend((81..87).map(|n| AccountEvent::CharacterAdded {
        character: CharacterId(n),
    }));
    ann(&accounts, events.clone())
        .when(add(CharacterId(90)))
        .then([])
        .refused("too_many_characters");
    let removed = AccountEvent::CharacterRemoved { character: second };
    let after = ann(&accounts, events).when(remove(second)).then([removed]);
    assert_eq!(after.state.characters.len(), 7);
    let unknown = ann(&accounts, registered()).when(remove(CharacterId(90)));
    assert_eq!(unknown.then([]).answer(), Some(AccountReply::Done));
    ann(&accounts, []).when(add(second)).refused(NOT_YOURS);
}

#[test]
fn an_account_says_what_it_is_and_nothing_of_one_that_is_not() {
    let accounts = accounts();
    let describe = || AccountCommand::Describe { account: ANN }.into();
    let answer = ann(&accounts, registered()).when(describe()).then([]);
    let Some(AccountReply::Described {
        characters,
        methods,
        sessions,
        name: found,
    }) = answer.answer()
    else {
        panic!("not described");
    };
    assert_eq!((characters, methods), (vec![ANNS], vec![Method::Guest]));
    assert_eq!(sessions, vec![session(PHONE, Method::Guest, NOW)]);
    assert_eq!(found, name());
    ann(&accounts, []).when(describe()).refused(NOT_YOURS);
}

#[test]
fn the_log_holds_no_secret() {
    let accounts = accounts();
    let state = ann(&accounts, registered()).state;
    let stored = format!("{:?}{:?}", registered(), state);
    for secret in [
        accounts.guests.token(ANN),
        accounts.refresh.token(ANN, PHONE, 1),
    ] {
        let (_, secret) = secret.rsplit_once('.').unwrap();
        assert!(!stored.contains(secret));
    }
}
