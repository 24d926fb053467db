//! What a broker on this machine is told: `nats/server.conf` with its variables filled in.

use std::fmt;
use std::path::Path;

use super::users::{Users, UsersError};

const SERVER_CONF: &str = include_str!("../../../../nats/server.conf");
const NODE_CONF: &str = include_str!("../../../../nats/cluster/loopback.conf");

/// The broker's settings that differ between a stack and a test.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// The users; `None` lets everybody do everything.
    pub users: Option<Users>,
    /// Whether a message is acknowledged only once it is on the disk. Off, a power cut loses messages (a killed
    /// server does not).
    pub sync_always: bool,
    /// How many bytes its streams may take or reserve. The server's own choice, three quarters of what is free when
    /// it starts, shrinks with every start and refuses all streams on a disk that is nearly full.
    pub file_store: u64,
    /// The server's name; in a cluster each has its own, and keeps it.
    pub name: String,
    /// What makes it a node of a cluster; [`crate::nats::Cluster`] sets it.
    pub node: Option<NodeConfig>,
}

/// How a node of a cluster on this machine finds the others.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// The port on which it listens for the others.
    pub port: u16,
    /// The ports of all nodes; its own may be among them.
    pub all: Vec<u16>,
    /// What a node must know to join.
    pub password: String,
}

impl fmt::Debug for NodeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeConfig")
            .field("port", &self.port)
            .field("all", &self.all)
            .field("password", &"[redacted]")
            .finish()
    }
}

impl Default for NatsConfig {
    fn default() -> NatsConfig {
        NatsConfig {
            users: None,
            sync_always: true,
            // Nothing is kept for long that takes the default.
            file_store: 1 << 40,
            name: "worldline".to_owned(),
            node: None,
        }
    }
}

/// The files of a rendered configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedConfig {
    /// The main file.
    pub server: String,
    /// `users.conf`, to lie beside it. Secret.
    pub users: String,
}

/// What [`NatsConfig::file_store`] is at least, of each node: the streams reserve 12 GiB before they hold anything.
pub const LEAST_FILE_STORE: u64 = 16 << 30;

/// Three quarters of what a store in `dir` can have of its disk: what is free, and what it has already.
///
/// # Errors
/// When the directory cannot be looked at.
pub fn share_of_disk(dir: &Path) -> std::io::Result<u64> {
    let disk = nix::sys::statvfs::statvfs(dir)?;
    let free = disk.blocks_available() * disk.fragment_size();
    Ok(((free + size_below(dir)?) / 4 * 3).max(LEAST_FILE_STORE))
}

fn size_below(dir: &Path) -> std::io::Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let data = entry.metadata()?;
        size += if data.is_dir() {
            size_below(&entry.path())?
        } else {
            data.len()
        };
    }
    Ok(size)
}

impl NatsConfig {
    /// Renders the configuration for a server with its files in `store`. Port `None` lets the system choose. The
    /// same input gives the same text.
    pub fn render(&self, store: &Path, port: Option<u16>) -> Result<RenderedConfig, UsersError> {
        let port = port.map_or(-1, i32::from);
        let store = store.display();
        let variables = [
            ("WORLDLINE_NATS_NAME", self.name.clone()),
            ("WORLDLINE_NATS_LISTEN", format!("127.0.0.1:{port}")),
            ("WORLDLINE_NATS_MONITOR", "127.0.0.1:-1".to_owned()),
            ("WORLDLINE_NATS_STORE", store.to_string()),
            (
                "WORLDLINE_NATS_SYNC",
                if self.sync_always { "always" } else { "2m" }.to_owned(),
            ),
            (
                "WORLDLINE_NATS_FILE_STORE",
                format!("{}M", self.file_store >> 20),
            ),
            // Where the server writes which ports it got.
            ("ports_file_dir", store.to_string()),
        ];
        let mut server = String::new();
        for (name, value) in variables {
            server.push_str(&format!("{name}: {}\n", quoted(&value)));
        }
        server.push_str(SERVER_CONF);
        if let Some(node) = &self.node {
            server.push_str(&node.render());
        }
        let users = match &self.users {
            Some(users) => users.render()?,
            None => "# Open to all.\n".to_owned(),
        };
        Ok(RenderedConfig { server, users })
    }
}

impl NodeConfig {
    fn render(&self) -> String {
        let routes = self.all.iter().map(|port| {
            let url = format!("nats-route://route:{}@127.0.0.1:{port}", self.password);
            quoted(&url)
        });
        let routes = routes.collect::<Vec<_>>().join(", ");
        format!(
            "\nWORLDLINE_CLUSTER_LISTEN: {}\nWORLDLINE_CLUSTER_ROUTES: [{routes}]\nWORLDLINE_CLUSTER_PASSWORD: {}\n{NODE_CONF}",
            quoted(&format!("127.0.0.1:{}", self.port)),
            quoted(&self.password),
        )
    }
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_settings_give_the_same_text() {
        let config = NatsConfig {
            users: Some(Users::generate().expect("roles")),
            ..NatsConfig::default()
        };
        let render = || {
            config
                .render(Path::new("/data/nats"), Some(4222))
                .expect("a configuration")
        };
        assert_eq!(render(), render());
        assert!(
            render()
                .server
                .contains("WORLDLINE_NATS_LISTEN: \"127.0.0.1:4222\"")
        );
        assert!(render().server.contains("WORLDLINE_NATS_SYNC: \"always\""));
    }

    #[test]
    fn a_strange_directory_name_stays_a_string() {
        let rendered = NatsConfig::default()
            .render(Path::new("/a \"b\" \\c"), None)
            .expect("a configuration");
        assert!(
            rendered
                .server
                .contains(r#"WORLDLINE_NATS_STORE: "/a \"b\" \\c""#)
        );
    }
}
