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
        Some(LeftOut::WithAllBehind) => Ok(()),
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

    #[tokio::test]
    async fn an_event_that_breaks_the_fold_is_parked_and_the_others_go_on() {
        let log = EventLog::in_memory().0;
        for (subject, payload) in [
            ("evt.control.harbor-1", "well"),
            ("evt.control.harbor-1", "break"),
            ("evt.control.forest-1", "well"),
            ("evt.control.harbor-1", "behind it"),
        ] {
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
        driver.run().await.unwrap();
        let pool = database::connect(&config).unwrap();
        let parked: (String, i64, i64, String) =
            sqlx::query_as("SELECT key, poison_sequence, events, reason FROM parked_events")
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(
            (&*parked.0, parked.1, parked.2),
            ("evt.control.harbor-1", 2, 2)
        );
        assert!(
            parked.3.contains("panics: this cannot be so"),
            "{}",
            parked.3
        );
        let folded: i64 = sqlx::query_scalar("SELECT sequence FROM checkpoints")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(folded, 4);
    }
}
