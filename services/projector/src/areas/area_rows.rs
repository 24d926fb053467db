//! The frames' columns of `areas`: owner, clock, population.

use std::collections::BTreeMap;

use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::{AreaId, Sequence};
use sqlx::PgConnection;
use world::{AreaState, Owner};

use crate::columns::{big, column, keys};

#[derive(Debug)]
struct Row {
    owner: Option<Owner>,
    map: String,
    epoch: i64,
    claim: String,
    state: &'static str,
    tick: i64,
    frame_no: i64,
    players: i32,
    pending_effects: i32,
    commands_up_to: i64,
    at: i64,
    sequence: i64,
}

/// What has changed since the last transaction.
#[derive(Debug, Default)]
pub(super) struct AreaRows(BTreeMap<AreaId, Row>);

fn life(frame: &Frame) -> &'static str {
    let last = frame.facts.iter().rev().find_map(|fact| match fact {
        Fact::Hibernated {} => Some("hibernated"),
        Fact::Released { .. } => Some("released"),
        _ => None,
    });
    last.unwrap_or("awake")
}

fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

impl AreaRows {
    pub(super) fn fold(
        &mut self,
        area: &AreaId,
        frame: &Frame,
        sequence: Sequence,
        state: &AreaState,
    ) {
        let row = Row {
            owner: state.owner().cloned(),
            map: state.map_name().to_owned(),
            epoch: big(frame.epoch.0),
            claim: frame.claim.to_string(),
            state: life(frame),
            tick: big(frame.tick.0),
            frame_no: big(frame.no.0),
            players: count(state.population()),
            pending_effects: count(state.pending_effects().count()),
            commands_up_to: big(frame.pos.sequence.0),
            at: big(frame.at.0),
            sequence: big(sequence.0),
        };
        self.0.insert(area.clone(), row);
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.0);
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO areas (area, owner, build, rules, map, epoch, claim, state, tick, frame_no, players,
                                pending_effects, commands_up_to, at, frame_sequence)
             SELECT area, owner, build, rules, map, epoch, claim, state, tick, frame_no, players, pending,
                    commands, to_timestamp(at / 1000.0), sequence
             FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[], $6::BIGINT[], $7::TEXT[],
                         $8::TEXT[], $9::BIGINT[], $10::BIGINT[], $11::INTEGER[], $12::INTEGER[], $13::BIGINT[],
                         $14::BIGINT[], $15::BIGINT[])
                  AS new (area, owner, build, rules, map, epoch, claim, state, tick, frame_no, players, pending,
                          commands, at, sequence)
             ON CONFLICT (area) DO UPDATE SET
                owner = EXCLUDED.owner,
                build = EXCLUDED.build,
                rules = EXCLUDED.rules,
                map = EXCLUDED.map,
                epoch = EXCLUDED.epoch,
                claim = EXCLUDED.claim,
                state = EXCLUDED.state,
                tick = EXCLUDED.tick,
                frame_no = EXCLUDED.frame_no,
                players = EXCLUDED.players,
                pending_effects = EXCLUDED.pending_effects,
                commands_up_to = EXCLUDED.commands_up_to,
                at = EXCLUDED.at,
                frame_sequence = EXCLUDED.frame_sequence",
        )
        .bind(keys(&rows))
        .bind(column(&rows, |row| {
            row.owner.as_ref().map(|owner| owner.worker.clone())
        }))
        .bind(column(&rows, |row| {
            row.owner.as_ref().map(|owner| owner.build.clone())
        }))
        .bind(column(&rows, |row| {
            row.owner.as_ref().map(|owner| i64::from(owner.rules))
        }))
        .bind(column(&rows, |row| row.map.clone()))
        .bind(column(&rows, |row| row.epoch))
        .bind(column(&rows, |row| row.claim.clone()))
        .bind(column(&rows, |row| row.state))
        .bind(column(&rows, |row| row.tick))
        .bind(column(&rows, |row| row.frame_no))
        .bind(column(&rows, |row| row.players))
        .bind(column(&rows, |row| row.pending_effects))
        .bind(column(&rows, |row| row.commands_up_to))
        .bind(column(&rows, |row| row.at))
        .bind(column(&rows, |row| row.sequence))
        .execute(db)
        .await?;
        Ok(())
    }
}
