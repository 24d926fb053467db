//! What an edge counts, read as an operator's collector would.

use anyhow::Context;
use bots::Address;

/// The sum of all series of `name` whose labels contain `label`.
///
/// # Errors
/// When the metrics cannot be read.
pub async fn counter(edge: &Address, name: &str, label: &str) -> anyhow::Result<f64> {
    let (status, text) = edge.exchange("GET", "/metrics", None, b"").await?;
    anyhow::ensure!(status == 200, "/metrics answered {status}");
    let text = String::from_utf8(text).context("metrics are text")?;
    Ok(text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter(|line| {
            let series = line.split([' ', '{']).next();
            series == Some(name) && line.contains(label)
        })
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum())
}
