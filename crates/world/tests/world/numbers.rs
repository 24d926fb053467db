//! The rules as data: by default they are what they were when their version was given, and each of them has a say.

use schemas::command::PlayerAsk;
use schemas::segment::InputBits;
use schemas::{CharacterId, Digest, SessionFence};
use world::{Command, Rules, maps};

use crate::support::{ANN, EDGE, JUMP, RUN_RIGHT, World, command, floor, input, sealed};

/// A small generator of its own: the pinned history must not depend on the world's.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn deed(world: &World, dice: &mut Dice, who: CharacterId) -> Command {
    let (seq, session) = world
        .state
        .by_character(who)
        .map_or((1, SessionFence(1)), |b| (b.last_seq() + 1, b.session));
    let ask = match dice.below(40) {
        0 => PlayerAsk::Say {
            text: sealed(&[1; 30]),
        },
        1 => PlayerAsk::UseDoor,
        2 if dice.below(9) == 0 => PlayerAsk::Leave,
        _ => {
            let bits = InputBits(u8::try_from(dice.below(33)).unwrap());
            let PlayerAsk::Input { bits, .. } = input(bits) else {
                unreachable!()
            };
            PlayerAsk::Input {
                bits,
                client_step: world.state.step().0 + dice.below(5),
                view_step: 0,
            }
        }
    };
    command(who, session, seq, ask)
}

/// Two thousand ticks of thirty players on a map, folded into one digest of what was decided.
fn decided(map: &str) -> Digest {
    let mut world = World::under(2, "harbor-1", maps::builtin(map).unwrap().map.clone());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut all = Vec::new();
    for tick in 0..2_000 {
        let mut commands = Vec::new();
        for id in 1..=30 {
            let who = CharacterId(id);
            let here = world.state.by_character(who).is_some();
            // The last three are never heard of again.
            if !here && dice.below(20) == 0 {
                commands.push(world.enter(who, SessionFence(1)));
            } else if here && id < 28 && dice.below(5) == 0 {
                commands.push(deed(&world, &mut dice, who));
            }
        }
        if tick % 25 == 0 {
            let handles = world.state.bodies().filter(|body| body.character.0 < 28);
            let handles = handles.map(|body| (body.handle, body.session)).collect();
            commands.push(Command::Alive {
                edge: EDGE,
                handles,
            });
        }
        let commands = world.incoming(commands);
        let frame = world.decide(commands);
        let told = (&frame.pos, &frame.motion, &frame.outcomes, &frame.hash);
        all.extend(schemas::encode(&told));
    }
    Digest::of(&all)
}

/// Whatever moves these digests changes the rules: it raises `RULES_VERSION`, and the digests move with it.
#[test]
fn by_default_the_rules_decide_what_their_version_decided() {
    let found = ["harbor", "forest", "meadow"].map(|map| (map, decided(map).to_string()));
    let found: Vec<(&str, &str)> = found.iter().map(|(m, d)| (*m, d.as_str())).collect();
    assert_eq!(
        found,
        [
            ("harbor", "1b0c3a6aca0cc052d49ef99306c9af65"),
            ("forest", "0147db1e1c9783b900307a499b023443"),
            ("meadow", "aa1c6ba7b21cc451a7645cedb84a7af3"),
        ],
    );
}

/// Runs and jumps; where each segment of that begins.
fn jump(rules: Rules) -> Vec<(u64, i32, i32)> {
    let mut world = World::given(floor()).with(ANN);
    world.numbers = rules;
    world.ticks(10);
    world.holds(ANN, RUN_RIGHT);
    let mut told = Vec::new();
    for tick in 0..80 {
        if tick == 20 {
            world.holds(ANN, InputBits(RUN_RIGHT.0 | JUMP.0));
        }
        world.keep_alive();
        let segment = world.body(ANN).segment;
        told.push((segment.from.0, segment.x, segment.y));
    }
    told.dedup();
    told
}

#[test]
fn the_numbers_that_are_handed_in_decide() {
    let as_ever = jump(Rules::DEFAULT);
    assert_eq!(as_ever, jump(Rules::default()));
    for name in [
        "run_speed",
        "ground_acceleration",
        "jump_speed",
        "rise_gravity",
        "fall_gravity",
        "terminal_speed",
    ] {
        let mut rules = Rules::DEFAULT;
        rules.set(name, rules.get(name).unwrap() / 2).unwrap();
        assert_ne!(jump(rules), as_ever, "{name}");
    }
}

#[test]
fn a_session_is_lost_and_given_up_when_the_rules_say_so() {
    let mut world = World::given(floor()).with(ANN);
    world.numbers.set("link_lost_ticks", 10).unwrap();
    world.numbers.set("link_grace_ticks", 20).unwrap();
    let lost = |world: &World| world.body(ANN).link_lost.is_some();
    world.ticks(9);
    assert!(!lost(&world));
    world.ticks(1);
    assert!(lost(&world));
    world.ticks(19);
    assert!(world.state.by_character(ANN).is_some());
    world.ticks(1);
    assert!(world.state.by_character(ANN).is_none());
}
