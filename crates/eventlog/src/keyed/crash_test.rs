//! A crash before and after every single thing the service asks of the broker.
//!
//! The first life runs over a broker that stops answering at the n-th operation, and is dropped
//! there; the second life runs over the same broker, whole. Whatever n is, in the end every coin
//! is in exactly one purse and every command has had its one answer.

mod halting;
#[path = "../../tests/keyed/purse.rs"]
mod purse;

use std::sync::Arc;
use std::time::Duration;

use schemas::subjects::Domain;
use schemas::{CharacterId, EdgeId};
use tokio_util::sync::CancellationToken;

use self::halting::Halting;
use self::purse::{PurseCommand, Purses};
use super::{load, serve_keyed};
use crate::{EventLog, Requester};

const ANN: CharacterId = CharacterId(1);
const BEN: CharacterId = CharacterId(2);
/// In the clock of the test, which runs ahead whenever everybody waits.
const LONG: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_point_loses_nothing_and_doubles_nothing() {
    let mut crashes = 0;
    while crashed_at(crashes).await {
        crashes += 1;
    }
    // Four commands with three effects: each loaded, appended, sent, confirmed, answered, acknowledged.
    assert!(crashes > 60, "only {crashes} points were tried");
}

/// Plays the story with a crash at point `n`; whether it got that far.
async fn crashed_at(n: u32) -> bool {
    let (log, _) = EventLog::in_memory();
    let story = tokio::spawn(story(log.clone()));

    let halting = Halting::over(log.clone(), n);
    let first = tokio::spawn(serve_keyed(
        halting.log(),
        Arc::new(Purses),
        CancellationToken::new(),
    ));
    let crashed = tokio::select! {
        () = halting.halted() => true,
        () = settled(&log) => false,
    };
    first.abort();
    first.await.unwrap_err();

    let shutdown = CancellationToken::new();
    let second = tokio::spawn(serve_keyed(log.clone(), Arc::new(Purses), shutdown.clone()));
    tokio::time::timeout(LONG, settled(&log))
        .await
        .unwrap_or_else(|_| panic!("not settled after a crash at point {n}"));
    assert_eq!(
        story.await.unwrap(),
        [10, 9, 8, 7],
        "the answers, point {n}"
    );
    assert_eq!(purses(&log).await, (7, 3), "the coins, point {n}");
    shutdown.cancel();
    second.await.unwrap().unwrap();
    crashed
}

/// Ann gets ten coins and gives Ben three, one after the other; what she was answered.
async fn story(log: EventLog) -> Vec<u64> {
    let requester = Requester::new(log, EdgeId(9)).await.unwrap();
    let mut commands = vec![PurseCommand::Put { coins: 10 }];
    commands.extend([(); 3].map(|()| PurseCommand::Give { to: BEN }));
    let mut answers = Vec::new();
    for command in commands {
        let key = ANN.to_string();
        let answer = requester.ask(Domain::Lobby, &key, &command, LONG).await;
        answers.push(answer.unwrap().unwrap());
    }
    answers
}

/// Ben has three coins and nothing is on its way.
async fn settled(log: &EventLog) {
    loop {
        let ann = load::<Purses>(log, &ANN.to_string()).await.unwrap();
        if purses(log).await.1 == 3 && ann.is_some_and(|(_, ann)| ann.outbox.pending.is_empty()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn purses(log: &EventLog) -> (u64, u64) {
    let coins = async |who: CharacterId| {
        let entry = load::<Purses>(log, &who.to_string()).await.unwrap();
        entry.map_or(0, |(_, entry)| entry.state.coins)
    };
    (coins(ANN).await, coins(BEN).await)
}
