//! Identity: who may log in, and the tokens that prove it.
//!
//! Accounts are keyed aggregates ([`accounts`]): their rules are here, the serving of them is the
//! event log's. No secret is in the log: a guest's token is derived from the service's secret
//! ([`GuestTokens`]), and only its digest is part of the account.

pub mod accounts;
pub mod keys;
pub mod oidc;

mod access_token;
mod config;
mod guest_token;

use std::sync::Arc;

use anyhow::Context;
use eventlog::EventLog;
use eventlog::keyed::Keyed;
use runtime::Ctx;

pub use access_token::{AccessClaims, AccessTokens};
pub use accounts::Accounts;
pub use config::Config;
pub use guest_token::GuestTokens;

/// Serves accounts until the shutdown begins, beside any number of other instances.
///
/// # Errors
/// When a key is wrong, or the broker lacks the streams or refuses.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("identity");
    let accounts = config
        .accounts()
        .map_err(|wrong| anyhow::anyhow!("[identity]: {wrong:?}"))?;
    let accounts = Keyed::open(log, Arc::new(accounts))
        .await
        .context("taking part in the identity commands")?;
    health.ready();
    tracing::info!("accounts are served");
    accounts
        .serve(ctx.shutdown.token())
        .await
        .context("serving accounts")
}
