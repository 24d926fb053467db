//! Entries of the keyed domains: accounts, credentials, names, characters in the lobby, areas' controls, workers.

use std::sync::Arc;

use eventlog::Record;
use schemas::account::AccountEvent;
use schemas::keyed::KeyedEntry;
use schemas::lobby::LobbyEvent;
use schemas::name::NameEvent;
use schemas::subjects::Domain;
use schemas::{AccountId, AreaId, CharacterId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::events::unreadable;
use super::kinds::split;
use super::{Cause, Data, Event, EventError, Key, Metadata};

/// Of an aggregate's state, whose it is: the rest is not needed here.
#[derive(Deserialize)]
struct Owned {
    #[serde(default)]
    account: Option<AccountId>,
}

type Entry<E> = KeyedEntry<E, Owned>;

/// Who and where an event is about, as far as it says so itself.
#[derive(Default)]
struct About {
    player: Option<CharacterId>,
    account: Option<AccountId>,
    area: Option<AreaId>,
}

/// The events of an entry of `domain`.
pub(super) fn entry(
    domain: Domain,
    key: &str,
    stream: &Arc<str>,
    record: &Record,
) -> Result<Vec<Event>, EventError> {
    let source = Source {
        domain,
        key,
        stream,
        record,
    };
    match domain {
        Domain::Identity => source.events(Data::Account, account),
        Domain::Credential => source.events(Data::Credential, |_| About::default()),
        Domain::Name => source.events(Data::Name, name),
        Domain::Lobby => source.events(Data::Lobby, lobby),
        Domain::Control => source.events(Data::Control, |_| About::default()),
        Domain::Fleet => source.events(Data::Fleet, |_| About::default()),
    }
}

/// An entry's place.
struct Source<'a> {
    domain: Domain,
    key: &'a str,
    stream: &'a Arc<str>,
    record: &'a Record,
}

impl Source<'_> {
    fn events<E: DeserializeOwned>(
        &self,
        data: impl Fn(E) -> Data,
        about: impl Fn(&E) -> About,
    ) -> Result<Vec<Event>, EventError> {
        let entry: Entry<E> = schemas::decode(&self.record.payload)
            .map_err(|source| unreadable(self.record, source))?;
        let metadata = Arc::new(self.metadata(&entry));
        let (player, account, area) = self.keyed();
        let account = account.or(entry.state.account);
        let events = (0..).zip(entry.events).map(|(event_index, event)| {
            let about = about(&event);
            let data = data(event);
            let (event_type, schema_version) = split(data.kind());
            Event {
                stream: Arc::clone(self.stream),
                log_position: self.record.sequence,
                event_index,
                event_type,
                schema_version,
                created_at: entry.at,
                area: about.area.map(Arc::new).or_else(|| area.clone()),
                tick: None,
                player: about.player.or(player),
                account: about.account.or(account),
                data,
                metadata: Arc::clone(&metadata),
            }
        });
        Ok(events.collect())
    }

    fn metadata<E>(&self, entry: &Entry<E>) -> Metadata {
        Metadata {
            incarnation: entry.incarnation,
            epoch: None,
            frame: None,
            worker: None,
            key: match self.domain {
                Domain::Fleet => Some(Key::Worker(self.key.to_owned())),
                Domain::Credential | Domain::Name => self.key.parse().ok().map(Key::Place),
                Domain::Identity | Domain::Lobby | Domain::Control => None,
            },
            trace: self.record.trace.as_deref().map(Arc::from),
            cause: (entry.handled.0 > 0).then_some(Cause {
                stream: self.domain.command_stream(),
                sequence: entry.handled,
            }),
        }
    }

    /// What the key says of whom or what it is about.
    fn keyed(&self) -> (Option<CharacterId>, Option<AccountId>, Option<Arc<AreaId>>) {
        match self.domain {
            Domain::Identity => (None, self.key.parse().ok(), None),
            Domain::Lobby => (self.key.parse().ok(), None, None),
            Domain::Control => (None, None, self.key.parse().ok().map(Arc::new)),
            Domain::Credential | Domain::Name | Domain::Fleet => (None, None, None),
        }
    }
}

fn account(event: &AccountEvent) -> About {
    let player = match event {
        AccountEvent::GuestRegistered { character, .. }
        | AccountEvent::CharacterAdded { character }
        | AccountEvent::CharacterRemoved { character } => Some(*character),
        _ => None,
    };
    About {
        player,
        ..About::default()
    }
}

fn name(event: &NameEvent) -> About {
    let (player, account) = match event {
        NameEvent::Reserved {
            character, account, ..
        } => (Some(*character), Some(*account)),
        NameEvent::Kept { character } | NameEvent::Released { character, .. } => {
            (Some(*character), None)
        }
        NameEvent::Unknown => (None, None),
    };
    About {
        player,
        account,
        area: None,
    }
}

fn lobby(event: &LobbyEvent) -> About {
    let area = match event {
        LobbyEvent::EnteredWorld { area, .. }
        | LobbyEvent::Located { area, .. }
        | LobbyEvent::Missed { area, .. } => Some(area.clone()),
        _ => None,
    };
    let account = match event {
        LobbyEvent::Created { account, .. } => Some(*account),
        LobbyEvent::Erased { account, .. } => *account,
        _ => None,
    };
    About {
        player: None,
        account,
        area,
    }
}
