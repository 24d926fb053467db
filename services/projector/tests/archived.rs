//! Rows of events that the broker does not hold any more: they are folded from the archive.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;

use archiver::{Archiver, Extent};
use eventlog::EventLog;
use past::{Archive, Location, Past};
use projector::{
    Name, ProjectError, Rebuild, catch_up, check, dump, parked, rebuild, retry, show_parked,
};
use runtime::Shutdown;
use sample::busy_day;
use schemas::CharacterId;
use schemas::subjects::AREA_EVENTS;
use support::{config, connect};
use tempfile::TempDir;

const HARBOR: &str = "evt.area.harbor-1";

/// Archives all there is and purges it from the broker, but for the newest frame of each area.
async fn archive(log: &EventLog) -> (TempDir, Past) {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::Directory(directory.path().to_path_buf());
    let archive = Archive::create(&location).unwrap();
    let settings = archiver::Config::default();
    let mut archiver = Archiver::new(log.clone(), archive.clone(), settings);
    let round = archiver.round(Extent::All, &Shutdown::new()).await;
    assert!(round.failed.is_empty(), "{:?}", round.failed);
    let head = log.stream_info(AREA_EVENTS).await.unwrap().last;
    for (subject, _) in log.subjects(AREA_EVENTS, "evt.area.>").await.unwrap() {
        log.purge(AREA_EVENTS, &subject, head).await.unwrap();
    }
    let info = log.stream_info(AREA_EVENTS).await.unwrap();
    assert_eq!(info.messages, 2, "one for each area");
    (directory, Past::joined(log.clone(), archive))
}

#[tokio::test]
async fn who_was_away_reads_on_in_the_archive_and_a_rebuild_begins_there() {
    let mut realm = busy_day().await;
    let (config, shutdown) = (config().await, Shutdown::new());
    let live = Past::of_log(realm.log.clone());
    catch_up(&config, &live, &shutdown).await.unwrap();
    realm.say(CharacterId(1), "nobody writes this down").await;
    realm.ticks(3).await;
    let (_directory, joined) = archive(&realm.log).await;

    let refused = catch_up(&config, &live, &shutdown).await;
    assert!(
        matches!(refused, Err(ProjectError::Purged { .. })),
        "{refused:?}"
    );
    catch_up(&config, &joined, &shutdown).await.unwrap();
    let rows = dump(&config).await.unwrap();
    assert_eq!(rows.table("chat").len(), 3);

    let found = check(&config, &joined, &shutdown).await.unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    rebuild(&config, &joined, &Rebuild::default(), &shutdown, |_| {})
        .await
        .unwrap();
    let now = dump(&config).await.unwrap();
    assert_eq!(rows.differences(&now), Vec::<String>::new());
    // And on with what is written after the border.
    realm.say(CharacterId(1), "and on").await;
    realm.tick().await;
    catch_up(&config, &joined, &shutdown).await.unwrap();
    assert_eq!(dump(&config).await.unwrap().table("chat").len(), 4);
}

#[tokio::test]
async fn what_is_parked_is_retried_from_the_archive() {
    let realm = busy_day().await;
    let (config, shutdown) = (config().await, Shutdown::new());
    projector::migrate(&config).await.unwrap();
    let refuse = "ALTER TABLE chat ADD CONSTRAINT quiet CHECK (area <> 'harbor-1')";
    let mut db = connect(&config).await;
    sqlx::query(refuse).execute(&mut db).await.unwrap();
    let live = Past::of_log(realm.log.clone());
    catch_up(&config, &live, &shutdown).await.unwrap();
    assert_eq!(parked(&config).await.unwrap().len(), 1);
    let accept = "ALTER TABLE chat DROP CONSTRAINT quiet";
    sqlx::query(accept).execute(&mut db).await.unwrap();
    let (_directory, joined) = archive(&realm.log).await;

    let shown = show_parked(&config, &live, Name::Areas, HARBOR).await;
    assert!(
        matches!(shown, Err(ProjectError::NotThere { .. })),
        "{shown:?}"
    );
    let (_, events) = show_parked(&config, &joined, Name::Areas, HARBOR)
        .await
        .unwrap();
    assert!(events[0].says.is_some());
    let done = retry(&config, &joined, Name::Areas, HARBOR, &shutdown)
        .await
        .unwrap();
    assert_eq!(done.still, None);
    let found = check(&config, &joined, &shutdown).await.unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
}
