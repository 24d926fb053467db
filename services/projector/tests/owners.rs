//! Who may write the rows, and to which log they belong.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;

use devstack::test::postgres;
use projector::{catch_up, check, dump};
use runtime::Shutdown;
use sample::busy_day;
use schemas::CharacterId;
use support::{config, failure, past, projecting, quick, reach_heads};

#[tokio::test]
async fn a_second_instance_takes_over_and_the_first_says_why_it_stops() {
    let mut realm = busy_day().await;
    let config = config().await;
    let first = projecting(&config, &realm.log);
    reach_heads(&config, &realm.log).await;
    let second = projecting(&config, &realm.log);
    // Nothing tells the first but its next transaction.
    let told = loop {
        realm.tick().await;
        if first.is_finished() {
            break failure(first).await;
        }
        assert!(!second.is_finished(), "the newer one stays");
        tokio::task::yield_now().await;
    };
    assert!(
        told.contains("has a newer owner (epoch 2, ours is 1)"),
        "{told}"
    );
    reach_heads(&config, &realm.log).await;
    let found = check(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    second.abort();
}

#[tokio::test]
async fn rows_of_another_log_are_refused() {
    let (ours, theirs) = (busy_day().await, busy_day().await);
    let config = config().await;
    catch_up(&config, &past(&ours.log), &Shutdown::new())
        .await
        .unwrap();
    let told = failure(projecting(&config, &theirs.log)).await;
    assert!(
        told.contains("its rows do not belong to this log"),
        "{told}"
    );
    assert!(told.contains("another stream"), "{told}");
}

#[tokio::test]
async fn while_postgres_is_away_nothing_is_lost_and_then_the_rows_catch_up() {
    let mut realm = busy_day().await;
    let mut database = postgres().await.unwrap();
    let url = database.create_database("away").await.unwrap();
    let config = quick(&url);
    let running = projecting(&config, &realm.log);
    reach_heads(&config, &realm.log).await;
    let before = dump(&config).await.unwrap();
    database.kill().unwrap();
    realm
        .say(CharacterId(1), "is anybody writing this down?")
        .await;
    realm.ticks(3).await;
    database.restart().await.unwrap();
    reach_heads(&config, &realm.log).await;
    assert!(!running.is_finished());
    let after = dump(&config).await.unwrap();
    assert_eq!(after.table("chat").len(), before.table("chat").len() + 1);
    let found = check(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    running.abort();
}
