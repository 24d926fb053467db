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

use eventlog::Record;
use schemas::AreaId;
use schemas::frame::Frame;
use schemas::subjects::Subject;
use sqlx::PgConnection;

use self::area_rows::AreaRows;
use self::body_rows::BodyRows;
use self::chat_rows::ChatRows;
use self::replicas::Replicas;
use crate::error::ProjectError;
use crate::name::Name;
use crate::projection::{Poison, Projection, Source, described};

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

    fn forget_rows(&mut self) {
        self.areas = AreaRows::default();
        self.bodies = BodyRows::default();
        self.chat = ChatRows::default();
    }
}

fn area_of(subject: &str) -> Result<AreaId, Poison> {
    match Subject::parse(subject) {
        Subject::AreaEvents(area) => Ok(area),
        _ => Err(Poison("not a subject of this stream".into())),
    }
}

fn frame_of(record: &Record) -> Result<Frame, Poison> {
    schemas::decode(&record.payload).map_err(|error| Poison::because(&error))
}

impl Projection for Areas {
    const ID: Name = Name::Areas;

    async fn load(&mut self, db: &mut PgConnection, source: &Source) -> Result<(), ProjectError> {
        self.forget_rows();
        self.replicas.load(db, source).await
    }

    async fn load_key(
        &mut self,
        db: &mut PgConnection,
        source: &Source,
        key: &str,
    ) -> Result<(), ProjectError> {
        self.forget_rows();
        match area_of(key) {
            Ok(area) => self.replicas.load_parked(db, source, &area).await,
            // No event of this key can be folded, so there is nothing to remember.
            Err(_) => Ok(()),
        }
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let area = area_of(&record.subject)?;
        let frame = frame_of(record)?;
        let leaving = self.bodies.leaving(self.replicas.of(&area), &frame);
        let state = self.replicas.fold(&area, &frame, record)?;
        self.bodies
            .fold(&area, &frame, record.sequence, state, leaving);
        self.areas.fold(&area, &frame, record.sequence, state);
        self.chat.fold(&area, &frame, record.sequence);
        Ok(())
    }

    fn leave_out(&mut self, record: &Record) -> Result<(), Poison> {
        let area = area_of(&record.subject)?;
        self.replicas
            .fold(&area, &frame_of(record)?, record)
            .map(|_| ())
    }

    fn describe(record: &Record) -> Result<serde_json::Value, Poison> {
        described::<Frame>(record)
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.bodies.write(db).await?;
        self.areas.write(db).await?;
        self.chat.write(db).await?;
        self.replicas.write(db).await
    }
}
