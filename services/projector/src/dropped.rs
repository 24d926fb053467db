//! Events that an operator has given up: the rows go without them, now and after every rebuild. Only an erasure is never
//! given up: the rows of who was erased go.

use std::collections::{BTreeSet, HashMap};

use eventlog::Record;
use schemas::Sequence;
use sqlx::{PgConnection, Row};

/// What is left out of one key's rows.
#[derive(Debug, Default)]
struct Key {
    single: BTreeSet<Sequence>,
    from: Option<Sequence>,
}

/// How an event that was given up is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// Remembered, not written.
    Alone,
    /// As if the key's events ended before it.
    WithAllBehind,
}

/// All that is left out of one projection.
#[derive(Debug, Default)]
pub(crate) struct Dropped(HashMap<String, Key>);

impl Dropped {
    /// As operators have said so far.
    pub(crate) async fn load(db: &mut PgConnection, projection: &str) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT key, sequence, and_behind FROM dropped_events WHERE projection = $1",
        )
        .bind(projection)
        .fetch_all(db)
        .await?;
        let mut dropped = Self::default();
        for row in rows {
            let sequence = Sequence(u64::try_from(row.try_get::<i64, _>("sequence")?).unwrap_or(0));
            dropped.add(row.try_get("key")?, sequence, row.try_get("and_behind")?);
        }
        Ok(dropped)
    }

    fn add(&mut self, key: String, sequence: Sequence, and_behind: bool) {
        let key = self.0.entry(key).or_default();
        if and_behind {
            key.from = Some(key.from.map_or(sequence, |from| from.min(sequence)));
        } else {
            key.single.insert(sequence);
        }
    }

    /// Whether and how `record` is left out.
    pub(crate) fn covers(&self, record: &Record) -> Option<LeftOut> {
        let key = self.0.get(&record.subject)?;
        if key.from.is_some_and(|from| from <= record.sequence) {
            return Some(LeftOut::WithAllBehind);
        }
        key.single
            .contains(&record.sequence)
            .then_some(LeftOut::Alone)
    }
}

#[cfg(test)]
mod tests {
    use eventlog::Record;
    use schemas::UnixMillis;

    use super::*;

    fn record(subject: &str, sequence: u64) -> Record {
        Record {
            stream: "AREA_EVENTS".into(),
            subject: subject.into(),
            sequence: Sequence(sequence),
            payload: Vec::new().into(),
            stored_at: UnixMillis(0),
            trace: None,
        }
    }

    #[test]
    fn one_event_or_all_from_one_on_of_its_key_alone() {
        let mut dropped = Dropped::default();
        dropped.add("a".into(), Sequence(5), false);
        dropped.add("b".into(), Sequence(9), true);
        dropped.add("b".into(), Sequence(7), true);
        let covered = |subject, at| dropped.covers(&record(subject, at));
        assert_eq!(covered("a", 5), Some(LeftOut::Alone));
        assert_eq!(covered("a", 6), None);
        assert_eq!(covered("b", 6), None);
        assert_eq!(covered("b", 7), Some(LeftOut::WithAllBehind));
        assert_eq!(covered("b", 1000), Some(LeftOut::WithAllBehind));
        assert_eq!(covered("c", 5), None);
    }
}
