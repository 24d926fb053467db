//! Connections, and what they tell about themselves.
//!
//! In a cluster a connection is to one node. When that node dies, what was asked and not answered is given up at once and
//! asked again through another; when it is told to leave, its clients leave before it does; when it falls silent, that
//! is found out by pings, and the next node is tried.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerError};
use serde_json::Value;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::backend::{AskFault, Lane};
use crate::connect::Connect;
use crate::error::ConnectError;

/// How long the first connection is tried for.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// One attempt at one server: a stopped one takes connections and says nothing.
const CONNECT_ATTEMPT: Duration = Duration::from_secs(2);
/// The longest pause between attempts to come back.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How often a connection is tried for life; two unanswered, and with the third it is taken for dead: within 6 s, which
/// an election may take too.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// Clients of a node that is to leave go within this time, not all at once. It waits 5 s before it cuts them off.
const LEAVE_WITHIN: Duration = Duration::from_millis(500);
/// Messages that may wait in one subscription before it drops: almost three minutes of an area.
const SUBSCRIPTION_CAPACITY: usize = 4096;
/// The oldest server that does what is relied on.
const OLDEST_SERVER: (i64, i64, i64) = (2, 12, 0);

/// One connection with its ears.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// Rises when messages may have been missed.
    pub(super) disturbed: watch::Sender<u64>,
    /// Rises when the connection is lost: no answer comes to what was asked before.
    pub(super) lost: watch::Sender<u64>,
    /// Subjects the user was refused.
    pub(super) denied: broadcast::Sender<String>,
    _leaving: AbortOnDropHandle<()>,
}

/// What a connection's events go to.
#[derive(Clone)]
struct Ears {
    purpose: &'static str,
    disturbed: watch::Sender<u64>,
    lost: watch::Sender<u64>,
    denied: broadcast::Sender<String>,
    /// The server is about to leave.
    leave: Arc<Notify>,
}

/// The real broker.
pub(crate) struct NatsBackend {
    pub(super) hot: Connection,
    pub(super) fan_out: Connection,
    pub(crate) bulk: Connection,
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
            let ears = Ears {
                purpose,
                disturbed: watch::channel(0).0,
                lost: watch::channel(0).0,
                denied: broadcast::channel(64).0,
                leave: Arc::new(Notify::new()),
            };
            let settings = settings(options, ears.clone());
            let servers: Vec<&str> = options.url.split(',').map(str::trim).collect();
            let error = match settings.connect(servers.as_slice()).await {
                Ok(client) => {
                    let leaving = leave(client.clone(), purpose, Arc::clone(&ears.leave));
                    return Ok(Self {
                        client,
                        disturbed: ears.disturbed,
                        lost: ears.lost,
                        denied: ears.denied,
                        _leaving: AbortOnDropHandle::new(tokio::spawn(leaving)),
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

/// Moves to another server when this one is told to leave.
async fn leave(client: Client, purpose: &'static str, asked: Arc<Notify>) {
    loop {
        asked.notified().await;
        tracing::info!(
            connection = purpose,
            "this broker is about to leave; going to another"
        );
        tokio::time::sleep(LEAVE_WITHIN.mul_f64(rand::random())).await;
        if let Err(error) = client.force_reconnect().await {
            tracing::warn!(%error, "the connection cannot be renewed");
        }
    }
}

fn settings(options: &Connect, ears: Ears) -> ConnectOptions {
    let settings = match (&options.user, &options.password) {
        (Some(user), Some(password)) => {
            ConnectOptions::with_user_and_password(user.clone(), password.clone())
        }
        _ => ConnectOptions::new(),
    };
    settings
        .name(format!("{} {}", options.name, ears.purpose))
        .custom_inbox_prefix(format!("_INBOX.{}", options.role))
        .connection_timeout(CONNECT_ATTEMPT)
        .ping_interval(PING_INTERVAL)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .reconnect_delay_callback(|attempts| {
            let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
            RECONNECT_PAUSE.min(Duration::from_millis(20).saturating_mul(attempts))
        })
        .event_callback(move |event| {
            ears.heard(&event);
            std::future::ready(())
        })
}

impl Ears {
    fn heard(&self, event: &Event) {
        let connection = self.purpose;
        match event {
            Event::Connected => {
                tracing::debug!(connection, "connected to the broker");
                self.disturbed.send_modify(|count| *count += 1);
            }
            Event::Disconnected => {
                tracing::warn!(connection, "lost the broker; reconnecting");
                self.lost.send_modify(|count| *count += 1);
            }
            Event::LameDuckMode => self.leave.notify_one(),
            Event::SlowConsumer(subscription) => {
                tracing::warn!(
                    connection,
                    subscription,
                    "a subscription was read too slowly and has dropped messages; filling the gap"
                );
                self.disturbed.send_modify(|count| *count += 1);
            }
            Event::ServerError(ServerError::Other(text)) => match denied_subject(text) {
                Some(subject) => {
                    tracing::error!(
                        connection,
                        subject,
                        "the broker's user may not use this subject"
                    );
                    // Nobody may be waiting for it: a core publish is not waited for.
                    self.denied.send(subject.to_owned()).ok();
                }
                None => tracing::warn!(connection, error = %text, "the broker complains"),
            },
            other => tracing::debug!(connection, event = %other, "connection event"),
        }
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
