//! `sessions`: one row for each, ended by the next one or by the character's return.
//!
//! An end names the highest fence that it ends, because a return may come late, after the next
//! session has begun. It counts for rows of earlier transactions and of this one alike.

use std::collections::{BTreeMap, BTreeSet};

use schemas::fact::DepartureReason;
use schemas::lobby::LobbyEvent;
use schemas::{CharacterId, EdgeId, LoginId, Sequence, SessionFence, UnixMillis};
use sqlx::PgConnection;

use super::Entry;
use crate::columns::{big, column};
use crate::erased::delete;

#[derive(Debug, Clone, Copy)]
struct End {
    character: CharacterId,
    up_to: SessionFence,
    at: UnixMillis,
    reason: &'static str,
    sequence: Sequence,
}

#[derive(Debug)]
struct Row {
    edge: EdgeId,
    resumed: bool,
    login: LoginId,
    started_at: UnixMillis,
    end: Option<End>,
    sequence: Sequence,
}

/// What has changed since the last transaction.
#[derive(Debug, Default)]
pub(super) struct SessionRows {
    begun: BTreeMap<(CharacterId, SessionFence), Row>,
    /// In the order of the log: for rows that are open since earlier transactions.
    ends: Vec<End>,
    /// Whose person was erased.
    erased: BTreeSet<CharacterId>,
}

const fn reason(of: DepartureReason) -> &'static str {
    match of {
        DepartureReason::Door => "door",
        DepartureReason::Logout => "logout",
        DepartureReason::LinkDead => "link_dead",
        DepartureReason::Overflow => "overflow",
        DepartureReason::SentOn => "sent_on",
        DepartureReason::Kicked => "kicked",
    }
}

fn each<T>(ends: &[End], get: impl Fn(&End) -> T) -> Vec<T> {
    ends.iter().map(get).collect()
}

impl SessionRows {
    pub(super) fn fold(&mut self, character: CharacterId, entry: &Entry, sequence: Sequence) {
        for event in &entry.events {
            let end = |up_to, reason| End {
                character,
                up_to,
                at: entry.at,
                reason,
                sequence,
            };
            match event {
                LobbyEvent::SessionStarted {
                    session,
                    edge,
                    resumed,
                    login,
                } => {
                    let before = SessionFence(session.0.saturating_sub(1));
                    self.end(end(before, "superseded"));
                    let row = Row {
                        edge: *edge,
                        resumed: *resumed,
                        login: *login,
                        started_at: entry.at,
                        end: None,
                        sequence,
                    };
                    self.begun.insert((character, *session), row);
                }
                LobbyEvent::Returned {
                    traveller,
                    reason: why,
                    ..
                } => self.end(end(traveller.session, reason(*why))),
                LobbyEvent::Reclaimed { session, .. } => {
                    let before = SessionFence(session.0.saturating_sub(1));
                    self.end(end(before, "lost"));
                }
                LobbyEvent::Erased { order: Some(_), .. } => {
                    self.begun.retain(|(who, _), _| *who != character);
                    self.ends.retain(|end| end.character != character);
                    self.erased.insert(character);
                }
                LobbyEvent::Created { .. }
                | LobbyEvent::TicketIssued { .. }
                | LobbyEvent::EnteredWorld { .. }
                | LobbyEvent::Located { .. }
                | LobbyEvent::Missed { .. }
                | LobbyEvent::Deleted { .. }
                | LobbyEvent::Restored
                | LobbyEvent::Erased { .. }
                | LobbyEvent::Unknown => {}
            }
        }
    }

    fn end(&mut self, end: End) {
        let ended = (end.character, SessionFence(0))..=(end.character, end.up_to);
        for (_, row) in self.begun.range_mut(ended) {
            if row.end.is_none() {
                row.end = Some(end);
                row.sequence = end.sequence;
            }
        }
        self.ends.push(end);
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let ends = std::mem::take(&mut self.ends);
        let begun = std::mem::take(&mut self.begun);
        let erased = std::mem::take(&mut self.erased);
        if !erased.is_empty() {
            let erased: Vec<_> = erased.iter().map(CharacterId::to_string).collect();
            delete(db, ("sessions", "character"), &erased).await?;
        }
        if !ends.is_empty() {
            sqlx::query(
                "UPDATE sessions SET ended_at = to_timestamp(first.at / 1000.0), end_reason = first.reason,
                                     sequence = first.sequence
                 FROM (
                    SELECT DISTINCT ON (s.character, s.session) s.character, s.session, e.at, e.reason, e.sequence
                    FROM sessions s
                    JOIN UNNEST($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[]) WITH ORDINALITY
                         AS e (character, up_to, at, reason, sequence, nth)
                      ON s.character = e.character AND s.session <= e.up_to AND s.ended_at IS NULL
                    ORDER BY s.character, s.session, e.nth
                 ) first
                 WHERE sessions.character = first.character AND sessions.session = first.session",
            )
            .bind(each(&ends, |end| end.character.to_string()))
            .bind(each(&ends, |end| big(end.up_to.0)))
            .bind(each(&ends, |end| big(end.at.0)))
            .bind(each(&ends, |end| end.reason))
            .bind(each(&ends, |end| big(end.sequence.0)))
            .execute(&mut *db)
            .await?;
        }
        if !begun.is_empty() {
            sqlx::query(
                "INSERT INTO sessions (character, session, edge, resumed, started_at, ended_at, end_reason, sequence,
                                       login)
                 SELECT character, session, edge, resumed, to_timestamp(started / 1000.0),
                        to_timestamp(ended / 1000.0), reason, sequence, login
                 FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::TEXT[], $4::BOOLEAN[], $5::BIGINT[], $6::BIGINT[],
                             $7::TEXT[], $8::BIGINT[], $9::TEXT[])
                      AS new (character, session, edge, resumed, started, ended, reason, sequence, login)
                 ON CONFLICT (character, session) DO UPDATE SET
                    edge = EXCLUDED.edge,
                    resumed = EXCLUDED.resumed,
                    started_at = EXCLUDED.started_at,
                    ended_at = EXCLUDED.ended_at,
                    end_reason = EXCLUDED.end_reason,
                    sequence = EXCLUDED.sequence,
                    login = EXCLUDED.login",
            )
            .bind(begun.keys().map(|(who, _)| who.to_string()).collect::<Vec<_>>())
            .bind(begun.keys().map(|(_, fence)| big(fence.0)).collect::<Vec<_>>())
            .bind(column(&begun, |row| row.edge.to_string()))
            .bind(column(&begun, |row| row.resumed))
            .bind(column(&begun, |row| big(row.started_at.0)))
            .bind(column(&begun, |row| row.end.map(|end| big(end.at.0))))
            .bind(column(&begun, |row| row.end.map(|end| end.reason)))
            .bind(column(&begun, |row| big(row.sequence.0)))
            .bind(column(&begun, |row| row.login.to_string()))
            .execute(db)
            .await?;
        }
        Ok(())
    }
}
