//! How fast an area's past is decided again: 100 players who change their keys four times a second, ten minutes long.
//!
//!     cargo run --release -p replay --example decided_again -- [PLAYERS] [MINUTES]
//!
//! The log is written by the real rules, with all commands, into the log's twin in memory; then it is read back and
//! decided again by `replay verify --decide`, as everything else that reads the past. Ends by itself.

use std::time::Instant;

use anyhow::Context;
use eventlog::EventLog;
use replay::{Answer, Cli, ReplayCommand, VerifyArgs};
use schemas::command::{AreaMessage, PlayerAsk, PlayerBatch, PlayerCommand};
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::Fact;
use schemas::segment::InputBits;
use schemas::subjects::{AREA_COMMANDS, AggregateId, Sender, area_command, area_events};
use schemas::{
    AreaId, CharacterId, Claim, EdgeId, Epoch, Incarnation, Sequence, SessionFence, Tick,
    UnixMillis,
};
use world::{AreaState, FrameHeader, Incoming, Rules, TickInput, decide_tick, maps};

const EDGE: EdgeId = EdgeId(1);
const HEADER: FrameHeader = FrameHeader {
    epoch: Epoch(1),
    claim: Claim(1),
};

/// A small generator: the same log each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let number = |at: usize, otherwise: u64| match std::env::args().nth(at) {
        None => Ok(otherwise),
        Some(text) => text
            .parse()
            .with_context(|| format!("`{text}` is no number")),
    };
    let (players, minutes) = (number(1, 100)?, number(2, 10)?);
    let (log, _) = EventLog::in_memory();
    let frames = write(&log, players, minutes * 60 * 25).await?;
    let args = VerifyArgs {
        decide: true,
        answer: Answer::json(),
        ..VerifyArgs::default()
    };
    let mut out = Vec::new();
    let begun = Instant::now();
    let cli = Cli::new(ReplayCommand::Verify(args));
    replay::execute(cli, &log.into(), None, &mut out).await?;
    let took = begun.elapsed().as_secs_f64();
    let report: serde_json::Value = serde_json::from_slice(&out)?;
    let decided = &report["decided"];
    anyhow::ensure!(
        decided["alike"] == frames,
        "not all of {frames} frames came out the same: {decided}"
    );
    let times = f64::from(u32::try_from(minutes)?) * 60.0 / took;
    println!("{players} players, {minutes} min, {frames} frames: {decided}");
    println!("decided again in {took:.2} s: {times:.0} times real time");
    Ok(())
}

/// Writes the log of an area in which `players` play for so many ticks; how many frames that are.
async fn write(log: &EventLog, players: u64, ticks: u64) -> anyhow::Result<u64> {
    let area = AreaId::new("meadow-1")?;
    let map = &maps::builtin("meadow").context("the meadow")?.map;
    let life = log.stream_info(AREA_COMMANDS).await?.incarnation;
    let mut appender = log.appender(&area_events(&area)).await?;
    let mut state = AreaState::new(area.clone(), "meadow");
    let owned = Fact::Owned {
        worker: "w1".into(),
        build: String::new(),
        rules: world::RULES_VERSION,
        map: "meadow".into(),
        map_hash: map.digest,
        seed: 1,
        hash_version: world::HASH_VERSION,
        resume_tick: Tick(0),
        lost: None,
    };
    let begun = UnixMillis::now();
    let mut decision = world::resume(&Rules::DEFAULT, &state, map, owned, begun);
    let mut sent = Sent {
        log,
        life,
        area: &area,
        waiting: Vec::new(),
    };
    for id in 1..=players {
        sent.enter(id).await?;
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut seqs = vec![0_u32; usize::try_from(players)?];
    let (mut frames, mut silent) = (0, 0);
    loop {
        if decision.changed || silent >= 24 {
            let (_, bytes, next) = decision.seal(&HEADER);
            state = next;
            appender.append(bytes.into(), None).await?;
            (frames, silent) = (frames + 1, 0);
        } else {
            state = decision.next;
            silent += 1;
        }
        let tick = state.tick().next();
        if tick.0 > ticks {
            return Ok(frames);
        }
        let mut commands = Vec::new();
        for (at, seq) in seqs.iter_mut().enumerate() {
            // Four a second.
            if tick.0 > 10 && dice.below(100) < 16 {
                *seq += 1;
                let bits = InputBits(u8::try_from(dice.below(32))?);
                commands.push(PlayerCommand {
                    character: CharacterId(at as u64 + 1),
                    session: SessionFence(1),
                    seq: *seq,
                    ask: PlayerAsk::Input {
                        bits,
                        client_step: 0,
                        view_step: 0,
                    },
                });
            }
        }
        let alive = match tick.0 % 25 {
            0 => state.bodies().map(|b| (b.handle, b.session)).collect(),
            _ => Vec::new(),
        };
        if !(commands.is_empty() && alive.is_empty()) {
            let batch = PlayerBatch {
                edge: EDGE,
                commands,
                alive,
            };
            sent.send(&Sender::Edge(EDGE), AreaMessage::Players(batch))
                .await?;
        }
        let input = TickInput {
            tick,
            at: UnixMillis(begun.0 + tick.0 * 40),
            commands: sent.waiting.clone(),
            first_facts: Vec::new(),
        };
        decision = decide_tick(&Rules::DEFAULT, &state, map, input);
        sent.waiting.drain(..decision.consumed);
    }
}

/// What is on its way to the area.
struct Sent<'a> {
    log: &'a EventLog,
    life: Incarnation,
    area: &'a AreaId,
    waiting: Vec<Incoming>,
}

impl Sent<'_> {
    async fn send(&mut self, sender: &Sender, message: AreaMessage) -> anyhow::Result<()> {
        let subject = area_command(self.area, sender);
        let payload = schemas::encode(&message).into();
        let sequence = self.log.send(&subject, payload, None).await?;
        let stored = self.log.get(AREA_COMMANDS, sequence).await?;
        let at = stored.context("what was just stored")?.stored_at;
        self.waiting
            .extend(world::incoming(message, self.life, sequence, at));
        Ok(())
    }

    async fn enter(&mut self, id: u64) -> anyhow::Result<()> {
        let traveller = Traveller {
            character: CharacterId(id),
            session: SessionFence(1),
            edge: EDGE,
            ..Traveller::default()
        };
        let source = AggregateId::Character(CharacterId(id));
        let effect = EffectMessage {
            source: source.clone(),
            cause: Cause {
                stream: "LOBBY_EVENTS".into(),
                sequence: Sequence(id),
            },
            effect: Effect {
                target: AggregateId::Area(self.area.clone()),
                number: 1,
                issued_at: UnixMillis(0),
                payload: EffectPayload::Enter {
                    traveller: Box::new(traveller),
                    entry: EntryPoint::Spawn("start".into()),
                },
            },
        };
        self.send(&Sender::Aggregate(source), AreaMessage::Effect(effect))
            .await
    }
}
