//! Several areas and a lobby at once: whatever is steered, joined, repeated and sent on, a
//! character is in exactly one place, and everybody comes to rest somewhere.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::command::PlayerAsk;
use schemas::effect::{
    Cause, Confirmation, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller,
};
use schemas::fact::DepartureReason;
use schemas::outcome::EffectVerdict;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, Sequence, SessionFence};
use world::Command;

use crate::support::{World, drawn, traveller};

const AREAS: [&str; 4] = ["drawn-1", "drawn-2", "drawn-3", "elsewhere-1"];
const PEOPLE: u64 = 7;

/// Something that happens; numbers are turned into whatever is possible.
#[derive(Debug, Clone)]
enum Deed {
    /// Control steers an area.
    Steer {
        area: usize,
        closed: bool,
        overflow: Option<usize>,
        soft: u32,
    },
    /// The lobby lets somebody in.
    Enter { who: u64, area: usize, party: u64 },
    /// Somebody at a door goes through it, perhaps twice.
    Door { who: u64, twice: bool },
    /// Somebody logs out.
    Leave { who: u64 },
    /// A newer session takes over, where the lobby thinks the character is.
    Take { who: u64, area: usize },
    /// An operator throws somebody out.
    Kick { who: u64, area: usize },
    /// What is on its way to an area comes: the first few, perhaps all of it twice, or in the
    /// wrong order.
    Mail {
        area: usize,
        most: usize,
        twice: bool,
        reversed: bool,
    },
    /// The lobby reads what has come for it.
    LobbyReads,
    /// Confirmations get through.
    Confirm { area: usize },
}

fn deed() -> impl Strategy<Value = Deed> {
    let area = || 0..AREAS.len();
    let who = || 1..=PEOPLE;
    prop_oneof![
        2 => (area(), prop::bool::weighted(0.3), proptest::option::of(0..AREAS.len()), 0_u32..4)
            .prop_map(|(area, closed, overflow, soft)| Deed::Steer { area, closed, overflow, soft }),
        6 => (who(), area(), 0..=PEOPLE).prop_map(|(who, area, party)| Deed::Enter { who, area, party }),
        5 => (who(), any::<bool>()).prop_map(|(who, twice)| Deed::Door { who, twice }),
        1 => who().prop_map(|who| Deed::Leave { who }),
        1 => (who(), area()).prop_map(|(who, area)| Deed::Take { who, area }),
        1 => (who(), area()).prop_map(|(who, area)| Deed::Kick { who, area }),
        9 => (area(), 1_usize..6, any::<bool>(), any::<bool>())
            .prop_map(|(area, most, twice, reversed)| Deed::Mail { area, most, twice, reversed }),
        4 => Just(Deed::LobbyReads),
        3 => area().prop_map(|area| Deed::Confirm { area }),
    ]
}

/// What the lobby holds and has sent of one character.
#[derive(Debug, Default)]
struct Person {
    /// Here, if it is.
    held: Option<Traveller>,
    session: u64,
    /// Effects it has sent, of which any may still be on its way.
    sent: Vec<(AreaId, Effect)>,
    /// What it has read of each area.
    read: BTreeMap<AreaId, u64>,
}

struct Universe {
    areas: BTreeMap<AreaId, World>,
    people: BTreeMap<CharacterId, Person>,
}

fn id(area: usize) -> AreaId {
    AreaId::new(AREAS[area]).unwrap()
}

impl Universe {
    fn new() -> Self {
        // Everybody stands at a door.
        let map = || drawn(&["......", "......", "..D...", "..S...", "######"]);
        let person = |id| {
            let held = Some(traveller(CharacterId(id), SessionFence(0)));
            (
                CharacterId(id),
                Person {
                    held,
                    ..Person::default()
                },
            )
        };
        Self {
            areas: AREAS
                .iter()
                .map(|name| (AreaId::new(*name).unwrap(), World::called(name, map())))
                .collect(),
            people: (1..=PEOPLE).map(person).collect(),
        }
    }

    fn here(&self, who: CharacterId) -> Option<AreaId> {
        let here = |(_, world): &(&AreaId, &World)| world.state.by_character(who).is_some();
        self.areas.iter().find(here).map(|(area, _)| area.clone())
    }

    /// The effects of others on the way to `area`, in the order of their numbers by source.
    fn mail_for(&self, area: &AreaId) -> Vec<EffectMessage> {
        let mut mail = Vec::new();
        let mut post = |source: AggregateId, effect: &Effect| {
            mail.push(EffectMessage {
                source,
                cause: Cause {
                    stream: "TEST".into(),
                    sequence: Sequence(1),
                },
                effect: effect.clone(),
            });
        };
        let target = AggregateId::Area(area.clone());
        for (name, world) in &self.areas {
            for effect in world.state.pending_effects().filter(|e| e.target == target) {
                post(AggregateId::Area(name.clone()), effect);
            }
        }
        for (who, person) in &self.people {
            for (_, effect) in person.sent.iter().filter(|(to, _)| to == area) {
                post(AggregateId::Character(*who), effect);
            }
        }
        mail
    }

    fn deliver(&mut self, area: &AreaId, messages: Vec<EffectMessage>) {
        let world = self.areas.get_mut(area).unwrap();
        let commands: Vec<Command> = messages.into_iter().map(Command::Effect).collect();
        let mut commands = world.incoming(commands);
        while !commands.is_empty() {
            let frame = world.decide(commands.clone());
            let expired = |o: &schemas::outcome::EffectOutcome| o.verdict == EffectVerdict::Expired;
            assert!(!frame.outcomes.effects.iter().any(expired));
            commands.retain(|c| c.position > frame.pos);
        }
    }

    fn lobby_sends(&mut self, who: CharacterId, area: &AreaId, payload: EffectPayload) {
        let person = self.people.get_mut(&who).unwrap();
        let number = person.sent.iter().filter(|(to, _)| to == area).count() as u64 + 1;
        let issued_at = self.areas[area].now;
        let target = AggregateId::Area(area.clone());
        person.sent.push((
            area.clone(),
            Effect {
                target,
                number,
                issued_at,
                payload,
            },
        ));
    }

    fn lobby_reads(&mut self) {
        for (area, world) in &self.areas {
            for effect in world.state.pending_effects() {
                let AggregateId::Character(who) = &effect.target else {
                    continue;
                };
                let person = self.people.get_mut(who).unwrap();
                let read = person.read.entry(area.clone()).or_default();
                if effect.number != *read + 1 {
                    continue;
                }
                *read += 1;
                if let EffectPayload::Returned { traveller, .. } = &effect.payload {
                    assert!(person.held.is_none(), "{who} came to the lobby twice");
                    person.held = Some((**traveller).clone());
                }
            }
        }
    }

    /// Tells `area` how far others have taken its effects.
    fn confirm(&mut self, area: &AreaId) {
        let source = AggregateId::Area(area.clone());
        let targets: std::collections::BTreeSet<AggregateId> = self.areas[area]
            .state
            .pending_effects()
            .map(|e| e.target.clone())
            .collect();
        for target in targets {
            let up_to = match &target {
                AggregateId::Area(to) => self.areas[to].state.received(&source),
                AggregateId::Character(who) => {
                    self.people[who].read.get(area).copied().unwrap_or(0)
                }
                AggregateId::Control(_) => 0,
            };
            let taken = Command::Confirmation(Confirmation { target, up_to });
            self.areas.get_mut(area).unwrap().tick([taken]);
        }
    }

    fn act(&mut self, deed: &Deed) {
        match *deed {
            Deed::Steer {
                area,
                closed,
                overflow,
                soft,
            } => {
                let overflow = overflow.map(|o| AREAS[o]);
                self.areas
                    .get_mut(&id(area))
                    .unwrap()
                    .steer(closed, overflow, soft);
            }
            Deed::Enter { who, area, party } => {
                let who = CharacterId(who);
                let person = self.people.get_mut(&who).unwrap();
                let Some(held) = person.held.take() else {
                    return;
                };
                person.session += 1;
                let session = SessionFence(person.session);
                let traveller = Traveller {
                    party: CharacterId(party),
                    session,
                    ..held
                };
                let entry = EntryPoint::Spawn("start".into());
                let enter = EffectPayload::Enter {
                    traveller: Box::new(traveller),
                    entry,
                };
                self.lobby_sends(who, &id(area), enter);
            }
            Deed::Door { who, twice } => {
                let who = CharacterId(who);
                let Some(area) = self.here(who) else { return };
                let world = self.areas.get_mut(&area).unwrap();
                let door = world.asks(who, PlayerAsk::UseDoor);
                let again = world.asks(who, PlayerAsk::UseDoor);
                world.tick(std::iter::once(door).chain(twice.then_some(again)));
            }
            Deed::Leave { who } => {
                let who = CharacterId(who);
                let Some(area) = self.here(who) else { return };
                let world = self.areas.get_mut(&area).unwrap();
                let leave = world.asks(who, PlayerAsk::Leave);
                world.tick([leave]);
            }
            Deed::Take { who, area } => {
                let character = CharacterId(who);
                let person = self.people.get_mut(&character).unwrap();
                person.session += 1;
                let session = SessionFence(person.session);
                let edge = crate::support::EDGE;
                let take = EffectPayload::TakeSession {
                    character,
                    session,
                    edge,
                    resumed: false,
                };
                self.lobby_sends(character, &id(area), take);
            }
            Deed::Kick { who, area } => {
                let character = CharacterId(who);
                let session = SessionFence(self.people[&character].session);
                let reason = DepartureReason::Kicked;
                let kick = EffectPayload::LeaveWorld {
                    character,
                    session,
                    reason,
                };
                self.lobby_sends(character, &id(area), kick);
            }
            Deed::Mail {
                area,
                most,
                twice,
                reversed,
            } => {
                let area = id(area);
                let mut mail = self.mail_for(&area);
                if reversed {
                    mail.reverse();
                }
                mail.truncate(most);
                if twice {
                    mail.extend(mail.clone());
                }
                self.deliver(&area, mail);
            }
            Deed::LobbyReads => self.lobby_reads(),
            Deed::Confirm { area } => self.confirm(&id(area)),
        }
    }

    /// In how many places `who` is: bodies, the lobby, and what carries it and is not taken yet.
    fn places(&self, who: CharacterId) -> usize {
        let carries = |effect: &Effect| {
            matches!(&effect.payload,
                EffectPayload::Enter { traveller, .. } | EffectPayload::Returned { traveller, .. }
                    if traveller.character == who)
        };
        let waits = |source: &AggregateId, effect: &Effect| {
            let taken = match (&effect.target, source) {
                (AggregateId::Area(to), _) => self.areas[to].state.received(source),
                (AggregateId::Character(who), AggregateId::Area(from)) => {
                    self.people[who].read.get(from).copied().unwrap_or(0)
                }
                _ => 0,
            };
            carries(effect) && effect.number > taken
        };
        let person = &self.people[&who];
        let bodies = self
            .areas
            .values()
            .filter(|w| w.state.by_character(who).is_some())
            .count();
        let on_the_way = self
            .areas
            .iter()
            .flat_map(|(area, w)| {
                w.state
                    .pending_effects()
                    .map(move |e| (AggregateId::Area(area.clone()), e))
            })
            .chain(
                person
                    .sent
                    .iter()
                    .map(|(_, e)| (AggregateId::Character(who), e)),
            )
            .filter(|(source, effect)| waits(source, effect))
            .count();
        bodies + on_the_way + usize::from(person.held.is_some())
    }

    fn everybody_is_somewhere_once(&self) {
        for who in self.people.keys() {
            assert_eq!(self.places(*who), 1, "{who} is in one place");
        }
    }

    /// Everything that is on its way arrives.
    fn settle(&mut self) -> usize {
        for round in 0..200 {
            let mut quiet = true;
            for area in AREAS.iter().map(|name| AreaId::new(*name).unwrap()) {
                let before = self.areas[&area].state.population();
                let mail = self.mail_for(&area);
                let news = |m: &EffectMessage| {
                    m.effect.number > self.areas[&area].state.received(&m.source)
                };
                quiet &= !mail.iter().any(news);
                self.deliver(&area, mail);
                self.areas.get_mut(&area).unwrap().tick([]);
                quiet &= self.areas[&area].state.population() == before;
                self.confirm(&area);
            }
            self.lobby_reads();
            if quiet {
                return round;
            }
        }
        panic!("it never came to rest");
    }
}

proptest! {
    #![proptest_config(crate::support::cases(300))]

    #[test]
    fn whatever_instances_are_told_everybody_is_in_one_place_and_comes_to_rest(
        deeds in proptest::collection::vec(deed(), 1..80),
    ) {
        let mut universe = Universe::new();
        for deed in &deeds {
            universe.act(deed);
            universe.everybody_is_somewhere_once();
        }
        universe.settle();
        universe.everybody_is_somewhere_once();
        for (area, world) in &universe.areas {
            let closed = world.state.steering().closed;
            prop_assert!(!closed || world.state.population() == 0, "{area} is closed");
            let snapshot = schemas::encode(&world.state);
            let restored: world::AreaState = schemas::decode(&snapshot).unwrap();
            prop_assert_eq!(&restored, &world.state);
        }
    }
}

#[test]
fn two_who_swap_sides_pass_each_other() {
    let mut universe = Universe::new();
    for (who, area) in [(1, 0), (2, 3)] {
        universe.act(&Deed::Enter {
            who,
            area,
            party: 0,
        });
    }
    universe.settle();
    // The map of `elsewhere-1` is the same drawing; its door leads to itself, so she leaves by
    // the lobby, which lets her in on the other side while he is under way.
    universe.act(&Deed::Door {
        who: 1,
        twice: true,
    });
    universe.act(&Deed::Leave { who: 2 });
    universe.everybody_is_somewhere_once();
    universe.act(&Deed::LobbyReads);
    universe.act(&Deed::Enter {
        who: 2,
        area: 0,
        party: 0,
    });
    universe.settle();
    universe.everybody_is_somewhere_once();
    assert_eq!(universe.here(CharacterId(1)), Some(id(3)));
    assert_eq!(universe.here(CharacterId(2)), Some(id(0)));
}

#[test]
fn instances_that_are_all_full_play_ball_with_nobody() {
    let mut universe = Universe::new();
    for (area, overflow) in [(0, 1), (1, 2), (2, 0)] {
        universe.act(&Deed::Steer {
            area,
            closed: false,
            overflow: Some(overflow),
            soft: 1,
        });
        universe.act(&Deed::Enter {
            who: area as u64 + 1,
            area,
            party: 0,
        });
    }
    universe.settle();
    universe.act(&Deed::Enter {
        who: 7,
        area: 0,
        party: 0,
    });
    let rounds = universe.settle();
    assert!(rounds <= 6, "{rounds} rounds");
    assert!(universe.here(CharacterId(7)).is_some());
}
