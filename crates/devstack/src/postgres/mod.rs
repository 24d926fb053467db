//! A database server as a child process.
//!
//! Made for one machine: small memory, loopback only, everybody local is trusted (there is no password), one role
//! `worldline` that owns everything. It is ready when it says so in `postmaster.pid`, which is what its own `pg_ctl`
//! waits for too.

mod cluster;
mod settings;
mod start;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::process::{Launch, ServerError, ServerProcess};
use crate::tools::Tools;
use crate::user::ServerUser;
use start::Unstarted;

const SERVER: &str = "PostgreSQL";
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// The role that owns every database.
pub const ROLE: &str = "worldline";
/// The database a stack uses.
pub const DATABASE: &str = "worldline";

/// How to start a database server.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// The programs.
    pub tools: Tools,
    /// Where the data is kept; created if missing. When we are root and the database's user cannot get there, this
    /// becomes a link to where the data really is.
    pub data_dir: PathBuf,
    /// The port on loopback; `None` for a free one.
    pub port: Option<u16>,
    /// Where its log is appended; `<data_dir>.log` if `None`.
    pub log_file: Option<PathBuf>,
    /// Whether a commit survives a power cut. Off for tests.
    pub durable: bool,
}

/// A running database server. Killed when dropped; its data stays.
#[derive(Debug)]
pub struct Postgres {
    tools: Tools,
    launch: Launch,
    process: ServerProcess,
    sockets: Option<settings::SocketDir>,
    durable: bool,
    port: u16,
}

impl Postgres {
    /// Starts a server, making its data directory first if need be, and waits until it answers.
    pub async fn start(options: PgOptions) -> Result<Postgres, ServerError> {
        Postgres::start_removing(options, None).await
    }

    /// As [`Postgres::start`]; `remove` is deleted should we be killed.
    pub(crate) async fn start_removing(
        options: PgOptions,
        remove: Option<PathBuf>,
    ) -> Result<Postgres, ServerError> {
        let user = ServerUser::owner_of(&options.data_dir);
        let data_dir = absolute(&options.data_dir)?;
        let log_file = options
            .log_file
            .unwrap_or_else(|| data_dir.with_added_extension("log"));
        let data_dir = user.make_data_dir(&data_dir)?;
        cluster::ensure(&options.tools, &data_dir, &user).await?;
        let sockets = settings::SocketDir::for_data(&data_dir, &user);
        let launch = Launch {
            server: SERVER,
            program: options.tools.postgres_program("postgres"),
            arguments: Vec::new(),
            user,
            pid_file: log_file.with_extension("pid"),
            log_file,
            data_dir,
            end_with: Signal::SIGQUIT,
            remove_at_end: remove,
        };
        let mut postgres = Unstarted {
            launch,
            durable: options.durable,
            sockets: sockets.as_ref().map(|dir| dir.path()),
        };
        let (process, port) = postgres.run(options.port).await?;
        let launch = postgres.launch;
        Ok(Postgres {
            tools: options.tools,
            launch,
            process,
            sockets,
            durable: options.durable,
            port,
        })
    }

    /// The URL of a database on this server.
    pub fn database_url(&self, name: &str) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/{name}", self.port)
    }

    /// The URL of the stack's database, [`DATABASE`].
    pub fn url(&self) -> String {
        self.database_url(DATABASE)
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Its log.
    pub fn log_file(&self) -> &Path {
        &self.launch.log_file
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.exit_status().is_none()
    }

    /// Makes the database `name` unless there is one, and returns its URL.
    pub async fn create_database(&self, name: &str) -> Result<String, ServerError> {
        cluster::create_database(&self.tools, self.port, name).await?;
        Ok(self.database_url(name))
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.process.kill()
    }

    /// Ends it in order, cutting off its clients; kills it when that takes too long.
    pub async fn stop(&mut self) -> Result<(), ServerError> {
        self.process.stop(Signal::SIGINT, STOP_WITHIN).await
    }

    /// Freezes the server (SIGSTOP): nobody new gets in. Sessions that are open are processes of their own and go on.
    pub fn pause(&mut self) -> Result<(), ServerError> {
        self.process.pause()
    }

    /// Lets it go on after [`Postgres::pause`].
    pub fn resume(&mut self) -> Result<(), ServerError> {
        self.process.signal(Signal::SIGCONT)
    }

    /// Starts it again on the same port and data, ending it in order first if it runs.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.stop().await?;
        let sockets = self.sockets.as_ref().map(|dir| dir.path());
        let mut again = Unstarted {
            launch: self.launch.clone(),
            durable: self.durable,
            sockets,
        };
        let (process, _) = again.run(Some(self.port)).await?;
        self.process = process;
        Ok(())
    }
}

fn absolute(path: &Path) -> Result<PathBuf, ServerError> {
    std::path::absolute(path).map_err(|source| ServerError::Data {
        server: SERVER,
        path: path.to_path_buf(),
        source,
    })
}
