//! Runs a schedule and judges what has come of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ambient::simulation::Process;
use eventlog::EventLog;
use eventlog::simulation::Network;
use schemas::Digest;
use tokio::time::Instant;

use crate::check::{self, Finding};
use crate::gate::Play;
use crate::realm::{Realm, WALL};
use crate::schedule::Schedule;

/// After the last harm everything must be settled within this time: the longest patience before
/// something is sent again is 64 s.
const SETTLED_WITHIN: Duration = Duration::from_secs(150);
/// How often that is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// What has come of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What should not be.
    pub findings: Vec<Finding>,
    /// Of everything that was ever stored, in order: the same for the same schedule.
    pub digest: Digest,
    /// How much time has passed in the realm.
    pub simulated: Duration,
    /// Frames of areas.
    pub frames: usize,
    /// Ownership frames among them.
    pub owners: u64,
    /// Commands decided.
    pub commands: usize,
    /// Effects delivered.
    pub effects: usize,
    /// Times that somebody went through a door.
    pub doors: usize,
    /// Processes that ended by themselves, drained or by an error, and were started again.
    pub fell: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:?} simulated: {} frames under {} owners, {} commands, {} effects, {} doors; {} processes ended by themselves",
            self.simulated,
            self.frames,
            self.owners,
            self.commands,
            self.effects,
            self.doors,
            self.fell.len()
        )?;
        self.findings
            .iter()
            .try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

/// Runs `schedule` from its beginning to its judgement.
///
/// # Errors
/// When the simulation itself cannot run.
pub fn run(schedule: &Schedule) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(simulate(schedule))
}

async fn simulate(schedule: &Schedule) -> anyhow::Result<Outcome> {
    let broker = Process::new("broker", schedule.seed, WALL);
    let began = Instant::now();
    let network = broker.within(Network::new);
    let play = Arc::new(Play::of(schedule.players));
    let (seen, log) = (Arc::clone(&play), network.observer());
    let following = async move { seen.whereabouts.follow(log).await };
    drop(tokio::spawn(broker.run(following)));

    let mut realm = Realm::start(schedule, &broker, &network, &play);
    for step in &schedule.steps {
        realm.pass(began + step.at).await;
        realm.act(&step.action);
    }
    realm.pass(began + schedule.length).await;
    realm.heal().await;
    play.leaving.store(true, Ordering::Relaxed);
    let observer = network.observer();
    let mut unsettled = settle(&mut realm, &play, &observer, &broker).await?;
    let simulated = began.elapsed();
    let judged = broker.run(check::judge(&observer)).await?;
    unsettled.extend(judged.findings);
    Ok(Outcome {
        findings: unsettled,
        simulated,
        fell: realm.fell.iter().map(ToString::to_string).collect(),
        digest: judged.digest,
        frames: judged.frames,
        owners: judged.owners,
        commands: judged.commands,
        effects: judged.effects,
        doors: judged.doors,
    })
}

/// Waits until everybody has left and everything is confirmed; what is not in the end.
async fn settle(
    realm: &mut Realm,
    play: &Play,
    log: &EventLog,
    broker: &Process,
) -> anyhow::Result<Vec<Finding>> {
    let until = Instant::now() + SETTLED_WITHIN;
    loop {
        realm.pass(Instant::now() + LOOK).await;
        let mut missing = Vec::new();
        for character in play.staying() {
            missing.push(format!("character {character} has not come home"));
        }
        for (area, asleep) in &play.whereabouts.known().asleep {
            if !asleep {
                missing.push(format!("{area} has not gone to sleep"));
            }
        }
        if missing.is_empty() {
            missing.extend(broker.run(check::pending(log)).await?);
        }
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        if Instant::now() >= until {
            let finding = |message| Finding::new("liveness", message);
            return Ok(missing.into_iter().map(finding).collect());
        }
    }
}
