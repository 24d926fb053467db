//! The lobby: keeps the characters that are not in the world, lets them in, and knows where they are.
//!
//! A character is a keyed aggregate ([`characters`]). It is at each moment either in the lobby's
//! keeping, or in exactly one area, or in an effect on its way between the two; what the lobby
//! says of a character in the world is news, not ownership.

pub mod characters;

mod config;
mod tickets;

use std::sync::Arc;

use anyhow::Context;
use eventlog::EventLog;
use eventlog::keyed::Keyed;
use runtime::Ctx;

pub use characters::Characters;
pub use config::Config;
pub use tickets::{TicketClaims, Tickets};

/// Serves characters until the shutdown begins, beside any number of other instances.
///
/// # Errors
/// When a key is wrong, or the broker lacks the streams or refuses.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("lobby");
    let characters = config
        .characters()
        .map_err(|wrong| anyhow::anyhow!("[lobby]: {wrong:?}"))?;
    let characters = Keyed::open(log, Arc::new(characters))
        .await
        .context("taking part in the lobby commands")?;
    health.ready();
    tracing::info!("characters are served");
    characters
        .serve(ctx.shutdown.token())
        .await
        .context("serving characters")
}
