//! Credentials: a login name with its password, or a person known to an OpenID provider.
//!
//! What takes long (hashing) or asks others (a provider's keys, the nonces) is found out before the
//! decision, in `evidence`; the decision itself is pure. A name that does not exist is treated as one
//! that does, with the same work, the same words and the same lock.

mod erasing;
mod evidence;
mod lockout;
mod vouched;

use std::sync::Arc;

use eventlog::Aggregate;
use eventlog::keyed::{Context, Input, Verdict};
use schemas::credential::{
    Credential, CredentialCommand, CredentialEvent, CredentialReply, Grant, Method, bound_to,
};
use schemas::erasure::ErasureKey;
use schemas::keyed::Refusal;
use schemas::sealed_to::{ANSWER, BoxKey, SealedTo};
use schemas::subjects::Domain;
use schemas::{AccountId, Digest, UnixMillis, encode};
use zeroize::Zeroizing;

use crate::asked::Asked;
use crate::grant_token::{GrantClaims, GrantTokens};
use crate::login_meter::LoginMeter;
use crate::refusals::{BAD_REQUEST, LOCKED, NAME_TAKEN, NOT_YOURS, bad_login, refusal};
use crate::secrets::Secrets;
pub use evidence::{Checks, Evidence};
pub use vouched::Vouching;

/// What is in memory of a command.
pub type CredentialAsked = Asked<CredentialCommand, Evidence>;

/// The rules of all credentials.
#[derive(Debug)]
pub struct Credentials {
    checks: Checks,
    grants: GrantTokens,
    orders: ErasureKey,
    meter: Arc<LoginMeter>,
}

impl Credentials {
    /// With these checks.
    #[must_use]
    pub fn new(secrets: &Secrets, checks: Checks, meter: Arc<LoginMeter>) -> Self {
        Self {
            checks,
            grants: GrantTokens::new(secrets),
            orders: secrets.orders(),
            meter,
        }
    }
}

impl Aggregate for Credentials {
    const DOMAIN: Domain = Domain::Credential;
    type Command = CredentialAsked;
    type Event = CredentialEvent;
    type State = Credential;
    type Answer = CredentialReply;

    async fn prepare(
        &self,
        key: &str,
        state: &Credential,
        asked: CredentialAsked,
        ctx: &Context,
    ) -> CredentialAsked {
        // What is refused whatever the secret says is worth no work; an order holds no secret.
        if erasing::is_order(&asked.command)
            || refused_anyway(key, state, &asked.command, ctx.stored_at).is_some()
        {
            return asked;
        }
        let evidence = self.checks.gather(key, state, &asked.command, ctx).await;
        Asked::with(asked.command, evidence)
    }

    fn decide(
        &self,
        key: &str,
        state: &Credential,
        input: Input<'_, CredentialAsked>,
        ctx: &Context,
    ) -> Verdict<CredentialEvent> {
        let Input::Command(asked) = input else {
            return Verdict::unchanged();
        };
        if let Some(verdict) = erasing::decide(&self.orders, key, state, &asked.command, ctx) {
            return verdict;
        }
        let refused = refused_anyway(key, state, &asked.command, ctx.stored_at);
        let verdict = match (refused, &asked.evidence) {
            (Some(refusal), _) => Verdict::refused(refusal),
            (None, Some(evidence)) => decided(key, state, &asked.command, evidence, ctx),
            (None, None) => Verdict::refused(refusal(BAD_REQUEST)),
        };
        let method = method_of(&asked.command, asked.evidence.as_ref());
        self.meter.count(method, verdict.refusal.as_ref());
        verdict
    }

    fn evolve(state: &mut Credential, event: &CredentialEvent) {
        match event {
            CredentialEvent::Registered {
                account,
                method,
                hash,
            } => {
                state.account = Some(*account);
                state.method = Some(*method);
                state.hash.clone_from(hash);
            }
            CredentialEvent::Granted { .. } => {
                state.failures = 0;
                state.grants += 1;
            }
            CredentialEvent::Failed { at } => lockout::failed(state, *at),
            CredentialEvent::HashChanged { hash, .. } => state.hash = Some(hash.clone()),
            CredentialEvent::Erased { .. } => *state = Credential::default(),
            CredentialEvent::Unknown => {}
        }
    }

    fn answer(
        &self,
        key: &str,
        state: &Credential,
        asked: &CredentialAsked,
        ctx: &Context,
    ) -> CredentialReply {
        if erasing::is_order(&asked.command) {
            return CredentialReply::Done;
        }
        let account = state.account.unwrap_or_default();
        let who = (
            state.method.unwrap_or(Method::Password),
            key.parse().unwrap_or_default(),
        );
        let changed = matches!(asked.command, CredentialCommand::ChangePassword { .. });
        let claims = GrantClaims::new(account, who, grant_id(key, ctx), ctx.stored_at, changed);
        let grant = Grant {
            account,
            token: self.grants.token(&claims),
            fresh: state.grants == 1,
        };
        let secret = Zeroizing::new(encode(&grant));
        let reply_key = reply_key_of(&asked.command).unwrap_or_default();
        let bound_to = bound_to(key, reply_key);
        // Whoever gave a key that nothing can be sealed to has been refused before.
        let grant = SealedTo::seal(reply_key, "", ANSWER, &bound_to, &secret).unwrap_or_default();
        CredentialReply::Granted { grant }
    }

    fn refusal(&self, code: &str) -> Refusal {
        refusal(code)
    }
}

/// Why a command is refused whatever the secret in it says.
fn refused_anyway(
    key: &str,
    state: &Credential,
    command: &CredentialCommand,
    at: UnixMillis,
) -> Option<Refusal> {
    let no_answer = reply_key_of(command)
        .is_none_or(|reply_key| SealedTo::seal(reply_key, "", ANSWER, b"", b"").is_err());
    if key.parse::<Digest>().is_err() || no_answer {
        return Some(refusal(BAD_REQUEST));
    }
    match command {
        CredentialCommand::Register { account, .. } if !is_free(state, *account) => {
            return Some(refusal(NAME_TAKEN));
        }
        CredentialCommand::ChangePassword { account, .. } if state.account != Some(*account) => {
            return Some(refusal(NOT_YOURS));
        }
        _ => {}
    }
    let wait = lockout::wait(state, at)?;
    Some(refusal(LOCKED).after(wait))
}

/// Whether `account` may have the credential, or has it already by the same command.
fn is_free(state: &Credential, account: AccountId) -> bool {
    state.account.is_none_or(|known| known == account)
}

/// What the evidence leads to.
fn decided(
    key: &str,
    state: &Credential,
    command: &CredentialCommand,
    evidence: &Evidence,
    ctx: &Context,
) -> Verdict<CredentialEvent> {
    let granted = CredentialEvent::Granted {
        grant: Digest::of(grant_id(key, ctx).as_bytes()),
    };
    let registered = |method, hash| CredentialEvent::Registered {
        account: account_of(command),
        method,
        hash,
    };
    match evidence {
        Evidence::Refused(why) => Verdict::refused(why.clone()),
        Evidence::Wrong => {
            Verdict::refused(bad_login()).and(CredentialEvent::Failed { at: ctx.stored_at })
        }
        Evidence::Right { rehashed: None } => Verdict::events([granted]),
        Evidence::Right {
            rehashed: Some(hash),
        } => Verdict::events([
            CredentialEvent::HashChanged {
                hash: hash.clone(),
                rehashed: true,
            },
            granted,
        ]),
        Evidence::New { hash } => match (command, state.account) {
            (CredentialCommand::Register { .. }, None) => {
                Verdict::events([registered(Method::Password, Some(hash.clone())), granted])
            }
            (CredentialCommand::ChangePassword { .. }, Some(_)) => Verdict::events([
                CredentialEvent::HashChanged {
                    hash: hash.clone(),
                    rehashed: false,
                },
                granted,
            ]),
            _ => Verdict::refused(refusal(BAD_REQUEST)),
        },
        Evidence::Vouched => match state.account {
            None => Verdict::events([registered(Method::Openid, None), granted]),
            Some(_) => Verdict::events([granted]),
        },
    }
}

/// The name of the grant that a command leads to; the same at every delivery, of no other command.
fn grant_id(key: &str, ctx: &Context) -> String {
    format!("{key}.{}.{}", ctx.sequence.0, ctx.stored_at.0)
}

const fn account_of(command: &CredentialCommand) -> AccountId {
    match command {
        CredentialCommand::Register { account, .. }
        | CredentialCommand::LogIn { account, .. }
        | CredentialCommand::ChangePassword { account, .. }
        | CredentialCommand::Erase { account, .. } => *account,
    }
}

const fn secret_of(command: &CredentialCommand) -> Option<&SealedTo> {
    match command {
        CredentialCommand::Register { secret, .. }
        | CredentialCommand::LogIn { secret, .. }
        | CredentialCommand::ChangePassword { secret, .. } => Some(secret),
        CredentialCommand::Erase { .. } => None,
    }
}

const fn reply_key_of(command: &CredentialCommand) -> Option<BoxKey> {
    match command {
        CredentialCommand::Register { reply_key, .. }
        | CredentialCommand::LogIn { reply_key, .. }
        | CredentialCommand::ChangePassword { reply_key, .. } => Some(*reply_key),
        CredentialCommand::Erase { .. } => None,
    }
}

/// How a command would log in, for the metrics.
fn method_of(command: &CredentialCommand, evidence: Option<&Evidence>) -> &'static str {
    match (command, evidence) {
        (CredentialCommand::Register { .. }, _) => "register",
        (CredentialCommand::ChangePassword { .. }, _) => "change_password",
        (CredentialCommand::LogIn { .. }, Some(evidence)) if evidence.is_of_openid() => "openid",
        (CredentialCommand::LogIn { .. }, _) => "password",
        (CredentialCommand::Erase { .. }, _) => "erase",
    }
}

#[cfg(test)]
mod tests;
