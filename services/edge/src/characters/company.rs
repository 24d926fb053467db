//! With whom somebody wants to travel: a character's name, its party, and where it is.

use schemas::effect::party_id;
use schemas::keyed::KeyedEntry;
use schemas::lobby::{Company, Place};
use schemas::name::{Name, NameEvent};
use schemas::subjects::{Domain, keyed_events};

use super::services;
use crate::character_name::CharacterName;
use crate::http::Problem;
use crate::realm::Realm;

/// The party of the character of that name, if it is in the world.
pub(crate) async fn company(realm: &Realm, name: &str) -> Result<Company, Problem> {
    let place = CharacterName::given(name).place(&realm.keys.locator);
    let subject = keyed_events(Domain::Name, &place.to_string());
    let last = realm.log.last(&subject).await;
    let last = last.map_err(|error| Problem::unavailable(&error))?;
    let record = last.ok_or(Problem::NO_SUCH_CHARACTER)?;
    let entry = schemas::decode::<KeyedEntry<NameEvent, Name>>(&record.payload);
    let entry = entry.map_err(|error| {
        tracing::error!(%error, "who has a name cannot be read");
        Problem::INTERNAL
    })?;
    let character = entry.state.character.ok_or(Problem::NO_SUCH_CHARACTER)?;
    let state = services::of(realm, character).await?;
    let state = state.ok_or(Problem::NO_SUCH_CHARACTER)?;
    match state.place {
        Some(Place::World(area)) => Ok(Company {
            party: party_id(state.party, character),
            area,
        }),
        Some(Place::Lobby(_)) => Err(Problem::COMPANY_NOT_IN_WORLD),
        None => Err(Problem::NO_SUCH_CHARACTER),
    }
}
