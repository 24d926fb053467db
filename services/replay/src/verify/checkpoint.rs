//! How far a verification has come, in a file: what was interrupted goes on there.
//!
//! It holds everything that has been found out, and at which message of each stream. It belongs to this log and this
//! build: of another one it is refused, never guessed at.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use eventlog::Position;
use past::Past;
use schemas::subjects::Domain;
use schemas::{Digest, Sequence};
use serde::{Deserialize, Serialize};

use super::Books;
use super::alone::Alone;
use super::areas::Folded;
use super::control::Control;
use super::lobby::Lobby;
use crate::packed::{pack, unpack};
use crate::{ReplayError, output};

/// The version of what is written; raised with whatever changes its meaning.
const VERSION: u16 = 1;

/// What has been verified, apart from the areas' commands, which are read again.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Verified {
    pub(super) books: Books,
    /// By token.
    pub(super) alone: BTreeMap<String, Alone>,
    pub(super) folded: Folded,
    pub(super) lobby: Lobby,
    pub(super) control: Control,
    pub(super) so_far: SoFar,
}

impl Verified {
    /// Lent to be written.
    pub(super) fn lend(&self) -> Lent<'_> {
        Lent {
            books: &self.books,
            alone: &self.alone,
            folded: &self.folded,
            lobby: &self.lobby,
            control: &self.control,
            so_far: self.so_far.clone(),
        }
    }
}

/// The same, lent to be written.
#[derive(Debug, Serialize)]
pub(super) struct Lent<'a> {
    pub(super) books: &'a Books,
    pub(super) alone: &'a BTreeMap<String, Alone>,
    pub(super) folded: &'a Folded,
    pub(super) lobby: &'a Lobby,
    pub(super) control: &'a Control,
    pub(super) so_far: SoFar,
}

/// How far that is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SoFar {
    /// The last message folded of each stream that is read in causal order.
    pub(super) taken_to: BTreeMap<String, Sequence>,
    /// Where the areas' commands are read from, and the first that there was; `None`: from the first on.
    pub(super) commands: Option<(Sequence, Sequence)>,
    /// Messages folded in causal order.
    pub(super) messages: u64,
}

#[derive(Serialize)]
struct Saved<'a> {
    v: u16,
    positions: BTreeMap<String, Position>,
    verified: &'a Lent<'a>,
}

#[derive(Deserialize)]
struct Owned {
    v: u16,
    positions: BTreeMap<String, Position>,
    verified: Verified,
}

/// Writes it, in place of the one before.
pub(super) async fn save(path: &Path, past: &Past, verified: &Lent<'_>) -> Result<(), ReplayError> {
    let mut positions = BTreeMap::new();
    let causal = verified.so_far.taken_to.iter();
    let causal = causal.map(|(stream, sequence)| (stream.as_str(), *sequence));
    let alone = Domain::ALL.into_iter().filter_map(|domain| {
        let alone = verified.alone.get(domain.token())?;
        Some((domain.event_stream(), alone.read_to))
    });
    for (stream, sequence) in causal.chain(alone) {
        let there = past.get(stream, sequence).await?;
        let digest = there.map_or_else(Digest::default, |there| Digest::of(&there.payload));
        let position = Position {
            incarnation: past.span(stream).await?.incarnation,
            sequence,
            digest,
        };
        positions.insert(stream.to_owned(), position);
    }
    let saved = Saved {
        v: VERSION,
        positions,
        verified,
    };
    output::replace_file(path, &pack(&saved))
}

/// Reads it; `None`: there is none.
pub(super) async fn load(path: &Path, past: &Past) -> Result<Option<Verified>, ReplayError> {
    let refused = |why: &str| {
        let path = path.display();
        ReplayError::Usage(format!(
            "the checkpoint {path} {why}: remove it to begin with the first message"
        ))
    };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(&format!("cannot be read ({error})"))),
    };
    let saved: Owned =
        unpack(&bytes).ok_or_else(|| refused("is damaged, or was written by another build"))?;
    if saved.v != VERSION {
        return Err(refused("was written by another build"));
    }
    for (stream, position) in &saved.positions {
        let span = past.span(stream).await?;
        let known = span.lineage.knows(position.incarnation, position.sequence)
            && position.sequence <= span.last;
        let there = past.get(stream, position.sequence).await?;
        let same = there.is_none_or(|there| {
            position.digest == Digest::default() || Digest::of(&there.payload) == position.digest
        });
        if !known || !same {
            return Err(refused("is of another log"));
        }
    }
    Ok(Some(saved.verified))
}

/// Removes it: there is nothing to go on with.
pub(super) fn remove(path: &Path) -> Result<(), ReplayError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ReplayError::Unwritable {
                path: path.to_owned(),
                source: error,
            })
        }
        _ => Ok(()),
    }
}
