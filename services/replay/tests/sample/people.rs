//! People behind the players: an account with a password, its logins, what happened that should not,
//! a name that is guessed at, and a character that is deleted.

use schemas::account::{Account, AccountEvent, LoginSession, SecurityNotice, SessionEnd};
use schemas::control::Order;
use schemas::credential::{Credential, CredentialEvent, Method};
use schemas::erasure::{ErasureKey, Whom};
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::lobby::{LobbyCommand, Ordered};
use schemas::name::{Name, NameEvent};
use schemas::sealed::Sealed;
use schemas::subjects::{Domain, keyed_events};
use schemas::{AccountId, CharacterId, Digest, Incarnation, LoginId, Sequence, UnixMillis};
use serde::Serialize;

use super::Realm;

/// The account of this story.
pub(crate) const CLEO: AccountId = AccountId(3000);
/// Its character.
pub(crate) const HERO: CharacterId = CharacterId(3);
/// Where its credential is.
pub(crate) const CREDENTIAL: Digest = Digest([0xc1; 16]);
/// Where a credential would be that nobody has.
pub(crate) const NOBODYS: Digest = Digest([0xc2; 16]);
/// Where its character's name is reserved.
pub(crate) const NAME: Digest = Digest([0xa1; 16]);
/// The first device, on which a used refresh token came again.
pub(crate) const STOLEN: LoginId = LoginId(31);
/// The second device.
pub(crate) const SAFE: LoginId = LoginId(32);

fn device(id: LoginId, at: UnixMillis) -> LoginSession {
    LoginSession {
        id,
        method: Method::Password,
        opened_at: at,
        used_at: at,
        generation: 1,
        address: Digest([9; 16]),
        device: Some(super::realm_key().seal("a telephone")),
    }
}

/// What only identity may open: its own seal of a password's hash.
fn hash() -> Sealed {
    Sealed {
        key: "identity.1".into(),
        nonce: vec![1; 24],
        bytes: b"not to be shown".to_vec(),
    }
}

/// Writes an aggregate's entries one after the other, each handling the next command.
struct Writer<'a> {
    realm: &'a Realm,
    subject: String,
    handled: u64,
}

impl<'a> Writer<'a> {
    fn of(realm: &'a Realm, domain: Domain, key: &str) -> Self {
        let subject = keyed_events(domain, key);
        Self {
            realm,
            subject,
            handled: 100,
        }
    }

    async fn entry<E: Serialize, S: Serialize>(&mut self, events: Vec<E>, state: &S) {
        self.handled += 1;
        let entry = KeyedEntry {
            v: 1,
            at: self.realm.at(),
            incarnation: Incarnation(1),
            handled: Sequence(self.handled),
            events,
            state,
            outbox: Outbox::default(),
            answered: None,
        };
        let payload = schemas::encode(&entry);
        self.realm.append(&self.subject, payload).await;
    }
}

/// See the file.
pub(crate) async fn live(realm: &mut Realm) {
    credentials(realm).await;
    account(realm).await;
    name(realm).await;
    let create = LobbyCommand::Create {
        character: HERO,
        account: CLEO,
        name: super::realm_key().seal("Hero"),
    };
    realm.ask(HERO, create).await;
    realm.join(HERO).await;
    realm.ticks(3).await;
    let delete = LobbyCommand::Delete {
        character: HERO,
        account: CLEO,
    };
    realm.ask(HERO, delete).await;
    realm.ticks(3).await;
    let unborn = CharacterId(4);
    let erase = LobbyCommand::Erase {
        character: unborn,
        account: CLEO,
        ordered: None,
    };
    realm.ask(unborn, erase).await;
}

/// On whose order Cleo is erased.
pub(crate) fn order() -> Order {
    Order {
        by: "kim".into(),
        reason: "request 81".into(),
    }
}

/// Cleo is erased after [`live`]: the account, what lets into it, the character, as its command says.
pub(crate) async fn erased(realm: &mut Realm) {
    let at = realm.at();
    let mut writer = Writer::of(realm, Domain::Identity, &CLEO.to_string());
    writer.handled += 50;
    let mut state = Account {
        characters: vec![HERO],
        credentials: vec![(Method::Password, CREDENTIAL)],
        erased: Some(at),
        ..Account::default()
    };
    let ended = AccountEvent::SessionEnded {
        session: SAFE,
        why: SessionEnd::LoggedOutEverywhere,
    };
    let gone = AccountEvent::Erased {
        account: CLEO,
        order: order(),
        at,
    };
    writer.entry(vec![ended, gone], &state).await;
    let gone = CredentialEvent::Erased { at };
    let mut of_credential = Writer::of(realm, Domain::Credential, &CREDENTIAL.to_string());
    of_credential.handled += 50;
    of_credential
        .entry(vec![gone], &Credential::default())
        .await;
    state.characters.clear();
    let removed = AccountEvent::CharacterRemoved { character: HERO };
    writer.entry(vec![removed], &state).await;
    let whom = Whom::Character(HERO, CLEO);
    let seal = ErasureKey::of_secret(super::LOBBY_SECRET).seal(&whom, &order());
    let erase = LobbyCommand::Erase {
        character: HERO,
        account: CLEO,
        ordered: Some(Ordered {
            order: order(),
            seal,
        }),
    };
    realm.ask(HERO, erase).await;
}

async fn credentials(realm: &Realm) {
    let mut state = Credential {
        account: Some(CLEO),
        method: Some(Method::Password),
        hash: Some(hash()),
        ..Credential::default()
    };
    let mut writer = Writer::of(realm, Domain::Credential, &CREDENTIAL.to_string());
    let registered = CredentialEvent::Registered {
        account: CLEO,
        method: Method::Password,
        hash: Some(hash()),
    };
    let granted = |n: u8| CredentialEvent::Granted {
        grant: Digest([n; 16]),
    };
    writer.entry(vec![registered, granted(1)], &state).await;
    let failed = CredentialEvent::Failed { at: realm.at() };
    (state.failures, state.failed_at) = (1, realm.at());
    writer.entry(vec![failed.clone()], &state).await;
    state.failures = 0;
    writer.entry(vec![granted(2)], &state).await;
    let changed = CredentialEvent::HashChanged {
        hash: hash(),
        rehashed: false,
    };
    writer.entry(vec![changed], &state).await;
    let mut writer = Writer::of(realm, Domain::Credential, &NOBODYS.to_string());
    for failures in 1..=2 {
        let state = Credential {
            failures,
            failed_at: realm.at(),
            ..Credential::default()
        };
        writer.entry(vec![failed.clone()], &state).await;
    }
}

async fn account(realm: &Realm) {
    let at = realm.at();
    let mut writer = Writer::of(realm, Domain::Identity, &CLEO.to_string());
    let (stolen, safe) = (device(STOLEN, at), device(SAFE, at));
    let mut state = Account {
        logins: 1,
        since: at,
        credentials: vec![(Method::Password, CREDENTIAL)],
        sessions: vec![stolen.clone()],
        grants: vec![Digest([1; 16])],
        ..Account::default()
    };
    let registered = AccountEvent::Registered {
        account: CLEO,
        method: Method::Password,
    };
    let opened = |session: &LoginSession, grant: u8| AccountEvent::SessionOpened {
        session: session.clone(),
        grant: Some(Digest([grant; 16])),
    };
    writer
        .entry(vec![registered, opened(&stolen, 1)], &state)
        .await;
    state.sessions.push(safe.clone());
    state.logins = 2;
    writer.entry(vec![opened(&safe, 2)], &state).await;
    state.sessions[0].generation = 2;
    let refreshed = AccountEvent::Refreshed {
        session: STOLEN,
        generation: 2,
        at,
        address: Digest([9; 16]),
    };
    writer.entry(vec![refreshed], &state).await;
    state.sessions.remove(0);
    let ended = AccountEvent::SessionEnded {
        session: STOLEN,
        why: SessionEnd::Reused,
    };
    let noticed = AccountEvent::Security {
        what: SecurityNotice::RefreshReused,
        session: STOLEN,
        at,
        grant: None,
    };
    writer.entry(vec![ended, noticed], &state).await;
    state.characters.push(HERO);
    let added = AccountEvent::CharacterAdded { character: HERO };
    writer.entry(vec![added], &state).await;
}

async fn name(realm: &Realm) {
    let mut writer = Writer::of(realm, Domain::Name, &NAME.to_string());
    let until = UnixMillis(realm.at().0 + 60_000);
    let reserved = NameEvent::Reserved {
        character: HERO,
        account: CLEO,
        until,
    };
    let mut state = Name {
        character: Some(HERO),
        account: Some(CLEO),
        until: Some(until),
    };
    writer.entry(vec![reserved], &state).await;
    state.until = None;
    let kept = NameEvent::Kept { character: HERO };
    writer.entry(vec![kept], &state).await;
}
