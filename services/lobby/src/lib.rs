//! The lobby: keeps the characters that are not in the world, lets them in, and knows where they are.
//!
//! A character is a keyed aggregate ([`characters`]). It is at each moment either in the lobby's
//! keeping, or in exactly one area, or in an effect on its way between the two; what the lobby
//! says of a character in the world is news, not ownership. Beside the characters stand their
//! [`names`], each reserved for one.

pub mod characters;
pub mod names;

mod areas;
mod config;
mod lost;
mod tickets;

use std::sync::Arc;

use anyhow::Context;
use eventlog::EventLog;
use eventlog::keyed::{Keyed, KeyedError};
use runtime::Ctx;
use tokio_util::sync::CancellationToken;

use crate::areas::Following;
use crate::lost::Search;

pub use areas::OpenAreas;
pub use characters::Characters;
pub use config::Config;
pub use names::Names;
pub use tickets::{TicketClaims, Tickets};

/// Serves characters and names until the shutdown begins, beside any number of other instances.
///
/// # Errors
/// When a key is wrong, or the broker lacks the streams or refuses.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("lobby");
    let characters = config
        .characters()
        .map_err(|wrong| anyhow::anyhow!("[lobby]: {wrong:?}"))?;
    let following = Following::open(&log)
        .await
        .context("reading which areas there are")?;
    let characters = Arc::new(characters.in_areas(following.areas()));
    let lost = Search::begin(&log, Arc::clone(&characters), config.lost_after.duration())
        .await
        .context("reading where the lobby's log ends")?;
    let names = Keyed::open(log.clone(), Arc::new(Names))
        .await
        .context("taking part in the commands to names")?;
    let characters = Keyed::open(log, characters)
        .await
        .context("taking part in the lobby commands")?;
    health.ready();
    tracing::info!("characters and names are served");
    // Whichever ends first ends the others.
    let stop = ctx.shutdown.token().child_token();
    let following = async {
        following.run(stop.clone()).await;
        Ok(())
    };
    let searching = async {
        lost.run(stop.clone()).await;
        Ok(())
    };
    let served = tokio::try_join!(
        together(characters.serve(stop.clone()), &stop, "serving characters"),
        together(names.serve(stop.clone()), &stop, "serving names"),
        following,
        searching,
    );
    served.map(drop)
}

async fn together(
    serving: impl Future<Output = Result<(), KeyedError>>,
    stop: &CancellationToken,
    what: &'static str,
) -> anyhow::Result<()> {
    let served = serving.await;
    stop.cancel();
    served.context(what)
}
