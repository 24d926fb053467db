//! A player who plays through everything, and notes all it is told.
//!
//! What an actor does is drawn from a seed: it walks, talks, goes through doors, and logs out and in again. A socket that
//! is lost is opened anew on another edge, and the session goes on there. What it was told ([`Told`]) is what the checkers
//! hold the log to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bots::Address;
use schemas::segment::InputBits;
use schemas::wire::{ClientMessage, CloseCode};
use tokio::sync::watch;

use super::random::Random;
use crate::{Player, View};

/// How long an errand may take before another is begun.
const ERRAND: Duration = Duration::from_secs(15);
/// How long the stack may need to answer everybody once all is mended.
const RECOVERY: Duration = Duration::from_secs(45);
const LINES: [&str; 4] = [
    "Is the ferry late again?",
    "I stood here before the lamps were lit.",
    "Who took the lantern from the mill?",
    "Mind the steps.",
];

/// One session from its beginning to its end, over all its sockets.
#[derive(Debug, Clone, Default)]
pub struct Era {
    /// The fences under which its commands stand in the log.
    pub fences: Vec<u64>,
    /// The commands given, the first with the number 1.
    pub given: Vec<ClientMessage>,
    /// All up to this one have had their outcome, it was told.
    pub acknowledged: u32,
    /// Those that were refused, with the reason's number.
    pub refused: BTreeMap<u32, u8>,
    /// What it was told that contradicted what it was told before.
    pub broken: Vec<String>,
}

impl Era {
    fn of(player: &Player, view: View) -> Self {
        Self {
            fences: view.sessions,
            given: player.given().to_vec(),
            acknowledged: view.own.ack_seq,
            refused: view.rejected.into_iter().collect(),
            broken: view.broken,
        }
    }
}

/// A socket that ended without the actor's will.
#[derive(Debug, Clone)]
pub struct LostSocket {
    /// When.
    pub at: Instant,
    /// On which edge: its address.
    pub edge: String,
    /// With which code; 1006: without one.
    pub code: u16,
}

/// All that an actor was told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The actor's name.
    pub name: String,
    /// Its character.
    pub character: String,
    /// Its sessions.
    pub eras: Vec<Era>,
    /// Sockets that it lost.
    pub lost_sockets: Vec<LostSocket>,
    /// Sessions that could not go on, with the code.
    pub lost_sessions: Vec<u16>,
    /// What it saw last, standing still, with every command answered.
    pub last: Option<View>,
    /// What kept it from coming to rest.
    pub stuck: Option<String>,
    /// How often it stood in another area than before.
    pub changes: u32,
}

/// What all actors do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// They play.
    Play,
    /// They come to rest.
    Rest,
    /// They leave.
    Leave,
}

/// A player at play.
pub struct Actor {
    player: Player,
    edges: Vec<Address>,
    random: Random,
    told: Told,
    area: String,
}

impl Actor {
    /// A new guest who has entered the world on one of these edges.
    ///
    /// # Errors
    /// When it does not come in.
    pub async fn enter(number: u64, seed: u64, edges: &[Address]) -> anyhow::Result<Self> {
        let name = format!("Actor {number}");
        let mut random = Random::new(seed ^ number.wrapping_mul(0x00c0_ffee));
        let home = random.one_of(edges).unwrap_or(&edges[0]).clone();
        let mut player = Player::create(&home, &name).await?;
        player.enter().await?;
        let told = Told {
            name,
            character: player.guest.character.clone(),
            ..Told::default()
        };
        Ok(Self {
            area: player.view().area,
            player,
            edges: edges.to_vec(),
            random,
            told,
        })
    }

    /// Plays until it is to rest, rests until it is to leave, leaves.
    pub async fn play(mut self, mut act: watch::Receiver<Act>) -> Told {
        while *act.borrow_and_update() == Act::Play {
            tokio::select! {
                () = self.errand() => {}
                _ = act.changed() => {}
            }
        }
        match tokio::time::timeout(RECOVERY, self.rest()).await {
            Ok(Ok(view)) => self.told.last = Some(view),
            Ok(Err(error)) => self.told.stuck = Some(format!("{error:#}")),
            Err(_) => {
                let view = self.player.view();
                let waits = (view.own.ack_seq, self.player.given().len());
                self.told.stuck = Some(format!(
                    "not at rest within {RECOVERY:?}: {waits:?} answered of given, in {}, closed {:?}",
                    view.area, view.closed
                ));
            }
        }
        self.note_era();
        act.wait_for(|act| *act == Act::Leave).await.ok();
        if tokio::time::timeout(RECOVERY, self.leave()).await.is_err() {
            let stuck = format!("could not leave within {RECOVERY:?}");
            self.told.stuck.get_or_insert(stuck);
        }
        self.told
    }

    fn note_era(&mut self) {
        let era = Era::of(&self.player, self.player.view());
        self.told.eras.push(era);
    }

    /// One thing after which it thinks again.
    async fn errand(&mut self) {
        if !self.player.is_connected() {
            self.come_back().await;
        }
        let done = match self.random.below(16) {
            0..=5 => tokio::time::timeout(ERRAND, self.wander()).await.ok(),
            6..=8 => self.talk().ok().map(Ok),
            9..=14 => tokio::time::timeout(ERRAND, self.go_through_a_door())
                .await
                .ok(),
            _ => tokio::time::timeout(ERRAND, self.log_out_and_in())
                .await
                .ok(),
        };
        // Whatever came of it: what counts is what it was told.
        drop(done);
        let area = self.player.view().area;
        if area != self.area {
            self.area = area;
            self.told.changes += 1;
        }
        let pause = Duration::from_millis(self.random.between(20, 200));
        tokio::time::sleep(pause).await;
    }

    async fn wander(&mut self) -> anyhow::Result<()> {
        let ways = [InputBits::LEFT.0, InputBits::RIGHT.0];
        for _ in 0..self.random.between(3, 8) {
            let way = *self.random.one_of(&ways).unwrap_or(&0);
            let jump = if self.random.below(3) == 0 {
                InputBits::JUMP.0
            } else {
                0
            };
            self.player.hold(way | jump)?;
            let pace = Duration::from_millis(self.random.between(60, 300));
            tokio::time::sleep(pace).await;
        }
        self.player.hold(0)?;
        Ok(())
    }

    fn talk(&mut self) -> anyhow::Result<()> {
        let line = *self.random.one_of(&LINES).unwrap_or(&LINES[0]);
        self.player.say(line).map(drop)
    }

    async fn go_through_a_door(&mut self) -> anyhow::Result<()> {
        let area = schemas::AreaId::new(self.player.view().area)?;
        let doors: Vec<String> = world::maps::builtin(area.map()).map_or_else(Vec::new, |known| {
            let to = known.map.doors.iter().map(|door| door.to_area.to_string());
            to.collect()
        });
        let Some(to) = self.random.one_of(&doors).cloned() else {
            return self.wander().await;
        };
        self.player.go_to(&to).await
    }

    async fn log_out_and_in(&mut self) -> anyhow::Result<()> {
        self.player.leave().await?;
        self.come_back().await;
        Ok(())
    }

    /// Whether it has asked to leave, so that the session may well be over.
    fn has_left(&self) -> bool {
        matches!(
            self.player.given().last(),
            Some(ClientMessage::Leave { .. })
        )
    }

    /// Opens a socket again, on one edge after the other, until the session goes on; with a new session, where the old
    /// one is over.
    async fn come_back(&mut self) {
        if self.player.view().token.is_empty() {
            // It was beginning one when it was called away.
            return self.begin_anew().await;
        }
        if self.has_left() && self.has_ended() {
            self.note_era();
            return self.begin_anew().await;
        }
        if let Some(code) = self.player.view().closed {
            self.told.lost_sockets.push(LostSocket {
                at: Instant::now(),
                edge: self.player.on().authority().to_owned(),
                code,
            });
        }
        let mut pause = Duration::from_millis(50);
        loop {
            let Some(edge) = self.random.one_of(&self.edges).cloned() else {
                return;
            };
            let code = match self.player.resume(&edge).await {
                Ok(()) => return,
                Err(_) => self.player.view().closed,
            };
            if let Some(code) = code
                && self.has_ended()
            {
                if !self.has_left() {
                    self.told.lost_sessions.push(code);
                }
                self.note_era();
                return self.begin_anew().await;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Whether the last socket was closed because the session is over.
    fn has_ended(&self) -> bool {
        let over = [
            CloseCode::CannotResume,
            CloseCode::SessionEnded,
            CloseCode::Replaced,
        ];
        let closed = self.player.view().closed;
        over.iter().any(|over| Some(over.code()) == closed)
    }

    /// Enters the world with a new session, as often as it takes.
    async fn begin_anew(&mut self) {
        let mut pause = Duration::from_millis(50);
        while self.player.enter().await.is_err() {
            // A session that was begun and never seen by the player has no commands either.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
            if let Some(edge) = self.random.one_of(&self.edges).cloned() {
                self.player.turn_to(&edge);
            }
        }
    }

    /// Stands still with every command answered; what it sees then.
    async fn rest(&mut self) -> anyhow::Result<View> {
        loop {
            if !self.player.is_connected() {
                self.come_back().await;
            }
            match self.stand_still().await {
                Ok(view) => return Ok(view),
                Err(error) if self.player.is_connected() => return Err(error),
                Err(_) => {}
            }
        }
    }

    async fn stand_still(&mut self) -> anyhow::Result<View> {
        let seq = self.player.hold(0)?;
        self.player.outcome(seq).await?;
        self.player
            .until("every outcome", |view| view.own.ack_seq >= seq)
            .await?;
        self.player
            .until("firm ground", |view| view.own.mode == 0)
            .await?;
        self.player.settled().await?;
        Ok(self.player.view())
    }

    async fn leave(&mut self) {
        while self.player.leave().await.is_err() && !self.has_ended() {
            self.come_back().await;
        }
    }
}
