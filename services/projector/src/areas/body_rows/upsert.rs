//! Writing the rows.

use schemas::segment::Mode;
use sqlx::PgConnection;

use super::BodyRows;
use crate::columns::{big, column, keys, until};

const fn mode(of: Mode) -> &'static str {
    match of {
        Mode::Ground => "ground",
        Mode::Air => "air",
    }
}

impl BodyRows {
    pub(in crate::areas) async fn write(
        &mut self,
        db: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.0);
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO characters (character, in_world, area, handle, x, y, vx, vy, ax, ay, from_step,
                                     until_step, mode, client_seq, area_session, tick, at, frame_sequence)
             SELECT character, in_world, area, handle, x, y, vx, vy, ax, ay, from_step, until_step, mode,
                    client_seq, session, tick, to_timestamp(at / 1000.0), sequence
             FROM UNNEST($1::TEXT[], $2::BOOLEAN[], $3::TEXT[], $4::INTEGER[], $5::INTEGER[], $6::INTEGER[],
                         $7::INTEGER[], $8::INTEGER[], $9::INTEGER[], $10::INTEGER[], $11::BIGINT[],
                         $12::BIGINT[], $13::TEXT[], $14::BIGINT[], $15::BIGINT[], $16::BIGINT[], $17::BIGINT[],
                         $18::BIGINT[])
                  AS new (character, in_world, area, handle, x, y, vx, vy, ax, ay, from_step, until_step, mode,
                          client_seq, session, tick, at, sequence)
             ON CONFLICT (character) DO UPDATE SET
                in_world = EXCLUDED.in_world,
                area = EXCLUDED.area,
                handle = EXCLUDED.handle,
                x = EXCLUDED.x,
                y = EXCLUDED.y,
                vx = EXCLUDED.vx,
                vy = EXCLUDED.vy,
                ax = EXCLUDED.ax,
                ay = EXCLUDED.ay,
                from_step = EXCLUDED.from_step,
                until_step = EXCLUDED.until_step,
                mode = EXCLUDED.mode,
                client_seq = EXCLUDED.client_seq,
                area_session = EXCLUDED.area_session,
                tick = EXCLUDED.tick,
                at = EXCLUDED.at,
                frame_sequence = EXCLUDED.frame_sequence
             -- An area that was parked comes late: whoever has gone on into another one stays there.
             WHERE characters.frame_sequence IS NULL OR characters.frame_sequence <= EXCLUDED.frame_sequence",
        )
        .bind(keys(&rows))
        .bind(column(&rows, |row| row.in_world))
        .bind(column(&rows, |row| row.area.to_string()))
        .bind(column(&rows, |row| i32::from(row.handle)))
        .bind(column(&rows, |row| row.segment.x))
        .bind(column(&rows, |row| row.segment.y))
        .bind(column(&rows, |row| row.segment.vx))
        .bind(column(&rows, |row| row.segment.vy))
        .bind(column(&rows, |row| row.segment.ax))
        .bind(column(&rows, |row| row.segment.ay))
        .bind(column(&rows, |row| big(row.segment.from.0)))
        .bind(column(&rows, |row| until(row.segment.until)))
        .bind(column(&rows, |row| mode(row.segment.mode)))
        .bind(column(&rows, |row| i64::from(row.client_seq)))
        .bind(column(&rows, |row| big(row.session.0)))
        .bind(column(&rows, |row| big(row.tick.0)))
        .bind(column(&rows, |row| big(row.at.0)))
        .bind(column(&rows, |row| big(row.sequence.0)))
        .execute(db)
        .await?;
        Ok(())
    }
}
