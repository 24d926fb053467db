//! How many events a core exports in a second: real frames of 40 areas with 10 busy players each, read from the log's
//! twin in memory and written as files of each format, on one thread.
//!
//!     cargo run --release -p replay --example export_rate [TICKS [DIR]]
//!
//! With a directory, the files are kept there.

use std::time::Instant;

use anyhow::Context;
use eventlog::{Appender, EventLog};
use replay::{Answer, Cli, ExportArgs, Format, PseudonymKey, ReplayCommand};
use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::Fact;
use schemas::ids::CommandPosition;
use schemas::segment::InputBits;
use schemas::subjects::{AggregateId, area_events};
use schemas::{
    AccountId, AreaId, CharacterId, Claim, EdgeId, Epoch, Sequence, SessionFence, Tick, UnixMillis,
};
use world::{
    AreaState, Command, FrameHeader, Incoming, Map, Rules, TickInput, decide_tick, maps, resume,
};

const AREAS: u64 = 40;
const PLAYERS: u64 = 10;
const BEGINNING: u64 = 1_700_000_000_000;
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

/// One area and its owner.
struct Area {
    number: u64,
    area: AreaId,
    state: AreaState,
    appender: Appender,
    commands: u64,
    seqs: Vec<u32>,
}

impl Area {
    async fn open(log: &EventLog, number: u64, map: &Map) -> anyhow::Result<Self> {
        let area = AreaId::new(format!("meadow-{}", number + 1))?;
        let mut appender = log.appender(&area_events(&area)).await?;
        let state = AreaState::new(area.clone(), "meadow");
        let owned = Fact::Owned {
            worker: "one".into(),
            build: "example".into(),
            rules: world::RULES_VERSION,
            map: "meadow".into(),
            map_hash: map.digest,
            seed: number,
            hash_version: world::HASH_VERSION,
            resume_tick: Tick(0),
            lost: None,
        };
        let at = UnixMillis(BEGINNING);
        let (_, bytes, state) = resume(&Rules::DEFAULT, &state, map, owned, at).seal(&HEADER);
        appender.append(bytes.into(), None).await?;
        Ok(Self {
            number,
            area,
            state,
            appender,
            commands: 0,
            seqs: vec![0; usize::try_from(PLAYERS)?],
        })
    }

    fn incoming(&mut self, at: UnixMillis, command: Command) -> Incoming {
        self.commands += 1;
        Incoming {
            position: CommandPosition {
                sequence: Sequence(self.commands),
                index: 1,
                ..CommandPosition::default()
            },
            stored_at: at,
            command,
        }
    }

    fn enter(&self, character: CharacterId) -> Command {
        let traveller = Traveller {
            character,
            account: AccountId(character.0),
            session: SessionFence(1),
            ..Traveller::default()
        };
        Command::Effect(EffectMessage {
            source: AggregateId::Character(character),
            cause: Cause {
                stream: "LOBBY_EVENTS".into(),
                sequence: Sequence(character.0),
            },
            effect: Effect {
                target: AggregateId::Area(self.area.clone()),
                number: 1,
                issued_at: UnixMillis(BEGINNING),
                payload: EffectPayload::Enter {
                    traveller: Box::new(traveller),
                    entry: EntryPoint::Spawn("start".into()),
                },
            },
        })
    }

    async fn tick(&mut self, tick: u64, map: &Map, dice: &mut Dice) -> anyhow::Result<()> {
        let mut commands = Vec::new();
        let at = UnixMillis(BEGINNING + tick * 40);
        for player in 0..PLAYERS {
            let character = CharacterId(self.number * PLAYERS + player + 1);
            if tick == 1 {
                let command = self.enter(character);
                commands.push(self.incoming(at, command));
            // Five changes of keys a second.
            } else if tick > 10 && dice.below(5) == 0 {
                let seq = &mut self.seqs[usize::try_from(player)?];
                *seq += 1;
                let command = Command::Player {
                    edge: EdgeId(1),
                    cmd: PlayerCommand {
                        character,
                        session: SessionFence(1),
                        seq: *seq,
                        ask: PlayerAsk::Input {
                            bits: InputBits(u8::try_from(dice.below(32))?),
                            client_step: 0,
                            view_step: 0,
                        },
                    },
                };
                commands.push(self.incoming(at, command));
            }
        }
        let input = TickInput {
            tick: Tick(tick),
            at,
            commands,
            first_facts: Vec::new(),
        };
        let decision = decide_tick(&Rules::DEFAULT, &self.state, map, input);
        let (_, bytes, next) = decision.seal(&HEADER);
        self.state = next;
        self.appender.append(bytes.into(), None).await?;
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let ticks = std::env::args().nth(1).map_or(Ok(5_000), |n| n.parse())?;
    let kept = std::env::args().nth(2).map(std::path::PathBuf::from);
    let map = &maps::builtin("meadow").context("the map meadow")?.map;
    let (log, _) = EventLog::in_memory();
    let mut areas = Vec::new();
    for number in 0..AREAS {
        areas.push(Area::open(&log, number, map).await?);
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for tick in 1..=ticks {
        for area in &mut areas {
            area.tick(tick, map, &mut dice).await?;
        }
    }
    println!("{} frames of {AREAS} areas", ticks * AREAS);
    for format in [Format::Parquet, Format::Ndjson, Format::Csv] {
        let name = format!("{format:?}-{}", std::process::id()).to_lowercase();
        let directory = kept.clone().unwrap_or_else(std::env::temp_dir).join(name);
        let args = ExportArgs {
            out: directory.clone(),
            format,
            stream: vec!["AREA_EVENTS".into()],
            max_rate: Some(0),
            answer: Answer::json(),
            realm_pseudonyms: Some(PseudonymKey::from_bytes([7; 32])),
            ..ExportArgs::default()
        };
        let mut out = Vec::new();
        let begun = Instant::now();
        let cli = Cli::new(ReplayCommand::Export(args));
        replay::execute(cli, &log.clone().into(), None, &mut out).await?;
        let took = begun.elapsed().as_secs_f64();
        let summary: serde_json::Value = serde_json::from_slice(&out)?;
        let rows = summary["rows"].as_u64().unwrap_or(0);
        let bytes = size(&directory)?;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = rows as f64 / took;
        println!(
            "{format:?}: {rows} events in {took:.2} s on one thread: {rate:.0} a second; {} bytes an event",
            bytes / rows.max(1)
        );
        if kept.is_none() {
            std::fs::remove_dir_all(&directory)?;
        }
    }
    Ok(())
}

/// Bytes of the files below `directory`.
fn size(directory: &std::path::Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        sum += if kind.is_dir() {
            size(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(sum)
}
