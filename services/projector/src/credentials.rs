//! `credentials`: what lets into which account, and what is being guessed at.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::Record;
use schemas::credential::{Credential, CredentialEvent};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, Subject};
use schemas::{Digest, Sequence, UnixMillis};
use sqlx::PgConnection;

use crate::accounts::method;
use crate::columns::{big, column, keys};
use crate::erased::delete;
use crate::error::ProjectError;
use crate::name::Name;
use crate::projection::{Poison, Projection, Source, redacted};

type Entry = KeyedEntry<CredentialEvent, Credential>;

#[derive(Debug)]
struct Row {
    state: Credential,
    registered_at: Option<UnixMillis>,
    granted_at: Option<UnixMillis>,
    changed_at: Option<UnixMillis>,
    at: UnixMillis,
    sequence: Sequence,
}

/// Folds `CREDENTIAL_EVENTS` into `credentials`. The hash of a password stays where it is.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    rows: BTreeMap<Digest, Row>,
    /// Whose person was erased; what came before goes.
    erased: BTreeSet<Digest>,
}

const fn changes(event: &CredentialEvent) -> bool {
    matches!(event, CredentialEvent::HashChanged { rehashed, .. } if !*rehashed)
}

fn read(record: &Record) -> Result<(Digest, Entry), Poison> {
    let credential = match Subject::parse(&record.subject) {
        Subject::KeyedEvents(Domain::Credential, key) => key.parse::<Digest>(),
        _ => return Err(Poison("not a subject of this stream".into())),
    };
    let credential = credential.map_err(|error| Poison::because(&error))?;
    let entry = schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
    Ok((credential, entry))
}

impl Credentials {
    /// Forgets what came before the person was erased, if `events` say so; hands out those after it.
    fn erase<'a>(
        &mut self,
        credential: Digest,
        events: &'a [CredentialEvent],
    ) -> Option<&'a [CredentialEvent]> {
        let erases = |event: &CredentialEvent| matches!(event, CredentialEvent::Erased { .. });
        let last = events.iter().rposition(erases)?;
        self.rows.remove(&credential);
        self.erased.insert(credential);
        Some(&events[last + 1..])
    }
}

impl Projection for Credentials {
    const ID: Name = Name::Credentials;
    const PERSONAL: bool = true;

    async fn load(&mut self, _: &mut PgConnection, _: &Source) -> Result<(), ProjectError> {
        *self = Self::default();
        Ok(())
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let (credential, entry) = read(record)?;
        let events = match self.erase(credential, &entry.events) {
            Some([]) => return Ok(()),
            Some(events) => events,
            None => &entry.events,
        };
        let happened =
            |what: fn(&CredentialEvent) -> bool| events.iter().any(what).then_some(entry.at);
        let registered = happened(|event| matches!(event, CredentialEvent::Registered { .. }));
        let granted = happened(|event| matches!(event, CredentialEvent::Granted { .. }));
        let changed = happened(changes);
        let before = self.rows.get(&credential);
        let row = Row {
            registered_at: registered.or(before.and_then(|row| row.registered_at)),
            granted_at: granted.or(before.and_then(|row| row.granted_at)),
            changed_at: changed.or(before.and_then(|row| row.changed_at)),
            state: entry.state,
            at: entry.at,
            sequence: record.sequence,
        };
        self.rows.insert(credential, row);
        Ok(())
    }

    fn forget(&mut self, record: &Record) {
        if let Ok((credential, entry)) = read(record) {
            self.erase(credential, &entry.events);
        }
    }

    fn describe(record: &Record) -> Result<serde_json::Value, Poison> {
        redacted::<Entry>(record)
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let erased = std::mem::take(&mut self.erased);
        if !erased.is_empty() {
            let erased: Vec<_> = erased.iter().map(Digest::to_string).collect();
            delete(db, ("credentials", "credential"), &erased).await?;
        }
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        let failed = |row: &Row| (row.state.failed_at.0 > 0).then_some(row.state.failed_at);
        sqlx::query(
            "INSERT INTO credentials (credential, account, method, failures, failed_at, registered_at, granted_at,
                                      changed_at, at, sequence)
             SELECT credential, account, method, failures, to_timestamp(failed / 1000.0),
                    to_timestamp(registered / 1000.0), to_timestamp(granted / 1000.0),
                    to_timestamp(changed / 1000.0), to_timestamp(at / 1000.0), sequence
             FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[],
                         $7::BIGINT[], $8::BIGINT[], $9::BIGINT[], $10::BIGINT[])
                  AS new (credential, account, method, failures, failed, registered, granted, changed, at, sequence)
             ON CONFLICT (credential) DO UPDATE SET
                account = EXCLUDED.account,
                method = EXCLUDED.method,
                failures = EXCLUDED.failures,
                failed_at = EXCLUDED.failed_at,
                registered_at = COALESCE(EXCLUDED.registered_at, credentials.registered_at),
                granted_at = COALESCE(EXCLUDED.granted_at, credentials.granted_at),
                changed_at = COALESCE(EXCLUDED.changed_at, credentials.changed_at),
                at = EXCLUDED.at,
                sequence = EXCLUDED.sequence",
        )
        .bind(keys(&rows))
        .bind(column(&rows, |row| row.state.account.map(|account| account.to_string())))
        .bind(column(&rows, |row| row.state.method.map(method)))
        .bind(column(&rows, |row| i64::from(row.state.failures)))
        .bind(column(&rows, |row| failed(row).map(|at| big(at.0))))
        .bind(column(&rows, |row| row.registered_at.map(|at| big(at.0))))
        .bind(column(&rows, |row| row.granted_at.map(|at| big(at.0))))
        .bind(column(&rows, |row| row.changed_at.map(|at| big(at.0))))
        .bind(column(&rows, |row| big(row.at.0)))
        .bind(column(&rows, |row| big(row.sequence.0)))
        .execute(db)
        .await?;
        Ok(())
    }
}
