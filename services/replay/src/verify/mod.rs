//! `replay verify`: folds the whole log and proves it.
//!
//! What is proven: every area's frames are one unbroken chain under rising epochs, and lead to
//! the states that their owners hashed; every consumed command has exactly one outcome; effects
//! are numbered without gaps, applied once, and confirmed only when applied; entries of keyed
//! aggregates never go back; and each character is in exactly one place.
//!
//! Areas and lobby are two streams, so they are folded in causal order: before an effect is
//! applied, its source has been folded up to the message that issued it. Every cut between two
//! messages is then causally closed, and "in exactly one place" is checked at each of them.

mod areas;
mod cursor;
mod frame;
mod keyed;
mod lobby;
mod mail;
mod places;
mod report;

use std::io::Write;

use eventlog::{EventLog, Follow};
use schemas::account::{Account, AccountEvent};
use schemas::control::{AreaControl, ControlEvent};
use schemas::credential::{Credential, CredentialEvent};
use schemas::name::{Name, NameEvent};
use schemas::subjects::{AREA_EVENTS, Domain, keyed_events};
use schemas::{AreaId, Sequence};

pub use self::report::{Finding, Report};

use self::areas::Areas;
use self::cursor::Cursor;
use self::keyed::check_domain;
use self::lobby::Lobby;
use self::mail::Mail;
use self::places::Places;
use crate::ReplayError;
use crate::cli::VerifyArgs;
use crate::commands::Commands;
use crate::progress::Progress;

/// What all messages are checked against.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) report: Report,
    pub(crate) mail: Mail,
    pub(crate) places: Places,
}

pub(crate) async fn verify(
    args: &VerifyArgs,
    log: &EventLog,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let report = whole(args, log).await?;
    report.write(args.json, out)?;
    Ok(u8::from(!report.findings.is_empty()))
}

/// Folds and checks everything.
async fn whole(args: &VerifyArgs, log: &EventLog) -> Result<Report, ReplayError> {
    let mut books = Books::default();
    check_domain::<AccountEvent, Account>(log, Domain::Identity, &mut books.report).await?;
    check_domain::<CredentialEvent, Credential>(log, Domain::Credential, &mut books.report).await?;
    check_domain::<NameEvent, Name>(log, Domain::Name, &mut books.report).await?;
    check_domain::<ControlEvent, AreaControl>(log, Domain::Control, &mut books.report).await?;
    let mut areas =
        Areas::new(Commands::open(log, Vec::new(), Sequence(0), Follow::UntilHead).await?);
    let mut lobby = Lobby::default();
    causally(log, &mut areas, &mut lobby, &mut books).await?;
    for area in areas.known() {
        opened(log, area, &mut books.report).await?;
    }
    areas.close(&mut books).await?;
    lobby.close(&mut books);
    let Books {
        mut report,
        mail,
        places,
    } = books;
    places.close(&mut report);
    mail.close(&mut report);
    if args.settled {
        report.settle();
    }
    report.findings.sort();
    Ok(report)
}

/// Folds areas and lobby, each message only after what caused it.
async fn causally(
    log: &EventLog,
    areas: &mut Areas,
    lobby: &mut Lobby,
    books: &mut Books,
) -> Result<(), ReplayError> {
    let (frames, entries) = (AREA_EVENTS, Domain::Lobby.event_stream());
    let total = log.stream_info(frames).await?.messages + log.stream_info(entries).await?.messages;
    let mut progress = Progress::new("messages verified", total);
    let mut frames = Cursor::open(log, frames);
    let mut entries = Cursor::open(log, entries);
    loop {
        frames.fill(|record| areas.read(record)).await?;
        entries.fill(|record| lobby.read(record)).await?;
        let ready = |waits: Option<&mail::Needs>| waits.map(|needs| books.mail.meets(needs));
        match (ready(frames.needs()), ready(entries.needs())) {
            (None, None) => return Ok(()),
            (Some(true), _) => fold_frame(&mut frames, areas, books).await?,
            (_, Some(true)) => fold_entry(&mut entries, lobby, books),
            // What it waits for may have come since the other stream was read to its end.
            (Some(false), None) if entries.reopen() => continue,
            (None, Some(false)) if frames.reopen() => continue,
            // Nothing will ever meet it: it is folded all the same, and found out.
            (Some(false), _) => fold_frame(&mut frames, areas, books).await?,
            (None, Some(false)) => fold_entry(&mut entries, lobby, books),
        }
        progress.step();
    }
}

async fn fold_frame(
    frames: &mut Cursor<areas::Next>,
    areas: &mut Areas,
    books: &mut Books,
) -> Result<(), ReplayError> {
    match frames.take() {
        Some(next) => areas.fold(next, books).await,
        None => Ok(()),
    }
}

fn fold_entry(entries: &mut Cursor<lobby::Next>, lobby: &mut Lobby, books: &mut Books) {
    if let Some(next) = entries.take() {
        lobby.fold(next, books);
    }
}

/// A first frame is allowed only for an area that has been opened.
async fn opened(log: &EventLog, area: &AreaId, report: &mut Report) -> Result<(), ReplayError> {
    let subject = keyed_events(Domain::Control, area.as_str());
    if log.last(&subject).await?.is_none() {
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
