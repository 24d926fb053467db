//! Persons are erased against the twin of the broker, with identity and lobby as they are.

use std::time::Duration;

use clap::Parser;
use identity::keys::KeyPair;
use runtime::{Ctx, Shutdown};
use schemas::account::{Account, AccountCommand, AccountEvent};
use schemas::keyed::{KeyedEntry, KeyedMessage, Outbox};
use schemas::lobby::{Character, LobbyEvent, Place};
use schemas::person::BUCKET;
use schemas::sealed::Sealed;
use schemas::subjects::{Domain, account_key, keyed_command, keyed_events};
use schemas::{AccountId, CharacterId, Digest, Sequence, UnixMillis, encode};
use serde::Serialize;

use super::eraser::Erased;
use super::*;
use crate::character::newest;
use crate::cli::{Cli, Command};

const REALM: [u8; 32] = [7; 32];
const IDENTITY: &str = "0123456789abcdef0123456789abcdef";
const LOBBY: &str = "fedcba9876543210fedcba9876543210";
const ANN: AccountId = AccountId(1);
const BEN: AccountId = AccountId(2);
const ANNS: CharacterId = CharacterId(11);
const ANNS_SECOND: CharacterId = CharacterId(12);

/// A realm with a list of erasures.
struct Desk {
    log: EventLog,
    dir: tempfile::TempDir,
    shutdown: Shutdown,
}

fn order() -> Order {
    Order {
        by: "kim".into(),
        reason: "request 81".into(),
    }
}

fn secrets() -> Secrets {
    Secrets {
        realm: RealmKey::from_bytes(REALM),
        locator: Locator::of_realm(REALM),
        identity: ErasureKey::of_secret(IDENTITY),
        lobby: ErasureKey::of_secret(LOBBY),
    }
}

/// As everything was sealed before persons had keys.
fn old(name: &str) -> Sealed {
    RealmKey::from_bytes(REALM).seal(name)
}

fn account(name: Sealed, characters: Vec<CharacterId>) -> Account {
    Account {
        proof: Some(Digest::of(b"a token")),
        characters,
        name,
        ..Account::default()
    }
}

fn character(name: Sealed, place: Place) -> Character {
    Character {
        account: Some(ANN),
        name,
        place: Some(place),
        ..Character::default()
    }
}

impl Desk {
    fn new() -> Self {
        Self {
            log: EventLog::in_memory().0,
            dir: tempfile::tempdir().unwrap(),
            shutdown: Shutdown::new(),
        }
    }

    fn ledger(&self) -> Ledger {
        Ledger::beside(&self.dir.path().join("keys.toml"))
    }

    async fn eraser(&self) -> Eraser {
        let begun = Eraser::begin(self.log.clone(), secrets(), self.ledger()).await;
        begun.unwrap()
    }

    /// Puts down the newest entry of a key.
    async fn put<E: Serialize>(&self, domain: Domain, key: &str, state: impl Serialize) {
        let commands = self.log.stream_info(domain.command_stream()).await.unwrap();
        let entry = KeyedEntry::<E, _> {
            v: 1,
            at: UnixMillis(1),
            incarnation: commands.incarnation,
            handled: Sequence(0),
            events: Vec::new(),
            state,
            outbox: Outbox::default(),
            answered: None,
        };
        let mut pen = self.log.appender(&keyed_events(domain, key)).await.unwrap();
        pen.append(encode(&entry).into(), None).await.unwrap();
    }

    async fn account(&self, id: AccountId, state: Account) {
        let key = account_key(id);
        self.put::<AccountEvent>(Domain::Identity, &key, state)
            .await;
    }

    async fn character(&self, id: CharacterId, state: Character) {
        let key = id.to_string();
        self.put::<LobbyEvent>(Domain::Lobby, &key, state).await;
    }

    async fn is_erased(&self, id: AccountId) -> bool {
        let key = account_key(id);
        let entry = newest::<AccountEvent, Account>(&self.log, Domain::Identity, &key).await;
        entry.unwrap().unwrap().state.erased.is_some()
    }

    /// Identity and lobby, until the desk is left.
    fn serve(&self) {
        let ctx = || Ctx::new(self.shutdown.clone());
        let identity = identity::Config {
            secret: IDENTITY.to_owned().into(),
            locator_key: "07".repeat(32).into(),
            ..identity::Config::default()
        };
        let lobby = lobby::Config {
            secret: LOBBY.to_owned().into(),
            signing_key: KeyPair::from_seed([9; 32]).private.into(),
            ..lobby::Config::default()
        };
        drop(tokio::spawn(identity::run(
            identity,
            self.log.clone(),
            ctx(),
        )));
        drop(tokio::spawn(lobby::run(lobby, self.log.clone(), ctx())));
    }

    /// `worldline player erase --again`
    async fn again(&self) -> anyhow::Result<ExitCode> {
        let line = ["worldline", "player", "erase", "--again", "--json"];
        let Command::Player(args) = Cli::try_parse_from(line)?.command else {
            anyhow::bail!("another command");
        };
        run(self.log.clone(), secrets(), self.ledger(), args).await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

fn says_old(erased: &Erased) -> bool {
    let mut left = erased.left.iter();
    left.any(|what| what.contains("before persons had keys"))
}

#[tokio::test]
async fn who_cannot_be_erased_again_keeps_nobody_else_waiting() {
    let desk = Desk::new();
    desk.serve();
    // Nobody here has the id 7: they came after the backup that was restored.
    for id in [AccountId(7), ANN, BEN] {
        desk.ledger().note(id, &order(), false).unwrap();
    }
    let (anns, bens) = (Sealed::default(), Sealed::default());
    desk.account(ANN, account(anns, Vec::new())).await;
    desk.account(BEN, account(bens, Vec::new())).await;
    let code = desk.again().await.unwrap();
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    assert!(desk.is_erased(ANN).await && desk.is_erased(BEN).await);
}

#[tokio::test]
async fn an_error_is_what_is_left_of_one_person() {
    let desk = Desk::new();
    desk.serve();
    for id in [ANN, BEN] {
        desk.ledger().note(id, &order(), false).unwrap();
        desk.account(id, account(Sealed::default(), Vec::new()))
            .await;
    }
    let keys = desk.log.bucket(BUCKET).await.unwrap();
    let others = RealmKey::from_bytes([8; 32]).draw(ANN);
    let (key, others) = (ANN.to_string(), encode(&others).into());
    keys.put(&key, others).await.unwrap();
    let code = desk.again().await.unwrap();
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    assert!(!desk.is_erased(ANN).await && desk.is_erased(BEN).await);
}

#[tokio::test]
async fn what_was_asked_for_before_the_order_is_erased_with_the_rest() {
    let desk = Desk::new();
    desk.account(ANN, account(Sealed::default(), vec![ANNS]))
        .await;
    let key = account_key(ANN);
    let asked = KeyedMessage::Command {
        request: 1,
        reply: None,
        body: AccountCommand::AddCharacter {
            account: ANN,
            character: ANNS_SECOND,
        },
    };
    let commands = keyed_command(Domain::Identity, &key);
    let asked = desk.log.send(&commands, encode(&asked).into(), None).await;
    let asked = asked.unwrap();
    let eraser = desk.eraser().await;
    let order = order();
    let erasing = eraser.erase(ANN, &order);
    // Identity is away until the order waits behind what was asked for.
    let serving = async {
        while desk.log.last(&commands).await.unwrap().unwrap().sequence == asked {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        desk.serve();
    };
    let (erased, ()) = tokio::join!(erasing, serving);
    let erased = erased.unwrap();
    for id in [ANNS, ANNS_SECOND] {
        let what = format!("character {id}");
        assert!(erased.done.contains(&what), "{erased:?}");
    }
    assert!(erased.left.is_empty(), "{erased:?}");
}

#[tokio::test]
async fn old_text_is_left_however_often_it_is_asked_for() {
    let desk = Desk::new();
    desk.serve();
    desk.account(ANN, account(old("Ann"), Vec::new())).await;
    for _ in 0..2 {
        let erased = desk.eraser().await.erase(ANN, &order()).await.unwrap();
        assert!(says_old(&erased), "{erased:?}");
    }
}

#[tokio::test]
async fn old_text_is_left_also_while_a_character_is() {
    let desk = Desk::new();
    desk.serve();
    desk.account(ANN, account(old("Ann"), vec![ANNS])).await;
    // No area will ever answer.
    let far = Place::World("harbor-9".parse().unwrap());
    desk.character(ANNS, character(Sealed::default(), far))
        .await;
    for _ in 0..2 {
        let mut eraser = desk.eraser().await;
        eraser.leaving = Duration::ZERO;
        let erased = eraser.erase(ANN, &order()).await.unwrap();
        let mut left = erased.left.iter();
        assert!(left.any(|what| what.contains("still in the world")));
        assert!(says_old(&erased), "{erased:?}");
    }
}
