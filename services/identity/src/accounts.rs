//! An account: how a guest begins, and how one comes back.
//!
//! Whatever is wrong about a login, the refusal is the same: it must not tell which accounts exist.

use eventlog::Aggregate;
use eventlog::keyed::{Context, Input, Verdict};
use runtime::metric_definitions::LOGINS_TOTAL;
use schemas::AccountId;
use schemas::account::{Account, AccountCommand, AccountEvent, LoggedIn};
use schemas::keyed::Refusal;
use schemas::subjects::{Domain, account_key};
use subtle::ConstantTimeEq;

use crate::access_token::{AccessTokens, LIFETIME_SECONDS};
use crate::guest_token::GuestTokens;

/// The one code of every refused login.
pub const BAD_LOGIN: &str = "bad_login";

/// The rules of all accounts.
#[derive(Debug)]
pub struct Accounts {
    guests: GuestTokens,
    access: AccessTokens,
}

impl Accounts {
    /// With these keys.
    #[must_use]
    pub const fn new(guests: GuestTokens, access: AccessTokens) -> Self {
        Self { guests, access }
    }

    fn register(&self, state: &Account, command: &AccountCommand) -> Verdict<AccountEvent> {
        let AccountCommand::RegisterGuest {
            account,
            character,
            name,
        } = command
        else {
            return bad_login();
        };
        match state.proof {
            None => Verdict::events([
                AccountEvent::GuestRegistered {
                    account: *account,
                    character: *character,
                    name: name.clone(),
                    proof: self.guests.proof(*account),
                },
                AccountEvent::LoggedIn { account: *account },
            ]),
            // The same command once more: a name is sealed under a fresh nonce every time.
            Some(_) if state.characters.contains(character) && state.name == *name => {
                Verdict::unchanged()
            }
            Some(_) => bad_login(),
        }
    }
}

impl Aggregate for Accounts {
    const DOMAIN: Domain = Domain::Identity;
    type Command = AccountCommand;
    type Event = AccountEvent;
    type State = Account;
    type Answer = LoggedIn;

    fn decide(
        &self,
        key: &str,
        state: &Account,
        input: Input<'_, AccountCommand>,
        _: &Context,
    ) -> Verdict<AccountEvent> {
        let Input::Command(command) = input else {
            return Verdict::unchanged();
        };
        let verdict = match command {
            _ if account_key(account_of(command)) != key => bad_login(),
            AccountCommand::RegisterGuest { .. } => self.register(state, command),
            AccountCommand::LoginGuest { account, proof } => match state.proof {
                Some(known) if bool::from(known.0.ct_eq(&proof.0)) => {
                    Verdict::events([AccountEvent::LoggedIn { account: *account }])
                }
                Some(_) => bad_login().and(AccountEvent::LoginFailed { account: *account }),
                None => bad_login(),
            },
        };
        count(command, &verdict);
        verdict
    }

    fn evolve(state: &mut Account, event: &AccountEvent) {
        match event {
            AccountEvent::GuestRegistered {
                character,
                name,
                proof,
                ..
            } => {
                state.proof = Some(*proof);
                state.characters.push(*character);
                state.name = name.clone();
            }
            AccountEvent::LoggedIn { .. } => state.logins += 1,
            AccountEvent::LoginFailed { .. } | AccountEvent::Unknown => {}
        }
    }

    fn answer(
        &self,
        _: &str,
        state: &Account,
        command: &AccountCommand,
        ctx: &Context,
    ) -> LoggedIn {
        let account = account_of(command);
        LoggedIn {
            account,
            character: state.characters.first().copied().unwrap_or_default(),
            guest_token: self.guests.token(account),
            access_token: self.access.token(account, ctx.stored_at),
            expires_in: LIFETIME_SECONDS,
            name: state.name.clone(),
        }
    }

    fn refusal(&self, _: &str) -> Refusal {
        not_valid()
    }
}

const fn account_of(command: &AccountCommand) -> AccountId {
    match command {
        AccountCommand::RegisterGuest { account, .. }
        | AccountCommand::LoginGuest { account, .. } => *account,
    }
}

fn not_valid() -> Refusal {
    Refusal::new(BAD_LOGIN, "this login is not valid; begin as a new guest")
}

fn bad_login() -> Verdict<AccountEvent> {
    Verdict::refused(not_valid())
}

fn count(command: &AccountCommand, verdict: &Verdict<AccountEvent>) {
    let method = match command {
        AccountCommand::RegisterGuest { .. } => "register_guest",
        AccountCommand::LoginGuest { .. } => "login_guest",
    };
    let outcome = if verdict.refusal.is_some() {
        "refused"
    } else {
        "accepted"
    };
    metrics::counter!(LOGINS_TOTAL, "method" => method, "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests;
