//! What a server's monitoring page tells about its cluster: who leads, and whether it has caught up.
//!
//! The page needs no user and no client, and it answers when the log does not.

use std::io;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A paused server takes connections and says nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// A server's view of `JetStream`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct View {
    meta_cluster: Option<Meta>,
    #[serde(default)]
    account_details: Vec<Account>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    #[serde(default)]
    leader: String,
    #[serde(default)]
    cluster_size: usize,
    /// The other nodes; only the leader lists them.
    #[serde(default)]
    replicas: Vec<Peer>,
}

#[derive(Debug, Deserialize)]
struct Peer {
    name: String,
    #[serde(default)]
    offline: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Account {
    #[serde(default)]
    stream_detail: Vec<Stream>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    name: String,
    cluster: Option<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default)]
    leader: String,
    #[serde(default)]
    replicas: Vec<Replica>,
}

#[derive(Debug, Deserialize)]
struct Replica {
    name: String,
    #[serde(default)]
    current: bool,
}

impl View {
    /// The cluster's leader and how many nodes it counts; `None` while there is none.
    pub(super) fn meta_leader(&self) -> Option<(&str, usize)> {
        let meta = self.meta_cluster.as_ref()?;
        (!meta.leader.is_empty()).then_some((meta.leader.as_str(), meta.cluster_size))
    }

    /// Whether nothing is laid on one of the `running` nodes, because the leader holds it to be away. It may do so for a
    /// moment after they have met.
    pub(super) fn shuns(&self, running: &[&str]) -> bool {
        let peers = self.meta_cluster.iter().flat_map(|meta| &meta.replicas);
        let mut away = peers.filter(|peer| peer.offline);
        away.any(|peer| running.contains(&peer.name.as_str()))
    }

    /// Whether every stream has a leader, and those that `leader` leads have all their replicas on `running` nodes up to
    /// date. Only a leader knows how far the others are.
    pub(super) fn is_complete(&self, leader: &str, running: &[&str]) -> bool {
        let streams = self.account_details.iter().flat_map(|a| &a.stream_detail);
        let mut groups = streams.filter_map(|stream| stream.cluster.as_ref());
        let behind =
            |replica: &Replica| !replica.current && running.contains(&replica.name.as_str());
        groups.all(|group| {
            let led_here = group.leader == leader;
            !(group.leader.is_empty() || led_here && group.replicas.iter().any(behind))
        })
    }

    /// Who leads `stream`, as far as this server knows.
    pub(super) fn leader_of(&self, stream: &str) -> Option<&str> {
        let mut streams = self.account_details.iter().flat_map(|a| &a.stream_detail);
        let group = streams.find(|found| found.name == stream)?.cluster.as_ref();
        group
            .map(|group| group.leader.as_str())
            .filter(|leader| !leader.is_empty())
    }
}

/// What the server on `monitor` (`http://HOST:PORT`) knows; with its streams if asked for.
pub(super) async fn view(monitor: &str, streams: bool) -> io::Result<View> {
    let path = if streams {
        "/jsz?accounts=true&streams=true"
    } else {
        "/jsz"
    };
    let (_, body) = get(monitor, path).await?;
    serde_json::from_slice(&body).map_err(io::Error::from)
}

/// Whether the server has contact to the leader and all its streams are as far as their leaders.
pub(super) async fn is_healthy(monitor: &str) -> bool {
    get(monitor, "/healthz")
        .await
        .is_ok_and(|(status, _)| status.contains(" 200 "))
}

/// The status line and the body.
async fn get(monitor: &str, path: &str) -> io::Result<(String, Vec<u8>)> {
    let address = monitor.trim_start_matches("http://");
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await??;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or(io::ErrorKind::InvalidData)?;
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default());
    let status = head.lines().next().unwrap_or_default().to_owned();
    Ok((status, answer.get(end + 4..).unwrap_or_default().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaders_are_read_from_the_page() {
        let page = r#"{"meta_cluster":{"name":"worldline","leader":"nats-2","cluster_size":3,
                "replicas":[{"name":"nats-1","current":true},{"name":"nats-3","current":false,"offline":true}]},
            "account_details":[{"name":"$G","stream_detail":[
                {"name":"A","cluster":{"name":"worldline","leader":"nats-1",
                    "replicas":[{"name":"nats-2","current":true},{"name":"nats-3","current":false}]}},
                {"name":"B","cluster":{"name":"worldline"}}]}]}"#;
        let view: View = serde_json::from_str(page).expect("a page");
        assert_eq!(view.meta_leader(), Some(("nats-2", 3)));
        assert!(view.shuns(&["nats-1", "nats-3"]));
        assert!(!view.shuns(&["nats-1", "nats-2"]), "nats-3 is away indeed");
        assert_eq!(view.leader_of("A"), Some("nats-1"));
        assert_eq!(view.leader_of("B"), None, "an election");
        assert_eq!(view.leader_of("C"), None);
        assert!(!view.is_complete("nats-1", &["nats-1"]), "B has no leader");
        let page = page.replace(r#""cluster":{"name":"worldline"}"#, r#""cluster":null"#);
        let view: View = serde_json::from_str(&page).expect("a page");
        assert!(view.is_complete("nats-1", &["nats-1", "nats-2"]));
        assert!(
            !view.is_complete("nats-1", &["nats-1", "nats-3"]),
            "nats-3 is behind"
        );
    }
}
