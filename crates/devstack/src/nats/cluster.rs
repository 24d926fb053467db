//! Three brokers as one: every stream on three nodes, and one of them may die.
//!
//! The nodes are child processes on loopback that know each other by their route ports. They are one cluster when each
//! has heard of the same *meta leader*, who decides where streams lie; each stream has a *leader* of its own, who alone
//! takes writes. Tests kill, pause and restart nodes by number; `worldline up --cluster 3` supervises them.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::RngExt;
use thiserror::Error;

use super::users::password;
use super::{NatsConfig, NatsOptions, NatsServer, NodeConfig, Users, monitor};
use crate::process::{ServerError, poll_pause};
use crate::tools::Tools;

/// How long three servers may take to agree.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at who leads.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Below the ports that systems give to outgoing connections: what is free here stays free while a node is down.
const ROUTE_PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Another program may take a port between our look and the server's.
const ATTEMPTS: usize = 3;

/// How to start a cluster.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The programs.
    pub tools: Tools,
    /// Each node keeps its data in `nats-<n>` below, counted from 1; that is its name too.
    pub data_dir: PathBuf,
    /// How many nodes: three. (Two cannot lose one; five are for real machines.)
    pub nodes: usize,
    /// The settings of each; name and node are set here, the room on the disk is each node's.
    pub config: NatsConfig,
    /// Where each appends its log, as `nats-<n>.log`; its data directory if `None`.
    pub log_dir: Option<PathBuf>,
}

/// Running brokers that are one. Killed when dropped; their data stays.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<NatsServer>,
}

/// Why a cluster does not run, or does not do as told.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// A node does not.
    #[error("node {node} of the cluster")]
    Node {
        /// Which, counted from 1.
        node: usize,
        /// What is with it.
        source: ServerError,
    },
    /// All run, and yet they are no cluster: look at their logs.
    #[error(
        "the nodes have not agreed on a leader of {what} within {within:?}; their logs say why"
    )]
    NoLeader {
        /// Of the cluster, or of which stream.
        what: String,
        /// How long we waited.
        within: Duration,
    },
    /// A request to the cluster was refused or not answered.
    #[error("the cluster does not do it: {what}: {said}")]
    Refused {
        /// What was asked.
        what: String,
        /// What came back.
        said: String,
    },
}

impl Cluster {
    /// Starts all nodes and waits until streams can be created.
    pub async fn start(options: ClusterOptions) -> Result<Cluster, ClusterError> {
        Cluster::start_removing(options, None).await
    }

    /// As [`Cluster::start`]; `remove` is deleted should we be killed.
    pub(crate) async fn start_removing(
        options: ClusterOptions,
        remove: Option<PathBuf>,
    ) -> Result<Cluster, ClusterError> {
        let mut attempt = 1;
        loop {
            match Cluster::start_once(&options, remove.as_ref()).await {
                Err(ClusterError::Node { node, source }) if attempt < ATTEMPTS => {
                    if !matches!(&source, ServerError::EndedEarly { said, .. } if said.contains("address already in use"))
                    {
                        return Err(ClusterError::Node { node, source });
                    }
                    attempt += 1;
                }
                started => return started,
            }
        }
    }

    async fn start_once(
        options: &ClusterOptions,
        remove: Option<&PathBuf>,
    ) -> Result<Cluster, ClusterError> {
        let ports = free_ports(options.nodes);
        let password = password();
        let starting = ports.iter().enumerate().map(|(at, port)| {
            let name = format!("nats-{}", at + 1);
            let options = NatsOptions {
                tools: options.tools.clone(),
                data_dir: options.data_dir.join(&name),
                port: None,
                config: NatsConfig {
                    node: Some(NodeConfig {
                        port: *port,
                        all: ports.clone(),
                        password: password.clone(),
                    }),
                    name: name.clone(),
                    ..options.config.clone()
                },
                log_file: options
                    .log_dir
                    .as_ref()
                    .map(|d| d.join(format!("{name}.log"))),
            };
            // The first node's keeper removes the directory of all.
            let remove = remove.filter(|_| at == 0).cloned();
            tokio::spawn(NatsServer::start_removing(options, remove))
        });
        // All at once: none is ready before it has met another.
        let starting: Vec<_> = starting.collect();
        let mut nodes = Vec::new();
        let mut failed = None;
        for (at, starting) in starting.into_iter().enumerate() {
            match starting.await {
                Ok(Ok(node)) => nodes.push(node),
                Ok(Err(source)) => {
                    failed = failed.or(Some(ClusterError::Node {
                        node: at + 1,
                        source,
                    }));
                }
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => {
                let cluster = Cluster { nodes };
                cluster.ready().await?;
                Ok(cluster)
            }
        }
    }

    /// How many nodes it has; they are counted from 0.
    #[must_use]
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NatsServer] {
        &self.nodes
    }

    /// One node: to kill, pause, resume, restart, or tell to leave.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn node(&mut self, node: usize) -> &mut NatsServer {
        &mut self.nodes[node]
    }

    /// The addresses of all nodes, separated by commas, without credentials: what clients connect to.
    #[must_use]
    pub fn url(&self) -> String {
        let urls = self.nodes.iter().map(NatsServer::url);
        urls.collect::<Vec<_>>().join(",")
    }

    /// The users they were started with, if any.
    #[must_use]
    pub fn users(&self) -> Option<&Users> {
        self.nodes.first().and_then(NatsServer::users)
    }

    /// Which node leads `stream`; `None` during an election, or without such a stream.
    ///
    /// The leader itself has to say so: a follower may not have heard yet that it is dead.
    pub async fn leader_of(&self, stream: &str) -> Option<usize> {
        for (at, name, view) in self.views(true).await {
            if view.leader_of(stream) == Some(name.as_str()) {
                return Some(at);
            }
        }
        None
    }

    /// Waits until `stream` has a leader; its node.
    pub async fn elected(&self, stream: &str) -> Result<usize, ClusterError> {
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            if let Some(leader) = self.leader_of(stream).await {
                return Ok(leader);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(no_leader(stream))
    }

    /// Which node leads the cluster itself.
    pub async fn meta_leader(&self) -> Option<usize> {
        for (at, name, view) in self.views(false).await {
            if view.meta_leader().is_some_and(|(leader, _)| leader == name) {
                return Some(at);
            }
        }
        None
    }

    /// Asks the leader of `stream` to step down, and waits until another one leads; its node.
    pub async fn step_down(&self, stream: &str) -> Result<usize, ClusterError> {
        let before = self.elected(stream).await?;
        let what = format!("the leader of {stream} shall step down");
        let refused = |said: String| ClusterError::Refused {
            what: what.clone(),
            said,
        };
        let request = format!("STREAM.LEADER.STEPDOWN.{stream}");
        let answer = self.nodes[before].administer(&request, "").await;
        let answer = answer.map_err(|error| refused(error.to_string()))?;
        if answer["success"] != true {
            return Err(refused(answer["error"].to_string()));
        }
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            match self.leader_of(stream).await {
                Some(leader) if leader != before => return Ok(leader),
                _ => poll_pause().await,
            }
        }
        Err(no_leader(stream))
    }

    /// Waits until the nodes that run agree on a leader, who sees them all, and each has all that its streams' leaders
    /// have. Only then can a new stream be laid on a node, and is one that was away a full replica again.
    pub async fn ready(&self) -> Result<(), ClusterError> {
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            if self.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(no_leader("the cluster"))
    }

    async fn is_ready(&self) -> bool {
        let views = self.views(true).await;
        let Some((leader, _)) = views.first().and_then(|(_, _, view)| view.meta_leader()) else {
            return false;
        };
        let running: Vec<&str> = views.iter().map(|(_, name, _)| name.as_str()).collect();
        let agreed = |view: &monitor::View| view.meta_leader() == Some((leader, self.nodes.len()));
        let complete = |(_, name, view): &(usize, String, monitor::View)| {
            agreed(view) && !view.shuns(&running) && view.is_complete(name, &running)
        };
        if !views.iter().all(complete) {
            return false;
        }
        for (at, _, _) in &views {
            let monitor = self.nodes[*at].monitor_url().unwrap_or_default();
            if !monitor::is_healthy(monitor).await {
                return false;
            }
        }
        // A majority, so that streams can be created.
        views.len() > self.nodes.len() / 2
    }

    /// What the nodes that answer know.
    async fn views(&self, streams: bool) -> Vec<(usize, String, monitor::View)> {
        let mut views = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(monitor) = node.monitor_url() else {
                continue;
            };
            if let Ok(view) = monitor::view(monitor, streams).await {
                views.push((at, node.name().to_owned(), view));
            }
        }
        views
    }

    /// Ends all nodes in order, side by side; their data stays.
    pub async fn stop(mut self) -> Result<(), ClusterError> {
        let stopping = self
            .nodes
            .drain(..)
            .map(|mut node| tokio::spawn(async move { node.stop().await }));
        let stopping: Vec<_> = stopping.collect();
        let mut outcome = Ok(());
        for (at, stopping) in stopping.into_iter().enumerate() {
            if let Ok(Err(source)) = stopping.await {
                outcome = outcome.and(Err(ClusterError::Node {
                    node: at + 1,
                    source,
                }));
            }
        }
        outcome
    }
}

fn no_leader(what: &str) -> ClusterError {
    ClusterError::NoLeader {
        what: what.to_owned(),
        within: READY_WITHIN,
    }
}

/// So many ports that nobody listens on now.
fn free_ports(count: usize) -> Vec<u16> {
    let mut held = Vec::new();
    while held.len() < count {
        let port = rand::rng().random_range(ROUTE_PORTS);
        // Held until all are found, so that none is found twice.
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            held.push((port, listener));
        }
    }
    held.into_iter().map(|(port, _)| port).collect()
}
