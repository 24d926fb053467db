//! How long a worker takes from its start to the first tick of an area with a long log.
//!
//! `cargo run --release -p area-worker --example restart -- 100000` lets a hundred players run about
//! in one area for so many frames (decided without waiting for the clock, appended to a real
//! broker), keeps a snapshot wherever a worker would have kept one, and times the next worker with
//! that snapshot and, for comparison, without any.

use std::time::{Duration, Instant};

use area_worker::Config;
use bytes::Bytes;
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, Follow, SnapshotPoint};
use runtime::{Ctx, Shutdown};
use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::control::{AreaControl, Placement};
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::CommandPosition;
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::segment::InputBits;
use schemas::subjects::{AREA_EVENTS, AggregateId, Domain, area_events, keyed_events};
use schemas::{
    AreaId, CharacterId, Claim, EdgeId, Epoch, Incarnation, Sequence, SessionFence, UnixMillis,
    decode, encode,
};
use world::{
    AreaState, Command, FrameHeader, HASH_VERSION, Incoming, Map, RULES_VERSION, TickInput,
    decide_tick,
};

const PLAYERS: u64 = 100;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let frames: u64 = std::env::args().nth(1).map_or(Ok(100_000), |n| n.parse())?;
    let broker = devstack::test::broker().await?;
    let log = EventLog::connect(&Connect::to(broker.url(), "restart")).await?;
    streams::apply(&log, &StreamsFile::built_in()?).await?;
    let area = AreaId::new("harbor-1")?;
    let kept = live_through(&log, &area, frames).await?;
    let config = Config::default();
    println!(
        "{frames} frames of {PLAYERS} players are in the log; the snapshot is {} frames old",
        frames % config.snapshot_frames
    );
    println!(
        "from the whole log: {:?}",
        restart(&log, &area, "without").await?
    );
    if let Some((point, state)) = kept {
        log.snapshots().save(&area, point, state).await?;
        println!(
            "from the snapshot: {:?}",
            restart(&log, &area, "with").await?
        );
    }
    Ok(())
}

/// Writes the frames; the newest snapshot that a worker would have kept.
async fn live_through(
    log: &EventLog,
    area: &AreaId,
    frames: u64,
) -> anyhow::Result<Option<(SnapshotPoint, Bytes)>> {
    let map: &Map = &world::maps::builtin("harbor").expect("built in").map;
    open(log, area).await?;
    let incarnation = log.stream_info(AREA_EVENTS).await?.incarnation;
    let mut appender = log.appender(&area_events(area)).await?;
    let header = FrameHeader {
        epoch: Epoch(1),
        claim: Claim(1),
    };
    let begin = UnixMillis(UnixMillis::now().0 - frames * 40);
    let owned = Fact::Owned {
        worker: "before".into(),
        build: "example".into(),
        rules: RULES_VERSION,
        map: "harbor".into(),
        map_hash: map.digest,
        seed: 1,
        hash_version: HASH_VERSION,
        resume_tick: schemas::Tick(0),
        lost: None,
    };
    let new = AreaState::new(area.clone(), "harbor");
    let mut decision = world::resume(&world::Rules::DEFAULT, &new, map, owned, begin);
    let mut kept = None;
    for n in 1..=frames {
        let (_, bytes, state) = decision.seal(&header);
        let sequence = appender.append(bytes.into(), None).await?;
        if n % Config::default().snapshot_frames == 0 {
            let point = SnapshotPoint {
                incarnation,
                sequence,
                digest: state.last_digest(),
            };
            kept = Some((point, Bytes::from(encode(&state))));
        }
        let at = UnixMillis(begin.0 + n * 40);
        let input = TickInput {
            tick: state.tick().next(),
            at,
            commands: commands(n, at),
            first_facts: Vec::new(),
        };
        decision = decide_tick(&world::Rules::DEFAULT, &state, map, input);
    }
    Ok(kept)
}

/// First everybody enters; then in each tick every tenth player turns.
fn commands(n: u64, at: UnixMillis) -> Vec<Incoming> {
    let commands: Vec<Command> = if n <= PLAYERS {
        vec![enter(CharacterId(n), at)]
    } else {
        let turning = (1..=PLAYERS).filter(|player| player % 10 == n % 10);
        turning.map(|player| turn(CharacterId(player), n)).collect()
    };
    (1..)
        .zip(commands)
        .map(|(index, command)| Incoming {
            // Not in any stream: the next owner begins with the first command there is.
            position: CommandPosition {
                index,
                ..CommandPosition::default()
            },
            stored_at: at,
            command,
        })
        .collect()
}

fn enter(character: CharacterId, at: UnixMillis) -> Command {
    let traveller = Traveller {
        character,
        session: SessionFence(1),
        edge: EdgeId(1),
        ..Traveller::default()
    };
    Command::Effect(EffectMessage {
        source: AggregateId::Character(character),
        cause: Cause {
            stream: "LOBBY_EVENTS".into(),
            sequence: Sequence(1),
        },
        effect: Effect {
            target: AggregateId::Area(AreaId::new("harbor-1").expect("a name")),
            number: 1,
            issued_at: at,
            payload: EffectPayload::Enter {
                traveller: Box::new(traveller),
                entry: EntryPoint::Spawn("start".into()),
            },
        },
    })
}

fn turn(character: CharacterId, n: u64) -> Command {
    let right = (n / 10 + character.0).is_multiple_of(2);
    Command::Player {
        edge: EdgeId(1),
        cmd: PlayerCommand {
            character,
            session: SessionFence(1),
            seq: u32::try_from((n - PLAYERS) / 10 + 1).unwrap_or(u32::MAX),
            ask: PlayerAsk::Input {
                bits: if right {
                    InputBits::RIGHT
                } else {
                    InputBits::LEFT
                },
                client_step: 0,
                view_step: 0,
            },
        },
    }
}

/// From the start of a worker that is given the area until its first frame after the ownership frame.
async fn restart(log: &EventLog, area: &AreaId, name: &str) -> anyhow::Result<Duration> {
    let after = log
        .last(&area_events(area))
        .await?
        .map_or(Sequence(0), |last| last.sequence);
    let mut frames = log.read(AREA_EVENTS, vec![area_events(area)], after, Follow::Tail);
    let placement = Placement {
        area: area.clone(),
        worker: Some(name.to_owned()),
        generation: 1,
        quarantined: false,
        successor: None,
    };
    let bucket = log.bucket("placements").await?;
    bucket
        .put(area.as_str(), Bytes::from(encode(&placement)))
        .await?;
    let shutdown = Shutdown::new();
    let config = Config {
        name: Some(name.to_owned()),
        suspect_after: runtime::Span::from_millis(1),
        ..Config::default()
    };
    let begun = Instant::now();
    let worker = tokio::spawn(area_worker::run(
        config,
        log.clone(),
        Ctx::new(shutdown.clone()),
    ));
    let taken = loop {
        if let Some(record) = frames.next().await? {
            let frame: Frame = decode(&record.payload)?;
            if frame
                .facts
                .iter()
                .any(|fact| matches!(fact, Fact::Owned { .. }))
            {
                break begun.elapsed();
            }
        }
    };
    worker.abort();
    Ok(taken)
}

async fn open(log: &EventLog, area: &AreaId) -> anyhow::Result<()> {
    let entry = KeyedEntry::<(), AreaControl> {
        v: 1,
        at: UnixMillis::now(),
        incarnation: Incarnation(0),
        handled: Sequence(0),
        events: Vec::new(),
        state: AreaControl {
            map: Some(area.map().to_owned()),
            seed: 1,
            ..AreaControl::default()
        },
        outbox: Outbox::default(),
        answered: None,
    };
    let mut appender = log
        .appender(&keyed_events(Domain::Control, area.as_str()))
        .await?;
    appender.append(encode(&entry).into(), None).await?;
    Ok(())
}
