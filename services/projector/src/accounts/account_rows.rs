//! `accounts`: who may log in, and by what.

use std::collections::BTreeMap;

use schemas::account::AccountEvent;
use schemas::sealed::Sealed;
use schemas::{AccountId, Sequence, UnixMillis};
use sqlx::PgConnection;

use super::{Entry, method};
use crate::columns::{big, column, count, keys};

#[derive(Debug)]
struct Row {
    name: Sealed,
    logins: u64,
    registered_at: Option<UnixMillis>,
    last_login_at: Option<UnixMillis>,
    methods: Vec<&'static str>,
    sessions: i32,
    characters: i32,
    at: UnixMillis,
    sequence: Sequence,
}

/// What has changed since the last transaction.
#[derive(Debug, Default)]
pub(super) struct AccountRows(BTreeMap<AccountId, Row>);

const fn registers(event: &AccountEvent) -> bool {
    matches!(
        event,
        AccountEvent::GuestRegistered { .. } | AccountEvent::Registered { .. }
    )
}

const fn logs_in(event: &AccountEvent) -> bool {
    matches!(
        event,
        AccountEvent::LoggedIn { .. } | AccountEvent::SessionOpened { .. }
    )
}

impl AccountRows {
    pub(super) fn fold(&mut self, account: AccountId, entry: &Entry, sequence: Sequence) {
        let happened =
            |what: fn(&AccountEvent) -> bool| entry.events.iter().any(what).then_some(entry.at);
        let before = self.0.get(&account);
        let state = &entry.state;
        let guest = state.proof.map(|_| "guest");
        let others = state.credentials.iter().map(|(kind, _)| method(*kind));
        let row = Row {
            registered_at: happened(registers).or(before.and_then(|row| row.registered_at)),
            last_login_at: happened(logs_in).or(before.and_then(|row| row.last_login_at)),
            name: state.name.clone(),
            logins: state.logins,
            methods: guest.into_iter().chain(others).collect(),
            sessions: count(state.sessions.len()),
            characters: count(state.characters.len()),
            at: entry.at,
            sequence,
        };
        self.0.insert(account, row);
    }

    /// The person was erased.
    pub(super) fn forget(&mut self, account: AccountId) {
        self.0.remove(&account);
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.0);
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO accounts (account, name_key, name_nonce, name_bytes, logins, registered_at,
                                   last_login_at, at, sequence, methods, sessions, characters)
             SELECT account, name_key, name_nonce, name_bytes, logins, to_timestamp(registered / 1000.0),
                    to_timestamp(logged_in / 1000.0), to_timestamp(at / 1000.0), sequence,
                    string_to_array(methods, ' '), sessions, characters
             FROM UNNEST($1::TEXT[], $2::TEXT[], $3::BYTEA[], $4::BYTEA[], $5::BIGINT[], $6::BIGINT[],
                         $7::BIGINT[], $8::BIGINT[], $9::BIGINT[], $10::TEXT[], $11::INTEGER[], $12::INTEGER[])
                  AS new (account, name_key, name_nonce, name_bytes, logins, registered, logged_in, at, sequence,
                          methods, sessions, characters)
             ON CONFLICT (account) DO UPDATE SET
                name_key = EXCLUDED.name_key,
                name_nonce = EXCLUDED.name_nonce,
                name_bytes = EXCLUDED.name_bytes,
                logins = EXCLUDED.logins,
                registered_at = COALESCE(EXCLUDED.registered_at, accounts.registered_at),
                last_login_at = COALESCE(EXCLUDED.last_login_at, accounts.last_login_at),
                at = EXCLUDED.at,
                sequence = EXCLUDED.sequence,
                methods = EXCLUDED.methods,
                sessions = EXCLUDED.sessions,
                characters = EXCLUDED.characters",
        )
        .bind(keys(&rows))
        .bind(column(&rows, |row| row.name.key.clone()))
        .bind(column(&rows, |row| row.name.nonce.clone()))
        .bind(column(&rows, |row| row.name.bytes.clone()))
        .bind(column(&rows, |row| big(row.logins)))
        .bind(column(&rows, |row| row.registered_at.map(|at| big(at.0))))
        .bind(column(&rows, |row| row.last_login_at.map(|at| big(at.0))))
        .bind(column(&rows, |row| big(row.at.0)))
        .bind(column(&rows, |row| big(row.sequence.0)))
        // One text each: arrays of arrays would all have to be of one length.
        .bind(column(&rows, |row| row.methods.join(" ")))
        .bind(column(&rows, |row| row.sessions))
        .bind(column(&rows, |row| row.characters))
        .execute(db)
        .await?;
        Ok(())
    }
}
