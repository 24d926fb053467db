//! A day in the world, decided by the real rules: people come, run about, go through a door, and leave.

use eventlog::{EventLog, Follow};
use schemas::command::PlayerAsk;
use schemas::frame::Frame;
use schemas::segment::InputBits;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{CharacterId, Digest, Sequence, Step};
use world::AreaState;

use crate::sample::{Realm, area_id, walk_to_forest};

/// What happened, counted where it happened.
pub(crate) struct Day {
    pub(crate) log: EventLog,
    /// Guests that were registered; one of them never comes into the world.
    pub(crate) accounts: usize,
    pub(crate) joined: usize,
    pub(crate) through_doors: usize,
    /// Who is where at the end.
    pub(crate) in_harbor: usize,
    pub(crate) in_forest: usize,
    /// Departures from the harbour.
    pub(crate) left_harbor: usize,
    /// Steps that bodies lived through in the harbour, all together.
    pub(crate) harbor_steps: u64,
    /// The harbour's last step.
    pub(crate) step: Step,
    /// Where those stand who are there then: pixels, the left edge and the top edge.
    pub(crate) places: Vec<(i64, i64)>,
}

/// What they do next, by a rule that is chance enough.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// `players` come one after the other within `ticks`; every third goes through the door at once, every fifth leaves.
pub(crate) async fn play(players: u64, ticks: u64) -> Day {
    let mut realm = Realm::new();
    realm.open("harbor-1", "w1").await;
    realm.open("forest-1", "w1").await;
    let mut day = Day {
        log: realm.log.clone(),
        accounts: 0,
        joined: 0,
        through_doors: 0,
        in_harbor: 0,
        in_forest: 0,
        left_harbor: 0,
        harbor_steps: 0,
        step: Step(0),
        places: Vec::new(),
    };
    let mut chance = Chance(1);
    let mut all: Vec<CharacterId> = Vec::new();
    let every = ticks / (players + 1);
    for tick in 0..ticks {
        if tick % every == 0 && (all.len() as u64) < players {
            let number = all.len() as u64 + 1;
            let who = realm.guest(number, &format!("Guest {number}")).await;
            realm.join(who).await;
            day.accounts += 1;
            day.joined += 1;
            all.push(who);
            if number.is_multiple_of(3) {
                walk_to_forest(&mut realm, who).await;
                day.through_doors += 1;
                day.left_harbor += 1;
            }
        }
        for (number, who) in (1_u64..).zip(&all) {
            if realm.area_of(*who).is_none() {
                continue;
            }
            // At least every two seconds, or the session counts as lost.
            if (tick + number * 7).is_multiple_of(50) || chance.below(30) == 0 {
                let run = [InputBits::LEFT, InputBits::RIGHT][chance.below(2) as usize];
                let jump = [0, InputBits::JUMP.0][chance.below(2) as usize];
                realm
                    .hold(*who, InputBits(run.0 | InputBits::RUN.0 | jump))
                    .await;
            }
        }
        realm.tick().await;
    }
    for who in all.iter().skip(4).step_by(5) {
        let harbor = realm.area_of(*who) == Some(&area_id("harbor-1"));
        realm.player(*who, PlayerAsk::Leave).await;
        day.left_harbor += usize::from(harbor);
    }
    realm.ticks(3).await;
    // Somebody who only looks at the page.
    realm.guest(players + 1, "Shy").await;
    day.accounts += 1;
    let harbor = realm.state("harbor-1");
    let bodies = all.iter().filter_map(|who| harbor.by_character(*who));
    day.places = bodies
        .map(|body| body.position(harbor.step()))
        .map(|(x, y)| (i64::from(x).div_euclid(256), i64::from(y).div_euclid(256)))
        .collect();
    day.step = harbor.step();
    day.in_harbor = day.places.len();
    day.harbor_steps = steps_lived(&day.log).await;
    let forest = realm.state("forest-1");
    let there = |who: &&CharacterId| forest.by_character(**who).is_some();
    day.in_forest = all.iter().filter(there).count();
    day
}

/// Of all bodies in the harbour, by folding its frames.
async fn steps_lived(log: &EventLog) -> u64 {
    let area = area_id("harbor-1");
    let filters = vec![area_events(&area)];
    let mut state = AreaState::new(area.clone(), area.map());
    let mut reader = log.read(AREA_EVENTS, filters, Sequence(0), Follow::UntilHead);
    let mut lived = 0;
    while let Some(record) = reader.next().await.unwrap() {
        let frame: Frame = schemas::decode(&record.payload).unwrap();
        lived += state.bodies().count() as u64 * 2 * (frame.tick.0 - state.tick().0);
        state.fold(&frame, Digest::of(&record.payload)).unwrap();
    }
    lived
}
