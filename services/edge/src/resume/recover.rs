//! What a client missed between losing its socket and coming back: from the log, exactly.
//!
//! Own outcomes are read from the frames after the token's, from one area to the next if the
//! character went through doors meanwhile. Speech is read from there too, as far back as the
//! replica that shows the character now does not remember it itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use eventlog::{Follow, ReadError};
use schemas::fact::{Destination, Fact};
use schemas::frame::Frame;
use schemas::keyed::KeyedEntry;
use schemas::lobby::{Character, LobbyEvent};
use schemas::outcome::Reason;
use schemas::sealed::Sealed;
use schemas::subjects::{AREA_EVENTS, Domain, area_events, keyed_events};
use schemas::{AreaId, CharacterId, ClientSeq, Sequence, decode};

use super::ResumePoint;
use crate::realm::Realm;

/// Lines told at most; further ones scroll by while people read anyway.
const MOST_LINES: usize = 200;
/// Areas followed at most; a door takes a while to walk to.
const MOST_AREAS: usize = 64;

/// What a client missed.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// Own refused commands.
    pub(crate) rejected: Vec<(ClientSeq, Reason)>,
    /// Lines that were said near, with the speaker's name, as people read them.
    pub(crate) heard: Vec<String>,
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecoverError {
    /// The log cannot be read now: try again.
    #[error("reading what was missed")]
    Read(#[from] ReadError),
    /// It is no longer in the log: start over.
    #[error("what was missed is no longer in the log")]
    Gone,
}

/// Reads what the client missed after `point` and before the picture after frame `shown` of the
/// area `present`. Lines after `heard_after` are told by the replica of that area.
pub(crate) async fn recover(
    realm: &Realm,
    point: &ResumePoint,
    present: &AreaId,
    (heard_after, shown): (Sequence, Sequence),
) -> Result<Missed, RecoverError> {
    let mut missed = Missed::default();
    let mut lines: Vec<(CharacterId, Sealed)> = Vec::new();
    let mut next = Some((point.area.clone(), point.sequence));
    for _ in 0..MOST_AREAS {
        let Some((area, after)) = next.take() else {
            break;
        };
        let subjects = vec![area_events(&area)];
        let mut reader = realm
            .log
            .read(AREA_EVENTS, subjects, after, Follow::UntilHead);
        while let Some(record) = reader.next().await.map_err(gone_or_not)? {
            if record.sequence > shown {
                break;
            }
            let Ok(frame) = decode::<Frame>(&record.payload) else {
                continue;
            };
            missed.rejected.extend(own_rejections(&frame, point));
            let told = area == *present && record.sequence > heard_after;
            for fact in frame.facts {
                match fact {
                    Fact::Spoken {
                        character, text, ..
                    } if !told => lines.push((character, text)),
                    Fact::Departed {
                        character,
                        to: Destination::Area { area, .. },
                        ..
                    } if character == point.character => next = Some((area, record.sequence)),
                    _ => {}
                }
            }
            if next.is_some() {
                break;
            }
        }
    }
    let late = lines.len().saturating_sub(MOST_LINES);
    missed.heard = with_names(realm, lines.split_off(late)).await;
    Ok(missed)
}

fn gone_or_not(error: ReadError) -> RecoverError {
    match error {
        ReadError::Gone { .. } => RecoverError::Gone,
        other => other.into(),
    }
}

/// Refusals of the client's own commands that it has not been told of.
fn own_rejections(frame: &Frame, point: &ResumePoint) -> impl Iterator<Item = (ClientSeq, Reason)> {
    let (character, ack) = (point.character, point.ack);
    let refused = frame.outcomes.rejected.iter();
    let told = move |reason| matches!(reason, Reason::NotHere | Reason::StaleSession);
    refused
        .filter(move |r| r.character == character && r.seq > ack && !told(r.reason))
        .map(|r| (r.seq, r.reason))
}

async fn with_names(realm: &Realm, lines: Vec<(CharacterId, Sealed)>) -> Vec<String> {
    let mut names: HashMap<CharacterId, String> = HashMap::new();
    let mut told = Vec::with_capacity(lines.len());
    let strangers = lines
        .iter()
        .filter_map(|(_, text)| realm.keys.realm.lacks(text));
    realm.persons.meet(strangers).await;
    for (speaker, text) in lines {
        let Ok(text) = realm.keys.realm.open(&text) else {
            continue;
        };
        let name = match names.entry(speaker) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let name = name_of(realm, speaker).await;
                unknown.insert(name.unwrap_or_else(|| "somebody".into()))
            }
        };
        told.push(format!("{name}: {text}"));
    }
    told
}

async fn name_of(realm: &Realm, character: CharacterId) -> Option<String> {
    let subject = keyed_events(Domain::Lobby, &character.to_string());
    let record = realm.log.last(&subject).await.ok()??;
    let entry: KeyedEntry<LobbyEvent, Character> = decode(&record.payload).ok()?;
    let name = &entry.state.name;
    realm.persons.meet(realm.keys.realm.lacks(name)).await;
    realm.keys.realm.open(name).ok()
}
