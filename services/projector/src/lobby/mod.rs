//! `lobby`: characters as the lobby knows them, and their sessions.

mod character_rows;
mod session_rows;

use eventlog::Record;
use schemas::keyed::KeyedEntry;
use schemas::lobby::{Character, LobbyEvent};
use schemas::subjects::{Domain, Subject};
use schemas::{CharacterId, Sequence};
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

fn read(record: &Record) -> Result<(CharacterId, Entry), Poison> {
    let character = match Subject::parse(&record.subject) {
        Subject::KeyedEvents(Domain::Lobby, key) => key.parse::<CharacterId>(),
        _ => return Err(Poison("not a subject of this stream".into())),
    };
    let character = character.map_err(|error| Poison::because(&error))?;
    let entry = schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
    Ok((character, entry))
}

impl Lobby {
    fn take(&mut self, character: CharacterId, entry: Entry, sequence: Sequence) {
        self.sessions.fold(character, &entry, sequence);
        self.characters.fold(character, entry, sequence);
    }
}

impl Projection for Lobby {
    const ID: Name = Name::Lobby;
    const PERSONAL: bool = true;

    async fn load(&mut self, _: &mut PgConnection, _: &Source) -> Result<(), ProjectError> {
        *self = Self::default();
        Ok(())
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let (character, entry) = read(record)?;
        self.take(character, entry, record.sequence);
        Ok(())
    }

    fn forget(&mut self, record: &Record) {
        if let Ok((character, entry)) = read(record)
            && entry.state.erased
        {
            self.take(character, entry, record.sequence);
        }
    }

    fn describe(record: &Record) -> Result<serde_json::Value, Poison> {
        described::<Entry>(record)
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.characters.write(db).await?;
        self.sessions.write(db).await
    }
}
