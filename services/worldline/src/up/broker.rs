//! The broker that `up` provides: one server, or three that are one cluster.
//!
//! A data directory is of the one kind or of the other for ever: one server's streams are not a replica that others could
//! join, and three nodes' streams are not one server's. A world moves from one to the other as a backup.

use std::path::Path;

use anyhow::Context;
use devstack::nats::{LEAST_FILE_STORE, Users, share_of_disk};
use devstack::{Cluster, ClusterOptions, NatsConfig, NatsOptions, NatsServer, Tools};

/// Where one server keeps its streams; three keep them in `nats-1` and so on.
const ONE: &str = "nats";
/// What a server makes below its directory as soon as it runs.
const STREAMS: &str = "jetstream";

/// What was started, and whose addresses `run.json` names.
pub(crate) enum Broker {
    One(Box<NatsServer>),
    Several(Cluster),
}

impl Broker {
    /// Starts `nodes` servers on what `data_dir` holds.
    pub(crate) async fn start(
        tools: Tools,
        data_dir: &Path,
        logs: &Path,
        users: Users,
        nodes: u8,
    ) -> anyhow::Result<Self> {
        check_kind(data_dir, nodes)?;
        let several = nodes > 1;
        let first = data_dir.join(if several { "nats-1" } else { ONE });
        std::fs::create_dir_all(&first).with_context(|| format!("creating {}", first.display()))?;
        let room = share_of_disk(&first)
            .with_context(|| format!("looking how much room there is at {}", first.display()))?;
        let config = NatsConfig {
            users: Some(users),
            // All nodes share this machine's disk; each must be able to reserve what the streams ask for.
            file_store: (room / u64::from(nodes)).max(LEAST_FILE_STORE),
            ..NatsConfig::default()
        };
        if several {
            let cluster = Cluster::start(ClusterOptions {
                tools,
                data_dir: data_dir.to_path_buf(),
                nodes: nodes.into(),
                config,
                log_dir: Some(logs.to_path_buf()),
            });
            return Ok(Self::Several(cluster.await?));
        }
        let server = NatsServer::start(NatsOptions {
            tools,
            data_dir: first,
            port: None,
            config,
            log_file: Some(logs.join("nats.log")),
        });
        Ok(Self::One(Box::new(server.await?)))
    }

    /// The addresses of all servers, separated by commas.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::One(server) => server.url(),
            Self::Several(cluster) => cluster.url(),
        }
    }

    /// So many copies of each stream it keeps.
    pub(crate) fn replicas(&self) -> u8 {
        match self {
            Self::One(_) => 1,
            Self::Several(cluster) => u8::try_from(cluster.size()).unwrap_or(u8::MAX),
        }
    }

    /// Starts servers again that have ended.
    ///
    /// # Errors
    /// When the only one does not come back. Of several, one that does not is tried again with the next pulse: the
    /// others carry the world.
    pub(super) async fn revive(&mut self) -> anyhow::Result<()> {
        match self {
            Self::One(server) => {
                if !server.is_running() {
                    tracing::error!("nats-server has ended; starting it again");
                    let restarted = server.restart().await;
                    restarted.context("starting nats-server again")?;
                }
            }
            Self::Several(cluster) => {
                for at in 0..cluster.size() {
                    let node = cluster.node(at);
                    if node.is_running() {
                        continue;
                    }
                    let name = node.name().to_owned();
                    tracing::error!(
                        node = name,
                        "a node of the broker has ended; starting it again"
                    );
                    if let Err(error) = node.restart().await {
                        tracing::error!(node = name, %error, "it does not start; trying again");
                    }
                }
            }
        }
        Ok(())
    }

    /// Ends all servers in order; their data stays.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::One(mut server) => Ok(server.stop().await?),
            Self::Several(cluster) => Ok(cluster.stop().await?),
        }
    }
}

/// Refuses a data directory of the other kind.
fn check_kind(data_dir: &Path, nodes: u8) -> anyhow::Result<()> {
    let holds = |dir: &str| data_dir.join(dir).join(STREAMS).exists();
    let dir = data_dir.display();
    if nodes > 1 && holds(ONE) {
        anyhow::bail!(
            "{dir} holds a world on one server, which cannot become a cluster: start it without --cluster; to move it, \
             `worldline backup` it, and `worldline restore` it into a new --data-dir that runs with --cluster {nodes}"
        );
    }
    if nodes == 1 && holds("nats-1") {
        anyhow::bail!(
            "{dir} holds a world on a cluster of three servers, of which one alone is not the log: start it with \
             --cluster 3; to move it, `worldline backup` it, and `worldline restore` it into a new --data-dir"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_stays_what_it_was_begun_as() {
        let dir = tempfile::tempdir().unwrap();
        check_kind(dir.path(), 1).unwrap();
        check_kind(dir.path(), 3).unwrap();
        std::fs::create_dir_all(dir.path().join("nats/jetstream")).unwrap();
        check_kind(dir.path(), 1).unwrap();
        let refused = check_kind(dir.path(), 3).unwrap_err().to_string();
        assert!(refused.contains("start it without --cluster"), "{refused}");

        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("nats-1/jetstream")).unwrap();
        check_kind(dir.path(), 3).unwrap();
        let refused = check_kind(dir.path(), 1).unwrap_err().to_string();
        assert!(refused.contains("start it with --cluster 3"), "{refused}");
    }
}
