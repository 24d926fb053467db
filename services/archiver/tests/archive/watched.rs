//! What operators see when archiving fails.

use std::fs;

use archiver::Extent;
use runtime::Shutdown;
use schemas::Sequence;

use crate::stage::{STREAM, Stage, play, small, within};

/// A gauge of the stream, as it is scraped.
fn gauge(name: &str) -> Option<f64> {
    let text = runtime::render_metrics();
    let line = format!("{name}{{stream=\"{STREAM}\"}} ");
    text.lines()
        .find_map(|one| one.strip_prefix(&line)?.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lag_rises_while_nothing_can_be_archived() {
    within(async {
        runtime::install_metrics().unwrap();
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 100).await;
        stage.round(Extent::All).await;
        assert_eq!(gauge("worldline_archive_lag_seconds"), Some(0.0));
        let before = gauge("worldline_archive_live_bytes").unwrap();

        // The archive is away.
        fs::remove_dir_all(stage.directory.path().join(STREAM)).unwrap();
        play(&stage.log, 100, 10).await;
        let mut seen = Vec::new();
        for _ in 0..20 {
            let round = stage.archiver.round(Extent::All, &Shutdown::new()).await;
            assert_eq!(round.failed.len(), 1);
            seen.push(gauge("worldline_archive_lag_seconds").unwrap());
        }
        assert!(
            seen[0] > 0.0 && seen.is_sorted() && seen[0] < seen[19],
            "{seen:?}"
        );
        assert!(gauge("worldline_archive_live_bytes").unwrap() > before);
        // What is lost meanwhile does not make it less.
        let waiting = seen[19];
        let harbor = "evt.area.harbor-1";
        let purged = stage.log.purge(STREAM, harbor, Sequence(301)).await;
        assert_eq!(purged.unwrap().messages, 101);
        stage.archiver.round(Extent::All, &Shutdown::new()).await;
        let lag = gauge("worldline_archive_lag_seconds").unwrap();
        assert!(lag > waiting / 2.0, "{lag} after {waiting}");
    })
    .await;
}
