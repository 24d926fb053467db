//! The areas themselves: decided again from their commands, folded from zero and from their snapshots, and looked at for
//! walls and for what players saw last.
//!
//! Deciding again is what proves that no command was passed over and none heard twice: the rules are asked the same
//! questions, tick by tick, and must give the same frames.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::Snapshot;
use schemas::fact::Fact;
use schemas::outcome::Reason;
use schemas::{AreaId, CharacterId, Step, Tick};
use world::map::Tile;
use world::{AreaState, Command, Incoming, Map, Rules, TickInput};

use super::Finding;
use super::log::{Log, Placed, Sent};

/// An area's state after the frame at that place; `None` asks for the last.
pub(super) struct Seen {
    pub(super) area: AreaId,
    pub(super) sequence: u64,
    pub(super) state: AreaState,
}

/// Walks through all areas; returns the states after the frames asked for.
pub(super) fn check(
    log: &Log,
    snapshots: &BTreeMap<AreaId, Vec<Snapshot>>,
    wanted: &BTreeSet<(AreaId, u64)>,
    findings: &mut Vec<Finding>,
) -> Vec<Seen> {
    let mut seen = Vec::new();
    for (area, frames) in &log.frames {
        let none = Vec::new();
        let commands = log.commands.get(area).unwrap_or(&none);
        let kept = snapshots.get(area).map_or(&[][..], Vec::as_slice);
        let Some(known) = world::maps::builtin(area.map()) else {
            findings.push(Finding::new(
                "worlds",
                format!("{area}: nobody knows its map"),
            ));
            continue;
        };
        let mut walk = Walk {
            area,
            map: &known.map,
            state: AreaState::new(area.clone(), area.map()),
            commands: incoming(commands),
            in_walls: BTreeSet::new(),
            findings,
        };
        let last = frames.last().map(|placed| placed.sequence.0);
        for placed in frames {
            if !walk.frame(placed) {
                break;
            }
            for snapshot in kept
                .iter()
                .filter(|kept| kept.point.sequence == placed.sequence)
            {
                walk.snapshot(snapshot, placed, frames);
            }
            let place = (area.clone(), placed.sequence.0);
            // Who looks at an area in which nothing has happened since sees its last frame.
            if wanted.contains(&place) || Some(placed.sequence.0) == last {
                seen.push(Seen {
                    area: area.clone(),
                    sequence: placed.sequence.0,
                    state: walk.state.clone(),
                });
            }
        }
    }
    seen
}

fn incoming(commands: &[Sent]) -> Vec<Incoming> {
    // Which life of the stream a position counts in is put in where it is compared.
    let life = schemas::Incarnation::default();
    commands
        .iter()
        .flat_map(|sent| match &sent.message {
            Some(message) => world::incoming(message.clone(), life, sent.sequence, sent.stored_at),
            None => vec![world::undecodable(life, sent.sequence, sent.stored_at)],
        })
        .collect()
}

struct Walk<'a> {
    area: &'a AreaId,
    map: &'a Map,
    state: AreaState,
    /// Those that are not consumed yet, the last first to come.
    commands: Vec<Incoming>,
    in_walls: BTreeSet<CharacterId>,
    findings: &'a mut Vec<Finding>,
}

impl Walk<'_> {
    fn find(&mut self, check: &'static str, placed: &Placed, what: &str) {
        let message = format!("{}, sequence {}: {what}", self.area, placed.sequence);
        self.findings.push(Finding::new(check, message));
    }

    /// Whether the next frame can be looked at, too.
    fn frame(&mut self, placed: &Placed) -> bool {
        let frame = &placed.frame;
        let map = self.map;
        let to = (frame.pos.sequence, frame.pos.index);
        let taken = self
            .commands
            .iter()
            .take_while(|next| (next.position.sequence, next.position.index) <= to)
            .count();
        let mut consumed: Vec<Incoming> = self.commands.drain(..taken).collect();
        for next in &mut consumed {
            next.position.incarnation = frame.pos.incarnation;
        }
        let refused = |next: &Incoming| match &next.command {
            Command::Player { cmd, .. } => frame.outcomes.rejected.iter().any(|no| {
                (no.character, no.seq, no.reason) == (cmd.character, cmd.seq, Reason::Fault)
            }),
            _ => false,
        };
        let consumed: Vec<Incoming> = consumed
            .into_iter()
            .map(|next| {
                if refused(&next) {
                    next.as_fault()
                } else {
                    next
                }
            })
            .collect();
        self.decide_again(placed, map, consumed);
        let before = self.state.step();
        if let Err(error) = self.state.fold(frame, placed.digest) {
            self.find("worlds", placed, &format!("it cannot be folded: {error}"));
            return false;
        }
        self.look_for_walls(placed, map, before);
        true
    }

    fn decide_again(&mut self, placed: &Placed, map: &Map, commands: Vec<Incoming>) {
        let frame = &placed.frame;
        let decision = if let Some(owned @ Fact::Owned { .. }) = frame.facts.first() {
            world::resume(&Rules::DEFAULT, &self.state, map, owned.clone(), frame.at)
        } else {
            let mut state = self.state.clone();
            // Ticks in which nothing happened have no frame.
            for tick in self.state.tick().0 + 1..frame.tick.0 {
                let input = TickInput {
                    tick: Tick(tick),
                    at: frame.at,
                    commands: Vec::new(),
                    first_facts: Vec::new(),
                };
                let quiet = world::decide_tick(&Rules::DEFAULT, &state, map, input);
                if quiet.changed {
                    let what = format!(
                        "something should have happened at tick {tick}, which has no frame"
                    );
                    self.find("decide", placed, &what);
                }
                state = quiet.next;
            }
            let order = |fact: &&Fact| matches!(fact, Fact::Hibernated {} | Fact::Released { .. });
            let input = TickInput {
                tick: frame.tick,
                at: frame.at,
                commands,
                first_facts: frame.facts.iter().take(1).filter(order).cloned().collect(),
            };
            world::decide_tick(&Rules::DEFAULT, &state, map, input)
        };
        for (what, same) in [
            ("facts", decision.facts == frame.facts),
            ("motion", decision.motion == frame.motion),
            ("outcomes", decision.outcomes == frame.outcomes),
            ("effects", decision.effects == frame.effects),
            ("position", decision.position == frame.pos),
            ("hash", decision.hash() == frame.hash),
        ] {
            if !same {
                let what =
                    format!("decided again from its commands, its {what} come out otherwise");
                self.find("decide", placed, &what);
                break;
            }
        }
    }

    fn look_for_walls(&mut self, placed: &Placed, map: &Map, before: Step) {
        let now = self.state.step();
        let from = before.0.max(now.0.saturating_sub(50));
        let stuck: Vec<(CharacterId, (i32, i32), u64)> = self
            .state
            .bodies()
            .filter(|body| !self.in_walls.contains(&body.character))
            .filter_map(|body| {
                let begun = body.segment.from.0.max(from);
                let mut steps = begun..=now.0.max(begun);
                steps.find_map(|step| {
                    let (x, y) = body.segment.position(Step(step));
                    is_in_a_wall(map, x, y).then_some((body.character, (x, y), step))
                })
            })
            .collect();
        for (character, (x, y), step) in stuck {
            self.in_walls.insert(character);
            let what = format!("{character} stands in a wall at ({x}, {y}), step {step}");
            self.find("walls", placed, &what);
        }
    }

    /// A snapshot is the state after its frame, and with the frames after it comes to the same end.
    fn snapshot(&mut self, snapshot: &Snapshot, placed: &Placed, frames: &[Placed]) {
        if snapshot.point.digest != placed.digest {
            self.find(
                "snapshot",
                placed,
                "a snapshot was taken after another frame",
            );
        }
        let Ok(mut state) = schemas::decode::<AreaState>(&snapshot.state) else {
            return self.find("snapshot", placed, "a snapshot cannot be read");
        };
        if schemas::encode(&state) != schemas::encode(&self.state) {
            self.find(
                "snapshot",
                placed,
                "a snapshot is not the state after its frame",
            );
        }
        let tail = frames
            .iter()
            .filter(|frame| frame.sequence > placed.sequence);
        for after in tail {
            if let Err(error) = state.fold(&after.frame, after.digest) {
                let what = format!("a snapshot does not lead on: {error}");
                return self.find("snapshot", after, &what);
            }
        }
    }
}

/// Whether any tile under a body is a wall; beyond the sides and below, a map is solid.
fn is_in_a_wall(map: &Map, x: i32, y: i32) -> bool {
    let tile = map.tile_px * 256;
    let tiles = |at: i32, size: i32| at.div_euclid(tile)..=(at + size - 1).div_euclid(tile);
    tiles(x, world::rules::BODY_WIDTH).any(|column| {
        tiles(y, world::rules::BODY_HEIGHT).any(|row| map.tile(column, row) == Tile::Solid)
    })
}
