//! What an operator may turn: `[edge]`, and the keys that `up` makes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use runtime::{OidcIssuers, Secret, Section, Span, Wrong, socket_address};
use serde::Deserialize;

use crate::http::WEBSOCKET;
use crate::networks::Network;
use crate::ws::Rate;

/// How the edge runs: `[edge]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// IP address and port of players' connections, HTTP and websocket. Default
    /// `127.0.0.1:7777`; `WORLDLINE_EDGE_LISTEN`.
    #[serde(deserialize_with = "socket_address")]
    pub listen: SocketAddr,
    /// Directory of the built web client (with `index.html`); a page with a hint is served
    /// without one. `WORLDLINE_EDGE_WEB_DIR`.
    pub web_dir: Option<PathBuf>,
    /// Origins whose pages may open a websocket, besides the edge's own:
    /// `https://play.example`. Default none; `WORLDLINE_EDGE_ORIGINS`.
    pub origins: Vec<String>,
    /// Networks of the proxies in front of this edge, whose `X-Forwarded-For` and
    /// `X-Forwarded-Proto` are believed: `10.0.0.0/8`. Default none;
    /// `WORLDLINE_EDGE_TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<Network>,
    /// Websocket address of another edge, told to clients when this one leaves. Default empty:
    /// the same address; `WORLDLINE_EDGE_ELSEWHERE`.
    pub elsewhere: String,
    /// Public addresses of all edges, told to clients that fetch files: `https://edge-1.example`.
    /// Default none: only the edge that is asked; `WORLDLINE_EDGE_ENDPOINTS`.
    pub endpoints: Vec<String>,
    /// Public address of this edge, announced to the other edges and told to clients of all:
    /// `https://edge-1.example`. Default empty: clients stay with the edge that they have asked;
    /// `WORLDLINE_EDGE_PUBLIC_URL`.
    pub public_url: String,
    /// Most open websockets; further ones are closed with 4017. Default 4000;
    /// `WORLDLINE_EDGE_MAX_CONNECTIONS`.
    pub max_connections: usize,
    /// Most connections that look at the world without a character; whoever reaches the edge may. They see and hear
    /// what a player at the same place would. Default 0: nobody; `WORLDLINE_EDGE_OBSERVERS`.
    pub observers: usize,
    /// How often a client has to be heard; one not heard for twice as long is closed with 4009.
    /// Default `15s`; `WORLDLINE_EDGE_HEARTBEAT`.
    pub heartbeat: Span,
    /// How long a connection may take to identify itself. Default `10s`;
    /// `WORLDLINE_EDGE_IDENTIFY_WITHIN`.
    pub identify_within: Span,
    /// How long a session may take to appear in its area. Default `30s`;
    /// `WORLDLINE_EDGE_ENTER_WITHIN`.
    pub enter_within: Span,
    /// Over how long clients are sent away when the edge stops. Default `3s`;
    /// `WORLDLINE_EDGE_DRAIN`.
    pub drain: Span,
    /// Inputs a client may send in a second. Default 60; `WORLDLINE_EDGE_INPUTS_PER_SECOND`.
    pub inputs_per_second: u32,
    /// Lines a client may say in a second. Default 2; `WORLDLINE_EDGE_SAYS_PER_SECOND`.
    pub says_per_second: u32,
    /// Logins and tickets that one address may ask for in a second; a refused one counts ten
    /// times. Default 500;
    /// `WORLDLINE_EDGE_LOGINS_PER_SECOND`.
    pub logins_per_second: u32,
    /// Failed logins that one address (of IPv6, one /64) may have within ten minutes, over all edges; 0: no limit.
    /// Default 20; `WORLDLINE_EDGE_FAILED_LOGINS_PER_ADDRESS`.
    pub failed_logins_per_address: u32,
    /// Accounts that one address may begin within an hour, over all edges; 0: no limit. Default 20;
    /// `WORLDLINE_EDGE_REGISTRATIONS_PER_HOUR`.
    pub registrations_per_hour: u32,
    /// Whether processes of this machine itself may begin any number of accounts: bots, tests. With a
    /// proxy on this machine, name it among the trusted ones first. Default `false`, and `true` in
    /// `worldline up` where it listens on this machine only; `WORLDLINE_EDGE_LOOPBACK_UNLIMITED`.
    pub loopback_unlimited: bool,
    /// Passwords on their way to identity from this edge at a time; further ones are told to
    /// come back. Default 64; `WORLDLINE_EDGE_PASSWORDS_IN_FLIGHT`.
    pub passwords_in_flight: usize,
    /// Whether browsers always reach this edge over https, so that cookies are kept to it; a trusted
    /// proxy that says so with `X-Forwarded-Proto` does as well. Default `false`;
    /// `WORLDLINE_EDGE_SECURE_COOKIES`.
    pub secure_cookies: bool,
    /// The realm's key as 64 hexadecimal characters; seals and opens names and speech.
    /// `WORLDLINE_EDGE_REALM_KEY`.
    pub realm_key: Secret,
    /// The key under which resume tokens are sealed, the same on all edges: 64 hexadecimal
    /// characters. `WORLDLINE_EDGE_RESUME_KEY`.
    pub resume_key: Secret,
    /// The lobby's public key, PEM; verifies join tickets. `WORLDLINE_EDGE_LOBBY_PUBLIC_KEY`.
    pub lobby_public_key: String,
    /// Where browsers may log in; the section `[oidc]`, filled in by the program.
    #[serde(skip)]
    pub oidc: OidcIssuers,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7777)),
            web_dir: None,
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            elsewhere: String::new(),
            endpoints: Vec::new(),
            public_url: String::new(),
            max_connections: 4000,
            observers: 0,
            heartbeat: Span::from_secs(15),
            identify_within: Span::from_secs(10),
            enter_within: Span::from_secs(30),
            drain: Span::from_secs(3),
            inputs_per_second: 60,
            says_per_second: 2,
            logins_per_second: 500,
            failed_logins_per_address: 20,
            registrations_per_hour: 20,
            loopback_unlimited: false,
            passwords_in_flight: 64,
            secure_cookies: false,
            realm_key: Secret::default(),
            resume_key: Secret::default(),
            lobby_public_key: String::new(),
            oidc: OidcIssuers::default(),
        }
    }
}

impl Config {
    /// Where others find this edge's websocket; `None` without a public address.
    pub(crate) fn websocket_url(&self) -> Option<String> {
        let host = self.public_url.strip_prefix("http")?;
        Some(format!("ws{host}{WEBSOCKET}"))
    }
}

impl Section for Config {
    const NAME: &'static str = "edge";

    fn check(&self) -> Result<(), Wrong> {
        let positive = [
            ("inputs_per_second", self.inputs_per_second),
            ("says_per_second", self.says_per_second),
            ("logins_per_second", self.logins_per_second),
        ];
        for (key, value) in positive {
            if value == 0 {
                return Err(Wrong::new(key, "0 would let nobody play; give at least 1"));
            }
        }
        // Their times stand in one value each; a greater limit is none.
        let limits = [
            ("failed_logins_per_address", self.failed_logins_per_address),
            ("registrations_per_hour", self.registrations_per_hour),
        ];
        for (key, value) in limits {
            if value > 1000 {
                return Err(Wrong::new(key, "give at most 1000, or 0 for no limit"));
            }
        }
        if self.observers > self.max_connections {
            let why =
                "give at most as many as edge.max_connections: an observer takes a connection too";
            return Err(Wrong::new("observers", why));
        }
        if self.passwords_in_flight == 0 {
            let why = "0 would let nobody log in; give at least 1";
            return Err(Wrong::new("passwords_in_flight", why));
        }
        if self.heartbeat.duration().as_millis() < 100 {
            return Err(Wrong::new("heartbeat", "give at least `100ms`"));
        }
        let origins = self.origins.iter().map(|origin| ("origins", origin));
        let endpoints = self.endpoints.iter().map(|base| ("endpoints", base));
        let public = Some(("public_url", &self.public_url)).filter(|(_, url)| !url.is_empty());
        for (key, origin) in origins.chain(endpoints).chain(public) {
            let after = ["http://", "https://"]
                .iter()
                .find_map(|s| origin.strip_prefix(s));
            if after.is_none_or(|host| host.is_empty() || host.contains('/')) {
                return Err(Wrong::new(
                    key,
                    format!("`{origin}` is not an origin such as `https://play.example`"),
                ));
            }
        }
        crate::keys::Keys::from_config(self).map(drop)
    }
}

/// How fast one client may ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    inputs_per_second: u32,
    says_per_second: u32,
}

impl Rates {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            inputs_per_second: config.inputs_per_second,
            says_per_second: config.says_per_second,
        }
    }

    /// Key presses.
    pub(crate) fn inputs(&self) -> Rate {
        Rate {
            per_second: self.inputs_per_second,
            burst: self.inputs_per_second.saturating_mul(2),
        }
    }

    /// Spoken lines.
    pub(crate) fn says(&self) -> Rate {
        Rate {
            per_second: self.says_per_second,
            burst: self.says_per_second.saturating_mul(2).saturating_add(1),
        }
    }

    /// Everything else.
    pub(crate) fn others(&self) -> Rate {
        Rate {
            per_second: 5,
            burst: 20,
        }
    }
}
