//! Watching a bucket for as long as the edge runs, whatever the broker does meanwhile.

use std::time::Duration;

use eventlog::{Bucket, Entry};
use runtime::Backoff;

/// Hands out what the bucket holds, then every change; after a failure all of it again.
pub(crate) async fn keep_up(bucket: Bucket, mut learn: impl FnMut(Entry)) {
    let mut pauses = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    loop {
        let failed = match bucket.watch().await {
            Err(error) => error,
            Ok(mut watch) => loop {
                match watch.next().await {
                    Ok(entry) => {
                        pauses.reset();
                        learn(entry);
                    }
                    Err(error) => break error,
                }
            },
        };
        tracing::warn!(bucket = bucket.name(), error = %failed, "changes are not noticed for a moment");
        pauses.wait().await;
    }
}
