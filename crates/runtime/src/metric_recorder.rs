//! The one metrics recorder of the process, and its text for Prometheus.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::metric_definitions::{ALL, Kind};

/// How often histograms are folded into their buckets, which keeps memory flat when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<Result<PrometheusHandle, MetricsError>> = OnceLock::new();

/// Metrics cannot be recorded; services run all the same, `/metrics` stays empty.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot install the metrics recorder: {0}")]
pub struct MetricsError(String);

/// Installs the recorder with every definition. May be called by every service of a process; the first does it.
pub fn install_metrics() -> Result<(), MetricsError> {
    RECORDER
        .get_or_init(install)
        .as_ref()
        .map(drop)
        .map_err(Clone::clone)
}

/// All metrics in Prometheus's text format; nothing before [`install_metrics`].
#[must_use]
pub fn render_metrics() -> String {
    match RECORDER.get() {
        Some(Ok(handle)) => handle.render(),
        Some(Err(_)) | None => String::new(),
    }
}

fn install() -> Result<PrometheusHandle, MetricsError> {
    let failed = |why: &dyn std::fmt::Display| MetricsError(why.to_string());
    let handle = builder()
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|why| failed(&why))?;
    describe();
    let upkeep = handle.clone();
    // A thread and not a task: the recorder outlives any runtime, of which tests have many.
    thread::Builder::new()
        .name("metrics-upkeep".into())
        .spawn(move || {
            loop {
                thread::sleep(UPKEEP);
                upkeep.run_upkeep();
            }
        })
        .map_err(|why| failed(&why))?;
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, metrics_exporter_prometheus::BuildError> {
    ALL.iter()
        .try_fold(PrometheusBuilder::new(), |builder, metric| {
            match metric.kind {
                Kind::Histogram(buckets) => {
                    builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
                }
                Kind::Counter | Kind::Gauge => Ok(builder),
            }
        })
}

fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.unit, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.unit, metric.help),
            Kind::Histogram(_) => describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_definitions::TICK_SECONDS;

    #[test]
    fn every_metric_is_rendered_with_help_and_type() {
        let recorder = builder().expect("buckets are never empty").build_recorder();
        metrics::with_local_recorder(&recorder, || {
            describe();
            for metric in ALL {
                match metric.kind {
                    Kind::Counter => metrics::counter!(metric.name).increment(1),
                    Kind::Gauge => metrics::gauge!(metric.name).set(1.0),
                    Kind::Histogram(_) => metrics::histogram!(metric.name).record(0.001),
                }
            }
        });
        let text = recorder.handle().render();
        for metric in ALL {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            assert!(
                text.contains(&format!("# HELP {} {}", metric.name, metric.help)),
                "{} has no help",
                metric.name
            );
            assert!(
                text.contains(&format!("# TYPE {} {kind}\n", metric.name)),
                "{} is no {kind}",
                metric.name
            );
        }
        assert!(
            text.contains("worldline_tick_seconds_bucket{le=\"0.00025\"} 0"),
            "{text}"
        );
        assert!(
            text.contains("worldline_tick_seconds_bucket{le=\"0.08\"} 1"),
            "{text}"
        );
    }

    #[test]
    fn two_services_of_one_process_share_the_recorder() {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    install_metrics().expect("nobody else records here");
                    metrics::histogram!(TICK_SECONDS).record(0.002);
                });
            }
        });
        assert!(render_metrics().contains("worldline_tick_seconds_count 2"));
    }
}
