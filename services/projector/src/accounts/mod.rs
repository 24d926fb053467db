//! `accounts`: who may log in, where they are logged in, and what happened that should not.

mod account_rows;
mod login_rows;
mod security_rows;

use eventlog::{EventLog, Record};
use schemas::AccountId;
use schemas::account::{Account, AccountEvent};
use schemas::credential::Method;
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, Subject};
use sqlx::PgConnection;

use self::account_rows::AccountRows;
use self::login_rows::LoginRows;
use self::security_rows::SecurityRows;
use crate::error::ProjectError;
use crate::projection::{Poison, Projection};

type Entry = KeyedEntry<AccountEvent, Account>;

/// Folds `IDENTITY_EVENTS` into `accounts`, `login_sessions` and `security_events`.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    accounts: AccountRows,
    logins: LoginRows,
    security: SecurityRows,
}

/// Its name in the rows.
pub(crate) const fn method(of: Method) -> &'static str {
    match of {
        Method::Guest => "guest",
        Method::Password => "password",
        Method::Openid => "openid",
    }
}

impl Projection for Accounts {
    const NAME: &'static str = "accounts";
    const STREAM: &'static str = Domain::Identity.event_stream();

    async fn load(&mut self, _: &mut PgConnection, _: &EventLog) -> Result<(), ProjectError> {
        *self = Self::default();
        Ok(())
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let account = match Subject::parse(&record.subject) {
            Subject::KeyedEvents(Domain::Identity, key) => key.parse::<AccountId>(),
            _ => return Err(Poison("not a subject of this stream".into())),
        };
        let account = account.map_err(|error| Poison::because(&error))?;
        let entry: Entry =
            schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
        self.accounts.fold(account, &entry, record.sequence);
        self.logins.fold(account, &entry, record.sequence);
        self.security.fold(account, &entry, record.sequence);
        Ok(())
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.accounts.write(db).await?;
        self.logins.write(db).await?;
        self.security.write(db).await
    }
}
