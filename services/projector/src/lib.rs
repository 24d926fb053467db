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
//! catches up.

mod accounts;
mod areas;
mod batch;
mod check;
mod checkpoint;
mod cli;
mod columns;
mod config;
mod control;
mod credentials;
mod database;
mod driver;
mod dump;
mod error;
mod lag;
mod lobby;
mod parked;
mod position;
mod projection;
mod ranking;
mod rebuild;
mod service;
mod transaction;
mod witness;

pub use check::{Comparison, check};
pub use cli::{AdminCommand, admin};
pub use config::Config;
pub use database::migrate;
pub use dump::{Dump, dump};
pub use error::ProjectError;
pub use rebuild::{Rebuilt, rebuild};
pub use service::{catch_up, run};
pub use witness::knows_this_log;
