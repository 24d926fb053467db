//! How far each source has been told: the note in the last message of every batch.
//!
//! It reads `writer=<claim> AREA_EVENTS=<incarnation>:<sequence>:<index>:<digest> …`: of that stream, all events up to that
//! one of that message are in `FACTS`. The digest is of the message's bytes, so that a position is compared before it is
//! used, like every position.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use eventlog::Position;
use schemas::{Claim, Sequence};

/// The last event of a source that has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Its message.
    pub(super) position: Position,
    /// Its place within that message.
    pub(super) index: u32,
}

/// How far each source has been told, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Drawn by each writer for itself.
    pub(super) writer: Claim,
    /// By the source's stream; what is not there has not been told at all.
    pub(super) places: BTreeMap<String, Place>,
}

/// A text that is no note of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoNote;

impl Told {
    /// Nothing, by `writer`.
    pub(super) const fn nothing(writer: Claim) -> Self {
        Self {
            writer,
            places: BTreeMap::new(),
        }
    }

    /// The last message of a source of which anything was told, and the last event of it.
    pub(super) fn of(&self, stream: &str) -> Option<(Sequence, u32)> {
        let place = self.places.get(stream)?;
        Some((place.position.sequence, place.index))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writer={}", self.writer)?;
        self.places.iter().try_for_each(|(stream, place)| {
            let Position {
                incarnation,
                sequence,
                digest,
            } = place.position;
            let index = place.index;
            write!(f, " {stream}={incarnation}:{sequence}:{index}:{digest}")
        })
    }
}

impl FromStr for Told {
    type Err = NoNote;

    fn from_str(text: &str) -> Result<Self, NoNote> {
        let mut words = text.split(' ');
        let writer = words.next().and_then(|word| word.strip_prefix("writer="));
        let writer = writer
            .and_then(|writer| writer.parse().ok())
            .ok_or(NoNote)?;
        let places = words.map(place).collect::<Option<_>>().ok_or(NoNote)?;
        Ok(Self { writer, places })
    }
}

fn place(word: &str) -> Option<(String, Place)> {
    let (stream, place) = word.split_once('=')?;
    let mut parts = place.split(':');
    let position = Position {
        incarnation: parts.next()?.parse().ok()?,
        sequence: Sequence(parts.next()?.parse().ok()?),
        digest: schemas::Digest::default(),
    };
    let index = parts.next()?.parse().ok()?;
    let position = Position {
        digest: parts.next()?.parse().ok()?,
        ..position
    };
    let place = Place { position, index };
    parts.next().is_none().then(|| (stream.to_owned(), place))
}

#[cfg(test)]
mod tests {
    use schemas::{Digest, Incarnation};

    use super::*;

    fn told() -> Told {
        let place = |n: u64| Place {
            position: Position {
                incarnation: Incarnation(n),
                sequence: Sequence(n * 100),
                digest: Digest::of(&n.to_le_bytes()),
            },
            index: 3,
        };
        let places = [("AREA_EVENTS", 5), ("LOBBY_EVENTS", 6)];
        Told {
            writer: Claim(77),
            places: places.map(|(name, n)| (name.to_owned(), place(n))).into(),
        }
    }

    #[test]
    fn what_is_noted_is_read_back() {
        for told in [told(), Told::nothing(Claim(0))] {
            assert_eq!(told.to_string().parse(), Ok(told));
        }
        assert_eq!(told().of("AREA_EVENTS"), Some((Sequence(500), 3)));
        assert_eq!(told().of("CONTROL_EVENTS"), None);
    }

    #[test]
    fn what_is_no_note_is_no_guess() {
        let good = told().to_string();
        for wrong in [
            "",
            "writer=",
            "AREA_EVENTS=1:2:3:4",
            &good[..good.len() - 1],
            &format!("{good}:1"),
            &format!("{good} "),
        ] {
            assert_eq!(wrong.parse::<Told>(), Err(NoNote), "{wrong}");
        }
    }
}
