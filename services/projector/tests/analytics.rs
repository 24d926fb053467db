//! The views for analysts: documented, true, and all that an analyst may see.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use projector::{ANALYST, Config, Rebuild, catch_up, rebuild, rollback};
use runtime::Shutdown;
use sample::people::live;
use sample::{Realm, busy_day};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use support::{config, connect, past};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/analytics-views.md");

async fn peopled_day() -> Realm {
    let mut realm = busy_day().await;
    realm.take_over("harbor-1", "w3").await;
    live(&mut realm).await;
    realm
}

async fn as_analyst(config: &Config) -> PgConnection {
    let url = config.postgres.expose();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, address) = rest.split_once('@').unwrap();
    PgConnection::connect(&format!("{scheme}://{ANALYST}@{address}"))
        .await
        .unwrap()
}

/// View, its comment, and its columns: name, type, comment.
type Views = BTreeMap<String, (Option<String>, Vec<(String, String, Option<String>)>)>;

async fn views(db: &mut PgConnection) -> Views {
    let rows = sqlx::query(
        "SELECT c.relname::TEXT, obj_description(c.oid, 'pg_class'), a.attname::TEXT,
                format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)
         FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE n.nspname = 'analytics'
         ORDER BY c.relname, a.attnum",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let mut views = Views::new();
    for row in rows {
        let view = views
            .entry(row.get(0))
            .or_insert_with(|| (row.get(1), Vec::new()));
        view.1.push((row.get(2), row.get(3), row.get(4)));
    }
    views
}

#[tokio::test]
async fn every_view_and_column_says_what_it_is_and_the_page_says_the_same() {
    let config = config().await;
    projector::migrate(&config).await.unwrap();
    let views = views(&mut connect(&config).await).await;
    assert!(views.len() >= 14, "{:?}", views.keys());
    let mut page = "# The views of schema `analytics`\n\n\
        Written from the views' own comments; a test keeps it so. How to get in, and what to ask:\n\
        [analytics.md](analytics.md).\n"
        .to_owned();
    for (view, (comment, columns)) in &views {
        let comment = comment
            .as_ref()
            .unwrap_or_else(|| panic!("view {view} has no comment"));
        write!(
            page,
            "\n## {view}\n\n{comment}\n\n| column | type | |\n|---|---|---|\n"
        )
        .unwrap();
        for (column, kind, comment) in columns {
            let comment = comment
                .as_ref()
                .unwrap_or_else(|| panic!("{view}.{column} has no comment"));
            writeln!(page, "| `{column}` | {kind} | {comment} |").unwrap();
        }
    }
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(DOCUMENT, &page).unwrap();
    }
    let written = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        written == page,
        "docs/analytics-views.md is not what the views say: \
         `UPDATE_CONTRACT=1 cargo test -p projector --test analytics` and commit the difference"
    );
}

#[tokio::test]
async fn an_analyst_reads_the_views_and_nothing_else_and_not_for_ever() {
    let realm = peopled_day().await;
    let config = config().await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    catch_up(&config, &past, &shutdown).await.unwrap();
    let names: Vec<String> = views(&mut connect(&config).await)
        .await
        .into_keys()
        .collect();
    // After a switch and a switch back it is another schema of the same name each time.
    for round in 0..3 {
        let mut analyst = as_analyst(&config).await;
        for view in &names {
            let all = format!("SELECT * FROM {view}");
            sqlx::query(AssertSqlSafe(all))
                .fetch_all(&mut analyst)
                .await
                .unwrap_or_else(|error| panic!("{view}: {error}"));
        }
        for denied in [
            "SELECT * FROM public.accounts",
            "SELECT * FROM public.chat",
            "SELECT * FROM public.credentials",
            "SELECT * FROM public.login_sessions",
            "CREATE TABLE analytics.mine (n INT)",
            "UPDATE analytics.logins SET method = 'none'",
            "DELETE FROM public.characters",
            "CREATE ROLE mallory",
        ] {
            let refused = sqlx::query(denied).execute(&mut analyst).await;
            let refused = refused.expect_err(denied).to_string();
            assert!(
                ["permission denied", "read-only", "cannot"]
                    .iter()
                    .any(|word| refused.contains(word)),
                "{denied}: {refused}"
            );
        }
        for (setting, value) in [
            ("statement_timeout", "30s"),
            ("default_transaction_read_only", "on"),
            ("search_path", "analytics"),
        ] {
            let now: String = sqlx::query_scalar("SELECT current_setting($1)")
                .bind(setting)
                .fetch_one(&mut analyst)
                .await
                .unwrap();
            assert_eq!(now, value, "{setting}");
        }
        analyst.close().await.unwrap();
        let switch = Rebuild::default();
        if round == 0 {
            rebuild(&config, &past, &switch, &shutdown, |_| {})
                .await
                .map(drop)
        } else {
            rollback(&config, &past, true, &shutdown, |_| {})
                .await
                .map(drop)
        }
        .unwrap();
    }
}

#[tokio::test]
async fn views_tell_what_has_happened_also_after_a_switch() {
    let realm = peopled_day().await;
    let config = config().await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    catch_up(&config, &past, &shutdown).await.unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        let mut analyst = as_analyst(&config).await;
        let funnel: Vec<(i32, i64)> =
            sqlx::query_as("SELECT step, accounts FROM funnel ORDER BY step")
                .fetch_all(&mut analyst)
                .await
                .unwrap();
        let players: Vec<(String, String)> =
            sqlx::query_as("SELECT character, status FROM players ORDER BY character")
                .fetch_all(&mut analyst)
                .await
                .unwrap();
        let ends: Vec<(Option<String>, i64)> = sqlx::query_as(
            "SELECT end_reason, sum(sessions)::BIGINT FROM session_ends_by_day GROUP BY 1 ORDER BY 1",
        )
        .fetch_all(&mut analyst)
        .await
        .unwrap();
        let speech: i64 = sqlx::query_scalar("SELECT count(*) FROM speech")
            .fetch_one(&mut analyst)
            .await
            .unwrap();
        assert_eq!(speech, 2);
        assert!(
            players.iter().any(|(_, status)| status == "playing"),
            "{players:?}"
        );
        assert!(
            players.iter().any(|(_, status)| status == "deleted"),
            "{players:?}"
        );
        assert!(
            funnel.windows(2).all(|two| two[0].1 >= two[1].1),
            "{funnel:?}"
        );
        assert!(funnel[2].1 >= 2, "Ann and Ben have played: {funnel:?}");
        assert!(ends.iter().any(|(why, _)| why.as_deref() == Some("logout")));
        told.push((funnel, players, ends));
        analyst.close().await.unwrap();
        // Somebody meddles with the rows that are replaced: nobody is to see it.
        rebuild(&config, &past, &Rebuild::default(), &shutdown, |_| {})
            .await
            .unwrap();
        sqlx::query("DELETE FROM public_old.chat")
            .execute(&mut connect(&config).await)
            .await
            .unwrap();
    }
    assert_eq!(told[0], told[1]);
}
