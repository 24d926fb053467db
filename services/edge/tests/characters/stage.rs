//! A realm without a world: broker, identity, lobby, and edges.

use std::net::SocketAddr;
use std::time::Duration;

use devstack::test::TestBroker;
use edge::Config;
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, Requester};
use runtime::{Ctx, Shutdown, Span};
use schemas::EdgeId;
use schemas::locate::Locator;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

const REALM_KEY: [u8; 32] = [7; 32];
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const LOBBY_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIPLe1rnYbkK4VURYU7E1R3vF8bpG4JZTu3ubQxoUIFXM\n-----END PRIVATE KEY-----\n";
const LOBBY_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAKUlcksiLZnvv5H1eCoUeRBjtSrScbajobFhIyCZ29NY=\n-----END PUBLIC KEY-----\n";

/// What a test plays on.
pub struct Stage {
    broker: TestBroker,
    _services: Vec<AbortOnDropHandle<anyhow::Result<()>>>,
}

/// One edge on it.
pub struct Edge {
    pub address: SocketAddr,
    shutdown: Shutdown,
    task: AbortOnDropHandle<anyhow::Result<()>>,
}

impl Edge {
    /// Leaves in order.
    pub async fn stop(self) {
        self.shutdown.begin();
        self.task.await.expect("no panic").expect("no error");
    }

    /// Asks as somebody who is logged in, or as nobody.
    pub async fn ask(&self, method: &str, path: &str, token: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it answers");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head[9..12].parse().expect("a status");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// A new guest with a character of this name.
    pub async fn guest(&self, name: &str) -> Guest<'_> {
        let (status, guest) = self
            .ask("POST", "/v1/guest", "", json!({ "name": name }))
            .await;
        assert_eq!(status, 200, "{guest}");
        let text = |key: &str| guest[key].as_str().expect(key).to_owned();
        Guest {
            edge: self,
            token: text("access_token"),
            guest_token: text("guest_token"),
            account: text("account"),
            character: text("character"),
        }
    }
}

/// Somebody who is logged in.
pub struct Guest<'a> {
    edge: &'a Edge,
    pub token: String,
    pub guest_token: String,
    pub account: String,
    pub character: String,
}

impl Guest<'_> {
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.edge.ask(method, path, &self.token, body).await
    }

    pub async fn list(&self) -> Vec<Value> {
        let (status, list) = self.ask("GET", "/v1/characters", Value::Null).await;
        assert_eq!(status, 200, "{list}");
        list["characters"].as_array().expect("a list").clone()
    }

    pub async fn names(&self) -> Vec<String> {
        let list = self.list().await;
        let names = list.iter().map(|one| one["name"].as_str().expect("a name"));
        names.map(str::to_owned).collect()
    }

    pub async fn create(&self, name: &str) -> (u16, Value) {
        self.ask("POST", "/v1/characters", json!({ "name": name }))
            .await
    }

    pub async fn delete(&self, character: &str) -> (u16, Value) {
        let path = format!("/v1/characters/{character}");
        self.ask("DELETE", &path, Value::Null).await
    }

    pub async fn restore(&self, character: &str) -> (u16, Value) {
        let path = format!("/v1/characters/{character}/restore");
        self.ask("POST", &path, Value::Null).await
    }

    pub async fn start(&self, character: &str) -> (u16, Value) {
        self.ask("POST", "/v1/start", json!({ "character": character }))
            .await
    }
}

/// What a refusal is called.
pub fn refused(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

/// Waits for a condition.
pub async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "not in time: {what}");
}

impl Stage {
    pub async fn new() -> Self {
        Self::with_grace(Span::from_secs(3600)).await
    }

    /// With so long a grace for deleted characters.
    pub async fn with_grace(delete_grace: Span) -> Self {
        let broker = devstack::test::broker_with_users().await.expect("a broker");
        let admin = connect(&broker, "admin").await;
        let file = StreamsFile::built_in().expect("the built-in streams");
        streams::apply(&admin, &file).await.expect("streams");
        let locator = Locator::bytes_of_realm(REALM_KEY);
        let locator: String = locator.iter().map(|byte| format!("{byte:02x}")).collect();
        let identity = identity::Config {
            secret: SECRET.to_owned().into(),
            locator_key: locator.into(),
            ..identity::Config::default()
        };
        let lobby = lobby::Config {
            secret: SECRET.to_owned().into(),
            signing_key: LOBBY_PRIVATE.to_owned().into(),
            delete_grace,
            ..lobby::Config::default()
        };
        let log = connect(&broker, "identity").await;
        let identity = identity::run(identity, log, Ctx::new(Shutdown::new()));
        let log = connect(&broker, "lobby").await;
        let lobby = lobby::run(lobby, log, Ctx::new(Shutdown::new()));
        let services = vec![
            AbortOnDropHandle::new(tokio::spawn(identity)),
            AbortOnDropHandle::new(tokio::spawn(lobby)),
        ];
        Self {
            broker,
            _services: services,
        }
    }

    pub async fn edge(&self) -> Edge {
        self.edge_at("").await
    }

    /// An edge with a public address.
    pub async fn edge_at(&self, public_url: &str) -> Edge {
        let hex = |byte: u8| format!("{byte:02x}").repeat(32).into();
        let config = Config {
            realm_key: hex(REALM_KEY[0]),
            resume_key: hex(9),
            lobby_public_key: LOBBY_PUBLIC.into(),
            registrations_per_hour: 0,
            failed_logins_per_address: 0,
            public_url: public_url.into(),
            drain: Span::from_millis(50),
            ..Config::default()
        };
        let listener = edge::listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shutdown = Shutdown::new();
        let ctx = Ctx::new(shutdown.clone());
        let log = self.log("edge").await;
        let task = AbortOnDropHandle::new(tokio::spawn(edge::serve(config, log, ctx, listener)));
        let edge = Edge {
            address,
            shutdown,
            task,
        };
        // It is there when identity has told it its keys.
        until("the edge answers", || async {
            let answered = edge.ask("GET", "/.well-known/jwks.json", "", Value::Null);
            let keys = answered.await.1;
            keys["keys"].as_array().is_some_and(|keys| !keys.is_empty())
        })
        .await;
        edge
    }

    /// The log, as a role may use it.
    pub async fn log(&self, role: &str) -> EventLog {
        connect(&self.broker, role).await
    }

    /// Somebody who asks the services as an edge does, and may stop anywhere.
    pub async fn requester(&self) -> Requester {
        let log = self.log("edge").await;
        Requester::new(log, EdgeId(0xdead))
            .await
            .expect("a requester")
    }
}

async fn connect(broker: &TestBroker, role: &str) -> EventLog {
    let credential = broker.users().and_then(|users| users.credential(role));
    let credential = credential.expect("a role of nats/users.toml");
    let options = Connect::to(broker.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.expect("a connection")
}
