//! Workers that are heard, and whose frames the log takes or does not.

use super::*;
use Pen::{Clock, Idle, Stuck, Taken};

/// What becomes of a worker's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pen {
    /// It has none: its areas sleep.
    Idle,
    /// They are taken at once, one after the other.
    Taken,
    /// They are taken at once, and there is one a second: nothing happens in its areas.
    Clock,
    /// The one on its way stays there.
    Stuck,
}

/// A fleet of workers that beat, and what their frames have come to.
struct Writing {
    stage: Stage,
    pens: BTreeMap<&'static str, Pen>,
    on_their_way: BTreeMap<&'static str, u64>,
    taken: BTreeMap<&'static str, u64>,
}

fn writing(pens: &[(&'static str, Pen)]) -> Writing {
    let names: Vec<&str> = pens.iter().map(|(name, _)| *name).collect();
    let mut writing = Writing {
        stage: fleet(&names),
        pens: pens.iter().copied().collect(),
        on_their_way: BTreeMap::new(),
        taken: BTreeMap::new(),
    };
    assert_eq!(writing.pass(5_000), []);
    writing
}

impl Writing {
    fn now(&mut self, worker: &'static str, pen: Pen) {
        self.pens.insert(worker, pen);
    }

    /// From now on all that have frames fare like that.
    fn all(&mut self, pen: Pen) {
        let busy = self.pens.values_mut().filter(|pen| **pen != Idle);
        busy.for_each(|busy| *busy = pen);
    }

    /// Time passes, in which everybody beats every 100 ms.
    fn pass(&mut self, millis: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for _ in 0..millis / 25 {
            self.stage.now += 25;
            self.write();
            if self.stage.now.is_multiple_of(100) {
                changes.extend(self.beat());
            }
            changes.extend(self.stage.fleet.judge(self.stage.at()));
        }
        changes
    }

    fn write(&mut self) {
        let now = self.stage.now;
        for (worker, pen) in &self.pens {
            match pen {
                Idle => {}
                Clock if !now.is_multiple_of(950) => {}
                // Whatever waited goes first.
                Taken | Clock => {
                    let set_out = self.on_their_way.remove(worker).unwrap_or(now);
                    self.taken.insert(worker, set_out);
                }
                Stuck => {
                    self.on_their_way.entry(worker).or_insert(now);
                }
            }
        }
    }

    fn beat(&mut self) -> Vec<Change> {
        let (now, at) = (self.stage.now, self.stage.at());
        let ago = |set_out: &u64| u32::try_from(now - set_out).unwrap();
        let mut changes = Vec::new();
        for worker in self.pens.keys() {
            let waits = self.on_their_way.get(worker).map(ago);
            let beat = Heartbeat {
                worker: (*worker).to_owned(),
                life: 1,
                stuck_ms: waits.filter(|waits| *waits >= 1000).unwrap_or(0),
                taken_ms: self.taken.get(worker).map(ago),
                ..Heartbeat::default()
            };
            changes.extend(self.stage.fleet.heard(&beat, at));
        }
        changes
    }
}

fn stuck(worker: &str) -> Change {
    Change::Stuck(worker.to_owned())
}

#[test]
fn a_log_that_takes_no_frames_moves_nobody_though_an_idle_worker_is_heard() {
    let mut fleet = writing(&[("ann", Taken), ("ben", Clock), ("spare", Idle)]);
    fleet.all(Stuck);
    assert_eq!(fleet.pass(9_000), [Change::Standstill]);
    assert_eq!(fleet.stage.standing("ann"), Some(Standing::Watched));
    assert_eq!(fleet.stage.standing("spare"), Some(Standing::Serving));
    // Ben's last attempt waits for its answer when ann's is through, or the spare's.
    fleet.now("ann", Taken);
    fleet.now("spare", Taken);
    assert!(matches!(fleet.pass(2_500)[..], [Change::Taking(_)]));
    fleet.now("ben", Taken);
    assert_eq!(fleet.pass(5_000), []);
    assert_eq!(fleet.stage.standing("ben"), Some(Standing::Serving));
}

#[test]
fn a_log_that_takes_no_frames_moves_none_of_many_busy_workers() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let mut fleet = writing(&names.map(|name| (name, Taken)));
    fleet.all(Stuck);
    let mut changes = Vec::new();
    for _ in 0..9 {
        // Their entries are in another stream, and are written all the while.
        for name in names {
            changes.extend(
                fleet
                    .stage
                    .fleet
                    .announced(member(name, 1), fleet.stage.at()),
            );
            changes.extend(fleet.pass(75));
        }
    }
    assert_eq!(changes, [Change::Standstill]);
    for name in names {
        fleet.now(name, Taken);
        changes.extend(fleet.pass(200));
    }
    assert!(matches!(changes[..], [_, Change::Taking(_)]), "{changes:?}");
}

#[test]
fn one_whose_frames_hang_while_others_are_taken_is_suspected_as_soon_as_a_silent_one_was() {
    for others in [Taken, Clock] {
        let mut fleet = writing(&[("ann", Taken), ("ben", others), ("cat", others)]);
        fleet.now("ann", Stuck);
        // A second until it says so, 300 ms until it is believed, and a beat's length.
        assert_eq!(fleet.pass(1_225), [], "{others:?}");
        assert_eq!(fleet.pass(400), [stuck("ann")], "{others:?}");
        assert_eq!(fleet.stage.standing("ann"), Some(Standing::Suspected));
        assert_eq!(fleet.stage.standing("ben"), Some(Standing::Serving));
        // Its beats and its entries do not change that; a frame that is decided does.
        let at = fleet.stage.at();
        assert_eq!(fleet.stage.fleet.announced(member("ann", 1), at), None);
        assert_eq!(fleet.pass(1_000), []);
        fleet.now("ann", Taken);
        let exempt = Duration::from_secs(1);
        assert_eq!(fleet.pass(100), [Change::FalseAlarm("ann".into(), exempt)]);
    }
}

#[test]
fn one_that_hangs_on_after_an_outage_is_suspected_when_the_others_had_time() {
    let mut fleet = writing(&[("ann", Taken), ("ben", Taken)]);
    fleet.all(Stuck);
    assert_eq!(fleet.pass(6_000), [Change::Standstill]);
    fleet.now("ben", Taken);
    assert!(matches!(fleet.pass(2_500)[..], [Change::Taking(_)]));
    assert_eq!(fleet.pass(1_000), [stuck("ann")]);
}

#[test]
fn a_disk_that_is_slow_makes_nobody_ill() {
    let mut fleet = writing(&[("ann", Taken), ("ben", Taken)]);
    fleet.all(Stuck);
    let mut changes = fleet.pass(1_000);
    // Each frame takes two seconds, and one of somebody is taken every second; but what is taken
    // set out before what waits.
    for worker in ["ann", "ben"].repeat(5) {
        fleet.now(worker, Taken);
        changes.extend(fleet.pass(25));
        fleet.now(worker, Stuck);
        changes.extend(fleet.pass(1_000));
    }
    let told = |change: &Change| matches!(change, Change::Standstill | Change::Taking(_));
    assert!(changes.iter().all(told), "{changes:?}");
}

#[test]
fn who_says_nothing_of_its_frames_is_judged_by_its_silence() {
    let mut stage = fleet(&["ann", "ben"]);
    assert_eq!(stage.pass(5_000, &["ann", "ben"]), []);
    assert_eq!(stage.pass(300, &["ben"]), [Change::Suspected("ann".into())]);
}
