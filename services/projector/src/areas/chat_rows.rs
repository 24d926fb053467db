//! `chat`: what was said, still sealed.

use std::collections::BTreeMap;

use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::sealed::Sealed;
use schemas::{AreaId, CharacterId, Sequence, Tick, UnixMillis};
use sqlx::PgConnection;

use crate::columns::{big, column};

#[derive(Debug)]
struct Row {
    character: CharacterId,
    tick: Tick,
    at: UnixMillis,
    text: Sealed,
}

/// What has been said since the last transaction, by area, frame and line.
#[derive(Debug, Default)]
pub(super) struct ChatRows(BTreeMap<(AreaId, Sequence, i32), Row>);

impl ChatRows {
    pub(super) fn fold(&mut self, area: &AreaId, frame: &Frame, sequence: Sequence) {
        for (line, fact) in (0_i32..).zip(&frame.facts) {
            let Fact::Spoken {
                character, text, ..
            } = fact
            else {
                continue;
            };
            let row = Row {
                character: *character,
                tick: frame.tick,
                at: frame.at,
                text: text.clone(),
            };
            self.0.insert((area.clone(), sequence, line), row);
        }
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.0);
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO chat (area, sequence, line, character, tick, at, text_key, text_nonce, text_bytes)
             SELECT area, sequence, line, character, tick, to_timestamp(at / 1000.0), key, nonce, bytes
             FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::INTEGER[], $4::TEXT[], $5::BIGINT[], $6::BIGINT[],
                         $7::TEXT[], $8::BYTEA[], $9::BYTEA[])
                  AS new (area, sequence, line, character, tick, at, key, nonce, bytes)",
        )
        .bind(rows.keys().map(|(area, ..)| area.to_string()).collect::<Vec<_>>())
        .bind(rows.keys().map(|(_, sequence, _)| big(sequence.0)).collect::<Vec<_>>())
        .bind(rows.keys().map(|(.., line)| *line).collect::<Vec<_>>())
        .bind(column(&rows, |row| row.character.to_string()))
        .bind(column(&rows, |row| big(row.tick.0)))
        .bind(column(&rows, |row| big(row.at.0)))
        .bind(column(&rows, |row| row.text.key.clone()))
        .bind(column(&rows, |row| row.text.nonce.clone()))
        .bind(column(&rows, |row| row.text.bytes.clone()))
        .execute(db)
        .await?;
        Ok(())
    }
}
