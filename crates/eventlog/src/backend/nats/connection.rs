//! Connections, and what they tell about themselves.

use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerError};
use serde_json::Value;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::backend::{AskFault, Lane};
use crate::connect::Connect;
use crate::error::ConnectError;

/// How long the first connection is tried for.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// One attempt at it.
const CONNECT_ATTEMPT: Duration = Duration::from_secs(5);
/// The longest pause between attempts to come back.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How often a connection is tried for life; two unanswered, and it is taken for dead.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Messages that may wait in one subscription before it drops: almost three minutes of an area.
const SUBSCRIPTION_CAPACITY: usize = 4096;
/// The oldest server that does what is relied on.
const OLDEST_SERVER: (i64, i64, i64) = (2, 12, 0);

/// One connection with its ears.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Rises when messages may have been missed.
    pub(super) disturbed: watch::Sender<u64>,
    /// Subjects the user was refused.
    pub(super) denied: broadcast::Sender<String>,
}

/// The real broker.
pub(crate) struct NatsBackend {
    pub(super) hot: Connection,
    pub(super) fan_out: Connection,
    pub(super) bulk: Connection,
}

impl NatsBackend {
    pub(crate) async fn connect(options: &Connect) -> Result<Self, ConnectError> {
        let (hot, fan_out, bulk) = tokio::try_join!(
            Connection::open(options, "hot"),
            Connection::open(options, "fan-out"),
            Connection::open(options, "bulk"),
        )?;
        let (major, minor, patch) = OLDEST_SERVER;
        if !hot.client.is_server_compatible(major, minor, patch) {
            return Err(ConnectError::Unfit {
                url: options.url.clone(),
                reason: format!(
                    "it is version {}, and {major}.{minor}.{patch} or later is needed",
                    hot.client.server_info().version
                ),
            });
        }
        hot.expect_jetstream(options).await?;
        Ok(Self { hot, fan_out, bulk })
    }

    pub(super) fn on(&self, lane: Lane) -> &Connection {
        match lane {
            Lane::Hot => &self.hot,
            Lane::FanOut => &self.fan_out,
            Lane::Bulk => &self.bulk,
        }
    }
}

impl Connection {
    /// Waits for a broker that is starting; says so of one that runs without `JetStream`.
    async fn expect_jetstream(&self, options: &Connect) -> Result<(), ConnectError> {
        let deadline = Instant::now() + CONNECT_DEADLINE;
        loop {
            match self.api("INFO", &Value::Null).await {
                // Whoever may not ask will be told so by what it asks for.
                Ok(_) | Err(AskFault::Denied(_)) => return Ok(()),
                Err(AskFault::Silent(_)) if Instant::now() < deadline => {
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                Err(fault) => {
                    return Err(ConnectError::Unfit {
                        url: options.url.clone(),
                        reason: format!("it does not answer for JetStream: {fault:?}"),
                    });
                }
            }
        }
    }

    async fn open(options: &Connect, purpose: &'static str) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + CONNECT_DEADLINE;
        loop {
            let (disturbed, _) = watch::channel(0);
            let (denied, _) = broadcast::channel(64);
            let settings = settings(options, purpose, disturbed.clone(), denied.clone());
            let servers: Vec<&str> = options.url.split(',').map(str::trim).collect();
            let error = match settings.connect(servers.as_slice()).await {
                Ok(client) => {
                    return Ok(Self {
                        client,
                        disturbed,
                        denied,
                    });
                }
                Err(error) => error,
            };
            match error.kind() {
                ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                    return Err(ConnectError::Refused {
                        url: options.url.clone(),
                        user: options.user.clone().unwrap_or_default(),
                    });
                }
                ConnectErrorKind::ServerParse => {
                    return Err(unreachable_at(options, "that is no address of a broker"));
                }
                _ if Instant::now() >= deadline => {
                    return Err(unreachable_at(options, &error.to_string()));
                }
                _ => tokio::time::sleep(RECONNECT_PAUSE).await,
            }
        }
    }
}

fn unreachable_at(options: &Connect, reason: &str) -> ConnectError {
    ConnectError::Unreachable {
        url: options.url.clone(),
        reason: reason.to_owned(),
    }
}

fn settings(
    options: &Connect,
    purpose: &'static str,
    disturbed: watch::Sender<u64>,
    denied: broadcast::Sender<String>,
) -> ConnectOptions {
    let settings = match (&options.user, &options.password) {
        (Some(user), Some(password)) => {
            ConnectOptions::with_user_and_password(user.clone(), password.clone())
        }
        _ => ConnectOptions::new(),
    };
    settings
        .name(format!("{} {purpose}", options.name))
        .custom_inbox_prefix(format!("_INBOX.{}", options.role))
        .connection_timeout(CONNECT_ATTEMPT)
        .ping_interval(PING_INTERVAL)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .reconnect_delay_callback(|attempts| {
            let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
            RECONNECT_PAUSE.min(Duration::from_millis(20).saturating_mul(attempts))
        })
        .event_callback(move |event| {
            heard(&event, purpose, &disturbed, &denied);
            std::future::ready(())
        })
}

fn heard(
    event: &Event,
    purpose: &'static str,
    disturbed: &watch::Sender<u64>,
    denied: &broadcast::Sender<String>,
) {
    match event {
        Event::Connected => {
            tracing::debug!(connection = purpose, "connected to the broker");
            disturbed.send_modify(|count| *count += 1);
        }
        Event::Disconnected => {
            tracing::warn!(connection = purpose, "lost the broker; reconnecting");
        }
        Event::SlowConsumer(subscription) => {
            tracing::warn!(
                connection = purpose,
                subscription,
                "a subscription was read too slowly and has dropped messages; filling the gap"
            );
            disturbed.send_modify(|count| *count += 1);
        }
        Event::ServerError(ServerError::Other(text)) => match denied_subject(text) {
            Some(subject) => {
                tracing::error!(
                    connection = purpose,
                    subject,
                    "the broker's user may not use this subject"
                );
                // Nobody may be waiting for it: a core publish is not waited for.
                denied.send(subject.to_owned()).ok();
            }
            None => tracing::warn!(connection = purpose, error = %text, "the broker complains"),
        },
        other => tracing::debug!(connection = purpose, event = %other, "connection event"),
    }
}

/// The subject in `Permissions Violation for Publish to "subject"`.
fn denied_subject(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    lower.contains("permissions violation").then_some(())?;
    text.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::denied_subject;

    #[test]
    fn a_refused_subject_is_found_in_the_brokers_words() {
        let text = r#"Permissions Violation for Publish to "evt.area.harbor-1""#;
        assert_eq!(denied_subject(text), Some("evt.area.harbor-1"));
        let text = r#"permissions violation for subscription to "live.>" using queue "q""#;
        assert_eq!(denied_subject(text), Some("live.>"));
        assert_eq!(denied_subject("maximum connections exceeded"), None);
    }
}
