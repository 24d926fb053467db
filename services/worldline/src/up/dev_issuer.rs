//! A development issuer beside the stack, so that people can log in without an account elsewhere and without a
//! network.
//!
//! It is there when no other provider is configured, unless `--no-dev-issuer` is given. Builds without the
//! feature `dev-issuer` (release images) cannot have one.

use std::net::SocketAddr;

use crate::cli::UpArgs;
use crate::role::Process;

/// It ends when this is dropped.
pub(super) struct DevIssuer {
    #[cfg(feature = "dev-issuer")]
    running: dev_issuer::Running,
}

#[cfg(feature = "dev-issuer")]
impl DevIssuer {
    /// Starts one for the stack on `game`, if it is wanted.
    ///
    /// # Errors
    /// When the configuration is wrong, or it cannot be started.
    pub(super) async fn start(
        process: &Process,
        args: &UpArgs,
        game: SocketAddr,
    ) -> anyhow::Result<Option<Self>> {
        let sources = process.sources(runtime::Flags::new())?;
        let providers: runtime::OidcIssuers = sources.load()?;
        if args.no_dev_issuer || !providers.all().is_empty() {
            return Ok(None);
        }
        let mut config: dev_issuer::Config = sources.load()?;
        let chosen = config.listen.port() != 0;
        // Accounts are the issuer's by its address: where the game keeps its port, the issuer does.
        if let (false, Some(port)) = (chosen || args.port == 0, beside(game.port())) {
            config.listen.set_port(port);
        }
        let running = match dev_issuer::start(config.clone()).await {
            Err(error) if !chosen && config.listen.port() != 0 => {
                tracing::info!("the development issuer takes another port: {error:#}");
                config.listen.set_port(0);
                dev_issuer::start(config).await?
            }
            started => started?,
        };
        let (issuer, faults) = (&running.issuer_url, &running.faults_url);
        tracing::info!(%issuer, %faults, "the development issuer lets anybody be anybody");
        Ok(Some(Self { running }))
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.running.issuer_url
    }
}

#[cfg(feature = "dev-issuer")]
fn beside(game: u16) -> Option<u16> {
    game.checked_add(1000)
}

#[cfg(not(feature = "dev-issuer"))]
impl DevIssuer {
    /// There is none in this build.
    ///
    /// # Errors
    /// None; it has the form of the other one.
    #[allow(clippy::unused_async, reason = "it has the form of the other one")]
    pub(super) async fn start(
        _process: &Process,
        _args: &UpArgs,
        _game: SocketAddr,
    ) -> anyhow::Result<Option<Self>> {
        Ok(None)
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        ""
    }
}
