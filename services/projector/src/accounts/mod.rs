//! `accounts`: who may log in, where they are logged in, what happened that should not, and who was
//! erased.

mod account_rows;
mod erasures;
mod login_rows;
mod security_rows;

use eventlog::Record;
use schemas::AccountId;
use schemas::account::{Account, AccountEvent};
use schemas::credential::Method;
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, Subject};
use sqlx::PgConnection;

use self::account_rows::AccountRows;
use self::erasures::Erasures;
use self::login_rows::LoginRows;
use self::security_rows::SecurityRows;
use crate::error::ProjectError;
use crate::name::Name;
use crate::projection::{Poison, Projection, Source, redacted};

type Entry = KeyedEntry<AccountEvent, Account>;

/// Folds `IDENTITY_EVENTS` into `accounts`, `login_sessions`, `security_events` and `erasures`.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    accounts: AccountRows,
    logins: LoginRows,
    security: SecurityRows,
    erasures: Erasures,
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
    const ID: Name = Name::Accounts;

    async fn load(&mut self, _: &mut PgConnection, _: &Source) -> Result<(), ProjectError> {
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
        if entry.state.erased.is_some() {
            self.erasures.fold(account, &entry, record.sequence);
            self.accounts.forget(account);
            self.logins.forget(account);
            self.security.forget(account);
            return Ok(());
        }
        self.accounts.fold(account, &entry, record.sequence);
        self.logins.fold(account, &entry, record.sequence);
        self.security.fold(account, &entry, record.sequence);
        Ok(())
    }

    fn describe(record: &Record) -> Result<serde_json::Value, Poison> {
        redacted::<Entry>(record)
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.erasures.write(db).await?;
        self.accounts.write(db).await?;
        self.logins.write(db).await?;
        self.security.write(db).await
    }
}
