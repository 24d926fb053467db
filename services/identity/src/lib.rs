//! Identity: who may log in, and the tokens that prove it.
//!
//! A login is two commands. A **credential** (a login name, or a person known to an OpenID provider;
//! [`credentials`]) is proven and answers with a **grant**; an **account** ([`accounts`]) takes the
//! grant once and begins a **login session**. Both are keyed aggregates: their rules are here, the
//! serving of them is the event log's.
//!
//! No secret is readable in the log: what comes in is sealed to a key of the [`key_ring`], what goes
//! out to the asker's; tokens are derived from the service's secret, and hashes are sealed.

pub mod accounts;
pub mod asked;
pub mod credentials;
pub mod key_ring;
pub mod keys;
pub mod oidc;
pub mod password;
pub mod refusals;
pub mod secrets;

mod access_token;
mod binding;
mod config;
mod grant_token;
mod guest_token;
mod login_meter;
mod refresh_token;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use eventlog::EventLog;
use eventlog::keyed::Keyed;
use runtime::{Ctx, HttpClient};
use schemas::UnixMillis;

pub use access_token::{AccessClaims, Signer};
pub use accounts::Accounts;
pub use binding::AddressBinding;
pub use config::Config;
pub use credentials::{Checks, Credentials, Vouching};
pub use grant_token::{GrantClaims, GrantTokens};
pub use guest_token::GuestTokens;
pub use key_ring::{KeyRing, Rotation};
pub use login_meter::LoginMeter;
pub use refresh_token::RefreshTokens;

/// How long a provider may take to answer.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(5);

/// Serves accounts and credentials until the shutdown begins, beside any number of other instances.
///
/// # Errors
/// When a key is wrong, or the broker lacks the streams or refuses.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let wrong = |wrong| anyhow::anyhow!("[identity]: {wrong:?}");
    let health = ctx.health.check("identity");
    let secrets = config.secrets().map_err(wrong)?;
    let meter = Arc::new(LoginMeter::default());
    let keys = KeyRing::open(&log, &secrets, config.rotation())
        .await
        .context("taking part in identity's keys")?;
    let http = HttpClient::new(PROVIDER_PATIENCE);
    let verifier = oidc::Verifier::new(&config.oidc, &http);
    let checks = Checks {
        keys: keys.clone(),
        pool: config.hash_pool().map_err(wrong)?,
        vault: secrets.vault("worldline password hashes 1"),
        locator: config.locator().map_err(wrong)?,
        vouching: Vouching::open(&log, verifier)
            .await
            .context("opening the nonces")?,
        patience: config.patience.duration(),
        serving_since: UnixMillis::now(),
    };
    let credentials = Credentials::new(&secrets, checks, meter.clone());
    let binding = config.address_binding;
    let accounts = Accounts::new(&secrets, keys.clone(), binding, meter);
    let credentials = Keyed::open(log.clone(), Arc::new(credentials))
        .await
        .context("taking part in the credential commands")?;
    let accounts = Keyed::open(log, Arc::new(accounts))
        .await
        .context("taking part in the identity commands")?;
    health.ready();
    tracing::info!("accounts and credentials are served");
    let shutdown = ctx.shutdown.token();
    let keeping = async {
        keys.keep(shutdown.clone())
            .await
            .context("keeping the keys")
    };
    let proving = async {
        let served = credentials.serve(shutdown.clone()).await;
        served.context("serving credentials")
    };
    let opening = async {
        let served = accounts.serve(shutdown.clone()).await;
        served.context("serving accounts")
    };
    tokio::try_join!(keeping, proving, opening)?;
    Ok(())
}
