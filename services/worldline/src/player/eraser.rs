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
use super::ledger::{Ledger, Noted, destroy};
use crate::character::newest;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a character may take to leave the world: its session ends, its area sends it back.
const LEAVING: Duration = Duration::from_secs(30);
/// What goes last.
const KEY: &str = "the key of what the person wrote";

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
    /// How long a character may take to leave the world.
    pub(super) leaving: Duration,
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
            leaving: LEAVING,
        })
    }

    async fn known(&self, account: AccountId) -> anyhow::Result<Option<Account>> {
        let key = account_key(account);
        let entry = newest::<AccountEvent, Account>(&self.log, Domain::Identity, &key).await?;
        Ok(entry.map(|entry| entry.state))
    }

    async fn state(&self, account: AccountId) -> anyhow::Result<Account> {
        let state = self.known(account).await?;
        state.with_context(|| format!("there is no account {account}"))
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
            found.done.push(KEY.to_owned());
        }
        Ok(found)
    }

    /// Erases once more who stands on the list, or says what would be. Whatever happens is said of this
    /// person, so that the others have their turn.
    pub(super) async fn again(&self, noted: &Noted, dry_run: bool) -> Erased {
        let erased = self.listed(noted, dry_run).await;
        erased.unwrap_or_else(|error| Erased {
            left: vec![format!("perhaps all of it: {error:#}")],
            ..Erased::default()
        })
    }

    async fn listed(&self, noted: &Noted, dry_run: bool) -> anyhow::Result<Erased> {
        let account = noted.account;
        if self.known(account).await?.is_some() {
            return match dry_run {
                true => self.look(account).await,
                false => self.erase(account, &noted.order).await,
            };
        }
        let mut erased = Erased::default();
        erased
            .notes
            .push("not in this world: there is no such account".to_owned());
        // A backup may hold the key of somebody who came while it was taken.
        if !dry_run && destroy(&self.keys, account).await? {
            erased.done.push(KEY.to_owned());
        }
        Ok(erased)
    }

    /// Erases a person; what has been erased before is passed over.
    pub(super) async fn erase(&self, account: AccountId, order: &Order) -> anyhow::Result<Erased> {
        let state = self.state(account).await?;
        let mut erased = Erased::default();
        self.learn(account).await?;
        let names = self.names(&state).await?;
        self.check_reason(&names, order)?;
        // The names tell it, and go: who runs this once more learns it from the list.
        let noted = self.ledger.note(account, order, names.iter().any(is_old))?;
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
        // From here on nothing is added to it. Until it was erased it was: by what waited before the order.
        let state = self.state(account).await?;
        for (_, credential) in &state.credentials {
            self.credential(account, *credential, order).await?;
            erased.done.push("a credential".to_owned());
        }
        for character in &state.characters {
            self.character(account, *character, order, &mut erased)
                .await?;
        }
        if !erased.left.is_empty() {
            // What is still to be released can be found only by its name.
            erased
                .left
                .push("the key, until then: run this again".to_owned());
        } else if destroy(&self.keys, account).await? {
            erased.done.push(KEY.to_owned());
        }
        if noted.old_text {
            erased.left.push(
                "what the person wrote before persons had keys: see docs/erasure.md, \"Moving over\"".to_owned(),
            );
        }
        Ok(erased)
    }

    /// What the person is called, and their characters are; what was erased has no name.
    async fn names(&self, state: &Account) -> anyhow::Result<Vec<Sealed>> {
        let mut names = vec![state.name.clone()];
        for character in &state.characters {
            names.extend(self.name_of(*character).await?);
        }
        Ok(names)
    }

    /// Refuses a reason that names the person: it stands in the log for ever.
    fn check_reason(&self, names: &[Sealed], order: &Order) -> anyhow::Result<()> {
        let said = format!("{} {}", order.reason, order.by).to_lowercase();
        for name in names {
            let Ok(name) = self.secrets.realm.open(name) else {
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
fn is_old(sealed: &Sealed) -> bool {
    sealed.key == REALM_KEY_ID && !sealed.bytes.is_empty()
}
