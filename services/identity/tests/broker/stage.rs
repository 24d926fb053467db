//! A broker, lives of the service, and an edge that asks.

use std::time::Duration;

use devstack::test::TestBroker;
use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Requester, streams};
use identity::{Config, run};
use runtime::{Ctx, Shutdown};
use schemas::account::{AccountCommand, AccountReply, Asker, LoggedIn};
use schemas::credential::{CredentialCommand, CredentialReply, Grant, Secret, bound_to};
use schemas::keyed::Refusal;
use schemas::locate::Locator;
use schemas::public_keys::{self, BoxKeyEntry, CurrentKeys};
use schemas::sealed_to::{ANSWER, BoxKey, BoxSecret, CREDENTIAL, SealedTo};
use schemas::subjects::{Domain, keyed_events};
use schemas::{AccountId, Digest, EdgeId, LoginId, decode, encode};
use tokio::task::JoinHandle;

pub(crate) const ADDRESS: Digest = Digest([1; 16]);
const REALM: [u8; 32] = [7; 32];
const SOON: Duration = Duration::from_secs(30);

/// Everything there is, but the service.
pub(crate) struct Stage {
    pub(crate) broker: TestBroker,
    /// As the edge's role.
    pub(crate) edge: EventLog,
    /// As identity's role, to look.
    pub(crate) inside: EventLog,
    pub(crate) requester: Requester,
    pub(crate) locator: Locator,
    pub(crate) config: Config,
}

/// One running instance.
pub(crate) struct Life {
    shutdown: Shutdown,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Life {
    pub(crate) async fn end(self) {
        self.shutdown.begin();
        self.running.await.unwrap().unwrap();
    }

    /// What it ended with, by itself.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        (&mut self.running).await.unwrap()
    }

    /// Ends between two instructions, as a kill would.
    pub(crate) async fn kill(self) {
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
    }
}

async fn connect(broker: &TestBroker, role: &str) -> EventLog {
    let credential = broker.users().and_then(|users| users.credential(role));
    let credential = credential.expect("a role of nats/users.toml");
    let options = Connect::to(broker.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.expect("a connection")
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let broker = devstack::test::broker_with_users().await.expect("a broker");
        let admin = connect(&broker, "admin").await;
        let file = StreamsFile::built_in().expect("the built-in streams");
        streams::apply(&admin, &file).await.expect("streams");
        let edge = connect(&broker, "edge").await;
        let locator: String = Locator::bytes_of_realm(REALM)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let config = Config {
            secret: "0123456789abcdef0123456789abcdef".to_owned().into(),
            locator_key: locator.into(),
            // What the hash protects is not the matter here.
            hash_memory: 64,
            hash_passes: 1,
            ..Config::default()
        };
        Self {
            requester: Requester::new(edge.clone(), EdgeId(1)).await.unwrap(),
            inside: connect(&broker, "identity").await,
            edge,
            broker,
            locator: Locator::of_realm(REALM),
            config,
        }
    }

    pub(crate) async fn start(&self) -> Life {
        let shutdown = Shutdown::new();
        let log = connect(&self.broker, "identity").await;
        let ctx = Ctx::new(shutdown.clone());
        let running = tokio::spawn(run(self.config.clone(), log, ctx));
        Life { shutdown, running }
    }

    /// What credentials are sealed to now, as the edge learns it.
    pub(crate) async fn current(&self) -> BoxKeyEntry {
        let keys = self.edge.bucket(public_keys::BUCKET).await.unwrap();
        let get = async |key: String| keys.get(&key).await.unwrap()?.value;
        eventually("identity has a key", async || {
            let current = get(public_keys::CURRENT.into()).await?;
            let current: CurrentKeys = decode(&current).unwrap();
            let entry = get(public_keys::box_key(&current.box_kid)).await?;
            Some(decode(&entry).unwrap())
        })
        .await
    }

    pub(crate) fn key(&self, name: &str) -> String {
        self.locator.login_name(name).to_string()
    }

    pub(crate) async fn seal(&self, key: &str, reply: BoxKey, secret: &Secret) -> SealedTo {
        seal_to(&self.current().await, key, reply, secret)
    }

    /// Proves a credential; the command is made of the sealed secret and the key for the answer.
    pub(crate) async fn prove(
        &self,
        key: &str,
        secret: &Secret,
        command: impl FnOnce(SealedTo, BoxKey) -> CredentialCommand,
    ) -> Result<Grant, Refusal> {
        let reply = BoxSecret::generate();
        let sealed = self.seal(key, reply.public(), secret).await;
        let command = command(sealed, reply.public());
        let asked = self.requester.ask(Domain::Credential, key, &command, SOON);
        let CredentialReply::Granted { grant } = asked.await.expect("an answer")? else {
            panic!("the answer to another question");
        };
        Ok(open(&reply, key, &grant))
    }

    /// Asks an account for tokens.
    pub(crate) async fn ask_tokens(
        &self,
        account: AccountId,
        reply: &BoxSecret,
        command: &AccountCommand,
    ) -> Result<LoggedIn, Refusal> {
        let key = account.to_string();
        let asked = self.requester.ask(Domain::Identity, &key, command, SOON);
        match asked.await.expect("an answer")? {
            AccountReply::LoggedIn { tokens } => Ok(open(reply, &key, &tokens)),
            other => panic!("{other:?}"),
        }
    }

    /// Takes a grant for a session.
    pub(crate) async fn open_session(&self, grant: &Grant) -> Result<LoggedIn, Refusal> {
        let reply = BoxSecret::generate();
        let key = grant.account.to_string();
        let secret = Secret::Grant {
            token: grant.token.clone(),
            warrant: None,
        };
        let command = AccountCommand::OpenSession {
            account: grant.account,
            grant: self.seal(&key, reply.public(), &secret).await,
            asker: asker(&reply, LoginId(rand::random())),
        };
        self.ask_tokens(grant.account, &reply, &command).await
    }

    pub(crate) async fn register(&self, name: &str, password: &str) -> Result<LoggedIn, Refusal> {
        let account = AccountId(rand::random());
        let made = |secret, reply_key| CredentialCommand::Register {
            account,
            upgrade: false,
            secret,
            reply_key,
        };
        let grant = self.prove(&self.key(name), &typed(password), made).await?;
        self.open_session(&grant).await
    }

    pub(crate) async fn log_in(&self, name: &str, password: &str) -> Result<LoggedIn, Refusal> {
        let made = |secret, reply_key| CredentialCommand::LogIn {
            account: AccountId(rand::random()),
            secret,
            reply_key,
        };
        let grant = self.prove(&self.key(name), &typed(password), made).await?;
        self.open_session(&grant).await
    }

    /// Everything stored on `evt.<domain>.<key>`, oldest first.
    pub(crate) async fn stored(&self, domain: Domain, key: &str) -> Vec<Vec<u8>> {
        let subject = keyed_events(domain, key);
        all(&self.inside, domain.event_stream(), Some(&subject)).await
    }
}

/// Every message of a stream, or of one subject of it.
pub(crate) async fn all(log: &EventLog, stream: &str, subject: Option<&str>) -> Vec<Vec<u8>> {
    let last = log.stream_info(stream).await.unwrap().last;
    let mut found = Vec::new();
    for sequence in 1..=last.0 {
        let record = log.get(stream, schemas::Sequence(sequence)).await.unwrap();
        found.extend(record.filter(|r| subject.is_none_or(|subject| r.subject == subject)));
    }
    found.into_iter().map(|r| r.payload.to_vec()).collect()
}

pub(crate) fn seal_to(to: &BoxKeyEntry, key: &str, reply: BoxKey, secret: &Secret) -> SealedTo {
    let bound_to = bound_to(key, reply);
    SealedTo::seal(to.public, &to.kid, CREDENTIAL, &bound_to, &encode(secret)).unwrap()
}

pub(crate) fn open<T: serde::de::DeserializeOwned>(
    reply: &BoxSecret,
    key: &str,
    sealed: &SealedTo,
) -> T {
    let bound_to = bound_to(key, reply.public());
    decode(&reply.open(sealed, ANSWER, &bound_to).unwrap()).unwrap()
}

pub(crate) fn asker(reply: &BoxSecret, session: LoginId) -> Asker {
    Asker {
        reply_key: reply.public(),
        session,
        address: ADDRESS,
        device: None,
    }
}

pub(crate) fn typed(password: &str) -> Secret {
    Secret::Password {
        password: password.into(),
    }
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        loop {
            beat.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), asking).await;
    found.unwrap_or_else(|_| panic!("not within a minute: {what}"))
}

impl Life {
    /// What it said when it could not begin.
    pub(crate) async fn failure(self) -> String {
        format!("{:#}", self.running.await.unwrap().unwrap_err())
    }
}
