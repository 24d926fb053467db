//! Opening the log: the real broker with three connections, or the twin in memory.

use std::fmt;
use std::sync::Arc;

use crate::backend::Backend;
use crate::backend::faults::{Faults, Faulty};
use crate::backend::memory::MemoryBackend;
use crate::backend::nats::NatsBackend;
use crate::error::ConnectError;
use crate::streams::StreamsFile;
use crate::{EventLog, MemoryControls};

/// How to reach the broker.
#[derive(Clone)]
pub struct Connect {
    /// `nats://host:port`; several, separated by commas, for a cluster.
    pub url: String,
    /// The broker's user; none on a broker that is open to all.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// What the broker's lists call this process: `worker w1`.
    pub name: String,
    /// The role: answers come to `_INBOX.<role>.…`. Usually the same as `user`.
    pub role: String,
}

impl Connect {
    /// To an open broker at `url`, as `role`.
    #[must_use]
    pub fn to(url: impl Into<String>, role: impl Into<String>) -> Self {
        let role = role.into();
        Self {
            url: url.into(),
            user: None,
            password: None,
            name: role.clone(),
            role,
        }
    }

    /// With user and password; the user names the role too.
    #[must_use]
    pub fn as_user(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        let user = user.into();
        self.role.clone_from(&user);
        self.user = Some(user);
        self.password = Some(password.into());
        self
    }

    /// Called `name` in the broker's lists.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "[redacted]"))
            .field("name", &self.name)
            .field("role", &self.role)
            .finish()
    }
}

impl EventLog {
    /// Opens three connections: hot writes, fan-out, bulk reads.
    ///
    /// # Errors
    /// When no fit broker answers within ten seconds, or it refuses the user.
    pub async fn connect(options: &Connect) -> Result<EventLog, ConnectError> {
        let backend = Arc::new(Box::pin(NatsBackend::connect(options)).await?);
        Ok(EventLog { backend })
    }

    /// The real broker with faults that a test can ask for.
    ///
    /// # Errors
    /// As [`EventLog::connect`].
    pub async fn connect_with_faults(
        options: &Connect,
    ) -> Result<(EventLog, Faults), ConnectError> {
        let backend = Arc::new(Box::pin(NatsBackend::connect(options)).await?);
        Ok(EventLog::with_faults(backend))
    }

    /// The twin in memory, with the streams of `nats/streams.toml`, and its controls.
    #[must_use]
    pub fn in_memory() -> (EventLog, MemoryControls) {
        let twin = MemoryBackend::new();
        match StreamsFile::built_in() {
            Ok(file) => EventLog::marked(&file).for_each(|config| twin.create(&config)),
            // A test of the file excludes it; a twin without streams shows it soon enough.
            Err(error) => tracing::error!(%error, "the built-in streams cannot be read"),
        }
        EventLog::with_faults(Arc::new(twin))
    }

    fn with_faults(backend: Arc<dyn Backend>) -> (EventLog, Faults) {
        let faults = Faults::over(backend);
        let backend = Arc::new(Faulty::new(&faults));
        (EventLog { backend }, faults)
    }
}
