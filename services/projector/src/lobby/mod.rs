//! `lobby`: characters as the lobby knows them, and their sessions.

mod character_rows;
mod session_rows;

use eventlog::Record;
use schemas::CharacterId;
use schemas::keyed::KeyedEntry;
use schemas::lobby::{Character, LobbyEvent};
use schemas::subjects::{Domain, Subject};
use sqlx::PgConnection;

use self::character_rows::CharacterRows;
use self::session_rows::SessionRows;
use crate::error::ProjectError;
use crate::name::Name;
use crate::projection::{Poison, Projection, Source, described};

type Entry = KeyedEntry<LobbyEvent, Character>;

/// Folds `LOBBY_EVENTS` into its columns of `characters` and into `sessions`.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    characters: CharacterRows,
    sessions: SessionRows,
}

impl Projection for Lobby {
    const ID: Name = Name::Lobby;

    async fn load(&mut self, _: &mut PgConnection, _: &Source) -> Result<(), ProjectError> {
        *self = Self::default();
        Ok(())
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let character = match Subject::parse(&record.subject) {
            Subject::KeyedEvents(Domain::Lobby, key) => key.parse::<CharacterId>(),
            _ => return Err(Poison("not a subject of this stream".into())),
        };
        let character = character.map_err(|error| Poison::because(&error))?;
        let entry: Entry =
            schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
        self.sessions.fold(character, &entry, record.sequence);
        self.characters.fold(character, entry, record.sequence);
        Ok(())
    }

    fn describe(record: &Record) -> Result<serde_json::Value, Poison> {
        described::<Entry>(record)
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.characters.write(db).await?;
        self.sessions.write(db).await
    }
}
