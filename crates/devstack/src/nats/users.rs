//! The broker's users: from roles as data (`nats/users.toml`) to the server's configuration.
//!
//! Rendering is a plain function of the roles and their passwords, so that what the broker is told can be read in a
//! test and in review. Rights are lists of what is allowed; all else is refused.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::run_file::write_secret;

const ROLES: &str = include_str!("../../../../nats/users.toml");

/// What one role may do; the fields are explained in `nats/users.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Role {
    #[serde(rename = "does")]
    _does: String,
    publish: Vec<String>,
    subscribe: Vec<String>,
    reads: Vec<String>,
    works: Vec<String>,
    reads_buckets: Vec<String>,
    writes_buckets: Vec<String>,
    reads_objects: Vec<String>,
    writes_objects: Vec<String>,
    administers: bool,
}

/// The subjects a role may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// Subjects it may publish to.
    pub publish: Vec<String>,
    /// Subjects it may subscribe to.
    pub subscribe: Vec<String>,
}

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
    #[error("the broker's passwords in {} cannot be used: {source}", path.display())]
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

/// What `role` may publish and subscribe to; `None` for an unknown role.
pub fn permissions(role: &str) -> Result<Option<Permissions>, UsersError> {
    Ok(roles()?.get(role).map(|found| found.permissions(role)))
}

/// The names of all roles.
pub fn role_names() -> Result<Vec<String>, UsersError> {
    Ok(roles()?.into_keys().collect())
}

fn roles() -> Result<BTreeMap<String, Role>, UsersError> {
    toml::from_str(ROLES).map_err(|error| UsersError::Roles(error.to_string()))
}

fn render(password: impl Fn(&str) -> String) -> Result<String, UsersError> {
    let mut out =
        String::from("# Rendered from users.toml; do not edit.\nauthorization {\n  users: [\n");
    for (role, rights) in roles()? {
        let Permissions { publish, subscribe } = rights.permissions(&role);
        let lines = [
            format!(
                "    {{\n      user: {role}, password: {}\n      permissions: {{\n",
                password(&role)
            ),
            format!(
                "        publish: {{ allow: [\n{}        ] }}\n",
                subjects(&publish)
            ),
            format!(
                "        subscribe: {{ allow: [\n{}        ] }}\n      }}\n    }}\n",
                subjects(&subscribe)
            ),
        ];
        out.extend(lines);
    }
    out.push_str("  ]\n}\n");
    Ok(out)
}

fn subjects(list: &[String]) -> String {
    list.iter().fold(String::new(), |mut out, subject| {
        writeln!(out, "          \"{subject}\"").ok();
        out
    })
}

impl Role {
    fn permissions(&self, name: &str) -> Permissions {
        let mut publish = self.publish.clone();
        if self.administers {
            publish.push("$JS.API.>".to_owned());
        } else if self.streams().next().is_some() {
            publish.extend(["$JS.API.INFO".to_owned(), "$JS.API.STREAM.NAMES".to_owned()]);
        }
        publish.extend(self.streams().flat_map(|stream| reading(&stream)));
        for stream in &self.works {
            publish.push(format!("$JS.ACK.{stream}.>"));
            publish.push(format!("$JS.API.CONSUMER.UNPIN.{stream}.*"));
        }
        publish.extend(
            self.writes_buckets
                .iter()
                .map(|bucket| format!("$KV.{bucket}.>")),
        );
        for store in &self.writes_objects {
            publish.push(format!("$O.{store}.>"));
            publish.push(format!("$JS.API.STREAM.PURGE.OBJ_{store}"));
        }
        let mut subscribe = self.subscribe.clone();
        subscribe.push(format!("_INBOX.{name}.>"));
        Permissions { publish, subscribe }
    }

    /// All streams it reads, those behind buckets and stores too.
    fn streams(&self) -> impl Iterator<Item = String> {
        let plain = self.reads.iter().chain(&self.works).cloned();
        let buckets = self
            .reads_buckets
            .iter()
            .chain(&self.writes_buckets)
            .map(|bucket| format!("KV_{bucket}"));
        let stores = self
            .reads_objects
            .iter()
            .chain(&self.writes_objects)
            .map(|store| format!("OBJ_{store}"));
        plain.chain(buckets).chain(stores)
    }
}

/// The requests that reading a stream takes, and the answers that keep a consumer's flow going.
fn reading(stream: &str) -> Vec<String> {
    let requests = [
        "STREAM.INFO.{}",
        "STREAM.MSG.GET.{}",
        "DIRECT.GET.{}",
        "DIRECT.GET.{}.>",
        "CONSUMER.CREATE.{}",
        "CONSUMER.CREATE.{}.>",
        "CONSUMER.DURABLE.CREATE.{}.*",
        "CONSUMER.INFO.{}.*",
        "CONSUMER.DELETE.{}.*",
        "CONSUMER.MSG.NEXT.{}.*",
    ];
    let requests = requests
        .iter()
        .map(|request| format!("$JS.API.{}", request.replace("{}", stream)));
    requests.chain([format!("$JS.FC.{stream}.>")]).collect()
}

fn password() -> String {
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
