//! Logins counted, and the alarm when most of them fail: somebody is guessing, or something is broken.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use runtime::metric_definitions::{LOGIN_FAILURE_ALARM, LOGIN_FAILURE_RATIO, LOGINS_TOTAL};
use schemas::keyed::Refusal;

/// How far the alarm looks back.
const WINDOW: Duration = Duration::from_secs(60);
/// Fewer logins than this are no reason for an alarm.
const FEWEST: u32 = 50;

/// Counts the logins of this instance.
#[derive(Debug, Default)]
pub struct LoginMeter(Mutex<Recent>);

/// The last minute, a second at a time.
#[derive(Debug, Default)]
struct Recent {
    seconds: VecDeque<Second>,
    alarmed: bool,
}

#[derive(Debug)]
struct Second {
    began: Instant,
    logins: u32,
    failures: u32,
}

impl LoginMeter {
    /// One was answered so.
    pub fn count(&self, method: &'static str, refusal: Option<&Refusal>) {
        let outcome = refusal.map_or("accepted", |refusal| code(&refusal.code));
        metrics::counter!(LOGINS_TOTAL, "method" => method, "outcome" => outcome).increment(1);
        if proves_something(method) {
            self.note(refusal.is_some(), Instant::now());
        }
    }

    fn note(&self, failed: bool, now: Instant) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (logins, failures) = recent.note(failed, now);
        let ratio = f64::from(failures) / f64::from(logins.max(1));
        metrics::gauge!(LOGIN_FAILURE_RATIO).set(ratio);
        let alarm = is_alarming(logins, failures);
        if alarm && !recent.alarmed {
            tracing::error!(
                logins,
                failures,
                "most logins of the last minute failed: somebody is guessing, or something is broken"
            );
        }
        recent.alarmed = alarm;
        metrics::gauge!(LOGIN_FAILURE_ALARM).set(if alarm { 1.0 } else { 0.0 });
    }
}

impl Recent {
    /// Notes one login; how many there were in the window, and how many failed.
    fn note(&mut self, failed: bool, now: Instant) -> (u32, u32) {
        while let Some(oldest) = self.seconds.front()
            && now.duration_since(oldest.began) >= WINDOW
        {
            self.seconds.pop_front();
        }
        let begins = |last: &Second| now.duration_since(last.began) >= Duration::from_secs(1);
        if self.seconds.back().is_none_or(begins) {
            self.seconds.push_back(Second {
                began: now,
                logins: 0,
                failures: 0,
            });
        }
        if let Some(second) = self.seconds.back_mut() {
            second.logins += 1;
            second.failures += u32::from(failed);
        }
        self.seconds.iter().fold((0, 0), |(logins, failures), s| {
            (logins + s.logins, failures + s.failures)
        })
    }
}

const fn is_alarming(logins: u32, failures: u32) -> bool {
    logins >= FEWEST && failures * 2 > logins
}

/// Whether a refusal of this method says something about guessing.
fn proves_something(method: &str) -> bool {
    matches!(method, "password" | "openid" | "guest")
}

/// Codes become labels, so they must be few: those of this service, and one for all of OpenID's.
fn code(code: &str) -> &'static str {
    crate::refusals::ALL
        .iter()
        .find(|known| **known == code)
        .copied()
        .unwrap_or(if code.starts_with("oidc_") {
            "oidc"
        } else {
            "refused"
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_of_fifty_is_an_alarm_and_a_minute_later_it_is_forgotten() {
        let mut recent = Recent::default();
        let start = Instant::now();
        let mut last = (0, 0);
        for n in 0..50 {
            last = recent.note(n % 2 == 0, start + Duration::from_millis(n * 100));
        }
        assert_eq!(last, (50, 25));
        assert!(!is_alarming(50, 25) && is_alarming(50, 26) && !is_alarming(49, 49));
        let later = recent.note(true, start + Duration::from_secs(70));
        assert_eq!(later, (1, 1));
    }

    #[test]
    fn labels_are_few() {
        assert_eq!(code("bad_login"), "bad_login");
        assert_eq!(code("oidc_nonce"), "oidc");
        assert_eq!(code("something else"), "refused");
    }
}
