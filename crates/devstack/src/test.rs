//! A broker or a database for a test: its own, real, on a free port, gone when the test is.
//!
//! Each broker is a server of its own (some 50 ms). Databases are fresh ones on a server shared by the tests of a
//! process. Nothing stays behind, not even of a test process that is killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::nats::{Cluster, ClusterOptions, NatsConfig, NatsOptions, NatsServer, Users};
use crate::postgres::{PgOptions, Postgres};
use crate::seaweed::ObjectStore;
use crate::tools::{Tools, tools_dir};
use crate::user::ServerUser;

/// A broker with a store of its own.
#[derive(Debug)]
pub struct TestBroker {
    // Fields are dropped in this order: first the server, then its files.
    server: NatsServer,
    store: TempDir,
}

impl TestBroker {
    /// Where it keeps its streams: files that stay as they are when it is killed.
    #[must_use]
    pub fn store_dir(&self) -> &std::path::Path {
        self.store.path()
    }
}

impl std::ops::Deref for TestBroker {
    type Target = NatsServer;
    fn deref(&self) -> &NatsServer {
        &self.server
    }
}

impl std::ops::DerefMut for TestBroker {
    fn deref_mut(&mut self) -> &mut NatsServer {
        &mut self.server
    }
}

/// A fresh database. It is dropped with its server, at the end of the test process.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    url: String,
}

impl TestDatabase {
    /// Its URL, with the role that owns it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A broker that is open to all.
pub async fn broker() -> anyhow::Result<TestBroker> {
    broker_with(NatsConfig::default()).await
}

/// A broker with the users of `nats/users.toml`; [`NatsServer::users`] has their credentials.
pub async fn broker_with_users() -> anyhow::Result<TestBroker> {
    broker_with(NatsConfig {
        users: Some(Users::generate()?),
        ..NatsConfig::default()
    })
    .await
}

/// A broker with settings of the test's own.
pub async fn broker_with(config: NatsConfig) -> anyhow::Result<TestBroker> {
    let store = temporary("worldline-nats-")?;
    let options = NatsOptions {
        tools: tools().await?,
        data_dir: store.path().join("nats"),
        port: None,
        config,
        log_file: None,
    };
    let server = NatsServer::start_removing(options, Some(store.path().to_path_buf())).await?;
    Ok(TestBroker { server, store })
}

/// Three brokers as one cluster, open to all.
pub async fn cluster() -> anyhow::Result<TestCluster> {
    cluster_with(NatsConfig::default()).await
}

/// Three brokers as one cluster with the users of `nats/users.toml`; [`Cluster::users`] has their credentials.
pub async fn cluster_with_users() -> anyhow::Result<TestCluster> {
    cluster_with(NatsConfig {
        users: Some(Users::generate()?),
        ..NatsConfig::default()
    })
    .await
}

/// Three brokers as one cluster with settings of the test's own.
pub async fn cluster_with(config: NatsConfig) -> anyhow::Result<TestCluster> {
    let store = temporary("worldline-cluster-")?;
    let options = ClusterOptions {
        tools: tools().await?,
        data_dir: store.path().to_path_buf(),
        nodes: 3,
        config,
        log_dir: None,
    };
    let cluster = Cluster::start_removing(options, Some(store.path().to_path_buf())).await?;
    Ok(TestCluster {
        cluster,
        _store: store,
    })
}

/// See [`cluster`].
#[derive(Debug)]
pub struct TestCluster {
    // First the servers are dropped, then their files.
    cluster: Cluster,
    _store: TempDir,
}

impl std::ops::Deref for TestCluster {
    type Target = Cluster;
    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl std::ops::DerefMut for TestCluster {
    fn deref_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }
}

/// An empty database on the server that the tests of this process share.
pub async fn database() -> anyhow::Result<TestDatabase> {
    static SERVER: OnceCell<Postgres> = OnceCell::const_new();
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let server = SERVER.get_or_try_init(shared_postgres).await?;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Ok(TestDatabase {
        url: server.create_database(&name).await?,
    })
}

/// A database server of the test's own, to be killed, paused and restarted.
pub async fn postgres() -> anyhow::Result<TestPostgres> {
    let (server, store) = own_postgres().await?;
    Ok(TestPostgres {
        server,
        _store: store,
    })
}

/// See [`postgres`].
#[derive(Debug)]
pub struct TestPostgres {
    server: Postgres,
    _store: TempDir,
}

impl std::ops::Deref for TestPostgres {
    type Target = Postgres;
    fn deref(&self) -> &Postgres {
        &self.server
    }
}

impl std::ops::DerefMut for TestPostgres {
    fn deref_mut(&mut self) -> &mut Postgres {
        &mut self.server
    }
}

/// An object store of the test's own that speaks S3.
pub async fn object_store() -> anyhow::Result<TestObjectStore> {
    let store = temporary("worldline-s3-")?;
    let program = tokio::task::spawn_blocking(|| Tools::object_store(&tools_dir())).await??;
    Ok(TestObjectStore {
        server: ObjectStore::start(program, store.path()).await?,
        _store: store,
    })
}

/// See [`object_store`].
#[derive(Debug)]
pub struct TestObjectStore {
    server: ObjectStore,
    _store: TempDir,
}

impl std::ops::Deref for TestObjectStore {
    type Target = ObjectStore;
    fn deref(&self) -> &ObjectStore {
        &self.server
    }
}

impl std::ops::DerefMut for TestObjectStore {
    fn deref_mut(&mut self) -> &mut ObjectStore {
        &mut self.server
    }
}

async fn shared_postgres() -> anyhow::Result<Postgres> {
    let (server, store) = own_postgres().await?;
    // Statics are never dropped; the server's keeper removes the directory when this process has ended.
    let _kept = store.keep();
    Ok(server)
}

async fn own_postgres() -> anyhow::Result<(Postgres, TempDir)> {
    let store = temporary("worldline-pg-")?;
    let user = ServerUser::for_postgres();
    user.own(store.path())
        .context("giving a temporary directory to the database's user")?;
    let options = PgOptions {
        tools: tools().await?,
        data_dir: store.path().join("data"),
        port: None,
        log_file: None,
        durable: false,
    };
    let server = Postgres::start_removing(options, Some(store.path().to_path_buf())).await?;
    Ok((server, store))
}

/// Found once per process: looking on PATH starts programs to ask for their version.
async fn tools() -> anyhow::Result<Tools> {
    static TOOLS: Mutex<Option<Tools>> = Mutex::new(None);
    tokio::task::spawn_blocking(|| {
        let mut known = TOOLS
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*known {
            Some(tools) => Ok(tools.clone()),
            None => Ok(known.insert(Tools::locate(&tools_dir())?).clone()),
        }
    })
    .await?
}

fn temporary(prefix: &str) -> anyhow::Result<TempDir> {
    let dir = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .context("making a temporary directory")?;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711))
        .context("opening a temporary directory")?;
    Ok(dir)
}
