//! The rows of people: accounts, logins, what happened that should not, and who has played.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;

use projector::{
    Config, GiveUp, Name, ProjectError, Rebuild, catch_up, check, dump, give_up, parked, rebuild,
    rollback,
};
use runtime::Shutdown;
use sample::people::{CLEO, CREDENTIAL, HERO, NOBODYS, SAFE, STOLEN, live};
use sample::{Realm, busy_day};
use schemas::lobby::Ranking;
use schemas::subjects::{Domain, keyed_events};
use sqlx::Row;
use support::{config, connect, past, projecting, reach_heads};

/// A day with people behind its players.
async fn peopled_day() -> Realm {
    let mut realm = busy_day().await;
    realm.take_over("harbor-1", "w3").await;
    live(&mut realm).await;
    realm
}

/// Her tables, and which of their columns holds whose key.
const HERS: [(&str, &str); 5] = [
    ("accounts", "account"),
    ("login_sessions", "account"),
    ("security_events", "account"),
    ("credentials", "credential"),
    ("sessions", "character"),
];

/// In which tables of `schema` there are still rows of Cleo's.
async fn tables_with_cleo(config: &Config, schema: &str) -> Vec<&'static str> {
    let mut db = connect(config).await;
    let mut found = Vec::new();
    for (table, column) in HERS {
        let key = match column {
            "account" => CLEO.to_string(),
            "credential" => CREDENTIAL.to_string(),
            _ => HERO.to_string(),
        };
        let asked = format!("SELECT count(*) FROM {schema}.{table} WHERE {column} = $1");
        let asked = sqlx::query(sqlx::AssertSqlSafe(asked)).bind(key);
        let rows: i64 = asked.fetch_one(&mut db).await.unwrap().get(0);
        if rows > 0 {
            found.push(table);
        }
    }
    found
}

#[tokio::test]
async fn any_batch_size_gives_the_same_rows_and_so_does_a_fold_from_zero() {
    let realm = peopled_day().await;
    let mut dumps = Vec::new();
    for batch in [1, 3, 5000] {
        let mut config = config().await;
        config.batch = batch;
        let shutdown = Shutdown::new();
        catch_up(&config, &past(&realm.log), &shutdown)
            .await
            .unwrap();
        let found = check(&config, &past(&realm.log), &shutdown).await.unwrap();
        assert_eq!(found.differences, Vec::<String>::new());
        dumps.push(dump(&config).await.unwrap());
    }
    for table in ["login_sessions", "security_events", "credentials"] {
        assert!(!dumps[0].table(table).is_empty(), "{table}");
    }
    for other in &dumps[1..] {
        assert_eq!(dumps[0].differences(other), Vec::<String>::new());
    }
}

#[tokio::test]
async fn of_who_is_erased_only_that_is_left_and_on_whose_order() {
    let mut realm = peopled_day().await;
    let shutdown = Shutdown::new();
    let mut before = config().await;
    before.batch = 3;
    catch_up(&before, &past(&realm.log), &shutdown)
        .await
        .unwrap();
    sample::people::erased(&mut realm).await;
    let at_once = config().await;
    let mut dumps = Vec::new();
    for config in [&before, &at_once] {
        catch_up(config, &past(&realm.log), &shutdown)
            .await
            .unwrap();
        let found = check(config, &past(&realm.log), &shutdown).await.unwrap();
        assert_eq!(found.differences, Vec::<String>::new());
        dumps.push(dump(config).await.unwrap());
        assert_eq!(tables_with_cleo(config, "public").await, [""; 0]);
        let mut db = connect(config).await;
        let left = sqlx::query("SELECT ordered_by, reason FROM erasures WHERE account = $1")
            .bind(CLEO.to_string())
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert_eq!(
            (left.get::<String, _>(0), left.get::<String, _>(1)),
            ("kim".to_owned(), "request 81".to_owned())
        );
        let hero = sqlx::query("SELECT name_bytes, erased FROM characters WHERE character = $1")
            .bind(HERO.to_string())
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert!(hero.get::<Vec<u8>, _>(0).is_empty() && hero.get::<bool, _>(1));
    }
    // Whether the rows had been there before or not.
    assert_eq!(dumps[0].differences(&dumps[1]), Vec::<String>::new());
}

/// Writes nonsense where Cleo's events are, and has all that comes after it given up: before or after she is erased.
async fn erased_although_given_up(erased_first: bool) -> (Realm, Config) {
    let mut realm = peopled_day().await;
    let keys = [
        (Name::Accounts, Domain::Identity, CLEO.to_string()),
        (
            Name::Credentials,
            Domain::Credential,
            CREDENTIAL.to_string(),
        ),
        (Name::Lobby, Domain::Lobby, HERO.to_string()),
    ];
    let keys = keys.map(|(projection, domain, key)| (projection, keyed_events(domain, &key)));
    for (_, key) in &keys {
        realm.append(key, b"nonsense".to_vec()).await;
    }
    let (config, shutdown) = (config().await, Shutdown::new());
    let past = past(&realm.log);
    if erased_first {
        sample::people::erased(&mut realm).await;
    }
    catch_up(&config, &past, &shutdown).await.unwrap();
    assert_eq!(parked(&config).await.unwrap().len(), 3);
    assert_eq!(
        tables_with_cleo(&config, "public").await,
        HERS.map(|(table, _)| table)
    );
    for (projection, key) in keys {
        let what = GiveUp {
            projection,
            key,
            and_behind: true,
            reason: "nothing can be read in it".into(),
            actor: "an operator".into(),
        };
        give_up(&config, &past, &what, &shutdown).await.unwrap();
    }
    if !erased_first {
        sample::people::erased(&mut realm).await;
        catch_up(&config, &past, &shutdown).await.unwrap();
    }
    assert_eq!(parked(&config).await.unwrap(), []);
    (realm, config)
}

#[tokio::test]
async fn who_is_erased_is_forgotten_also_where_their_events_were_given_up() {
    for erased_first in [true, false] {
        let (realm, config) = erased_although_given_up(erased_first).await;
        assert_eq!(tables_with_cleo(&config, "public").await, [""; 0]);
        let mut db = connect(&config).await;
        let hero: (Vec<u8>, bool) =
            sqlx::query_as("SELECT name_bytes, erased FROM characters WHERE character = $1")
                .bind(HERO.to_string())
                .fetch_one(&mut db)
                .await
                .unwrap();
        assert_eq!(hero, (Vec::new(), true));
        let ordered: i64 = sqlx::query_scalar("SELECT count(*) FROM erasures")
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert_eq!(ordered, 1);
        // And so it is after a rebuild.
        let found = check(&config, &past(&realm.log), &Shutdown::new())
            .await
            .unwrap();
        assert_eq!(found.differences, Vec::<String>::new());
    }
}

/// What the lobby's columns say of Cleo's character in `schema`.
async fn lobby_of_hero(config: &Config, schema: &str) -> String {
    let asked = format!(
        "SELECT jsonb_build_array(account, name_bytes, session, login, last_seen_area, lobby_sequence)::TEXT
         FROM {schema}.characters WHERE character = $1"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(asked))
        .bind(HERO.to_string())
        .fetch_one(&mut connect(config).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn who_is_erased_is_forgotten_in_the_rows_beside_those_that_are_served_too() {
    let mut realm = peopled_day().await;
    let (config, shutdown) = (config().await, Shutdown::new());
    let past = past(&realm.log);
    catch_up(&config, &past, &shutdown).await.unwrap();
    rebuild(&config, &past, &Rebuild::default(), &shutdown, |_| {})
        .await
        .unwrap();
    // A rebuild of one projection, interrupted when it had copied the rows of the others.
    let one = Rebuild {
        names: [Name::Control].into(),
        ..Rebuild::default()
    };
    let interrupted = Shutdown::new();
    interrupted.begin();
    let ended = rebuild(&config, &past, &one, &interrupted, |_| {}).await;
    assert!(matches!(ended, Err(ProjectError::Interrupted)), "{ended:?}");
    // A check that was killed when it had folded everything.
    catch_up(&config.with_schema("public_check"), &past, &shutdown)
        .await
        .unwrap();
    let all = HERS.map(|(table, _)| table);
    for schema in ["public", "public_old", "public_rebuild", "public_check"] {
        assert_eq!(tables_with_cleo(&config, schema).await, all, "{schema}");
    }

    sample::people::erased(&mut realm).await;
    catch_up(&config, &past, &shutdown).await.unwrap();
    for schema in ["public", "public_old", "public_rebuild"] {
        assert_eq!(tables_with_cleo(&config, schema).await, [""; 0], "{schema}");
    }
    let nothing = "[null, null, null, null, null, null]";
    for schema in ["public_old", "public_rebuild"] {
        assert_eq!(lobby_of_hero(&config, schema).await, nothing, "{schema}");
    }
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'public\\_check%'",
    )
    .fetch_one(&mut connect(&config).await)
    .await
    .unwrap();
    assert_eq!(left, 0, "what the check has left is gone");

    // The rows beside come to the same when they are taken.
    rollback(&config, &past, false, &shutdown, |_| {})
        .await
        .unwrap();
    let found = check(&config, &past, &shutdown).await.unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    let done = rebuild(&config, &past, &one, &shutdown, |_| {})
        .await
        .unwrap();
    assert!(done.resumed);
    let found = check(&config, &past, &shutdown).await.unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
}

#[tokio::test]
async fn the_rows_of_a_check_at_work_are_left_to_it() {
    let mut realm = peopled_day().await;
    let (config, shutdown) = (config().await, Shutdown::new());
    let past = past(&realm.log);
    let checked = config.with_schema("public_check");
    for config in [&config, &checked] {
        catch_up(config, &past, &shutdown).await.unwrap();
    }
    let mut checking = connect(&config).await;
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('worldline projector check public', 0))")
        .execute(&mut checking)
        .await
        .unwrap();
    sample::people::erased(&mut realm).await;
    catch_up(&config, &past, &shutdown).await.unwrap();
    assert_eq!(tables_with_cleo(&config, "public").await, [""; 0]);
    let all = HERS.map(|(table, _)| table);
    assert_eq!(tables_with_cleo(&config, "public_check").await, all);
}

#[tokio::test]
async fn rows_say_who_is_logged_in_where_and_hold_no_secret() {
    let realm = peopled_day().await;
    let config = config().await;
    catch_up(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    let mut db = connect(&config).await;
    let account = sqlx::query(
        "SELECT methods, sessions, characters, logins FROM accounts WHERE account = $1",
    )
    .bind(CLEO.to_string())
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert_eq!(account.get::<Vec<String>, _>(0), ["password"]);
    assert_eq!(
        (account.get(1), account.get(2), account.get(3)),
        (1_i32, 1_i32, 2_i64)
    );

    let logins = sqlx::query(
        "SELECT login, generation, end_reason FROM login_sessions WHERE account = $1 ORDER BY login",
    )
    .bind(CLEO.to_string())
    .fetch_all(&mut db)
    .await
    .unwrap();
    let logins: Vec<(String, i64, Option<String>)> = logins
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    assert_eq!(
        logins,
        [
            (STOLEN.to_string(), 2, Some("reused".into())),
            (SAFE.to_string(), 1, None)
        ]
    );

    let noticed: Vec<String> = sqlx::query_scalar("SELECT what FROM security_events")
        .fetch_all(&mut db)
        .await
        .unwrap();
    assert_eq!(noticed, ["refresh_reused"]);

    let tried =
        sqlx::query("SELECT credential, account, failures FROM credentials ORDER BY credential")
            .fetch_all(&mut db)
            .await
            .unwrap();
    let tried: Vec<(String, Option<String>, i64)> = tried
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    assert_eq!(
        tried,
        [
            (CREDENTIAL.to_string(), Some(CLEO.to_string()), 0),
            (NOBODYS.to_string(), None, 2)
        ]
    );
    let all = dump(&config).await.unwrap().to_string();
    let hash: String = b"not to be shown"
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert!(!all.contains("not to be shown") && !all.contains(&hash));
}

#[tokio::test]
async fn rows_say_who_plays_who_is_deleted_and_who_has_played_longest() {
    let realm = peopled_day().await;
    let config = config().await;
    let running = projecting(&config, &realm.log);
    reach_heads(&config, &realm.log).await;
    let mut db = connect(&config).await;
    let hero = sqlx::query(
        "SELECT deleted_until IS NOT NULL, played_ms, level, place FROM characters WHERE character = $1",
    )
    .bind(HERO.to_string())
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert!(hero.get::<bool, _>(0), "deleted");
    assert_eq!(hero.get::<&str, _>(3), "lobby", "and it has left the world");
    assert_eq!(hero.get::<i64, _>(2), 1);

    let online = sqlx::query("SELECT character, account, area, edge FROM online")
        .fetch_all(&mut db)
        .await
        .unwrap();
    assert_eq!(online.len(), 1, "Ann alone plays on");
    assert_eq!(online[0].get::<&str, _>("area"), "forest-1");
    assert_eq!(
        online[0].get::<&str, _>("account"),
        schemas::AccountId(1000).to_string()
    );

    // The bucket says what the rows say, as soon as the projector has looked.
    let ranked: Vec<(String, i64)> =
        sqlx::query("SELECT character, played_ms FROM ranking ORDER BY rank, character")
            .fetch_all(&mut db)
            .await
            .unwrap()
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
    assert!(!ranked.is_empty());
    let bucket = realm.log.bucket(Ranking::BUCKET).await.unwrap();
    let mut told = bucket.watch().await.unwrap();
    let told = async {
        loop {
            let entry = told.next().await.unwrap();
            let value = entry.value.expect("a ranking");
            let ranking: Ranking = schemas::decode(&value).unwrap();
            let characters = ranking.characters.into_iter();
            let told: Vec<_> = characters
                .map(|(who, played)| (who.to_string(), i64::try_from(played).unwrap()))
                .collect();
            if told == ranked {
                return;
            }
        }
    };
    let soon = std::time::Duration::from_secs(60);
    tokio::time::timeout(soon, told).await.expect("the ranking");
    running.abort();
}
