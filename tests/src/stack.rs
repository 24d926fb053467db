//! A whole stack on free ports: broker with its users, database, every role a process.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use bots::Address;
use devstack::postgres::DATABASE;
use devstack::test::{self, TestBroker, TestCluster, TestPostgres};
use devstack::{BrokerAccess, DataDirLock, RunFile};
use eventlog::{Connect, EventLog};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::proxy::Proxy;
use crate::role::Role;
use crate::small_disk::SmallDisk;
use crate::{PATIENCE, Player, eventually};

/// How many lines of each role's log a failed test shows.
const SHOWN: usize = 40;

/// A running stack. Everything ends when it is dropped.
pub struct Stack {
    /// The broker; may be killed, paused and restarted.
    pub broker: TestBroker,
    /// Three brokers, where they are in its place: then nobody uses the one.
    pub cluster: Option<TestCluster>,
    /// The disk of its streams, where it has one of its own.
    pub disk: Option<SmallDisk>,
    /// The database server; may be killed, paused and restarted.
    pub postgres: TestPostgres,
    binary: PathBuf,
    roles: BTreeMap<String, Role>,
    /// How each role was started, to start it again likewise.
    starts: BTreeMap<String, Start>,
    edges: BTreeMap<String, Address>,
    /// Where each role has a wire to the broker of its own: those wires.
    wires: Option<BTreeMap<String, Proxy>>,
    /// Environment variables that every role gets.
    variables: Vec<(String, String)>,
    run_file: RunFile,
    _lock: DataDirLock,
    dir: TempDir,
    /// Whether the test has come to its good end.
    well: AtomicBool,
    _turn: MutexGuard<'static, ()>,
}

/// How a role was started.
#[derive(Debug, Clone)]
struct Start {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

/// What differs between stacks.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Each role reaches the broker through a proxy of its own ([`Stack::wire`]).
    pub wired: bool,
    /// Environment variables that every role gets.
    pub variables: Vec<(String, String)>,
    /// The broker keeps its streams on a disk of so many bytes of its own; needs the right to mount.
    pub disk: Option<u64>,
    /// Three brokers in the place of the one.
    pub cluster: bool,
}

/// Each stack wants the machine for itself; tests of one process take turns.
static TURN: Mutex<()> = Mutex::const_new(());

impl Stack {
    /// Starts servers, streams, and one of each role but the worker, and waits until the edge `edge-1` is ready.
    /// `binary` is the `worldline` to run.
    ///
    /// # Errors
    /// When anything of it does not start.
    pub async fn start(binary: &str) -> anyhow::Result<Self> {
        Self::planned(binary, Plan::default()).await
    }

    /// As [`Stack::start`], with what `plan` says.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn planned(binary: &str, plan: Plan) -> anyhow::Result<Self> {
        let turn = TURN.lock().await;
        let dir = tempfile::Builder::new()
            .prefix("worldline-stack-")
            .tempdir()?;
        std::fs::create_dir(dir.path().join("log"))?;
        let lock = DataDirLock::acquire(dir.path())?;
        let (mut broker, postgres) = tokio::try_join!(test::broker_with_users(), test::postgres())?;
        let disk = match plan.disk {
            Some(bytes) => {
                broker.stop().await?;
                let disk = SmallDisk::mount(broker.store_dir(), bytes)?;
                std::fs::create_dir(broker.store_dir().join("nats"))?;
                broker.restart().await?;
                Some(disk)
            }
            None => None,
        };
        postgres.create_database(DATABASE).await?;
        let cluster = if plan.cluster {
            Some(test::cluster_with_users().await?)
        } else {
            None
        };
        let (users, url) = match &cluster {
            Some(cluster) => (cluster.users(), cluster.url()),
            None => (broker.users(), broker.url()),
        };
        let users = users.context("a broker with users")?.credentials();
        let run_file = RunFile {
            pid: std::process::id(),
            http_url: String::new(),
            nats: BrokerAccess { url, users },
            postgres_url: postgres.url(),
        };
        run_file.write(&lock)?;
        let mut stack = Self {
            broker,
            cluster,
            disk,
            postgres,
            binary: binary.into(),
            roles: BTreeMap::new(),
            starts: BTreeMap::new(),
            edges: BTreeMap::new(),
            wires: plan.wired.then(BTreeMap::new),
            variables: plan.variables,
            run_file,
            _lock: lock,
            dir,
            well: AtomicBool::new(false),
            _turn: turn,
        };
        stack.tool(&["keys"]).await?;
        let copies = if plan.cluster { "3" } else { "1" };
        stack
            .tool(&["streams", "apply", "--replicas", copies])
            .await?;
        for role in ["identity", "lobby", "director", "projector"] {
            stack.start_role(role, &[role], &[])?;
        }
        stack.start_edge("edge-1", &[]).await?;
        Ok(stack)
    }

    /// As [`Stack::start`], with workers of these names.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn with_workers(binary: &str, names: &[&str]) -> anyhow::Result<Self> {
        let mut stack = Self::start(binary).await?;
        for name in names {
            stack.start_worker(name, None)?;
        }
        Ok(stack)
    }

    /// Starts a role's process under a name of the test's.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_role(
        &mut self,
        name: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let start = Start {
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            variables: variables.iter().map(owned).collect(),
        };
        self.starts.insert(name.to_owned(), start);
        self.start_again(name)
    }

    /// Starts a role that has ended, as it was started before.
    ///
    /// # Errors
    /// When it cannot be started, or never was.
    pub fn start_again(&mut self, name: &str) -> anyhow::Result<()> {
        self.start_again_with(name, &[])
    }

    /// As [`Stack::start_again`], with these environment variables for this one life.
    ///
    /// # Errors
    /// As [`Stack::start_again`].
    pub fn start_again_with(&mut self, name: &str, once: &[(&str, &str)]) -> anyhow::Result<()> {
        let start = self.starts.get(name).cloned();
        let start = start.with_context(|| format!("{name} was never started"))?;
        let mut variables = self.variables.clone();
        variables.extend(start.variables);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        variables.extend(once.iter().map(owned));
        variables.extend(self.wired_to_the_broker(name, &start.arguments[0])?);
        let clock = self.clock_file(name).display().to_string();
        variables.push(("WORLDLINE_CLOCK".to_owned(), clock));
        let role = Role::start(
            &self.binary,
            self.dir.path(),
            name,
            &start.arguments,
            &variables,
        )?;
        self.roles.insert(name.to_owned(), role);
        Ok(())
    }

    /// The wire of a role and what tells the role to use it; nothing where roles go to the broker themselves.
    fn wired_to_the_broker(
        &mut self,
        name: &str,
        role: &str,
    ) -> anyhow::Result<Vec<(String, String)>> {
        let Some(wires) = &mut self.wires else {
            return Ok(Vec::new());
        };
        if !wires.contains_key(name) {
            let broker = format!("127.0.0.1:{}", self.broker.client_port());
            wires.insert(name.to_owned(), Proxy::start(&broker)?);
        }
        let credential = self.run_file.credential(role).context("no such role")?;
        Ok(vec![
            (
                "WORLDLINE_BROKER_URL".to_owned(),
                format!("nats://{}", wires[name].address()),
            ),
            ("WORLDLINE_BROKER_USER".to_owned(), credential.user.clone()),
            (
                "WORLDLINE_BROKER_PASSWORD".to_owned(),
                credential.password.clone(),
            ),
        ])
    }

    /// What a role's wall clock is off by, in ms, for the binary under test; it reads the file again and again.
    #[must_use]
    pub fn clock_file(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.clock"))
    }

    /// The wire between a role and the broker; `None` where it has none of its own.
    #[must_use]
    pub fn wire(&self, name: &str) -> Option<&Proxy> {
        self.wires.as_ref()?.get(name)
    }

    /// The names of all roles that were started, and of those that ended since.
    #[must_use]
    pub fn role_names(&self) -> Vec<String> {
        self.starts.keys().cloned().collect()
    }

    /// Starts a worker, which ends at the crash point if one is given (`after_append_before_ack@departed`).
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_worker(&mut self, name: &str, crash_at: Option<&str>) -> anyhow::Result<()> {
        let mut variables = vec![("WORLDLINE_WORKER_SLEEP_AFTER", "2s")];
        variables.extend(crash_at.map(|point| ("WORLDLINE_CRASH_AT", point)));
        self.start_role(name, &["worker", "--name", name], &variables)
    }

    /// Starts an edge on a port of its own and waits until it is ready. Started again under its name, it listens where
    /// it did.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_edge(
        &mut self,
        name: &str,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let mut all = vec![("WORLDLINE_EDGE_LOOPBACK_UNLIMITED", "true")];
        all.extend(variables);
        self.start_role(name, &["edge", "--listen", &listen], &all)?;
        let address = Address::parse(&format!("http://{listen}"))?;
        self.edges.insert(name.to_owned(), address.clone());
        eventually(&format!("{name} is ready"), || async {
            let (status, _) = address.exchange("GET", "/health/ready", None, b"").await?;
            Ok(status == 200)
        })
        .await
    }

    /// A role by its name.
    ///
    /// # Panics
    /// When the test has not started it.
    pub fn role(&mut self, name: &str) -> &mut Role {
        match self.roles.get_mut(name) {
            Some(role) => role,
            None => panic!("no role {name} was started"),
        }
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&mut self, name: &str) -> anyhow::Result<()> {
        self.role(name).kill().await
    }

    /// Where an edge listens.
    ///
    /// # Panics
    /// When the test has not started it.
    #[must_use]
    pub fn edge(&self, name: &str) -> &Address {
        match self.edges.get(name) {
            Some(address) => address,
            None => panic!("no edge {name} was started"),
        }
    }

    /// An edge's address as bots take it.
    #[must_use]
    pub fn url(&self, edge: &str) -> String {
        format!("http://{}", self.edge(edge).authority())
    }

    /// A new character on `edge-1`, in the world.
    ///
    /// # Errors
    /// When it does not come in.
    pub async fn player(&self, name: &str) -> anyhow::Result<Player> {
        let mut player = Player::create(self.edge("edge-1"), name).await?;
        player.enter().await?;
        Ok(player)
    }

    /// Runs a subcommand that ends by itself, with the variables that the roles have; its standard output.
    ///
    /// # Errors
    /// When it ends with an error, which is part of the message.
    pub async fn tool(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let running = tokio::process::Command::new(&self.binary)
            .arg("--data-dir")
            .arg(self.dir.path())
            .args(arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        let what = || format!("worldline {}", arguments.join(" "));
        let output = tokio::time::timeout(PATIENCE, running)
            .await
            .with_context(what)??;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        anyhow::ensure!(
            output.status.success(),
            "{}: {}\n{said}{}",
            what(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(said)
    }

    /// A connection to the broker as `role`.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    pub async fn log(&self, role: &str) -> anyhow::Result<EventLog> {
        let credential = self.run_file.credential(role).context("no such role")?;
        let options = Connect::to(&self.run_file.nats.url, role)
            .as_user(&credential.user, &credential.password)
            .named(format!("test {role}"));
        Ok(EventLog::connect(&options).await?)
    }

    /// The database.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.run_file.postgres_url
    }

    /// The test has come to its good end: the logs need not be shown.
    pub fn is_well(&self) {
        self.well.store(true, Ordering::Relaxed);
    }

    /// Where the stack keeps its files.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }
}

/// A port that is free, and that the system gives to nobody who asks for any: those are from 32768 up.
fn free_port() -> anyhow::Result<u16> {
    for _ in 0..100 {
        let port = rand::random_range(15_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no free port between 15000 and 32000")
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.well.load(Ordering::Relaxed) && !std::thread::panicking() {
            return;
        }
        for role in self.roles.values() {
            eprintln!(
                "---- the last lines of {} ----\n{}",
                role.name,
                role.last_lines(SHOWN)
            );
        }
    }
}
