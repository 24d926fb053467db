//! Ctrl-C and SIGTERM for what takes long: it writes down how far it is and ends, instead of being cut off.
//!
//! Only who looks at it installs it; everything else ends at once, as processes do. A second signal does not wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit;

/// Whether somebody wants this to stop; cheap to clone and to ask.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Of this process; must be called within a Tokio runtime.
    pub(crate) fn on_signals() -> Self {
        let told = Self::default();
        let teller = told.clone();
        tokio::spawn(async move {
            while signal().await {
                if teller.0.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(exit::INTERRUPTED));
                }
                eprintln!("stopping; once more to stop at once");
            }
        });
        told
    }

    /// Whether it has been told to stop.
    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Tells it, as a signal would.
    #[cfg(test)]
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The next signal; false if there can be none.
async fn signal() -> bool {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return tokio::signal::ctrl_c().await.is_ok();
        };
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
            came = terminate.recv() => came.is_some(),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.is_ok()
}
