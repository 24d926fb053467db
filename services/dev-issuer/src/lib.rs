//! A development issuer: a small but real OpenID provider where anybody may be anybody.
//!
//! A *persona* is one of its users; logging in is choosing one. Codes, PKCE, signatures and key rotation are as
//! with the great providers, so that what works here works there. On a second port *faults* can be ordered: each
//! makes one thing wrong that somebody who checks tokens has to notice.
//!
//! It listens on this machine only, and is left out of release images (the feature `dev-issuer` of the
//! program).

mod authorize;
mod codes;
mod config;
mod faults;
mod id_token;
mod keys;
mod page;
mod personas;
mod provider;
mod token;

use std::net::SocketAddr;

use anyhow::Context;
use runtime::{Ctx, HttpClient, Shutdown};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use config::Config;
pub use faults::{Counts, Faults};
pub use keys::KeyType;
pub use personas::{PERSONAS, Persona};

use provider::Provider;

/// An issuer that runs as a task of this process; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Its issuer identifier: `http://127.0.0.1:<port>`.
    pub issuer_url: String,
    /// Where faults are ordered: `POST` a [`Faults`] as JSON, `GET` to see the [`Counts`].
    pub faults_url: String,
    /// The same without HTTP, for tests in this process.
    pub control: Control,
    tasks: Vec<JoinHandle<()>>,
}

/// Orders faults in this process.
#[derive(Debug, Clone)]
pub struct Control(std::sync::Arc<Provider>);

impl Control {
    /// Replaces the faults in force.
    pub fn order(&self, faults: Faults) {
        self.0.order(faults);
    }

    /// What has been asked so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.counts()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Running {
    /// Ends when the shutdown begins.
    pub async fn until(self, shutdown: Shutdown) {
        shutdown.cancelled().await;
    }
}

/// Starts an issuer; it takes requests when this returns.
///
/// # Errors
/// When a port is taken, or a key cannot be made.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let (listener, address) = listen(config.listen, "dev_issuer.listen").await?;
    let (faults, faults_address) = listen(config.faults_listen, "dev_issuer.faults_listen").await?;
    let issuer_url = format!("http://{address}");
    let key_type = config.key_type;
    let url = issuer_url.clone();
    // An RSA key takes a while.
    let provider = tokio::task::spawn_blocking(move || Provider::new(url, key_type));
    let provider = provider.await.context("making the first key")??;
    let provider = std::sync::Arc::new(provider);
    let tasks = vec![
        serve(listener, provider::router(provider.clone())),
        serve(faults, faults::router(provider.clone())),
    ];
    Ok(Running {
        issuer_url,
        faults_url: format!("http://{faults_address}/faults"),
        control: Control(provider),
        tasks,
    })
}

/// Runs an issuer until the shutdown begins.
///
/// # Errors
/// As [`start`].
pub async fn run(config: Config, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("dev-issuer");
    let running = start(config).await?;
    let (issuer, faults) = (&running.issuer_url, &running.faults_url);
    tracing::warn!(%issuer, %faults, "a development issuer lets anybody be anybody");
    health.ready();
    running.until(ctx.shutdown).await;
    Ok(())
}

/// Does what a browser does in which somebody chooses `persona` (or `nobody`) on the page at
/// `authorize_url`; where it is sent then. For tests.
///
/// # Errors
/// When the issuer does not answer, or does not send the browser back.
pub async fn choose(
    http: &HttpClient,
    authorize_url: &str,
    persona: &str,
) -> anyhow::Result<String> {
    let url = format!("{authorize_url}&persona={persona}");
    let answer = http.get(&url, 1 << 16).await.context("choosing")?;
    let said = String::from_utf8_lossy(&answer.body);
    let sent = answer.location.filter(|_| answer.status == 303);
    sent.with_context(|| format!("status {}: {said}", answer.status))
}

async fn listen(address: SocketAddr, key: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    anyhow::ensure!(
        address.ip().is_loopback(),
        "{key} is {address}: a development issuer is for this machine only, give 127.0.0.1:PORT"
    );
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("listening on {address} ({key})"))?;
    let address = listener.local_addr().context("asking for the port")?;
    Ok((listener, address))
}

fn serve(listener: TcpListener, router: axum::Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the development issuer has stopped");
        }
    })
}
