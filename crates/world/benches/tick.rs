//! What a tick costs: 500 players with ten key changes a second each, and 500 other bodies that
//! change theirs twice a second, all on the widest map. Prints percentiles of deciding a tick,
//! of encoding its frame, and of folding it as every reader does.
//!
//!     cargo bench -p world
#![expect(clippy::disallowed_types, reason = "a bench measures by the clock")]

use std::time::{Duration, Instant};

use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::CommandPosition;
use schemas::segment::InputBits;
use schemas::subjects::AggregateId;
use schemas::{
    AreaId, CharacterId, Claim, Digest, EdgeId, Epoch, Sequence, SessionFence, Tick, UnixMillis,
};
use world::{
    AreaState, Command, FrameHeader, Incoming, Rules, TickInput, decide_tick, maps, resume,
};

const PLAYERS: u64 = 500;
const OTHERS: u64 = 500;
const TICKS: u64 = 2_500;
const HEADER: FrameHeader = FrameHeader {
    epoch: Epoch(1),
    claim: Claim(1),
};

fn enter(area: &AreaId, id: u64) -> Command {
    let traveller = Traveller {
        character: CharacterId(id),
        session: SessionFence(1),
        ..Traveller::default()
    };
    Command::Effect(EffectMessage {
        source: AggregateId::Character(CharacterId(id)),
        cause: Cause {
            stream: "LOBBY_EVENTS".into(),
            sequence: Sequence(id),
        },
        effect: Effect {
            target: AggregateId::Area(area.clone()),
            number: 1,
            issued_at: UnixMillis(0),
            payload: EffectPayload::Enter {
                traveller: Box::new(traveller),
                entry: EntryPoint::Spawn("start".into()),
            },
        },
    })
}

/// A small generator of its own: the bench must not depend on the world's.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn percentiles(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |permille: usize| times[(times.len() - 1) * permille / 1000].as_micros();
    println!(
        "{what:<8} p50 {:>5} µs   p99 {:>5} µs   max {:>5} µs",
        at(500),
        at(990),
        at(1000)
    );
}

fn main() {
    let Some(builtin) = maps::builtin("meadow") else {
        return;
    };
    let map = &builtin.map;
    let area = AreaId::new("meadow-1").unwrap_or_else(|error| unreachable!("{error}"));
    let mut state = AreaState::new(area.clone(), "meadow");
    let mut reader = state.clone();
    let mut sequence = 0;
    let mut stream = |command: Command| {
        sequence += 1;
        Incoming {
            position: CommandPosition {
                sequence: Sequence(sequence),
                index: 1,
                ..CommandPosition::default()
            },
            stored_at: UnixMillis(0),
            command,
        }
    };
    let owned = Fact::Owned {
        worker: "bench".into(),
        build: String::new(),
        rules: world::RULES_VERSION,
        map: "meadow".into(),
        map_hash: map.digest,
        seed: 1,
        hash_version: world::HASH_VERSION,
        resume_tick: Tick(0),
        lost: None,
    };
    let (frame, bytes, next) =
        resume(&Rules::DEFAULT, &state, map, owned, UnixMillis(0)).seal(&HEADER);
    state = next;
    reader
        .fold(&frame, Digest::of(&bytes))
        .unwrap_or_else(|error| unreachable!("{error}"));

    let bodies = PLAYERS + OTHERS;
    let mut waiting: Vec<Incoming> = (1..=bodies).map(|id| stream(enter(&area, id))).collect();
    let mut sequences = vec![0_u32; usize::try_from(bodies).unwrap_or(0)];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut decide, mut encode, mut fold) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bytes_total, mut commands_total) = (0, 0);
    let measured_from = 100;
    for tick in 1..measured_from + TICKS {
        if tick > 50 {
            for id in 1..=bodies {
                // Ten a second are 2 in 5 ticks, two a second 2 in 25.
                let often = if id <= PLAYERS { 5 } else { 25 };
                if dice.below(often) < 2 {
                    let seq = &mut sequences[usize::try_from(id - 1).unwrap_or(0)];
                    *seq += 1;
                    let bits = InputBits(u8::try_from(dice.below(32)).unwrap_or(0));
                    waiting.push(stream(Command::Player {
                        edge: EdgeId(1),
                        cmd: PlayerCommand {
                            character: CharacterId(id),
                            session: SessionFence(1),
                            seq: *seq,
                            ask: PlayerAsk::Input {
                                bits,
                                client_step: 0,
                                view_step: 0,
                            },
                        },
                    }));
                }
            }
        }
        let batch = TickInput {
            tick: Tick(tick),
            at: UnixMillis(tick * 40 % 4_000),
            commands: waiting.clone(),
            first_facts: Vec::new(),
        };
        let start = Instant::now();
        let decision = decide_tick(&Rules::DEFAULT, &state, map, batch);
        let decided = start.elapsed();
        waiting.drain(..decision.consumed);
        let consumed = decision.consumed;
        let start = Instant::now();
        let (_, bytes, next) = decision.seal(&HEADER);
        let encoded = start.elapsed();
        let start = Instant::now();
        let read: Frame = schemas::decode(&bytes).unwrap_or_else(|error| unreachable!("{error}"));
        reader
            .fold(&read, Digest::of(&bytes))
            .unwrap_or_else(|error| unreachable!("{error}"));
        let folded = start.elapsed();
        state = next;
        if tick >= measured_from {
            decide.push(decided);
            encode.push(encoded);
            fold.push(folded);
            bytes_total += bytes.len();
            commands_total += consumed;
        }
    }
    println!("{PLAYERS} players, {OTHERS} other bodies, {TICKS} ticks, {commands_total} commands");
    percentiles("decide", decide);
    percentiles("encode", encode);
    percentiles("fold", fold);
    println!(
        "{} bytes a frame, {} a command",
        bytes_total / usize::try_from(TICKS).unwrap_or(1),
        bytes_total / commands_total.max(1)
    );
}
