//! Login sessions: going on with one, ending it, keeping them few.

use eventlog::keyed::Verdict;
use schemas::account::{Account, AccountEvent, Asker, LoginSession, SecurityNotice, SessionEnd};
use schemas::{AccountId, Digest, LoginId, UnixMillis};
use subtle::ConstantTimeEq;

use super::Accounts;
use crate::refusals::{LOG_IN_AGAIN, SESSION_REUSED, SESSION_UNKNOWN, refusal};

/// How many sessions an account may have.
pub(super) const MOST: usize = 20;
/// A session that was not used for so long is over, ms.
pub(super) const UNUSED: u64 = 30 * 86_400_000;
/// For so long the previous refresh token gets the current one again, ms: an answer may get lost.
pub(super) const GRACE: u64 = 10_000;

impl Accounts {
    /// New tokens for a refresh token.
    pub(super) fn refresh(
        &self,
        state: &Account,
        account: AccountId,
        (proof, generation): (&Digest, u32),
        asker: &Asker,
        at: UnixMillis,
    ) -> Verdict<AccountEvent> {
        let refused = |code| Verdict::refused(refusal(code));
        let Some(session) = find(state, asker.session) else {
            return refused(SESSION_UNKNOWN);
        };
        let expected = self.refresh.proof(account, session.id, generation);
        if !bool::from(expected.0.ct_eq(&proof.0)) || generation > session.generation {
            return refused(SESSION_UNKNOWN);
        }
        if is_over(session, at) {
            return refused(LOG_IN_AGAIN).and(ended(session.id, SessionEnd::Expired));
        }
        let age = at.0.saturating_sub(session.used_at.0);
        let current = generation == session.generation;
        let in_grace = generation + 1 == session.generation && age <= GRACE;
        if !current && !in_grace {
            return refused(SESSION_REUSED)
                .and(ended(session.id, SessionEnd::Reused))
                .and(security(SecurityNotice::RefreshReused, session, at));
        }
        let elsewhere = session.address != asker.address;
        let moved = || security(SecurityNotice::AddressChanged, session, at);
        if elsewhere && self.binding.is_strict() {
            return refused(LOG_IN_AGAIN).and(moved());
        }
        if in_grace {
            return Verdict::unchanged();
        }
        let refreshed = AccountEvent::Refreshed {
            session: session.id,
            generation: session.generation.saturating_add(1),
            at,
            address: asker.address,
        };
        if elsewhere && self.binding.is_noted() {
            Verdict::events([moved(), refreshed])
        } else {
            Verdict::events([refreshed])
        }
    }
}

/// The session ends; the same twice is no error.
pub(super) fn log_out(state: &Account, session: LoginId) -> Verdict<AccountEvent> {
    match find(state, session) {
        Some(_) => Verdict::events([ended(session, SessionEnd::LoggedOut)]),
        None => Verdict::unchanged(),
    }
}

/// All end, but perhaps one.
pub(super) fn log_out_everywhere(
    state: &Account,
    except: Option<LoginId>,
) -> Verdict<AccountEvent> {
    let all = state.sessions.iter().map(|session| session.id);
    let ends = all.filter(|id| Some(*id) != except);
    Verdict::events(ends.map(|id| ended(id, SessionEnd::LoggedOutEverywhere)))
}

/// What must end before one more begins: those that are over, and the one unused for longest if
/// there are too many.
pub(super) fn make_room(state: &Account, at: UnixMillis) -> Vec<AccountEvent> {
    let (over, mut kept): (Vec<_>, Vec<_>) = state.sessions.iter().partition(|s| is_over(s, at));
    let mut events: Vec<_> = over
        .into_iter()
        .map(|session| ended(session.id, SessionEnd::Expired))
        .collect();
    kept.sort_by_key(|session| session.used_at);
    let too_many = (kept.len() + 1).saturating_sub(MOST);
    let displaced = kept.iter().take(too_many);
    events.extend(displaced.map(|session| ended(session.id, SessionEnd::Displaced)));
    events
}

/// Those that are not over.
pub(super) fn alive(state: &Account, at: UnixMillis) -> Vec<LoginSession> {
    let alive = state
        .sessions
        .iter()
        .filter(|session| !is_over(session, at));
    alive.cloned().collect()
}

pub(super) fn find(state: &Account, session: LoginId) -> Option<&LoginSession> {
    state.sessions.iter().find(|known| known.id == session)
}

pub(super) const fn ended(session: LoginId, why: SessionEnd) -> AccountEvent {
    AccountEvent::SessionEnded { session, why }
}

const fn is_over(session: &LoginSession, at: UnixMillis) -> bool {
    at.0.saturating_sub(session.used_at.0) > UNUSED
}

const fn security(what: SecurityNotice, session: &LoginSession, at: UnixMillis) -> AccountEvent {
    AccountEvent::Security {
        what,
        session: session.id,
        at,
        grant: None,
    }
}
