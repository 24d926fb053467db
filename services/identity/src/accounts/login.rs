//! Logging in: as a guest by its token, or with a credential's grant.

use eventlog::keyed::Verdict;
use schemas::account::{Account, AccountEvent, Asker, LoginSession, SecurityNotice, SessionEnd};
use schemas::credential::Method;
use schemas::sealed::Sealed;
use schemas::{AccountId, CharacterId, Digest, UnixMillis};
use subtle::ConstantTimeEq;

use super::sessions::{self, ended};
use super::{Accounts, Proven, exists, is_guest};
use crate::refusals::{
    BAD_REQUEST, GRANT_EXPIRED, GRANT_USED, NOT_LINKED, NOT_YOURS, bad_login, refusal,
};

/// A warrant may have been over for so long, s: who links a provider's word may be ten minutes with
/// the provider. Their session must stand all the same.
const WARRANT_GRACE: u64 = 600;

impl Accounts {
    /// A guest begins.
    pub(super) fn register_guest(
        &self,
        state: &Account,
        (account, character, name): (AccountId, CharacterId, &Sealed),
        asker: &Asker,
        at: UnixMillis,
    ) -> Verdict<AccountEvent> {
        if !exists(state) {
            let registered = AccountEvent::GuestRegistered {
                account,
                character,
                name: name.clone(),
                proof: self.guests.proof(account),
            };
            let opened = opened(asker, Method::Guest, None, at);
            return Verdict::events([registered, opened, AccountEvent::LoggedIn { account }]);
        }
        // The same command once more: a name is sealed under a fresh nonce every time.
        let same = state.characters.contains(&character) && state.name == *name;
        if same && sessions::find(state, asker.session).is_some() {
            Verdict::unchanged()
        } else {
            Verdict::refused(bad_login())
        }
    }

    /// A guest comes back.
    pub(super) fn login_guest(
        &self,
        state: &Account,
        account: AccountId,
        proof: &Digest,
        asker: &Asker,
        at: UnixMillis,
    ) -> Verdict<AccountEvent> {
        let Some(known) = state.proof else {
            return Verdict::refused(bad_login());
        };
        if !is_guest(state) || !bool::from(known.0.ct_eq(&proof.0)) {
            return Verdict::refused(bad_login()).and(AccountEvent::LoginFailed { account });
        }
        if sessions::find(state, asker.session).is_some() {
            return Verdict::refused(refusal(BAD_REQUEST));
        }
        let mut events = sessions::make_room(state, at);
        events.push(opened(asker, Method::Guest, None, at));
        events.push(AccountEvent::LoggedIn { account });
        Verdict::events(events)
    }
}

/// A credential has been proven: the session begins, and the account if need be. With the grant of a
/// changed password the session that asks may also go on, as the only one.
///
/// Whose account a credential lets into is the word of the edge that began it, so an account that
/// exists takes a further one only on the word of somebody who is logged in to it.
pub(super) fn open_session(
    state: &Account,
    account: AccountId,
    proven: &Proven,
    asker: &Asker,
    at: UnixMillis,
) -> Verdict<AccountEvent> {
    let refused = |code| Verdict::refused(refusal(code));
    let claims = &proven.grant;
    if claims.sub != account {
        return refused(NOT_YOURS);
    }
    if claims.is_late(at) {
        return refused(GRANT_EXPIRED);
    }
    if state.grants.contains(&claims.digest()) {
        return refused(GRANT_USED);
    }
    let goes_on = sessions::find(state, asker.session).is_some();
    if goes_on && !claims.changed {
        return refused(BAD_REQUEST);
    }
    let mut events = Vec::new();
    if !exists(state) {
        let method = claims.method;
        events.push(AccountEvent::Registered { account, method });
    }
    let credential = (claims.method, claims.credential);
    if !state.credentials.contains(&credential) {
        if exists(state) && !is_warranted(state, account, proven, at) {
            return refused(NOT_LINKED);
        }
        let (method, credential) = credential;
        events.push(AccountEvent::CredentialLinked { method, credential });
    }
    if claims.changed {
        // A session that begins takes the grant itself.
        let grant = goes_on.then(|| claims.digest());
        events.extend(all_others_end(state, asker, grant, at));
    } else {
        events.extend(sessions::make_room(state, at));
    }
    if goes_on {
        return Verdict::events(events);
    }
    events.push(opened(asker, claims.method, Some(claims.digest()), at));
    events.push(AccountEvent::LoggedIn { account });
    Verdict::events(events)
}

/// Whether somebody who is logged in to the account wants this.
fn is_warranted(state: &Account, account: AccountId, proven: &Proven, at: UnixMillis) -> bool {
    let warrant = proven.warrant.as_ref();
    warrant.is_some_and(|claims| {
        let alive = sessions::find(state, claims.sid).is_some();
        claims.sub == account && alive && !claims.is_over(WARRANT_GRACE, at)
    })
}

/// A changed password throws out whoever had the old one.
fn all_others_end(
    state: &Account,
    asker: &Asker,
    grant: Option<Digest>,
    at: UnixMillis,
) -> Vec<AccountEvent> {
    let all = state.sessions.iter().map(|session| session.id);
    let mut events: Vec<_> = all
        .filter(|id| *id != asker.session)
        .map(|id| ended(id, SessionEnd::LoggedOutEverywhere))
        .collect();
    events.push(AccountEvent::Security {
        what: SecurityNotice::PasswordChanged,
        session: asker.session,
        at,
        grant,
    });
    events
}

fn opened(asker: &Asker, method: Method, grant: Option<Digest>, at: UnixMillis) -> AccountEvent {
    let session = LoginSession {
        id: asker.session,
        method,
        opened_at: at,
        used_at: at,
        generation: 1,
        address: asker.address,
        device: asker.device.clone(),
    };
    AccountEvent::SessionOpened { session, grant }
}
