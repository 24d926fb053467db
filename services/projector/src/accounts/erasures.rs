//! `erasures`: who was erased, on whose order. Nothing else is kept of them: their rows go in the
//! transaction in which this one comes.

use std::collections::BTreeMap;

use schemas::account::AccountEvent;
use schemas::control::Order;
use schemas::{AccountId, Sequence, UnixMillis};
use sqlx::PgConnection;

use super::Entry;
use crate::columns::{big, column, keys};
use crate::erased::delete;

#[derive(Debug)]
struct Row {
    order: Order,
    at: UnixMillis,
    sequence: Sequence,
}

/// Who has been erased since the last transaction.
#[derive(Debug, Default)]
pub(super) struct Erasures(BTreeMap<AccountId, Row>);

impl Erasures {
    pub(super) fn fold(&mut self, account: AccountId, entry: &Entry, sequence: Sequence) {
        for event in &entry.events {
            if let AccountEvent::Erased { order, at, .. } = event {
                let row = Row {
                    order: order.clone(),
                    at: *at,
                    sequence,
                };
                self.0.insert(account, row);
            }
        }
    }

    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.0);
        if rows.is_empty() {
            return Ok(());
        }
        for table in ["accounts", "login_sessions", "security_events"] {
            delete(db, (table, "account"), &keys(&rows)).await?;
        }
        sqlx::query(
            "INSERT INTO erasures (account, ordered_by, reason, at, sequence)
             SELECT account, ordered_by, reason, to_timestamp(at / 1000.0), sequence
             FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[])
                  AS new (account, ordered_by, reason, at, sequence)",
        )
        .bind(keys(&rows))
        .bind(column(&rows, |row| row.order.by.clone()))
        .bind(column(&rows, |row| row.order.reason.clone()))
        .bind(column(&rows, |row| big(row.at.0)))
        .bind(column(&rows, |row| big(row.sequence.0)))
        .execute(db)
        .await?;
        Ok(())
    }
}
