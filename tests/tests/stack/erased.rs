//! A person is erased while they play: whoever has every right and every key can read nothing of them any
//! more, the log is whole as before, and a backup from before brings nobody back unnoticed.

use std::path::Path;

use anyhow::Context;
use bots::Address;
use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};
use worldline_tests::checks::log_is_whole_so_far;
use worldline_tests::{Account, Stack};

use crate::backup::{restore, take, worldline};
use crate::stack;
use crate::up::Up;

const LOGIN: &str = "ann@example.org";
const PASSWORD: &str = "correct horse battery staple";
const NAME: &str = "Annabella";
const SAID: &str = "meet me at the windmill";
const ANSWERED: &str = "the windmill is closed";

/// All that a reader with the realm's keys is told of the past.
async fn told(stack: &Stack) -> anyhow::Result<String> {
    stack.tool(&["replay", "tail", "--once", "--all"]).await
}

/// How many rows there are of it.
async fn rows(db: &mut PgConnection, table: &str, column: &str, of: &str) -> anyhow::Result<i64> {
    let asked = format!("SELECT count(*) FROM {table} WHERE {column} = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(asked)).bind(of);
    Ok(row.fetch_one(db).await?.get(0))
}

/// Waits until the projector has folded the erasure.
async fn folded(db: &mut PgConnection, account: &str) -> anyhow::Result<()> {
    let done = async {
        while rows(db, "erasures", "account", account).await? == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    let patience = std::time::Duration::from_secs(40);
    tokio::time::timeout(patience, done)
        .await
        .context("the projector folds it")?
}

fn copy_keys(stack: &Stack, to: &Path) -> anyhow::Result<()> {
    for file in ["keys.toml", "erasures.ndjson"] {
        std::fs::copy(stack.data_dir().join(file), to.join(file)).context(file)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_read_anything_of_who_was_erased() -> anyhow::Result<()> {
    let room = tempfile::Builder::new()
        .prefix("worldline-erased-")
        .tempdir()?;
    std::fs::set_permissions(
        room.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )?;
    let stack = stack(&["w1"]).await?;
    let edge = stack.edge("edge-1").clone();
    let ann = Account::register(&edge, LOGIN, PASSWORD).await?;
    let character = ann.create_character(NAME).await?;
    let mut player = ann.player(&edge, &character);
    player.enter().await?;
    let mut ben = stack.player("Bennet").await?;
    player.say(SAID)?;
    ben.until("it is heard", |view| {
        view.heard.contains(&(NAME.to_owned(), SAID.to_owned()))
    })
    .await?;
    let answer = ben.say(ANSWERED)?;
    ben.outcome(answer).await?;
    let before = told(&stack).await?;
    for text in [NAME, SAID, ANSWERED] {
        assert!(before.contains(text), "{text} can be read: {before}");
    }
    let (backup, _) = take(&stack, &room.path().join("backups")).await?;
    // Somebody whom the backup does not know is the first on the list.
    let pia = Account::register(&edge, "pia@example.org", PASSWORD).await?;
    let pia = pia.tokens.account;
    stack
        .tool(&["player", "erase", &pia, "--reason", "request 80"])
        .await?;

    let erase = |extra: &'static [&'static str]| {
        let arguments = ["player", "erase", &character, "--by", "kim"];
        let arguments: Vec<String> = arguments
            .iter()
            .chain(extra)
            .map(ToString::to_string)
            .collect();
        let stack = &stack;
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            stack.tool(&arguments).await
        }
    };
    let named = erase(&["--reason", "annabella wants it"]).await;
    assert!(format!("{:#}", named.unwrap_err()).contains("names the person"));
    let looked = erase(&["--reason", "request 81", "--dry-run"]).await?;
    assert!(looked.contains("would be erased: a credential"), "{looked}");
    let erased = erase(&["--reason", "request 81", "--json"]).await?;
    let erased: Value = serde_json::from_str(&erased)?;
    assert_eq!(erased["left"], serde_json::json!([]), "{erased}");
    let account = erased["account"].as_str().context("whose")?.to_owned();
    player
        .until("she is sent away", |view| view.closed.is_some())
        .await?;

    let after = told(&stack).await?;
    assert!(after.contains(ANSWERED), "others' words are theirs");
    for text in [NAME, SAID, LOGIN] {
        assert!(!after.contains(text), "{text} can still be read: {after}");
    }
    assert!(
        after.contains("request 81") || after.contains("erased"),
        "{after}"
    );
    assert!(Account::log_in(&edge, LOGIN, PASSWORD).await.is_err());
    // Not a byte of the log has changed.
    log_is_whole_so_far(&stack).await?;
    let mut db = PgConnection::connect(stack.database_url()).await?;
    folded(&mut db, &account).await?;
    for table in [
        "accounts",
        "login_sessions",
        "security_events",
        "credentials",
    ] {
        assert_eq!(
            rows(&mut db, table, "account", &account).await?,
            0,
            "{table}"
        );
    }
    let again = erase(&["--reason", "request 81"]).await?;
    assert!(
        !again.contains("LEFT"),
        "the same again is no error: {again}"
    );
    // The names are free.
    let other = Account::register(&edge, LOGIN, PASSWORD).await?;
    other.create_character(NAME).await?;
    stack.is_well();

    let lived = room.path().join("lived");
    std::fs::create_dir(&lived)?;
    copy_keys(&stack, &lived)?;
    drop((player, ben, stack));
    let list = lived.join("erasures.ndjson");
    let whole = std::fs::read_to_string(&list)?;
    std::fs::write(&list, format!("{whole}{{}}\n"))?;
    let (done, _, why) = restore(&lived, &backup).await?;
    assert!(!done && why.contains("line 3 of"), "{why}");
    // Nothing was restored that could be read, and nothing is in the way.
    std::fs::write(&list, whole)?;
    let (done, restored, why) = restore(&lived, &backup).await?;
    assert!(done, "{restored}{why}");
    let restored: Value = serde_json::from_str(&restored)?;
    let said = restored["erased"].as_str().context("of the erased")?;
    assert!(said.contains("destroyed again: 1"), "{said}");
    let up = Up::start(&lived).await?;
    let (_, told, why) = worldline(&lived, &["replay", "tail", "--once", "--all"]).await?;
    assert!(told.contains(ANSWERED), "{why}");
    assert!(!told.contains(SAID) && !told.contains(NAME), "{told}");
    let edge = Address::parse(&up.url)?;
    assert!(
        Account::log_in(&edge, LOGIN, PASSWORD).await.is_ok(),
        "what lets her in came back, until it is erased again"
    );
    let (done, said, why) = worldline(&lived, &["player", "erase", "--again"]).await?;
    assert!(done && said.contains("not in this world"), "{said}{why}");
    assert!(said.contains("erased: a credential"), "{said}{why}");
    assert!(Account::log_in(&edge, LOGIN, PASSWORD).await.is_err());
    let (clean, said, why) = worldline(&lived, &["replay", "verify"]).await?;
    assert!(clean, "{said}{why}");
    up.stop().await
}
