//! What every Worldline process shares: configuration, telemetry, metrics, health, shutdown.
//!
//! Nothing in here knows the game or the broker, and everything works when several services run as tasks of
//! one process (`worldline up`) as well as when each has a process of its own. What is once per process by
//! nature (the log subscriber, the metrics recorder) may be installed any number of times: the first wins.
//!
//! A program's `main` is [`parse_args`] and [`main_of`]; `examples/greeter.rs` is a whole one. Several services
//! in one process go through [`run_together`].

mod backoff;
mod config;
mod health;
mod http_client;
pub mod metric_definitions;
mod metric_recorder;
mod oidc_discovery;
mod oidc_issuers;
mod ops_http;
mod service;
mod shutdown;
mod telemetry;
mod timed;
mod trace_context;

pub use backoff::{Backoff, retry_until};
pub use config::{
    BrokerConfig, ConfigArgs, ConfigError, Flags, Known, ListenConfig, LogFormat, Origin,
    ProcessConfig, Secret, Section, Sources, Span, SpanError, TelemetryConfig, Wrong,
    socket_address,
};
pub use health::{Health, HealthCheck, Readiness};
pub use http_client::{Answer, HttpClient, HttpError, UrlError, check_url, form_encoded};
pub use metric_recorder::{MetricsError, install_metrics, render_metrics};
pub use oidc_discovery::{DiscoveryError, OidcDiscovery};
pub use oidc_issuers::{IdTokenAlgorithm, OidcIssuer, OidcIssuers};
pub use ops_http::{ops_router, serve_ops};
pub use service::{Ctx, ServiceFuture, exit_code, main_of, parse_args, run_together};
pub use shutdown::{GraceElapsed, Shutdown};
pub use telemetry::install_telemetry;
pub use timed::{StepEnd, Timed, timed};
pub use trace_context::{Sampler, TraceContext, TraceParseError};

// For `trace_span!` and `end_timed!`, so that a caller needs no particular version of `tracing`.
#[doc(hidden)]
pub use tracing as __tracing;
