//! HTTP on the port of the websocket: login, accounts, tickets, maps, the web client, health and metrics.

pub(crate) mod access;
mod body;
mod characters;
mod cookies;
mod guest;
mod in_path;
mod jwks;
mod maps;
mod oidc;
mod openapi;
mod origin;
mod password;
mod past_router;
mod problem;
mod resources;
mod router;
mod sessions;
mod start;
mod throttle;
mod tokens;
mod web_client;

pub(crate) use origin::origin_allowed;
pub(crate) use past_router::past_router;
pub(crate) use problem::Problem;
pub(crate) use router::router;
pub(crate) use start::WEBSOCKET;
