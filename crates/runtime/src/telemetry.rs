//! Log lines: the one subscriber of the process, as text or JSON on standard error.
//!
//! Standard output belongs to what a program was asked for (`ready …`, `--json`).

use std::io::IsTerminal;
use std::sync::Once;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, TelemetryConfig};
use crate::{timed, trace_context};

static INSTALLED: Once = Once::new();

/// Installs the subscriber and the process's sampling and slowness. The first call in a process wins; a test
/// that has installed its own subscriber keeps it.
pub fn install_telemetry(config: &TelemetryConfig) {
    INSTALLED.call_once(|| {
        trace_context::sample_one_in(config.sample);
        timed::set_slow_after_millis(config.slow_ms);
        let filter = parse_filter(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        let installed = match config.format {
            LogFormat::Text => lines.finish().try_init(),
            LogFormat::Json => lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .finish()
                .try_init(),
        };
        if let Err(why) = installed {
            tracing::debug!(%why, "another log subscriber was there before; it stays");
        }
    });
}

/// A filter as the operator writes it. `EnvFilter` takes a misspelt level for the name of a module and then
/// logs nothing, so that is refused here.
pub(crate) fn parse_filter(directives: &str) -> Result<EnvFilter, String> {
    for directive in directives.split(',').map(str::trim) {
        // The parser takes nothing at all for `error`.
        let level = !directive.is_empty() && directive.parse::<LevelFilter>().is_ok();
        if !level && !directive.contains(['=', '[']) {
            return Err(format!(
                "`{directive}` is neither `off`, `error`, `warn`, `info`, `debug`, `trace` nor of the form \
                 `module=level`"
            ));
        }
    }
    EnvFilter::builder()
        .parse(directives)
        .map_err(|why| format!("`{directives}` is not a log filter: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_refused() {
        for good in [
            "info",
            "warn,edge=debug",
            "info,[edge.receive]=trace",
            "off",
        ] {
            assert!(parse_filter(good).is_ok(), "{good}");
        }
        for bad in ["loud", "", "info,,warn", "edge=loud"] {
            assert!(parse_filter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn installing_twice_is_harmless() {
        install_telemetry(&TelemetryConfig::default());
        install_telemetry(&TelemetryConfig {
            format: LogFormat::Json,
            ..TelemetryConfig::default()
        });
    }
}
