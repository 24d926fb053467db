//! Which lives of a stream its positions may come from.
//!
//! A stream that is restored from a backup begins a new life: what was written after the backup is
//! not in it, and its next messages take the lost ones' sequences. So it gets an incarnation of its
//! own, and remembers its ancestors, each with the last sequence that is theirs and its own alike:
//! a position of an ancestor up to there is a position here, one beyond is of what was lost.

use std::sync::Arc;

use schemas::{Incarnation, Sequence};
use serde_json::{Value, json};

use crate::error::PositionError;
use crate::streams::INCARNATION;

/// Where the ancestors stand in a stream's metadata: `id:sequence`, the first life first.
const ANCESTORS: &str = "worldline.ancestors";

/// A former life of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ancestor {
    incarnation: Incarnation,
    /// The last of its messages that the stream has kept.
    restored_to: Sequence,
}

/// A stream's present life and those it was restored from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    incarnation: Incarnation,
    ancestors: Arc<[Ancestor]>,
}

impl Lineage {
    /// What a stream's configuration says; `None`: it names no life.
    pub(crate) fn of_config(config: &Value) -> Option<Self> {
        let metadata = &config["metadata"];
        let incarnation = metadata[INCARNATION].as_str()?.parse().ok()?;
        let ancestors = metadata[ANCESTORS].as_str().unwrap_or_default();
        let ancestors = ancestors.split_whitespace().map(|text| {
            let (incarnation, restored_to) = text.split_once(':')?;
            Some(Ancestor {
                incarnation: incarnation.parse().ok()?,
                restored_to: Sequence(restored_to.parse().ok()?),
            })
        });
        Some(Self {
            incarnation,
            ancestors: ancestors.collect::<Option<_>>()?,
        })
    }

    /// The life of a stream that holds this one's messages up to `cut`.
    pub(crate) fn child(&self, incarnation: Incarnation, cut: Sequence) -> Self {
        let parent = Ancestor {
            incarnation: self.incarnation,
            restored_to: cut,
        };
        let older = self.ancestors.iter().map(|ancestor| Ancestor {
            restored_to: ancestor.restored_to.min(cut),
            ..*ancestor
        });
        Self {
            incarnation,
            ancestors: older.chain([parent]).collect(),
        }
    }

    /// Writes it into a configuration.
    pub(crate) fn write(&self, config: &mut Value) {
        if !config["metadata"].is_object() {
            config["metadata"] = json!({});
        }
        config["metadata"][INCARNATION] = self.incarnation.to_string().into();
        let ancestors = self.ancestors.iter();
        let ancestors = ancestors.map(|a| format!("{}:{}", a.incarnation, a.restored_to.0));
        let ancestors = ancestors.collect::<Vec<_>>().join(" ");
        if let Some(metadata) = config["metadata"].as_object_mut() {
            if ancestors.is_empty() {
                metadata.remove(ANCESTORS);
            } else {
                metadata.insert(ANCESTORS.to_owned(), ancestors.into());
            }
        }
    }

    /// A life, and those it was restored from, the first first, each with the last message that was kept of it.
    #[must_use]
    pub fn of(
        incarnation: Incarnation,
        ancestors: impl IntoIterator<Item = (Incarnation, Sequence)>,
    ) -> Self {
        let ancestors = ancestors.into_iter();
        let ancestors = ancestors.map(|(incarnation, restored_to)| Ancestor {
            incarnation,
            restored_to,
        });
        Self {
            incarnation,
            ancestors: ancestors.collect(),
        }
    }

    /// The lives it was restored from, as [`Lineage::of`] takes them.
    pub fn ancestors(&self) -> impl Iterator<Item = (Incarnation, Sequence)> {
        let ancestors = self.ancestors.iter();
        ancestors.map(|ancestor| (ancestor.incarnation, ancestor.restored_to))
    }

    /// A first life.
    pub(crate) fn first(incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            ancestors: Arc::default(),
        }
    }

    /// The present life.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Up to which sequence positions of `incarnation` are positions here; `None`: it is no life of
    /// this stream.
    #[must_use]
    pub fn reaches(&self, incarnation: Incarnation) -> Option<Sequence> {
        if incarnation == self.incarnation {
            return Some(Sequence(u64::MAX));
        }
        let mut ancestors = self.ancestors.iter();
        ancestors
            .find(|ancestor| ancestor.incarnation == incarnation)
            .map(|ancestor| ancestor.restored_to)
    }

    /// Whether a position of `incarnation` at `sequence` is a position here.
    #[must_use]
    pub fn knows(&self, incarnation: Incarnation, sequence: Sequence) -> bool {
        self.reaches(incarnation).is_some_and(|to| sequence <= to)
    }

    /// As [`Lineage::knows`], with the reason.
    pub(crate) fn check(
        &self,
        stream: &str,
        stored: Incarnation,
        sequence: Sequence,
    ) -> Result<(), PositionError> {
        match self.reaches(stored) {
            None => Err(PositionError::OtherIncarnation {
                stream: stream.to_owned(),
                stored,
                found: self.incarnation,
            }),
            Some(restored_to) if sequence > restored_to => Err(PositionError::LostTail {
                stream: stream.to_owned(),
                stored: sequence,
                restored_to,
            }),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Incarnation = Incarnation(1);
    const SECOND: Incarnation = Incarnation(2);
    const THIRD: Incarnation = Incarnation(3);

    #[test]
    fn positions_of_ancestors_are_known_up_to_where_their_messages_were_kept() {
        let second = Lineage::first(FIRST).child(SECOND, Sequence(100));
        assert!(second.knows(FIRST, Sequence(100)) && !second.knows(FIRST, Sequence(101)));
        assert!(second.knows(SECOND, Sequence(500)) && !second.knows(THIRD, Sequence(1)));
        let later = second.child(THIRD, Sequence(300));
        assert!(later.knows(FIRST, Sequence(100)) && !later.knows(FIRST, Sequence(101)));
        assert!(later.knows(SECOND, Sequence(300)) && !later.knows(SECOND, Sequence(301)));
        // From a backup that was made earlier than the first restore ended.
        let earlier = second.child(THIRD, Sequence(50));
        assert!(earlier.knows(FIRST, Sequence(50)) && !earlier.knows(FIRST, Sequence(51)));
    }

    #[test]
    fn a_lineage_reads_back_from_a_streams_metadata() {
        let lineage = Lineage::first(FIRST)
            .child(SECOND, Sequence(100))
            .child(THIRD, Sequence(300));
        let mut config = json!({ "name": "S" });
        lineage.write(&mut config);
        assert_eq!(Lineage::of_config(&config), Some(lineage));
        Lineage::first(SECOND).write(&mut config);
        assert_eq!(Lineage::of_config(&config), Some(Lineage::first(SECOND)));
        config["metadata"][ANCESTORS] = "nonsense".into();
        assert_eq!(Lineage::of_config(&config), None);
    }
}
