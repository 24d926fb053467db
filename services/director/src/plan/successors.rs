//! Who will most likely own each area next.
//!
//! A successor keeps a folded replica, so changing it costs a restore: it stays as long as it can
//! be one. What one worker would leave behind is spread over all others, and evened out a few
//! areas at a time when somebody new has come.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemas::AreaId;

use super::share::Share;

/// How many successors one plan changes merely to even things out.
const AT_ONCE: usize = 16;

/// The index of the worker for each area that has a successor.
pub(super) fn choose<'a>(share: &Share<'a>) -> BTreeMap<&'a AreaId, usize> {
    let takers: Vec<usize> = (0..share.workers.len())
        .filter(|at| share.workers[*at].standing.takes())
        .collect();
    let mut tally = Tally::new(share.workers.len());
    let mut chosen = BTreeMap::new();
    let mut open = Vec::new();
    for (area, home) in share.loose() {
        match share.standing_successor(area, home) {
            Some(at) => {
                tally.add(home, at);
                chosen.insert(area, at);
            }
            None => open.push((area, home)),
        }
    }
    for (area, home) in open {
        let others = takers.iter().copied().filter(|at| *at != home);
        let least = others.min_by_key(|at| {
            let full = !share.workers[*at].has_room();
            (full, tally.of(home, *at), tally.total[*at], *at)
        });
        if let Some(at) = least {
            tally.add(home, at);
            chosen.insert(area, at);
        }
    }
    even_out(share, &takers, &mut tally, &mut chosen);
    chosen
}

fn even_out<'a>(
    share: &Share<'a>,
    takers: &[usize],
    tally: &mut Tally,
    chosen: &mut BTreeMap<&'a AreaId, usize>,
) {
    let mut left = AT_ONCE;
    for home in 0..share.workers.len() {
        let others = || takers.iter().copied().filter(move |at| *at != home);
        while left > 0 {
            let most = others().max_by_key(|at| (tally.of(home, *at), Reverse(*at)));
            let least = others().min_by_key(|at| (tally.of(home, *at), *at));
            let (Some(most), Some(least)) = (most, least) else {
                break;
            };
            if tally.of(home, most) < tally.of(home, least) + 2 {
                break;
            }
            let of_most = |area: &&&AreaId| share.homes[**area] == home && chosen[**area] == most;
            let Some(area) = chosen.keys().rev().find(of_most).copied() else {
                break;
            };
            chosen.insert(area, least);
            tally.remove(home, most);
            tally.add(home, least);
            left -= 1;
        }
    }
}

/// How many of one worker's areas each other is the successor of.
struct Tally {
    pairs: BTreeMap<(usize, usize), usize>,
    total: Vec<usize>,
}

impl Tally {
    fn new(workers: usize) -> Self {
        Self {
            pairs: BTreeMap::new(),
            total: vec![0; workers],
        }
    }

    fn of(&self, home: usize, successor: usize) -> usize {
        self.pairs.get(&(home, successor)).copied().unwrap_or(0)
    }

    fn add(&mut self, home: usize, successor: usize) {
        *self.pairs.entry((home, successor)).or_default() += 1;
        self.total[successor] += 1;
    }

    fn remove(&mut self, home: usize, successor: usize) {
        if let Some(pair) = self.pairs.get_mut(&(home, successor)) {
            *pair -= 1;
        }
        self.total[successor] -= 1;
    }
}
