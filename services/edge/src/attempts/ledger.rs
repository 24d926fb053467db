//! What an edge knows of all addresses: what is written, and what is on its way here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::UnixMillis;

use super::times::Times;

/// By key.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    written: HashMap<String, Times>,
    on_their_way: HashMap<String, u32>,
}

/// Whether something may be done.
pub(super) enum Entering {
    /// It may, and is on its way until this is dropped.
    May(OnItsWay),
    /// It may so long from now.
    After(Duration),
}

/// Something that is being done.
pub(super) struct OnItsWay {
    ledger: Arc<Ledger>,
    key: String,
}

impl Ledger {
    /// What is written about `key` now; `None`: nothing any more.
    pub(super) fn learn(&self, key: String, times: Option<Times>) {
        let mut books = self.lock();
        match times {
            Some(times) => drop(books.written.insert(key, times)),
            None => drop(books.written.remove(&key)),
        }
    }

    /// Begins one more.
    pub(super) fn enter(
        this: &Arc<Self>,
        key: &str,
        most: u32,
        window: Duration,
        now: UnixMillis,
    ) -> Entering {
        let mut books = this.lock();
        let on_their_way = books.on_their_way.get(key).copied().unwrap_or(0);
        let nothing = Times::default();
        let written = books.written.get(key).unwrap_or(&nothing);
        if let Some(wait) = written.wait(on_their_way, most, window, now) {
            return Entering::After(wait);
        }
        *books.on_their_way.entry(key.to_owned()).or_default() += 1;
        Entering::May(OnItsWay {
            ledger: Arc::clone(this),
            key: key.to_owned(),
        })
    }

    /// Counts one at once, before it is written.
    pub(super) fn count(&self, key: &str, most: u32, at: UnixMillis) {
        let mut books = self.lock();
        books
            .written
            .entry(key.to_owned())
            .or_default()
            .add(at, most);
    }

    /// The books are whole between any two statements, so a panic elsewhere does not spoil them.
    fn lock(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let mut books = self.ledger.lock();
        if let Some(count) = books.on_their_way.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                books.on_their_way.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);
    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn enter(ledger: &Arc<Ledger>, key: &str) -> Option<OnItsWay> {
        match Ledger::enter(ledger, key, 2, WINDOW, NOW) {
            Entering::May(on_its_way) => Some(on_its_way),
            Entering::After(_) => None,
        }
    }

    #[test]
    fn guesses_sent_all_at_once_are_as_few_as_one_by_one() {
        let ledger = Arc::new(Ledger::default());
        let (first, second) = (enter(&ledger, "a"), enter(&ledger, "a"));
        assert!(first.is_some() && second.is_some());
        assert!(enter(&ledger, "a").is_none());
        assert!(enter(&ledger, "b").is_some());
        ledger.count("a", 2, NOW);
        drop(first);
        assert!(
            enter(&ledger, "a").is_none(),
            "it failed, one is on its way"
        );
        drop(second);
        assert!(enter(&ledger, "a").is_some(), "which did not fail");
        let mut two = Times::default();
        two.add(NOW, 2);
        two.add(NOW, 2);
        ledger.learn("a".into(), Some(two));
        assert!(enter(&ledger, "a").is_none(), "as another edge has written");
        ledger.learn("a".into(), None);
        assert!(enter(&ledger, "a").is_some());
        assert_eq!(ledger.lock().on_their_way.len(), 0);
    }
}
