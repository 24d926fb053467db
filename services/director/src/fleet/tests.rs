mod taking;

use super::*;
use schemas::control::Order;

const PATIENCE: Patience = Patience {
    suspect: Duration::from_millis(300),
    gone: Duration::from_secs(3),
    late: Duration::from_millis(200),
};

/// A fleet with a clock of its own.
struct Stage {
    start: Instant,
    now: u64,
    fleet: Fleet,
}

fn member(worker: &str, life: u64) -> Member {
    Member {
        worker: worker.into(),
        life,
        capacity: 10,
        ..Member::default()
    }
}

/// These are there.
fn fleet(workers: &[&str]) -> Stage {
    let start = Instant::now();
    let mut fleet = Fleet::new(PATIENCE, start);
    for worker in workers {
        let joined = fleet.announced(member(worker, 1), start);
        assert_eq!(joined, Some(Change::Joined((*worker).to_owned())));
    }
    Stage {
        start,
        now: 0,
        fleet,
    }
}

impl Stage {
    fn at(&self) -> Instant {
        self.start + Duration::from_millis(self.now)
    }

    fn beat(&mut self, worker: &str, late_ms: u32) -> Vec<Change> {
        let beat = Heartbeat {
            worker: worker.into(),
            life: 1,
            late_ms,
            ..Heartbeat::default()
        };
        self.fleet.heard(&beat, self.at())
    }

    /// Time passes, in which these are heard every 100 ms; what was noticed in the end.
    fn pass(&mut self, millis: u64, heard: &[&str]) -> Vec<Change> {
        let mut changes = Vec::new();
        for _ in 0..millis / 25 {
            self.now += 25;
            if self.now.is_multiple_of(100) {
                for worker in heard {
                    changes.extend(self.beat(worker, 0));
                }
            }
            changes.extend(self.fleet.judge(self.at()));
        }
        changes
    }

    fn standing(&self, worker: &str) -> Option<Standing> {
        let mut members = self.fleet.candidates().into_iter();
        members.find(|m| m.worker == worker).map(|m| m.standing)
    }
}

#[test]
fn the_silent_are_suspected_and_then_gone_while_others_are_heard() {
    let mut stage = fleet(&["ann", "ben"]);
    assert_eq!(stage.pass(275, &["ben"]), []);
    assert_eq!(stage.pass(25, &["ben"]), [Change::Suspected("ann".into())]);
    assert_eq!(stage.standing("ann"), Some(Standing::Suspected));
    assert_eq!(stage.standing("ben"), Some(Standing::Serving));
    assert_eq!(stage.pass(2675, &["ben"]), []);
    assert_eq!(stage.pass(25, &["ben"]), [Change::Gone("ann".into())]);
    assert_eq!(stage.standing("ann"), None);
}

#[test]
fn when_nobody_is_heard_nobody_is_suspected_and_nobody_gone() {
    let mut stage = fleet(&["ann", "ben"]);
    assert_eq!(stage.pass(10_000, &[]), [Change::Silence]);
    assert_eq!(stage.standing("ann"), Some(Standing::Watched));
    assert_eq!(stage.standing("ben"), Some(Standing::Watched));
}

#[test]
fn after_an_outage_all_are_trusted_until_they_had_time_to_come_back() {
    let mut stage = fleet(&["ann", "ben", "cat"]);
    stage.pass(5_000, &[]);
    let heard = stage.pass(100, &["ann"]);
    assert_eq!(heard, [Change::Heard(Duration::from_millis(5100))]);
    // Ben is back after more than a second, cat never is.
    assert_eq!(stage.pass(1_800, &["ann"]), []);
    let rest = stage.pass(400, &["ann", "ben"]);
    assert_eq!(rest, [Change::Suspected("cat".into())]);
    assert_eq!(stage.standing("ben"), Some(Standing::Serving));
}

#[test]
fn heartbeats_that_stop_one_after_another_are_one_silence() {
    let mut stage = fleet(&["ann", "ben"]);
    stage.pass(1000, &["ann", "ben"]);
    stage.now += 90;
    stage.beat("ben", 0);
    // Ann is due while ben's last word is 210 ms old.
    assert_eq!(stage.pass(8_000, &[]), [Change::Silence]);
}

#[test]
fn entries_that_run_out_in_an_outage_are_missed_before_they_are_gone() {
    let mut stage = fleet(&["ann", "ben"]);
    stage.pass(4_000, &[]);
    assert_eq!(stage.fleet.left("ann", stage.at()), None);
    assert_eq!(stage.fleet.left("ben", stage.at()), None);
    stage.pass(500, &[]);
    let back = stage.fleet.announced(member("ann", 1), stage.at());
    assert_eq!(back, None, "it never left");
    stage.pass(100, &["ann"]);
    assert_eq!(stage.standing("ann"), Some(Standing::Serving));
    assert_eq!(stage.standing("ben"), Some(Standing::Watched));
    assert!(
        stage
            .pass(2_000, &["ann"])
            .contains(&Change::Gone("ben".into()))
    );
}

#[test]
fn who_leaves_in_quiet_times_is_gone_at_once() {
    let mut stage = fleet(&["ann", "ben"]);
    stage.pass(1_000, &["ann", "ben"]);
    let gone = stage.fleet.left("ann", stage.at());
    assert_eq!(gone, Some(Change::Gone("ann".into())));
}

#[test]
fn whom_placements_name_is_missed_for_a_while() {
    let mut stage = fleet(&["ann"]);
    stage.fleet.expected("ben", stage.at());
    assert_eq!(stage.standing("ben"), Some(Standing::Watched));
    assert_eq!(stage.pass(1_975, &["ann"]), []);
    assert_eq!(stage.pass(25, &["ann"]), [Change::Gone("ben".into())]);
}

#[test]
fn a_false_alarm_exempts_for_a_doubling_time() {
    let mut stage = fleet(&["ann", "ben"]);
    for exempt in [1000, 2000] {
        assert_eq!(stage.pass(300, &["ben"]), [Change::Suspected("ann".into())]);
        let alarm = Change::FalseAlarm("ann".into(), Duration::from_millis(exempt));
        assert_eq!(stage.beat("ann", 0), [alarm]);
        assert_eq!(stage.standing("ann"), Some(Standing::Serving));
        assert_eq!(stage.pass(exempt - 100, &["ben"]), []);
        assert_eq!(stage.pass(100, &["ann", "ben"]), []);
    }
}

#[test]
fn another_life_of_a_name_is_another_worker() {
    let mut stage = fleet(&["ben"]);
    let joined = stage.fleet.announced(member("ann", 2), stage.at());
    assert_eq!(joined, Some(Change::Joined("ann".into())));
    assert_eq!(
        stage.pass(300, &["ann", "ben"]),
        [Change::Suspected("ann".into())]
    );
    let joined = stage.fleet.announced(member("ann", 3), stage.at());
    assert_eq!(joined, Some(Change::Joined("ann".into())));
}

#[test]
fn an_entry_neither_ends_a_suspicion_nor_prevents_one() {
    let mut stage = fleet(&["ann", "ben"]);
    let mut changes = Vec::new();
    for _ in 0..5 {
        changes.extend(stage.fleet.announced(member("ann", 1), stage.at()));
        changes.extend(stage.pass(1000, &["ben"]));
    }
    assert_eq!(changes, [Change::Suspected("ann".into())]);
    assert_eq!(stage.standing("ann"), Some(Standing::Suspected));
    // It counts as a sign that the worker is there.
    changes = stage.pass(2000, &["ben"]);
    assert_eq!(changes, [Change::Gone("ann".into())]);
}

#[test]
fn entries_that_go_on_do_not_hide_that_nobody_is_heard() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut stage = fleet(&names);
    stage.pass(1000, &names);
    let mut changes = Vec::new();
    for _ in 0..6 {
        for name in names {
            changes.extend(stage.fleet.announced(member(name, 1), stage.at()));
            changes.extend(stage.pass(100, &[]));
        }
    }
    assert_eq!(changes, [Change::Silence]);
    let back = stage.pass(1000, &names);
    assert_eq!(back, [Change::Heard(Duration::from_millis(6100))]);
}

#[test]
fn a_late_worker_keeps_what_it_has() {
    let mut stage = fleet(&["ann"]);
    stage.beat("ann", 200);
    assert_eq!(stage.standing("ann"), Some(Standing::Watched));
    stage.beat("ann", 0);
    assert_eq!(stage.standing("ann"), Some(Standing::Serving));
}

#[test]
fn a_drain_holds_for_one_life_and_a_cordon_for_the_name() {
    let mut stage = fleet(&["ann"]);
    let duty = |life, duty| WorkerControl {
        life,
        duty,
        order: Order::default(),
    };
    stage.fleet.duty("ann".into(), duty(1, Duty::Drain));
    assert_eq!(stage.standing("ann"), Some(Standing::Draining));
    stage.fleet.announced(member("ann", 2), stage.at());
    assert_eq!(stage.standing("ann"), Some(Standing::Serving));
    stage.fleet.duty("ann".into(), duty(1, Duty::Cordon));
    assert_eq!(stage.standing("ann"), Some(Standing::Cordoned));
    let draining = Member {
        draining: true,
        ..member("ann", 2)
    };
    stage.fleet.announced(draining, stage.at());
    assert_eq!(
        stage.standing("ann"),
        Some(Standing::Draining),
        "its own word"
    );
}
