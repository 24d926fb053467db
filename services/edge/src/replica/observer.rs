//! Observers: connections that look at an area without a character.
//!
//! An observer is told what a player at the same place would be told, and nothing of what only one player is told. It
//! looks at a place, or goes along with a character; it wakes no area and keeps none awake.

use std::sync::Arc;

use schemas::fact::Destination;
use schemas::wire::{CloseCode, Encoding, NO_BODY, Own, ServerMessage};
use schemas::{CharacterId, Handle, Step};
use tokio::time::Instant;
use world::AreaState;

use super::flush::{Now, QUIET_FRAME};
use super::fold::Departure;
use super::picture::MOST_MISSED;
use super::task::Watching;
use super::viewer::ConnectionId;
use crate::interest::{Chunks, Part, Stage, View, body, frame_message};
use crate::ws::{Item, Mailbox};

/// Where an observer looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Eye {
    /// The middle of what it wants to see, 1/256 px; `None`: wherever somebody is.
    pub(crate) place: Option<(i32, i32)>,
    /// With whom it goes along.
    pub(crate) follow: Follow,
}

/// With whom an observer goes along while they are in the area.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Follow {
    /// Nobody.
    #[default]
    Nobody,
    /// This character.
    Character(CharacterId),
    /// Whoever has this name; names are sealed, so it is found among those who are seen.
    Named(String),
}

impl Follow {
    /// A character's id, or its name; empty: nobody.
    pub(crate) fn read(text: &str) -> Self {
        match (text.trim(), text.trim().parse()) {
            ("", _) => Self::Nobody,
            (_, Ok(character)) => Self::Character(character),
            (name, Err(_)) => Self::Named(name.to_owned()),
        }
    }
}

/// An observer.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    /// Which connection.
    pub(crate) connection: ConnectionId,
    /// How it wants to be told.
    pub(crate) encoding: Encoding,
    /// Where to put it.
    pub(crate) mailbox: Arc<Mailbox>,
    /// Where it looks.
    pub(crate) eye: Eye,
}

/// An observer, and what it has been told.
#[derive(Debug)]
pub(super) struct Observing {
    pub(super) observer: Observer,
    view: View,
    /// The body with which it goes along, if that is here.
    with: Option<Handle>,
    /// Whether it is owed a whole picture.
    pub(super) behind: bool,
    missed: Vec<Part>,
    sent_at: Instant,
}

impl Observing {
    pub(super) fn new(observer: Observer) -> Self {
        Self {
            observer,
            view: View::around((0, 0)),
            with: None,
            behind: true,
            missed: Vec::new(),
            sent_at: Instant::now(),
        }
    }

    /// Where it looks now; finds out by name whom it follows.
    fn place(&mut self, stage: &Stage, state: &AreaState, step: Step) -> (i32, i32) {
        let eye = &mut self.observer.eye;
        if let Follow::Named(name) = &eye.follow {
            let mut bodies = stage.bodies();
            if let Some((_, shown)) = bodies.find(|(_, shown)| &*shown.name == name.as_str()) {
                eye.follow = Follow::Character(shown.character);
            }
        }
        let followed = match eye.follow {
            Follow::Character(character) => state.by_character(character),
            Follow::Nobody | Follow::Named(_) => None,
        };
        let with = followed.map(|body| body.handle);
        // The picture says who it is.
        self.behind |= with != self.with;
        self.with = with;
        let place = followed.map(|body| body.segment.position(step));
        if place.is_some() {
            // Where they were last is where to look when they have gone.
            eye.place = place;
        }
        eye.place.unwrap_or_else(|| somewhere(state, step))
    }
}

/// Where something is to be seen: at somebody, or where people come in.
fn somewhere(state: &AreaState, step: Step) -> (i32, i32) {
    let somebody = state
        .bodies()
        .next()
        .map(|body| body.segment.position(step));
    let entrance = || {
        let map = world::maps::builtin(state.map_name())?;
        let spawns = &map.map.spawns;
        spawns
            .get("start")
            .or_else(|| spawns.values().next())
            .copied()
    };
    somebody.or_else(entrance).unwrap_or_default()
}

impl Now {
    /// Tells an observer what changed in its view.
    pub(super) fn show_observer(
        &self,
        observing: &mut Observing,
        (stage, state): (&Stage, &AreaState),
        chunks: &mut Chunks<'_>,
    ) {
        let place = observing.place(stage, state, self.step);
        let before = observing.view;
        observing.view = before.follow(place);
        if !observing.behind {
            let part = chunks.view(before.0, observing.view.0);
            let quiet = self.at.duration_since(observing.sent_at) >= QUIET_FRAME;
            if part.chunks == 0 && !quiet {
                return;
            }
            let Observer {
                encoding, mailbox, ..
            } = &observing.observer;
            let bytes = frame_message(*encoding, self.sequence.0, self.base, None, &[part]);
            observing.sent_at = self.at;
            observing.behind = !mailbox.offer_frame(bytes, 0);
        }
        if observing.behind {
            let said = chunks.spoken(observing.view.0);
            if said.chunks > 0 {
                observing.missed.push(said);
            }
        }
    }
}

impl Watching {
    /// Gives whole pictures to the observers that are owed one and have read what they had.
    pub(super) fn catch_up_observers(&mut self) {
        let mut observers = std::mem::take(&mut self.observers);
        for observing in observers.values_mut().filter(|observing| observing.behind) {
            let missed: usize = observing.missed.iter().map(|part| part.bytes.len()).sum();
            let mailbox = &observing.observer.mailbox;
            if missed > MOST_MISSED {
                mailbox.end(CloseCode::TooSlow, "the client reads too slowly");
            } else if mailbox.frames_waiting() == 0 {
                self.give_observed(observing);
            }
        }
        self.observers = observers;
    }

    fn give_observed(&self, observing: &mut Observing) {
        let step = self.shown_step();
        observing.view = View::around(observing.place(&self.stage, &self.state, step));
        let base = self.state.tick().first_step();
        let cells = observing.view.0.cells();
        let handles = cells.flat_map(|cell| self.stage.in_cell(cell).iter());
        let picture = ServerMessage::Area {
            area: self.replica.area.to_string(),
            map_url: format!("/maps/{}.json", self.state.map_name()),
            sequence: self.sequence.0,
            step: base.0,
            handle: observing.with.unwrap_or(NO_BODY),
            own: Own::default(),
            bodies: handles
                .filter_map(|handle| body(&self.stage, base, *handle))
                .collect(),
            token: String::new(),
        };
        let Observer {
            encoding, mailbox, ..
        } = &observing.observer;
        mailbox.put(Item::Message(encoding.encode(&picture).into()));
        let missed = std::mem::take(&mut observing.missed);
        if !missed.is_empty() {
            let parts: Vec<_> = missed.iter().collect();
            let bytes = frame_message(*encoding, self.sequence.0, base, None, &parts);
            mailbox.put(Item::Message(bytes));
        }
        observing.behind = false;
        observing.sent_at = Instant::now();
    }

    /// Tells those who go along with a character where it has gone.
    pub(super) fn tell_followers(&self, departure: &Departure) {
        let follows = Follow::Character(departure.character);
        let followers = self.observers.values().map(|observing| &observing.observer);
        for observer in followers.filter(|observer| observer.eye.follow == follows) {
            let message = match &departure.left.to {
                Destination::Area { area, .. } => ServerMessage::Transit {
                    area: area.to_string(),
                    status: "leaving".into(),
                },
                Destination::Lobby => ServerMessage::Notice {
                    code: "left".into(),
                    message: "Whom you follow has left the world.".into(),
                },
            };
            let bytes = observer.encoding.encode(&message);
            observer.mailbox.put(Item::Message(bytes.into()));
        }
    }

    /// Somebody looks, or looks elsewhere.
    pub(super) fn look(&mut self, connection: ConnectionId, eye: Eye) {
        if let Some(observing) = self.observers.get_mut(&connection) {
            observing.observer.eye = eye;
        }
    }

    /// The step that screens show now: a recorded world may stand still between two frames.
    pub(super) fn shown_step(&self) -> Step {
        self.replica.clock.now().max(self.state.step())
    }
}
