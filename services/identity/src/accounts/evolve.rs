//! What each event makes of an account.

use schemas::Digest;
use schemas::account::{Account, AccountEvent};

use super::erasing;

/// How many of the last grants are remembered. A grant lives 30 s, a password login takes a tenth
/// of a second of a core, and a session is opened for each: more are not taken for one account.
const GRANTS: usize = 8;

pub(super) fn apply(state: &mut Account, event: &AccountEvent) {
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
        AccountEvent::CredentialLinked { method, credential } => {
            state.credentials.push((*method, *credential));
        }
        AccountEvent::SessionOpened { session, grant } => {
            if state.since.0 == 0 {
                state.since = session.opened_at;
            }
            state.sessions.push(session.clone());
            take(state, *grant);
        }
        AccountEvent::Security { grant, .. } => take(state, *grant),
        AccountEvent::Refreshed {
            session,
            generation,
            at,
            address,
        } => {
            if let Some(session) = state.sessions.iter_mut().find(|s| s.id == *session) {
                session.generation = *generation;
                session.used_at = *at;
                session.address = *address;
            }
        }
        AccountEvent::SessionEnded { session, .. } => {
            state.sessions.retain(|kept| kept.id != *session);
        }
        AccountEvent::CharacterAdded { character } => state.characters.push(*character),
        AccountEvent::CharacterRemoved { character } => {
            state.characters.retain(|kept| kept != character);
        }
        AccountEvent::Erased { at, .. } => erasing::apply(state, *at),
        AccountEvent::Registered { .. }
        | AccountEvent::LoginFailed { .. }
        | AccountEvent::Unknown => {}
    }
}

/// Keeps a grant that has been taken, so that it is not taken again.
fn take(state: &mut Account, grant: Option<Digest>) {
    state.grants.extend(grant);
    let forgotten = state.grants.len().saturating_sub(GRANTS);
    state.grants.drain(..forgotten);
}
