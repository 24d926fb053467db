//! Writes who is here: at once what changes, and each entry again before it would go by itself.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use eventlog::{Bucket, UpdateError};
use futures_util::stream::{self, StreamExt};
use schemas::online::OnlineEntry;
use schemas::{CharacterId, EdgeId};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Each entry is written again so long after the last time; it would go after 150 s.
const AGAIN: Duration = Duration::from_secs(60);
/// How often it is looked which ones that are.
const LOOK: Duration = Duration::from_secs(1);
/// Changes taken together.
const MOST_TOGETHER: usize = 256;
/// Writes on their way at a time.
const AT_A_TIME: usize = 16;

/// What became of somebody.
#[derive(Debug)]
pub(super) enum Change {
    /// Is here, as told.
    Here(OnlineEntry),
    /// Is not here any more.
    Gone(CharacterId),
}

struct Kept {
    /// `None`: shall be taken away.
    entry: Option<OnlineEntry>,
    /// When it is due; at once for what has changed.
    due: Instant,
}

/// Writes until nobody can tell changes any more.
pub(super) async fn write(bucket: Bucket, edge: EdgeId, mut changes: UnboundedReceiver<Change>) {
    let mut kept: HashMap<CharacterId, Kept> = HashMap::new();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Vec::new();
    loop {
        tokio::select! {
            count = changes.recv_many(&mut told, MOST_TOGETHER) => if count == 0 { return },
            _ = look.tick() => {}
        }
        let now = Instant::now();
        for change in told.drain(..) {
            let (character, entry) = match change {
                Change::Here(entry) => (entry.character, Some(entry)),
                Change::Gone(character) => (character, None),
            };
            kept.insert(character, Kept { entry, due: now });
        }
        let due = kept.iter().filter(|(_, kept)| kept.due <= now);
        let due: Vec<_> = due.map(|(who, kept)| (*who, kept.entry.clone())).collect();
        let writes = due.into_iter().map(|(who, entry)| {
            let bucket = &bucket;
            async move { (who, settle(bucket, edge, who, entry).await) }
        });
        let mut writes = stream::iter(writes).buffer_unordered(AT_A_TIME);
        while let Some((who, settled)) = writes.next().await {
            match settled {
                Ok(()) => match kept.get_mut(&who) {
                    Some(kept) if kept.entry.is_some() => kept.due = Instant::now() + AGAIN,
                    _ => drop(kept.remove(&who)),
                },
                // What is taken away goes by itself at last; what is here is tried again.
                Err(error) => {
                    tracing::warn!(character = %who, %error, "who is logged in is not written");
                    match kept.get_mut(&who) {
                        Some(kept) if kept.entry.is_some() => kept.due = Instant::now() + LOOK,
                        _ => drop(kept.remove(&who)),
                    }
                }
            }
        }
    }
}

async fn settle(
    bucket: &Bucket,
    edge: EdgeId,
    who: CharacterId,
    entry: Option<OnlineEntry>,
) -> Result<(), UpdateError> {
    let key = who.to_string();
    if let Some(entry) = entry {
        let value = Bytes::from(schemas::encode(&entry));
        return bucket.put(&key, value).await.map(drop);
    }
    let standing = bucket.get(&key).await?.and_then(|entry| entry.value);
    let ours = standing
        .and_then(|value| schemas::decode::<OnlineEntry>(&value).ok())
        .is_some_and(|entry| entry.edge == edge);
    if ours {
        bucket.delete(&key).await?;
    }
    Ok(())
}
