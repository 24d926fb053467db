//! The list of erasures: which accounts were erased, on whose order and why, beside the realm's keys.
//!
//! A backup from before an erasure holds the key that was destroyed. So the list is kept where no
//! backup overwrites it; whoever restores one has the keys of all who are on it destroyed again before
//! anybody can read. It holds nothing personal: ids that are nobody's any more.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use eventlog::{EventLog, ReadError};
use schemas::control::Order;
use schemas::person::{BUCKET, PersonKeyEntry};
use schemas::{AccountId, UnixMillis, decode, encode};
use serde::{Deserialize, Serialize};

/// Its name, beside the keys'.
const NAME: &str = "erasures.ndjson";

/// The list.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(PathBuf);

#[derive(Serialize, Deserialize)]
struct Line {
    account: AccountId,
    at: UnixMillis,
    #[serde(flatten)]
    order: Order,
}

impl Ledger {
    /// The one beside the keys in `keys`.
    pub(crate) fn beside(keys: &Path) -> Self {
        Self(keys.with_file_name(NAME))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Notes an erasure that is about to begin, durably.
    pub(crate) fn note(&self, account: AccountId, order: &Order) -> anyhow::Result<()> {
        if self.read()?.iter().any(|(noted, _)| *noted == account) {
            return Ok(());
        }
        let line = Line {
            account,
            at: UnixMillis::now(),
            order: order.clone(),
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&self.0)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            // The name of a new file is its directory's to keep.
            match self
                .0
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
            {
                Some(parent) => File::open(parent)?.sync_all(),
                None => Ok(()),
            }
        };
        write().with_context(|| {
            format!(
                "writing {}: without it a restored backup would bring the person back, so nothing was erased",
                self.0.display()
            )
        })
    }

    /// Everybody on it; nobody, where there is none.
    pub(crate) fn read(&self) -> anyhow::Result<Vec<(AccountId, Order)>> {
        let text = match std::fs::read_to_string(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.with_context(|| format!("reading {}", self.0.display()))?,
        };
        let mut all = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line: Line = serde_json::from_str(line).with_context(|| {
                format!(
                    "line {} of {} is no erasure; mend or remove that line",
                    number + 1,
                    self.0.display()
                )
            })?;
            all.push((line.account, line.order));
        }
        Ok(all)
    }

    /// Whether there is one.
    pub(crate) fn exists(&self) -> bool {
        self.0.exists()
    }

    /// Destroys the keys of all who are on it, in a log that has just been restored; how many there
    /// were to destroy.
    pub(crate) async fn apply(&self, log: &EventLog) -> anyhow::Result<usize> {
        let all = self.read()?;
        if all.is_empty() {
            return Ok(0);
        }
        let bucket = match log.bucket(BUCKET).await {
            // From before persons had keys.
            Err(ReadError::NoStream { .. }) => return Ok(0),
            bucket => bucket?,
        };
        let mut destroyed = 0;
        for (account, _) in all {
            destroyed += usize::from(destroy(&bucket, account).await?);
        }
        Ok(destroyed)
    }
}

/// Destroys a person's key; whether there was one to destroy.
pub(super) async fn destroy(bucket: &eventlog::Bucket, account: AccountId) -> anyhow::Result<bool> {
    let key = account.to_string();
    let entry = bucket.get(&key).await?.and_then(|entry| entry.value);
    let entry = entry.map(|value| decode::<PersonKeyEntry>(&value));
    if matches!(entry, Some(Ok(PersonKeyEntry::Erased { .. }))) {
        return Ok(false);
    }
    let tombstone = PersonKeyEntry::Erased {
        at: UnixMillis::now(),
    };
    bucket
        .erase(&key, encode(&tombstone).into())
        .await
        .with_context(|| format!("destroying the key of account {account}"))?;
    Ok(entry.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_noted_stands_there_once_and_a_broken_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::beside(&dir.path().join("keys.toml"));
        assert!(ledger.read().unwrap().is_empty() && !ledger.exists());
        let order = Order {
            by: "kim".into(),
            reason: "request 81".into(),
        };
        ledger.note(AccountId(7), &order).unwrap();
        ledger.note(AccountId(7), &order).unwrap();
        ledger.note(AccountId(8), &Order::default()).unwrap();
        let all = ledger.read().unwrap();
        assert_eq!(
            all,
            [(AccountId(7), order), (AccountId(8), Order::default())]
        );
        std::fs::write(ledger.path(), "{}\n").unwrap();
        let why = format!("{:#}", ledger.read().unwrap_err());
        assert!(why.contains("line 1 of"), "{why}");
        assert!(
            ledger.note(AccountId(9), &Order::default()).is_err(),
            "nothing is erased that could come back unnoticed"
        );
    }
}
