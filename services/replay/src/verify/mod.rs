//! `replay verify`: folds the whole log and proves it.
//!
//! What is proven: every area's frames are one unbroken chain under rising epochs, and lead to
//! the states that their owners hashed; every consumed command has exactly one outcome; effects
//! are numbered without gaps, applied once, and confirmed only when applied; entries of keyed
//! aggregates never go back; and each character is in exactly one place.
//!
//! With `--decide` every frame is also decided again from its commands ([`Again`]).
//!
//! What takes long can be interrupted: with `--checkpoint FILE` it goes on where it stopped.
//!
//! Areas, their controls and the lobby are three streams, so they are folded in causal order: before an effect is
//! applied, its source has been folded up to the message that issued it. Every cut between two
//! messages is then causally closed, and "in exactly one place" is checked at each of them.

mod alone;
mod areas;
mod causal;
mod checkpoint;
mod control;
mod cursor;
mod frame;
mod keyed;
mod lobby;
mod mail;
mod outbox;
mod places;
mod report;

use std::io::Write;
use std::time::Duration;

use past::Past;
use schemas::subjects::{AREA_EVENTS, Domain, keyed_events};
use schemas::{AreaId, Sequence};
use serde::{Deserialize, Serialize};

pub use self::report::{Finding, Report};

use self::causal::{Causal, End};
use self::checkpoint::Verified;
use self::mail::Mail;
use self::places::Places;
use crate::cli::VerifyArgs;
use crate::decide::Again;
use crate::interrupt::Interrupt;
use crate::{ReplayError, exit};

/// How often it is noted how far it is, should the process be killed.
const NOTED_EVERY: Duration = Duration::from_secs(30);

/// What is verified, how, and until when.
struct Run<'a> {
    args: &'a VerifyArgs,
    past: &'a Past,
    interrupt: Interrupt,
}

/// What all messages are checked against.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Books {
    pub(crate) report: Report,
    pub(crate) mail: Mail,
    pub(crate) places: Places,
    /// With `--decide`.
    pub(crate) again: Option<Again>,
}

pub(crate) async fn verify(
    args: &VerifyArgs,
    past: &Past,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let interrupt = match &args.checkpoint {
        Some(_) => Interrupt::on_signals(),
        None => Interrupt::default(),
    };
    let run = Run {
        args,
        past,
        interrupt,
    };
    let report = whole(&run).await?;
    report.write(args.answer.form(), out)?;
    Ok(
        match (report.findings.is_empty(), report.skipped.is_empty()) {
            (true, true) => exit::CLEAN,
            (true, false) => exit::SKIPPED,
            (false, _) => exit::FINDINGS,
        },
    )
}

/// Folds and checks everything.
async fn whole(run: &Run<'_>) -> Result<Report, ReplayError> {
    let Run { args, past, .. } = *run;
    let mut verified = match &args.checkpoint {
        Some(path) => checkpoint::load(path, past).await?.unwrap_or_default(),
        None => Verified::default(),
    };
    again(args, &mut verified)?;
    let begun = std::time::Instant::now();
    alone::verify(run, &mut verified).await?;
    let End {
        mut books,
        mut areas,
        lobby,
        opened_until,
    } = Causal::resume(run, verified).await?.run().await?;
    for (area, at) in areas.known() {
        // An opening that is not archived yet is not one that never was.
        if past.log().is_some() || opened_until >= at {
            opened(run, area, &mut books.report).await?;
        }
    }
    areas.close(&mut books).await?;
    lobby.close(&mut books);
    let Books {
        mut report,
        mail,
        places,
        again,
    } = books;
    if let Some(again) = again {
        report.decide(again, begun.elapsed());
    }
    places.close(&mut report);
    mail.close(&mut report);
    if args.settled {
        report.settle();
    }
    report.findings.sort();
    if let Some(path) = &args.checkpoint {
        checkpoint::remove(path)?;
    }
    Ok(report)
}

/// What was begun with `--decide` goes on with it, and nothing else does.
fn again(args: &VerifyArgs, verified: &mut Verified) -> Result<(), ReplayError> {
    let begun = !verified.so_far.taken_to.is_empty();
    let again = &mut verified.books.again;
    if begun && again.is_some() != args.decide {
        let (was, is) = match args.decide {
            true => ("without", "without it"),
            false => ("with", "with it"),
        };
        return Err(ReplayError::Usage(format!(
            "this verification was begun {was} --decide: go on {is}, or remove the checkpoint"
        )));
    }
    // Before the first frame it can still be chosen.
    if args.decide {
        again.get_or_insert_default();
    } else {
        *again = None;
    }
    Ok(())
}

/// A first frame is allowed only for an area that has been opened.
async fn opened(run: &Run<'_>, area: &AreaId, report: &mut Report) -> Result<(), ReplayError> {
    let subject = keyed_events(Domain::Control, area.as_str());
    let order = match run.past.last(&subject).await {
        // Reading them all has noted that already.
        Err(error) if run.args.answer.tolerant && error.skip_to().is_some() => return Ok(()),
        order => order?,
    };
    if order.is_none() {
        report.find(
            "opened",
            AREA_EVENTS,
            Sequence(0),
            Some(area.as_str()),
            "it has frames, but nothing has ever opened it",
        );
    }
    Ok(())
}
