//! The system that a backup is restored into: a broker that is named, or the one of a data directory on
//! which nothing runs, started for the purpose.

use anyhow::Context;
use devstack::nats::Users;
use devstack::tools::Named;
use devstack::{DataDirLock, Tools};
use eventlog::EventLog;
use runtime::{BrokerConfig, Sources};

use super::RestoreArgs;
use crate::access::{Access, connect};
use crate::cli::StackArgs;
use crate::up::broker::Broker;

/// A broker to restore into.
pub(super) enum Target {
    /// One that somebody runs.
    Named {
        /// How it is found.
        access: Access,
        /// Copies of each stream it shall keep.
        replicas: Option<u8>,
    },
    /// One of our own.
    Own {
        /// The servers.
        broker: Broker,
        /// Who may do what there.
        users: Box<Users>,
        /// Nobody else starts on the directory.
        _lock: DataDirLock,
    },
}

impl Target {
    /// Finds the named broker, or starts one on the data directory.
    pub(super) async fn find(
        args: &RestoreArgs,
        stack: &StackArgs,
        sources: &Sources,
    ) -> anyhow::Result<Self> {
        let config: BrokerConfig = sources.load()?;
        let default = BrokerConfig::default();
        if stack.nats.is_some() || config.user.is_some() || config.url != default.url {
            return Ok(Self::Named {
                access: Access::find(stack, sources)?,
                replicas: args.cluster,
            });
        }
        let data_dir = &stack.data_dir;
        let lock = DataDirLock::acquire(data_dir).context(
            "a backup is restored into an empty system: stop what runs there, and name an empty --data-dir",
        )?;
        let named = Named {
            nats_server: args.nats_server.clone(),
            ..Named::default()
        };
        let tools_dir = data_dir.join("tools");
        let located = tokio::task::spawn_blocking(move || Tools::locate_with(&tools_dir, &named));
        let tools = located.await.context("looking for the broker")??;
        let users = Users::load_or_create(&data_dir.join("nats-users.json"))?;
        let logs = crate::up::log_directory(data_dir);
        std::fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;
        let nodes = args.cluster.unwrap_or(1);
        let broker = Broker::start(tools, data_dir, &logs, users.clone(), nodes).await?;
        Ok(Self::Own {
            broker,
            users: Box::new(users),
            _lock: lock,
        })
    }

    /// Connects as `role`.
    pub(super) async fn connect(&self, role: &str) -> anyhow::Result<EventLog> {
        match self {
            Self::Named { access, .. } => access.broker(role).await,
            Self::Own { broker, users, .. } => {
                connect(&broker.url(), users.credential(role).as_ref(), role).await
            }
        }
    }

    /// How many copies of each stream it shall keep; `None`: as many as it had.
    pub(super) fn replicas(&self) -> Option<u8> {
        match self {
            Self::Named { replicas, .. } => *replicas,
            Self::Own { broker, .. } => Some(broker.replicas()),
        }
    }

    /// Ends what was started.
    pub(super) async fn stop(self) {
        if let Self::Own { broker, .. } = self
            && let Err(error) = broker.stop().await
        {
            tracing::warn!("nats-server did not end in order: {error:#}");
        }
    }
}
