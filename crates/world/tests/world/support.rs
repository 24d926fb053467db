//! A small world to try rules in: given a map and characters, when commands come, then facts.
//!
//! Every tick is also folded by a second reader from the frame's bytes, which must come to the
//! very state that the decision returned.

use proptest::test_runner::{Config as ProptestConfig, FileFailurePersistence};
use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::Fact;
use schemas::frame::{Frame, MAX_FRAME_BYTES};
use schemas::ids::{CommandPosition, Incarnation};
use schemas::sealed::Sealed;
use schemas::segment::InputBits;
use schemas::subjects::AggregateId;
use schemas::{
    AreaId, CharacterId, Claim, Digest, EdgeId, Epoch, Handle, Sequence, SessionFence, Tick,
    UnixMillis,
};
use world::{
    AreaState, Body, Command, Decision, FrameHeader, Incoming, Map, Rules, TickInput, decide_tick,
};

/// Random cases; those that ever failed are committed beside the tests and tried first.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let file = FileFailurePersistence::Direct(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/world/regressions.txt"
    ));
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(file)),
        ..ProptestConfig::default()
    }
}

pub(crate) const ANN: CharacterId = CharacterId(1);
pub(crate) const BEN: CharacterId = CharacterId(2);
pub(crate) const EDGE: EdgeId = EdgeId(77);
pub(crate) const RIGHT: InputBits = InputBits::RIGHT;
pub(crate) const LEFT: InputBits = InputBits::LEFT;
pub(crate) const JUMP: InputBits = InputBits::JUMP;
pub(crate) const DOWN: InputBits = InputBits::DOWN;
pub(crate) const RUN_RIGHT: InputBits = InputBits(InputBits::RIGHT.0 | InputBits::RUN.0);
pub(crate) const NOTHING: InputBits = InputBits(0);
/// Width and height of a tile, 1/256 px.
pub(crate) const TILE: i32 = 16 * 256;

/// A map from a drawing: `#` wall, `=` one-way platform, `S` spawn point `start`, `D` a door
/// to `elsewhere-1`.
pub(crate) fn drawn(rows: &[&str]) -> Map {
    let width = rows[0].len();
    let gid = |c: char| match c {
        '#' => "3",
        '=' => "4",
        _ => "0",
    };
    let csv: Vec<String> = rows
        .iter()
        .map(|row| row.chars().map(gid).collect::<Vec<_>>().join(","))
        .collect();
    let find = |wanted: char| {
        rows.iter().enumerate().flat_map(move |(y, row)| {
            row.char_indices()
                .filter(move |(_, c)| *c == wanted)
                .map(move |(x, _)| (x * 16, y * 16))
        })
    };
    let spawns: String = find('S')
        .map(|(x, y)| {
            format!(
                r#"<object id="1" name="start" x="{}" y="{}"><point/></object>"#,
                x + 8,
                y + 16
            )
        })
        .collect();
    let doors: String = find('D')
        .map(|(x, y)| format!(
            r#"<object id="2" name="door" x="{x}" y="{y}" width="16" height="16"><properties><property name="to_area" value="elsewhere-1"/><property name="to_spawn" value="gate"/></properties></object>"#
        ))
        .collect();
    let tmx = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<map version="1.10" orientation="orthogonal" width="{width}" height="{height}" tilewidth="16" tileheight="16" infinite="0">
<tileset firstgid="1" source="tiles.tsx"/>
<layer id="1" name="ground" width="{width}" height="{height}"><data encoding="csv">{csv}</data></layer>
<objectgroup id="2" name="spawns">{spawns}</objectgroup><objectgroup id="3" name="doors">{doors}</objectgroup></map>"#,
        height = rows.len(),
        csv = csv.join(",\n"),
    );
    Map::parse_tmx("drawn", tmx.as_bytes()).unwrap()
}

/// A long level floor with a wall at both ends.
pub(crate) fn floor() -> Map {
    let air = ".".repeat(120);
    let start = format!("....S{}", ".".repeat(115));
    let ground = "#".repeat(120);
    let mut rows = vec![air.as_str(); 12];
    rows.push(&start);
    rows.push(&ground);
    drawn(&rows)
}

pub(crate) struct World {
    pub(crate) map: Map,
    pub(crate) state: AreaState,
    pub(crate) reader: AreaState,
    pub(crate) now: UnixMillis,
    /// The version that its owner names.
    pub(crate) rules: u32,
    pub(crate) numbers: Rules,
    pub(crate) frames: Vec<Vec<u8>>,
    sequence: u64,
    lobby_numbers: std::collections::BTreeMap<CharacterId, u64>,
}

pub(crate) const HEADER: FrameHeader = FrameHeader {
    epoch: Epoch(1),
    claim: Claim(9),
};

impl World {
    /// An owned area without bodies.
    pub(crate) fn given(map: Map) -> Self {
        Self::called("drawn-1", map)
    }

    /// An owned area of that name.
    pub(crate) fn called(area: &str, map: Map) -> Self {
        Self::under(world::RULES_VERSION, area, map)
    }

    /// An owned area whose owner names these rules.
    pub(crate) fn under(rules: u32, area: &str, map: Map) -> Self {
        let area = AreaId::new(area).unwrap();
        let mut world = Self {
            state: AreaState::new(area.clone(), "drawn"),
            reader: AreaState::new(area, "drawn"),
            map,
            now: UnixMillis(1_000_000),
            rules,
            numbers: Rules::DEFAULT,
            frames: Vec::new(),
            sequence: 0,
            lobby_numbers: std::collections::BTreeMap::new(),
        };
        let owned = world.owned(Tick(0));
        let decision = world::resume(&world.numbers, &world.state, &world.map, owned, world.now);
        world.commit(decision);
        world
    }

    pub(crate) fn owned(&self, resume_tick: Tick) -> Fact {
        Fact::Owned {
            worker: "worker-1".into(),
            build: "test".into(),
            rules: self.rules,
            map: "drawn".into(),
            map_hash: self.map.digest,
            seed: 42,
            hash_version: world::HASH_VERSION,
            resume_tick,
            lost: None,
        }
    }

    /// With a character that stands at the spawn point; its session is 1.
    pub(crate) fn with(mut self, character: CharacterId) -> Self {
        let enter = self.enter(character, SessionFence(1));
        self.tick([enter]);
        self
    }

    pub(crate) fn enter(&mut self, character: CharacterId, session: SessionFence) -> Command {
        self.lobby_sends(
            character,
            EffectPayload::Enter {
                traveller: Box::new(traveller(character, session)),
                entry: EntryPoint::Spawn("start".into()),
            },
        )
    }

    /// The next effect from the lobby about `character`.
    pub(crate) fn lobby_sends(
        &mut self,
        character: CharacterId,
        payload: EffectPayload,
    ) -> Command {
        let number = self.lobby_numbers.entry(character).or_default();
        *number += 1;
        let number = *number;
        self.effect(AggregateId::Character(character), number, payload)
    }

    pub(crate) fn effect(
        &self,
        source: AggregateId,
        number: u64,
        payload: EffectPayload,
    ) -> Command {
        Command::Effect(EffectMessage {
            source,
            cause: Cause {
                stream: "TEST".into(),
                sequence: Sequence(number),
            },
            effect: Effect {
                target: AggregateId::Area(self.state.area().clone()),
                number,
                issued_at: self.now,
                payload,
            },
        })
    }

    /// What the area's own control tells it.
    pub(crate) fn steer(&mut self, closed: bool, overflow: Option<&str>, soft: u32) -> Frame {
        let control = AggregateId::Control(self.state.area().clone());
        let number = self.state.received(&control) + 1;
        let payload = EffectPayload::Steer {
            closed,
            overflow: overflow.map(|area| AreaId::new(area).unwrap()),
            soft,
        };
        let steer = self.effect(control, number, payload);
        self.tick([steer])
    }

    /// Wraps commands as they come from the stream, stored just now.
    pub(crate) fn incoming(
        &mut self,
        commands: impl IntoIterator<Item = Command>,
    ) -> Vec<Incoming> {
        let stored_at = self.now;
        commands
            .into_iter()
            .map(|command| {
                self.sequence += 1;
                Incoming {
                    position: CommandPosition {
                        incarnation: Incarnation(5),
                        sequence: Sequence(self.sequence),
                        index: 1,
                    },
                    stored_at,
                    command,
                }
            })
            .collect()
    }

    /// Decides the next tick, and has it folded.
    pub(crate) fn decide(&mut self, commands: Vec<Incoming>) -> Frame {
        let batch = TickInput {
            tick: self.state.tick().next(),
            at: self.now,
            commands,
            first_facts: Vec::new(),
        };
        self.now.0 += 40;
        let decision = decide_tick(&self.numbers, &self.state, &self.map, batch);
        self.commit(decision)
    }

    pub(crate) fn tick(&mut self, commands: impl IntoIterator<Item = Command>) -> Frame {
        let commands = self.incoming(commands);
        let count = commands.len();
        let frame = self.decide(commands);
        let consumed = frame.pos.sequence.0;
        assert_eq!(
            consumed, self.sequence,
            "all of {count} commands fit the tick"
        );
        frame
    }

    pub(crate) fn ticks(&mut self, count: u64) {
        for _ in 0..count {
            self.tick([]);
        }
    }

    /// Ticks in which nothing happens, and of which no frame tells: as an owner lives through them.
    pub(crate) fn silently(&mut self, count: u64) {
        for _ in 0..count {
            let batch = TickInput {
                tick: self.state.tick().next(),
                at: self.now,
                ..TickInput::default()
            };
            self.now.0 += 40;
            let quiet = decide_tick(&self.numbers, &self.state, &self.map, batch);
            assert!(!quiet.changed, "something happened in {}", quiet.tick);
            self.state = quiet.next;
        }
    }

    pub(crate) fn commit(&mut self, decision: Decision) -> Frame {
        let epoch = HEADER.epoch;
        let (frame, bytes, next) = decision.seal(&FrameHeader { epoch, ..HEADER });
        assert!(bytes.len() <= MAX_FRAME_BYTES, "{} bytes", bytes.len());
        let read: Frame = schemas::decode(&bytes).unwrap();
        self.reader.fold(&read, Digest::of(&bytes)).unwrap();
        assert_eq!(
            self.reader, next,
            "a reader of the frame has the decided state"
        );
        self.state = next;
        self.frames.push(bytes);
        frame
    }

    pub(crate) fn body(&self, character: CharacterId) -> &Body {
        self.state.by_character(character).expect("it is here")
    }

    /// Where the character stands now, 1/256 px.
    pub(crate) fn at(&self, character: CharacterId) -> (i32, i32) {
        self.body(character).position(self.state.step())
    }

    pub(crate) fn velocity(&self, character: CharacterId) -> (i32, i32) {
        self.body(character).segment.velocity(self.state.step())
    }

    pub(crate) fn next_seq(&self, character: CharacterId) -> u32 {
        self.body(character).last_seq() + 1
    }

    /// Ticks until `done`, at most ten seconds.
    pub(crate) fn until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..250 {
            if done(self) {
                return;
            }
            self.keep_alive();
        }
        panic!("it never came to that");
    }

    /// One tick in which every session is heard.
    pub(crate) fn keep_alive(&mut self) -> Frame {
        let handles: Vec<(Handle, SessionFence)> =
            self.state.bodies().map(|b| (b.handle, b.session)).collect();
        self.tick([Command::Alive {
            edge: EDGE,
            handles,
        }])
    }

    /// The next command of `character` in its present session.
    pub(crate) fn asks(&self, character: CharacterId, ask: PlayerAsk) -> Command {
        let (seq, session) = self
            .state
            .by_character(character)
            .map_or((1, SessionFence(1)), |b| (b.last_seq() + 1, b.session));
        command(character, session, seq, ask)
    }

    pub(crate) fn holds(&mut self, character: CharacterId, bits: InputBits) -> Frame {
        let ask = self.asks(character, input(bits));
        self.tick([ask])
    }
}

pub(crate) fn traveller(character: CharacterId, session: SessionFence) -> Traveller {
    Traveller {
        character,
        name: sealed(b"a name of some length"),
        session,
        edge: EDGE,
        ..Traveller::default()
    }
}

pub(crate) fn sealed(bytes: &[u8]) -> Sealed {
    Sealed {
        key: "realm.1".into(),
        nonce: vec![7; 24],
        bytes: bytes.to_vec(),
    }
}

pub(crate) const fn input(bits: InputBits) -> PlayerAsk {
    PlayerAsk::Input {
        bits,
        client_step: 0,
        view_step: 0,
    }
}

pub(crate) const fn command(
    character: CharacterId,
    session: SessionFence,
    seq: u32,
    ask: PlayerAsk,
) -> Command {
    Command::Player {
        edge: EDGE,
        cmd: PlayerCommand {
            character,
            session,
            seq,
            ask,
        },
    }
}
