//! Every order of messages between areas and the lobby leaves the character in exactly one place.
//!
//! The lobby is the real one, driven message by message; areas are the small [`model`]. Messages
//! are delivered in any order, twice, or not at all; players join, resume, walk through doors,
//! log out and lose their links, delete and restore the character whenever chance says so. After each step the character is in one
//! place; when the noise ends and everything has arrived, the newest session has it, or nobody if
//! its owner has deleted it.

mod model;

use eventlog::keyed::{EntryOf, Handling, step};
use eventlog::outbox;
use proptest::prelude::*;
use schemas::effect::{EffectMessage, EffectPayload};
use schemas::keyed::KeyedMessage;
use schemas::lobby::{LobbyCommand, LobbyReply, Place};
use schemas::subjects::AggregateId;
use schemas::{
    AccountId, Digest, EdgeId, Incarnation, LoginId, Sequence, SessionFence, UnixMillis,
};

use self::model::{ANN, AREAS, Letter, ModelArea, area};
use super::Characters;
use crate::tickets::Tickets;
use crate::tickets::tests::{PRIVATE, SECRET};

const OWNER: AccountId = AccountId(70);

/// What a player's client holds: its session, once it has seen it in an area, and how many
/// commands it has had accepted in it.
#[derive(Debug, Default)]
struct Client {
    session: SessionFence,
    ready: bool,
    accepted: u32,
}

struct Realm {
    rules: Characters,
    lobby: Option<EntryOf<Characters>>,
    areas: Vec<ModelArea>,
    /// On the way, in no order.
    letters: Vec<Letter>,
    client: Client,
    /// Also the lobby's command sequence.
    clock: u64,
}

impl Realm {
    fn new() -> Self {
        let tickets = Tickets::new(SECRET, PRIVATE).unwrap();
        let mut realm = Self {
            rules: Characters::new(tickets, area(0), "start"),
            lobby: None,
            areas: (0..AREAS).map(ModelArea::new).collect(),
            letters: Vec::new(),
            client: Client::default(),
            clock: 1_000,
        };
        realm.ask(LobbyCommand::Create {
            character: ANN,
            account: OWNER,
            name: Default::default(),
        });
        realm
    }

    fn act(&mut self, kind: u8, choice: usize) {
        self.clock += 1;
        let now = UnixMillis(self.clock);
        match kind {
            0..12 => self.deliver(choice, false),
            12..14 => self.deliver(choice, true),
            14..16 if !self.letters.is_empty() => {
                let lost = choice % self.letters.len();
                self.letters.swap_remove(lost);
            }
            16..18 => self.send_all_again(),
            18 => self.join(),
            19 => self.resume(),
            20..23 => {
                let (from, to) = (choice % AREAS, choice / AREAS % AREAS);
                let letters = self.areas[from].door(to, now);
                self.letters.extend(letters);
            }
            23 => {
                let letters = self.areas[choice % AREAS].leave(choice.is_multiple_of(2), now);
                self.letters.extend(letters);
            }
            24 => self.areas[choice % AREAS].forget_the_gone(),
            25 => self.areas[choice % AREAS].full ^= true,
            26 if choice.is_multiple_of(8) => self.delete(),
            26 => self.restore(),
            _ => self.command(),
        }
        self.look();
        self.check();
    }

    fn deliver(&mut self, choice: usize, and_keep: bool) {
        if self.letters.is_empty() {
            return;
        }
        let chosen = choice % self.letters.len();
        let letter = if and_keep {
            self.letters[chosen].clone()
        } else {
            self.letters.swap_remove(chosen)
        };
        match (letter.to, letter.message) {
            (AggregateId::Area(to), message) => {
                let at = self.areas.iter_mut().find(|a| a.id == to).unwrap();
                self.letters
                    .extend(at.receive(message, UnixMillis(self.clock)));
            }
            (AggregateId::Character(_), message) => {
                self.lobby_receives(match message {
                    model::Message::Effect(effect) => KeyedMessage::Effect(effect),
                    model::Message::Confirmation(receipt) => KeyedMessage::Confirmation(receipt),
                });
            }
            (AggregateId::Control(area), _) => {
                panic!("nobody here writes to the control of {area}")
            }
        }
    }

    fn lobby_receives(&mut self, message: KeyedMessage<LobbyCommand>) -> Option<LobbyReply> {
        self.clock += 1;
        let handling = Handling {
            incarnation: Incarnation(1),
            sequence: Sequence(self.clock),
            stored_at: UnixMillis(self.clock),
            now: UnixMillis(self.clock),
        };
        let key = ANN.to_string();
        let step = step(&self.rules, &key, self.lobby.as_ref(), &message, &handling);
        let me = AggregateId::Character(ANN);
        for effect in step.effects {
            self.letters.push(Letter::effect(&me, effect));
        }
        if let Some((source, up_to)) = step.confirm {
            self.letters.push(Letter::receipt(source, &me, up_to));
        }
        self.lobby = step.entry.or(self.lobby.take());
        step.reply?.result.ok()
    }

    fn ask(&mut self, body: LobbyCommand) -> Option<LobbyReply> {
        self.lobby_receives(KeyedMessage::Command {
            request: 1,
            reply: Some("reply.0.1".into()),
            body,
        })
    }

    fn join(&mut self) {
        let now = UnixMillis(self.clock);
        let asked = Sequence(self.clock + 1);
        self.ask(LobbyCommand::Start {
            character: ANN,
            account: OWNER,
            now,
            login: LoginId(9),
            protocol: 1,
            company: None,
        });
        let ticket_now = self.lobby.as_ref().and_then(|l| l.state.ticket.clone());
        let admits = ticket_now.map(|known| known.admits).unwrap_or_default();
        let ticket: Digest = self.rules.tickets.digest(ANN, asked);
        let joined = self.ask(LobbyCommand::Join {
            character: ANN,
            ticket,
            edge: EdgeId(self.clock),
            now,
            admits,
        });
        // Else the lobby is waiting for too many confirmations.
        if let Some(LobbyReply::Joined { session, .. }) = joined {
            self.client = Client {
                session,
                ..Client::default()
            };
        }
    }

    fn resume(&mut self) {
        // The token is given out once the session has been seen.
        if !self.client.ready {
            return;
        }
        let resumed = self.ask(LobbyCommand::Resume {
            character: ANN,
            session: self.client.session,
            edge: EdgeId(self.clock),
        });
        if let Some(LobbyReply::Joined { session, .. }) = resumed {
            (self.client.session, self.client.ready) = (session, false);
        }
    }

    fn delete(&mut self) {
        self.ask(LobbyCommand::Delete {
            character: ANN,
            account: OWNER,
        });
    }

    fn restore(&mut self) {
        self.ask(LobbyCommand::Restore {
            character: ANN,
            account: OWNER,
        });
    }

    /// The client's edge sees the session in an area.
    fn look(&mut self) {
        let session = self.client.session;
        let bodies = self.areas.iter().filter_map(|area| area.body.as_ref());
        self.client.ready |= bodies.into_iter().any(|body| body.session == session);
    }

    fn command(&mut self) {
        let session = self.client.session;
        let mut bodies = self.areas.iter_mut().filter_map(|area| area.body.as_mut());
        if let Some(body) = bodies.find(|body| body.session == session) {
            body.last_seq += 1;
            self.client.accepted += 1;
        }
    }

    fn send_all_again(&mut self) {
        let me = AggregateId::Character(ANN);
        let pending = self.lobby.iter().flat_map(|entry| &entry.outbox.pending);
        let letters = pending.map(|effect| Letter::effect(&me, effect.clone()));
        self.letters.extend(letters);
        for area in &self.areas {
            self.letters.extend(area.pending());
        }
    }

    /// Exactly one place, and the client's commands neither forgotten nor counted twice.
    fn check(&self) {
        let me = AggregateId::Character(ANN);
        let lobby = self.lobby.as_ref().unwrap();
        let kept = matches!(lobby.state.place, Some(Place::Lobby(_)));
        let standing = self.areas.iter().filter(|area| area.body.is_some()).count();
        let to_areas = lobby.outbox.pending.iter().filter(|effect| {
            let target = self.areas.iter().find(|a| a.name() == effect.target);
            carries(&effect.payload) && target.unwrap().has_not_had(&me, effect.number)
        });
        let from_areas = self.areas.iter().flat_map(|source| {
            source.outbox.pending.iter().filter(|effect| {
                let source = source.name();
                let target = self.areas.iter().find(|a| a.name() == effect.target);
                carries(&effect.payload)
                    && match target {
                        Some(target) => target.has_not_had(&source, effect.number),
                        None => matches!(
                            outbox::arrival(&lobby.outbox, &source, effect.number),
                            outbox::Arrival::Next | outbox::Arrival::Gap
                        ),
                    }
            })
        });
        let places = usize::from(kept) + standing + to_areas.count() + from_areas.count();
        assert_eq!(places, 1, "the places where the character is");

        let session = self.client.session;
        for body in self.areas.iter().filter_map(|area| area.body.as_ref()) {
            if body.session == session {
                assert_eq!(body.last_seq, self.client.accepted, "accepted commands");
            }
        }
    }

    /// The noise ends: everything is sent again until nothing is left to send.
    fn settle(&mut self) {
        self.areas.iter_mut().for_each(|area| area.full = false);
        for _ in 0..100 {
            self.letters.clear();
            self.send_all_again();
            if self.letters.is_empty() {
                return;
            }
            while !self.letters.is_empty() {
                self.clock += 1;
                self.letters.reverse();
                self.deliver(self.letters.len() - 1, false);
                self.letters.reverse();
                self.look();
                self.check();
            }
        }
        panic!("effects go round in circles");
    }

    fn check_settled(&self) {
        let lobby = &self.lobby.as_ref().unwrap().state;
        for area in &self.areas {
            let Some(body) = &area.body else { continue };
            assert!(!lobby.over, "whom its owner deleted has left the world");
            assert_eq!(body.session, lobby.session, "the newest session has it");
            assert_eq!(
                lobby.place,
                Some(Place::World(area.id.clone())),
                "and the lobby knows where"
            );
        }
    }
}

/// Whether the character itself is in it.
const fn carries(payload: &EffectPayload) -> bool {
    matches!(
        payload,
        EffectPayload::Enter { .. } | EffectPayload::Returned { .. }
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_character_is_never_lost_nor_doubled_and_the_newest_session_gets_it(
        actions in prop::collection::vec((0_u8..30, any::<usize>()), 1..200),
    ) {
        let mut realm = Realm::new();
        for (kind, choice) in actions {
            realm.act(kind, choice);
        }
        realm.settle();
        realm.check_settled();
    }
}

#[test]
fn the_model_reaches_every_kind_of_effect() {
    let mut seen = std::collections::BTreeSet::new();
    let mut realm = Realm::new();
    let mut chance = 1_u64;
    for _ in 0..20_000 {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let choice = usize::try_from(chance >> 33).unwrap();
        realm.act(u8::try_from(choice % 30).unwrap(), choice / 30);
        for letter in &realm.letters {
            if let model::Message::Effect(EffectMessage { effect, .. }) = &letter.message {
                seen.insert(match effect.payload {
                    EffectPayload::Steer { .. } => "steer",
                    EffectPayload::Enter { .. } => "enter",
                    EffectPayload::TakeSession { resumed: true, .. } => "take_session, resumed",
                    EffectPayload::TakeSession { .. } => "take_session",
                    EffectPayload::LeaveWorld { .. } => "leave_world",
                    EffectPayload::Located { .. } => "located",
                    EffectPayload::Returned { .. } => "returned",
                    EffectPayload::NotHere { .. } => "not_here",
                });
            }
        }
        realm.letters.truncate(50);
    }
    let all = [
        "enter",
        "leave_world",
        "located",
        "not_here",
        "returned",
        "take_session",
        "take_session, resumed",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}
