//! The past of one area for one observer: found, shown, sought anew, until it goes.

use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use schemas::wire::ServerMessage;
use schemas::{AreaId, Incarnation, UnixMillis};
use tokio::sync::mpsc;

use super::departed::LeftLately;
use super::observer::{Observer, Observing};
use super::playhead::Play;
use super::registry::{Ask, Replica, Replicas};
use super::restore::Restored;
use super::showing::{Next, Showing};
use super::task::Audience;
use crate::realm::Realm;
use crate::recording::{Recording, Span};
use crate::ws::Item;

/// Shows `recording` to one observer, from where the replica's playhead stands.
pub(super) async fn run(
    realm: Arc<Realm>,
    replicas: Arc<Replicas>,
    recording: Arc<Recording>,
    (replica, mut inbox): (Arc<Replica>, mpsc::Receiver<Ask>),
    observer: Observer,
) {
    let mut play = replica
        .playhead
        .get()
        .unwrap_or(Play { at: None, speed: 0 });
    let mut audience = Audience::default();
    let connection = observer.connection;
    audience
        .observers
        .insert(connection, Observing::new(observer));
    loop {
        let opening = Opening {
            recording: &recording,
            replica: &replica,
            audience,
            later: Vec::new(),
        };
        let Some((opened, found)) = opening.open(&mut inbox, &mut play).await else {
            return;
        };
        let Found { restored, span, at } = found;
        let names = restored.state.bodies().map(|body| &body.name);
        let strangers = names.filter_map(|name| realm.keys.realm.lacks(name));
        realm.persons.meet(strangers).await;
        let mut showing = Showing::begin(
            (&realm, &replica, &replicas),
            Arc::clone(&recording),
            (restored, opened.audience),
            (span, at, play.speed),
        );
        for ask in opened.later {
            showing.watching.answer(ask);
        }
        match showing.show(&mut inbox).await {
            Next::Seek(wanted) => play = wanted,
            Next::Left => return,
        }
        audience = Audience {
            viewers: showing.watching.viewers,
            observers: showing.watching.observers,
        };
    }
}

/// An area as it stood at a moment.
struct Found {
    restored: Restored,
    span: Span,
    at: UnixMillis,
}

async fn find(
    recording: &Recording,
    area: &AreaId,
    at: Option<UnixMillis>,
) -> anyhow::Result<Found> {
    let span = recording.span(area).await?;
    let span = span.with_context(|| format!("nothing was recorded of area {area}"))?;
    let at = at.unwrap_or(span.from).clamp(span.from, span.to);
    let (state, sequence) = recording.stood(area, at).await?;
    let restored = Restored {
        state,
        sequence,
        // Nothing is resumed here.
        incarnation: Incarnation::default(),
        left: LeftLately::default(),
    };
    Ok(Found { restored, span, at })
}

/// While a moment is looked for, which may take seconds.
struct Opening<'a> {
    recording: &'a Recording,
    replica: &'a Replica,
    audience: Audience,
    /// What can be answered only then.
    later: Vec<Ask>,
}

/// What an ask changes in what is looked for.
enum Heard {
    Nothing,
    Sought,
    Left,
}

impl Opening<'_> {
    /// Looks for the moment that is wanted, which may become another one meanwhile. `None`: the observer has gone.
    async fn open(
        mut self,
        inbox: &mut mpsc::Receiver<Ask>,
        play: &mut Play,
    ) -> Option<(Self, Found)> {
        loop {
            self.tell_seeking(*play);
            let wanted = play.at;
            let mut finding = pin!(find(self.recording, &self.replica.area, wanted));
            let found = loop {
                tokio::select! {
                    biased;
                    ask = inbox.recv() => match self.hear(ask?, play) {
                        Heard::Nothing => {}
                        Heard::Sought => break None,
                        Heard::Left => return None,
                    },
                    found = &mut finding => break Some(found),
                }
            };
            match found {
                None => {}
                Some(Ok(found)) => return Some((self, found)),
                Some(Err(error)) => {
                    self.tell_failed(&error);
                    loop {
                        match self.hear(inbox.recv().await?, play) {
                            Heard::Nothing => {}
                            Heard::Sought => break,
                            Heard::Left => return None,
                        }
                    }
                }
            }
        }
    }

    fn hear(&mut self, ask: Ask, play: &mut Play) -> Heard {
        match ask {
            Ask::Play(wanted) => {
                play.speed = wanted.speed;
                play.at = wanted.at.or(play.at);
                if wanted.at.is_some() {
                    return Heard::Sought;
                }
            }
            Ask::Look(id, eye) => {
                if let Some(observing) = self.audience.observers.get_mut(&id) {
                    observing.observer.eye = eye;
                }
            }
            Ask::Detach(_) => return Heard::Left,
            ask => self.later.push(ask),
        }
        Heard::Nothing
    }

    fn tell_seeking(&self, play: Play) {
        let at = play.at.map_or(0, |at| at.0);
        self.tell(&ServerMessage::Playing {
            area: self.replica.area.to_string(),
            state: "seeking".into(),
            at,
            step: 0,
            speed: play.speed,
            from: at,
            to: at,
        });
    }

    fn tell_failed(&self, error: &anyhow::Error) {
        tracing::warn!(area.id = %self.replica.area, "the past cannot be shown: {error:#}");
        self.tell(&ServerMessage::Notice {
            code: "cannot_be_shown".into(),
            message: format!("This moment cannot be shown: {error:#}."),
        });
    }

    fn tell(&self, message: &ServerMessage) {
        for Observing { observer, .. } in self.audience.observers.values() {
            let bytes = observer.encoding.encode(message);
            observer.mailbox.put(Item::Message(bytes.into()));
        }
    }
}
