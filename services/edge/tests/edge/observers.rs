//! Looking on without a character: allowed by a setting, bounded in number, and of no weight in the world.

use std::time::Duration;

use bytes::Bytes;
use schemas::CharacterId;
use schemas::wire::{ClientMessage, Encoding, NO_BODY, PROTOCOL};

use crate::client::Client;
use crate::stage::{Edge, Stage, area, config, until};

const RIGHT: u8 = 2;

/// An edge at which so many may look on.
async fn edge_for(stage: &Stage, observers: usize) -> Edge {
    let mut config = config();
    config.observers = observers;
    stage.edge_with(config).await
}

pub async fn observe(client: &mut Client, area: &str, follow: &str) {
    client
        .send(&ClientMessage::Observe {
            protocol: PROTOCOL,
            area: area.into(),
            follow: follow.into(),
            client: "test".into(),
        })
        .await;
}

async fn observer(edge: &Edge, follow: &str) -> Client {
    let mut client = Client::open(edge.address).await;
    observe(&mut client, "harbor-1", follow).await;
    client.until_picture().await;
    client
}

#[tokio::test]
async fn nobody_looks_on_where_that_is_not_allowed() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut guest = Client::open(edge.address).await;
    observe(&mut guest, "harbor-1", "").await;
    assert_eq!(guest.until_closed().await, 4003);
}

#[tokio::test]
async fn an_observer_sees_and_hears_what_players_do_and_is_not_seen() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = edge_for(&stage, 2).await;
    let mut ann = stage.player(&edge, 1).await;
    let mut watcher = observer(&edge, "").await;
    assert_eq!(watcher.screen.handle, NO_BODY);
    assert_eq!(watcher.screen.token, "");
    watcher
        .until("the player", |screen| screen.bodies.len() == 1)
        .await;
    ann.hold(1, RIGHT).await;
    ann.speak(2, "anybody there?").await;
    let line = ("p1".to_owned(), "anybody there?".to_owned());
    watcher
        .until("motion and words", |screen| {
            let moves = screen.bodies.values().any(|(_, s)| s.ax > 0 || s.vx > 0);
            moves && screen.lines.contains(&line)
        })
        .await;
    ann.until_acknowledged(2).await;
    assert_eq!(ann.names(), ["p1"], "she is alone");
}

#[tokio::test]
async fn their_number_is_bounded_and_who_leaves_makes_room() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = edge_for(&stage, 1).await;
    let first = observer(&edge, "").await;
    let mut second = Client::open(edge.address).await;
    observe(&mut second, "harbor-1", "").await;
    assert_eq!(second.until_closed().await, 4017);
    drop(first);
    until("room again", || async {
        let mut third = Client::open(edge.address).await;
        observe(&mut third, "harbor-1", "").await;
        matches!(third.hear().await, crate::client::Heard::Message(_))
    })
    .await;
}

#[tokio::test]
async fn an_observer_plays_no_part() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = edge_for(&stage, 8).await;
    for (message, code) in [
        (ClientMessage::UseDoor { client_seq: 1 }, 4003),
        (
            ClientMessage::Identify {
                protocol: PROTOCOL,
                ticket: "x".into(),
                client: "test".into(),
            },
            4005,
        ),
    ] {
        let mut watcher = observer(&edge, "").await;
        watcher.send(&message).await;
        assert_eq!(watcher.until_closed().await, code, "{message:?}");
    }
    for message in [
        ClientMessage::Look {
            x: 0,
            y: 0,
            follow: String::new(),
        },
        ClientMessage::Play { at: 0, speed: 100 },
    ] {
        let mut stranger = Client::open(edge.address).await;
        stranger.send(&message).await;
        assert_eq!(stranger.until_closed().await, 4003, "{message:?}");
    }
    let mut ann = stage.player(&edge, 1).await;
    observe(&mut ann, "harbor-1", "").await;
    assert_eq!(ann.until_closed().await, 4005, "one or the other");
}

#[tokio::test]
async fn only_what_is_there_is_looked_at_and_nothing_is_woken() {
    let mut stage = Stage::new(&["harbor-1"]).await;
    let mut hints = stage
        .log
        .subscribe_core("wake.area.*")
        .await
        .expect("the twin listens");
    let edge = edge_for(&stage, 2).await;
    stage.player(&edge, 1).await.leave().await;
    let mut watcher = observer(&edge, "").await;
    for nowhere in ["forest-9", "No such place", ""] {
        let before = watcher.screen.notices.len();
        observe(&mut watcher, nowhere, "").await;
        watcher
            .until("the news", |screen| screen.notices.len() > before)
            .await;
        assert_eq!(watcher.screen.notices[before].0, "no_such_area");
    }
    watcher.send(&ClientMessage::Play { at: 1, speed: 0 }).await;
    watcher
        .until("the news", |screen| {
            screen.notices.iter().any(|(code, _)| code == "living")
        })
        .await;
    // A sleeping area is shown as it sleeps.
    stage.stop_first_area();
    let mut late = observer(&edge, "").await;
    // The replica has let the player go before it showed this picture: what was hinted for her lies before the mark.
    let mark = stage.log.publish_core("wake.area.mark", Bytes::new());
    mark.await.expect("the twin tells it");
    while hints.next().await.expect("the mark").subject != "wake.area.mark" {}
    let hint = tokio::time::timeout(Duration::from_millis(2600), hints.next()).await;
    assert!(hint.is_err(), "nobody waits for anything: {hint:?}");
    late.send(&ClientMessage::Query {
        id: 1,
        what: "area".into(),
    })
    .await;
    late.until("the picture anew", |screen| screen.pictures == 2)
        .await;
}

#[tokio::test]
async fn the_view_goes_along_with_whom_one_follows_or_where_one_looks() {
    let stage = Stage::new(&["harbor-1"]).await;
    stage.lobby.start_at("harbor-1", "from-forest");
    let edge = edge_for(&stage, 3).await;
    let mut ann = stage.player(&edge, 1).await;
    let far = |x: i64| ClientMessage::Look {
        x: x * 256,
        y: 300 * 256,
        follow: String::new(),
    };
    let mut watcher = Client::open_in(edge.address, Encoding::Json).await;
    observe(&mut watcher, "harbor-1", "p1").await;
    watcher.until_picture().await;
    assert_eq!(watcher.screen.handle, ann.screen.handle, "by her name");
    watcher.send(&far(100_000)).await;
    watcher
        .until("nothing there", |screen| {
            screen.bodies.is_empty() && screen.handle == NO_BODY
        })
        .await;
    watcher
        .send(&ClientMessage::Look {
            x: 0,
            y: 0,
            follow: CharacterId(1).to_string(),
        })
        .await;
    let handle = ann.screen.handle;
    watcher
        .until("her again", |screen| screen.handle == handle)
        .await;
    ann.send(&ClientMessage::Leave { client_seq: 1 }).await;
    assert_eq!(ann.until_closed().await, 4006);
    watcher
        .until("her farewell", |screen| {
            screen.handle == NO_BODY && screen.notices.iter().any(|(code, _)| code == "left")
        })
        .await;
    assert_eq!(area("harbor-1").to_string(), watcher.screen.area);
}
