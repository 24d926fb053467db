//! The projector: folds the log into Postgres, for those who ask in SQL.
//!
//! Five projections, one for each event stream, each with a checkpoint of its own: `areas`
//! (frames), `lobby` (characters and sessions), `accounts` (and their logins), `credentials` and
//! `control`. Every transaction moves
//! a checkpoint and the rows that belong to it, and compares the owner's epoch, so that a crash
//! loses nothing and a second instance is refused. Rows hold only what the last event that
//! touched their key said: the same log in batches of any size gives identical rows, and
//! [`check`] proves it on a running database.
//!
//! Nobody waits for this service. While Postgres is away the world goes on, and the projector
//! catches up. A projection that hangs begins anew by itself; an event that cannot be applied parks
//! its key, to be retried ([`retry`]) or given up ([`give_up`]); rows can be folded anew beside
//! those that are served ([`rebuild`]) and taken back ([`rollback`]).

mod accounts;
mod analysts;
mod areas;
mod batch;
mod board;
mod check;
mod checkpoint;
mod cli;
mod columns;
mod config;
mod control;
mod copy;
mod credentials;
mod database;
mod driver;
mod dropped;
mod dump;
mod erased;
mod error;
pub mod facts;
mod folding;
mod goals;
mod lag;
mod lobby;
mod name;
mod parked;
mod position;
mod progress;
mod projection;
mod pulse;
mod ranking;
mod rebuild;
mod service;
mod status;
mod switch;
mod tables;
mod transaction;
mod witness;

pub use analysts::ROLE as ANALYST;
pub use check::{Comparison, check};
pub use cli::{AdminCommand, admin};
pub use config::Config;
pub use database::migrate;
pub use dump::{Dump, dump};
pub use error::ProjectError;
pub use name::Name;
pub use parked::{GiveUp, ParkedEvent, ParkedKey, Retried, give_up, parked, retry, show_parked};
pub use progress::Progress;
pub use rebuild::{Rebuild, Rebuilt, rebuild, rollback};
pub use service::{catch_up, run};
pub use status::{LagOver, Spread, Standing, lag_over, status};
pub use witness::knows_this_log;
