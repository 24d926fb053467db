//! The sections that more than one program reads.

use std::net::{Ipv4Addr, SocketAddr};

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::error::ConfigError;
use super::layers::Sources;
use super::secret::Secret;
use super::section::{Section, Wrong};
use super::span::Span;
use crate::telemetry::parse_filter;

/// How to reach the broker: `[broker]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerConfig {
    /// Address of the NATS server, `nats://` or `tls://`, without credentials.
    /// Default `nats://127.0.0.1:4222`; `WORLDLINE_BROKER_URL`.
    pub url: String,
    /// The broker user of this service; none to connect without one. `WORLDLINE_BROKER_USER`.
    pub user: Option<String>,
    /// That user's password. `WORLDLINE_BROKER_PASSWORD`.
    pub password: Option<Secret>,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".into(),
            user: None,
            password: None,
        }
    }
}

impl Section for BrokerConfig {
    const NAME: &'static str = "broker";

    fn check(&self) -> Result<(), Wrong> {
        let after_scheme = ["nats://", "tls://"]
            .iter()
            .find_map(|scheme| self.url.strip_prefix(scheme));
        match after_scheme {
            // The address is logged, credentials must not be.
            _ if self.url.contains('@') => Err(Wrong::new(
                "url",
                "credentials do not belong into the address: set `user` and `password`",
            )),
            None | Some("") => Err(Wrong::new(
                "url",
                format!(
                    "`{}` is not an address such as `nats://127.0.0.1:4222`",
                    self.url
                ),
            )),
            Some(_) if self.password.is_some() && self.user.is_none() => {
                Err(Wrong::new("password", "there is a password but no `user`"))
            }
            Some(_) => Ok(()),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object a line for machines.
    Json,
}

/// What is logged, and how: `[telemetry]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// A level, optionally with exceptions: `info`, `info,edge=debug`. Default
    /// `info,async_nats=warn`; `WORLDLINE_TELEMETRY_LOG`.
    pub log: String,
    /// `text` or `json`. Default `text`; `WORLDLINE_TELEMETRY_FORMAT`.
    pub format: LogFormat,
    /// A timed step that took longer than this is logged as a warning. In milliseconds, default 100;
    /// `WORLDLINE_TELEMETRY_SLOW_MS`.
    pub slow_ms: u64,
    /// One in so many commands is traced; 0 for none, 1 for all. Default 1000; `WORLDLINE_TELEMETRY_SAMPLE`.
    pub sample: u64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log: "info,async_nats=warn".into(),
            format: LogFormat::Text,
            slow_ms: 100,
            sample: 1000,
        }
    }
}

impl Section for TelemetryConfig {
    const NAME: &'static str = "telemetry";

    fn check(&self) -> Result<(), Wrong> {
        parse_filter(&self.log).map_err(|why| Wrong::new("log", why))?;
        if self.slow_ms == 0 {
            return Err(Wrong::new(
                "slow_ms",
                "0 would log every step; give at least 1",
            ));
        }
        Ok(())
    }
}

/// Where metrics and health are served: `[ops]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenConfig {
    /// IP address and port. Default `127.0.0.1:0`, that is any free port, which is then logged;
    /// `WORLDLINE_OPS_ADDRESS`.
    #[serde(deserialize_with = "socket_address")]
    pub address: SocketAddr,
}

/// An IP address and port, with an example for who wrote something else; for `#[serde(deserialize_with)]`.
pub fn socket_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |_| {
        D::Error::custom(format!(
            "`{text}` is not an IP address and port such as `127.0.0.1:9600`"
        ))
    };
    text.parse().map_err(wrong)
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

impl Section for ListenConfig {
    const NAME: &'static str = "ops";
}

/// What [`main_of`](crate::main_of) needs to run any service.
#[derive(Debug, Clone)]
pub struct ProcessConfig {
    /// `[telemetry]`
    pub telemetry: TelemetryConfig,
    /// `[ops]`; none where another listener of the process serves it (the edge's) or nobody needs it.
    pub ops: Option<ListenConfig>,
    /// From the signal until a service that has not stopped is left behind. Default `15s`;
    /// `process.grace`, `WORLDLINE_PROCESS_GRACE`.
    pub grace: Span,
}

impl Default for ProcessConfig {
    fn default() -> Self {
        Self {
            telemetry: TelemetryConfig::default(),
            ops: None,
            grace: GraceSection::default().grace,
        }
    }
}

impl ProcessConfig {
    /// All of it, from the sections `telemetry`, `ops` and `process`.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let GraceSection { grace } = sources.load()?;
        Ok(Self {
            telemetry: sources.load()?,
            ops: Some(sources.load()?),
            grace,
        })
    }
}

/// `[process]`, of which [`ProcessConfig`] is the public face.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GraceSection {
    grace: Span,
}

impl Default for GraceSection {
    fn default() -> Self {
        Self {
            grace: Span::from_secs(15),
        }
    }
}

impl Section for GraceSection {
    const NAME: &'static str = "process";
}
