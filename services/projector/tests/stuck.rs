//! A projection that hangs is noticed, and begins anew by itself.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;
mod wire;

use projector::check;
use runtime::{Shutdown, Span};
use sample::busy_day;
use schemas::CharacterId;
use sqlx::{Connection, Row};
use support::{connect, past, projecting, quick, reach_heads};
use wire::Wire;

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for_for_ever() {
    let mut realm = busy_day().await;
    let database = devstack::test::database().await.unwrap();
    let wire = Wire::to(database.url()).await;
    let config = quick(database.url());
    let mut through = quick(wire.url());
    through.stuck_after = Span::from_secs(3);
    let running = projecting(&through, &realm.log);
    reach_heads(&config, &realm.log).await;

    // Its next statement has to wait for us …
    let mut holder = connect(&config).await;
    let mut holding = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM checkpoints WHERE projection = 'areas' FOR UPDATE")
        .execute(&mut *holding)
        .await
        .unwrap();
    realm
        .say(CharacterId(1), "does anybody write this down?")
        .await;
    realm.ticks(3).await;
    let mut looking = connect(&config).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'worldline-projector' AND wait_event_type = 'Lock'";
    loop {
        let row = sqlx::query(waiting).fetch_one(&mut looking).await.unwrap();
        if row.get::<i64, _>(0) > 0 {
            break;
        }
    }
    // … and now the answer is lost on the way: no error, no end of the connection, nothing.
    wire.deafen();
    holding.rollback().await.unwrap();

    reach_heads(&config, &realm.log).await;
    assert!(!running.is_finished());
    let found = check(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    running.abort();
}
