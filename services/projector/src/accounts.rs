//! `accounts`: who may log in.

use std::collections::BTreeMap;

use eventlog::{EventLog, Record};
use schemas::account::{Account, AccountEvent};
use schemas::keyed::KeyedEntry;
use schemas::sealed::Sealed;
use schemas::subjects::{Domain, Subject};
use schemas::{AccountId, Sequence, UnixMillis};
use sqlx::PgConnection;

use crate::columns::{big, column, keys};
use crate::error::ProjectError;
use crate::projection::{Poison, Projection};

#[derive(Debug)]
struct Row {
    name: Sealed,
    logins: u64,
    registered_at: Option<UnixMillis>,
    last_login_at: Option<UnixMillis>,
    at: UnixMillis,
    sequence: Sequence,
}

/// Folds `IDENTITY_EVENTS` into `accounts`.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    rows: BTreeMap<AccountId, Row>,
}

impl Projection for Accounts {
    const NAME: &'static str = "accounts";
    const STREAM: &'static str = Domain::Identity.event_stream();

    async fn load(&mut self, _: &mut PgConnection, _: &EventLog) -> Result<(), ProjectError> {
        self.rows.clear();
        Ok(())
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let account = match Subject::parse(&record.subject) {
            Subject::KeyedEvents(Domain::Identity, key) => key.parse::<AccountId>(),
            _ => return Err(Poison("not a subject of this stream".into())),
        };
        let account = account.map_err(|error| Poison::because(&error))?;
        let entry: KeyedEntry<AccountEvent, Account> =
            schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
        let happened =
            |what: fn(&AccountEvent) -> bool| entry.events.iter().any(what).then_some(entry.at);
        let registered = happened(|event| matches!(event, AccountEvent::GuestRegistered { .. }));
        let logged_in = happened(|event| matches!(event, AccountEvent::LoggedIn { .. }));
        let before = self.rows.get(&account);
        let row = Row {
            registered_at: registered.or(before.and_then(|row| row.registered_at)),
            last_login_at: logged_in.or(before.and_then(|row| row.last_login_at)),
            name: entry.state.name,
            logins: entry.state.logins,
            at: entry.at,
            sequence: record.sequence,
        };
        self.rows.insert(account, row);
        Ok(())
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO accounts (account, name_key, name_nonce, name_bytes, logins, registered_at,
                                   last_login_at, at, sequence)
             SELECT account, name_key, name_nonce, name_bytes, logins, to_timestamp(registered / 1000.0),
                    to_timestamp(logged_in / 1000.0), to_timestamp(at / 1000.0), sequence
             FROM UNNEST($1::TEXT[], $2::TEXT[], $3::BYTEA[], $4::BYTEA[], $5::BIGINT[], $6::BIGINT[],
                         $7::BIGINT[], $8::BIGINT[], $9::BIGINT[])
                  AS new (account, name_key, name_nonce, name_bytes, logins, registered, logged_in, at, sequence)
             ON CONFLICT (account) DO UPDATE SET
                name_key = EXCLUDED.name_key,
                name_nonce = EXCLUDED.name_nonce,
                name_bytes = EXCLUDED.name_bytes,
                logins = EXCLUDED.logins,
                registered_at = COALESCE(EXCLUDED.registered_at, accounts.registered_at),
                last_login_at = COALESCE(EXCLUDED.last_login_at, accounts.last_login_at),
                at = EXCLUDED.at,
                sequence = EXCLUDED.sequence",
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
        .execute(db)
        .await?;
        Ok(())
    }
}
