//! The life of a replica: open, follow, tell, close.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eventlog::{Live, ReadError, Record};
use futures_util::FutureExt;
use runtime::{Backoff, TraceContext, end_timed, timed};
use schemas::wire::CloseCode;
use schemas::{CharacterId, Incarnation, Sequence};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use world::AreaState;

use super::departed::LeftLately;
use super::fold::News;
use super::observer::Observing;
use super::registry::{Ask, Replica, Replicas};
use super::restore::{BadFrame, RestoreError, Restored, restore};
use super::speech::Speech;
use super::viewer::{ConnectionId, Viewer};
use crate::interest::Stage;
use crate::realm::Realm;
use crate::ws::Mailbox;

/// Wake hints are repeated, and silence is judged, so often.
const BEAT: Duration = Duration::from_millis(250);
/// Bodies cross cells without any event; between frames this is looked at so often.
const CROSSINGS: Duration = Duration::from_millis(100);
/// Frames folded before the clients are told.
const MOST_AT_ONCE: usize = 64;
/// A replica that does not fold is built anew; not again within so long.
const ONE_REBUILD_IN: Duration = Duration::from_secs(60);

/// A replica at work.
pub(super) struct Watching {
    pub(super) realm: Arc<Realm>,
    pub(super) replica: Arc<Replica>,
    pub(super) state: AreaState,
    pub(super) sequence: Sequence,
    pub(super) incarnation: Incarnation,
    /// What the screens show.
    pub(super) stage: Stage,
    /// What has happened since they were told.
    pub(super) news: News,
    pub(super) speech: Speech,
    /// In which frame a character came, as far as this replica has seen it come.
    pub(super) arrivals: HashMap<CharacterId, Sequence>,
    /// Who has left lately, and where to.
    pub(super) left: LeftLately,
    pub(super) viewers: HashMap<ConnectionId, Viewer>,
    /// Those who look without a character.
    pub(super) observers: HashMap<ConnectionId, Observing>,
    /// The other replicas of this edge.
    pub(super) replicas: Arc<Replicas>,
    /// When the last frame came.
    pub(super) heard_at: Instant,
    /// Since when nobody looks.
    pub(super) idle_since: Option<Instant>,
}

/// Whatever can wake a replica.
enum Event {
    Frame(Result<Record, ReadError>),
    Ask(Option<Ask>),
    Crossings,
    Beat,
}

/// Why a replica stops following.
enum End {
    Idle,
    Broken(BadFrame),
    Gone(ReadError),
}

/// Opens the replica and keeps it until nobody needs it.
pub(super) async fn run(
    realm: Arc<Realm>,
    replicas: Arc<Replicas>,
    replica: Arc<Replica>,
    mut inbox: mpsc::Receiver<Ask>,
) {
    let area = replica.area.clone();
    let mut audience = Audience::default();
    let mut rebuilt_at: Option<Instant> = None;
    loop {
        let (restored, mut live) = match open(&realm, &replica).await {
            Ok(restored) => restored,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(area.id = %area, error, "the area cannot be shown; its clients are disconnected");
                break;
            }
        };
        if restored.sequence > Sequence(0) {
            replica.clock.set(restored.state.step());
        }
        let names = restored.state.bodies().map(|body| &body.name);
        let strangers = names.filter_map(|name| realm.keys.realm.lacks(name));
        realm.persons.meet(strangers).await;
        let mut watching = Watching::begin(&realm, &replica, &replicas, restored, audience);
        tracing::info!(area.id = %area, event.seq = watching.sequence.0, "replica open");
        let end = watching.follow(&mut live, &mut inbox, &replicas).await;
        audience = Audience {
            viewers: watching.viewers,
            observers: watching.observers,
        };
        let error: Box<dyn std::error::Error> = match end {
            End::Idle => {
                tracing::info!(area.id = %area, "replica closed: nobody looks");
                return;
            }
            End::Broken(error) => error.into(),
            End::Gone(error) => error.into(),
        };
        let error = &*error;
        if rebuilt_at.is_some_and(|at| at.elapsed() < ONE_REBUILD_IN) {
            tracing::error!(area.id = %area, error, "the rebuilt replica does not fold either; its clients are disconnected");
            break;
        }
        tracing::error!(area.id = %area, error, "the replica does not fold: building it anew");
        rebuilt_at = Some(Instant::now());
    }
    give_up(&replicas, &replica, audience, &mut inbox);
}

/// Who looks at an area, whatever becomes of its replica.
#[derive(Default)]
pub(super) struct Audience {
    pub(super) viewers: HashMap<ConnectionId, Viewer>,
    pub(super) observers: HashMap<ConnectionId, Observing>,
}

fn give_up(
    replicas: &Replicas,
    replica: &Replica,
    Audience { viewers, observers }: Audience,
    inbox: &mut mpsc::Receiver<Ask>,
) {
    let end = |mailbox: &Mailbox| mailbox.end(CloseCode::Internal, "this area cannot be shown");
    let viewers = viewers.values().map(|viewer| &viewer.attached.mailbox);
    let observers = observers.values().map(|o| &o.observer.mailbox);
    viewers.chain(observers).for_each(|mailbox| end(mailbox));
    loop {
        while let Ok(ask) = inbox.try_recv() {
            match ask {
                Ask::Attach(attach) => end(&attach.mailbox),
                Ask::Observe(observer) => end(&observer.mailbox),
                _ => {}
            }
        }
        if replicas.close(replica, inbox) {
            return;
        }
    }
}

/// Tries until the log can be read; connections give up on their own.
async fn open(realm: &Realm, replica: &Replica) -> Result<(Restored, Live), RestoreError> {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
    loop {
        match restore(&realm.log, &replica.area).await {
            Err(RestoreError::Read(error @ ReadError::Unavailable { .. })) => {
                tracing::warn!(area.id = %replica.area, %error, "the area cannot be read yet");
                backoff.wait().await;
            }
            other => return other,
        }
    }
}

impl Watching {
    pub(super) fn begin(
        realm: &Arc<Realm>,
        replica: &Arc<Replica>,
        replicas: &Arc<Replicas>,
        restored: Restored,
        mut audience: Audience,
    ) -> Self {
        // After a rebuild the old screens are not worth comparing with.
        let viewers = audience.viewers.values_mut();
        for presence in viewers.filter_map(|v| v.presence.as_mut()) {
            presence.behind = true;
        }
        for observing in audience.observers.values_mut() {
            observing.behind = true;
        }
        let mut watching = Self {
            realm: Arc::clone(realm),
            replica: Arc::clone(replica),
            state: restored.state,
            sequence: restored.sequence,
            incarnation: restored.incarnation,
            stage: Stage::default(),
            news: News::default(),
            speech: Speech::after(restored.sequence),
            arrivals: HashMap::new(),
            left: restored.left,
            replicas: Arc::clone(replicas),
            viewers: audience.viewers,
            observers: audience.observers,
            heard_at: Instant::now(),
            idle_since: None,
        };
        watching.flush(watching.shown_step());
        watching
    }

    /// Whether nobody looks, with a character or without.
    pub(super) fn is_unseen(&self) -> bool {
        self.viewers.is_empty() && self.observers.is_empty()
    }

    async fn follow(
        &mut self,
        live: &mut Live,
        inbox: &mut mpsc::Receiver<Ask>,
        replicas: &Replicas,
    ) -> End {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beats = 0_u32;
        let mut told_at = Instant::now();
        loop {
            let event = tokio::select! {
                biased;
                record = live.next() => Event::Frame(record),
                ask = inbox.recv() => Event::Ask(ask),
                () = sleep_until(told_at + CROSSINGS), if !self.is_unseen() => Event::Crossings,
                _ = beat.tick() => Event::Beat,
            };
            match event {
                Event::Frame(Ok(record)) => {
                    let trace = record.trace.as_deref().and_then(|trace| trace.parse().ok());
                    let step = trace.map(|trace: TraceContext| timed("edge.deliver").of(trace));
                    if let Err(bad) = self.take_in_all(record, live) {
                        return End::Broken(bad);
                    }
                    self.meet().await;
                    told_at = Instant::now();
                    self.flush(self.state.step());
                    if let Some(step) = step {
                        end_timed!(step, area.id = %self.replica.area, event.seq = self.sequence.0);
                    }
                }
                Event::Frame(Err(ReadError::Unavailable { what, reason })) => {
                    tracing::warn!(area.id = %self.replica.area, what, reason, "waiting for frames");
                }
                Event::Frame(Err(gone)) => return End::Gone(gone),
                Event::Crossings => {
                    told_at = Instant::now();
                    self.flush(self.replica.clock.now());
                }
                Event::Ask(Some(ask)) => {
                    let knock = matches!(ask, Ask::Attach(_));
                    self.answer(ask);
                    if knock {
                        self.wake().await;
                    }
                }
                Event::Ask(None) => return End::Idle,
                Event::Beat => {
                    beats = beats.wrapping_add(1);
                    if beats.is_multiple_of(4) {
                        self.forget_the_gone();
                        self.keep_alive();
                    }
                    self.look_ahead();
                    self.wake().await;
                    if self.idle() && replicas.close(&self.replica, inbox) {
                        return End::Idle;
                    }
                }
            }
        }
    }

    /// Folds `record` and what has come with it.
    fn take_in_all(&mut self, record: Record, live: &mut Live) -> Result<(), BadFrame> {
        self.heard_at = Instant::now();
        self.take_in(&record)?;
        for _ in 1..MOST_AT_ONCE {
            match live.next().now_or_never() {
                Some(Ok(record)) => self.take_in(&record)?,
                // An error comes again when it is waited for.
                Some(Err(_)) | None => break,
            }
        }
        Ok(())
    }
}
