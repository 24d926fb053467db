//! A small realm whose log is written by the real rules: areas decide ticks, the lobby its entries,
//! and messages between them go through the log. Only the clock is the test's, so that the same
//! script always gives the same log but for what is random by nature.
#![allow(dead_code, reason = "each test uses its part of the realm")]

pub(crate) mod archive;
mod area;
pub(crate) mod forged;
pub(crate) mod people;

use std::collections::{BTreeMap, HashMap};

use eventlog::keyed::{EntryOf, Handling, step};
use eventlog::outbox::{Outgoing, confirmation_message, effect_message};
use eventlog::{Aggregate, EventLog, Follow};
use lobby::{Characters, Tickets};
use schemas::account::{Account, AccountEvent};
use schemas::command::{AreaMessage, PlayerAsk, PlayerBatch, PlayerCommand};
use schemas::control::{AreaControl, ControlEvent};
use schemas::keyed::{KeyedEntry, KeyedMessage, Outbox};
use schemas::lobby::LobbyCommand;
use schemas::sealed::{RealmKey, Sealed};
use schemas::segment::InputBits;
use schemas::subjects::{AggregateId, Domain, Sender, area_command, keyed_command, keyed_events};
use schemas::{
    AccountId, AreaId, CharacterId, ClientSeq, Digest, EdgeId, Incarnation, LoginId, Sequence,
    UnixMillis,
};
use serde::Serialize;

pub(crate) use area::Area;

/// 2023-11-14T22:13:20Z: when every realm begins.
pub(crate) const BEGINNING: u64 = 1_700_000_000_000;
/// The edge through which everybody comes.
pub(crate) const EDGE: EdgeId = EdgeId(0xed6e);
/// The key pair printed in RFC 8410, section 10.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

/// What the lobby of this realm derives from.
pub(crate) const LOBBY_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The key under which people's texts are sealed.
pub(crate) fn realm_key() -> RealmKey {
    RealmKey::from_bytes([7; 32])
}

/// Everything that writes to the log.
pub(crate) struct Realm {
    /// The log.
    pub(crate) log: EventLog,
    now: u64,
    areas: BTreeMap<AreaId, Area>,
    lobby: Characters,
    lobby_read: Sequence,
    entries: HashMap<String, EntryOf<Characters>>,
    seqs: HashMap<CharacterId, ClientSeq>,
    requests: u64,
}

pub(crate) fn area_id(name: &str) -> AreaId {
    AreaId::new(name).unwrap()
}

impl Realm {
    /// An empty one in the memory twin.
    pub(crate) fn new() -> Self {
        Self::on(EventLog::in_memory().0)
    }

    /// One whose log is `log`, which is empty.
    pub(crate) fn on(log: EventLog) -> Self {
        let tickets = Tickets::new(LOBBY_SECRET, PEM).unwrap();
        Self {
            log,
            now: BEGINNING,
            areas: BTreeMap::new(),
            // Close to the door.
            lobby: Characters::new(tickets, area_id("harbor-1"), "from-forest"),
            lobby_read: Sequence(0),
            entries: HashMap::new(),
            seqs: HashMap::new(),
            requests: 0,
        }
    }

    pub(crate) fn at(&self) -> UnixMillis {
        UnixMillis(self.now)
    }

    /// Appends an entry of a keyed aggregate that nobody else writes.
    pub(crate) async fn entry<E: Serialize, S: Serialize>(
        &self,
        domain: Domain,
        key: &str,
        handled: u64,
        event: E,
        state: S,
    ) {
        let entry = KeyedEntry {
            v: 1,
            at: self.at(),
            incarnation: Incarnation(1),
            handled: Sequence(handled),
            events: vec![event],
            state,
            outbox: Outbox::default(),
            answered: None,
        };
        self.append(&keyed_events(domain, key), schemas::encode(&entry))
            .await;
    }

    /// Appends raw bytes on an event subject.
    pub(crate) async fn append(&self, subject: &str, payload: Vec<u8>) -> Sequence {
        let mut appender = self.log.appender(subject).await.unwrap();
        appender.append(payload.into(), None).await.unwrap()
    }

    /// Opens an area and has `worker` own it.
    pub(crate) async fn open(&mut self, name: &str, worker: &str) {
        let area = area_id(name);
        let opened = ControlEvent::AreaOpened {
            area: area.clone(),
            map: area.map().to_owned(),
            seed: 1,
        };
        let state = AreaControl {
            map: Some(area.map().to_owned()),
            seed: 1,
            ..AreaControl::default()
        };
        self.entry(Domain::Control, name, 1, opened, state).await;
        let mut owned = Area::restore(&self.log, &area).await;
        owned.own(worker, self.at()).await;
        self.areas.insert(area, owned);
    }

    /// Has another worker take an area over.
    pub(crate) async fn take_over(&mut self, name: &str, worker: &str) {
        let area = area_id(name);
        let mut owned = Area::restore(&self.log, &area).await;
        owned.own(worker, self.at()).await;
        self.areas.insert(area, owned);
    }

    /// A guest registers and creates the one character.
    pub(crate) async fn guest(&mut self, number: u64, name: &str) -> CharacterId {
        let (account, character) = (AccountId(number * 1000), CharacterId(number));
        let name = realm_key().seal(name);
        let event = AccountEvent::GuestRegistered {
            proof: Digest::of(&[1]),
            account,
            character,
            name: name.clone(),
        };
        let state = Account {
            proof: Some(Digest::of(&[1])),
            characters: vec![character],
            name: name.clone(),
            logins: 1,
            since: self.at(),
            ..Account::default()
        };
        self.entry(Domain::Identity, &account.to_string(), number, event, state)
            .await;
        let create = LobbyCommand::Create {
            character,
            account,
            name,
        };
        self.ask(character, create).await;
        character
    }

    /// Asks the lobby something.
    pub(crate) async fn ask(&mut self, character: CharacterId, body: LobbyCommand) {
        self.requests += 1;
        let message = KeyedMessage::Command {
            request: self.requests,
            reply: None,
            body,
        };
        let subject = keyed_command(Domain::Lobby, &character.to_string());
        let payload = schemas::encode(&message).into();
        self.log.send(&subject, payload, None).await.unwrap();
        self.lobby_turn().await;
    }

    /// The character comes into the world (or a new session takes it over).
    pub(crate) async fn join(&mut self, character: CharacterId) {
        let account = AccountId(character.0 * 1000);
        let now = self.at();
        let start = LobbyCommand::Start {
            character,
            account,
            now,
            login: LoginId(character.0 * 10),
            protocol: 1,
            company: None,
        };
        self.ask(character, start).await;
        let entry = &self.entries[&character.to_string()];
        let known = entry.state.ticket.clone().unwrap();
        let join = LobbyCommand::Join {
            character,
            ticket: known.id,
            edge: EDGE,
            now,
            admits: known.admits,
        };
        self.ask(character, join).await;
        self.seqs.insert(character, 0);
        self.tick().await;
    }

    /// The lobby handles what has come for it.
    pub(crate) async fn lobby_turn(&mut self) {
        let stream = Domain::Lobby.command_stream();
        let incarnation = self.log.stream_info(stream).await.unwrap().incarnation;
        loop {
            let mut reader = self
                .log
                .read(stream, Vec::new(), self.lobby_read, Follow::UntilHead);
            let Some(record) = reader.next().await.unwrap() else {
                return;
            };
            self.lobby_read = record.sequence;
            let received = KeyedMessage::<LobbyCommand>::received(&record.subject, &record.payload);
            let (key, message) = received.unwrap();
            let handling = Handling {
                incarnation,
                sequence: record.sequence,
                // The broker's clock would tell when the test ran.
                stored_at: self.at(),
                now: self.at(),
            };
            let last = self.entries.get(&key);
            let step = step(&self.lobby, &key, last, &message, &handling);
            let me = self.lobby.id(&key).unwrap();
            let mut written = Sequence(0);
            if let Some(entry) = step.entry {
                let subject = keyed_events(Domain::Lobby, &key);
                written = self.append(&subject, schemas::encode(&entry)).await;
                self.entries.insert(key, entry);
            }
            for effect in &step.effects {
                let events = Domain::Lobby.event_stream();
                self.deliver(effect_message(&me, events, written, effect))
                    .await;
            }
            if let Some((source, up_to)) = &step.confirm {
                self.deliver(confirmation_message(source, &me, *up_to))
                    .await;
            }
        }
    }

    async fn deliver(&self, message: Outgoing) {
        let sent = self.log.send(&message.subject, message.payload, None);
        sent.await.unwrap();
    }

    /// A player asks something of the area in which it stands.
    pub(crate) async fn player(&mut self, character: CharacterId, ask: PlayerAsk) {
        let seq = self.seqs.entry(character).or_default();
        *seq += 1;
        let seq = *seq;
        let (area, session) = self.whereabouts(character);
        self.command(&area, character, session, seq, ask).await;
    }

    fn whereabouts(&self, character: CharacterId) -> (AreaId, schemas::SessionFence) {
        let found = self.areas.iter().find_map(|(name, area)| {
            let body = area.state.by_character(character)?;
            Some((name.clone(), body.session))
        });
        found.expect("it is in the world")
    }

    /// In which area a character stands.
    pub(crate) fn area_of(&self, character: CharacterId) -> Option<&AreaId> {
        let (area, _) = self
            .areas
            .iter()
            .find(|(_, area)| area.state.by_character(character).is_some())?;
        Some(area)
    }

    /// One command, whatever its numbers.
    pub(crate) async fn command(
        &self,
        area: &AreaId,
        character: CharacterId,
        session: schemas::SessionFence,
        seq: ClientSeq,
        ask: PlayerAsk,
    ) {
        let batch = PlayerBatch {
            edge: EDGE,
            commands: vec![PlayerCommand {
                character,
                session,
                seq,
                ask,
            }],
            alive: Vec::new(),
        };
        self.message(area, &schemas::encode(&AreaMessage::Players(batch)))
            .await;
    }

    /// Raw bytes in an area's command stream.
    pub(crate) async fn message(&self, area: &AreaId, payload: &[u8]) {
        let subject = area_command(area, &Sender::Edge(EDGE));
        let payload = payload.to_vec().into();
        self.log.send(&subject, payload, None).await.unwrap();
    }

    pub(crate) async fn hold(&mut self, character: CharacterId, bits: InputBits) {
        let ask = PlayerAsk::Input {
            bits,
            client_step: 0,
            view_step: 0,
        };
        self.player(character, ask).await;
    }

    pub(crate) async fn say(&mut self, character: CharacterId, text: &str) {
        let text: Sealed = realm_key().seal(text);
        self.player(character, PlayerAsk::Say { text }).await;
    }

    /// Time passes, and nothing happens.
    pub(crate) const fn sleep(&mut self, millis: u64) {
        self.now += millis;
    }

    /// One tick of every area, then the lobby's turn.
    pub(crate) async fn tick(&mut self) {
        self.now += 40;
        let at = self.at();
        let mut sent = Vec::new();
        for area in self.areas.values_mut() {
            sent.extend(area.tick(at).await);
        }
        for message in sent {
            self.deliver(message).await;
        }
        self.lobby_turn().await;
    }

    pub(crate) async fn ticks(&mut self, count: u32) {
        for _ in 0..count {
            self.tick().await;
        }
    }

    /// The owner puts an empty area to sleep.
    pub(crate) async fn hibernate(&mut self, name: &str) {
        let at = self.at();
        let area = self.areas.get_mut(&area_id(name)).unwrap();
        area.rest(schemas::fact::Fact::Hibernated {}, at).await;
    }

    /// Nobody owns the area any more.
    pub(crate) fn abandon(&mut self, name: &str) {
        self.areas.remove(&area_id(name));
    }

    /// The area as a source of effects.
    pub(crate) fn id(name: &str) -> AggregateId {
        AggregateId::Area(area_id(name))
    }

    /// The state of an area, as its owner has it.
    pub(crate) fn state(&self, name: &str) -> &world::AreaState {
        &self.areas[&area_id(name)].state
    }
}

/// Two players in two areas: walking, talking, a door, a refusal, an outdated session, a new owner, a logout.
pub(crate) async fn busy_day() -> Realm {
    let mut realm = Realm::new();
    play(&mut realm).await;
    realm
}

/// See [`busy_day`].
pub(crate) async fn play(realm: &mut Realm) {
    realm.open("harbor-1", "w1").await;
    realm.open("forest-1", "w1").await;
    let ann = realm.guest(1, "Ann").await;
    let ben = realm.guest(2, "Ben").await;
    realm.join(ann).await;
    realm.join(ben).await;
    realm.ticks(5).await;
    realm.say(ann, "hello, Ben").await;
    realm.player(ben, PlayerAsk::UseDoor).await;
    realm.tick().await;
    realm.message(&area_id("harbor-1"), b"not a message").await;
    walk_to_forest(realm, ann).await;
    realm.say(ann, "a forest!").await;
    realm.tick().await;
    realm.take_over("harbor-1", "w2").await;
    // A second session takes Ben over; the first one's commands are refused.
    let (area, old) = realm.whereabouts(ben);
    realm.join(ben).await;
    let late = PlayerAsk::Leave;
    realm.command(&area, ben, old, 9, late).await;
    realm.hold(ben, InputBits::LEFT).await;
    realm.ticks(3).await;
    realm.hold(ben, InputBits::default()).await;
    realm.ticks(2).await;
    realm.player(ben, PlayerAsk::Leave).await;
    realm.ticks(4).await;
    realm.hibernate("harbor-1").await;
}

/// Through the door that is a few steps to the right.
pub(crate) async fn walk_to_forest(realm: &mut Realm, who: CharacterId) {
    realm.hold(who, InputBits::RIGHT).await;
    for _ in 0..60 {
        realm.player(who, PlayerAsk::UseDoor).await;
        realm.tick().await;
        if realm.area_of(who) != Some(&area_id("harbor-1")) {
            break;
        }
    }
    realm.ticks(4).await;
    assert_eq!(realm.area_of(who), Some(&area_id("forest-1")));
}
