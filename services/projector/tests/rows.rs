//! The rows of a small realm: right, the same in batches of any size, and after any interruption.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;

use projector::{Rebuild, catch_up, check, dump, rebuild};
use runtime::Shutdown;
use sample::{area_id, busy_day};
use schemas::segment::{Mode, Segment};
use schemas::subjects::area_events;
use schemas::{CharacterId, Step};
use sqlx::Row;
use support::{config, connect, past, projecting, reach_heads, until_areas_at};

#[tokio::test]
async fn any_batch_size_gives_the_same_rows() {
    let realm = busy_day().await;
    let mut dumps = Vec::new();
    for batch in [1, 7, 5000] {
        let mut config = config().await;
        config.batch = batch;
        catch_up(&config, &past(&realm.log), &Shutdown::new())
            .await
            .unwrap();
        dumps.push(dump(&config).await.unwrap());
    }
    assert!(dumps[0].rows() > 10, "{}", dumps[0]);
    for other in &dumps[1..] {
        assert_eq!(dumps[0].differences(other), Vec::<String>::new());
    }
}

#[tokio::test]
async fn rows_say_where_everybody_is_and_what_was_said() {
    let realm = busy_day().await;
    let config = config().await;
    catch_up(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    let mut db = connect(&config).await;

    let ann = CharacterId(1).to_string();
    let row = sqlx::query("SELECT area, x, y, client_seq FROM positions WHERE character = $1")
        .bind(&ann)
        .fetch_one(&mut db)
        .await
        .unwrap();
    let state = realm.state("forest-1");
    let body = state.by_character(CharacterId(1)).unwrap();
    let (x, y) = body.position(state.step());
    assert_eq!(
        (
            row.get::<&str, _>("area"),
            row.get::<i32, _>("x"),
            row.get::<i32, _>("y")
        ),
        ("forest-1", x, y)
    );
    assert_eq!(row.get::<i64, _>("client_seq"), i64::from(body.last_seq()));

    let ben = CharacterId(2).to_string();
    let row = sqlx::query("SELECT in_world, area, place, last_seen_area, client_seq FROM characters WHERE character = $1")
        .bind(&ben)
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert!(!row.get::<bool, _>("in_world"));
    assert_eq!(row.get::<&str, _>("area"), "harbor-1");
    assert_eq!(row.get::<&str, _>("place"), "lobby");
    assert_eq!(row.get::<&str, _>("last_seen_area"), "harbor-1");
    assert_eq!(row.get::<i64, _>("client_seq"), 3);

    let sessions = sqlx::query(
        "SELECT session, end_reason FROM sessions WHERE character = $1 ORDER BY session",
    )
    .bind(&ben)
    .fetch_all(&mut db)
    .await
    .unwrap();
    let ends: Vec<(i64, Option<&str>)> = sessions
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    assert_eq!(ends, [(1, Some("superseded")), (2, Some("logout"))]);

    let areas = sqlx::query("SELECT area, owner, epoch, state, players FROM areas ORDER BY area")
        .fetch_all(&mut db)
        .await
        .unwrap();
    let areas: Vec<(&str, &str, i64, &str, i32)> = areas
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
        .collect();
    assert_eq!(
        areas,
        [
            ("forest-1", "w1", 1, "awake", 1),
            ("harbor-1", "w2", 2, "hibernated", 0)
        ]
    );

    let said = sqlx::query("SELECT text_key, text_nonce, text_bytes FROM chat ORDER BY sequence")
        .fetch_all(&mut db)
        .await
        .unwrap();
    let said: Vec<String> = said
        .iter()
        .map(|row| {
            let sealed = schemas::sealed::Sealed {
                key: row.get(0),
                nonce: row.get(1),
                bytes: row.get(2),
            };
            sample::realm_key().open(&sealed).unwrap()
        })
        .collect();
    assert_eq!(said, ["hello, Ben", "a forest!"]);
}

#[tokio::test]
async fn the_view_evaluates_segments_as_the_world_does() {
    let config = config().await;
    projector::migrate(&config).await.unwrap();
    let mut db = connect(&config).await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |bound: i64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap() % bound
    };
    for round in 0..300 {
        let wide = if round % 10 == 0 {
            i64::from(i32::MAX)
        } else {
            4000
        };
        let mut number = || i32::try_from(random(2 * wide) - wide).unwrap();
        let (x, vx, ax) = (number(), number(), number());
        let segment = Segment {
            from: Step(1000),
            x,
            vx,
            ax,
            mode: Mode::Air,
            until: if round % 3 == 0 {
                Segment::FOREVER
            } else {
                Step(1030)
            },
            ..Segment::default()
        };
        let at = Step(990 + u64::try_from(random(80)).unwrap());
        let until = (segment.until != Segment::FOREVER).then_some(1030_i64);
        let there: i32 = sqlx::query_scalar(
            "SELECT along($1::INT, $2::INT, $3::INT, steps_along(1000, $4, $5))",
        )
        .bind(x)
        .bind(vx)
        .bind(ax)
        .bind(until)
        .bind(i64::try_from(at.0).unwrap())
        .fetch_one(&mut db)
        .await
        .unwrap();
        assert_eq!(there, segment.position(at).0, "{segment:?} at {at}");
    }
}

#[tokio::test]
async fn a_crash_anywhere_loses_and_doubles_nothing() {
    let realm = busy_day().await;
    let mut config = config().await;
    config.batch = 2;
    config.save_every = 7;
    for sequence in [3, 17, 40, 60] {
        let running = projecting(&config, &realm.log);
        until_areas_at(&config, sequence).await;
        // Wherever it is just now: between two transactions or within one.
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
    }
    catch_up(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    let found = check(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    assert!(found.rows > 10);
}

#[tokio::test]
async fn an_event_that_cannot_be_applied_is_parked_and_the_others_go_on() {
    let mut realm = busy_day().await;
    // One that is no frame, and one whose rows Postgres will not take.
    realm.open("meadow-1", "w\0").await;
    let harbor = area_events(&area_id("harbor-1"));
    let poison = realm.append(&harbor, b"nonsense".to_vec()).await;
    realm.append(&harbor, b"more of it".to_vec()).await;
    realm.abandon("harbor-1");
    realm.say(CharacterId(1), "still here").await;
    realm.tick().await;
    let mut dumps = Vec::new();
    for batch in [1, 7, 5000] {
        let mut config = config().await;
        config.batch = batch;
        catch_up(&config, &past(&realm.log), &Shutdown::new())
            .await
            .unwrap();
        let parked: Vec<(String, i64, i64)> =
            sqlx::query("SELECT key, poison_sequence, events FROM parked_events ORDER BY key")
                .fetch_all(&mut connect(&config).await)
                .await
                .unwrap()
                .iter()
                .map(|row| (row.get(0), row.get(1), row.get(2)))
                .collect();
        assert_eq!(parked.len(), 2, "{parked:?}");
        assert_eq!(parked[0].0, "evt.area.harbor-1");
        assert_eq!(parked[0].1, i64::try_from(poison.0).unwrap());
        assert_eq!(parked[0].2, 2, "with what came behind it");
        assert_eq!(parked[1].0, "evt.area.meadow-1");
        dumps.push(dump(&config).await.unwrap());
    }
    assert_eq!(dumps[0].table("chat").len(), 3, "the other areas go on");
    for other in &dumps[1..] {
        assert_eq!(dumps[0].differences(other), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_rebuild_equals_and_a_running_projector_goes_on_in_it() {
    let mut realm = busy_day().await;
    let config = config().await;
    let running = projecting(&config, &realm.log);
    reach_heads(&config, &realm.log).await;
    let before = dump(&config).await.unwrap();
    // Somebody has meddled with a row.
    sqlx::query("UPDATE characters SET x = x + 1")
        .execute(&mut connect(&config).await)
        .await
        .unwrap();
    let found = check(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences.len(), 4, "{:#?}", found.differences);
    let (all, shutdown) = (Rebuild::default(), Shutdown::new());
    rebuild(&config, &past(&realm.log), &all, &shutdown, |_| {})
        .await
        .unwrap();
    assert_eq!(
        before.differences(&dump(&config).await.unwrap()),
        Vec::<String>::new()
    );
    realm.say(CharacterId(1), "after the switch").await;
    realm.tick().await;
    reach_heads(&config, &realm.log).await;
    assert!(
        !running.is_finished(),
        "it has taken the new rows for its own"
    );
    assert_eq!(dump(&config).await.unwrap().table("chat").len(), 3);
    let found = check(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    running.abort();
}
