//! The recorded life of one area as a list of ticks to be decided in another way.

use std::collections::BTreeSet;

use eventlog::{Follow, Lineage, Record};
use past::{Past, PastReader, Span};
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::CommandPosition;
use schemas::outcome::Reason;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, area_commands, area_events};
use schemas::{AreaId, CharacterId, Sequence, Tick, UnixMillis};
use world::{AreaState, Command};

use super::bodies::Bodies;
use super::happening::Happening;
use crate::ReplayError;
use crate::decide::apart;
use crate::decide::protocol::{Asked, Message};
use crate::history::{self, Stop};
use crate::index::Index;
use crate::moment::Moment;
use crate::reading::{From, Reading};
use crate::skipped::Skips;

/// An owner writes a frame a second; a longer silence is not lived through tick by tick.
const MOST_SILENT_TICKS: u64 = 1_000;

/// From when to when.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range {
    /// From the state at this moment on; `None`: as early as there are commands.
    pub(super) from: Option<Moment>,
    /// Up to this moment.
    pub(super) to: Option<Moment>,
}

impl Range {
    fn ends_before(&self, frame: &Frame) -> bool {
        match self.to {
            None | Some(Moment::Now) => false,
            Some(Moment::Tick(tick)) => frame.tick > tick,
            Some(Moment::Time(time)) => frame.at > time,
        }
    }
}

/// A tick as it was.
pub(super) struct Lived {
    /// What is given of it to whoever decides it in another way.
    pub(super) asked: Asked,
    /// The frame that tells it; of a tick in which nothing happened, the next one.
    pub(super) sequence: Sequence,
    /// How many commands it consumed.
    pub(super) commands: u64,
    /// What happened in it.
    pub(super) happened: Vec<Happening>,
    /// Where everybody stood at its end.
    pub(super) stood: Vec<(CharacterId, (i32, i32))>,
}

/// Where a recording begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    /// After that frame; 0: before the first.
    pub(super) sequence: Sequence,
    pub(super) tick: Tick,
    pub(super) at: UnixMillis,
    /// Whether that is later than was asked for: of what was before, the commands are no longer there.
    pub(super) late: bool,
}

/// The recorded life of one area.
pub(super) struct Recording {
    range: Range,
    frames: PastReader,
    /// What came after this is not looked at: its commands may not be readable yet.
    head: Sequence,
    sent: Sent,
    bodies: Bodies,
    position: CommandPosition,
    tick: Tick,
    last: Sequence,
    /// Who left in the tick before.
    left: Vec<Fact>,
    beginning: Beginning,
    /// Rules other than this build's that decided any of it.
    pub(super) other_rules: BTreeSet<u32>,
    /// Frames whose commands are no longer all there.
    pub(super) incomplete: u64,
}

impl Recording {
    /// Opens it and says how the area stood at the beginning; `None` if there is nothing from where it could begin:
    /// the commands are no longer there, or there are no frames in the range.
    pub(super) async fn open(
        past: &Past,
        index: Option<&Index>,
        area: &AreaId,
        range: Range,
    ) -> Result<Option<(Self, AreaState)>, ReplayError> {
        let head = past.span(AREA_EVENTS).await?.last;
        let span = past.span(AREA_COMMANDS).await?;
        let (mut state, mut sequence) = match range.from {
            None => (AreaState::new(area.clone(), area.map()), Sequence(0)),
            Some(moment) => {
                let then = history::nearest(past, index, area, Stop::At(moment)).await?;
                (then.state, then.sequence)
            }
        };
        let filters = vec![area_events(area)];
        let mut frames = past.read(AREA_EVENTS, filters, sequence, Follow::UntilHead);
        let asked = sequence;
        while !can_go_on(&span.lineage, span.first, state.position()) {
            let Some(record) = frames.next().await? else {
                return Ok(None);
            };
            let frame = history::frame(&record)?;
            history::fold(&mut state, &frame, &record)?;
            sequence = record.sequence;
        }
        let position = state.position();
        let after = Sequence(position.sequence.0.saturating_sub(1));
        let filters = vec![area_commands(area)];
        let beginning = Beginning {
            sequence,
            tick: state.tick(),
            at: state.at(),
            late: sequence > asked,
        };
        let recording = Self {
            range,
            frames,
            head,
            sent: Sent {
                reader: Reading::open(
                    past,
                    AREA_COMMANDS,
                    filters,
                    From::After(after),
                    Follow::UntilHead,
                ),
                span,
                held: None,
                damaged: Sequence(0),
            },
            bodies: Bodies::of(&state),
            position,
            tick: state.tick(),
            last: sequence,
            left: Vec::new(),
            beginning,
            other_rules: other_rules(state.owner().map(|owner| owner.rules)),
            incomplete: 0,
        };
        Ok(Some((recording, state)))
    }

    /// The last frame that was lived through.
    pub(super) const fn last(&self) -> Sequence {
        self.last
    }

    /// Where it begins.
    pub(super) const fn beginning(&self) -> Beginning {
        self.beginning
    }

    /// The ticks up to and with the next frame's; `None` at the end. Of commands that are damaged, `skips` says whether
    /// they may be left out; without a frame nothing can go on.
    pub(super) async fn next(
        &mut self,
        skips: &mut Skips,
    ) -> Result<Option<Vec<Lived>>, ReplayError> {
        let Some(record) = self.frames.next().await? else {
            return Ok(None);
        };
        let frame = history::frame(&record)?;
        if record.sequence > self.head || self.range.ends_before(&frame) {
            return Ok(None);
        }
        let claims = matches!(frame.facts.first(), Some(Fact::Owned { .. }));
        let mut ticks = Vec::new();
        if !claims {
            let silent = self.tick.0 + 1..frame.tick.0;
            if silent.end.saturating_sub(silent.start) > MOST_SILENT_TICKS {
                return Err(ReplayError::Broken(format!(
                    "message {} on {}: it is of tick {}, the frame before of tick {}, although an owner writes one a second",
                    record.sequence, record.subject, frame.tick, self.tick
                )));
            }
            ticks.extend(silent.map(|tick| self.silent(Tick(tick), frame.at, record.sequence)));
        }
        ticks.push(self.lived(&record, &frame, skips).await?);
        self.tick = frame.tick;
        self.last = record.sequence;
        Ok(Some(ticks))
    }

    fn silent(&mut self, tick: Tick, at: UnixMillis, sequence: Sequence) -> Lived {
        let asked = Asked {
            tick,
            at,
            left: std::mem::take(&mut self.left),
            ..Asked::default()
        };
        Lived {
            asked,
            sequence,
            commands: 0,
            happened: Vec::new(),
            stood: self.bodies.stand(tick.last_step()).collect(),
        }
    }

    async fn lived(
        &mut self,
        record: &Record,
        frame: &Frame,
        skips: &mut Skips,
    ) -> Result<Lived, ReplayError> {
        let (messages, complete) = self.sent.take(self.position, frame.pos, skips).await?;
        self.incomplete += u64::from(!complete);
        self.position = frame.pos;
        if let Some(Fact::Owned { rules, .. }) = frame.facts.first() {
            self.other_rules.extend(other_rules(Some(*rules)));
        }
        let mut asked = Asked {
            tick: frame.tick,
            at: frame.at,
            orders: orders(frame),
            left: std::mem::take(&mut self.left),
            ..Asked::default()
        };
        let mut commands = 0;
        for next in messages.iter().flat_map(apart) {
            commands += 1;
            match &next.command {
                Command::Alive { handles, .. } => {
                    let who = handles
                        .iter()
                        .filter_map(|(handle, _)| Some((*handle, self.bodies.character(*handle)?)));
                    asked.who.extend(who);
                }
                Command::Player { cmd, .. } => {
                    let broke = frame.outcomes.rejected.iter().any(|no| {
                        (no.character, no.seq, no.reason) == (cmd.character, cmd.seq, Reason::Fault)
                    });
                    if broke {
                        asked
                            .faults
                            .push((next.position.sequence, next.position.index));
                    }
                }
                _ => {}
            }
        }
        asked.messages = messages;
        let happened = self.bodies.follow(frame).map_err(|error| {
            ReplayError::Broken(format!(
                "message {} on {}: {error}",
                record.sequence, record.subject
            ))
        })?;
        let left = frame.facts.iter().filter(|fact| match fact {
            Fact::Departed { character, .. } => !self.bodies.has(*character),
            _ => false,
        });
        self.left = left.cloned().collect();
        Ok(Lived {
            asked,
            sequence: record.sequence,
            commands,
            happened,
            stood: self.bodies.stand(frame.tick.last_step()).collect(),
        })
    }
}

/// Whether all commands after `position` can be read.
fn can_go_on(lineage: &Lineage, first: Sequence, position: CommandPosition) -> bool {
    let begun =
        position.sequence == Sequence(0) || lineage.knows(position.incarnation, position.sequence);
    begun && first <= position.sequence.next()
}

fn other_rules(rules: Option<u32>) -> BTreeSet<u32> {
    rules
        .into_iter()
        .filter(|rules| *rules != world::RULES_VERSION)
        .collect()
}

/// What the owner's own life added to the tick.
fn orders(frame: &Frame) -> Vec<Fact> {
    let first = frame.facts.first().filter(|fact| {
        matches!(
            fact,
            Fact::Owned { .. } | Fact::Hibernated {} | Fact::Released { .. }
        )
    });
    first.cloned().into_iter().collect()
}

/// The area's command messages, in step with the frames that consumed them.
struct Sent {
    reader: Reading,
    span: Span,
    /// Consumed in part, or not yet.
    held: Option<Record>,
    /// Up to here some could not be read.
    damaged: Sequence,
}

impl Sent {
    /// What was consumed between two positions, and whether that is all of it.
    async fn take(
        &mut self,
        from: CommandPosition,
        to: CommandPosition,
        skips: &mut Skips,
    ) -> Result<(Vec<Message>, bool), ReplayError> {
        let mut messages = Vec::new();
        if (to.sequence, to.index) <= (from.sequence, from.index) {
            return Ok((messages, true));
        }
        loop {
            let next = match self.held.take() {
                Some(held) => Some(held),
                None => self.read(skips).await?,
            };
            let Some(record) = next else { break };
            if record.sequence > to.sequence {
                self.held = Some(record);
                break;
            }
            let is = |position: CommandPosition| record.sequence == position.sequence;
            let message = Message {
                subject: record.subject.clone(),
                sequence: record.sequence,
                incarnation: to.incarnation,
                stored_at: record.stored_at,
                first: if is(from) { from.index + 1 } else { 1 },
                last: if is(to) { to.index } else { u32::MAX },
                payload: record.payload.clone(),
            };
            if record.sequence >= from.sequence {
                messages.push(message);
            }
            if is(to) {
                self.held = Some(record);
                break;
            }
        }
        messages.retain(|message| !apart(message).is_empty());
        let lacks = self.damaged > from.sequence || self.span.lacks(from.sequence, to.sequence);
        Ok((messages, !lacks))
    }

    async fn read(&mut self, skips: &mut Skips) -> Result<Option<Record>, ReplayError> {
        let before = skips.list().len();
        let next = self.reader.next(skips).await?;
        let damage = skips.list()[before..].iter().map(|skipped| skipped.to);
        self.damaged = damage.fold(self.damaged, Sequence::max);
        Ok(next)
    }
}
