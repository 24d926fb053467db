//! Removing files that no kept version names any more, and what interrupted uploads have left.
//!
//! A file is removed only an hour after it was put, and only as it was when it was looked at: a publisher that finds such a
//! file puts it anew instead of trusting it, and what was put anew is not removed.

use std::collections::HashSet;

use eventlog::ObjectError;
use schemas::UnixMillis;

use super::publish::Publisher;

/// Younger files may belong to a publish that is under way.
const SETTLED_MILLIS: u64 = 60 * 60 * 1000;

impl Publisher {
    /// Removes what is not needed; how many files.
    pub(super) async fn retire(&self) -> anyhow::Result<usize> {
        let settled = UnixMillis::now().0.saturating_sub(SETTLED_MILLIS);
        self.retire_before(UnixMillis(settled)).await
    }

    pub(super) async fn retire_before(&self, before: UnixMillis) -> anyhow::Result<usize> {
        let kept = self.kept().await?;
        let files = kept.iter().flat_map(|manifest| &manifest.files);
        let named: HashSet<String> = files.map(|file| file.sha256.to_string()).collect();
        let mut retired = 0;
        for info in self.store.list().await? {
            if named.contains(&info.name) || info.put_at >= before {
                continue;
            }
            match self.store.delete_this(&info).await {
                Ok(()) => retired += 1,
                // Somebody needs it again.
                Err(ObjectError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.store.sweep(before).await?;
        Ok(retired)
    }
}
