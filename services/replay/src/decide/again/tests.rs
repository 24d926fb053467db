//! An owner's log, decided again.

use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::ids::{CommandPosition, Incarnation};
use schemas::segment::InputBits;
use schemas::subjects::AggregateId;
use schemas::{CharacterId, Claim, Digest, EdgeId, Epoch, SessionFence, UnixMillis};
use world::{HASH_VERSION, decide_tick};

use super::*;

const ANN: CharacterId = CharacterId(1);
const EDGE: EdgeId = EdgeId(7);
const HEADER: FrameHeader = FrameHeader {
    epoch: Epoch(1),
    claim: Claim(3),
};

/// A frame as it stands in the log, with what it consumed.
struct Stored {
    frame: Frame,
    bytes: Vec<u8>,
    commands: Vec<Incoming>,
}

/// An owner who writes frames as owners do: only of ticks in which something happens.
struct Owner {
    map: &'static Map,
    state: AreaState,
    log: Vec<Stored>,
    sequence: u64,
    seq: u32,
}

impl Owner {
    fn new() -> Self {
        Self::by_rules(RULES_VERSION)
    }

    fn by_rules(rules: u32) -> Self {
        let area = AreaId::new("harbor-1").unwrap();
        let map = &world::maps::builtin("harbor").unwrap().map;
        let mut owner = Self {
            map,
            state: AreaState::new(area, "harbor"),
            log: Vec::new(),
            sequence: 0,
            seq: 0,
        };
        let owned = Fact::Owned {
            worker: "w1".into(),
            build: "0.0.1".into(),
            rules,
            map: "harbor".into(),
            map_hash: map.digest,
            seed: 1,
            hash_version: HASH_VERSION,
            resume_tick: Tick(0),
            lost: None,
        };
        let at = UnixMillis(1_000);
        let decision = world::resume(&Rules::DEFAULT, &owner.state, map, owned, at);
        owner.write(decision, Vec::new());
        owner.tick([enter()]);
        owner
    }

    fn incoming(&mut self, command: Command) -> Incoming {
        self.sequence += 1;
        Incoming {
            position: CommandPosition {
                incarnation: Incarnation(5),
                sequence: Sequence(self.sequence),
                index: 1,
            },
            stored_at: self.state.at(),
            command,
        }
    }

    fn asks(&mut self, ask: PlayerAsk) -> Command {
        self.seq += 1;
        let cmd = PlayerCommand {
            character: ANN,
            session: SessionFence(1),
            seq: self.seq,
            ask,
        };
        Command::Player { edge: EDGE, cmd }
    }

    fn holds(&mut self, bits: InputBits) {
        let ask = self.asks(PlayerAsk::Input {
            bits,
            client_step: 0,
            view_step: 0,
        });
        self.tick([ask]);
    }

    fn tick(&mut self, commands: impl IntoIterator<Item = Command>) {
        let commands: Vec<Incoming> = commands
            .into_iter()
            .map(|command| self.incoming(command))
            .collect();
        let decision = decide_tick(
            &Rules::DEFAULT,
            &self.state,
            self.map,
            TickInput {
                tick: self.state.tick().next(),
                at: UnixMillis(self.state.at().0 + 40),
                commands: commands.clone(),
                first_facts: Vec::new(),
            },
        );
        if decision.changed {
            self.write(decision, commands);
        } else {
            self.state = decision.next;
        }
    }

    fn ticks(&mut self, count: u32) {
        for _ in 0..count {
            self.tick([]);
        }
    }

    fn write(&mut self, decision: Decision, commands: Vec<Incoming>) {
        let (frame, bytes, next) = decision.seal(&HEADER);
        self.state = next;
        self.log.push(Stored {
            frame,
            bytes,
            commands,
        });
    }

    /// Decides the log again; the findings.
    fn again(&self) -> (Decided, Vec<(usize, String)>) {
        let mut again = Again::default();
        let mut findings = Vec::new();
        let mut state = AreaState::new(AreaId::new("harbor-1").unwrap(), "harbor");
        for (number, stored) in self.log.iter().enumerate() {
            let recorded = Recorded {
                sequence: Sequence(number as u64 + 1),
                bytes: &stored.bytes,
                frame: &stored.frame,
                commands: &stored.commands,
                incomplete: stored
                    .commands
                    .iter()
                    .any(|next| next.position.sequence.0 == 999),
            };
            findings.extend(again.frame(&state, &recorded).map(|what| (number, what)));
            let digest = Digest::of(&stored.bytes);
            // What the chain does not hold together is another check's business.
            if state.fold(&stored.frame, digest).is_err() {
                break;
            }
        }
        (again.close().0, findings)
    }
}

fn enter() -> Command {
    let traveller = Traveller {
        character: ANN,
        session: SessionFence(1),
        ..Traveller::default()
    };
    Command::Effect(EffectMessage {
        source: AggregateId::Character(ANN),
        cause: Cause {
            stream: "LOBBY_EVENTS".into(),
            sequence: Sequence(1),
        },
        effect: Effect {
            target: AggregateId::Area(AreaId::new("harbor-1").unwrap()),
            number: 1,
            issued_at: UnixMillis(1_000),
            payload: EffectPayload::Enter {
                traveller: Box::new(traveller),
                entry: EntryPoint::Spawn("start".into()),
            },
        },
    })
}

/// Runs, jumps and falls for a few seconds.
fn jumpy() -> Owner {
    let mut owner = Owner::new();
    owner.ticks(20);
    owner.holds(InputBits(InputBits::RIGHT.0 | InputBits::JUMP.0));
    owner.ticks(50);
    owner.holds(InputBits::LEFT);
    owner.ticks(15);
    owner.holds(InputBits::default());
    owner.ticks(5);
    owner.holds(InputBits::JUMP);
    owner.ticks(25);
    owner
}

#[test]
fn what_an_owner_wrote_comes_out_the_same_to_the_byte() {
    let owner = jumpy();
    let silent = owner.state.tick().0 - owner.log.len() as u64;
    assert!(silent > 20, "{silent} ticks without a frame");
    let (decided, findings) = owner.again();
    assert_eq!(findings, []);
    assert_eq!(decided.alike, owner.log.len() as u64);
    let last = owner.log.last().unwrap().frame.tick.0;
    assert_eq!(
        decided.ticks, last,
        "those without a frame are decided, too"
    );
    assert_eq!((decided.commands, decided.otherwise), (5, 0));
    assert_eq!(decided.left_out, []);
}

#[test]
fn a_frame_that_other_commands_led_to_is_found() {
    let mut owner = jumpy();
    let at = owner
        .log
        .iter()
        .position(|one| one.frame.tick.0 > 60 && !one.commands.is_empty());
    let at = at.unwrap();
    let Command::Player { cmd, .. } = &mut owner.log[at].commands[0].command else {
        unreachable!()
    };
    cmd.ask = PlayerAsk::UseDoor;
    let (decided, findings) = owner.again();
    let [(found, what)] = &findings[..] else {
        panic!("{findings:?}");
    };
    assert_eq!(*found, at);
    assert!(
        what.contains("motion, outcomes, hash come out otherwise"),
        "{what}"
    );
    assert_eq!(decided.otherwise, 1);
}

#[test]
fn a_frame_that_is_missing_is_found_where_it_should_have_been() {
    let mut owner = Owner::new();
    owner.holds(InputBits(InputBits::RIGHT.0 | InputBits::JUMP.0));
    owner.ticks(10);
    // The owner falls, and says nothing of it until the next key.
    let passed_over = {
        let before = owner.log.len();
        while owner.log.len() == before {
            owner.ticks(1);
        }
        owner.log.pop().unwrap().frame.tick
    };
    let (frame, _) = {
        owner.holds(InputBits::default());
        let last = owner.log.last_mut().unwrap();
        last.frame.no = schemas::FrameNo(last.frame.no.0 - 1);
        last.frame.prev = Digest::default();
        (last.frame.clone(), ())
    };
    assert!(frame.tick > passed_over);
    let (_, findings) = owner.again();
    let wanted = format!("something should have happened in tick {passed_over}");
    assert!(findings[0].1.contains(&wanted), "{findings:?}");
}

#[test]
fn what_was_decided_by_other_rules_is_left_out_and_listed() {
    let mut owner = Owner::by_rules(RULES_VERSION + 1);
    owner.holds(InputBits::RIGHT);
    let (decided, findings) = owner.again();
    assert_eq!(findings, []);
    assert_eq!((decided.alike, decided.ticks), (0, 0));
    let [left] = &decided.left_out[..] else {
        panic!("{decided:?}");
    };
    assert_eq!(
        (left.from, left.to, left.frames),
        (Sequence(1), Sequence(3), 3)
    );
    let wanted = format!("decided by rules {} (build 0.0.1)", RULES_VERSION + 1);
    assert!(left.why.starts_with(&wanted), "{left:?}");
}

#[test]
fn frames_whose_commands_are_gone_are_left_out_and_those_after_them_are_not() {
    let mut owner = jumpy();
    let at = owner
        .log
        .iter()
        .position(|one| !one.commands.is_empty())
        .unwrap();
    owner.log[at].commands[0].position.sequence = Sequence(999);
    let (decided, findings) = owner.again();
    assert_eq!(findings, []);
    assert_eq!(decided.alike, owner.log.len() as u64 - 1);
    let [left] = &decided.left_out[..] else {
        panic!("{decided:?}");
    };
    assert_eq!((left.from.0, left.frames), (at as u64 + 1, 1));
}

#[test]
fn a_command_on_which_the_rules_broke_is_refused_again() {
    let mut owner = Owner::new();
    let broke = owner.asks(PlayerAsk::UseDoor);
    let broke = owner.incoming(broke);
    let input = TickInput {
        tick: owner.state.tick().next(),
        at: owner.state.at(),
        commands: vec![broke.clone().as_fault()],
        first_facts: Vec::new(),
    };
    let decision = decide_tick(&Rules::DEFAULT, &owner.state, owner.map, input);
    // In the log it stands as it was sent.
    owner.write(decision, vec![broke]);
    let (decided, findings) = owner.again();
    assert_eq!(findings, []);
    assert_eq!(decided.faults, 1);
}

#[test]
fn what_is_kept_can_be_stored_and_gone_on_with() {
    let owner = Owner::by_rules(RULES_VERSION + 1);
    let mut again = Again::default();
    for (number, stored) in owner.log.iter().enumerate() {
        let state = AreaState::new(AreaId::new("harbor-1").unwrap(), "harbor");
        let recorded = Recorded {
            sequence: Sequence(number as u64 + 1),
            bytes: &stored.bytes,
            frame: &stored.frame,
            commands: &stored.commands,
            incomplete: true,
        };
        assert_eq!(again.frame(&state, &recorded), None);
        again = schemas::decode(&schemas::encode(&again)).unwrap();
    }
    assert_eq!(again.close().0.left_out.len(), 2);
}
