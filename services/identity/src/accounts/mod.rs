//! An account: who it is, what lets into it, where it is logged in, whose characters it has.
//!
//! Whatever is wrong about a login, the refusal is the same: it must not tell which accounts exist.

mod characters;
mod erasing;
mod evolve;
mod login;
mod sessions;

use std::sync::Arc;

use eventlog::Aggregate;
use eventlog::keyed::{Context, Input, Verdict};
use schemas::account::{Account, AccountCommand, AccountEvent, AccountReply, Asker, LoggedIn};
use schemas::credential::{Method, Secret, bound_to};
use schemas::erasure::ErasureKey;
use schemas::keyed::Refusal;
use schemas::sealed_to::{ANSWER, SealedTo};
use schemas::subjects::{Domain, account_key};
use schemas::{AccountId, LoginId, UnixMillis, encode};
use zeroize::Zeroizing;

use crate::access_token::{AccessClaims, LIFETIME_SECONDS};
use crate::asked::Asked;
use crate::binding::AddressBinding;
use crate::grant_token::{GrantClaims, GrantTokens};
use crate::guest_token::GuestTokens;
use crate::key_ring::{KeyRing, OpenError};
use crate::login_meter::LoginMeter;
use crate::refresh_token::RefreshTokens;
use crate::refusals::{BAD_REQUEST, NOT_YOURS, OLD_KEY, refusal};
use crate::secrets::Secrets;

/// What the sealed grant of a command proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What the credential says.
    pub grant: GrantClaims,
    /// The access token that came along, if identity has signed it.
    pub warrant: Option<AccessClaims>,
}

/// What is in memory of a command: what the grant in it proves, or why it does not prove anything.
pub type AccountAsked = Asked<AccountCommand, Result<Proven, Refusal>>;

/// The rules of all accounts.
#[derive(Debug)]
pub struct Accounts {
    keys: KeyRing,
    guests: GuestTokens,
    refresh: RefreshTokens,
    grants: GrantTokens,
    binding: AddressBinding,
    orders: ErasureKey,
    meter: Arc<LoginMeter>,
}

impl Accounts {
    /// With these keys.
    #[must_use]
    pub fn new(
        secrets: &Secrets,
        keys: KeyRing,
        binding: AddressBinding,
        meter: Arc<LoginMeter>,
    ) -> Self {
        Self {
            keys,
            guests: GuestTokens::new(secrets.clone()),
            refresh: RefreshTokens::new(secrets.clone()),
            grants: GrantTokens::new(secrets),
            orders: secrets.orders(),
            binding,
            meter,
        }
    }

    /// What the sealed grant proves.
    async fn opened(&self, key: &str, grant: &SealedTo, asker: &Asker) -> Result<Proven, Refusal> {
        let bound_to = bound_to(key, asker.reply_key);
        match self.keys.open_sealed(grant, &bound_to).await {
            Ok(Secret::Grant { token, warrant }) => {
                let (token, warrant) = (Zeroizing::new(token), warrant.map(Zeroizing::new));
                let grant = self.grants.read(&token);
                Ok(Proven {
                    grant: grant.ok_or_else(|| refusal(BAD_REQUEST))?,
                    warrant: warrant.and_then(|token| self.keys.access(&token)),
                })
            }
            Ok(_) | Err(OpenError::Closed) => Err(refusal(BAD_REQUEST)),
            Err(OpenError::OldKey) => Err(refusal(OLD_KEY)),
        }
    }

    /// The tokens of a session as it is now, sealed to who asked.
    fn tokens(
        &self,
        state: &Account,
        account: AccountId,
        asker: &Asker,
        at: UnixMillis,
    ) -> SealedTo {
        let session = state.sessions.iter().find(|s| s.id == asker.session);
        let generation = session.map_or(1, |session| session.generation);
        let address = self.binding.in_token(asker.address);
        let claims = AccessClaims::new(account, asker.session, at, address);
        let logged_in = LoggedIn {
            account,
            session: asker.session,
            access_token: self.keys.token(&claims),
            expires_in: LIFETIME_SECONDS,
            refresh_token: self.refresh.token(account, asker.session, generation),
            guest_token: is_guest(state).then(|| self.guests.token(account)),
            characters: state.characters.clone(),
            name: state.name.clone(),
        };
        let secret = Zeroizing::new(encode(&logged_in));
        let bound_to = bound_to(&account_key(account), asker.reply_key);
        // Whoever gave a key that nothing can be sealed to has been refused before.
        SealedTo::seal(asker.reply_key, "", ANSWER, &bound_to, &secret).unwrap_or_default()
    }
}

impl Aggregate for Accounts {
    const DOMAIN: Domain = Domain::Identity;
    type Command = AccountAsked;
    type Event = AccountEvent;
    type State = Account;
    type Answer = AccountReply;

    async fn prepare(
        &self,
        key: &str,
        _: &Account,
        asked: AccountAsked,
        _: &Context,
    ) -> AccountAsked {
        match &asked.command {
            AccountCommand::OpenSession { grant, asker, .. } => {
                let claims = self.opened(key, grant, asker).await;
                Asked::with(asked.command, claims)
            }
            _ => asked,
        }
    }

    fn decide(
        &self,
        key: &str,
        state: &Account,
        input: Input<'_, AccountAsked>,
        ctx: &Context,
    ) -> Verdict<AccountEvent> {
        let Input::Command(asked) = input else {
            return Verdict::unchanged();
        };
        let command = &asked.command;
        let at = ctx.stored_at;
        let verdict = match command {
            _ if account_key(account_of(command)) != key => Verdict::refused(refusal(NOT_YOURS)),
            _ if asker_of(command).is_some_and(cannot_be_answered) => {
                Verdict::refused(refusal(BAD_REQUEST))
            }
            _ if state.erased.is_some() && !erasing::is_for_the_erased(command) => {
                Verdict::refused(erasing::refused(command))
            }
            AccountCommand::RegisterGuest {
                account,
                character,
                name,
                asker,
            } => self.register_guest(state, (*account, *character, name), asker, at),
            AccountCommand::LoginGuest {
                account,
                proof,
                asker,
            } => self.login_guest(state, *account, proof, asker, at),
            AccountCommand::OpenSession { account, asker, .. } => match &asked.evidence {
                Some(Ok(proven)) => login::open_session(state, *account, proven, asker, at),
                Some(Err(why)) => Verdict::refused(why.clone()),
                None => Verdict::refused(refusal(BAD_REQUEST)),
            },
            AccountCommand::Refresh {
                account,
                proof,
                generation,
                asker,
            } => self.refresh(state, *account, (proof, *generation), asker, at),
            AccountCommand::LogOut { session, .. } => sessions::log_out(state, *session),
            AccountCommand::LogOutEverywhere { except, .. } => {
                sessions::log_out_everywhere(state, *except)
            }
            AccountCommand::Describe { .. } if exists(state) => Verdict::unchanged(),
            AccountCommand::Describe { .. } => Verdict::refused(refusal(NOT_YOURS)),
            AccountCommand::AddCharacter { character, .. } => characters::add(state, *character),
            AccountCommand::RemoveCharacter { character, .. } => {
                characters::remove(state, *character)
            }
            AccountCommand::Erase {
                account,
                order,
                seal,
            } => erasing::erase(&self.orders, state, *account, (order, *seal), at),
        };
        if let Some(method) = method_of(command) {
            self.meter.count(method, verdict.refusal.as_ref());
        }
        verdict
    }

    fn evolve(state: &mut Account, event: &AccountEvent) {
        evolve::apply(state, event);
    }

    fn answer(
        &self,
        _: &str,
        state: &Account,
        asked: &AccountAsked,
        ctx: &Context,
    ) -> AccountReply {
        match &asked.command {
            AccountCommand::RegisterGuest { account, asker, .. }
            | AccountCommand::LoginGuest { account, asker, .. }
            | AccountCommand::OpenSession { account, asker, .. }
            | AccountCommand::Refresh { account, asker, .. } => AccountReply::LoggedIn {
                tokens: self.tokens(state, *account, asker, ctx.stored_at),
            },
            AccountCommand::LogOut { .. }
            | AccountCommand::LogOutEverywhere { .. }
            | AccountCommand::AddCharacter { .. }
            | AccountCommand::RemoveCharacter { .. }
            | AccountCommand::Erase { .. } => AccountReply::Done,
            AccountCommand::Describe { .. } => AccountReply::Described {
                characters: state.characters.clone(),
                methods: methods(state),
                sessions: sessions::alive(state, ctx.stored_at),
                name: state.name.clone(),
            },
        }
    }

    fn refusal(&self, code: &str) -> Refusal {
        refusal(code)
    }
}

/// Whether the account has begun.
const fn exists(state: &Account) -> bool {
    state.proof.is_some() || state.since.0 > 0
}

/// Whether nothing but the guest's token lets into it. Once there is a password, or a provider's
/// word, a token that can be neither changed nor revoked does not any more.
const fn is_guest(state: &Account) -> bool {
    state.proof.is_some() && state.credentials.is_empty()
}

fn methods(state: &Account) -> Vec<Method> {
    let guest = is_guest(state).then_some(Method::Guest);
    let others = state.credentials.iter().map(|(method, _)| *method);
    guest.into_iter().chain(others).collect()
}

fn cannot_be_answered(asker: &Asker) -> bool {
    asker.session == LoginId::default()
        || SealedTo::seal(asker.reply_key, "", ANSWER, b"", b"").is_err()
}

const fn account_of(command: &AccountCommand) -> AccountId {
    match command {
        AccountCommand::RegisterGuest { account, .. }
        | AccountCommand::LoginGuest { account, .. }
        | AccountCommand::OpenSession { account, .. }
        | AccountCommand::Refresh { account, .. }
        | AccountCommand::LogOut { account, .. }
        | AccountCommand::LogOutEverywhere { account, .. }
        | AccountCommand::Describe { account }
        | AccountCommand::AddCharacter { account, .. }
        | AccountCommand::RemoveCharacter { account, .. }
        | AccountCommand::Erase { account, .. } => *account,
    }
}

const fn asker_of(command: &AccountCommand) -> Option<&Asker> {
    match command {
        AccountCommand::RegisterGuest { asker, .. }
        | AccountCommand::LoginGuest { asker, .. }
        | AccountCommand::OpenSession { asker, .. }
        | AccountCommand::Refresh { asker, .. } => Some(asker),
        _ => None,
    }
}

/// How a command would log in, for the metrics.
const fn method_of(command: &AccountCommand) -> Option<&'static str> {
    match command {
        AccountCommand::RegisterGuest { .. } => Some("register_guest"),
        AccountCommand::LoginGuest { .. } => Some("guest"),
        AccountCommand::OpenSession { .. } => Some("session"),
        AccountCommand::Refresh { .. } => Some("refresh"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
