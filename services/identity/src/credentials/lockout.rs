//! How long a credential is closed after failures: five are free, then a second, doubling to a
//! quarter of an hour. A correct password does not open it sooner, or guessing would go on.

use schemas::UnixMillis;
use schemas::credential::Credential;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The longest wait, in seconds.
const LONGEST: u64 = 15 * 60;
/// Failures are forgotten after so long without one, ms.
const FORGOTTEN: u64 = 86_400_000;

/// One more failure.
pub(super) const fn failed(state: &mut Credential, at: UnixMillis) {
    let forgotten = at.0.saturating_sub(state.failed_at.0) > FORGOTTEN;
    let before = if forgotten { 0 } else { state.failures };
    state.failures = before.saturating_add(1);
    state.failed_at = at;
}

/// For how many more seconds nothing is tried at `at`; `None`: it may be.
pub(super) fn wait(state: &Credential, at: UnixMillis) -> Option<u64> {
    let over = state.failures.checked_sub(FREE)?;
    let seconds = 1_u64.checked_shl(over.min(32)).unwrap_or(LONGEST);
    let until = state.failed_at.0 + seconds.min(LONGEST) * 1000;
    let left = until.checked_sub(at.0).filter(|left| *left > 0)?;
    Some(left.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(failures: u32) -> Option<u64> {
        let mut state = Credential::default();
        for _ in 0..failures {
            failed(&mut state, UnixMillis(1_000));
        }
        wait(&state, UnixMillis(1_000))
    }

    #[test]
    fn five_are_free_then_it_doubles_to_a_quarter_of_an_hour() {
        let expected = [
            (0, None),
            (4, None),
            (5, Some(1)),
            (6, Some(2)),
            (10, Some(32)),
            (14, Some(512)),
            (15, Some(900)),
            (1_000, Some(900)),
        ];
        for (failures, waits) in expected {
            assert_eq!(after(failures), waits, "{failures} failures");
        }
    }

    #[test]
    fn the_wait_ends_and_a_day_forgets() {
        let mut state = Credential::default();
        for _ in 0..8 {
            failed(&mut state, UnixMillis(1_000));
        }
        assert_eq!(wait(&state, UnixMillis(8_999)), Some(1));
        assert_eq!(wait(&state, UnixMillis(9_000)), None);
        failed(&mut state, UnixMillis(1_001 + FORGOTTEN));
        assert_eq!(state.failures, 1);
    }
}
