//! What is told of many measurements.

use std::fmt;

/// Durations, ms.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<u64>);

impl Figures {
    pub(crate) fn note(&mut self, ms: u64) {
        self.0.push(ms);
        self.0.sort_unstable();
    }

    /// So many per cent are at most this.
    fn percentile(&self, per_cent: usize) -> u64 {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() * per_cent).div_ceil(100).saturating_sub(1);
        self.0.get(at.min(last)).copied().unwrap_or(0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, worst] = [50, 90, 99, 100].map(|p| self.percentile(p));
        let count = self.0.len();
        write!(
            f,
            "p50 {p50} ms, p90 {p90} ms, p99 {p99} ms, worst {worst} ms (of {count})"
        )
    }
}
