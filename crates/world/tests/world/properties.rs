//! What holds for every history: deciding is repeatable, folding a frame gives the decided
//! state, a snapshot and the frames after it give the whole.

use proptest::prelude::*;
use schemas::command::PlayerAsk;
use schemas::effect::{Confirmation, EffectPayload, EntryPoint};
use schemas::frame::Frame;
use schemas::segment::InputBits;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, Digest, SessionFence};
use world::{AreaState, Command};

use crate::support::{EDGE, World, command, drawn, sealed, traveller};

/// Something that somebody does; small numbers are turned into whatever is possible.
#[derive(Debug, Clone)]
enum Deed {
    Enter {
        who: u64,
        session: u64,
        by_door: bool,
        at: Option<(i32, i32)>,
    },
    Take {
        who: u64,
        session: u64,
        resumed: bool,
    },
    Kick {
        who: u64,
        session: u64,
    },
    Input {
        who: u64,
        bits: u8,
        late: u64,
        ahead: u32,
    },
    Say {
        who: u64,
        length: usize,
    },
    Door {
        who: u64,
    },
    Leave {
        who: u64,
    },
    Stale {
        who: u64,
        seq: u32,
    },
    Alive {
        session: u64,
    },
    Confirm {
        who: u64,
        up_to: u64,
    },
    Gap {
        who: u64,
        number: u64,
    },
    Fault {
        who: u64,
    },
    Undecodable,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = || 1_u64..8;
    let session = || 1_u64..5;
    let place = proptest::option::of((-9_000_i32..90_000, -9_000_i32..60_000));
    prop_oneof![
        3 => (who(), session(), any::<bool>(), place)
            .prop_map(|(who, session, by_door, at)| Deed::Enter { who, session, by_door, at }),
        1 => (who(), session(), any::<bool>())
            .prop_map(|(who, session, resumed)| Deed::Take { who, session, resumed }),
        1 => (who(), session()).prop_map(|(who, session)| Deed::Kick { who, session }),
        20 => (who(), 0_u8..40, 0_u64..5, 0_u32..3)
            .prop_map(|(who, bits, late, ahead)| Deed::Input { who, bits, late, ahead }),
        2 => (who(), 0_usize..1700).prop_map(|(who, length)| Deed::Say { who, length }),
        2 => who().prop_map(|who| Deed::Door { who }),
        1 => who().prop_map(|who| Deed::Leave { who }),
        2 => (who(), 0_u32..3000).prop_map(|(who, seq)| Deed::Stale { who, seq }),
        2 => session().prop_map(|session| Deed::Alive { session }),
        2 => (who(), 0_u64..6).prop_map(|(who, up_to)| Deed::Confirm { who, up_to }),
        1 => (who(), 0_u64..9).prop_map(|(who, number)| Deed::Gap { who, number }),
        1 => who().prop_map(|who| Deed::Fault { who }),
        1 => Just(Deed::Undecodable),
    ]
}

/// Deeds tick by tick; now and then a long silence.
fn history() -> impl Strategy<Value = Vec<(u64, Vec<Deed>)>> {
    let pause = prop_oneof![20 => 0_u64..4, 1 => 60_u64..120, 1 => 700_u64..900];
    proptest::collection::vec((pause, proptest::collection::vec(deed(), 0..8)), 1..40)
}

fn house() -> World {
    World::given(drawn(&[
        "....................",
        "....................",
        "...===...#..........",
        ".........#....===...",
        "..D......#..........",
        ".....==.........D...",
        "S.......#..#........",
        "#######.####..######",
        "#######.............",
        "####################",
    ]))
}

fn elsewhere() -> AggregateId {
    AggregateId::Area(AreaId::new("elsewhere-1").unwrap())
}

fn asks(world: &World, who: u64, ahead: u32, ask: PlayerAsk) -> Command {
    let who = CharacterId(who);
    let (seq, session) = world
        .state
        .by_character(who)
        .map_or((1, SessionFence(1)), |b| (b.last_seq() + 1, b.session));
    command(who, session, seq + ahead, ask)
}

fn command_of(world: &mut World, deed: &Deed) -> Command {
    match *deed {
        Deed::Enter {
            who,
            session,
            by_door,
            at,
        } => {
            let character = CharacterId(who);
            let mut traveller = traveller(character, SessionFence(session));
            traveller.held = InputBits((who * 3) as u8);
            let payload = EffectPayload::Enter {
                traveller: Box::new(traveller),
                entry: at.map_or(EntryPoint::Spawn("start".into()), |(x, y)| EntryPoint::At {
                    x,
                    y,
                }),
            };
            let source = if by_door {
                elsewhere()
            } else {
                AggregateId::Character(character)
            };
            let number = world.state.received(&source) + 1;
            world.effect(source, number, payload)
        }
        Deed::Take {
            who,
            session,
            resumed,
        } => {
            let character = CharacterId(who);
            let source = AggregateId::Character(character);
            let number = world.state.received(&source) + 1;
            let session = SessionFence(session);
            let payload = EffectPayload::TakeSession {
                character,
                session,
                edge: EDGE,
                resumed,
            };
            world.effect(source, number, payload)
        }
        Deed::Kick { who, session } => {
            let character = CharacterId(who);
            let source = AggregateId::Character(character);
            let number = world.state.received(&source) + 1;
            let payload = EffectPayload::LeaveWorld {
                character,
                session: SessionFence(session),
                reason: schemas::fact::DepartureReason::Kicked,
            };
            world.effect(source, number, payload)
        }
        Deed::Input {
            who,
            bits,
            late,
            ahead,
        } => {
            let client_step = world.state.step().0 + late;
            let bits = InputBits(bits);
            asks(
                world,
                who,
                ahead,
                PlayerAsk::Input {
                    bits,
                    client_step,
                    view_step: 0,
                },
            )
        }
        Deed::Say { who, length } => asks(
            world,
            who,
            0,
            PlayerAsk::Say {
                text: sealed(&vec![1; length]),
            },
        ),
        Deed::Door { who } => asks(world, who, 0, PlayerAsk::UseDoor),
        Deed::Leave { who } => asks(world, who, 0, PlayerAsk::Leave),
        Deed::Stale { who, seq } => command(
            CharacterId(who),
            SessionFence(1 + who % 3),
            seq,
            PlayerAsk::Unknown,
        ),
        Deed::Alive { session } => Command::Alive {
            edge: EDGE,
            handles: (0..9).map(|h| (h, SessionFence(session))).collect(),
        },
        Deed::Confirm { who, up_to } => Command::Confirmation(Confirmation {
            target: if who == 1 {
                elsewhere()
            } else {
                AggregateId::Character(CharacterId(who))
            },
            up_to,
        }),
        Deed::Gap { who, number } => {
            let character = CharacterId(who);
            let payload = EffectPayload::Located {
                character,
                area: world.state.area().clone(),
                session: SessionFence(1),
            };
            world.effect(AggregateId::Character(character), number, payload)
        }
        Deed::Fault { who } => Command::Fault {
            of: Box::new(asks(world, who, 0, PlayerAsk::UseDoor)),
        },
        Deed::Undecodable => Command::Undecodable,
    }
}

/// Lives through a history; within, every frame is folded by a second reader and compared.
fn live(history: &[(u64, Vec<Deed>)]) -> World {
    let mut world = house();
    for (pause, deeds) in history {
        for _ in 0..*pause {
            world.decide(Vec::new());
        }
        let commands: Vec<_> = deeds.iter().map(|d| command_of(&mut world, d)).collect();
        let mut commands = world.incoming(commands);
        loop {
            let frame = world.decide(commands.clone());
            commands.retain(|c| c.position > frame.pos);
            if commands.is_empty() {
                break;
            }
        }
        nobody_is_in_a_wall(&world);
    }
    world
}

fn nobody_is_in_a_wall(world: &World) {
    for body in world.state.bodies() {
        for step in [world.state.step(), body.segment.until] {
            let (x, y) = body.segment.position(step);
            assert!(!world.map.is_blocked(x, y), "{body:?}");
        }
        assert!(body.history.len() < 60, "{}", body.history.len());
    }
}

fn fold_all(state: &mut AreaState, frames: &[Vec<u8>]) {
    for bytes in frames {
        let frame: Frame = schemas::decode(bytes).unwrap();
        state.fold(&frame, Digest::of(bytes)).unwrap();
    }
}

proptest! {
    #![proptest_config(crate::support::cases(200))]

    #[test]
    fn the_same_commands_give_the_same_log_and_a_fold_of_it_the_same_state(history in history()) {
        let world = live(&history);
        let again = live(&history);
        prop_assert_eq!(&world.frames, &again.frames);
        prop_assert_eq!(world.state.hash(), again.state.hash());
    }

    #[test]
    fn a_snapshot_and_the_frames_after_it_are_the_whole(history in history(), at in any::<prop::sample::Index>()) {
        let world = live(&history);
        let cut = at.index(world.frames.len());
        let mut early = AreaState::new(world.state.area().clone(), "drawn");
        fold_all(&mut early, &world.frames[..cut]);
        // Reading a snapshot takes every hash from scratch and compares.
        let stored = schemas::encode(&early);
        let mut restored: AreaState = schemas::decode(&stored).unwrap();
        prop_assert_eq!(&restored, &early);
        prop_assert_eq!(schemas::encode(&restored), stored);
        fold_all(&mut restored, &world.frames[cut..]);
        prop_assert_eq!(&restored, &world.state);
    }
}

#[test]
fn a_damaged_snapshot_is_not_taken_for_a_whole_one() {
    let mut world = house();
    let enter = world.enter(CharacterId(1), SessionFence(1));
    world.tick([enter]);
    let mut stored = serde_json::to_value(&world.state).unwrap();
    stored["bodies"][0]["segment"]["x"] = 77.into();
    let error = serde_json::from_value::<AreaState>(stored).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}
