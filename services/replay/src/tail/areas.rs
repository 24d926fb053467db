//! Frames, with the commands they have consumed.

use std::collections::HashMap;

use eventlog::Record;
use past::Past;
use schemas::frame::Frame;
use schemas::ids::CommandPosition;
use schemas::segment::Moved;
use schemas::subjects::{AREA_COMMANDS, Subject, area_commands, area_events};
use schemas::{AreaId, Sequence};
use world::AreaState;

use crate::ReplayError;
use crate::cli::TailArgs;
use crate::commands::Commands;
use crate::describe::{self, Line, Scene};
use crate::history::{self, Stop};
use crate::judge::judge;
use crate::readable::Reader;

/// Everything about areas.
pub(super) struct AreaTail {
    commands: Commands,
    /// `None`: its frames do not fold; they are still told, without names and motion.
    states: HashMap<AreaId, Option<AreaState>>,
}

impl AreaTail {
    pub(super) async fn open(past: &Past, args: &TailArgs) -> Result<Self, ReplayError> {
        let after = if args.all {
            Sequence(0)
        } else {
            // A frame to come may consume commands that are there already.
            oldest_waiting(past, args).await?
        };
        let filters = args.area.iter().map(area_commands).collect();
        Ok(Self {
            commands: Commands::open(past, filters, after, args.follow()).await?,
            states: HashMap::new(),
        })
    }

    /// What a frame tells.
    pub(super) async fn lines(
        &mut self,
        past: &Past,
        record: &Record,
        reader: &Reader,
    ) -> Result<Vec<Line>, ReplayError> {
        let Subject::AreaEvents(area) = Subject::parse(&record.subject) else {
            return Ok(Vec::new());
        };
        let frame: Frame = match history::frame(record) {
            Ok(frame) => frame,
            Err(error) => {
                eprintln!("{error}");
                return Ok(Vec::new());
            }
        };
        let before = self.before(past, &area, record.sequence).await?;
        let after = before.clone().and_then(|mut state| {
            history::fold(&mut state, &frame, record)
                .map_err(|error| eprintln!("{error}"))
                .ok()
                .map(|()| state)
        });
        let from = before
            .as_ref()
            .map_or_else(CommandPosition::default, AreaState::position);
        let consumed = self.commands.take(&area, from, frame.pos).await?;
        let judged = judge(&frame, consumed, before.as_ref(), after.as_ref());
        let scene = Scene {
            area: &area,
            frame: &frame,
            sequence: record.sequence,
            before: before.as_ref(),
            after: after.as_ref(),
            reader,
        };
        let mut lines = vec![describe::frame_clock(&scene)];
        lines.extend(
            judged
                .commands
                .iter()
                .map(|(incoming, verdict)| describe::command(&scene, incoming, *verdict)),
        );
        lines.extend(frame.facts.iter().map(|fact| describe::fact(&scene, fact)));
        lines.extend(
            moved(&scene)
                .iter()
                .map(|moved| describe::motion(&scene, moved)),
        );
        lines.extend(
            frame
                .effects
                .iter()
                .map(|effect| describe::effect(&scene, effect)),
        );
        self.states.insert(area, after);
        Ok(lines)
    }

    async fn before(
        &mut self,
        past: &Past,
        area: &AreaId,
        sequence: Sequence,
    ) -> Result<Option<AreaState>, ReplayError> {
        if let Some(known) = self.states.remove(area) {
            return Ok(known);
        }
        match history::area(past, area, Stop::Before(sequence)).await {
            Ok(then) => Ok(Some(then.state)),
            Err(ReplayError::Broken(why)) => {
                eprintln!("{area} cannot be folded, so names and motion are missing: {why}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
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

/// The last command message that every area has consumed: all areas' smallest position.
async fn oldest_waiting(past: &Past, args: &TailArgs) -> Result<Sequence, ReplayError> {
    let head = past.span(AREA_COMMANDS).await?.last;
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
