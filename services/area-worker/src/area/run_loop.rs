//! An area that runs: drain, decide, hand over for writing; and after the acknowledgement send what
//! follows from it.
//!
//! A state machine without I/O, driven by a tick thread. What wakes it is closed: its beat
//! ([`Running::tick`]), the acknowledgement of its frame ([`Running::appended`]) and the wish to be
//! let go ([`Running::release`]). What it wants done goes into channels, whose other ends are tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use eventlog::{Defect, seeded};
use runtime::metric_definitions::{COMMANDS_TOTAL, HANDOFF_GAP_SECONDS, TICK_SECONDS};
use runtime::{TraceContext, end_timed, timed};
use schemas::command::PlayerCommand;
use schemas::fact::Fact;
use schemas::outcome::{Outcomes, Rejected};
use schemas::{Sequence, UnixMillis, WorkerId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use world::{AreaState, Command, FrameHeader, Incoming, Map, Rules, TickInput};

use super::faults::{self, FaultLog};
use super::inbox::{Batch, Inbox};
use super::pending::Pending;
use super::pipeline::{Consequences, Errand, Pipeline, Write};
use super::snapshotter::SnapshotPolicy;
use crate::crash_points::{CrashPoint, Marks};
use crate::ticks::{Beat, Key};

/// An awake area writes at least one frame in this time: its clock.
const CLOCK: Duration = Duration::from_millis(950);

/// The two clocks, read once per wake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// For what is measured.
    pub(crate) instant: Instant,
    /// For what is recorded: the broker's.
    pub(crate) unix: UnixMillis,
}

/// Why an area stops running, with its last acknowledged state.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It went to sleep.
    Asleep(Farewell),
    /// It was let go.
    Released(Farewell),
    /// Its rules break again and again.
    Quarantined(Farewell),
}

/// An area's state after its last frame.
#[derive(Debug)]
pub(crate) struct Farewell {
    /// The state.
    pub(crate) state: AreaState,
    /// That frame's place in the log.
    pub(crate) sequence: Sequence,
}

/// Where an area puts what is to be done.
pub(crate) struct Ports {
    /// Effects, confirmations and hints; when it is full they are left out, for what is pending is
    /// sent again, and what comes again is confirmed again.
    pub(crate) errands: mpsc::Sender<Errand>,
    /// States for the snapshotter; when it is busy the snapshot is due again with the next frame.
    pub(crate) snapshots: mpsc::Sender<Farewell>,
    /// Told once.
    pub(crate) ended: oneshot::Sender<Ended>,
    /// What the area uses of a core, in 1/1000.
    pub(crate) load: Arc<AtomicU32>,
    /// How many bodies are in it.
    pub(crate) population: Arc<AtomicU32>,
}

/// What an area begins to run with.
pub(crate) struct Start {
    pub(crate) key: Key,
    pub(crate) worker: WorkerId,
    pub(crate) map: &'static Map,
    pub(crate) header: FrameHeader,
    /// The state after the ownership frame.
    pub(crate) state: AreaState,
    /// The ownership frame's place in the log.
    pub(crate) sequence: Sequence,
    pub(crate) inbox: Inbox,
    pub(crate) pipeline: Pipeline,
    pub(crate) snapshots: SnapshotPolicy,
    pub(crate) sleep_after: Duration,
    pub(crate) anchor: Instant,
    /// How long ago the world stood as it stands now; the first tick is due by so much sooner.
    pub(crate) behind: Duration,
    /// Since when the area was without an owner, and why.
    pub(crate) gap: Option<(Instant, &'static str)>,
    pub(crate) ports: Ports,
}

/// How the area is about to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Sleep,
    Release,
    Quarantine,
}

/// An area on a tick thread.
pub(crate) struct Running {
    key: Key,
    worker: WorkerId,
    map: &'static Map,
    header: FrameHeader,
    state: AreaState,
    inbox: Inbox,
    pipeline: Pipeline,
    pending: Pending,
    faults: FaultLog,
    snapshots: SnapshotPolicy,
    beat: Beat,
    /// A tick is due and waits for an acknowledgement.
    held: bool,
    /// When the last frame was decided.
    last_frame: Instant,
    /// Since when nothing would be missed if the area slept.
    idle: Option<Instant>,
    sleep_after: Duration,
    ending: Option<Ending>,
    /// The last frame has been decided; no tick comes after it.
    last_decided: bool,
    ports: Option<Ports>,
    gap: Option<(Instant, &'static str)>,
    load: Arc<AtomicU32>,
    population: Arc<AtomicU32>,
}

impl Running {
    /// An area whose ownership frame has been acknowledged.
    pub(crate) fn new(start: Start, now: Instant) -> Self {
        let Start { state, ports, .. } = start;
        Self {
            key: start.key,
            worker: start.worker,
            map: start.map,
            header: start.header,
            pending: Pending::restored(state.pending_effects(), start.sequence, now),
            beat: Beat::new(
                state.area(),
                start.anchor,
                now.checked_sub(start.behind).unwrap_or(now),
            ),
            state,
            inbox: start.inbox,
            pipeline: start.pipeline,
            faults: FaultLog::default(),
            snapshots: start.snapshots,
            held: false,
            last_frame: now,
            idle: None,
            sleep_after: start.sleep_after,
            ending: None,
            last_decided: false,
            gap: start.gap,
            load: Arc::clone(&ports.load),
            population: Arc::clone(&ports.population),
            ports: Some(ports),
        }
    }

    /// Its key on the thread.
    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    /// Whether it is over.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ports.is_none()
    }

    /// When it wants to tick; `None` while it waits for an acknowledgement.
    pub(crate) const fn due(&self) -> Option<Instant> {
        if self.held || self.last_decided {
            None
        } else {
            Some(self.beat.due())
        }
    }

    /// Asks it to write a last frame and end.
    pub(crate) fn release(&mut self) {
        // Who is asked to go stays out of quarantine, and who sleeps need not be asked.
        self.ending = self.ending.or(Some(Ending::Release));
    }

    /// Its beat: one tick, unless one is already ahead of the frame in flight.
    pub(crate) fn tick(&mut self, now: Clock) {
        if self.last_decided || !self.pipeline.may_decide() {
            self.held = true;
            return;
        }
        self.held = false;
        self.beat.ticked(now.instant);
        if let Some((since, reason)) = self.gap.take() {
            let gap = now.instant.saturating_duration_since(since);
            metrics::histogram!(HANDOFF_GAP_SECONDS, "reason" => reason).record(gap.as_secs_f64());
        }
        self.fall_asleep_if_idle(now.instant);
        self.decide(now);
        self.resend(now.instant);
        let used = now.instant.elapsed();
        metrics::histogram!(TICK_SECONDS).record(used.as_secs_f64());
        self.note_load(used);
        let population = u32::try_from(self.state.population()).unwrap_or(u32::MAX);
        self.population.store(population, Ordering::Relaxed);
    }

    /// Its frame in flight is in the log at `sequence`.
    pub(crate) fn appended(&mut self, sequence: Sequence, now: Clock) {
        let Some(done) = self.pipeline.appended() else {
            return;
        };
        self.send(&done, sequence, now.instant);
        if let Some(state) = done.keep {
            let farewell = Farewell { state, sequence };
            if done.last {
                self.end(farewell);
                return;
            }
            let port = self.ports.as_ref().map(|ports| &ports.snapshots);
            if port.is_some_and(|port| port.try_send(farewell).is_ok()) {
                self.snapshots.taken(now.instant);
            }
        }
        if self.held {
            self.tick(now);
        }
    }

    fn fall_asleep_if_idle(&mut self, now: Instant) {
        if self.state.may_sleep() && self.inbox.is_empty() && self.pipeline.is_empty() {
            let since = *self.idle.get_or_insert(now);
            if now.saturating_duration_since(since) >= self.sleep_after {
                self.ending = self.ending.or(Some(Ending::Sleep));
            }
        } else {
            self.idle = None;
        }
    }

    fn decide(&mut self, now: Clock) {
        let first_facts: Vec<Fact> = match self.ending {
            None => Vec::new(),
            Some(Ending::Sleep) => vec![Fact::Hibernated {}],
            Some(Ending::Release | Ending::Quarantine) => vec![Fact::Released {
                worker: self.worker.clone(),
            }],
        };
        let last = !first_facts.is_empty();
        let Batch {
            mut commands,
            trace,
        } = if last {
            Batch::default()
        } else {
            let most = usize::try_from(Rules::DEFAULT.max_commands_per_tick);
            self.inbox.take(most.unwrap_or(usize::MAX))
        };
        if seeded(Defect::OutcomeSkipped) {
            let chosen = |next: &Incoming| next.position.sequence.0.is_multiple_of(40);
            commands
                .retain(|next| !(chosen(next) && matches!(next.command, Command::Player { .. })));
        }
        let trace = trace.and_then(|trace| TraceContext::parse(&trace).ok());
        let step = trace.map_or_else(
            || timed("worker.tick"),
            |trace| timed("worker.tick").of(trace),
        );
        let input = TickInput {
            tick: self.state.tick().next(),
            at: now.unix,
            commands,
            first_facts,
        };
        let mut decided = match faults::decide(&self.state, self.map, input) {
            Ok(decided) => decided,
            Err(broken) => {
                tracing::error!(area.id = %self.state.area(), tick = %self.state.tick(), %broken, "an area cannot go on and is given up");
                self.ports = None;
                return;
            }
        };
        let decision = decided.decision;
        self.inbox
            .put_back(decided.commands.split_off(decision.consumed));
        count(&decided.commands, &decision.outcomes);
        if self.faults.note(decided.faults, now.instant) {
            self.ending = self.ending.or(Some(Ending::Quarantine));
        }
        let clock = now.instant.saturating_duration_since(self.last_frame) >= CLOCK;
        if !(decision.changed || clock || last) {
            self.state = decision.next;
            self.pipeline.decided(None);
            return;
        }
        self.last_frame = now.instant;
        self.last_decided = last;
        let confirms = decision.confirms.clone();
        let (frame, bytes, next) = decision.seal(&self.header);
        self.state = next;
        self.snapshots.frame(bytes.len());
        let marks = Marks::of(&frame.facts);
        let keep = last || self.snapshots.is_due(now.instant);
        let consequences = Consequences {
            confirms,
            keep: keep.then(|| self.state.clone()),
            last,
            marks: marks.clone(),
            effects: frame.effects,
        };
        let write = Write {
            payload: Bytes::from(bytes),
            trace: trace.map(|trace| trace.child()),
            marks,
        };
        self.pipeline.decided(Some((write, consequences)));
        end_timed!(step, area.id = %self.state.area(), tick = self.state.tick().0);
    }

    /// Sends what an acknowledged frame leads to.
    fn send(&mut self, done: &Consequences, cause: Sequence, now: Instant) {
        self.pending.sent(&done.effects, cause, now);
        let Some(ports) = &self.ports else {
            return;
        };
        let put = |errand| ports.errands.try_send(errand).is_ok();
        let mark = |point| Errand::Mark(point, done.marks.clone());
        if cfg!(feature = "fault-injection") {
            put(mark(CrashPoint::AfterAckBeforeEffects));
        }
        for effect in &done.effects {
            put(Errand::Effect(Box::new(effect.clone()), cause));
        }
        if cfg!(feature = "fault-injection") {
            put(mark(CrashPoint::AfterEffectsBeforeConfirmations));
        }
        for (source, up_to) in &done.confirms {
            put(Errand::Confirm(source.clone(), *up_to));
        }
    }

    fn resend(&mut self, now: Instant) {
        if seeded(Defect::EffectsNotResent) {
            return;
        }
        let due = self.pending.due(self.state.pending_effects(), now);
        let Some(ports) = &self.ports else {
            return;
        };
        let effects = due.effects.into_iter();
        let errands = effects
            .map(|(effect, cause)| Errand::Effect(Box::new(effect), cause))
            .chain(due.hints.into_iter().map(Errand::Hint));
        for errand in errands {
            if ports.errands.try_send(errand).is_err() {
                return;
            }
        }
    }

    fn end(&mut self, farewell: Farewell) {
        let ended = match self.ending {
            Some(Ending::Sleep) => Ended::Asleep(farewell),
            Some(Ending::Quarantine) => Ended::Quarantined(farewell),
            Some(Ending::Release) | None => Ended::Released(farewell),
        };
        if let Some(ports) = self.ports.take()
            && ports.ended.send(ended).is_err()
        {
            tracing::debug!(area.id = %self.state.area(), "nobody waits for the end of this area");
        }
    }

    /// Averages over about 25 ticks.
    fn note_load(&self, used: Duration) {
        let tick = crate::ticks::TICK.as_micros();
        let now = u32::try_from(used.as_micros() * 1000 / tick).unwrap_or(u32::MAX);
        let before = self.load.load(Ordering::Relaxed);
        let average = (u64::from(before) * 24 + u64::from(now)) / 25;
        let average = u32::try_from(average).unwrap_or(u32::MAX);
        self.load.store(average, Ordering::Relaxed);
    }
}

/// Counts what became of the commands of a tick.
fn count(commands: &[Incoming], outcomes: &Outcomes) {
    let refused = |cmd: &PlayerCommand| {
        let this = |no: &Rejected| no.character == cmd.character && no.seq == cmd.seq;
        outcomes.rejected.iter().any(this)
    };
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for incoming in commands {
        let outcome = match &incoming.command {
            Command::Player { cmd, .. } if refused(cmd) => "rejected",
            Command::Undecodable | Command::Fault { .. } => "rejected",
            _ => "accepted",
        };
        let kind = faults::kind(&incoming.command);
        *counts.entry((kind, outcome)).or_default() += 1;
    }
    for ((kind, outcome), count) in counts {
        metrics::counter!(COMMANDS_TOTAL, "kind" => kind.to_owned(), "outcome" => outcome.to_owned())
            .increment(count);
    }
}
