//! The gate: an edge as small as can be. It asks the lobby for its players, sends their commands to where
//! they are, and keeps their sessions alive.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use eventlog::{EventLog, Requester};
use runtime::Ctx;
use schemas::command::{AreaMessage, PlayerBatch, PlayerCommand};
use schemas::subjects::{Sender, area_command, wake};
use schemas::{AreaId, CharacterId, EdgeId, Handle, SessionFence, encode};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::player;
use crate::whereabouts::Whereabouts;

/// Between two keep-alives.
const ALIVE: Duration = Duration::from_secs(1);

/// What outlives a gate: how many play, what everybody can see, and whether it is time to leave.
#[derive(Debug, Default)]
pub(crate) struct Play {
    players: u8,
    pub(crate) whereabouts: Whereabouts,
    pub(crate) leaving: AtomicBool,
    /// Players who have left the world for good.
    left: Mutex<BTreeMap<CharacterId, bool>>,
}

impl Play {
    /// So many players.
    pub(crate) fn of(players: u8) -> Self {
        Self {
            players,
            ..Self::default()
        }
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    pub(crate) fn has_left(&self, character: CharacterId) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.insert(character, true);
    }

    /// Who has not left yet.
    pub(crate) fn staying(&self) -> Vec<CharacterId> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        characters(self.players)
            .filter(|character| !left.contains_key(character))
            .collect()
    }
}

/// The players' characters.
pub(crate) fn characters(players: u8) -> impl Iterator<Item = CharacterId> {
    (1..=u64::from(players)).map(|n| CharacterId(n * 1_000_003))
}

/// The gate's connections.
pub(crate) struct Gate {
    pub(crate) log: EventLog,
    pub(crate) requester: Requester,
    pub(crate) edge: EdgeId,
    pub(crate) play: Arc<Play>,
}

impl Gate {
    /// Sends one command of a player to `area`, and knocks there.
    pub(crate) async fn send(&self, area: &AreaId, command: PlayerCommand) {
        let batch = PlayerBatch {
            edge: self.edge,
            commands: vec![command],
            alive: Vec::new(),
        };
        self.batch(area, batch).await;
    }

    async fn batch(&self, area: &AreaId, batch: PlayerBatch) {
        let subject = area_command(area, &Sender::Edge(self.edge));
        let payload = Bytes::from(encode(&AreaMessage::Players(batch)));
        if let Err(error) = self.log.send(&subject, payload, None).await {
            tracing::debug!(%error, "a command was not stored");
        }
        self.log.publish_core(&wake(area), Bytes::new()).await.ok();
    }

    /// Keeps the sessions of everybody alive, for ever.
    async fn keep_alive(&self) {
        let mut beat = interval(ALIVE);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let mut alive: BTreeMap<AreaId, Vec<(Handle, SessionFence)>> = BTreeMap::new();
            for (area, handle, body) in self.play.whereabouts.known().bodies() {
                alive
                    .entry(area.clone())
                    .or_default()
                    .push((handle, body.session));
            }
            for (area, alive) in alive {
                let batch = PlayerBatch {
                    edge: self.edge,
                    commands: Vec::new(),
                    alive,
                };
                self.batch(&area, batch).await;
            }
        }
    }
}

/// Lets everybody play until the process ends.
pub(crate) async fn run(log: EventLog, ctx: Ctx, play: Arc<Play>) -> anyhow::Result<()> {
    let edge = EdgeId(ambient::random());
    let gate = Arc::new(Gate {
        requester: Requester::new(log.clone(), edge).await?,
        log,
        edge,
        play: Arc::clone(&play),
    });
    let mut tasks = JoinSet::new();
    let keeper = Arc::clone(&gate);
    tasks.spawn(ambient::here(async move { keeper.keep_alive().await }));
    for character in characters(play.players) {
        let gate = Arc::clone(&gate);
        tasks.spawn(ambient::here(async move {
            player::play(&gate, character).await
        }));
    }
    ctx.shutdown.cancelled().await;
    tasks.shutdown().await;
    Ok(())
}
