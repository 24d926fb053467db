//! The lobby's columns of `characters`: whose it is, who has it, its newest session,
//! how long it has played, whether it is deleted.

use std::collections::BTreeMap;

use schemas::lobby::{Character, Place, level};
use schemas::{CharacterId, Sequence, UnixMillis};
use sqlx::PgConnection;

use super::Entry;
use crate::columns::{big, column, keys};
use crate::erased::empty;
use crate::name::Name;

#[derive(Debug)]
struct Row {
    character: Character,
    at: UnixMillis,
    sequence: Sequence,
}

impl Row {
    fn place(&self) -> (Option<&'static str>, Option<String>) {
        match &self.character.place {
            None => (None, None),
            Some(Place::Lobby(_)) => (Some("lobby"), None),
            Some(Place::World(area)) => (Some("world"), Some(area.to_string())),
        }
    }
}

/// What has changed since the last transaction.
#[derive(Debug, Default)]
pub(super) struct CharacterRows(BTreeMap<CharacterId, Row>);

impl CharacterRows {
    pub(super) fn fold(&mut self, character: CharacterId, entry: Entry, sequence: Sequence) {
        let row = Row {
            character: entry.state,
            at: entry.at,
            sequence,
        };
        self.0.insert(character, row);
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.0);
        if rows.is_empty() {
            return Ok(());
        }
        let erased = rows.iter().filter(|(_, row)| row.character.erased);
        let erased: Vec<_> = erased.map(|(who, _)| who.to_string()).collect();
        if !erased.is_empty() {
            empty(db, ("characters", "character"), Name::Lobby, &erased).await?;
        }
        let seen = |row: &Row| row.character.last_seen.clone();
        sqlx::query(
            "INSERT INTO characters (character, account, name_key, name_nonce, name_bytes, place, place_area,
                                     session, edge, last_seen_area, last_seen_x, last_seen_y, lobby_at,
                                     lobby_sequence, login, played_ms, level, deleted_until, erased)
             SELECT character, account, name_key, name_nonce, name_bytes, place, place_area, session, edge,
                    seen_area, seen_x, seen_y, to_timestamp(at / 1000.0), sequence, login, played_ms, level,
                    to_timestamp(deleted_until / 1000.0), erased
             FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BYTEA[], $5::BYTEA[], $6::TEXT[], $7::TEXT[],
                         $8::BIGINT[], $9::TEXT[], $10::TEXT[], $11::INTEGER[], $12::INTEGER[], $13::BIGINT[],
                         $14::BIGINT[], $15::TEXT[], $16::BIGINT[], $17::BIGINT[], $18::BIGINT[], $19::BOOLEAN[])
                  AS new (character, account, name_key, name_nonce, name_bytes, place, place_area, session, edge,
                          seen_area, seen_x, seen_y, at, sequence, login, played_ms, level, deleted_until, erased)
             ON CONFLICT (character) DO UPDATE SET
                account = EXCLUDED.account,
                name_key = EXCLUDED.name_key,
                name_nonce = EXCLUDED.name_nonce,
                name_bytes = EXCLUDED.name_bytes,
                place = EXCLUDED.place,
                place_area = EXCLUDED.place_area,
                session = EXCLUDED.session,
                edge = EXCLUDED.edge,
                last_seen_area = EXCLUDED.last_seen_area,
                last_seen_x = EXCLUDED.last_seen_x,
                last_seen_y = EXCLUDED.last_seen_y,
                lobby_at = EXCLUDED.lobby_at,
                lobby_sequence = EXCLUDED.lobby_sequence,
                login = EXCLUDED.login,
                played_ms = EXCLUDED.played_ms,
                level = EXCLUDED.level,
                deleted_until = EXCLUDED.deleted_until,
                erased = EXCLUDED.erased",
        )
        .bind(keys(&rows))
        .bind(column(&rows, |row| {
            row.character.account.map(|account| account.to_string())
        }))
        .bind(column(&rows, |row| row.character.name.key.clone()))
        .bind(column(&rows, |row| row.character.name.nonce.clone()))
        .bind(column(&rows, |row| row.character.name.bytes.clone()))
        .bind(column(&rows, |row| row.place().0))
        .bind(column(&rows, |row| row.place().1))
        .bind(column(&rows, |row| big(row.character.session.0)))
        .bind(column(&rows, |row| row.character.edge.to_string()))
        .bind(column(&rows, |row| seen(row).map(|seen| seen.area.to_string())))
        .bind(column(&rows, |row| seen(row).map(|seen| seen.x)))
        .bind(column(&rows, |row| seen(row).map(|seen| seen.y)))
        .bind(column(&rows, |row| big(row.at.0)))
        .bind(column(&rows, |row| big(row.sequence.0)))
        .bind(column(&rows, |row| row.character.login.to_string()))
        .bind(column(&rows, |row| big(row.character.played_ms)))
        .bind(column(&rows, |row| i64::from(level(row.character.played_ms))))
        .bind(column(&rows, |row| row.character.deleted_until.map(|until| big(until.0))))
        .bind(column(&rows, |row| row.character.erased))
        .execute(db)
        .await?;
        Ok(())
    }
}
