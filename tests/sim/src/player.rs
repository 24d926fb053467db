//! A player: comes in, walks, goes through doors, logs out, logs in over itself, and at the end leaves.
//!
//! Each command is sent again until it has had its outcome, to wherever the character is by then, as an edge does;
//! so no command that was once sent may stay without one while the session lasts.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::lobby::{Admission, LobbyCommand, LobbyReply};
use schemas::sealed::Sealed;
use schemas::segment::InputBits;
use schemas::subjects::Domain;
use schemas::{AccountId, AreaId, CharacterId, Digest, SessionFence, UnixMillis};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::gate::Gate;

/// How long an answer of the lobby is awaited.
const ANSWER: Duration = Duration::from_secs(3);
/// Between two looks for an outcome, and two sendings of a command.
const LOOK: Duration = Duration::from_millis(80);
const AGAIN: u32 = 6;
/// After so many sendings a player begins a new session.
const PATIENCE: u32 = 40;

/// How a session went on.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// The command has had its outcome.
    Outcome,
    /// The character is in the lobby, or another session holds it, or nothing is heard.
    Over,
}

struct Session {
    character: CharacterId,
    fence: SessionFence,
    /// Where it begins.
    area: AreaId,
    seq: u32,
    /// Whether it has been seen in the world.
    seen: bool,
}

/// Plays until the end, and leaves.
pub(crate) async fn play(gate: &Gate, character: CharacterId) {
    loop {
        if gate.play.is_leaving() && is_home(gate, character) {
            gate.play.has_left(character);
            return;
        }
        match enter(gate, character).await {
            Some(mut session) => while session.act(gate).await == Heard::Outcome {},
            None => sleep(Duration::from_millis(250)).await,
        }
    }
}

/// Whether the character is nowhere in the world, nor on its way into it.
fn is_home(gate: &Gate, character: CharacterId) -> bool {
    gate.play.whereabouts.known().of(character).0.is_none()
}

/// Creates the character if it is not there, and begins a session; `None`: not now.
async fn enter(gate: &Gate, character: CharacterId) -> Option<Session> {
    let account = AccountId(character.0);
    let key = character.to_string();
    let now = UnixMillis::now();
    let ask = async |command: LobbyCommand| {
        let asked = gate
            .requester
            .ask::<_, LobbyReply>(Domain::Lobby, &key, &command, ANSWER);
        asked.await.ok()?.ok()
    };
    ask(LobbyCommand::Create {
        character,
        account,
        name: Sealed::default(),
    })
    .await?;
    let started = ask(LobbyCommand::Start {
        character,
        account,
        now,
        login: schemas::LoginId(0),
        protocol: 1,
        company: None,
    });
    let LobbyReply::Ticket { ticket, area, .. } = started.await? else {
        return None;
    };
    let joined = ask(LobbyCommand::Join {
        character,
        ticket: Digest::of(id_of(&ticket)?.as_bytes()),
        edge: gate.edge,
        now,
        admits: Admission {
            account,
            login: schemas::LoginId(0),
            area: Some(area),
            protocol: 1,
            party: CharacterId(0),
        },
    });
    let LobbyReply::Joined { session, area, .. } = joined.await? else {
        return None;
    };
    Some(Session {
        character,
        fence: session,
        area,
        seq: 0,
        seen: false,
    })
}

/// A ticket's id. Whether it is signed is for edges to ask.
fn id_of(ticket: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        jti: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(ticket.split('.').nth(1)?).ok()?;
    Some(serde_json::from_slice::<Claims>(&claims).ok()?.jti)
}

impl Session {
    /// One command and its outcome, and a moment of thought.
    async fn act(&mut self, gate: &Gate) -> Heard {
        if gate.play.is_leaving() {
            return self.command(gate, PlayerAsk::Leave).await;
        }
        let thought: u64 = 40 + ambient::random::<u64>() % 500;
        let chance: u8 = ambient::random();
        let ask = match chance {
            0..150 => {
                let directions = [
                    InputBits::LEFT.0 | InputBits::RUN.0,
                    InputBits::RIGHT.0 | InputBits::RUN.0,
                    InputBits::RIGHT.0 | InputBits::RUN.0,
                    0,
                ];
                PlayerAsk::Input {
                    bits: InputBits(directions[usize::from(chance % 4)]),
                    client_step: 0,
                    view_step: 0,
                }
            }
            150..236 => PlayerAsk::UseDoor,
            236..246 => PlayerAsk::Leave,
            // Logs in over itself.
            246.. => return Heard::Over,
        };
        let heard = self.command(gate, ask).await;
        sleep(Duration::from_millis(thought)).await;
        heard
    }

    /// Sends a command again and again until it has had its outcome.
    async fn command(&mut self, gate: &Gate, ask: PlayerAsk) -> Heard {
        self.seq += 1;
        for _ in 0..PATIENCE {
            let area = gate.play.whereabouts.known().of(self.character).0;
            let command = PlayerCommand {
                character: self.character,
                session: self.fence,
                seq: self.seq,
                ask: ask.clone(),
            };
            gate.send(area.as_ref().unwrap_or(&self.area), command)
                .await;
            let until = Instant::now() + LOOK * AGAIN;
            while Instant::now() < until {
                if let Some(heard) = self.heard(gate) {
                    return heard;
                }
                sleep(LOOK).await;
            }
        }
        Heard::Over
    }

    fn heard(&mut self, gate: &Gate) -> Option<Heard> {
        let known = gate.play.whereabouts.known();
        match known.of(self.character) {
            (_, Some(body)) if body.session > self.fence => Some(Heard::Over),
            (_, Some(body)) if body.session == self.fence => {
                self.seen = true;
                (body.last_seq >= self.seq).then_some(Heard::Outcome)
            }
            // It was in the world and is no more: it has left, or was made to.
            (None, None) if self.seen => Some(Heard::Over),
            _ => None,
        }
    }
}
