//! A table of aggregates of which only a part is copied when one entry changes.
//!
//! An area meets many characters in its life and keeps a counter for each. A tick works on a
//! copy of the state, so a plain map would be copied whole by every tick in which an effect
//! comes or goes; here it is the bucket that the entry lies in.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::subjects::AggregateId;
use xxhash_rust::xxh3::xxh3_64;

const BUCKETS: usize = 64;

type Bucket<V> = Arc<BTreeMap<AggregateId, V>>;

/// Values by aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table<V>(Arc<Vec<Bucket<V>>>);

impl<V: Clone> Default for Table<V> {
    fn default() -> Self {
        // All empty buckets are one.
        Self(Arc::new(vec![Arc::default(); BUCKETS]))
    }
}

/// The bucket of `key`. No order depends on it: whoever stores a table sorts it.
fn bucket(key: &AggregateId) -> usize {
    let hash = match key {
        AggregateId::Character(character) => xxh3_64(&character.0.to_le_bytes()),
        AggregateId::Area(area) | AggregateId::Control(area) => xxh3_64(area.as_str().as_bytes()),
    };
    usize::try_from(hash % BUCKETS as u64).unwrap_or(0)
}

impl<V: Clone> Table<V> {
    pub(crate) fn get(&self, key: &AggregateId) -> Option<&V> {
        self.0.get(bucket(key))?.get(key)
    }

    pub(crate) fn insert(&mut self, key: AggregateId, value: V) {
        if let Some(bucket) = Arc::make_mut(&mut self.0).get_mut(bucket(&key)) {
            Arc::make_mut(bucket).insert(key, value);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&AggregateId, &V)> {
        self.0.iter().flat_map(|bucket| bucket.iter())
    }

    /// Takes out what is `wanted`; buckets that lose nothing are not touched.
    pub(crate) fn take_where(
        &mut self,
        wanted: impl Fn(&AggregateId, &V) -> bool,
    ) -> Vec<(AggregateId, V)> {
        let taken: Vec<_> = self
            .iter()
            .filter(|(key, value)| wanted(key, value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        for (key, _) in &taken {
            if let Some(bucket) = Arc::make_mut(&mut self.0).get_mut(bucket(key)) {
                Arc::make_mut(bucket).remove(key);
            }
        }
        taken
    }

    /// As a plain map, sorted.
    pub(crate) fn to_map(&self) -> BTreeMap<AggregateId, V> {
        self.iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

impl<V: Clone> FromIterator<(AggregateId, V)> for Table<V> {
    fn from_iter<I: IntoIterator<Item = (AggregateId, V)>>(entries: I) -> Self {
        let mut table = Self::default();
        for (key, value) in entries {
            table.insert(key, value);
        }
        table
    }
}
