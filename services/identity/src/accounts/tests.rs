//! The rules of accounts, each a sentence.

use eventlog::keyed::given::given;
use schemas::sealed::RealmKey;
use schemas::sealed::Sealed;
use schemas::{CharacterId, Digest};

use super::*;
use crate::keys::KeyPair;

const ANN: AccountId = AccountId(7);
const ANNS: CharacterId = CharacterId(70);

fn accounts() -> Accounts {
    let guests = GuestTokens::from_secret("0123456789abcdef0123456789abcdef").unwrap();
    let access = AccessTokens::from_pem(&KeyPair::from_seed([5; 32]).private).unwrap();
    Accounts::new(guests, access)
}

fn name() -> Sealed {
    Sealed {
        key: "realm.1".into(),
        nonce: vec![1; 24],
        bytes: vec![2; 19],
    }
}

fn register(name: Sealed) -> AccountCommand {
    AccountCommand::RegisterGuest {
        account: ANN,
        character: ANNS,
        name,
    }
}

fn login(proof: Digest) -> AccountCommand {
    AccountCommand::LoginGuest {
        account: ANN,
        proof,
    }
}

fn registered() -> Vec<AccountEvent> {
    vec![
        AccountEvent::GuestRegistered {
            account: ANN,
            character: ANNS,
            name: name(),
            proof: accounts().guests.proof(ANN),
        },
        AccountEvent::LoggedIn { account: ANN },
    ]
}

#[test]
fn a_guest_begins_and_is_logged_in() {
    let answer = given(&accounts(), ANN.to_string(), [])
        .when(register(name()))
        .then(registered())
        .asking_nobody()
        .answer()
        .unwrap();
    assert_eq!((answer.account, answer.character), (ANN, ANNS));
    assert_eq!(answer.guest_token, accounts().guests.token(ANN));
}

#[test]
fn the_same_registration_twice_is_answered_alike() {
    let first = given(&accounts(), ANN.to_string(), [])
        .when(register(name()))
        .answer();
    let second = given(&accounts(), ANN.to_string(), registered())
        .when(register(name()))
        .then([])
        .answer();
    assert_eq!(first, second);
}

#[test]
fn an_account_that_exists_is_not_registered_over() {
    let somebody_else = RealmKey::from_bytes([1; 32]).seal("Ben");
    given(&accounts(), ANN.to_string(), registered())
        .when(register(somebody_else))
        .then([])
        .refused(BAD_LOGIN);
}

#[test]
fn whoever_holds_the_token_logs_in_again() {
    let accounts = accounts();
    let answer = given(&accounts, ANN.to_string(), registered())
        .when(login(accounts.guests.proof(ANN)))
        .then([AccountEvent::LoggedIn { account: ANN }])
        .answer()
        .unwrap();
    assert_eq!((answer.character, answer.name), (ANNS, name()));
    assert_eq!(answer.expires_in, LIFETIME_SECONDS);
}

#[test]
fn a_wrong_token_is_refused_and_noted() {
    given(&accounts(), ANN.to_string(), registered())
        .when(login(Digest([9; 16])))
        .then([AccountEvent::LoginFailed { account: ANN }])
        .refused(BAD_LOGIN);
}

#[test]
fn an_account_that_does_not_exist_is_refused_in_the_same_words() {
    let accounts = accounts();
    let unknown = given(&accounts, ANN.to_string(), []).when(login(Digest([9; 16])));
    unknown.then([]).refused(BAD_LOGIN);
    assert_eq!(accounts.refusal(BAD_LOGIN), not_valid());
}

#[test]
fn a_command_under_another_accounts_key_is_refused() {
    given(&accounts(), AccountId(8).to_string(), [])
        .when(register(name()))
        .then([])
        .refused(BAD_LOGIN);
}

#[test]
fn the_log_holds_no_secret() {
    let accounts = accounts();
    let state = given(&accounts, ANN.to_string(), registered()).state;
    let stored = format!("{:?}{:?}", registered(), state);
    let secret = accounts.guests.token(ANN);
    assert!(!stored.contains(secret.split_once('.').unwrap().1));
}
