//! Observing: a connection that looks at an area without a character.
//!
//! In the living world that is a setting of the edge, bounded in number; whoever observes sends no command. Of a
//! recorded world, everybody who connects is an observer, and may stop it and seek in it.

use std::sync::Arc;

use schemas::subjects::area_events;
use schemas::wire::{CloseCode, MAX_SPEED, ServerMessage};
use schemas::{AreaId, UnixMillis};
use tokio::sync::OwnedSemaphorePermit;

use super::closing::End;
use super::connection::Connection;
use crate::meters;
use crate::realm::Realm;
use crate::replica::{Ask, Eye, Follow, Observer, Play, Replica};

/// The farthest place that is looked at, 1/256 px.
const FARTHEST: i64 = 1 << 30;
/// Areas told at most.
const MOST_AREAS: usize = 1000;

/// What an observer's connection holds.
pub(super) struct Observing {
    /// Whose area it sees.
    pub(super) replica: Arc<Replica>,
    room: Room,
}

/// Room for one observer.
struct Room {
    realm: Arc<Realm>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.realm.meters.observers.decrement(1);
    }
}

impl Room {
    fn of(realm: &Arc<Realm>) -> Result<Self, End> {
        if realm.config.observers == 0 {
            meters::refused("observer");
            let why = "nobody may look on without a character here; identify with a ticket";
            return Err(End::close(CloseCode::NotIdentified, why));
        }
        let Ok(permit) = Arc::clone(&realm.observers).try_acquire_owned() else {
            meters::refused("observer");
            let why = "as many look on as may; try again later";
            return Err(End::close(CloseCode::Full, why));
        };
        realm.meters.observers.increment(1);
        Ok(Self {
            realm: Arc::clone(realm),
            _permit: permit,
        })
    }
}

impl Connection {
    /// Begins to look, or goes on to another area; of a recorded world, at the moment at which it stands.
    pub(super) async fn observe(
        &mut self,
        protocol: u32,
        area: &str,
        follow: &str,
        client: &str,
    ) -> Result<(), End> {
        if self.session.is_some() {
            let why = "this connection has a character";
            return Err(End::close(CloseCode::AlreadyIdentified, why));
        }
        Self::speaks(protocol)?;
        self.new_enough(client)?;
        let room = match &self.observing {
            Some(_) => None,
            None => Some(Room::of(&self.realm)?),
        };
        let Some(area) = observable(&self.realm, area).await? else {
            return self.say(&ServerMessage::Notice {
                code: "no_such_area".into(),
                message: format!("There is nothing to look at in {area}."),
            });
        };
        let (room, stood) = match (room, self.observing.take()) {
            (_, Some(Observing { replica, room })) => {
                replica.detach(self.id);
                (room, replica.playhead.get())
            }
            (Some(room), None) => (room, None),
            (None, None) => return Ok(()),
        };
        let observer = Observer {
            connection: self.id,
            encoding: self.socket.encoding(),
            mailbox: Arc::clone(&self.mailbox),
            eye: Eye {
                place: None,
                follow: Follow::read(follow),
            },
        };
        let replica = match self.realm.recording.clone() {
            Some(recording) => {
                let play = stood.unwrap_or(Play {
                    at: Some(recording.at),
                    speed: recording.speed,
                });
                let replicas = &self.realm.replicas;
                replicas.show_past(&self.realm, &recording, (&area, play), observer)
            }
            None => {
                let replica = self.realm.replicas.observe(&self.realm, &area, observer);
                replica.map_err(|_| busy())?
            }
        };
        self.observing = Some(Observing { replica, room });
        Ok(())
    }

    fn observing(&self) -> Result<&Observing, End> {
        self.observing.as_ref().ok_or_else(|| {
            let why = "only who observes looks around; say Observe first";
            End::close(CloseCode::NotIdentified, why)
        })
    }

    /// Looks there from now on.
    pub(super) fn look(&self, (x, y): (i64, i64), follow: &str) -> Result<(), End> {
        let within = |at: i64| i32::try_from(at.clamp(-FARTHEST, FARTHEST)).unwrap_or(0);
        let eye = Eye {
            place: Some((within(x), within(y))),
            follow: Follow::read(follow),
        };
        self.ask_observed(Ask::Look(self.id, eye))
    }

    /// Stops a recorded world, goes on, or seeks.
    pub(super) fn play(&mut self, at: u64, speed: u32) -> Result<(), End> {
        self.observing()?;
        if self.realm.recording.is_none() {
            return self.say(&ServerMessage::Notice {
                code: "living".into(),
                message: "This world is alive: it goes on as it does.".into(),
            });
        }
        let play = Play {
            at: (at > 0).then_some(UnixMillis(at)),
            speed: speed.min(MAX_SPEED),
        };
        self.ask_observed(Ask::Play(play))
    }

    fn ask_observed(&self, ask: Ask) -> Result<(), End> {
        let asked = self.observing()?.replica.ask(ask);
        asked.map_err(|_| busy())
    }

    /// Answers which areas can be looked at: those that were recorded, or those that are looked at here now.
    pub(super) async fn tell_areas(&mut self, id: u64) -> Result<(), End> {
        let areas = match &self.realm.recording {
            None => self.realm.replicas.areas(),
            Some(recording) => recording.areas().await.unwrap_or_else(|error| {
                tracing::warn!("which areas were recorded cannot be read: {error:#}");
                vec![recording.area.clone()]
            }),
        };
        let names = areas.iter().take(MOST_AREAS).map(ToString::to_string);
        self.say(&ServerMessage::QueryReply {
            id,
            rows: (0..).zip(names).collect(),
        })
    }
}

/// The area of that name, if there is something to be seen: nobody opens one by looking for it.
async fn observable(realm: &Realm, name: &str) -> Result<Option<AreaId>, End> {
    let recording = realm.recording.as_ref();
    let area = match (name, recording) {
        ("", Some(recording)) => recording.area.clone(),
        (name, _) => match AreaId::new(name) {
            Ok(area) => area,
            Err(_) => return Ok(None),
        },
    };
    let there = match recording {
        Some(recording) => recording.has(&area).await,
        None => {
            let last = realm.log.last(&area_events(&area)).await;
            last.map(|last| last.is_some()).map_err(Into::into)
        }
    };
    match there {
        Ok(there) => Ok(there.then_some(area)),
        Err(error) => {
            tracing::warn!(area.id = %area, "an area cannot be looked at now: {error:#}");
            let why = "the world does not answer; try again";
            Err(End::close(CloseCode::Unavailable, why))
        }
    }
}

fn busy() -> End {
    End::close(CloseCode::Unavailable, "the area is too busy; try again")
}
