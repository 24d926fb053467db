//! `sessions`: one row for each, ended by the next one or by the character's return.
//!
//! The end of a session that an earlier transaction began is told by the first event here that
//! ends it: [`SessionRows::earlier_end`] goes to the row that is still open, if there is one.

use std::collections::BTreeMap;

use schemas::fact::DepartureReason;
use schemas::lobby::LobbyEvent;
use schemas::{CharacterId, EdgeId, Sequence, SessionFence, UnixMillis};
use sqlx::PgConnection;

use super::Entry;
use crate::columns::{big, column};

#[derive(Debug, Clone, Copy)]
struct End {
    at: UnixMillis,
    reason: &'static str,
    sequence: Sequence,
}

#[derive(Debug)]
struct Row {
    edge: EdgeId,
    resumed: bool,
    started_at: UnixMillis,
    end: Option<End>,
    sequence: Sequence,
}

/// What has changed since the last transaction.
#[derive(Debug, Default)]
pub(super) struct SessionRows {
    begun: BTreeMap<(CharacterId, SessionFence), Row>,
    /// Of characters whose open session was not begun here.
    earlier_end: BTreeMap<CharacterId, End>,
}

const fn reason(of: DepartureReason) -> &'static str {
    match of {
        DepartureReason::Door => "door",
        DepartureReason::Logout => "logout",
        DepartureReason::LinkDead => "link_dead",
        DepartureReason::SentOn => "sent_on",
        DepartureReason::Kicked => "kicked",
    }
}

impl SessionRows {
    pub(super) fn fold(&mut self, character: CharacterId, entry: &Entry, sequence: Sequence) {
        for event in &entry.events {
            let end = |reason| End {
                at: entry.at,
                reason,
                sequence,
            };
            match event {
                LobbyEvent::SessionStarted {
                    session,
                    edge,
                    resumed,
                } => {
                    self.end(character, end("superseded"));
                    let row = Row {
                        edge: *edge,
                        resumed: *resumed,
                        started_at: entry.at,
                        end: None,
                        sequence,
                    };
                    self.begun.insert((character, *session), row);
                }
                LobbyEvent::Returned { reason: why, .. } => self.end(character, end(reason(*why))),
                LobbyEvent::Created { .. }
                | LobbyEvent::TicketIssued { .. }
                | LobbyEvent::EnteredWorld { .. }
                | LobbyEvent::Located { .. }
                | LobbyEvent::Unknown => {}
            }
        }
    }

    fn end(&mut self, character: CharacterId, end: End) {
        let here = (character, SessionFence(0))..=(character, SessionFence(u64::MAX));
        match self.begun.range_mut(here).next_back() {
            Some((_, row)) if row.end.is_none() => {
                row.end = Some(end);
                row.sequence = end.sequence;
            }
            Some(_) => {}
            None => {
                self.earlier_end.entry(character).or_insert(end);
            }
        }
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let ended = std::mem::take(&mut self.earlier_end);
        let begun = std::mem::take(&mut self.begun);
        if !ended.is_empty() {
            sqlx::query(
                "UPDATE sessions SET ended_at = to_timestamp(new.at / 1000.0), end_reason = new.reason,
                                     sequence = new.sequence
                 FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::TEXT[], $4::BIGINT[])
                      AS new (character, at, reason, sequence)
                 WHERE sessions.character = new.character AND sessions.ended_at IS NULL",
            )
            .bind(crate::columns::keys(&ended))
            .bind(column(&ended, |end| big(end.at.0)))
            .bind(column(&ended, |end| end.reason))
            .bind(column(&ended, |end| big(end.sequence.0)))
            .execute(&mut *db)
            .await?;
        }
        if !begun.is_empty() {
            sqlx::query(
                "INSERT INTO sessions (character, session, edge, resumed, started_at, ended_at, end_reason, sequence)
                 SELECT character, session, edge, resumed, to_timestamp(started / 1000.0),
                        to_timestamp(ended / 1000.0), reason, sequence
                 FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::TEXT[], $4::BOOLEAN[], $5::BIGINT[], $6::BIGINT[],
                             $7::TEXT[], $8::BIGINT[])
                      AS new (character, session, edge, resumed, started, ended, reason, sequence)
                 ON CONFLICT (character, session) DO UPDATE SET
                    edge = EXCLUDED.edge,
                    resumed = EXCLUDED.resumed,
                    started_at = EXCLUDED.started_at,
                    ended_at = EXCLUDED.ended_at,
                    end_reason = EXCLUDED.end_reason,
                    sequence = EXCLUDED.sequence",
            )
            .bind(begun.keys().map(|(who, _)| who.to_string()).collect::<Vec<_>>())
            .bind(begun.keys().map(|(_, fence)| big(fence.0)).collect::<Vec<_>>())
            .bind(column(&begun, |row| row.edge.to_string()))
            .bind(column(&begun, |row| row.resumed))
            .bind(column(&begun, |row| big(row.started_at.0)))
            .bind(column(&begun, |row| row.end.map(|end| big(end.at.0))))
            .bind(column(&begun, |row| row.end.map(|end| end.reason)))
            .bind(column(&begun, |row| big(row.sequence.0)))
            .execute(db)
            .await?;
        }
        Ok(())
    }
}
