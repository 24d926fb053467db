//! An edge, an area or two, and the doubles.

use std::net::SocketAddr;
use std::time::Duration;

use edge::Config;
use eventlog::{EventLog, Faults};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use runtime::{Ctx, Shutdown, Span};
use schemas::sealed::RealmKey;
use schemas::wire::PROTOCOL;
use schemas::{AccountId, AreaId, CharacterId, Digest, LoginId};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::area::run_area;
use crate::client::Client;
use crate::identity::{Identity, SIGNING_KID};
use crate::lobby::Lobby;

const REALM_KEY: [u8; 32] = [7; 32];
pub const IDENTITY_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIBDdOSCshWDAUT7wdwF2gI3WCZvhz4C4wF80x8ltcIl+\n-----END PRIVATE KEY-----\n";
pub const IDENTITY_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAhvPOO3/GLvAuNhPIrD1X/7E0tHwfUkN3T0FJAU2BG/A=\n-----END PUBLIC KEY-----\n";
pub const LOBBY_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIPLe1rnYbkK4VURYU7E1R3vF8bpG4JZTu3ubQxoUIFXM\n-----END PRIVATE KEY-----\n";
const LOBBY_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAKUlcksiLZnvv5H1eCoUeRBjtSrScbajobFhIyCZ29NY=\n-----END PUBLIC KEY-----\n";

/// What a test plays on.
pub struct Stage {
    pub log: EventLog,
    #[allow(dead_code, reason = "not every test breaks the broker")]
    pub faults: Faults,
    pub lobby: Lobby,
    pub identity: Identity,
    tasks: Vec<AbortOnDropHandle<()>>,
}

/// One edge on it.
pub struct Edge {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub task: JoinHandle<anyhow::Result<()>>,
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn area(name: &str) -> AreaId {
    AreaId::new(name).expect("an area")
}

pub fn realm_key() -> RealmKey {
    RealmKey::from_bytes(REALM_KEY)
}

/// Short waits, so that a test of a timeout is short.
pub fn config() -> Config {
    let hex = |byte: u8| format!("{byte:02x}").repeat(32).into();
    Config {
        realm_key: hex(REALM_KEY[0]),
        resume_key: hex(9),
        // All tests are of one address.
        registrations_per_hour: 0,
        failed_logins_per_address: 0,
        lobby_public_key: LOBBY_PUBLIC.into(),
        drain: Span::from_millis(50),
        ..Config::default()
    }
}

fn token(claims: &serde_json::Value, private: &str) -> String {
    signed(claims, private, SIGNING_KID)
}

/// A token signed with any key, under any name.
pub fn signed(claims: &serde_json::Value, private: &str, kid: &str) -> String {
    let key = EncodingKey::from_ed_pem(private.as_bytes()).expect("a key");
    let header = Header {
        kid: Some(kid.into()),
        ..Header::new(Algorithm::EdDSA)
    };
    jsonwebtoken::encode(&header, claims, &key).expect("a token")
}

fn expiry(from_now: i64) -> i64 {
    let now = schemas::UnixMillis::now().0 / 1000;
    i64::try_from(now).expect("a date") + from_now
}

/// A ticket as the lobby signs it.
pub fn ticket(character: CharacterId, id: &str) -> String {
    ticket_until(character, id, 30)
}

pub fn ticket_until(character: CharacterId, id: &str, seconds: i64) -> String {
    let claims = json!({
        "iss": "worldline", "aud": "worldline-join", "jti": id,
        "sub": character.to_string(), "account": AccountId(1).to_string(),
        "sid": LoginId(1).to_string(), "area": "harbor-1", "protocol": PROTOCOL, "exp": expiry(seconds),
    });
    token(&claims, LOBBY_PRIVATE)
}

/// An access token as identity signs it.
pub fn access_token(account: AccountId, seconds: i64) -> String {
    signed_access(account, LoginId(1), seconds, None)
}

/// An access token of a login session, that may be good from one address only.
pub fn signed_access(
    account: AccountId,
    session: LoginId,
    seconds: i64,
    address: Option<Digest>,
) -> String {
    token(
        &claims(account, session, seconds, address),
        IDENTITY_PRIVATE,
    )
}

pub fn claims(
    account: AccountId,
    session: LoginId,
    seconds: i64,
    address: Option<Digest>,
) -> serde_json::Value {
    let mut claims = json!({
        "iss": "worldline", "aud": "worldline-edge", "sub": account.to_string(),
        "sid": session.to_string(), "iat": expiry(0), "exp": expiry(seconds),
    });
    if let Some(address) = address {
        claims["adr"] = address.to_string().into();
    }
    claims
}

/// A ticket signed by somebody else.
pub fn forged_ticket(character: CharacterId) -> String {
    let claims = json!({
        "iss": "worldline", "aud": "worldline-join", "jti": "x",
        "sub": character.to_string(), "account": AccountId(1).to_string(),
        "sid": LoginId(1).to_string(), "area": "harbor-1", "protocol": PROTOCOL, "exp": expiry(30),
    });
    token(&claims, IDENTITY_PRIVATE)
}

impl Stage {
    /// With these areas awake.
    pub async fn new(areas: &[&str]) -> Self {
        let (log, faults) = EventLog::in_memory();
        let lobby = Lobby::new(&log);
        let identity = Identity::new(&log).await;
        let mut tasks = vec![AbortOnDropHandle::new(tokio::spawn(lobby.clone().run()))];
        for name in areas {
            tasks.push(AbortOnDropHandle::new(tokio::spawn(run_area(
                log.clone(),
                area(name),
            ))));
        }
        let answering = tokio::spawn(identity.clone().run());
        tasks.push(AbortOnDropHandle::new(answering));
        Self {
            log,
            faults,
            lobby,
            identity,
            tasks,
        }
    }

    /// The owner of the first area stops, and nobody takes over.
    pub fn stop_first_area(&mut self) {
        drop(self.tasks.remove(1));
    }

    /// One more area wakes up.
    pub fn wake(&mut self, name: &str) {
        let task = tokio::spawn(run_area(self.log.clone(), area(name)));
        self.tasks.push(AbortOnDropHandle::new(task));
    }

    pub async fn edge(&self) -> Edge {
        self.edge_with(config()).await
    }

    pub async fn edge_with(&self, config: Config) -> Edge {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = edge::listen(any).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shutdown = Shutdown::new();
        let ctx = Ctx::new(shutdown.clone());
        let task = tokio::spawn(edge::serve(config, self.log.clone(), ctx, listener));
        Edge {
            address,
            shutdown,
            task,
        }
    }

    /// A player in the world, up to its first picture.
    pub async fn player(&self, edge: &Edge, number: u64) -> Client {
        let character = CharacterId(number);
        let mut client = Client::open(edge.address).await;
        client
            .identify(&ticket(
                character,
                &format!("{number}-{}", rand::random::<u64>()),
            ))
            .await;
        client.until_picture().await;
        client
    }
}

/// Waits for a condition.
pub async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "not in time: {what}");
}
