//! Load with an honest face: players who speak the public protocol and nothing else.
//!
//! A *bot* logs in over HTTP as a guest, opens a websocket, wanders, and keeps a *ledger* of the commands that have
//! not had their outcome. When its socket is lost it resumes as any client would, and sends what is in the ledger
//! again. All bots of a process write into one *tally*, from which the [`Report`] is made. A run has phases: all
//! join, all play for the given time, then inputs stop and the outstanding outcomes are awaited, then all leave.
//!
//! A bot is one task with small buffers, and it reads of a frame only what it needs (`skim`), so that one process
//! can be two thousand of them. With `--doors` bots change areas: `crossing` keeps when and by which door, `pilot`
//! walks there. What each bot last knew of itself is in the report ([`LastSeen`]). The pieces below `login` and `socket` are public: tests build their clients of them.

mod args;
mod bot;
mod connection;
mod crossing;
mod hearing;
mod histogram;
mod http;
mod ledger;
pub mod login;
mod maps;
mod names;
mod neighbours;
mod own_body;
mod pilot;
mod pressing;
mod reader;
mod report;
mod run;
mod running;
mod skim;
pub mod socket;
mod tally;
mod wander;

#[cfg(test)]
mod tests;

pub use args::Args;
pub use http::{Address, HttpError};
pub use own_body::LastSeen;
pub use report::{Latency, Report};
pub use run::{main, run, run_until};
pub use running::{Running, start};
