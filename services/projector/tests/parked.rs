//! What cannot be applied: found, shown, retried in place, given up with a reason.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;

use projector::{
    Config, GiveUp, Name, ProjectError, Retried, catch_up, check, dump, give_up, parked, retry,
    show_parked,
};
use runtime::Shutdown;
use sample::{Realm, area_id, busy_day};
use schemas::subjects::{Domain, area_events, keyed_events};
use schemas::{AccountId, CharacterId};
use sqlx::Connection;
use support::{config, connect, past, projecting, reach_heads};

const ANN: CharacterId = CharacterId(1);
const HARBOR: &str = "evt.area.harbor-1";

/// Has Postgres refuse what is said in the harbor.
async fn refuse_speech(config: &Config) {
    projector::migrate(config).await.unwrap();
    execute(
        config,
        "ALTER TABLE chat ADD CONSTRAINT quiet CHECK (area <> 'harbor-1')",
    )
    .await;
}

async fn execute(config: &Config, statement: &'static str) {
    let mut db = connect(config).await;
    sqlx::query(statement).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// The rows are those of a fold from zero, which leaves out what was given up.
async fn equal_a_fold_from_zero(config: &Config, realm: &Realm) {
    let found = check(config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    assert!(found.rows > 10);
}

#[tokio::test]
async fn what_was_refused_is_applied_in_place_while_the_projector_runs() {
    let mut realm = busy_day().await;
    // In small slices, so that a retry takes several.
    let mut config = config().await;
    config.batch = 3;
    refuse_speech(&config).await;
    let running = projecting(&config, &realm.log);
    reach_heads(&config, &realm.log).await;

    let waiting = parked(&config).await.unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let waiting = &waiting[0];
    assert_eq!((waiting.projection, &*waiting.key), (Name::Areas, HARBOR));
    assert!(waiting.reason.contains("quiet"), "{}", waiting.reason);
    assert!(waiting.events > 9, "{waiting}");

    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    let still = retry(&config, &past, Name::Areas, HARBOR, &shutdown)
        .await
        .unwrap();
    assert_eq!((still.applied, still.still.as_ref()), (0, Some(waiting)));

    execute(&config, "ALTER TABLE chat DROP CONSTRAINT quiet").await;
    let done = retry(&config, &past, Name::Areas, HARBOR, &shutdown)
        .await
        .unwrap();
    assert_eq!(done.still, None);
    assert_eq!(done.applied, waiting.events);
    assert_eq!(parked(&config).await.unwrap(), []);
    // Ann went on into the forest before the harbor's rows came: that is where she stays.
    equal_a_fold_from_zero(&config, &realm).await;

    // And the projector that ran all along has taken the key up again.
    realm.take_over("harbor-1", "w3").await;
    realm.say(ANN, "who owns the harbor now?").await;
    realm.ticks(2).await;
    reach_heads(&config, &realm.log).await;
    assert!(!running.is_finished());
    equal_a_fold_from_zero(&config, &realm).await;
    running.abort();
}

#[tokio::test]
async fn an_event_whose_rows_are_refused_is_given_up_alone() {
    let realm = busy_day().await;
    let config = config().await;
    refuse_speech(&config).await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    catch_up(&config, &past, &shutdown).await.unwrap();
    let (key, events) = show_parked(&config, &past, Name::Areas, HARBOR)
        .await
        .unwrap();
    assert_eq!(events[0].sequence, key.sequence);
    let says = events[0].says.as_ref().unwrap().to_string();
    assert!(says.contains("spoken"), "{says}");
    assert!(!says.contains("hello"), "it stays sealed: {says}");

    let what = GiveUp {
        projection: Name::Areas,
        key: HARBOR.into(),
        and_behind: false,
        reason: "nobody may speak in the harbor".into(),
        actor: "an operator".into(),
    };
    let done = give_up(&config, &past, &what, &shutdown).await.unwrap();
    assert_eq!(done.still, None);
    assert_eq!(done.applied, key.events, "the one that is left out counts");
    assert_eq!(
        dump(&config).await.unwrap().table("chat").len(),
        1,
        "the forest's"
    );
    // Nothing refuses the row there, but what was given up is left out there too.
    equal_a_fold_from_zero(&config, &realm).await;
    let recorded: (String, String, i64) =
        sqlx::query_as("SELECT reason, actor, sequence FROM dropped_events")
            .fetch_one(&mut connect(&config).await)
            .await
            .unwrap();
    assert_eq!(recorded.0, "nobody may speak in the harbor");
    assert_eq!(recorded.1, "an operator");
    assert_eq!(recorded.2, i64::try_from(key.sequence.0).unwrap());
}

#[tokio::test]
async fn a_frame_that_later_ones_build_on_is_given_up_with_all_of_them() {
    let mut realm = busy_day().await;
    let harbor = area_events(&area_id("harbor-1"));
    realm.append(&harbor, b"nonsense".to_vec()).await;
    realm.append(&harbor, b"more of it".to_vec()).await;
    realm.abandon("harbor-1");
    let config = config().await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    catch_up(&config, &past, &shutdown).await.unwrap();
    let (_, events) = show_parked(&config, &past, Name::Areas, HARBOR)
        .await
        .unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].undecodable.as_deref(), Some("nonsense"));

    let mut what = GiveUp {
        projection: Name::Areas,
        key: HARBOR.into(),
        and_behind: false,
        reason: "a test has written it".into(),
        actor: "an operator".into(),
    };
    let refused = give_up(&config, &past, &what, &shutdown).await.unwrap_err();
    assert!(
        matches!(refused, ProjectError::NeededLater { .. }),
        "{refused}"
    );
    assert_eq!(
        parked(&config).await.unwrap().len(),
        1,
        "nothing has changed"
    );

    what.and_behind = true;
    give_up(&config, &past, &what, &shutdown).await.unwrap();
    assert_eq!(parked(&config).await.unwrap(), []);
    realm.append(&harbor, b"and still more".to_vec()).await;
    realm.say(ANN, "still here").await;
    realm.tick().await;
    catch_up(&config, &past, &shutdown).await.unwrap();
    assert_eq!(parked(&config).await.unwrap(), [], "and none ever again");
    equal_a_fold_from_zero(&config, &realm).await;
    let unknown = retry(&config, &past, Name::Areas, HARBOR, &shutdown).await;
    assert!(matches!(unknown, Err(ProjectError::NotParked { .. })));
}

#[tokio::test]
async fn without_one_event_of_a_small_aggregate_the_next_still_tells_all() {
    let mut realm = busy_day().await;
    let key = keyed_events(Domain::Identity, &AccountId(3000).to_string());
    realm.append(&key, b"nonsense".to_vec()).await;
    realm.guest(3, "Cleo").await;
    let config = config().await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    catch_up(&config, &past, &shutdown).await.unwrap();
    assert_eq!(dump(&config).await.unwrap().table("accounts").len(), 2);
    let what = GiveUp {
        projection: Name::Accounts,
        key,
        and_behind: false,
        reason: "nothing can be read in it".into(),
        actor: "an operator".into(),
    };
    let done = give_up(&config, &past, &what, &shutdown).await.unwrap();
    assert_eq!((done.applied, done.still), (2, None));
    assert_eq!(dump(&config).await.unwrap().table("accounts").len(), 3);
    equal_a_fold_from_zero(&config, &realm).await;
}

/// The harbor's event that is parked is given up alone.
async fn drop_alone(config: &Config, realm: &Realm) -> Retried {
    let what = GiveUp {
        projection: Name::Areas,
        key: HARBOR.into(),
        and_behind: false,
        reason: "its rows are refused".into(),
        actor: "an operator".into(),
    };
    let shutdown = Shutdown::new();
    give_up(config, &past(&realm.log), &what, &shutdown)
        .await
        .unwrap()
}

/// The harbor wakes up and is written on: its next frames build on one that no row tells of.
async fn the_harbor_goes_on(config: &Config, realm: &mut Realm) {
    realm.take_over("harbor-1", "w3").await;
    realm.ticks(2).await;
    let shutdown = Shutdown::new();
    catch_up(config, &past(&realm.log), &shutdown)
        .await
        .unwrap();
    assert_eq!(parked(config).await.unwrap(), []);
    equal_a_fold_from_zero(config, realm).await;
}

#[tokio::test]
async fn behind_a_frame_given_up_alone_the_next_is_still_applied_when_its_rows_were_refused_too() {
    // From the area's first frame on, and from one in its midst.
    for constraint in [
        "ALTER TABLE areas ADD CONSTRAINT quiet CHECK (area <> 'harbor-1' OR frame_sequence IS NULL)",
        "ALTER TABLE areas ADD CONSTRAINT quiet
         CHECK (area <> 'harbor-1' OR frame_sequence IS NULL OR frame_sequence < 10)",
    ] {
        let mut realm = busy_day().await;
        let config = config().await;
        projector::migrate(&config).await.unwrap();
        execute(&config, constraint).await;
        let (past, shutdown) = (past(&realm.log), Shutdown::new());
        catch_up(&config, &past, &shutdown).await.unwrap();
        let first = parked(&config).await.unwrap()[0].sequence;
        let still = drop_alone(&config, &realm).await;
        let next = still.still.expect("the next one is refused too").sequence;
        assert_eq!(still.applied, 1);
        // And that one, too: two in a row are left out.
        let still = drop_alone(&config, &realm).await.still.unwrap().sequence;
        assert!(first < next && next < still, "{first} {next} {still}");

        execute(&config, "ALTER TABLE areas DROP CONSTRAINT quiet").await;
        let done = retry(&config, &past, Name::Areas, HARBOR, &shutdown)
            .await
            .unwrap();
        assert_eq!(done.still, None);
        equal_a_fold_from_zero(&config, &realm).await;
        the_harbor_goes_on(&config, &mut realm).await;
    }
}

#[tokio::test]
async fn the_last_frame_of_an_area_that_rests_is_given_up_alone_and_it_wakes_up_again() {
    let mut realm = busy_day().await;
    let config = config().await;
    projector::migrate(&config).await.unwrap();
    execute(
        &config,
        "ALTER TABLE areas ADD CONSTRAINT awake CHECK (area <> 'harbor-1' OR state <> 'hibernated')",
    )
    .await;
    let (past, shutdown) = (past(&realm.log), Shutdown::new());
    catch_up(&config, &past, &shutdown).await.unwrap();
    assert_eq!(drop_alone(&config, &realm).await.still, None);
    execute(&config, "ALTER TABLE areas DROP CONSTRAINT awake").await;
    equal_a_fold_from_zero(&config, &realm).await;
    the_harbor_goes_on(&config, &mut realm).await;
}
