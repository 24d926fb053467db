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

/// Somebody who stands on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Who.
    pub(crate) account: AccountId,
    /// On whose order, and why.
    pub(crate) order: Order,
    /// Whether they had written something before persons had keys: what told so is erased with them.
    pub(crate) old_text: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    account: AccountId,
    at: UnixMillis,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    old_text: bool,
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

    /// Notes an erasure that is about to begin, durably; what is on the list of that person from now on.
    /// Who stands there gets a second line only to say that there is old text after all.
    pub(crate) fn note(
        &self,
        account: AccountId,
        order: &Order,
        old_text: bool,
    ) -> anyhow::Result<Noted> {
        let all = self.read()?;
        let noted = all.into_iter().find(|noted| noted.account == account);
        if let Some(noted) = noted
            && (noted.old_text || !old_text)
        {
            return Ok(noted);
        }
        let line = Line {
            account,
            at: UnixMillis::now(),
            old_text,
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
        })?;
        Ok(line.into())
    }

    /// Everybody on it, once; nobody, where there is none.
    pub(crate) fn read(&self) -> anyhow::Result<Vec<Noted>> {
        let text = match std::fs::read_to_string(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.with_context(|| format!("reading {}", self.0.display()))?,
        };
        let mut all: Vec<Noted> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line: Line = serde_json::from_str(line).with_context(|| {
                format!(
                    "line {} of {} is no erasure; mend or remove that line",
                    number + 1,
                    self.0.display()
                )
            })?;
            let noted = Noted::from(line);
            match all.iter_mut().find(|one| one.account == noted.account) {
                Some(before) => before.old_text |= noted.old_text,
                None => all.push(noted),
            }
        }
        Ok(all)
    }

    /// Whether there is one.
    pub(crate) fn exists(&self) -> bool {
        self.0.exists()
    }
}

impl From<Line> for Noted {
    fn from(line: Line) -> Self {
        Self {
            account: line.account,
            order: line.order,
            old_text: line.old_text,
        }
    }
}

/// Destroys the keys of all these, in a log that is being restored; how many there were to destroy.
pub(crate) async fn destroy_all(log: &EventLog, all: &[Noted]) -> anyhow::Result<usize> {
    if all.is_empty() {
        return Ok(0);
    }
    let bucket = match log.bucket(BUCKET).await {
        // From before persons had keys.
        Err(ReadError::NoStream { .. }) => return Ok(0),
        bucket => bucket?,
    };
    let mut destroyed = 0;
    for noted in all {
        destroyed += usize::from(destroy(&bucket, noted.account).await?);
    }
    Ok(destroyed)
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
        ledger.note(AccountId(7), &order, false).unwrap();
        ledger.note(AccountId(7), &order, false).unwrap();
        ledger.note(AccountId(8), &Order::default(), false).unwrap();
        let of = |account, order, old_text| Noted {
            account: AccountId(account),
            order,
            old_text,
        };
        let all = ledger.read().unwrap();
        assert_eq!(all, [of(7, order, false), of(8, Order::default(), false)]);
        std::fs::write(ledger.path(), "{}\n").unwrap();
        let why = format!("{:#}", ledger.read().unwrap_err());
        assert!(why.contains("line 1 of"), "{why}");
        assert!(
            ledger.note(AccountId(9), &Order::default(), false).is_err(),
            "nothing is erased that could come back unnoticed"
        );
    }

    #[test]
    fn old_text_is_not_forgotten_and_lines_from_before_it_was_noted_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::beside(&dir.path().join("keys.toml"));
        let order = Order::default();
        let lines = [7, 8].map(|id| {
            let id = AccountId(id);
            format!(r#"{{"account":"{id}","at":1,"by":"","reason":""}}"#) + "\n"
        });
        std::fs::write(ledger.path(), lines.concat()).unwrap();
        let old_text = |id, old| ledger.note(AccountId(id), &order, old).unwrap().old_text;
        assert!(!old_text(7, false));
        // Who goes on after a crash, with a build that notes it, still finds the names.
        assert!(old_text(7, true) && old_text(7, false) && !old_text(8, false));
        let all = ledger.read().unwrap();
        assert_eq!(all.len(), 2, "each is named once: {all:?}");
        assert!(all[0].old_text && !all[1].old_text, "{all:?}");
    }
}
