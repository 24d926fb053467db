//! `verify --decide`: every recorded frame is decided again, by the rules that are recorded with it, from the state before
//! it and the commands that it consumed, and must come out the same to the byte.
//!
//! Only what this build decides by can be decided again: frames of other rules, of another map, or whose commands are no
//! longer there are *left out*, and listed by range. Ticks of which no frame tells are decided, too: nothing may come of
//! them.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::TICK_MILLIS;
use schemas::outcome::{EffectVerdict, Reason};
use schemas::{AreaId, Sequence, Tick};
use serde::{Deserialize, Serialize};
use world::{
    AreaState, Broken, Command, Decision, FrameHeader, Incoming, Map, RULES_VERSION, Rules,
    TickInput, decide_despite_faults,
};

/// An owner writes a frame a second, and longer silence is no owner's: so many ticks are not decided one by one.
const MOST_SILENT_TICKS: u64 = 1_000;
/// So many frames of an area that come out otherwise are told one by one; of the others there is the count.
const MOST_TOLD: u64 = 20;

/// A frame in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded<'a> {
    /// Its place.
    pub(crate) sequence: Sequence,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
    /// What they say.
    pub(crate) frame: &'a Frame,
    /// What it has consumed.
    pub(crate) commands: &'a [Incoming],
    /// Whether some of that may no longer be there.
    pub(crate) incomplete: bool,
}

/// A range of frames that was not decided again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Of which area.
    pub area: AreaId,
    /// The first frame.
    pub from: Sequence,
    /// The last one.
    pub to: Sequence,
    /// How many.
    pub frames: u64,
    /// Why, in words.
    pub why: String,
}

/// What has been decided again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Frames that came out the same to the byte.
    pub alike: u64,
    /// Frames that came out otherwise; each is a finding.
    pub otherwise: u64,
    /// Ticks decided, those without a frame included: 40 ms of an area's time each.
    pub ticks: u64,
    /// Commands decided.
    pub commands: u64,
    /// Commands on which the rules broke, then as now.
    pub faults: u64,
    /// Ranges that were not decided again, in the order in which they were met.
    pub left_out: Vec<LeftOut>,
}

impl Decided {
    /// How fast that was, against the time that the areas took.
    pub(crate) fn speed(&self, took: Duration) -> String {
        let world = Duration::from_millis(self.ticks * TICK_MILLIS);
        let times = world.as_millis() / took.as_millis().max(1);
        format!(
            "decided again: {} s of areas' time in {}.{:01} s, {times} times real time",
            world.as_secs(),
            took.as_secs(),
            took.subsec_millis() / 100
        )
    }

    pub(crate) fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let Self {
            alike,
            otherwise,
            ticks,
            commands,
            faults,
            left_out,
        } = self;
        writeln!(
            out,
            "decided again: {alike} frames the same to the byte, {otherwise} otherwise; {ticks} ticks, {commands} commands, {faults} faults"
        )?;
        for LeftOut {
            area,
            from,
            to,
            frames,
            why,
        } in left_out
        {
            writeln!(
                out,
                "not decided again: {frames} frames of {area}, {from} to {to}: {why}"
            )?;
        }
        Ok(())
    }
}

/// Decides frame by frame; what it keeps can be stored, to go on another time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Again {
    decided: Decided,
    /// Frames by area that came out otherwise.
    otherwise: BTreeMap<AreaId, u64>,
    /// The range in `decided.left_out` that the area's next frame may continue.
    open: BTreeMap<AreaId, usize>,
}

/// Why a frame is not decided again.
enum Not {
    /// It cannot be, and nothing is wrong with that.
    Possible(String),
    /// It should be, and comes out otherwise.
    Alike(String),
}

impl Again {
    /// Decides what a frame tells, from the state `before` it; what is wrong with it, if anything.
    pub(crate) fn frame(&mut self, before: &AreaState, recorded: &Recorded<'_>) -> Option<String> {
        let area = before.area();
        match self.decide(before, recorded) {
            Ok(()) => {
                self.open.remove(area);
                self.decided.alike += 1;
                None
            }
            Err(Not::Possible(why)) => {
                self.leave_out(area, recorded.sequence, why);
                None
            }
            Err(Not::Alike(what)) => {
                self.open.remove(area);
                self.decided.otherwise += 1;
                let so_far = self.otherwise.entry(area.clone()).or_default();
                *so_far += 1;
                (*so_far <= MOST_TOLD).then(|| format!("decided again from its commands, {what}"))
            }
        }
    }

    /// What came of it, and a sentence for each area with more findings than were told.
    pub(crate) fn close(self) -> (Decided, Vec<(AreaId, String)>) {
        let more = self.otherwise.into_iter().filter_map(|(area, count)| {
            let untold = count.checked_sub(MOST_TOLD).filter(|untold| *untold > 0)?;
            Some((
                area,
                format!("{untold} more of its frames come out otherwise"),
            ))
        });
        (self.decided, more.collect())
    }

    fn leave_out(&mut self, area: &AreaId, sequence: Sequence, why: String) {
        let ranges = &mut self.decided.left_out;
        if let Some(range) = self.open.get(area).and_then(|at| ranges.get_mut(*at))
            && range.why == why
        {
            range.to = sequence;
            range.frames += 1;
            return;
        }
        self.open.insert(area.clone(), ranges.len());
        ranges.push(LeftOut {
            area: area.clone(),
            from: sequence,
            to: sequence,
            frames: 1,
            why,
        });
    }

    fn decide(&mut self, before: &AreaState, recorded: &Recorded<'_>) -> Result<(), Not> {
        let frame = recorded.frame;
        let map = rules_of(before, frame)?;
        if recorded.incomplete {
            let why = "its commands are no longer there".to_owned();
            return Err(Not::Possible(why));
        }
        let broken = |broken: Broken| Not::Alike(broken.to_string());
        let claims = matches!(frame.facts.first(), Some(Fact::Owned { .. }));
        let mut state = before.clone();
        if !claims {
            // A new owner takes the ticks since the last frame in one step.
            self.pass(&mut state, frame, map)?;
        }
        let mut input = TickInput {
            tick: frame.tick,
            at: frame.at,
            commands: stamped(recorded),
            first_facts: orders(frame),
        };
        self.decided.ticks += frame.tick.0.saturating_sub(state.tick().0);
        self.decided.commands += input.commands.len() as u64;
        let decision = decide(&state, map, &mut input).map_err(broken)?;
        let mut different = difference(decision, recorded);
        if different.is_some() && mark_refused_effects(&mut input, frame) {
            // Of an effect on which the rules broke then, nothing is told but that it was not taken.
            let decision = decide(&state, map, &mut input).map_err(broken)?;
            different = difference(decision, recorded);
        }
        if let Some(what) = different {
            return Err(Not::Alike(what));
        }
        let faults = input.commands.iter().filter(|next| is_fault(next)).count();
        self.decided.faults += faults as u64;
        Ok(())
    }

    /// Lets the ticks before the frame's pass, in which nothing happened.
    fn pass(&mut self, state: &mut AreaState, frame: &Frame, map: &Map) -> Result<(), Not> {
        let silent = frame
            .tick
            .0
            .saturating_sub(state.tick().0)
            .saturating_sub(1);
        if silent > MOST_SILENT_TICKS {
            return Err(Not::Alike(format!(
                "it comes {silent} ticks after the one before it, although an owner writes one a second"
            )));
        }
        for tick in state.tick().0 + 1..frame.tick.0 {
            let mut input = TickInput {
                tick: Tick(tick),
                at: frame.at,
                ..TickInput::default()
            };
            let quiet =
                decide(state, map, &mut input).map_err(|broken| Not::Alike(broken.to_string()))?;
            self.decided.ticks += 1;
            if quiet.changed {
                return Err(Not::Alike(format!(
                    "something should have happened in tick {tick}, of which no frame tells"
                )));
            }
            *state = quiet.next;
        }
        Ok(())
    }
}

/// Decides as an owner does.
fn decide(state: &AreaState, map: &Map, input: &mut TickInput) -> Result<Decision, Broken> {
    decide_despite_faults(&Rules::DEFAULT, state, map, input, |_| {})
}

/// The map to decide on, if this build decides by the rules and on the map of the frame's owner.
fn rules_of(before: &AreaState, frame: &Frame) -> Result<&'static Map, Not> {
    let (rules, build, map, digest) = match (frame.facts.first(), before.owner()) {
        (
            Some(Fact::Owned {
                rules,
                build,
                map,
                map_hash,
                ..
            }),
            _,
        ) => (*rules, build, map.as_str(), *map_hash),
        (_, Some(owner)) => (owner.rules, &owner.build, before.map_name(), owner.map_hash),
        (_, None) => return Err(Not::Possible("it has no owner".to_owned())),
    };
    if rules != RULES_VERSION {
        return Err(Not::Possible(format!(
            "decided by rules {rules} (build {build}), this build has {RULES_VERSION}"
        )));
    }
    world::maps::builtin(map)
        .map(|known| &known.map)
        .filter(|known| known.digest == digest)
        .ok_or_else(|| Not::Possible(format!("decided on a map {map} that this build has not")))
}

/// What the owner's own life adds to a tick.
fn orders(frame: &Frame) -> Vec<Fact> {
    let is_order = |fact: &&Fact| {
        matches!(
            fact,
            Fact::Owned { .. } | Fact::Hibernated {} | Fact::Released { .. }
        )
    };
    frame
        .facts
        .iter()
        .take(1)
        .filter(is_order)
        .cloned()
        .collect()
}

/// The commands as their owner had them: in the life of the stream that it counted in, and those marked on which the
/// rules broke.
fn stamped(recorded: &Recorded<'_>) -> Vec<Incoming> {
    let frame = recorded.frame;
    let broke =
        |next: &Incoming| match &next.command {
            Command::Player { cmd, .. } => frame.outcomes.rejected.iter().any(|no| {
                (no.character, no.seq, no.reason) == (cmd.character, cmd.seq, Reason::Fault)
            }),
            _ => false,
        };
    let stamp = |next: &Incoming| {
        let mut next = next.clone();
        next.position.incarnation = frame.pos.incarnation;
        if broke(&next) { next.as_fault() } else { next }
    };
    recorded.commands.iter().map(stamp).collect()
}

const fn is_fault(next: &Incoming) -> bool {
    matches!(next.command, Command::Fault { .. })
}

/// Marks effects that the frame has not taken; whether there are any.
fn mark_refused_effects(input: &mut TickInput, frame: &Frame) -> bool {
    let refused = |next: &Incoming| match &next.command {
        Command::Effect(message) => frame.outcomes.effects.iter().any(|outcome| {
            (&outcome.source, outcome.number, outcome.verdict)
                == (&message.source, message.effect.number, EffectVerdict::Gap)
        }),
        _ => false,
    };
    let mut any = false;
    for next in &mut input.commands {
        if refused(next) {
            any = true;
            *next = next.clone().as_fault();
        }
    }
    any
}

/// What differs between the frame decided and the one recorded.
fn difference(decision: Decision, recorded: &Recorded<'_>) -> Option<String> {
    let there = recorded.frame;
    let header = FrameHeader {
        epoch: there.epoch,
        claim: there.claim,
    };
    let (here, bytes, _) = decision.seal(&header);
    if bytes == recorded.bytes {
        return None;
    }
    let parts = [
        ("facts", here.facts == there.facts),
        ("motion", here.motion == there.motion),
        ("outcomes", here.outcomes == there.outcomes),
        ("effects", here.effects == there.effects),
        ("time", (here.tick, here.at) == (there.tick, there.at)),
        ("position", here.pos == there.pos),
        (
            "place in the chain",
            (here.no, here.prev) == (there.no, there.prev),
        ),
        ("hash", here.hash == there.hash),
    ];
    let different: Vec<&str> = parts
        .into_iter()
        .filter(|(_, same)| !same)
        .map(|(what, _)| what)
        .collect();
    Some(if different.is_empty() {
        "its bytes come out otherwise, although they say the same".to_owned()
    } else {
        format!("its {} come out otherwise", different.join(", "))
    })
}

#[cfg(test)]
mod tests;
