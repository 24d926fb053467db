//! A consumer that is asked for messages in batches.
//!
//! Two kinds: an ordered one of a reader's own, kept in the broker's memory and without
//! acknowledgements; and a durable one that several share, perhaps pinned to one of them. At most one
//! batch is asked for ahead, and a batch is bounded in messages and bytes, so that neither side
//! holds more than that. While nothing comes, the broker sends a heartbeat every second.

use std::time::Duration;

use async_nats::{Client, Message, Subscriber};
use async_trait::async_trait;
use futures_util::{FutureExt as _, StreamExt as _};
use schemas::{Claim, UnixMillis};
use serde_json::{Value, json};

use super::answer;
use super::connection::Connection;
use crate::backend::{AskFault, RawReader, ReadEvent, ReadSpec, Start};
use crate::work::WorkOptions;

/// Messages in one batch.
const BATCH: u64 = 200;
/// Bytes in one batch; more than the largest message.
const BATCH_BYTES: u64 = 8 << 20;
/// How long one batch may stay unfilled before it is asked for anew.
const EXPIRES: Duration = Duration::from_secs(30);
/// A sign of life this often.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// An ordered consumer nobody asks for this long is removed by the broker.
const INACTIVE: Duration = Duration::from_secs(60);
/// The name of the one priority group of a pinned consumer.
const GROUP: &str = "one";
/// A participant that has neither asked nor been given anything for this long loses the pin.
const PINNED_FOR: Duration = Duration::from_secs(5);
/// A pull of a shared consumer is renewed well within that time; what is given to a participant
/// that has been stopped comes again to another.
const SHARED_EXPIRES: Duration = Duration::from_secs(2);

/// Whose a consumer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A reader's own.
    Ordered,
    /// Shared by several, each message for whoever asks.
    Shared,
    /// Shared by several, all messages for one of them.
    Pinned,
}

/// A consumer's deliveries.
pub(super) struct PullReader {
    client: Client,
    inbox: String,
    subscriber: Subscriber,
    stream: String,
    consumer: String,
    /// Messages asked for and neither delivered nor given up.
    outstanding: u64,
    /// The pin, once the broker has given it. Only for pinned consumers.
    pin: Option<String>,
    kind: Kind,
}

fn nanos(duration: Duration) -> Value {
    u64::try_from(duration.as_nanos())
        .unwrap_or(u64::MAX)
        .into()
}

impl PullReader {
    /// An ordered consumer of the reader's own.
    pub(super) async fn ordered(
        connection: &Connection,
        spec: &ReadSpec,
    ) -> Result<Self, AskFault> {
        let name = format!("r{}", Claim(rand::random()));
        let mut config = json!({
            "name": name,
            "ack_policy": "none",
            "replay_policy": "instant",
            "max_deliver": 1,
            "mem_storage": true,
            "num_replicas": 1,
            "inactive_threshold": nanos(INACTIVE),
        });
        match spec.start {
            Start::After(sequence) => {
                config["deliver_policy"] = "by_start_sequence".into();
                config["opt_start_seq"] = (sequence.0 + 1).into();
            }
            Start::Time(time) => {
                config["deliver_policy"] = "by_start_time".into();
                config["opt_start_time"] = rfc3339(time).into();
            }
            Start::LastPerSubject => config["deliver_policy"] = "last_per_subject".into(),
        }
        filter(&mut config, &spec.filters, spec.start);
        Self::open(connection, &spec.stream, &name, config, Kind::Ordered).await
    }

    /// A durable consumer shared with others.
    pub(super) async fn durable(
        connection: &Connection,
        options: &WorkOptions,
    ) -> Result<Self, AskFault> {
        let mut config = json!({
            "name": options.durable,
            "durable_name": options.durable,
            "ack_policy": "explicit",
            "deliver_policy": "all",
            "replay_policy": "instant",
            "ack_wait": nanos(options.ack_wait),
            "max_ack_pending": options.max_ack_pending,
            "max_deliver": -1,
            "filter_subject": options.filter,
        });
        let kind = if options.pinned {
            config["priority_groups"] = json!([GROUP]);
            config["priority_policy"] = "pinned_client".into();
            config["priority_timeout"] = nanos(PINNED_FOR);
            Kind::Pinned
        } else {
            Kind::Shared
        };
        Self::open(connection, &options.stream, &options.durable, config, kind).await
    }

    async fn open(
        connection: &Connection,
        stream: &str,
        name: &str,
        config: Value,
        kind: Kind,
    ) -> Result<Self, AskFault> {
        let request = match config.get("filter_subject").and_then(Value::as_str) {
            Some(filter) => format!("CONSUMER.CREATE.{stream}.{name}.{filter}"),
            None => format!("CONSUMER.CREATE.{stream}.{name}"),
        };
        let content = json!({ "stream_name": stream, "config": config });
        connection.api(&request, &content).await?;
        let inbox = connection.client.new_inbox();
        let subscriber = connection.client.subscribe(inbox.clone()).await;
        let subscriber = subscriber.map_err(|error| AskFault::Silent(error.to_string()))?;
        Ok(Self {
            client: connection.client.clone(),
            inbox,
            subscriber,
            stream: stream.to_owned(),
            consumer: name.to_owned(),
            outstanding: 0,
            pin: None,
            kind,
        })
    }

    /// Asks for the next batch when half of the last one has come. Cancel safe: what was not
    /// handed to the connection is not counted.
    async fn ask_ahead(&mut self) -> Result<(), String> {
        if self.outstanding > BATCH / 2 {
            return Ok(());
        }
        let expires = match self.kind {
            Kind::Ordered => EXPIRES,
            Kind::Shared | Kind::Pinned => SHARED_EXPIRES,
        };
        let mut pull = json!({
            "batch": BATCH,
            "max_bytes": BATCH_BYTES,
            "expires": nanos(expires),
            "idle_heartbeat": nanos(HEARTBEAT),
        });
        if self.kind == Kind::Pinned {
            pull["group"] = GROUP.into();
            if let Some(pin) = &self.pin {
                pull["id"] = pin.as_str().into();
            }
        }
        let subject = format!(
            "$JS.API.CONSUMER.MSG.NEXT.{}.{}",
            self.stream, self.consumer
        );
        let sent = self
            .client
            .publish_with_reply(subject, self.inbox.clone(), answer::body(&pull));
        sent.await.map_err(|error| error.to_string())?;
        self.outstanding += BATCH;
        Ok(())
    }

    /// What a message means; `None` for one that concerns only this bookkeeping.
    fn read(&mut self, message: Message) -> Option<ReadEvent> {
        let Some(status) = message.status else {
            if self.kind == Kind::Pinned {
                let pin = message
                    .headers
                    .as_ref()
                    .and_then(|map| map.get("Nats-Pin-Id"));
                if let Some(pin) = pin {
                    self.pin = Some(pin.to_string());
                }
            }
            self.outstanding = self.outstanding.saturating_sub(1);
            let delivery = match self.kind {
                Kind::Ordered => answer::unsettled(message),
                Kind::Shared | Kind::Pinned => answer::delivery(message),
            };
            return delivery.map(ReadEvent::Delivered);
        };
        let text = message.description.unwrap_or_default();
        let pending = message.headers.as_ref();
        let pending = pending.and_then(|map| map.get("Nats-Pending-Messages"));
        let pending = pending.and_then(|value| value.as_str().parse::<u64>().ok());
        match status.as_u16() {
            100 => Some(ReadEvent::Idle),
            // The end of one batch: it has expired, or the bytes are used up.
            404 | 408 => {
                self.outstanding = self.outstanding.saturating_sub(pending.unwrap_or(BATCH));
                Some(ReadEvent::Idle)
            }
            409 if text.starts_with("Message Size Exceeds")
                || text.starts_with("Batch Completed") =>
            {
                self.outstanding = self.outstanding.saturating_sub(pending.unwrap_or(BATCH));
                Some(ReadEvent::Idle)
            }
            // Another participant is pinned now; wait in line.
            423 => {
                self.pin = None;
                self.outstanding = self.outstanding.saturating_sub(pending.unwrap_or(BATCH));
                Some(ReadEvent::Idle)
            }
            code => Some(ReadEvent::Lost(format!("{code} {text}"))),
        }
    }
}

/// Writes the filters into a consumer's configuration.
fn filter(config: &mut Value, filters: &[String], start: Start) {
    match filters {
        // The last of each subject needs to be told of which.
        [] if start == Start::LastPerSubject => config["filter_subject"] = ">".into(),
        [] => {}
        [one] => config["filter_subject"] = one.as_str().into(),
        many => config["filter_subjects"] = many.into(),
    }
}

#[async_trait]
impl RawReader for PullReader {
    async fn next(&mut self) -> ReadEvent {
        loop {
            if let Err(reason) = self.ask_ahead().await {
                return ReadEvent::Lost(reason);
            }
            match self.subscriber.next().await {
                None => return ReadEvent::Lost("the connection is closed".to_owned()),
                Some(message) => {
                    if let Some(event) = self.read(message) {
                        return event;
                    }
                }
            }
        }
    }

    fn try_next(&mut self) -> Option<ReadEvent> {
        // Asking for more is `next`'s work.
        while self.outstanding > BATCH / 2 {
            let message = self.subscriber.next().now_or_never()??;
            if let Some(event) = self.read(message) {
                return Some(event);
            }
        }
        None
    }

    async fn close(&mut self) {
        let (request, content) = match (self.kind, &self.pin) {
            (Kind::Ordered, _) => ("DELETE", Value::Null),
            // Whoever is next in line need not wait for the pin to expire.
            (Kind::Pinned, Some(_)) => ("UNPIN", json!({ "group": GROUP })),
            (Kind::Pinned, None) | (Kind::Shared, _) => return,
        };
        let subject = format!(
            "$JS.API.CONSUMER.{request}.{}.{}",
            self.stream, self.consumer
        );
        // Nobody waits for the answer; a consumer left behind goes after a minute, a pin after
        // seconds.
        if let Err(error) = self.client.publish(subject, answer::body(&content)).await {
            tracing::debug!(%error, request, "a consumer was left behind");
        }
    }
}

/// `time` as the broker wants to read it: 2024-02-29T12:00:00.123Z.
pub(crate) fn rfc3339(time: UnixMillis) -> String {
    let (days, in_day) = (time.0 / 86_400_000, time.0 % 86_400_000);
    // Days to a date, after Howard Hinnant's `civil_from_days`.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;
    use schemas::UnixMillis;

    #[test]
    fn times_are_written_as_the_broker_reads_them() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_709_208_000_000, "2024-02-29T12:00:00.000Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(UnixMillis(millis)), text);
        }
    }
}
