//! `areas`: frames into `areas`, `characters` and `chat`.
//!
//! A frame speaks of bodies by their handles and of motion by what has changed, so the projection
//! keeps a replica of every area and folds frames with the same code as everybody else, hashes
//! checked. A row is taken from the replica right after the frame that touched it, so that the
//! next frame of the same batch cannot be seen in it.

mod area_rows;
mod body_rows;
mod chat_rows;
mod replicas;

use eventlog::{EventLog, Record};
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, Subject};
use sqlx::PgConnection;

use self::area_rows::AreaRows;
use self::body_rows::BodyRows;
use self::chat_rows::ChatRows;
use self::replicas::Replicas;
use crate::error::ProjectError;
use crate::projection::{Poison, Projection};

/// Folds `AREA_EVENTS`.
pub(crate) struct Areas {
    replicas: Replicas,
    areas: AreaRows,
    bodies: BodyRows,
    chat: ChatRows,
}

impl Areas {
    /// Saves an area's folded state after every `save_every` of its frames.
    pub(crate) fn new(save_every: u64) -> Self {
        Self {
            replicas: Replicas::new(save_every),
            areas: AreaRows::default(),
            bodies: BodyRows::default(),
            chat: ChatRows::default(),
        }
    }
}

impl Projection for Areas {
    const NAME: &'static str = "areas";
    const STREAM: &'static str = AREA_EVENTS;

    async fn load(&mut self, db: &mut PgConnection, log: &EventLog) -> Result<(), ProjectError> {
        self.areas = AreaRows::default();
        self.bodies = BodyRows::default();
        self.chat = ChatRows::default();
        self.replicas.load(db, log).await
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let Subject::AreaEvents(area) = Subject::parse(&record.subject) else {
            return Err(Poison("not a subject of this stream".into()));
        };
        let frame: Frame =
            schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
        let leaving = self.bodies.leaving(self.replicas.of(&area), &frame);
        let state = self.replicas.fold(&area, &frame, record)?;
        self.bodies
            .fold(&area, &frame, record.sequence, state, leaving);
        self.areas.fold(&area, &frame, record.sequence, state);
        self.chat.fold(&area, &frame, record.sequence);
        Ok(())
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.bodies.write(db).await?;
        self.areas.write(db).await?;
        self.chat.write(db).await?;
        self.replicas.write(db).await
    }
}
