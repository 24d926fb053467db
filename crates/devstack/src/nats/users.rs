//! The broker's users: a password for each role, and what the server is told about them.
//!
//! Rendering is a plain function of the roles and their passwords, so that what the broker is told can be read in a
//! test and in review. What a role may do is in [`super::rights`].

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rights::{render, roles};
use crate::run_file::write_secret;

/// What a service needs to connect as its role.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The broker user, named like the role.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The prefix its inboxes must have: `_INBOX.<user>`. Others' answers cannot be listened to.
    pub inbox_prefix: String,
}

/// All roles with their passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct Users {
    passwords: BTreeMap<String, String>,
}

/// Why there are no users.
#[derive(Debug, Error)]
pub enum UsersError {
    /// The roles are not what they should be. Only a change of `nats/users.toml` can cause it.
    #[error("nats/users.toml: {0}")]
    Roles(String),
    /// The passwords cannot be read or kept.
    #[error("the broker's passwords in {} cannot be used", path.display())]
    Passwords {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Users {
    /// Fresh random passwords for all roles.
    pub fn generate() -> Result<Users, UsersError> {
        Ok(Users {
            passwords: roles()?
                .into_keys()
                .map(|role| (role, password()))
                .collect(),
        })
    }

    /// The passwords kept in `path`, completed for new roles; created if there are none. They stay the same over
    /// restarts, so that a worker started by hand outlives a restart of the stack.
    pub fn load_or_create(path: &Path) -> Result<Users, UsersError> {
        let failed = |source| UsersError::Passwords {
            path: path.to_path_buf(),
            source,
        };
        let mut kept: BTreeMap<String, String> = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(failed(error)),
        };
        let passwords: BTreeMap<_, _> = roles()?
            .into_keys()
            .map(|role| {
                let known = kept.remove(&role);
                (role, known.unwrap_or_else(password))
            })
            .collect();
        write_secret(
            path,
            &serde_json::to_vec_pretty(&passwords).map_err(|error| failed(error.into()))?,
        )
        .map_err(failed)?;
        Ok(Users { passwords })
    }

    /// What each role needs to connect.
    pub fn credentials(&self) -> BTreeMap<String, Credential> {
        self.passwords
            .iter()
            .map(|(role, password)| (role.clone(), Credential::new(role, password)))
            .collect()
    }

    /// What one role needs to connect.
    pub fn credential(&self, role: &str) -> Option<Credential> {
        self.passwords
            .get(role)
            .map(|password| Credential::new(role, password))
    }

    /// The server's configuration for these users.
    pub fn render(&self) -> Result<String, UsersError> {
        render(|role| match self.passwords.get(role) {
            Some(password) => format!("\"{password}\""),
            None => "\"\"".to_owned(),
        })
    }
}

impl Credential {
    fn new(role: &str, password: &str) -> Credential {
        let inbox_prefix = format!("_INBOX.{role}");
        Credential {
            user: role.to_owned(),
            password: password.to_owned(),
            inbox_prefix,
        }
    }
}

/// The configuration with passwords left to the environment: `$WORLDLINE_NATS_PASSWORD_<ROLE>`.
pub fn render_for_environment() -> Result<String, UsersError> {
    render(|role| format!("$WORLDLINE_NATS_PASSWORD_{}", role.to_uppercase()))
}

pub(super) fn password() -> String {
    // A leading letter, so that a configuration parser never takes it for a number.
    let rest = rand::rng()
        .sample_iter(Alphanumeric)
        .take(31)
        .map(char::from);
    std::iter::once('w').chain(rest).collect()
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.user)
            .field("password", &"[redacted]")
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Users")
            .field(&self.passwords.keys())
            .finish()
    }
}
