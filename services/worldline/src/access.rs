//! How a command finds the stack: named by flags, by configuration, or by `--data-dir`.

use anyhow::Context;
use devstack::RunFile;
use devstack::nats::Credential;
use eventlog::{Connect, EventLog};
use runtime::{BrokerConfig, Sources};

use crate::cli::StackArgs;

/// Where the broker is.
pub(crate) struct Access {
    named: Option<BrokerConfig>,
    found: Option<RunFile>,
}

impl Access {
    /// What flags, environment or file name; else the stack that runs on the data directory.
    pub(crate) fn find(stack: &StackArgs, sources: &Sources) -> anyhow::Result<Self> {
        let named: BrokerConfig = sources.load()?;
        let defaults = BrokerConfig::default();
        let is_named = stack.nats.is_some() || named.user.is_some() || named.url != defaults.url;
        if is_named {
            return Ok(Self {
                named: Some(named),
                found: RunFile::find(&stack.data_dir).ok(),
            });
        }
        let found = RunFile::find(&stack.data_dir)?;
        Ok(Self {
            named: None,
            found: Some(found),
        })
    }

    /// Connects to the broker as `role`.
    pub(crate) async fn broker(&self, role: &str) -> anyhow::Result<EventLog> {
        match (&self.named, &self.found) {
            (Some(named), _) => {
                let credential = named.user.clone().map(|user| Credential {
                    inbox_prefix: format!("_INBOX.{user}"),
                    password: named
                        .password
                        .as_ref()
                        .map_or_else(String::new, |p| p.expose().clone()),
                    user,
                });
                connect(&named.url, credential.as_ref(), role).await
            }
            (None, Some(found)) => connect(&found.nats.url, found.credential(role), role).await,
            (None, None) => anyhow::bail!("no broker is named and no stack was found"),
        }
    }
}

/// Connects to the broker at `url` as `role`.
pub(crate) async fn connect(
    url: &str,
    credential: Option<&Credential>,
    role: &str,
) -> anyhow::Result<EventLog> {
    let connect = Connect::to(url, role);
    let connect = match credential {
        Some(credential) => connect.as_user(&credential.user, &credential.password),
        None => connect,
    };
    EventLog::connect(&connect.named(format!("{role} {}", std::process::id())))
        .await
        .with_context(|| format!("connecting to the broker as {role}"))
}
