//! The order of an erasure: first nobody gets in any more, last the key goes.
//!
//! The names must be readable until they are released, so the key is destroyed at the end. Whoever is in
//! the world is made to leave it by the end of their login sessions.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use eventlog::{Bucket, EventLog, Requester};
use schemas::account::{Account, AccountCommand, AccountEvent, AccountReply};
use schemas::control::Order;
use schemas::credential::{CredentialCommand, CredentialReply};
use schemas::erasure::Whom;
use schemas::person::{BUCKET, PersonKeyEntry};
use schemas::sealed::{REALM_KEY_ID, Sealed};
use schemas::subjects::{Domain, account_key};
use schemas::{AccountId, Digest, EdgeId, decode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Secrets;
use super::ledger::{Ledger, destroy};
use crate::character::newest;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// What was erased, or would be.
    pub(super) done: Vec<String>,
    /// What is left, and what to do about it.
    pub(super) left: Vec<String>,
    /// What could not be done, and never will.
    pub(super) notes: Vec<String>,
}

/// Erases persons.
pub(super) struct Eraser {
    pub(super) log: EventLog,
    pub(super) secrets: Secrets,
    ledger: Ledger,
    requester: Requester,
    keys: Bucket,
}

impl Eraser {
    pub(super) async fn begin(
        log: EventLog,
        secrets: Secrets,
        ledger: Ledger,
    ) -> anyhow::Result<Self> {
        let me = EdgeId(rand::random());
        let requester = Requester::new(log.clone(), me).await;
        let keys = log.bucket(BUCKET).await;
        Ok(Self {
            requester: requester.context("listening for answers")?,
            keys: keys
                .context("opening the persons' keys; `worldline streams apply` makes the bucket")?,
            log,
            secrets,
            ledger,
        })
    }

    async fn state(&self, account: AccountId) -> anyhow::Result<Account> {
        let key = account_key(account);
        let entry = newest::<AccountEvent, Account>(&self.log, Domain::Identity, &key).await?;
        let entry = entry.with_context(|| format!("there is no account {account}"))?;
        Ok(entry.state)
    }

    /// Learns the person's key, while there is one; whether there is.
    async fn learn(&self, account: AccountId) -> anyhow::Result<bool> {
        let entry = self.keys.get(&account.to_string()).await?;
        let Some(value) = entry.and_then(|entry| entry.value) else {
            return Ok(false);
        };
        let entry: PersonKeyEntry = decode(&value)?;
        let learned = self.secrets.realm.learn(account, &entry);
        learned.with_context(|| format!("the key of account {account} is of another realm"))?;
        Ok(matches!(entry, PersonKeyEntry::Kept { .. }))
    }

    /// What there is to erase.
    pub(super) async fn look(&self, account: AccountId) -> anyhow::Result<Erased> {
        let state = self.state(account).await?;
        let mut found = Erased::default();
        if state.erased.is_none() {
            let sessions = state.sessions.len();
            found
                .done
                .push(format!("the account, with {sessions} login sessions"));
        }
        let credentials = state.credentials.iter();
        found
            .done
            .extend(credentials.map(|(method, _)| format!("a credential ({method:?})")));
        let characters = state.characters.iter();
        found
            .done
            .extend(characters.map(|character| format!("character {character}")));
        if self.learn(account).await? {
            found
                .done
                .push("the key of what the person wrote".to_owned());
        }
        Ok(found)
    }

    /// Erases a person; what has been erased before is passed over.
    pub(super) async fn erase(&self, account: AccountId, order: &Order) -> anyhow::Result<Erased> {
        let state = self.state(account).await?;
        let mut erased = Erased::default();
        self.learn(account).await?;
        self.check_reason(&state, order).await?;
        self.ledger.note(account, order)?;
        if state.erased.is_none() {
            let command = AccountCommand::Erase {
                account,
                order: order.clone(),
                seal: self.secrets.identity.seal(&Whom::Account(account), order),
            };
            let _: AccountReply = self
                .ask(Domain::Identity, &account_key(account), &command)
                .await?;
            let sessions = state.sessions.len();
            erased
                .done
                .push(format!("the account, with {sessions} login sessions"));
        }
        for (_, credential) in &state.credentials {
            self.credential(account, *credential, order).await?;
            erased.done.push("a credential".to_owned());
        }
        let mut old = is_old(&state.name);
        for character in &state.characters {
            old |= self
                .character(account, *character, order, &mut erased)
                .await?;
        }
        if !erased.left.is_empty() {
            // What is still to be released can be found only by its name.
            erased
                .left
                .push("the key, until then: run this again".to_owned());
            return Ok(erased);
        }
        if destroy(&self.keys, account).await? {
            erased
                .done
                .push("the key of what the person wrote".to_owned());
        }
        if old {
            erased.left.push(
                "what the person wrote before persons had keys: see docs/erasure.md, \"Moving over\"".to_owned(),
            );
        }
        Ok(erased)
    }

    /// Refuses a reason that names the person: it stands in the log for ever.
    async fn check_reason(&self, state: &Account, order: &Order) -> anyhow::Result<()> {
        let mut names = vec![state.name.clone()];
        for character in &state.characters {
            names.extend(self.name_of(*character).await?);
        }
        let said = format!("{} {}", order.reason, order.by).to_lowercase();
        for name in names {
            let Ok(name) = self.secrets.realm.open(&name) else {
                continue;
            };
            let named = name.chars().count() > 2 && said.contains(&name.to_lowercase());
            ensure!(
                !named,
                "the reason names the person, and stands in the log for ever: give a request's number instead"
            );
        }
        Ok(())
    }

    async fn credential(
        &self,
        account: AccountId,
        credential: Digest,
        order: &Order,
    ) -> anyhow::Result<()> {
        let whom = Whom::Credential(credential, account);
        let command = CredentialCommand::Erase {
            account,
            order: order.clone(),
            seal: self.secrets.identity.seal(&whom, order),
        };
        let key = credential.to_string();
        let _: CredentialReply = match self.asked(Domain::Credential, &key, &command).await? {
            // By now it is somebody else's: it was erased before, and taken again.
            Err(refusal) if refusal.code == "not_yours" => return Ok(()),
            Err(refusal) => bail!("identity refuses: {refusal}"),
            Ok(reply) => reply,
        };
        Ok(())
    }

    /// Asks a service, which must not refuse.
    pub(super) async fn ask<C: Serialize + Sync, R: DeserializeOwned>(
        &self,
        domain: Domain,
        key: &str,
        command: &C,
    ) -> anyhow::Result<R> {
        match self.asked(domain, key, command).await? {
            Ok(reply) => Ok(reply),
            Err(refusal) => bail!("{} refuses: {refusal}", domain.token()),
        }
    }

    /// Asks a service.
    pub(super) async fn asked<C: Serialize + Sync, R: DeserializeOwned>(
        &self,
        domain: Domain,
        key: &str,
        command: &C,
    ) -> anyhow::Result<Result<R, schemas::keyed::Refusal>> {
        let asked = self.requester.ask(domain, key, command, PATIENCE).await;
        asked.with_context(|| {
            format!(
                "asking {}; is it running? Run this again when it is",
                domain.token()
            )
        })
    }
}

/// Whether it was sealed before persons had keys.
pub(super) fn is_old(sealed: &Sealed) -> bool {
    sealed.key == REALM_KEY_ID && !sealed.bytes.is_empty()
}
