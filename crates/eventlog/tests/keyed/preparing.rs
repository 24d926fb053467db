//! What an aggregate finds out before it decides: it is there for the decision, it is found out
//! anew when somebody else has written, it is not stored, and when it breaks nothing else does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eventlog::keyed::{Aggregate, Context, EntryOf, Input, Verdict, load, serve_keyed};
use eventlog::{EventLog, Requester};
use schemas::keyed::{KeyedEntry, Refusal};
use schemas::subjects::{Domain, keyed_events};
use schemas::{EdgeId, Sequence, UnixMillis, encode};
use serde::{Deserialize, Deserializer, Serialize};
use tokio_util::sync::CancellationToken;

use crate::realm::{LONG, Realm, of_both};

const KEY: &str = "scales";

of_both!(
    what_was_found_out_is_decided_on_and_not_stored,
    after_somebody_elses_event_it_is_found_out_anew,
    what_breaks_while_preparing_is_refused_as_a_fault,
);

/// Weighs things: how much is found out while preparing, from what lies there already.
struct Scales {
    log: EventLog,
    /// Somebody else puts so much on them while the first thing is weighed.
    meddler: u64,
    weighed: AtomicU64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Thing {
    Stone,
    Bomb,
}

/// A thing, and what it weighs together with what lies there.
struct Weighed(Thing, Option<u64>);

impl<'de> Deserialize<'de> for Weighed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Thing::deserialize(deserializer).map(|thing| Self(thing, None))
    }
}

impl Aggregate for Scales {
    const DOMAIN: Domain = Domain::Lobby;
    type Command = Weighed;
    type Event = u64;
    type State = u64;
    type Answer = u64;

    async fn prepare(&self, key: &str, state: &u64, command: Weighed, _: &Context) -> Weighed {
        let Weighed(thing, _) = command;
        assert!(!matches!(thing, Thing::Bomb), "it went off");
        if self.weighed.fetch_add(1, Ordering::Relaxed) == 0 && self.meddler > 0 {
            meddle(&self.log, key, self.meddler).await;
        }
        tokio::task::yield_now().await;
        Weighed(thing, Some(state + 7))
    }

    fn decide(&self, _: &str, _: &u64, input: Input<'_, Weighed>, _: &Context) -> Verdict<u64> {
        match input {
            Input::Command(Weighed(_, Some(total))) => Verdict::events([*total]),
            _ => Verdict::refused(Refusal::new("unprepared", "nothing was found out")),
        }
    }

    fn evolve(state: &mut u64, event: &u64) {
        *state = *event;
    }

    fn answer(&self, _: &str, state: &u64, _: &Weighed, _: &Context) -> u64 {
        *state
    }
}

async fn meddle(log: &EventLog, key: &str, total: u64) {
    let commands = log.stream_info(Domain::Lobby.command_stream()).await;
    let entry = KeyedEntry {
        v: 1,
        at: UnixMillis::now(),
        incarnation: commands.unwrap().incarnation,
        handled: Sequence(0),
        events: vec![total],
        state: total,
        outbox: schemas::keyed::Outbox::default(),
        answered: None,
    };
    let subject = keyed_events(Domain::Lobby, key);
    let mut appender = log.appender(&subject).await.unwrap();
    appender.append(encode(&entry).into(), None).await.unwrap();
}

/// Asks scales that somebody meddles with; the answers, how often was weighed, what is stored.
async fn weigh(
    realm: &Realm,
    meddler: u64,
    things: impl IntoIterator<Item = Thing>,
) -> (Vec<Result<u64, Refusal>>, u64, EntryOf<Scales>) {
    let scales = Arc::new(Scales {
        log: realm.log.clone(),
        meddler,
        weighed: AtomicU64::new(0),
    });
    let shutdown = CancellationToken::new();
    let serving = serve_keyed(realm.log.clone(), scales.clone(), shutdown.clone());
    let serving = tokio::spawn(serving);
    let requester = Requester::new(realm.log.clone(), EdgeId(10)).await.unwrap();
    let mut answers = Vec::new();
    for thing in things {
        let answer = requester.ask(Domain::Lobby, KEY, &thing, LONG).await;
        answers.push(answer.expect("an answer"));
    }
    shutdown.cancel();
    serving.await.unwrap().unwrap();
    let (_, entry) = load::<Scales>(&realm.log, KEY).await.unwrap().unwrap();
    (answers, scales.weighed.load(Ordering::Relaxed), entry)
}

async fn what_was_found_out_is_decided_on_and_not_stored(realm: Realm) {
    let (answers, weighed, entry) = weigh(&realm, 0, [Thing::Stone, Thing::Stone]).await;
    assert_eq!(answers, [Ok(7), Ok(14)]);
    assert_eq!((weighed, entry.events), (2, vec![14]));
}

async fn after_somebody_elses_event_it_is_found_out_anew(realm: Realm) {
    let (answers, weighed, _) = weigh(&realm, 100, [Thing::Stone]).await;
    assert_eq!((answers, weighed), (vec![Ok(107)], 2));
}

async fn what_breaks_while_preparing_is_refused_as_a_fault(realm: Realm) {
    let (answers, _, _) = weigh(&realm, 0, [Thing::Bomb, Thing::Stone]).await;
    assert_eq!(answers[0].as_ref().unwrap_err().code, "fault");
    assert_eq!(answers[1], Ok(7));
}
