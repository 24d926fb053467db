//! Taking one event in, whatever it does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use eventlog::Record;

use crate::dropped::{Dropped, LeftOut};
use crate::projection::{Poison, Projection};

/// How an event went in.
pub(crate) enum Folded {
    /// As its projection would have it, or left out by an operator's word.
    Yes,
    /// It cannot be applied; the memory is as it was before.
    Poison(Poison),
    /// The fold has broken off in the middle of it: the memory is worth nothing any more.
    Broken(Poison),
}

/// Folds `record` unless an operator has given it up.
pub(crate) fn fold<P: Projection>(
    projection: &mut P,
    record: &Record,
    dropped: &Dropped,
) -> Folded {
    // Nothing of a memory that a panic has passed through is used again; see `Folded::Broken`.
    let folded = catch_unwind(AssertUnwindSafe(|| match dropped.covers(record) {
        Some(LeftOut::WithAllBehind) => Ok(()),
        Some(LeftOut::Alone) => projection.leave_out(record),
        None => projection.fold(record),
    }));
    match folded {
        Ok(Ok(())) => Folded::Yes,
        Ok(Err(poison)) => Folded::Poison(poison),
        Err(panic) => Folded::Broken(Poison(format!("folding it panics: {}", said(&*panic)))),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
