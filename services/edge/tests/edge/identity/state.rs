//! What the double of identity knows and how it answers.

use std::collections::{HashMap, HashSet};

use schemas::account::{
    Account, AccountCommand, AccountEvent, AccountReply, Asker, LoggedIn, LoginSession, SessionEnd,
};
use schemas::credential::{CredentialCommand, CredentialReply, Grant, Method, Secret, bound_to};
use schemas::keyed::Refusal;
use schemas::sealed::Sealed;
use schemas::sealed_to::{ANSWER, BoxKey, BoxSecret, CREDENTIAL, SealedTo};
use schemas::subjects::account_key;
use schemas::{AccountId, Digest, LoginId, UnixMillis};
use serde::Serialize;

use crate::stage::signed_access;

#[derive(Default)]
pub(super) struct State {
    pub(super) boxes: Vec<(String, BoxSecret)>,
    pub(super) passwords: HashMap<Digest, (String, AccountId)>,
    pub(super) accounts: HashMap<AccountId, Account>,
    pub(super) guests: HashMap<AccountId, Digest>,
    /// What the next credential command is refused with.
    pub(super) refusal: Option<Refusal>,
    /// Credential commands are not answered.
    pub(super) silent: bool,
    pub(super) asked: u32,
    pub(super) addresses: HashSet<Digest>,
    pub(super) devices: Vec<Sealed>,
    pub(super) strict: bool,
}

fn bad_login() -> Refusal {
    Refusal::new("bad_login", "this login is not valid")
}

impl State {
    fn open(&self, sealed: &SealedTo, key: &str, reply_key: BoxKey) -> Result<Secret, Refusal> {
        let old = || Refusal::new("sealed_to_an_old_key", "seal it to the current one");
        let known = self.boxes.iter().find(|(kid, _)| *kid == sealed.key);
        let (_, secret) = known.ok_or_else(old)?;
        let plain = secret.open(sealed, CREDENTIAL, &bound_to(key, reply_key));
        Ok(schemas::decode(&plain.expect("sealed for this question")).expect("a secret"))
    }

    pub(super) fn prove(
        &mut self,
        key: &str,
        command: CredentialCommand,
    ) -> Result<CredentialReply, Refusal> {
        let place: Digest = key.parse().expect("a place");
        let (account, secret, reply_key, upgrade) = match command {
            CredentialCommand::Register {
                account,
                secret,
                reply_key,
                upgrade,
            } => (account, secret, reply_key, Some(upgrade)),
            CredentialCommand::LogIn {
                account,
                secret,
                reply_key,
            }
            | CredentialCommand::ChangePassword {
                account,
                secret,
                reply_key,
            } => (account, secret, reply_key, None),
            CredentialCommand::Erase { .. } => return Ok(CredentialReply::Done),
        };
        let known = self.passwords.get(&place).cloned();
        let account = match (self.open(&secret, key, reply_key)?, upgrade, known) {
            (Secret::Password { .. }, Some(_), Some(_)) => {
                return Err(Refusal::new("name_taken", "somebody has this login name"));
            }
            (Secret::Password { password }, Some(upgrade), None) => {
                self.passwords.insert(place, (password, account));
                let known = self.accounts.entry(account).or_default();
                known.credentials.push((Method::Password, place));
                assert_eq!(upgrade, self.guests.contains_key(&account));
                account
            }
            (Secret::Password { password }, None, Some((right, account))) if password == right => {
                account
            }
            (Secret::NewPassword { old, new }, None, Some((right, owner)))
                if old == right && owner == account =>
            {
                self.passwords.insert(place, (new, owner));
                owner
            }
            (Secret::IdToken { nonce, .. }, None, _) if nonce == "good" => account,
            (Secret::IdToken { .. }, ..) => {
                return Err(Refusal::new("oidc_nonce", "the nonce is another"));
            }
            _ => return Err(bad_login()),
        };
        let grant = Grant {
            account,
            token: format!("grant for {account}"),
            fresh: upgrade.is_some(),
        };
        let grant = answer(key, reply_key, &grant);
        Ok(CredentialReply::Granted { grant })
    }

    #[allow(clippy::type_complexity, reason = "it is taken apart at once")]
    pub(super) fn decide(
        &mut self,
        command: AccountCommand,
    ) -> (AccountId, Result<AccountReply, Refusal>, Vec<AccountEvent>) {
        let nothing = Vec::new();
        match command {
            AccountCommand::RegisterGuest {
                account,
                character,
                name,
                asker,
            } => {
                let known = self.accounts.entry(account).or_default();
                known.characters = vec![character];
                known.name = name;
                let token = guest_token(account);
                self.guests.insert(account, Digest::of(token.as_bytes()));
                (
                    account,
                    Ok(self.log_in(account, Method::Guest, &asker)),
                    nothing,
                )
            }
            AccountCommand::LoginGuest {
                account,
                proof,
                asker,
            } => {
                let answer = match self.guests.get(&account) {
                    Some(known) if *known == proof => {
                        Ok(self.log_in(account, Method::Guest, &asker))
                    }
                    _ => Err(bad_login()),
                };
                (account, answer, nothing)
            }
            AccountCommand::OpenSession {
                account,
                grant,
                asker,
            } => {
                let secret = self.open(&grant, &account_key(account), asker.reply_key);
                let known = self.accounts.entry(account).or_default();
                let goes_on = known.sessions.iter().any(|s| s.id == asker.session);
                // So that its state is in the log; a changed password leaves one session alone.
                let events = match &secret {
                    Ok(_) if goes_on => self.end_all_but(account, Some(asker.session)),
                    Ok(_) => vec![AccountEvent::LoggedIn { account }],
                    Err(_) => Vec::new(),
                };
                let answer = secret.map(|secret| {
                    let token = format!("grant for {account}");
                    let Secret::Grant { token: given, .. } = secret else {
                        panic!("a grant was expected");
                    };
                    assert_eq!(given, token);
                    if goes_on {
                        self.tokens(account, &asker)
                    } else {
                        self.log_in(account, Method::Password, &asker)
                    }
                });
                assert_ne!(asker.session, LoginId(0));
                (account, answer, events)
            }
            AccountCommand::Refresh {
                account,
                proof,
                generation,
                asker,
            } => {
                let token = refresh_token(account, asker.session, generation);
                let known = self.accounts.entry(account).or_default();
                let session = known.sessions.iter_mut().find(|s| s.id == asker.session);
                let answer = match session {
                    Some(session) if proof == Digest::of(token.as_bytes()) => {
                        if generation == session.generation {
                            session.generation += 1;
                            Ok(self.tokens(account, &asker))
                        } else {
                            Err(Refusal::new("session_reused", "it was used before"))
                        }
                    }
                    _ => Err(Refusal::new("session_unknown", "this session is over")),
                };
                (account, answer, nothing)
            }
            AccountCommand::LogOut { account, session } => {
                let known = self.accounts.entry(account).or_default();
                known.sessions.retain(|known| known.id != session);
                let why = SessionEnd::LoggedOut;
                let ended = AccountEvent::SessionEnded { session, why };
                (account, Ok(AccountReply::Done), vec![ended])
            }
            AccountCommand::LogOutEverywhere { account, except } => {
                let ended = self.end_all_but(account, except);
                (account, Ok(AccountReply::Done), ended)
            }
            AccountCommand::Describe { account } => {
                let known = self.accounts.entry(account).or_default();
                let methods = known.credentials.iter().map(|(method, _)| *method);
                let described = AccountReply::Described {
                    characters: known.characters.clone(),
                    methods: methods.collect(),
                    sessions: known.sessions.clone(),
                    name: known.name.clone(),
                };
                (account, Ok(described), nothing)
            }
            AccountCommand::AddCharacter { account, character } => {
                let known = self.accounts.entry(account).or_default();
                known.characters.push(character);
                (account, Ok(AccountReply::Done), nothing)
            }
            AccountCommand::RemoveCharacter { account, .. }
            | AccountCommand::Erase { account, .. } => (account, Ok(AccountReply::Done), nothing),
        }
    }

    fn end_all_but(&mut self, account: AccountId, except: Option<LoginId>) -> Vec<AccountEvent> {
        let known = self.accounts.entry(account).or_default();
        let all = std::mem::take(&mut known.sessions);
        let (kept, ended): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| Some(s.id) == except);
        known.sessions = kept;
        let ended = ended.into_iter().map(|ended| AccountEvent::SessionEnded {
            session: ended.id,
            why: SessionEnd::LoggedOutEverywhere,
        });
        ended.collect()
    }

    fn log_in(&mut self, account: AccountId, method: Method, asker: &Asker) -> AccountReply {
        let now = UnixMillis::now();
        let known = self.accounts.entry(account).or_default();
        known.sessions.push(LoginSession {
            id: asker.session,
            method,
            opened_at: now,
            used_at: now,
            generation: 1,
            address: asker.address,
            device: asker.device.clone(),
        });
        self.tokens(account, asker)
    }

    fn tokens(&mut self, account: AccountId, asker: &Asker) -> AccountReply {
        self.addresses.insert(asker.address);
        self.devices.extend(asker.device.clone());
        let known = self.accounts.entry(account).or_default();
        let session = known.sessions.iter().find(|s| s.id == asker.session);
        let generation = session.map_or(1, |session| session.generation);
        let address = self.strict.then_some(asker.address);
        let is_guest = self.guests.contains_key(&account);
        let logged_in = LoggedIn {
            account,
            session: asker.session,
            access_token: signed_access(account, asker.session, 600, address),
            expires_in: 600,
            refresh_token: refresh_token(account, asker.session, generation),
            guest_token: is_guest.then(|| guest_token(account)),
            characters: known.characters.clone(),
            name: known.name.clone(),
        };
        let tokens = answer(&account_key(account), asker.reply_key, &logged_in);
        AccountReply::LoggedIn { tokens }
    }
}

fn answer<T: Serialize>(key: &str, reply_key: BoxKey, answer: &T) -> SealedTo {
    let (bond, plain) = (bound_to(key, reply_key), schemas::encode(answer));
    SealedTo::seal(reply_key, "", ANSWER, &bond, &plain).expect("a key")
}

fn guest_token(account: AccountId) -> String {
    format!("{account}.{}", "G".repeat(43))
}

fn refresh_token(account: AccountId, session: LoginId, generation: u32) -> String {
    format!("{account}.{session}.{generation}.{}", "R".repeat(43))
}
