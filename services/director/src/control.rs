//! The control domain: opening areas, steering them, binding them to a worker.
//!
//! Whoever may ask sends a command; the director itself opens areas by appending to the same
//! subjects. Both are conditioned, so an area is opened once, whoever is faster. An area learns how
//! it is steered by an effect of the entry that says so, exactly once and in order.

use eventlog::keyed::{Aggregate, Context, Input, Verdict};
use schemas::AreaId;
use schemas::control::{AreaControl, ControlCommand, ControlEvent, Opened, Order};
use schemas::effect::EffectPayload;
use schemas::keyed::Refusal;
use schemas::subjects::{AggregateId, Domain};

use crate::opened::{VOID, may_be_opened};

/// The rules of what leads areas from outside.
#[derive(Debug, Clone)]
pub struct Areas {
    /// The maps of which areas may be opened.
    pub maps: Vec<String>,
}

impl Aggregate for Areas {
    const DOMAIN: Domain = Domain::Control;
    type Command = ControlCommand;
    type Event = ControlEvent;
    type State = AreaControl;
    type Answer = Opened;

    fn id(&self, key: &str) -> Option<AggregateId> {
        AreaId::new(key).ok().map(AggregateId::Control)
    }

    fn decide(
        &self,
        key: &str,
        state: &AreaControl,
        input: Input<'_, ControlCommand>,
        _: &Context,
    ) -> Verdict<ControlEvent> {
        // No aggregate asks anything of an area's control.
        let Input::Command(command) = input else {
            return Verdict::unchanged();
        };
        let about = area_of(command);
        if about.as_str() != key {
            return Verdict::refused(Refusal::new(
                "wrong_key",
                format!("{about} was asked of {key}; send it to {about}"),
            ));
        }
        match command {
            ControlCommand::OpenArea { .. } if state.map.is_some() => Verdict::unchanged(),
            ControlCommand::OpenArea { area, seed } => self.open(area, *seed),
            _ if state.map.is_none() => Verdict::refused(not_open()),
            ControlCommand::Steer {
                closed,
                overflow,
                soft,
                order,
                ..
            } => steer(about, state, *closed, overflow.as_ref(), *soft, order),
            ControlCommand::Pin { worker, .. } if *worker == state.pinned => Verdict::unchanged(),
            ControlCommand::Pin { worker, order, .. } => Verdict::events([ControlEvent::Pinned {
                worker: worker.clone(),
                order: order.clone(),
            }]),
        }
    }

    fn evolve(state: &mut AreaControl, event: &ControlEvent) {
        match event {
            ControlEvent::AreaOpened { map, seed, .. } => {
                state.map = Some(map.clone());
                state.seed = *seed;
                // Its rules take nobody, without being told.
                state.closed = map == VOID;
            }
            ControlEvent::Steered {
                closed,
                overflow,
                soft,
                order,
            } => {
                state.closed = *closed;
                state.overflow.clone_from(overflow);
                state.soft = *soft;
                state.steered = Some(order.clone());
            }
            ControlEvent::Pinned { worker, .. } => state.pinned.clone_from(worker),
            ControlEvent::Unknown => {}
        }
    }

    fn answer(&self, _: &str, state: &AreaControl, _: &ControlCommand, _: &Context) -> Opened {
        Opened {
            map: state.map.clone().unwrap_or_default(),
        }
    }

    fn refusal(&self, code: &str) -> Refusal {
        match code {
            "no_such_map" => no_such_map(),
            "not_open" => not_open(),
            "bad_overflow" => bad_overflow(),
            "void" => void(),
            _ => Refusal::new(code, "refused, as it was before"),
        }
    }
}

impl Areas {
    fn open(&self, area: &AreaId, seed: u64) -> Verdict<ControlEvent> {
        if !may_be_opened(area, &self.maps) {
            return Verdict::refused(no_such_map());
        }
        Verdict::events([ControlEvent::AreaOpened {
            map: area.map().to_owned(),
            area: area.clone(),
            seed,
        }])
    }
}

fn steer(
    area: &AreaId,
    state: &AreaControl,
    closed: bool,
    overflow: Option<&AreaId>,
    soft: u32,
    order: &Order,
) -> Verdict<ControlEvent> {
    if state.map.as_deref() == Some(VOID) {
        return Verdict::refused(void());
    }
    if overflow.is_some_and(|other| other == area || other.map() != area.map()) {
        return Verdict::refused(bad_overflow());
    }
    let same = (state.closed, state.overflow.as_ref(), state.soft) == (closed, overflow, soft);
    // Who wants it decides who may change it, so another's same word is news.
    if same && state.steered.as_ref().map(|before| &before.by) == Some(&order.by) {
        return Verdict::unchanged();
    }
    let steered = Verdict::events([ControlEvent::Steered {
        closed,
        overflow: overflow.cloned(),
        soft,
        order: order.clone(),
    }]);
    if same {
        return steered;
    }
    let payload = EffectPayload::Steer {
        closed,
        overflow: overflow.cloned(),
        soft,
    };
    steered.asking(AggregateId::Area(area.clone()), payload)
}

const fn area_of(command: &ControlCommand) -> &AreaId {
    match command {
        ControlCommand::OpenArea { area, .. }
        | ControlCommand::Steer { area, .. }
        | ControlCommand::Pin { area, .. } => area,
    }
}

fn no_such_map() -> Refusal {
    Refusal::new(
        "no_such_map",
        "areas are named <map>-<n> after a known map, with n from 1; correct the name",
    )
}

fn not_open() -> Refusal {
    Refusal::new(
        "not_open",
        "this area has not been opened; see `worldline area list`, or open it with `worldline area open`",
    )
}

fn bad_overflow() -> Refusal {
    Refusal::new(
        "bad_overflow",
        "an area sends on to another instance of its own map; name one, as in `worldline area list`",
    )
}

fn void() -> Refusal {
    Refusal::new(
        "void",
        "this area's map is not known, so it takes nobody; open one of a known map instead",
    )
}

#[cfg(test)]
mod tests;
