//! `accounts`: who may log in, where they are logged in, what happened that should not, and who was
//! erased.

mod account_rows;
mod erasures;
mod login_rows;
mod security_rows;

use eventlog::Record;
use schemas::account::{Account, AccountEvent};
use schemas::credential::Method;
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, Subject};
use schemas::{AccountId, Sequence};
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

fn read(record: &Record) -> Result<(AccountId, Entry), Poison> {
    let account = match Subject::parse(&record.subject) {
        Subject::KeyedEvents(Domain::Identity, key) => key.parse::<AccountId>(),
        _ => return Err(Poison("not a subject of this stream".into())),
    };
    let account = account.map_err(|error| Poison::because(&error))?;
    let entry = schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
    Ok((account, entry))
}

impl Accounts {
    /// The person is erased; whether it says so.
    fn erase(&mut self, account: AccountId, entry: &Entry, sequence: Sequence) -> bool {
        let erased = entry.state.erased.is_some();
        if erased {
            self.erasures.fold(account, entry, sequence);
            self.accounts.forget(account);
            self.logins.forget(account);
            self.security.forget(account);
        }
        erased
    }
}

impl Projection for Accounts {
    const ID: Name = Name::Accounts;
    const PERSONAL: bool = true;

    async fn load(&mut self, _: &mut PgConnection, _: &Source) -> Result<(), ProjectError> {
        *self = Self::default();
        Ok(())
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let (account, entry) = read(record)?;
        if self.erase(account, &entry, record.sequence) {
            return Ok(());
        }
        self.accounts.fold(account, &entry, record.sequence);
        self.logins.fold(account, &entry, record.sequence);
        self.security.fold(account, &entry, record.sequence);
        Ok(())
    }

    fn forget(&mut self, record: &Record) {
        if let Ok((account, entry)) = read(record) {
            self.erase(account, &entry, record.sequence);
        }
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
