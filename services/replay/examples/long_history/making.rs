//! Frames as an area's owner decides them, from players who press keys.

use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::Fact;
use schemas::ids::CommandPosition;
use schemas::segment::InputBits;
use schemas::subjects::{AggregateId, area_events};
use schemas::{
    AreaId, CharacterId, Claim, EdgeId, Epoch, Sequence, SessionFence, Tick, UnixMillis,
};
use world::maps::{self, BuiltinMap};
use world::{
    AreaState, Command, Decision, FrameHeader, Incoming, Rules, TickInput, decide_tick, resume,
};

/// 2023-11-14T22:13:20Z.
const BEGINNING: u64 = 1_700_000_000_000;
const HEADER: FrameHeader = FrameHeader {
    epoch: Epoch(1),
    claim: Claim(1),
};
const MAPS: [&str; 3] = ["harbor", "forest", "meadow"];

/// A small generator of its own, so that every run writes the same.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}

/// An area with its players.
pub(crate) struct Area {
    pub(crate) subject: String,
    state: AreaState,
    map: &'static BuiltinMap,
    players: Vec<(CharacterId, u32)>,
    dice: Dice,
    commands: u64,
    tick: u64,
}

impl Area {
    pub(crate) fn new(number: u32, players: u64) -> anyhow::Result<Self> {
        let name = MAPS[usize::try_from(number)? % MAPS.len()];
        let map = maps::builtin(name).ok_or_else(|| anyhow::anyhow!("no map {name}"))?;
        let area = AreaId::new(format!("{name}-{}", number / 3 + 1))?;
        let first = u64::from(number) * players + 1;
        Ok(Self {
            subject: area_events(&area),
            state: AreaState::new(area, name),
            map,
            players: (first..first + players)
                .map(|id| (CharacterId(id), 0))
                .collect(),
            dice: Dice(0x9e37_79b9_7f4a_7c15 ^ u64::from(number + 1)),
            commands: 0,
            tick: 0,
        })
    }

    /// The bytes of the next frame: of the next tick in which something happens.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        loop {
            let tick = self.tick;
            self.tick += 1;
            let at = UnixMillis(BEGINNING + tick * 40);
            let decision = match tick {
                0 => resume(
                    &Rules::DEFAULT,
                    &self.state,
                    &self.map.map,
                    self.owned(),
                    at,
                ),
                _ => {
                    let commands = if tick == 1 {
                        self.enter()
                    } else {
                        self.press()
                    };
                    let input = TickInput {
                        tick: Tick(tick),
                        at,
                        commands,
                        first_facts: Vec::new(),
                    };
                    decide_tick(&Rules::DEFAULT, &self.state, &self.map.map, input)
                }
            };
            // While it is awake an area writes at least once a second.
            if decision.changed || tick.is_multiple_of(25) {
                return self.seal(decision);
            }
        }
    }

    fn seal(&mut self, decision: Decision) -> Vec<u8> {
        let (_, bytes, next) = decision.seal(&HEADER);
        self.state = next;
        bytes
    }

    fn owned(&self) -> Fact {
        Fact::Owned {
            worker: "worker-1".into(),
            build: "example".into(),
            rules: world::RULES_VERSION,
            map: self.map.name.into(),
            map_hash: self.map.map.digest,
            seed: 1,
            hash_version: world::HASH_VERSION,
            resume_tick: Tick(0),
            lost: None,
        }
    }

    fn incoming(&mut self, command: Command) -> Incoming {
        self.commands += 1;
        Incoming {
            position: CommandPosition {
                sequence: Sequence(self.commands),
                index: 1,
                ..CommandPosition::default()
            },
            stored_at: UnixMillis(BEGINNING + self.tick * 40),
            command,
        }
    }

    fn enter(&mut self) -> Vec<Incoming> {
        let area = self.state.area().clone();
        let who: Vec<CharacterId> = self.players.iter().map(|(id, _)| *id).collect();
        let enters = who.into_iter().map(|id| {
            let traveller = Traveller {
                character: id,
                session: SessionFence(1),
                ..Traveller::default()
            };
            let effect = EffectMessage {
                source: AggregateId::Character(id),
                cause: Cause {
                    stream: "LOBBY_EVENTS".into(),
                    sequence: Sequence(id.0),
                },
                effect: Effect {
                    target: AggregateId::Area(area.clone()),
                    number: 1,
                    issued_at: UnixMillis(BEGINNING),
                    payload: EffectPayload::Enter {
                        traveller: Box::new(traveller),
                        entry: EntryPoint::Spawn("start".into()),
                    },
                },
            };
            self.incoming(Command::Effect(effect))
        });
        enters.collect()
    }

    /// Each player changes the keys held three times a second.
    fn press(&mut self) -> Vec<Incoming> {
        let mut pressed = Vec::new();
        for at in 0..self.players.len() {
            if self.dice.below(8) > 0 {
                continue;
            }
            let bits = InputBits(u8::try_from(self.dice.below(32)).unwrap_or(0));
            let (character, seq) = {
                let player = &mut self.players[at];
                player.1 += 1;
                *player
            };
            pressed.push(self.incoming(Command::Player {
                edge: EdgeId(1),
                cmd: PlayerCommand {
                    character,
                    session: SessionFence(1),
                    seq,
                    ask: PlayerAsk::Input {
                        bits,
                        client_step: 0,
                        view_step: 0,
                    },
                },
            }));
        }
        pressed
    }
}
