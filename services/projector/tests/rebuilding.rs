//! Rows folded anew while the former ones are served, switched to, and taken back.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use projector::{
    Config, Name, ProjectError, Rebuild, catch_up, check, dump, rebuild, rollback, status,
};
use runtime::Shutdown;
use sample::busy_day;
use schemas::CharacterId;
use sqlx::{AssertSqlSafe, Row};
use support::{config, connect, past, projecting, reach_heads};

const ANN: CharacterId = CharacterId(1);

fn only(names: impl IntoIterator<Item = Name>) -> Rebuild {
    Rebuild {
        names: names.into_iter().collect::<BTreeSet<_>>(),
        ..Rebuild::default()
    }
}

async fn execute(config: &Config, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connect(config).await)
        .await
        .unwrap();
}

/// Somebody has meddled with what two projections say of Ann.
async fn meddle(config: &Config) {
    let meddling = format!("UPDATE characters SET x = x + 1, level = 99 WHERE character = '{ANN}'");
    execute(config, &meddling).await;
}

async fn schemas_there(config: &Config) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT nspname FROM pg_namespace
         WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY nspname",
    )
    .fetch_all(&mut connect(config).await)
    .await
    .unwrap()
}

#[tokio::test]
async fn one_projection_is_folded_anew_and_the_others_stay_as_they_are() {
    let realm = busy_day().await;
    let config = config().await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    catch_up(&config, &past, &shutdown).await.unwrap();
    let right = dump(&config).await.unwrap();
    meddle(&config).await;
    let done = rebuild(&config, &past, &only([Name::Areas]), &shutdown, |_| {})
        .await
        .unwrap();
    assert_eq!(done.kept.as_deref(), Some("public_old"));
    let left = right.differences(&dump(&config).await.unwrap());
    assert_eq!(left.len(), 2, "{left:#?}");
    assert!(left[1].contains("\"level\": 99"), "{left:#?}");
    rebuild(&config, &past, &only([Name::Lobby]), &shutdown, |_| {})
        .await
        .unwrap();
    let left = right.differences(&dump(&config).await.unwrap());
    assert_eq!(left, Vec::<String>::new());
    // Control's columns stand in the same table as the areas'.
    rebuild(&config, &past, &only([Name::Control]), &shutdown, |_| {})
        .await
        .unwrap();
    let found = check(&config, &past, &shutdown).await.unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
}

#[tokio::test]
async fn readers_never_see_rows_go_back_while_everything_runs() {
    let mut realm = busy_day().await;
    let config = config().await;
    let running = projecting(&config, &realm.log);
    reach_heads(&config, &realm.log).await;
    let done = Arc::new(AtomicBool::new(false));
    let looking = tokio::spawn({
        let (config, done) = (config.clone(), Arc::clone(&done));
        async move {
            let mut db = connect(&config).await;
            let (mut last, mut looks) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                let now: i64 = sqlx::query(
                    "SELECT sequence FROM checkpoints WHERE projection = 'areas' AND EXISTS (SELECT FROM chat)",
                )
                .fetch_one(&mut db)
                .await
                .unwrap()
                .get(0);
                assert!(now >= last, "from {last} back to {now}");
                last = now;
                looks += 1;
            }
            looks
        }
    });
    let folding = tokio::spawn({
        let (config, past) = (config.clone(), past(&realm.log));
        async move {
            let shutdown = Shutdown::new();
            for _ in 0..3 {
                rebuild(&config, &past, &Rebuild::default(), &shutdown, |_| {})
                    .await
                    .unwrap();
            }
            rollback(&config, &past, false, &shutdown, |_| {})
                .await
                .unwrap();
        }
    });
    while !folding.is_finished() {
        realm.say(ANN, "on and on").await;
        realm.tick().await;
        tokio::task::yield_now().await;
    }
    folding.await.unwrap();
    reach_heads(&config, &realm.log).await;
    done.store(true, Ordering::Relaxed);
    assert!(looking.await.unwrap() > 10);
    assert!(!running.is_finished(), "it has gone on in the new rows");
    let found = check(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    let standings = status(&config, &past(&realm.log)).await.unwrap();
    assert!(standings.iter().all(|one| one.behind_messages == 0));
    assert!(
        standings.iter().all(|one| one.generation == 4),
        "{standings:?}"
    );
    running.abort();
}

#[tokio::test]
async fn a_rebuild_is_taken_back_and_that_too() {
    let mut realm = busy_day().await;
    let config = config().await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    let nothing = rollback(&config, &past, false, &shutdown, |_| {}).await;
    assert!(
        matches!(nothing, Err(ProjectError::NothingKept(ref old)) if old == "public_old"),
        "{nothing:?}"
    );
    catch_up(&config, &past, &shutdown).await.unwrap();
    meddle(&config).await;
    let meddled = dump(&config).await.unwrap();
    rebuild(&config, &past, &Rebuild::default(), &shutdown, |_| {})
        .await
        .unwrap();
    let right = dump(&config).await.unwrap();
    assert_eq!(meddled.differences(&right).len(), 2);

    // At once: as they were when they were replaced, although the log has gone on.
    realm.say(ANN, "after the switch").await;
    realm.tick().await;
    rollback(&config, &past, true, &shutdown, |_| {})
        .await
        .unwrap();
    let now = dump(&config).await.unwrap();
    assert_eq!(meddled.differences(&now), Vec::<String>::new());

    // Brought up to date first: what was said since is in them.
    rollback(&config, &past, false, &shutdown, |_| {})
        .await
        .unwrap();
    assert_eq!(dump(&config).await.unwrap().table("chat").len(), 3);
    let found = check(&config, &past, &shutdown).await.unwrap();
    assert_eq!(found.differences, Vec::<String>::new());

    let dropping = Rebuild {
        drop_old: true,
        ..Rebuild::default()
    };
    let done = rebuild(&config, &past, &dropping, &shutdown, |_| {})
        .await
        .unwrap();
    assert_eq!(done.kept, None);
    assert_eq!(schemas_there(&config).await, ["analytics", "public"]);
}

#[tokio::test]
async fn an_interrupted_rebuild_goes_on_where_it_stopped() {
    let realm = busy_day().await;
    let mut config = config().await;
    let past = past(&realm.log);
    catch_up(&config, &past, &Shutdown::new()).await.unwrap();
    let right = dump(&config).await.unwrap();
    config.batch = 1;
    let interrupt = Shutdown::new();
    let folding = tokio::spawn({
        let (config, past, interrupt) = (config.clone(), past.clone(), interrupt.clone());
        async move { rebuild(&config, &past, &Rebuild::default(), &interrupt, |_| {}).await }
    });
    let mut db = connect(&config).await;
    let far = "SELECT sequence FROM public_rebuild.checkpoints WHERE projection = 'areas'";
    while !folding.is_finished() {
        let at: Option<i64> = sqlx::query_scalar(far)
            .fetch_optional(&mut db)
            .await
            .unwrap_or_default();
        if at.unwrap_or(0) >= 5 {
            interrupt.begin();
        }
    }
    let ended = folding.await.unwrap();
    assert!(matches!(ended, Err(ProjectError::Interrupted)), "{ended:?}");
    let now = dump(&config).await.unwrap();
    assert_eq!(right.differences(&now), Vec::<String>::new(), "untouched");

    // Of something else it is of no use.
    let shutdown = Shutdown::new();
    let other = only([Name::Control]);
    shutdown.begin();
    let ended = rebuild(&config, &past, &other, &shutdown, |_| {}).await;
    assert!(matches!(ended, Err(ProjectError::Interrupted)), "{ended:?}");
    let shutdown = Shutdown::new();
    let done = rebuild(&config, &past, &other, &shutdown, |_| {})
        .await
        .unwrap();
    assert!(done.resumed);
    let done = rebuild(&config, &past, &Rebuild::default(), &shutdown, |_| {})
        .await
        .unwrap();
    assert!(!done.resumed);
    let now = dump(&config).await.unwrap();
    assert_eq!(right.differences(&now), Vec::<String>::new());
}

#[tokio::test]
async fn only_one_changes_rows_at_a_time() {
    let realm = busy_day().await;
    let config = config().await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    catch_up(&config, &past, &shutdown).await.unwrap();
    let mut other = connect(&config).await;
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('worldline projector public', 0))")
        .execute(&mut other)
        .await
        .unwrap();
    let refused = rebuild(&config, &past, &Rebuild::default(), &shutdown, |_| {}).await;
    assert!(matches!(refused, Err(ProjectError::Busy(_))), "{refused:?}");
}
