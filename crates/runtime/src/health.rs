//! Whether the process is alive and ready, told by its services.
//!
//! *Live* means the process answers at all; *ready* means every check a service has registered is ready and no
//! shutdown has begun. A service registers a check before it starts connecting and keeps the handle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::shutdown::Shutdown;

/// All checks of a process; clones are the same registry.
#[derive(Debug, Clone)]
pub struct Health {
    /// `None` is ready, `Some` says why not.
    checks: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    shutdown: Shutdown,
}

/// What `/health/ready` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether traffic should come here.
    pub ready: bool,
    /// The checks that are not ready, each with its reason.
    pub not_ready: BTreeMap<String, String>,
}

impl Health {
    /// Ready no longer once `shutdown` has begun.
    #[must_use]
    pub fn new(shutdown: &Shutdown) -> Self {
        Self {
            checks: Arc::default(),
            shutdown: shutdown.clone(),
        }
    }

    /// Registers a check, not ready yet. A name that is taken (two workers in one process) gets a number.
    #[must_use = "dropping the handle says that the service has stopped"]
    pub fn check(&self, name: &str) -> HealthCheck {
        let mut checks = self.lock();
        let numbered = (2_u32..).map(|n| format!("{name}-{n}"));
        let free = std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !checks.contains_key(name));
        let name = free.unwrap_or_else(|| name.to_owned());
        checks.insert(name.clone(), Some("starting".into()));
        HealthCheck(Arc::new(Registered {
            name,
            health: self.clone(),
        }))
    }

    /// As things stand.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let checks = self.lock();
        let waiting = |(name, why): (&String, &Option<String>)| Some((name.clone(), why.clone()?));
        let mut not_ready: BTreeMap<_, _> = checks.iter().filter_map(waiting).collect();
        if checks.is_empty() {
            not_ready.insert("process".into(), "no service has registered yet".into());
        }
        if self.shutdown.has_begun() {
            not_ready.insert("process".into(), "shutting down".into());
        }
        Readiness {
            ready: not_ready.is_empty(),
            not_ready,
        }
    }

    fn set(&self, name: &str, why: Option<String>) {
        let before = self.lock().insert(name.to_owned(), why.clone());
        match (&before, &why) {
            (Some(same), now) if same == now => {}
            (_, None) => tracing::info!(check = name, "ready"),
            (_, Some(why)) => tracing::info!(check = name, why, "not ready"),
        }
    }

    /// The map is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A service's side of one check; when the last clone is dropped, the check says `stopped`.
#[derive(Debug, Clone)]
pub struct HealthCheck(Arc<Registered>);

impl HealthCheck {
    /// It works.
    pub fn ready(&self) {
        self.0.health.set(&self.0.name, None);
    }

    /// It does not, and why.
    pub fn not_ready(&self, why: impl Into<String>) {
        self.0.health.set(&self.0.name, Some(why.into()));
    }
}

#[derive(Debug)]
struct Registered {
    name: String,
    health: Health,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.health
            .lock()
            .insert(std::mem::take(&mut self.name), Some("stopped".into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(health: &Health) -> Vec<(String, String)> {
        health.readiness().not_ready.into_iter().collect()
    }

    fn pair(name: &str, why: &str) -> (String, String) {
        (name.to_owned(), why.to_owned())
    }

    #[test]
    fn ready_means_all_checks_are() {
        let health = Health::new(&Shutdown::new());
        assert_eq!(
            why(&health),
            [pair("process", "no service has registered yet")]
        );
        let (broker, rows) = (health.check("broker"), health.check("rows"));
        broker.ready();
        rows.not_ready("migrating");
        assert_eq!(why(&health), [pair("rows", "migrating")]);
        rows.ready();
        assert!(health.readiness().ready);
    }

    #[test]
    fn two_of_a_name_are_told_apart_and_a_dropped_one_has_stopped() {
        let health = Health::new(&Shutdown::new());
        let (first, second) = (health.check("worker"), health.check("worker"));
        first.ready();
        assert_eq!(why(&health), [pair("worker-2", "starting")]);
        second.ready();
        drop(first.clone());
        assert!(health.readiness().ready);
        drop(first);
        assert_eq!(why(&health), [pair("worker", "stopped")]);
    }

    #[test]
    fn a_process_that_shuts_down_is_not_ready() {
        let shutdown = Shutdown::new();
        let health = Health::new(&shutdown);
        let check = health.check("edge");
        check.ready();
        shutdown.begin();
        assert_eq!(why(&health), [pair("process", "shutting down")]);
    }
}
