//! A recorded world behind the ordinary protocol: shown, stopped, sought in.

use std::net::SocketAddr;
use std::sync::Arc;

use edge::{Find, Recording};
use eventlog::{EventLog, Follow};
use past::Past;
use runtime::{Ctx, Shutdown};
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::wire::{ClientMessage, ServerMessage};
use schemas::{AreaId, CharacterId, Digest, Sequence, UnixMillis, decode};
use tokio_util::task::AbortOnDropHandle;
use world::AreaState;

use crate::client::{Client, Heard};
use crate::observers::observe;
use crate::stage::{Stage, area, config, ticket};
use crate::web::send;

const JUMP: u8 = 4;
const STILL: u32 = 0;

/// Where a recorded world stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stand {
    state: String,
    at: u64,
    speed: u32,
    from: u64,
    to: u64,
}

/// As the log has it, folded from the first frame.
async fn fold(
    log: EventLog,
    area: AreaId,
    at: UnixMillis,
) -> anyhow::Result<(AreaState, Sequence)> {
    let mut state = AreaState::new(area.clone(), area.map());
    let mut sequence = Sequence(0);
    let mut reader = log.read(
        AREA_EVENTS,
        vec![area_events(&area)],
        sequence,
        Follow::UntilHead,
    );
    while let Some(record) = reader.next().await? {
        let frame: Frame = decode(&record.payload)?;
        if frame.at > at {
            break;
        }
        state.fold(&frame, Digest::of(&record.payload))?;
        sequence = record.sequence;
    }
    Ok((state, sequence))
}

/// An edge that shows what `stage` has recorded.
struct Shown {
    address: SocketAddr,
    _task: AbortOnDropHandle<anyhow::Result<()>>,
}

fn show(stage: &Stage) -> Shown {
    let log = stage.log.clone();
    let find: Find = Arc::new(move |area, at| Box::pin(fold(log.clone(), area, at)));
    let past = Past::of_log(stage.log.clone());
    let mut recording = Recording::new(past, find, area("harbor-1"));
    recording.speed = STILL;
    let mut config = config();
    config.observers = 8;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = edge::listen(any).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let showing = edge::show(config, recording, Ctx::new(Shutdown::new()), listener);
    Shown {
        address,
        _task: AbortOnDropHandle::new(tokio::spawn(showing)),
    }
}

/// Somebody who looks at the harbor, from its beginning, where nothing moves.
async fn watcher(shown: &Shown) -> Client {
    let mut client = Client::open(shown.address).await;
    observe(&mut client, "", "").await;
    client.until_picture().await;
    client
}

async fn play(client: &mut Client, at: u64, speed: u32) {
    client.send(&ClientMessage::Play { at, speed }).await;
}

/// Listens until it is said that the world stands like that.
async fn until(client: &mut Client, wanted: impl Fn(&Stand) -> bool) -> Stand {
    loop {
        let heard = client.hear().await;
        let Heard::Message(message) = heard else {
            panic!("{heard:?}");
        };
        if let ServerMessage::Playing {
            state,
            at,
            speed,
            from,
            to,
            ..
        } = message
        {
            let stand = Stand {
                state,
                at,
                speed,
                from,
                to,
            };
            if wanted(&stand) {
                return stand;
            }
        }
    }
}

/// Shows the moment and stands still there.
async fn seek(client: &mut Client, at: u64) -> Stand {
    play(client, at, STILL).await;
    let stand = until(client, |stand| stand.state == "seeking").await;
    assert_eq!((stand.at, stand.speed), (at, STILL));
    let before = client.screen.pictures;
    let stand = until(client, |stand| stand.state != "seeking").await;
    client
        .until("its picture", |screen| screen.pictures > before)
        .await;
    stand
}

/// Ann comes in, jumps, lands, and says so; when she jumped and when she had landed.
async fn a_jump(stage: &mut Stage) -> (u64, u64) {
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    ann.until("ground", |screen| screen.own.mode == 0).await;
    ann.hold(1, JUMP).await;
    ann.until("the air", |screen| screen.own.mode == 1).await;
    let jumped = UnixMillis::now().0;
    ann.hold(2, 0).await;
    ann.until("ground again", |screen| screen.own.mode == 0)
        .await;
    ann.speak(3, "landed").await;
    ann.until_acknowledged(3).await;
    let landed = UnixMillis::now().0;
    stage.stop_first_area();
    (jumped, landed)
}

fn in_the_air(client: &Client) -> bool {
    client
        .segment_of("p1")
        .is_some_and(|segment| segment.ay != 0 || segment.vy != 0)
}

#[tokio::test]
async fn a_recorded_jump_is_seen_again_forwards_and_backwards() {
    let mut stage = Stage::new(&["harbor-1"]).await;
    let (jumped, landed) = a_jump(&mut stage).await;
    let shown = show(&stage);
    let mut watcher = watcher(&shown).await;
    let stand = seek(&mut watcher, jumped).await;
    assert_eq!((stand.state.as_str(), stand.at), ("paused", jumped));
    assert!(stand.from < jumped && jumped < stand.to, "{stand:?}");
    assert!(in_the_air(&watcher), "{:?}", watcher.segment_of("p1"));

    play(&mut watcher, 0, 100).await;
    watcher
        .until("the landing and the word", |screen| {
            screen
                .lines
                .contains(&("p1".to_owned(), "landed".to_owned()))
        })
        .await;
    let end = until(&mut watcher, |stand| stand.state == "ended").await;
    assert_eq!(end.at, end.to);
    assert!(!in_the_air(&watcher));

    // Back again: what had happened has not happened.
    seek(&mut watcher, jumped).await;
    assert!(in_the_air(&watcher));
    let beginning = seek(&mut watcher, 1).await;
    assert_eq!(beginning.at, beginning.from, "nothing was before");
    assert!(watcher.names().is_empty());
    let ending = seek(&mut watcher, landed + 3_600_000).await;
    assert_eq!(ending.at, ending.to, "nothing is after");
}

#[tokio::test]
async fn time_goes_as_fast_as_it_is_told_and_each_has_their_own() {
    let mut stage = Stage::new(&["harbor-1"]).await;
    let (jumped, _) = a_jump(&mut stage).await;
    let shown = show(&stage);
    let (mut one, mut other) = (watcher(&shown).await, watcher(&shown).await);
    seek(&mut one, jumped).await;
    play(&mut one, 0, 10_000).await;
    until(&mut one, |stand| stand.state == "ended").await;
    // The other one has not been moved by that.
    let stand = until(&mut other, |_| true).await;
    assert_eq!((stand.state.as_str(), stand.at), ("paused", stand.from));
    assert!(other.names().is_empty());
    // From before it is asked until after it is told: no less than what passes at the server meanwhile.
    let asked = std::time::Instant::now();
    play(&mut other, 0, 25).await;
    let slow = until(&mut other, |stand| stand.state == "playing").await;
    assert_eq!(slow.speed, 25);
    let later = until(&mut other, |stand| stand.at > slow.at).await;
    let passed = u64::try_from(asked.elapsed().as_millis()).expect("not for ever");
    assert!(later.at - slow.at <= passed / 4 + 2, "{slow:?} {later:?}");
    play(&mut other, 0, u32::MAX).await;
    let fast = until(&mut other, |stand| stand.speed > 25).await;
    assert_eq!(fast.speed, 10_000, "there is a limit");
}

#[tokio::test]
async fn nobody_plays_in_the_past_and_what_is_not_there_is_said() {
    let mut stage = Stage::new(&["harbor-1"]).await;
    a_jump(&mut stage).await;
    let shown = show(&stage);
    let mut player = Client::open(shown.address).await;
    player.identify(&ticket(CharacterId(1), "late")).await;
    assert_eq!(player.until_closed().await, 4004);
    let mut watcher = watcher(&shown).await;
    observe(&mut watcher, "forest-1", "").await;
    watcher
        .until("the news", |screen| {
            screen
                .notices
                .iter()
                .any(|(code, _)| code == "no_such_area")
        })
        .await;
    watcher
        .send(&ClientMessage::Query {
            id: 3,
            what: "areas".into(),
        })
        .await;
    loop {
        if let Heard::Message(ServerMessage::QueryReply { id, rows }) = watcher.hear().await {
            assert_eq!((id, rows), (3, vec![(0, "harbor-1".into())]));
            break;
        }
    }
    for path in ["/v1/guest", "/v1/characters"] {
        assert_eq!(
            send(shown.address, &format!("GET {path}"), &[], None)
                .await
                .status,
            404,
            "{path}"
        );
    }
    let home = send(shown.address, "GET /", &[], None).await;
    assert_eq!(home.status, 307);
    assert_eq!(home.header("location"), Some("/?watch=harbor-1&speed=0.00"));
}

#[tokio::test]
async fn where_the_recording_is_damaged_it_stops_and_says_so() {
    let mut stage = Stage::new(&["harbor-1"]).await;
    let (jumped, _) = a_jump(&mut stage).await;
    let subject = area_events(&area("harbor-1"));
    let mut appender = stage.log.appender(&subject).await.expect("the twin");
    let last = appender.last().expect("frames").payload.clone();
    // A frame that was there before cannot follow.
    appender
        .append(last, None)
        .await
        .expect("the twin takes it");
    let shown = show(&stage);
    let mut watcher = watcher(&shown).await;
    seek(&mut watcher, jumped).await;
    play(&mut watcher, 0, 1_000).await;
    watcher
        .until("the news", |screen| {
            screen
                .notices
                .iter()
                .any(|(code, _)| code == "cannot_go_on")
        })
        .await;
    let stand = until(&mut watcher, |stand| stand.state == "paused").await;
    assert!(stand.at > jumped);
    seek(&mut watcher, jumped).await;
    assert!(in_the_air(&watcher), "what is whole can still be seen");
}
