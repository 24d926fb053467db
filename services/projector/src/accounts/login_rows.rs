//! `login_sessions`: one row for each device that was logged in.
//!
//! The state after an entry tells all about the sessions that are open; of one that has ended the
//! event tells, and the row is there since earlier.

use std::collections::BTreeMap;

use schemas::account::{AccountEvent, LoginSession, SessionEnd};
use schemas::sealed::Sealed;
use schemas::{AccountId, LoginId, Sequence, UnixMillis};
use sqlx::PgConnection;

use super::{Entry, method};
use crate::columns::{big, column};

#[derive(Debug, Default)]
struct Row {
    /// As it was last; `None`: as in an earlier transaction.
    session: Option<LoginSession>,
    end: Option<(UnixMillis, &'static str)>,
    sequence: Sequence,
}

type Rows = BTreeMap<(AccountId, LoginId), Row>;

/// What has changed since the last transaction.
#[derive(Debug, Default)]
pub(super) struct LoginRows(Rows);

const fn reason(of: SessionEnd) -> &'static str {
    match of {
        SessionEnd::LoggedOut => "logged_out",
        SessionEnd::LoggedOutEverywhere => "logged_out_everywhere",
        SessionEnd::Reused => "reused",
        SessionEnd::Expired => "expired",
        SessionEnd::Displaced => "displaced",
    }
}

impl LoginRows {
    pub(super) fn fold(&mut self, account: AccountId, entry: &Entry, sequence: Sequence) {
        for event in &entry.events {
            match event {
                AccountEvent::SessionOpened { session, .. } => {
                    let row = self.row(account, session.id, sequence);
                    row.session = Some(session.clone());
                }
                AccountEvent::Refreshed { session, .. } => {
                    let now = entry.state.sessions.iter().find(|s| s.id == *session);
                    let row = self.row(account, *session, sequence);
                    row.session = now.cloned().or(row.session.take());
                }
                AccountEvent::SessionEnded { session, why } => {
                    let row = self.row(account, *session, sequence);
                    row.end = Some((entry.at, reason(*why)));
                }
                _ => {}
            }
        }
    }

    /// The person was erased.
    pub(super) fn forget(&mut self, account: AccountId) {
        self.0.retain(|(of, _), _| *of != account);
    }

    fn row(&mut self, account: AccountId, login: LoginId, sequence: Sequence) -> &mut Row {
        let row = self.0.entry((account, login)).or_default();
        row.sequence = sequence;
        row
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let all = std::mem::take(&mut self.0);
        let (known, ended): (Rows, Rows) =
            all.into_iter().partition(|(_, row)| row.session.is_some());
        upsert(&known, db).await?;
        end(&ended, db).await
    }
}

fn accounts(rows: &Rows) -> Vec<String> {
    rows.keys()
        .map(|(account, _)| account.to_string())
        .collect()
}

fn logins(rows: &Rows) -> Vec<String> {
    rows.keys().map(|(_, login)| login.to_string()).collect()
}

/// One column of what is known of the sessions.
fn of<T>(rows: &Rows, get: impl Fn(&LoginSession) -> T) -> Vec<T> {
    let sessions = rows.values().filter_map(|row| row.session.as_ref());
    sessions.map(get).collect()
}

fn device<T>(rows: &Rows, get: impl Fn(&Sealed) -> T) -> Vec<Option<T>> {
    of(rows, |session| session.device.as_ref().map(&get))
}

async fn upsert(rows: &Rows, db: &mut PgConnection) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO login_sessions (account, login, method, device_key, device_nonce, device_bytes, opened_at,
                                     used_at, generation, address, ended_at, end_reason, sequence)
         SELECT account, login, method, device_key, device_nonce, device_bytes, to_timestamp(opened / 1000.0),
                to_timestamp(used / 1000.0), generation, address, to_timestamp(ended / 1000.0), reason, sequence
         FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::BYTEA[], $6::BYTEA[], $7::BIGINT[],
                     $8::BIGINT[], $9::BIGINT[], $10::TEXT[], $11::BIGINT[], $12::TEXT[], $13::BIGINT[])
              AS new (account, login, method, device_key, device_nonce, device_bytes, opened, used, generation,
                      address, ended, reason, sequence)
         ON CONFLICT (account, login) DO UPDATE SET
            used_at = EXCLUDED.used_at,
            generation = EXCLUDED.generation,
            address = EXCLUDED.address,
            ended_at = EXCLUDED.ended_at,
            end_reason = EXCLUDED.end_reason,
            sequence = EXCLUDED.sequence",
    )
    .bind(accounts(rows))
    .bind(logins(rows))
    .bind(of(rows, |session| method(session.method)))
    .bind(device(rows, |device| device.key.clone()))
    .bind(device(rows, |device| device.nonce.clone()))
    .bind(device(rows, |device| device.bytes.clone()))
    .bind(of(rows, |session| big(session.opened_at.0)))
    .bind(of(rows, |session| big(session.used_at.0)))
    .bind(of(rows, |session| i64::from(session.generation)))
    .bind(of(rows, |session| session.address.to_string()))
    .bind(column(rows, |row| row.end.map(|(at, _)| big(at.0))))
    .bind(column(rows, |row| row.end.map(|(_, why)| why)))
    .bind(column(rows, |row| big(row.sequence.0)))
    .execute(db)
    .await?;
    Ok(())
}

async fn end(rows: &Rows, db: &mut PgConnection) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE login_sessions SET ended_at = to_timestamp(new.at / 1000.0), end_reason = new.reason,
                                   sequence = new.sequence
         FROM UNNEST($1::TEXT[], $2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[])
              AS new (account, login, at, reason, sequence)
         WHERE login_sessions.account = new.account AND login_sessions.login = new.login",
    )
    .bind(accounts(rows))
    .bind(logins(rows))
    .bind(column(rows, |row| row.end.map(|(at, _)| big(at.0))))
    .bind(column(rows, |row| row.end.map(|(_, why)| why)))
    .bind(column(rows, |row| big(row.sequence.0)))
    .execute(db)
    .await?;
    Ok(())
}
