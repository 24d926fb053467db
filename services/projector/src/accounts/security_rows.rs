//! `security_events`: what happened to accounts that should not, each in the order of the log.

use std::collections::BTreeMap;

use schemas::account::{AccountEvent, SecurityNotice};
use schemas::{AccountId, LoginId, Sequence, UnixMillis};
use sqlx::PgConnection;

use super::Entry;
use crate::columns::{big, column, count};

#[derive(Debug)]
struct Row {
    what: &'static str,
    login: Option<LoginId>,
    at: UnixMillis,
}

/// What has come since the last transaction.
#[derive(Debug, Default)]
pub(super) struct SecurityRows(BTreeMap<(AccountId, Sequence, i32), Row>);

const fn notice(of: SecurityNotice) -> &'static str {
    match of {
        SecurityNotice::RefreshReused => "refresh_reused",
        SecurityNotice::AddressChanged => "address_changed",
        SecurityNotice::PasswordChanged => "password_changed",
    }
}

impl SecurityRows {
    pub(super) fn fold(&mut self, account: AccountId, entry: &Entry, sequence: Sequence) {
        for (line, event) in entry.events.iter().enumerate() {
            let row = match event {
                AccountEvent::Security {
                    what, session, at, ..
                } => Row {
                    what: notice(*what),
                    login: Some(*session),
                    at: *at,
                },
                AccountEvent::LoginFailed { .. } => Row {
                    what: "login_failed",
                    login: None,
                    at: entry.at,
                },
                _ => continue,
            };
            self.0.insert((account, sequence, count(line)), row);
        }
    }

    /// The person was erased.
    pub(super) fn forget(&mut self, account: AccountId) {
        self.0.retain(|(of, ..), _| *of != account);
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.0);
        if rows.is_empty() {
            return Ok(());
        }
        let keys = || rows.keys();
        sqlx::query(
            "INSERT INTO security_events (account, sequence, line, what, login, at)
             SELECT account, sequence, line, what, login, to_timestamp(at / 1000.0)
             FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::INTEGER[], $4::TEXT[], $5::TEXT[], $6::BIGINT[])
                  AS new (account, sequence, line, what, login, at)",
        )
        .bind(keys().map(|(who, ..)| who.to_string()).collect::<Vec<_>>())
        .bind(keys().map(|(_, at, _)| big(at.0)).collect::<Vec<_>>())
        .bind(keys().map(|(.., line)| *line).collect::<Vec<_>>())
        .bind(column(&rows, |row| row.what))
        .bind(column(&rows, |row| row.login.map(|login| login.to_string())))
        .bind(column(&rows, |row| big(row.at.0)))
        .execute(db)
        .await?;
        Ok(())
    }
}
