//! The lobby as a test wants it: everybody may join, where the test has put them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use eventlog::{EventLog, Follow, Record};
use schemas::command::AreaMessage;
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::keyed::{KeyedMessage, Refusal, Reply};
use schemas::lobby::{LobbyCommand, LobbyReply};
use schemas::name::{NameCommand, NameReply};
use schemas::subjects::{AggregateId, Domain};
use schemas::{AccountId, AreaId, CharacterId, Digest, EdgeId, LoginId, SessionFence, UnixMillis};
use serde::Serialize;

use crate::stage::{area, realm_key};

#[derive(Clone)]
pub struct Lobby {
    log: EventLog,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    characters: HashMap<CharacterId, Seat>,
    used: HashSet<Digest>,
    start: Option<(AreaId, String)>,
    believed: Option<AreaId>,
}

struct Seat {
    session: SessionFence,
    area: AreaId,
    sent: u64,
    in_world: bool,
}

impl Lobby {
    pub fn new(log: &EventLog) -> Self {
        Self {
            log: log.clone(),
            state: Arc::default(),
        }
    }

    /// Newcomers appear here.
    pub fn start_at(&self, name: &str, spawn: &str) {
        self.state.lock().expect("whole").start = Some((area(name), spawn.into()));
    }

    /// The lobby answers that everybody is there, whatever is true.
    pub fn believe_in(&self, name: &str) {
        self.state.lock().expect("whole").believed = Some(area(name));
    }

    pub async fn run(self) {
        let all = |domain: Domain| {
            let stream = domain.command_stream();
            self.log
                .read(stream, Vec::new(), Default::default(), Follow::Tail)
        };
        let (mut lobby, mut names) = (all(Domain::Lobby), all(Domain::Name));
        loop {
            tokio::select! {
                record = lobby.next() => self.lobby_command(&record.expect("the twin").expect("tail")).await,
                record = names.next() => self.name_command(&record.expect("the twin").expect("tail")).await,
            }
        }
    }

    /// Every name is free.
    async fn name_command(&self, record: &Record) {
        let (request, reply, _) = question::<NameCommand>(record);
        self.reply(request, &reply, Ok(NameReply::Done)).await;
    }

    async fn lobby_command(&self, record: &Record) {
        let (request, reply, command) = question::<LobbyCommand>(record);
        let (result, effect) = self.decide(command);
        if let Some((target, effect)) = effect {
            let about = effect.effect.payload.character();
            let source = AggregateId::Character(about.expect("about a character"));
            let subject = AggregateId::Area(target).command_subject(&source);
            let bytes = schemas::encode(&AreaMessage::Effect(effect));
            self.log
                .send(&subject, bytes.into(), None)
                .await
                .expect("taken");
        }
        self.reply(request, &reply, result).await;
    }

    fn decide(
        &self,
        command: LobbyCommand,
    ) -> (Result<LobbyReply, Refusal>, Option<(AreaId, EffectMessage)>) {
        let mut state = self.state.lock().expect("whole");
        match command {
            LobbyCommand::Create { character, .. } => (Ok(LobbyReply::Created { character }), None),
            LobbyCommand::Start {
                character, account, ..
            } if account.0 != character.0 => (
                Err(Refusal::new("not_yours", "this is not your character")),
                None,
            ),
            LobbyCommand::Start { .. } => {
                let (ticket, expires_at) = ("t".into(), UnixMillis(1));
                let area = state
                    .start
                    .clone()
                    .map_or(area("harbor-1"), |(start, _)| start);
                let ticket = LobbyReply::Ticket {
                    ticket,
                    expires_at,
                    area,
                };
                (Ok(ticket), None)
            }
            LobbyCommand::Join { ticket, .. } if !state.used.insert(ticket) => (
                Err(Refusal::new("ticket_used", "the ticket has been used")),
                None,
            ),
            LobbyCommand::Join {
                character, edge, ..
            } => state.join(character, edge, false),
            LobbyCommand::Resume {
                character,
                session,
                edge,
            } => match state.characters.get(&character) {
                Some(seat) if seat.session == session => state.join(character, edge, true),
                _ => (
                    Err(Refusal::new("stale_session", "a newer session took over")),
                    None,
                ),
            },
            LobbyCommand::Delete { .. }
            | LobbyCommand::Restore { .. }
            | LobbyCommand::Erase { .. }
            | LobbyCommand::Reclaim { .. } => (Ok(LobbyReply::Done), None),
        }
    }

    async fn reply<R: Serialize>(&self, request: u64, to: &str, result: Result<R, Refusal>) {
        let bytes = schemas::encode(&Reply { request, result });
        self.log
            .publish_core(to, bytes.into())
            .await
            .expect("connected");
    }
}

impl State {
    fn join(
        &mut self,
        character: CharacterId,
        edge: EdgeId,
        resumed: bool,
    ) -> (Result<LobbyReply, Refusal>, Option<(AreaId, EffectMessage)>) {
        let (start, spawn) = self
            .start
            .clone()
            .unwrap_or((area("harbor-1"), "start".into()));
        let seat = self.characters.entry(character).or_insert(Seat {
            session: SessionFence(0),
            area: start,
            sent: 0,
            in_world: false,
        });
        seat.session = seat.session.next();
        seat.sent += 1;
        let name = realm_key().seal(&format!("p{}", character.0));
        let payload = if seat.in_world {
            let session = seat.session;
            EffectPayload::TakeSession {
                character,
                session,
                edge,
                resumed,
            }
        } else {
            let traveller = Box::new(Traveller {
                character,
                name: name.clone(),
                session: seat.session,
                edge,
                ..Traveller::default()
            });
            let entry = EntryPoint::Spawn(spawn);
            EffectPayload::Enter { traveller, entry }
        };
        seat.in_world = true;
        let effect = EffectMessage {
            source: AggregateId::Character(character),
            cause: Cause {
                stream: "LOBBY_EVENTS".into(),
                sequence: 1.into(),
            },
            effect: Effect {
                target: AggregateId::Area(seat.area.clone()),
                number: seat.sent,
                issued_at: UnixMillis::now(),
                payload,
            },
        };
        let joined = LobbyReply::Joined {
            session: seat.session,
            area: self.believed.clone().unwrap_or(seat.area.clone()),
            name,
            account: AccountId(1),
            login: LoginId(1),
        };
        (Ok(joined), Some((seat.area.clone(), effect)))
    }
}

pub fn question<C: serde::de::DeserializeOwned>(record: &Record) -> (u64, String, C) {
    match schemas::decode(&record.payload).expect("a question") {
        KeyedMessage::Command {
            request,
            reply,
            body,
        } => (request, reply.expect("awaited"), body),
        other => panic!(
            "no question: {:?}",
            std::mem::discriminant::<KeyedMessage<C>>(&other)
        ),
    }
}
