//! Carrying a body through the steps of a tick.

use schemas::Step;
use schemas::segment::{Controller, InputBits, Mode, Segment};

use super::Kinetic;
use super::plan::plan;
use super::step::{stands_on_one_way, step};
use crate::map::Map;
use crate::rules::Rules;

/// What is held from a step on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keys {
    /// Held from now on.
    pub held: InputBits,
    /// Pressed since the keys before, even if let go again within the same step.
    pub pressed: InputBits,
}

/// The keys that change in the two steps of a tick.
pub type Presses = [Option<Keys>; 2];

/// How a body moves from some step on.
pub type Driven = (Segment, Controller);

/// Carries a body from its segment through the steps from `first` on to the last step of the
/// tick that begins with `tick_start`; `presses` belong to that tick. Returns what changed, in
/// order, each from a later step than the one before; only the last of what ended before the
/// tick began.
#[must_use]
pub fn drive(
    rules: &Rules,
    map: &Map,
    motion: Driven,
    first: Step,
    tick_start: Step,
    presses: &Presses,
) -> Vec<Driven> {
    let mut changes: Vec<Driven> = Vec::new();
    let (mut segment, mut controller) = motion;
    let last = tick_start.next();
    let mut now = first;
    while now <= last {
        let keys = now
            .0
            .checked_sub(tick_start.0)
            .and_then(|offset| presses[usize::try_from(offset).unwrap_or(1).min(1)])
            .filter(|keys| keys.held != controller.input || keys.pressed != InputBits::default());
        if keys.is_none() && segment.until >= now {
            let ends = Step(segment.until.0.saturating_add(1));
            now = ends.min(tick_start.max(now.next()));
            continue;
        }
        let ended = Step(now.0.saturating_sub(1));
        let mut body = Kinetic::of(&segment, ended);
        if let Some(keys) = keys {
            press(rules, map, &mut body, &mut controller, keys, now);
        }
        segment = plan(rules, map, &body, &controller, ended);
        if segment.until < now {
            (body, controller) = through(rules, map, &body, controller, now);
            segment = plan(rules, map, &body, &controller, now);
        }
        controller.mode = segment.mode;
        if segment.from.next() <= tick_start {
            changes.clear();
        } else if changes.last().is_some_and(|c| c.0.from == segment.from) {
            changes.pop();
        }
        // The keys hold since the step after the change that tells them.
        let told = changes.last().map_or(&motion.1, |change| &change.1);
        controller.since = if controller.input == told.input {
            told.since
        } else {
            segment.from.next()
        };
        changes.push((segment, controller));
        now = now.next();
    }
    changes
}

/// One step without looking ahead: what [`drive`] tells as segments, and what a predicting
/// client does.
#[must_use]
pub fn advance(
    rules: &Rules,
    map: &Map,
    mut body: Kinetic,
    mut controller: Controller,
    keys: Option<Keys>,
    now: Step,
) -> (Kinetic, Controller) {
    if let Some(keys) = keys {
        press(rules, map, &mut body, &mut controller, keys, now);
    }
    let (body, mut controller) = through(rules, map, &body, controller, now);
    controller.mode = body.mode;
    (body, controller)
}

/// What keys do at the beginning of step `now`.
fn press(
    rules: &Rules,
    map: &Map,
    body: &mut Kinetic,
    controller: &mut Controller,
    keys: Keys,
    now: Step,
) {
    let pressed = InputBits(keys.pressed.0 | (keys.held.0 & !controller.input.0));
    controller.input = keys.held;
    if now <= controller.stunned_until {
        return;
    }
    if pressed.holds(InputBits::DOWN)
        && body.mode == Mode::Ground
        && stands_on_one_way(map, body.x, body.y)
    {
        body.mode = Mode::Air;
        controller.drop_through_until = Step(now.0 + u64::from(rules.drop_through_steps) - 1);
    }
    if pressed.holds(InputBits::JUMP) {
        if body.mode == Mode::Ground || now <= controller.coyote_until {
            jump(rules, body);
            controller.coyote_until = spent(controller.coyote_until, now);
        } else {
            controller.jump_buffered_until = Step(now.0 + u64::from(rules.jump_buffer_steps));
        }
    }
}

const fn jump(rules: &Rules, body: &mut Kinetic) {
    body.mode = Mode::Air;
    body.vy = -rules.jump_speed;
}

/// A timer that has served: over if it was not.
fn spent(timer: Step, now: Step) -> Step {
    timer.min(Step(now.0.saturating_sub(1)))
}

/// Moves through step `now` and lets happen what happens in it.
fn through(
    rules: &Rules,
    map: &Map,
    body: &Kinetic,
    mut controller: Controller,
    now: Step,
) -> (Kinetic, Controller) {
    let mut after = step(rules, map, body, &controller, now).body;
    match (body.mode, after.mode) {
        (Mode::Ground, Mode::Air) => {
            controller.coyote_until = Step(now.0 + u64::from(rules.coyote_steps))
        }
        (Mode::Air, Mode::Ground)
            if now <= controller.jump_buffered_until && now > controller.stunned_until =>
        {
            jump(rules, &mut after);
            controller.jump_buffered_until = spent(controller.jump_buffered_until, now);
        }
        _ => {}
    }
    (after, controller)
}
