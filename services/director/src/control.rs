//! The control domain: whoever may ask can have an area opened by a command.
//!
//! The director itself opens areas by appending to the same subjects; both are conditioned, so an
//! area is opened once, whoever is faster.

use eventlog::keyed::{Aggregate, Context, Input, Verdict};
use schemas::control::{AreaControl, ControlCommand, ControlEvent, Opened};
use schemas::keyed::Refusal;
use schemas::subjects::Domain;

use crate::opened::may_be_opened;

/// The areas' opening.
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

    fn decide(
        &self,
        key: &str,
        state: &AreaControl,
        input: Input<'_, ControlCommand>,
        _: &Context,
    ) -> Verdict<ControlEvent> {
        // Steering and pinning: see the module's issue.
        let Input::Command(ControlCommand::OpenArea { area, seed }) = input else {
            return Verdict::unchanged();
        };
        if area.as_str() != key {
            return Verdict::refused(Refusal::new(
                "wrong_key",
                format!("{area} was asked of {key}; send it to {area}"),
            ));
        }
        if state.map.is_some() {
            return Verdict::unchanged();
        }
        if !may_be_opened(area, &self.maps) {
            return Verdict::refused(no_such_map());
        }
        Verdict::events([ControlEvent::AreaOpened {
            map: area.map().to_owned(),
            area: area.clone(),
            seed: *seed,
        }])
    }

    fn evolve(state: &mut AreaControl, event: &ControlEvent) {
        if let ControlEvent::AreaOpened { map, seed, .. } = event {
            state.map = Some(map.clone());
            state.seed = *seed;
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
            _ => Refusal::new(code, "refused, as it was before"),
        }
    }
}

fn no_such_map() -> Refusal {
    Refusal::new(
        "no_such_map",
        "areas are named <map>-<n> after a known map, with n from 1; correct the name",
    )
}

#[cfg(test)]
mod tests {
    use eventlog::keyed::given::given;
    use schemas::AreaId;

    use super::*;

    fn areas() -> Areas {
        Areas {
            maps: vec!["harbor".into()],
        }
    }

    fn open(area: &str) -> ControlCommand {
        ControlCommand::OpenArea {
            area: AreaId::new(area).unwrap(),
            seed: 5,
        }
    }

    fn opened(area: &str) -> ControlEvent {
        ControlEvent::AreaOpened {
            area: AreaId::new(area).unwrap(),
            map: "harbor".into(),
            seed: 5,
        }
    }

    #[test]
    fn an_area_is_opened_with_its_map_and_seed() {
        given(&areas(), "harbor-2", [])
            .when(open("harbor-2"))
            .then([opened("harbor-2")]);
    }

    #[test]
    fn opening_what_is_open_is_no_error_and_changes_nothing() {
        given(&areas(), "harbor-2", [opened("harbor-2")])
            .when(open("harbor-2"))
            .then([]);
    }

    #[test]
    fn unknown_maps_and_wrong_keys_are_refused() {
        given(&areas(), "swamp-1", [])
            .when(open("swamp-1"))
            .refused("no_such_map");
        given(&areas(), "harbor-2", [])
            .when(open("harbor-3"))
            .refused("wrong_key");
    }
}
