//! Frames, with the commands they have consumed.

use std::collections::HashMap;

use eventlog::{Follow, Record};
use past::{Past, PastError};
use schemas::frame::Frame;
use schemas::ids::CommandPosition;
use schemas::segment::Moved;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Subject, area_commands, area_events};
use schemas::{AreaId, CharacterId, Sequence, UnixMillis};
use world::{AreaState, Command};

use crate::ReplayError;
use crate::cli::TailArgs;
use crate::commands::Commands;
use crate::describe::{self, Line, Scene};
use crate::history::{self, Stop};
use crate::judge::{Judgement, judge};
use crate::readable::Reader;
use crate::reading::{From, Reading};
use crate::skipped::{Skipped, Skips};

/// Frames in their order, each with the commands that it has consumed and the area around it.
pub(crate) struct AreaTail {
    commands: Commands,
    /// `None`: its frames do not fold; they are still told, without names and motion.
    states: HashMap<AreaId, Option<AreaState>>,
}

/// A frame with all that it takes to tell it.
pub(crate) struct Seen {
    area: AreaId,
    pub(crate) frame: Frame,
    sequence: Sequence,
    before: Option<AreaState>,
    pub(crate) after: Option<AreaState>,
    judged: Judgement,
}

impl AreaTail {
    pub(super) async fn open(
        past: &Past,
        args: &TailArgs,
        skips: &mut Skips,
    ) -> Result<Self, ReplayError> {
        let after = match (args.all, args.from) {
            (true, _) => Sequence(0),
            (false, Some(from)) => first_command(past, from, skips).await?,
            // A frame to come may consume commands that are there already.
            (false, None) => oldest_waiting(past, args, skips).await?,
        };
        let filters = args.area.iter().map(area_commands).collect();
        Ok(Self {
            commands: Commands::open(past, filters, after, args.follow())
                .await?
                .tolerant(args.answer.tolerant),
            states: HashMap::new(),
        })
    }

    /// One area only, as it stands before the next frame; to the head.
    pub(crate) async fn of(
        past: &Past,
        before: AreaState,
        skips: &Skips,
    ) -> Result<Self, ReplayError> {
        let area = before.area().clone();
        let filters = vec![area_commands(&area)];
        // The message at its position may hold commands that it has not consumed.
        let after = Sequence(before.position().sequence.0.saturating_sub(1));
        Ok(Self {
            commands: Commands::open(past, filters, after, Follow::UntilHead)
                .await?
                .tolerant(skips.may()),
            states: HashMap::from([(area, Some(before))]),
        })
    }

    /// Folds a frame; `None` if the message is of no area.
    pub(crate) async fn see(
        &mut self,
        past: &Past,
        record: &Record,
        skips: &mut Skips,
    ) -> Result<Option<Seen>, ReplayError> {
        let Subject::AreaEvents(area) = Subject::parse(&record.subject) else {
            return Ok(None);
        };
        let frame: Frame = match history::frame(record) {
            Ok(frame) => frame,
            Err(error) => return skips.message(record, &error).map(|()| None),
        };
        let before = self.before(past, &area, record.sequence, skips).await?;
        let mut after = before.clone();
        if let Some(state) = &mut after
            && let Err(error) = history::fold(state, &frame, record)
        {
            skips.message(record, &error)?;
            after = None;
        }
        let from = before
            .as_ref()
            .map_or_else(CommandPosition::default, AreaState::position);
        let consumed = self.commands.take(&area, from, frame.pos).await?;
        skips.absorb(self.commands.skips());
        let judged = judge(&frame, consumed, before.as_ref(), after.as_ref());
        self.states.insert(area.clone(), after.clone());
        Ok(Some(Seen {
            area,
            frame,
            sequence: record.sequence,
            before,
            after,
            judged,
        }))
    }

    async fn before(
        &mut self,
        past: &Past,
        area: &AreaId,
        sequence: Sequence,
        skips: &mut Skips,
    ) -> Result<Option<AreaState>, ReplayError> {
        if let Some(known) = self.states.remove(area) {
            return Ok(known);
        }
        match history::area(past, area, Stop::Before(sequence)).await {
            Ok(then) => Ok(Some(then.state)),
            Err(error) => {
                let why = skips.why(error)?;
                skips.skip(Skipped {
                    stream: AREA_EVENTS.to_owned(),
                    from: Sequence(1),
                    to: Sequence(sequence.0.saturating_sub(1)),
                    place: Some(area.to_string()),
                    why: format!("it cannot be folded, so names and motion are missing: {why}"),
                })?;
                Ok(None)
            }
        }
    }
}

impl Seen {
    fn scene<'a>(&'a self, reader: &'a Reader) -> Scene<'a> {
        Scene {
            area: &self.area,
            frame: &self.frame,
            sequence: self.sequence,
            before: self.before.as_ref(),
            after: self.after.as_ref(),
            reader,
        }
    }

    /// Whether it may tell anything about a character; quick, and never wrong when it says no.
    pub(crate) fn concerns(&self, character: CharacterId) -> bool {
        let states = [&self.before, &self.after].into_iter().flatten();
        let mut bodies = states.filter_map(|state| state.by_character(character));
        bodies.any(|body| {
            self.frame
                .motion
                .handles()
                .any(|handle| handle == body.handle)
        }) || self
            .frame
            .facts
            .iter()
            .any(|fact| describe::about(fact) == Some(character))
            || self
                .frame
                .effects
                .iter()
                .any(|e| e.payload.character() == Some(character))
            || self
                .judged
                .commands
                .iter()
                .any(|(incoming, _)| match &incoming.command {
                    Command::Player { cmd, .. } => cmd.character == character,
                    Command::Effect(message) => {
                        message.effect.payload.character() == Some(character)
                    }
                    _ => false,
                })
    }

    /// What it tells: the commands, each with its outcome, then the events.
    pub(crate) fn lines(&self, reader: &Reader) -> Vec<Line> {
        let scene = self.scene(reader);
        let mut lines = vec![describe::frame_clock(&scene)];
        let commands = self.judged.commands.iter();
        lines.extend(
            commands.map(|(incoming, verdict)| describe::command(&scene, incoming, *verdict)),
        );
        let facts = self.frame.facts.iter();
        lines.extend(facts.map(|fact| describe::fact(&scene, fact)));
        let moved = moved(&scene);
        lines.extend(moved.iter().map(|moved| describe::motion(&scene, moved)));
        let effects = self.frame.effects.iter();
        lines.extend(effects.map(|effect| describe::effect(&scene, effect)));
        lines
    }
}

/// The segments that a frame has begun, unpacked with what was known before it and what arrived in it.
fn moved(scene: &Scene<'_>) -> Vec<Moved> {
    let (Some(before), Some(after)) = (scene.before, scene.after) else {
        return Vec::new();
    };
    let known = |handle| {
        let body = before.body(handle).or_else(|| after.body(handle))?;
        Some((&body.segment, &body.controller))
    };
    let base = scene.frame.tick.first_step();
    scene.frame.motion.unpack(base, known).unwrap_or_default()
}

/// The last command message that every area has consumed; the last one there is where that cannot be told, and what
/// was waiting there is told without its commands.
async fn oldest_waiting(
    past: &Past,
    args: &TailArgs,
    skips: &mut Skips,
) -> Result<Sequence, ReplayError> {
    let head = past.span(AREA_COMMANDS).await?.last;
    let why = match smallest_position(past, args, head).await {
        Err(error) if skips.may_leave_out(&error) => error.to_string(),
        oldest => return Ok(oldest?),
    };
    skips.skip(Skipped {
        stream: AREA_COMMANDS.to_owned(),
        from: head,
        to: head,
        place: None,
        why: format!("which commands waited cannot be told: {why}"),
    })?;
    Ok(head)
}

/// All areas' smallest position, of those that have not consumed all there is.
async fn smallest_position(
    past: &Past,
    args: &TailArgs,
    head: Sequence,
) -> Result<Sequence, PastError> {
    let mut oldest = head;
    for (subject, _) in past.subjects(AREA_COMMANDS, "cmd.area.>").await? {
        let Subject::AreaCommand(area, _) = Subject::parse(&subject) else {
            continue;
        };
        if !args.area.is_empty() && !args.area.contains(&area) {
            continue;
        }
        let events = area_events(&area);
        let position = match past.last(&events).await? {
            Some(record) => history::frame(&record).map_or(head, |frame| frame.pos.sequence),
            None => head,
        };
        // Behind the head by what comes in while it works; far behind when it sleeps.
        let newest = past
            .last(&subject)
            .await?
            .map_or(Sequence(0), |last| last.sequence);
        if newest > position {
            oldest = oldest.min(position);
        }
    }
    Ok(oldest)
}

/// How long before a moment commands may have come that a frame after it consumes: an area that was down reads what
/// waited for it, and effects never expire. What is older is told without its commands.
const SLACK_MILLIS: u64 = 60_000;

/// The last command message before those that a frame decided after `from` may consume.
async fn first_command(
    past: &Past,
    from: UnixMillis,
    skips: &mut Skips,
) -> Result<Sequence, ReplayError> {
    let since = From::Time(UnixMillis(from.0.saturating_sub(SLACK_MILLIS)));
    let follow = Follow::UntilHead;
    let mut reader = Reading::open(past, AREA_COMMANDS, Vec::new(), since, follow);
    Ok(match reader.next(skips).await? {
        Some(first) => Sequence(first.sequence.0.saturating_sub(1)),
        None => past.span(AREA_COMMANDS).await?.last,
    })
}
