//! What identity's domains store and answer: accounts, credentials, public keys, what is sealed.

use schemas::account::{
    Account, AccountCommand, AccountEvent, AccountReply, Asker, LoggedIn, LoginSession,
    SecurityNotice, SessionEnd,
};
use schemas::credential::{
    Credential, CredentialCommand, CredentialEvent, CredentialReply, Grant, Method, Secret,
};
use schemas::keyed::{KeyedEntry, KeyedMessage, Reply};
use schemas::public_keys::{BoxKeyEntry, CurrentKeys, SignKeyEntry};
use schemas::sealed_to::{BoxKey, SealedTo};
use schemas::{Digest, LoginId, UnixMillis, decode};

use super::golden::{ACCOUNT, ANN, NOW, entry, golden, keyed, sealed};

const SESSION: LoginId = LoginId(0x0109_1901_0919_0109);
const PROOF: Digest = Digest([3; 16]);
const GRANT: Digest = Digest([5; 16]);
const CREDENTIAL: Digest = Digest([6; 16]);
const ADDRESS: Digest = Digest([7; 16]);
const REPLY_KEY: BoxKey = BoxKey([8; 32]);

fn asker() -> Asker {
    Asker {
        reply_key: REPLY_KEY,
        session: SESSION,
        address: ADDRESS,
        device: Some(sealed()),
    }
}

fn sealed_to() -> SealedTo {
    SealedTo {
        key: "0123456789abcdef".into(),
        enc: (0..32).collect(),
        bytes: (0..40).collect(),
    }
}

fn session() -> LoginSession {
    LoginSession {
        id: SESSION,
        method: Method::Password,
        opened_at: NOW,
        used_at: UnixMillis(NOW.0 + 600_000),
        generation: 2,
        address: ADDRESS,
        device: None,
    }
}

fn account_commands() -> Vec<AccountCommand> {
    let (account, character, asker) = (ACCOUNT, ANN, asker());
    vec![
        AccountCommand::RegisterGuest {
            account,
            character,
            name: sealed(),
            asker: asker.clone(),
        },
        AccountCommand::LoginGuest {
            account,
            proof: PROOF,
            asker: asker.clone(),
        },
        AccountCommand::OpenSession {
            account,
            grant: sealed_to(),
            asker: asker.clone(),
        },
        AccountCommand::Refresh {
            account,
            proof: PROOF,
            generation: 2,
            asker,
        },
        AccountCommand::LogOut {
            account,
            session: SESSION,
        },
        AccountCommand::LogOutEverywhere {
            account,
            except: Some(SESSION),
        },
        AccountCommand::Describe { account },
        AccountCommand::AddCharacter { account, character },
        AccountCommand::RemoveCharacter { account, character },
    ]
}

fn account_events() -> Vec<AccountEvent> {
    let mut all = vec![
        AccountEvent::GuestRegistered {
            account: ACCOUNT,
            character: ANN,
            name: sealed(),
            proof: PROOF,
        },
        AccountEvent::LoggedIn { account: ACCOUNT },
        AccountEvent::LoginFailed { account: ACCOUNT },
        AccountEvent::Registered {
            account: ACCOUNT,
            method: Method::Openid,
        },
        AccountEvent::CredentialLinked {
            method: Method::Password,
            credential: CREDENTIAL,
        },
        AccountEvent::SessionOpened {
            session: session(),
            grant: Some(GRANT),
        },
        AccountEvent::Refreshed {
            session: SESSION,
            generation: 2,
            at: NOW,
            address: ADDRESS,
        },
        AccountEvent::CharacterAdded { character: ANN },
        AccountEvent::CharacterRemoved { character: ANN },
    ];
    let ends = [
        SessionEnd::LoggedOut,
        SessionEnd::LoggedOutEverywhere,
        SessionEnd::Reused,
        SessionEnd::Expired,
        SessionEnd::Displaced,
    ];
    all.extend(ends.map(|why| AccountEvent::SessionEnded {
        session: SESSION,
        why,
    }));
    let notices = [
        SecurityNotice::RefreshReused,
        SecurityNotice::AddressChanged,
        SecurityNotice::PasswordChanged,
    ];
    all.extend(notices.map(|what| AccountEvent::Security {
        what,
        session: SESSION,
        at: NOW,
        grant: None,
    }));
    all
}

#[test]
fn what_is_stored_of_accounts_stays_readable() {
    for (n, message) in (1..).zip(keyed(account_commands())) {
        golden(&format!("account-message.1.{n}"), &message);
    }
    let state = Account {
        proof: Some(PROOF),
        characters: vec![ANN],
        name: sealed(),
        logins: 2,
        since: NOW,
        credentials: vec![(Method::Password, CREDENTIAL)],
        sessions: vec![session()],
        grants: vec![GRANT],
        erased: None,
    };
    golden("account-entry.1", &entry(account_events(), state));
}

#[test]
fn what_was_stored_before_there_were_login_sessions_is_read() {
    let read = |name: &str| {
        let path = super::root().join(format!("schemas/golden/{name}.msgpack"));
        std::fs::read(path).unwrap()
    };
    for n in 1..=2 {
        let bytes = read(&format!("account-message.0.{n}"));
        let message: KeyedMessage<AccountCommand> = decode(&bytes).unwrap();
        let KeyedMessage::Command {
            body:
                AccountCommand::RegisterGuest { asker, .. } | AccountCommand::LoginGuest { asker, .. },
            ..
        } = message
        else {
            panic!("{message:?}");
        };
        assert_eq!(asker, Asker::default());
    }
    let entry: KeyedEntry<AccountEvent, Account> = decode(&read("account-entry.0")).unwrap();
    assert_eq!((entry.state.since, entry.state.logins), (UnixMillis(0), 2));
    assert_eq!(entry.state.sessions, []);
}

#[test]
fn what_is_stored_of_credentials_stays_readable() {
    let (account, reply_key) = (ACCOUNT, REPLY_KEY);
    let commands = vec![
        CredentialCommand::Register {
            account,
            upgrade: true,
            secret: sealed_to(),
            reply_key,
        },
        CredentialCommand::LogIn {
            account,
            secret: sealed_to(),
            reply_key,
        },
        CredentialCommand::ChangePassword {
            account,
            secret: sealed_to(),
            reply_key,
        },
    ];
    for (n, message) in (1..).zip(keyed(commands)) {
        golden(&format!("credential-message.1.{n}"), &message);
    }
    let events = vec![
        CredentialEvent::Registered {
            account,
            method: Method::Password,
            hash: Some(sealed()),
        },
        CredentialEvent::Granted { grant: GRANT },
        CredentialEvent::Failed { at: NOW },
        CredentialEvent::HashChanged {
            hash: sealed(),
            rehashed: true,
        },
    ];
    let state = Credential {
        account: Some(account),
        method: Some(Method::Password),
        hash: Some(sealed()),
        failures: 1,
        failed_at: NOW,
        grants: 1,
    };
    golden("credential-entry.1", &entry(events, state));
}

#[test]
fn what_is_inside_a_seal_stays_readable() {
    let secrets = [
        Secret::Password {
            password: "p".into(),
        },
        Secret::NewPassword {
            old: "p".into(),
            new: "q".into(),
        },
        Secret::IdToken {
            provider: "dev".into(),
            token: "a.b.c".into(),
            nonce: "n".into(),
        },
        Secret::Grant {
            token: "a.b.c".into(),
            warrant: None,
        },
        Secret::Grant {
            token: "a.b.c".into(),
            warrant: Some("d.e.f".into()),
        },
    ];
    for (n, secret) in (1..).zip(secrets) {
        golden(&format!("secret.1.{n}"), &secret);
    }
    let grant = Grant {
        account: ACCOUNT,
        token: "a.b.c".into(),
        fresh: true,
    };
    golden("grant.1", &grant);
    let logged_in = LoggedIn {
        account: ACCOUNT,
        session: SESSION,
        access_token: "a.b.c".into(),
        expires_in: 600,
        refresh_token: "r".into(),
        guest_token: Some("t".into()),
        characters: vec![ANN],
        name: sealed(),
    };
    golden("logged-in.1", &logged_in);
    golden("sealed-to.1", &sealed_to());
}

#[test]
fn what_identity_answers_stays_readable() {
    let replies = [
        AccountReply::LoggedIn {
            tokens: sealed_to(),
        },
        AccountReply::Done,
        AccountReply::Described {
            characters: vec![ANN],
            methods: vec![Method::Guest],
            sessions: vec![session()],
            name: sealed(),
        },
    ];
    for (request, reply) in (1..).zip(replies) {
        let result = Ok(reply);
        golden(
            &format!("reply-account.1.{request}"),
            &Reply { request, result },
        );
    }
    let result = Ok(CredentialReply::Granted { grant: sealed_to() });
    golden("reply-credential.1", &Reply { request: 1, result });
}

#[test]
fn the_public_keys_stay_readable() {
    let kid = || "0123456789abcdef".to_owned();
    let boxed = BoxKeyEntry {
        kid: kid(),
        public: REPLY_KEY,
        not_after: NOW,
    };
    golden("public-box-key.1", &boxed);
    let signing = SignKeyEntry {
        kid: kid(),
        x: [9; 32],
        not_after: NOW,
    };
    golden("public-signing-key.1", &signing);
    let current = CurrentKeys {
        box_kid: kid(),
        sign_kid: "fedcba9876543210".into(),
    };
    golden("current-keys.1", &current);
}
