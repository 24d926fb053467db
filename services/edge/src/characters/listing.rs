//! The list of an account's characters.

use futures_util::future::join_all;
use schemas::account::{AccountCommand, AccountReply};
use schemas::lobby::{Character, Place, level};
use schemas::{AccountId, AreaId, CharacterId, UnixMillis};
use serde::Serialize;

use super::{ending, services};
use crate::http::Problem;
use crate::realm::Realm;

/// A character as its owner is shown it.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Character")]
pub(crate) struct Listed {
    /// Which.
    id: CharacterId,
    /// Its name.
    name: String,
    /// By time played.
    level: u32,
    /// Time in the world, ms.
    played_ms: u64,
    /// Where it is, or was last; `None`: it has not been in the world.
    area: Option<AreaId>,
    /// Whether it is in the world now.
    in_world: bool,
    /// Its place among all, from 1; `None`: not among the first thousand.
    ranking: Option<u32>,
    /// Deleted; it can be restored until then, ms since 1970.
    deleted_until: Option<UnixMillis>,
}

/// All characters of `account`, those that can be restored too. Who is gone is tidied away.
///
/// # Errors
/// When a service or the log does not answer.
pub(crate) async fn list(realm: &Realm, account: AccountId) -> Result<Vec<Listed>, Problem> {
    let now = UnixMillis::now();
    let mut all = Vec::new();
    realm.persons.meet([account]).await;
    for (character, state) in states(realm, account).await? {
        match state {
            Some(state) if is_gone(&state, now) => {
                // Whoever lists next tries again.
                if let Err(problem) = ending::end(realm, account, character, Some(&state)).await {
                    let code = problem.code();
                    tracing::debug!(character.id = %character, code, "not forgotten yet");
                }
            }
            Some(state) => all.push(listed(realm, character, &state)),
            // On its way to be, or given up there.
            None => {}
        }
    }
    Ok(all)
}

/// One character of `account`.
///
/// # Errors
/// When it is not the account's, or the log does not answer.
pub(crate) async fn one(
    realm: &Realm,
    account: AccountId,
    character: CharacterId,
) -> Result<Listed, Problem> {
    let state = services::own(realm, account, character).await?;
    realm.persons.meet([account]).await;
    Ok(listed(realm, character, &state))
}

fn listed(realm: &Realm, character: CharacterId, state: &Character) -> Listed {
    let played_ms = state.played_at(UnixMillis::now());
    let (area, in_world) = match &state.place {
        Some(Place::World(area)) => (Some(area.clone()), true),
        Some(Place::Lobby(_)) | None => {
            let seen = state.last_seen.as_ref();
            (seen.map(|seen| seen.area.clone()), false)
        }
    };
    Listed {
        id: character,
        name: realm.keys.realm.open(&state.name).unwrap_or_default(),
        level: level(played_ms),
        played_ms,
        area,
        in_world,
        ranking: realm.ranked.place_of(character),
        deleted_until: state.deleted_until,
    }
}

/// Takes out of the account's list whoever is gone and whoever never came to be; how many.
pub(super) async fn tidy(realm: &Realm, account: AccountId) -> Result<usize, Problem> {
    let now = UnixMillis::now();
    let mut ended = 0;
    for (character, state) in states(realm, account).await? {
        if state.as_ref().is_none_or(|state| is_gone(state, now)) {
            ending::end(realm, account, character, state.as_ref()).await?;
            ended += 1;
        }
    }
    Ok(ended)
}

fn is_gone(state: &Character, now: UnixMillis) -> bool {
    state.erased || state.deleted_until.is_some_and(|until| until <= now)
}

async fn states(
    realm: &Realm,
    account: AccountId,
) -> Result<Vec<(CharacterId, Option<Character>)>, Problem> {
    let command = AccountCommand::Describe { account };
    let characters = match services::account(realm, account, &command).await?? {
        AccountReply::Described { characters, .. } => characters,
        AccountReply::LoggedIn { .. } | AccountReply::Done => return Err(Problem::INTERNAL),
    };
    let states = characters.iter().map(async |character| {
        let state = services::of(realm, *character).await;
        state.map(|state| (*character, state))
    });
    join_all(states).await.into_iter().collect()
}
