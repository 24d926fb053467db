//! Playing: joining, seeing each other, speaking, doors.

use schemas::keyed::{KeyedEntry, Outbox};
use schemas::lobby::{Character, LobbyEvent, Place};
use schemas::subjects::{Domain, keyed_events};
use schemas::wire::{ClientMessage, Encoding, ServerMessage};
use schemas::{CharacterId, Incarnation, Sequence, SessionFence, UnixMillis};

use crate::client::{Client, Heard};
use crate::screen::Screen;
use crate::stage::{Stage, area, ticket, until};

const RIGHT: u8 = 2;

#[tokio::test]
async fn two_players_see_each_other_move_and_speak() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    let mut ben = Client::open_in(edge.address, Encoding::Json).await;
    ben.identify(&ticket(CharacterId(2), "ben")).await;
    ben.until_picture().await;
    assert_eq!(ben.screen.ready, Some((false, 0, vec![])));
    assert_eq!(ben.screen.area, "harbor-1");
    ann.until("the other's arrival", |screen| screen.bodies.len() == 2)
        .await;
    assert_eq!(ben.names().len(), 2);

    ann.hold(1, RIGHT).await;
    ann.until_acknowledged(1).await;
    assert_eq!(ann.screen.own.bits, RIGHT);
    let moved = ann.segment_of("p1").expect("own body");
    assert!(moved.ax > 0 || moved.vx > 0, "{moved:?}");
    ben.until("the other's motion", |screen| {
        screen
            .bodies
            .values()
            .any(|(name, s)| name == "p1" && (s.ax > 0 || s.vx > 0))
    })
    .await;

    ben.speak(1, "  hello  ").await;
    let line = ("p2".to_owned(), "hello".to_owned());
    ann.until("what was said", |screen| screen.lines.contains(&line))
        .await;
    ben.until("the own words", |screen| screen.lines.contains(&line))
        .await;
    ben.until_acknowledged(1).await;
}

#[tokio::test]
async fn who_is_here_and_the_picture_anew_cost_no_command() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    ann.send(&ClientMessage::Query {
        id: 7,
        what: "who".into(),
    })
    .await;
    loop {
        if let Heard::Message(ServerMessage::QueryReply { id, rows }) = ann.hear().await {
            assert_eq!((id, rows), (7, vec![(ann.screen.handle, "p1".into())]));
            break;
        }
    }
    ann.send(&ClientMessage::Query {
        id: 8,
        what: "area".into(),
    })
    .await;
    ann.until_picture().await;
    ann.send(&ClientMessage::Heartbeat { nonce: 9 }).await;
    loop {
        if let Heard::Message(ServerMessage::Pong { nonce, step }) = ann.hear().await {
            assert_eq!(nonce, 9);
            assert!(step >= ann.screen.step);
            break;
        }
    }
}

#[tokio::test]
async fn a_door_leads_on_and_commands_follow_over_the_threshold() {
    let mut stage = Stage::new(&["harbor-1"]).await;
    stage.lobby.start_at("harbor-1", "from-forest");
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    let door = &world::maps::builtin("harbor").expect("ours").map.doors[0];
    // A tap moves a few pixels; the world goes four times as fast as elsewhere.
    let at_rest = |screen: &Screen| {
        let (_, segment) = screen.bodies[&screen.handle];
        (segment.vx == 0 && segment.ax == 0).then_some(segment.x)
    };
    let mut seq = 0;
    while at_rest(&ann.screen).is_none_or(|x| x + world::rules::BODY_WIDTH <= door.x) {
        ann.hold(seq + 1, RIGHT).await;
        seq += 2;
        ann.hold(seq, 0).await;
        ann.until_acknowledged(seq).await;
        ann.until("rest", |screen| at_rest(screen).is_some()).await;
    }
    seq += 1;
    ann.send(&ClientMessage::UseDoor { client_seq: seq }).await;
    // These are on their way while the character leaves; the area behind is still asleep.
    ann.hold(seq + 1, RIGHT).await;
    ann.hold(seq + 2, 0).await;
    ann.until("the way", |screen| screen.transits.len() == 2)
        .await;
    let told: Vec<_> = ann
        .screen
        .transits
        .iter()
        .map(|(a, s)| (a.as_str(), s.as_str()))
        .collect();
    assert_eq!(told, [("forest-1", "leaving"), ("forest-1", "opening")]);
    stage.wake("forest-1");
    ann.until("the other side", |screen| screen.area == "forest-1")
        .await;
    ann.until_acknowledged(seq + 2).await;
    assert_eq!(ann.screen.rejected, []);
}

#[tokio::test]
async fn a_sleeping_area_is_hinted_at_until_it_wakes() {
    let mut stage = Stage::new(&[]).await;
    let mut hints = stage
        .log
        .subscribe_core("wake.area.*")
        .await
        .expect("the twin listens");
    let edge = stage.edge().await;
    let mut ann = Client::open(edge.address).await;
    ann.identify(&ticket(CharacterId(1), "a")).await;
    for _ in 0..3 {
        let hint = hints.next().await.expect("a hint");
        assert_eq!(hint.subject, schemas::subjects::wake(&area("harbor-1")));
    }
    ann.until("the news", |screen| screen.transits.len() == 1)
        .await;
    stage.wake("harbor-1");
    ann.until_picture().await;
}

#[tokio::test]
async fn the_newer_session_replaces_the_older_one() {
    let stage = Stage::new(&["harbor-1"]).await;
    let (one, other) = (stage.edge().await, stage.edge().await);
    let mut first = stage.player(&one, 1).await;
    let mut second = stage.player(&other, 1).await;
    assert_eq!(first.until_closed().await, 4011);
    assert_eq!(second.screen.ready, Some((false, 0, vec![])));
    second.hold(1, RIGHT).await;
    second.until_acknowledged(1).await;
}

#[tokio::test]
async fn leaving_the_world_ends_the_session() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    let mut ben = stage.player(&edge, 2).await;
    ben.send(&ClientMessage::Leave { client_seq: 1 }).await;
    assert_eq!(ben.until_closed().await, 4006);
    assert_eq!(
        ben.screen.own.ack_seq, 1,
        "the last command is answered too"
    );
    ann.until("being alone", |screen| screen.bodies.len() == 1)
        .await;
}

#[tokio::test]
async fn a_lost_ack_of_the_broker_doubles_nothing() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    stage.faults.lose_acks(2);
    ann.speak(1, "once").await;
    ann.until_acknowledged(1).await;
    ann.hold(2, RIGHT).await;
    ann.until_acknowledged(2).await;
    until("one line", || async { ann.screen.lines.len() == 1 }).await;
}

#[tokio::test]
async fn a_character_that_went_on_is_found_where_the_lobby_knows_it() {
    let stage = Stage::new(&["harbor-1", "forest-1"]).await;
    stage.lobby.start_at("forest-1", "start");
    stage.lobby.believe_in("harbor-1");
    let character = CharacterId(1);
    let subject = keyed_events(Domain::Lobby, &character.to_string());
    let entry = KeyedEntry::<LobbyEvent, Character> {
        v: 1,
        at: UnixMillis(1),
        incarnation: Incarnation(1),
        handled: Sequence(1),
        events: Vec::new(),
        state: Character {
            session: SessionFence(1),
            place: Some(Place::World(area("forest-1"))),
            ..Character::default()
        },
        outbox: Outbox::default(),
        answered: None,
    };
    let mut appender = stage.log.appender(&subject).await.expect("the twin");
    appender
        .append(schemas::encode(&entry).into(), None)
        .await
        .expect("the first");
    let edge = stage.edge().await;
    let ann = stage.player(&edge, 1).await;
    assert_eq!(ann.screen.area, "forest-1");
}
