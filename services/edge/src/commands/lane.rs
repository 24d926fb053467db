//! A lane: one edge's commands on their way to one area, in groups.
//!
//! A lone command leaves at once. While a group is on its way, and for the rest of 8 ms, others
//! gather; then they leave together. One group is in flight at a time and is sent again,
//! byte for byte, until the broker's answer is definite, so the order of arrival is the order in
//! the log.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use eventlog::{EventLog, MessageId, SendError};
use runtime::{TraceContext, end_timed, timed};
use schemas::command::{AreaMessage, PlayerBatch, PlayerCommand};
use schemas::subjects::{Sender, area_command};
use schemas::wire::CloseCode;
use schemas::{AreaId, EdgeId, Handle, SessionFence};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::group::{Queued, take_group};
use crate::ws::Mailbox;

/// At most one group in so long.
const PACE: Duration = Duration::from_millis(8);
/// Commands that may wait while the broker does not take them.
const MOST_WAITING: usize = 65_536;
/// Player commands older than this would be refused as expired; they are given up before.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(5);
/// Between two attempts of a stream that is full.
const FULL_PAUSE: Duration = Duration::from_millis(250);

/// Where commands gather. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lane(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    commands: VecDeque<Queued>,
    alive: Vec<(Handle, SessionFence)>,
    closed: bool,
}

/// Too many commands wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_WAITING} commands wait for this area already")]
pub(crate) struct LaneFull;

impl Lane {
    /// Sends `command` with the next group; `from` hears if it cannot be sent.
    pub(crate) fn submit(
        &self,
        command: PlayerCommand,
        from: &Arc<Mailbox>,
    ) -> Result<(), LaneFull> {
        let mut waiting = self.lock();
        if waiting.commands.len() >= MOST_WAITING {
            return Err(LaneFull);
        }
        waiting.commands.push_back(Queued {
            command,
            at: Instant::now(),
            from: Arc::clone(from),
        });
        drop(waiting);
        self.0.wake.notify_one();
        Ok(())
    }

    /// Tells the area with the next group which sessions are held here.
    pub(crate) fn keep_alive(&self, alive: Vec<(Handle, SessionFence)>) {
        if !alive.is_empty() {
            self.lock().alive = alive;
            self.0.wake.notify_one();
        }
    }

    /// The last group leaves, then [`Lane::run`] ends.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.0.wake.notify_one();
    }

    /// Carries the groups to `area` until the lane is closed.
    pub(crate) async fn run(self, log: EventLog, area: AreaId, edge: EdgeId) {
        let subject = area_command(&area, &Sender::Edge(edge));
        self.carry(edge, Broker { log, subject }).await;
    }

    async fn carry(&self, edge: EdgeId, outlet: impl Outlet) {
        loop {
            let Some((commands, alive)) = self.next_group().await else {
                return;
            };
            let begun = Instant::now();
            let message = AreaMessage::Players(PlayerBatch {
                edge,
                commands: commands
                    .iter()
                    .map(|queued| queued.command.clone())
                    .collect(),
                alive,
            });
            let payload = Bytes::from(schemas::encode(&message));
            let trace = TraceContext::begin();
            let step = timed("edge.receive").of(trace);
            let sent = until_definite(&outlet, &payload, trace).await;
            end_timed!(step, commands = commands.len());
            if let Err(error) = sent {
                self.not_sent(commands, &error).await;
            }
            tokio::time::sleep_until(begun + PACE).await;
        }
    }

    async fn next_group(&self) -> Option<(Vec<Queued>, Vec<(Handle, SessionFence)>)> {
        loop {
            {
                let mut waiting = self.lock();
                let alive = std::mem::take(&mut waiting.alive);
                let commands = take_group(&mut waiting.commands);
                if !commands.is_empty() || !alive.is_empty() {
                    return Some((commands, alive));
                }
                if waiting.closed {
                    return None;
                }
            }
            self.0.wake.notified().await;
        }
    }

    /// The broker has refused the group for good.
    async fn not_sent(&self, commands: Vec<Queued>, error: &SendError) {
        if matches!(error, SendError::Full { .. }) {
            // Nothing was stored: the younger ones may be sent again in another group.
            let (kept, late): (Vec<_>, Vec<_>) = commands
                .into_iter()
                .partition(|queued| queued.at.elapsed() < GIVEN_UP_AFTER);
            for queued in &late {
                queued
                    .from
                    .end(CloseCode::Unavailable, "the world takes no commands now");
            }
            {
                let mut waiting = self.lock();
                for queued in kept.into_iter().rev() {
                    waiting.commands.push_front(queued);
                }
            }
            tracing::warn!(%error, given_up = late.len(), "commands have to wait");
            tokio::time::sleep(FULL_PAUSE).await;
        } else {
            tracing::error!(%error, commands = commands.len(), "commands cannot be sent; their senders are disconnected");
            for queued in &commands {
                queued
                    .from
                    .end(CloseCode::Internal, "your command could not be stored");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where groups go.
trait Outlet: Send + Sync {
    /// Tries to send one.
    fn send(
        &self,
        id: &MessageId,
        payload: &Bytes,
        trace: Option<&str>,
    ) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// The area's command stream.
struct Broker {
    log: EventLog,
    subject: String,
}

impl Outlet for Broker {
    async fn send(
        &self,
        id: &MessageId,
        payload: &Bytes,
        trace: Option<&str>,
    ) -> Result<(), SendError> {
        let sent = self.log.send_as(id, &self.subject, payload.clone(), trace);
        sent.await.map(drop)
    }
}

/// The identical message under the same id until the broker has taken or refused it.
async fn until_definite(
    outlet: &impl Outlet,
    payload: &Bytes,
    trace: TraceContext,
) -> Result<(), SendError> {
    let id = MessageId::random();
    let trace = trace.sampled().then(|| trace.to_header());
    loop {
        match outlet.send(&id, payload, trace.as_deref()).await {
            Err(error @ SendError::Unavailable { .. }) => {
                tracing::warn!(%error, "the same group of commands is sent again");
                tokio::time::sleep(PACE).await;
            }
            definite => return definite,
        }
    }
}

#[cfg(test)]
mod tests;
