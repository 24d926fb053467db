//! What each role may do on the broker: from `nats/users.toml`, in our words, to the server's lists of subjects.
//!
//! Rights are lists of what is allowed; all else is refused.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use super::users::UsersError;

const ROLES: &str = include_str!("../../../../nats/users.toml");

/// The subjects a role may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// Subjects it may publish to.
    pub publish: Vec<String>,
    /// Subjects it may subscribe to.
    pub subscribe: Vec<String>,
}

/// What one role may do; the fields are explained in `nats/users.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Role {
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

/// What `role` may publish and subscribe to; `None` for an unknown role.
pub fn permissions(role: &str) -> Result<Option<Permissions>, UsersError> {
    Ok(roles()?.get(role).map(|found| found.permissions(role)))
}

/// The names of all roles.
pub fn role_names() -> Result<Vec<String>, UsersError> {
    Ok(roles()?.into_keys().collect())
}

pub(super) fn roles() -> Result<BTreeMap<String, Role>, UsersError> {
    toml::from_str(ROLES).map_err(|error| UsersError::Roles(error.to_string()))
}

/// The server's configuration; `password` writes a role's, quoted or as a variable.
pub(super) fn render(password: impl Fn(&str) -> String) -> Result<String, UsersError> {
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
