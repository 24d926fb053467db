//! Showing a recorded area: its frames are folded when their time has come.
//!
//! Time is that of the frames (`at`), so that an area that ran slow is seen to run slow. Where it slept, nothing is
//! waited for. At the recording's end it is looked now and then whether there is more by now.

use std::sync::Arc;
use std::time::Duration;

use eventlog::Record;
use past::{PastError, PastReader};
use schemas::frame::Frame;
use schemas::ids::STEP_MILLIS;
use schemas::wire::ServerMessage;
use schemas::{Digest, Sequence, Step, UnixMillis, decode};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::playhead::{Pace, Play};
use super::registry::{Ask, Replica, Replicas};
use super::restore::{BadFrame, Restored};
use super::task::{Audience, Watching};
use crate::realm::Realm;
use crate::recording::{Recording, Span};
use crate::ws::Item;

/// An observer is told no more often: a tick.
const PACE: Duration = Duration::from_millis(40);
/// Bodies cross cells without any event; between frames this is looked at so often.
const CROSSINGS: Duration = Duration::from_millis(100);
/// Where it stands is told so often.
const TELL: Duration = Duration::from_secs(1);
/// Whether the observer is there still, and what else happens by the clock.
const BEAT: Duration = Duration::from_millis(250);
/// An area that is awake writes every second; after so long without a frame (ms) it sleeps.
const SILENCE: u64 = 2_500;
/// So much (ms) of a silence is shown.
const SHOWN_SILENCE: u64 = 1_000;
/// Nothing is known of what bodies do so long after a frame.
const FARTHEST_STEPS: u64 = 60;

/// Why showing ends.
pub(super) enum Next {
    /// Another moment is wanted.
    Seek(Play),
    /// The observer has gone.
    Left,
}

/// A frame whose time has not come.
struct Coming {
    sequence: Sequence,
    digest: Digest,
    frame: Frame,
}

/// What is shown.
pub(super) struct Showing {
    pub(super) watching: Watching,
    recording: Arc<Recording>,
    reader: PastReader,
    next: Option<Coming>,
    /// Nothing more can be read now.
    at_end: bool,
    /// What comes next cannot be shown; it is tried again when somebody presses play.
    broken: bool,
    span: Span,
    pace: Pace,
    flushed_at: Instant,
    told_at: Instant,
    /// When it was last looked whether there is more.
    looked_at: Instant,
}

/// Whatever can wake it.
enum Event {
    Ask(Option<Ask>),
    Due,
    Read(Result<Option<Record>, PastError>),
    Beat,
}

impl Showing {
    pub(super) fn begin(
        (realm, replica, replicas): (&Arc<Realm>, &Arc<Replica>, &Arc<Replicas>),
        recording: Arc<Recording>,
        (restored, audience): (Restored, Audience),
        (span, at, speed): (Span, UnixMillis, u32),
    ) -> Self {
        let reader = recording.frames(&replica.area, restored.sequence);
        let now = Instant::now();
        replica.clock.run(step_at(&restored.state, at), speed);
        let watching = Watching::begin(realm, replica, replicas, restored, Audience::default());
        let mut showing = Self {
            watching,
            recording,
            reader,
            next: None,
            at_end: false,
            broken: false,
            span,
            pace: Pace::new(at, speed),
            flushed_at: now,
            told_at: now,
            looked_at: now,
        };
        // First where it stands, then how that looks.
        showing.watching.observers = audience.observers;
        for observing in showing.watching.observers.values_mut() {
            observing.behind = true;
        }
        showing.tell();
        showing.flush();
        showing
    }

    /// Goes on until another moment is wanted, or nobody looks.
    pub(super) async fn show(&mut self, inbox: &mut mpsc::Receiver<Ask>) -> Next {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wake = self.wake();
            let reads = self.next.is_none() && !self.at_end;
            let event = tokio::select! {
                biased;
                ask = inbox.recv() => Event::Ask(ask),
                () = sleep_until(wake.unwrap_or(self.flushed_at)), if wake.is_some() => Event::Due,
                record = self.reader.next(), if reads => Event::Read(record),
                _ = beat.tick() => Event::Beat,
            };
            match event {
                Event::Ask(None | Some(Ask::Detach(_))) => return Next::Left,
                Event::Ask(Some(Ask::Play(play))) if play.at.is_some() => return Next::Seek(play),
                Event::Ask(Some(Ask::Play(play))) => self.set_speed(play.speed),
                Event::Ask(Some(ask)) => {
                    self.watching.answer(ask);
                    self.flush();
                }
                Event::Due => self.catch_up_with_time().await,
                Event::Read(Ok(Some(record))) => self.take(&record),
                Event::Read(Ok(None)) => self.end(),
                Event::Read(Err(error)) => self.stop(&error),
                Event::Beat => {
                    self.watching.forget_the_gone();
                    if self.watching.is_unseen() {
                        return Next::Left;
                    }
                    if self.told_at.elapsed() >= TELL {
                        self.flush();
                        self.tell();
                        self.look_for_more();
                    }
                }
            }
        }
    }

    /// When the screens change next; `None` while time stands still.
    fn wake(&self) -> Option<Instant> {
        let crossings = self.flushed_at + CROSSINGS;
        let due = match &self.next {
            Some(next) => self.pace.when(self.due(next))?,
            None => self.pace.when(self.pace.now()).map(|_| crossings)?,
        };
        Some(due.min(crossings).max(self.flushed_at + PACE))
    }

    /// The moment in which a frame's time has come.
    fn due(&self, next: &Coming) -> UnixMillis {
        let last = self.watching.state.at().0;
        if next.frame.at.0 > last + SILENCE {
            UnixMillis(last + SHOWN_SILENCE)
        } else {
            next.frame.at
        }
    }

    async fn catch_up_with_time(&mut self) {
        let mut now = self.pace.now();
        while let Some(next) = self.next.take() {
            if self.due(&next) > now {
                self.next = Some(next);
                break;
            }
            if next.frame.at > now {
                // The area has slept from then to now.
                self.pace.jump(next.frame.at);
                now = next.frame.at;
            }
            if let Err(error) = self.fold(next) {
                self.stop(&error);
                break;
            }
            if let Some(record) = self.reader.try_next() {
                self.take(&record);
            }
        }
        self.watching.meet().await;
        self.flush();
    }

    fn fold(&mut self, next: Coming) -> Result<(), BadFrame> {
        let Coming {
            sequence,
            digest,
            frame,
        } = next;
        let folded = self.watching.state.fold(&frame, digest);
        folded.map_err(|why| BadFrame::Fold(sequence, why))?;
        self.span.to = self.span.to.max(frame.at);
        self.watching.note(sequence, frame);
        Ok(())
    }

    fn take(&mut self, record: &Record) {
        match decode::<Frame>(&record.payload) {
            Ok(frame) => {
                self.next = Some(Coming {
                    sequence: record.sequence,
                    digest: Digest::of(&record.payload),
                    frame,
                });
            }
            Err(why) => self.stop(&BadFrame::Undecodable(record.sequence, why)),
        }
    }

    /// There was nothing after this when it was last looked.
    fn end(&mut self) {
        self.at_end = true;
        // Of a world that lives on there is more by now.
        if self.looked_at.elapsed() >= BEAT {
            self.look_for_more();
        }
        if !self.at_end {
            return;
        }
        self.hold();
        self.tell();
    }

    /// Time does not go on after the last frame.
    fn hold(&mut self) {
        if self.at_end && self.pace.now() > self.watching.state.at() {
            self.pace.jump(self.watching.state.at());
        }
    }

    /// At the end, asks for what has happened since.
    fn look_for_more(&mut self) {
        if self.at_end && !self.broken && self.pace.speed() > 0 {
            self.hold();
            self.at_end = false;
            self.looked_at = Instant::now();
            let area = &self.watching.replica.area;
            self.reader = self.recording.frames(area, self.watching.sequence);
        }
    }

    fn set_speed(&mut self, speed: u32) {
        self.pace.set_speed(speed);
        self.broken = false;
        self.look_for_more();
        self.flush();
        self.tell();
    }

    /// It does not go on from here, and whoever looks is told why.
    fn stop(&mut self, error: &(dyn std::error::Error + 'static)) {
        let area = &self.watching.replica.area;
        let chain = std::iter::successors(Some(error), |error| error.source());
        let why = chain
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ");
        tracing::warn!(area.id = %area, "the past does not go on: {why}");
        (self.at_end, self.broken, self.next) = (true, true, None);
        self.pace.set_speed(0);
        self.say(&ServerMessage::Notice {
            code: "cannot_go_on".into(),
            message: format!("The recording cannot be shown any further: {why}."),
        });
        self.tell();
    }

    fn flush(&mut self) {
        self.hold();
        let (at, speed) = (self.pace.now(), self.pace.speed());
        let step = step_at(&self.watching.state, at);
        let replica = &self.watching.replica;
        replica.clock.run(step, speed);
        replica.playhead.set(Play {
            at: Some(at),
            speed,
        });
        self.flushed_at = Instant::now();
        self.watching.flush(step);
    }

    /// Says where it stands.
    fn tell(&mut self) {
        self.told_at = Instant::now();
        let (at, speed) = (self.pace.now(), self.pace.speed());
        let state = match (self.at_end && !self.broken, speed) {
            (true, _) => "ended",
            (false, 0) => "paused",
            (false, _) => "playing",
        };
        self.say(&ServerMessage::Playing {
            area: self.watching.replica.area.to_string(),
            state: state.into(),
            at: at.0,
            step: step_at(&self.watching.state, at).0,
            speed,
            from: self.span.from.0,
            to: self.span.to.0,
        });
    }

    fn say(&self, message: &ServerMessage) {
        for observing in self.watching.observers.values() {
            let observer = &observing.observer;
            let bytes = observer.encoding.encode(message);
            observer.mailbox.put(Item::Message(bytes.into()));
        }
    }
}

/// The step that is executed at `at`, after the frame that the state stands after.
fn step_at(state: &world::AreaState, at: UnixMillis) -> Step {
    let after = at.0.saturating_sub(state.at().0) / STEP_MILLIS;
    Step(state.step().0 + after.min(FARTHEST_STEPS))
}
