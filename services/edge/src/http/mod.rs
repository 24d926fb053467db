//! HTTP on the port of the websocket: login, tickets, maps, the web client, health and metrics.

mod access;
mod guest;
mod maps;
mod oidc;
mod origin;
mod problem;
mod resources;
mod router;
mod start;
mod throttle;
mod web_client;

pub(crate) use origin::origin_allowed;
pub(crate) use problem::Problem;
pub(crate) use router::router;
