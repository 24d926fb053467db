//! The domains whose effects concern nobody else: each is read by itself, before what is folded in causal order.

use std::time::Instant;

use eventlog::{Follow, Record};
use schemas::Sequence;
use schemas::account::{Account, AccountEvent};
use schemas::control::{FleetEvent, WorkerControl};
use schemas::credential::{Credential, CredentialEvent};
use schemas::name::{Name, NameEvent};
use schemas::subjects::Domain;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::checkpoint::{self, Verified};
use super::keyed::{Keys, Read, read};
use super::report::Report;
use super::{NOTED_EVERY, Run};
use crate::ReplayError;
use crate::progress::Progress;
use crate::reading::{From, Reading};
use crate::skipped::Skips;

/// One of them, and how far it has been read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Alone {
    keys: Keys,
    pub(super) read_to: Sequence,
}

impl Alone {
    fn check<E: DeserializeOwned, S: DeserializeOwned>(
        &mut self,
        domain: Domain,
        record: &Record,
        report: &mut Report,
    ) {
        match read::<E, S>(domain, record) {
            Read::Entry(key, entry) => self.keys.check(domain, record, &key, &entry, report),
            Read::Unreadable(why) => {
                let (stream, subject) = (domain.event_stream(), Some(record.subject.as_str()));
                report.find("decode", stream, record.sequence, subject, why);
            }
        }
        self.read_to = record.sequence;
    }
}

/// Reads all of them on to their heads.
pub(super) async fn verify(run: &Run<'_>, verified: &mut Verified) -> Result<(), ReplayError> {
    let domains = [
        Domain::Identity,
        Domain::Credential,
        Domain::Name,
        Domain::Fleet,
    ];
    let mut total = 0;
    for domain in domains {
        total += run.past.span(domain.event_stream()).await?.messages;
    }
    let mut reading = Checking {
        run,
        verified,
        skips: Skips::new(run.args.answer.tolerant),
        progress: Progress::new("entries verified", total),
        noted: Instant::now(),
    };
    reading
        .domain::<AccountEvent, Account>(Domain::Identity)
        .await?;
    reading
        .domain::<CredentialEvent, Credential>(Domain::Credential)
        .await?;
    reading.domain::<NameEvent, Name>(Domain::Name).await?;
    reading
        .domain::<FleetEvent, WorkerControl>(Domain::Fleet)
        .await?;
    reading.keep_skipped();
    Ok(())
}

/// The reading of them.
struct Checking<'a> {
    run: &'a Run<'a>,
    verified: &'a mut Verified,
    skips: Skips,
    progress: Progress,
    noted: Instant,
}

impl Checking<'_> {
    async fn domain<E: DeserializeOwned, S: DeserializeOwned>(
        &mut self,
        domain: Domain,
    ) -> Result<(), ReplayError> {
        let (token, stream) = (domain.token(), domain.event_stream());
        let mut alone = self.verified.alone.remove(token).unwrap_or_default();
        let from = From::After(alone.read_to);
        let mut reader = Reading::open(self.run.past, stream, Vec::new(), from, Follow::UntilHead);
        while let Some(record) = reader.next(&mut self.skips).await? {
            alone.check::<E, S>(domain, &record, &mut self.verified.books.report);
            self.progress.step();
            let Some(path) = &self.run.args.checkpoint else {
                continue;
            };
            let asked = self.run.interrupt.asked();
            if asked || self.noted.elapsed() >= NOTED_EVERY {
                self.verified.alone.insert(token.to_owned(), alone);
                self.keep_skipped();
                checkpoint::save(path, self.run.past, &self.verified.lend()).await?;
                self.noted = Instant::now();
                if asked {
                    return Err(ReplayError::Interrupted(format!(
                        "{stream} is verified up to {}; the same command goes on from {}",
                        record.sequence,
                        path.display()
                    )));
                }
                alone = self.verified.alone.remove(token).unwrap_or_default();
            }
        }
        self.verified.alone.insert(token.to_owned(), alone);
        Ok(())
    }

    /// Makes what was left out part of the report.
    fn keep_skipped(&mut self) {
        let report = &mut self.verified.books.report;
        report.skipped.extend(self.skips.take());
    }
}

#[cfg(test)]
mod tests {
    use eventlog::EventLog;
    use past::Past;
    use schemas::control::{Duty, Order};
    use schemas::keyed::{KeyedEntry, Outbox};
    use schemas::subjects::keyed_events;
    use schemas::{Incarnation, UnixMillis};

    use super::super::whole;
    use super::*;
    use crate::cli::VerifyArgs;
    use crate::exit;
    use crate::interrupt::Interrupt;

    const ENTRIES: u64 = 5;

    async fn log(begun: u64) -> EventLog {
        let (log, _) = EventLog::in_memory();
        let subject = keyed_events(Domain::Fleet, "w1");
        let mut appender = log.appender(&subject).await.unwrap();
        for handled in 1..=ENTRIES {
            let order = Order {
                by: "op".into(),
                reason: "a test".into(),
            };
            let entry = KeyedEntry {
                v: 1,
                at: UnixMillis(begun + handled),
                incarnation: Incarnation(1),
                handled: Sequence(handled),
                events: vec![FleetEvent::DutySet {
                    life: handled,
                    duty: Duty::Serve,
                    order,
                }],
                state: WorkerControl::default(),
                outbox: Outbox::default(),
                answered: None,
            };
            let payload = schemas::encode(&entry).into();
            appender.append(payload, None).await.unwrap();
        }
        log
    }

    #[tokio::test]
    async fn a_signal_ends_it_before_the_causal_order_begins_and_it_goes_on_there() {
        let directory = tempfile::tempdir().unwrap();
        let checkpoint = directory.path().join("verified");
        let args = VerifyArgs {
            checkpoint: Some(checkpoint.clone()),
            ..VerifyArgs::default()
        };
        let past = Past::of_log(log(0).await);
        let told = Interrupt::default();
        told.ask();
        let run = |interrupt| Run {
            args: &args,
            past: &past,
            interrupt,
        };
        let stopped = whole(&run(told)).await.unwrap_err();
        assert_eq!(stopped.code(), exit::INTERRUPTED, "{stopped}");
        let verified = checkpoint::load(&checkpoint, &past).await.unwrap().unwrap();
        let fleet = &verified.alone[Domain::Fleet.token()];
        assert_eq!(fleet.read_to, Sequence(1));
        assert!(verified.so_far.taken_to.is_empty());

        // Of another log it is refused, although nothing of the causal order is in it.
        let other = Past::of_log(log(1).await);
        let refused = checkpoint::load(&checkpoint, &other).await.unwrap_err();
        assert_eq!(refused.code(), exit::USAGE, "{refused}");

        let report = whole(&run(Interrupt::default())).await.unwrap();
        assert_eq!(report.entries, ENTRIES);
        assert!(report.findings.is_empty(), "{report:?}");
        assert!(!checkpoint.exists());
    }
}
