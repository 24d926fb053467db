//! Identity as a test wants it: it speaks the real protocol, with sealed questions and answers, and
//! remembers what it was told.

mod state;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eventlog::{EventLog, Follow, Record};
use schemas::account::{Account, AccountCommand, AccountEvent, SessionEnd};
use schemas::credential::CredentialCommand;
use schemas::keyed::{KeyedEntry, Refusal, Reply};
use schemas::public_keys::{
    BUCKET, BoxKeyEntry, CURRENT, CurrentKeys, SignKeyEntry, box_key, sign_key,
};
use schemas::sealed_to::{BoxKey, BoxSecret};
use schemas::subjects::{Domain, account_key, keyed_events};
use schemas::{AccountId, Digest, LoginId, UnixMillis};
use serde::Serialize;

use self::state::State;
use crate::lobby::question;
use crate::stage::IDENTITY_PUBLIC;

/// The name of the key that signs.
pub const SIGNING_KID: &str = "s1";

#[derive(Clone)]
pub struct Identity {
    log: EventLog,
    state: Arc<Mutex<State>>,
}

impl Identity {
    /// With keys that are published.
    pub async fn new(log: &EventLog) -> Self {
        let identity = Self {
            log: log.clone(),
            state: Arc::default(),
        };
        let der = IDENTITY_PUBLIC.lines().nth(1).expect("its text");
        let der = STANDARD.decode(der).expect("base64");
        let x = der[der.len() - 32..].try_into().expect("32 bytes");
        identity.publish_signing(SIGNING_KID, x).await;
        identity.turn_box("b1").await;
        identity
    }

    /// Publishes what verifies tokens.
    pub async fn publish_signing(&self, kid: &str, x: [u8; 32]) {
        let entry = SignKeyEntry {
            kid: kid.into(),
            x,
            not_after: UnixMillis(u64::MAX),
        };
        self.put(&sign_key(kid), &entry).await;
    }

    /// A new key to seal to; the ones before are destroyed.
    pub async fn turn_box(&self, kid: &str) {
        let secret = self.make_box(kid);
        let entry = BoxKeyEntry {
            kid: kid.into(),
            public: secret,
            not_after: UnixMillis(u64::MAX),
        };
        self.put(&box_key(kid), &entry).await;
        let current = CurrentKeys {
            box_kid: kid.into(),
            sign_kid: SIGNING_KID.into(),
        };
        self.put(CURRENT, &current).await;
    }

    /// As [`Identity::turn_box`], of which nobody has heard yet.
    pub fn make_box(&self, kid: &str) -> BoxKey {
        let secret = BoxSecret::generate();
        let public = secret.public();
        self.lock().boxes = vec![(kid.into(), secret)];
        public
    }

    async fn put<T: Serialize>(&self, key: &str, value: &T) {
        let bucket = self.log.bucket(BUCKET).await.expect("the twin");
        let value = schemas::encode(value).into();
        bucket.put(key, value).await.expect("taken");
    }

    /// The next credential command is refused so.
    pub fn refuse_next(&self, refusal: Refusal) {
        self.lock().refusal = Some(refusal);
    }

    /// Credential commands get no answer from now on.
    pub fn fall_silent(&self) {
        self.lock().silent = true;
    }

    /// Access tokens hold at their address only.
    pub fn be_strict(&self) {
        self.lock().strict = true;
    }

    /// How many credential commands have come.
    pub fn asked(&self) -> u32 {
        self.lock().asked
    }

    /// The tags of all addresses it was told.
    pub fn addresses(&self) -> HashSet<Digest> {
        self.lock().addresses.clone()
    }

    /// Ends a login session, as the account's owner or identity itself would.
    pub async fn end(&self, account: AccountId, session: LoginId) {
        let state = {
            let mut state = self.lock();
            let account = state.accounts.entry(account).or_default();
            account.sessions.retain(|known| known.id != session);
            account.clone()
        };
        let why = SessionEnd::LoggedOut;
        self.tell(
            account,
            vec![AccountEvent::SessionEnded { session, why }],
            state,
        )
        .await;
    }

    async fn tell(&self, account: AccountId, events: Vec<AccountEvent>, state: Account) {
        let entry = KeyedEntry {
            v: 1,
            at: UnixMillis::now(),
            incarnation: Default::default(),
            handled: 1.into(),
            events,
            state,
            outbox: Default::default(),
            answered: None,
        };
        let subject = keyed_events(Domain::Identity, &account_key(account));
        let bytes = schemas::encode(&entry).into();
        self.log.send(&subject, bytes, None).await.expect("taken");
    }

    pub async fn run(self) {
        let all = |domain: Domain| {
            let stream = domain.command_stream();
            self.log
                .read(stream, Vec::new(), Default::default(), Follow::Tail)
        };
        let (mut credentials, mut accounts) = (all(Domain::Credential), all(Domain::Identity));
        loop {
            tokio::select! {
                record = credentials.next() => self.credential(&record.expect("the twin").expect("tail")).await,
                record = accounts.next() => self.account(&record.expect("the twin").expect("tail")).await,
            }
        }
    }

    async fn credential(&self, record: &Record) {
        let (request, reply, command) = question::<CredentialCommand>(record);
        let key = record.subject.rsplit('.').next().expect("a key").to_owned();
        let answer = {
            let mut state = self.lock();
            state.asked += 1;
            if state.silent {
                return;
            }
            state
                .refusal
                .take()
                .map_or_else(|| state.prove(&key, command), Err)
        };
        self.reply(request, &reply, answer).await;
    }

    async fn account(&self, record: &Record) {
        let (request, reply, command) = question::<AccountCommand>(record);
        let (account, answer, events) = self.lock().decide(command);
        if !events.is_empty() {
            let state = self.lock().accounts[&account].clone();
            self.tell(account, events, state).await;
        }
        self.reply(request, &reply, answer).await;
    }

    async fn reply<R: Serialize>(&self, request: u64, to: &str, result: Result<R, Refusal>) {
        let bytes = schemas::encode(&Reply { request, result });
        let sent = self.log.publish_core(to, bytes.into()).await;
        sent.expect("connected");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("whole")
    }
}
