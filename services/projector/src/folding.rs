//! Taking one event in, whatever it does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use eventlog::Record;

use crate::dropped::{Dropped, LeftOut};
use crate::projection::{Poison, Projection};

/// How an event went in.
pub(crate) enum Folded {
    /// As its projection would have it, or left out by an operator's word.
    Yes,
    /// It cannot be applied; the memory is as it was before.
    Poison(Poison),
    /// The fold has broken off in the middle of it: the memory is worth nothing any more.
    Broken(Poison),
}

/// Folds `record` unless an operator has given it up.
pub(crate) fn fold<P: Projection>(
    projection: &mut P,
    record: &Record,
    dropped: &Dropped,
) -> Folded {
    // Nothing of a memory that a panic has passed through is used again; see `Folded::Broken`.
    let folded = catch_unwind(AssertUnwindSafe(|| match dropped.covers(record) {
        Some(LeftOut::WithAllBehind) => {
            projection.forget(record);
            Ok(())
        }
        Some(LeftOut::Alone) => projection.leave_out(record),
        None => projection.fold(record),
    }));
    match folded {
        Ok(Ok(())) => Folded::Yes,
        Ok(Err(poison)) => Folded::Poison(poison),
        Err(panic) => Folded::Broken(Poison(format!("folding it panics: {}", said(&*panic)))),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use eventlog::EventLog;
    use past::Past;
    use runtime::Shutdown;
    use sqlx::PgConnection;

    use super::*;
    use crate::config::Config;
    use crate::database;
    use crate::driver::{Driver, Goal, Surroundings};
    use crate::error::ProjectError;
    use crate::name::Name;
    use crate::projection::Source;

    /// A projection with a mistake in it.
    struct Fragile;

    impl Projection for Fragile {
        const ID: Name = Name::Control;

        async fn load(&mut self, _: &mut PgConnection, _: &Source) -> Result<(), ProjectError> {
            Ok(())
        }

        fn fold(&mut self, record: &Record) -> Result<(), Poison> {
            assert!(&*record.payload != b"break", "this cannot be so");
            Ok(())
        }

        fn describe(_: &Record) -> Result<serde_json::Value, Poison> {
            Ok(serde_json::Value::Null)
        }

        async fn write(&mut self, _: &mut PgConnection) -> Result<(), sqlx::Error> {
            Ok(())
        }
    }

    /// Has [`Fragile`] fold all of `events`; what is parked then, and up to where it has folded.
    async fn folded(events: &[(&str, &str)]) -> (Vec<(String, i64, i64, String)>, i64) {
        let log = EventLog::in_memory().0;
        for (subject, payload) in events {
            let mut pen = log.appender(subject).await.unwrap();
            pen.append(payload.as_bytes().to_vec().into(), None)
                .await
                .unwrap();
        }
        let database = devstack::test::database().await.unwrap();
        let config = Config::new(database.url());
        database::migrate(&config).await.unwrap();
        let around = Surroundings::new(&config, &Past::of_log(log), &Shutdown::new()).unwrap();
        let driver = Driver::new(Fragile, around, Goal::Head, None).unwrap();
        let done = tokio::time::timeout(Duration::from_secs(60), driver.run()).await;
        done.expect("it comes to the head").unwrap();
        let pool = database::connect(&config).unwrap();
        let parked = sqlx::query_as(
            "SELECT key, poison_sequence, events, reason FROM parked_events ORDER BY poison_sequence",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let folded = sqlx::query_scalar("SELECT sequence FROM checkpoints")
            .fetch_one(&pool)
            .await
            .unwrap();
        (parked, folded)
    }

    #[tokio::test]
    async fn an_event_that_breaks_the_fold_is_parked_and_the_others_go_on() {
        let (parked, folded) = folded(&[
            ("evt.control.harbor-1", "well"),
            ("evt.control.harbor-1", "break"),
            ("evt.control.forest-1", "well"),
            ("evt.control.harbor-1", "behind it"),
        ])
        .await;
        assert_eq!(parked.len(), 1, "{parked:?}");
        let (key, at, events, why) = &parked[0];
        assert_eq!((&**key, *at, *events), ("evt.control.harbor-1", 2, 2));
        assert!(why.contains("panics: this cannot be so"), "{why}");
        assert_eq!(folded, 4);
    }

    #[tokio::test]
    async fn several_keys_that_break_the_fold_in_one_batch_are_parked_one_after_the_other() {
        let (parked, folded) = folded(&[
            ("evt.control.meadow-1", "well"),
            ("evt.control.harbor-1", "break"),
            ("evt.control.forest-1", "break"),
            ("evt.control.harbor-1", "break"),
            ("evt.control.tower-1", "break"),
            ("evt.control.meadow-1", "well"),
        ])
        .await;
        let parked: Vec<_> = parked
            .iter()
            .map(|(key, at, events, _)| (&**key, *at, *events))
            .collect();
        assert_eq!(
            parked,
            [
                ("evt.control.harbor-1", 2, 2),
                ("evt.control.forest-1", 3, 1),
                ("evt.control.tower-1", 5, 1),
            ]
        );
        assert_eq!(folded, 6);
    }
}
