//! `replay verify`: folds the whole log and proves it.
//!
//! What is proven: every area's frames are one unbroken chain under rising epochs, and lead to
//! the states that their owners hashed; every consumed command has exactly one outcome; effects
//! are numbered without gaps, applied once, and confirmed only when applied; entries of keyed
//! aggregates never go back; and each character is in exactly one place.
//!
//! Areas, their controls and the lobby are three streams, so they are folded in causal order: before an effect is
//! applied, its source has been folded up to the message that issued it. Every cut between two
//! messages is then causally closed, and "in exactly one place" is checked at each of them.

mod areas;
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

use eventlog::Follow;
use past::Past;
use schemas::account::{Account, AccountEvent};
use schemas::control::{FleetEvent, WorkerControl};
use schemas::credential::{Credential, CredentialEvent};
use schemas::name::{Name, NameEvent};
use schemas::subjects::{AREA_EVENTS, Domain, keyed_events};
use schemas::{AreaId, Sequence};

pub use self::report::{Finding, Report};

use self::areas::Areas;
use self::control::Control;
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
    past: &Past,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let report = whole(args, past).await?;
    report.write(args.answer.json, out)?;
    Ok(u8::from(!report.findings.is_empty()))
}

/// Folds and checks everything.
async fn whole(args: &VerifyArgs, past: &Past) -> Result<Report, ReplayError> {
    let mut books = Books::default();
    check_domain::<AccountEvent, Account>(past, Domain::Identity, &mut books.report).await?;
    check_domain::<CredentialEvent, Credential>(past, Domain::Credential, &mut books.report)
        .await?;
    check_domain::<NameEvent, Name>(past, Domain::Name, &mut books.report).await?;
    check_domain::<FleetEvent, WorkerControl>(past, Domain::Fleet, &mut books.report).await?;
    let mut areas =
        Areas::new(Commands::open(past, Vec::new(), Sequence(0), Follow::UntilHead).await?);
    let mut lobby = Lobby::default();
    causally(past, &mut areas, &mut lobby, &mut books).await?;
    for area in areas.known() {
        opened(past, area, &mut books.report).await?;
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

/// Folds areas, their controls and the lobby, each message only after what caused it.
async fn causally(
    past: &Past,
    areas: &mut Areas,
    lobby: &mut Lobby,
    books: &mut Books,
) -> Result<(), ReplayError> {
    let (frames, entries) = (AREA_EVENTS, Domain::Lobby.event_stream());
    let orders = Domain::Control.event_stream();
    let mut total = 0;
    for stream in [frames, entries, orders] {
        total += past.span(stream).await?.messages;
    }
    let mut progress = Progress::new("messages verified", total);
    let mut frames = Cursor::open(past, frames);
    let mut entries = Cursor::open(past, entries);
    let mut orders = Cursor::open(past, orders);
    let mut control = Control::default();
    loop {
        frames.fill(|record| areas.read(record)).await?;
        entries.fill(|record| lobby.read(record)).await?;
        orders.fill(|record| control.read(record)).await?;
        let ready = |waits: Option<&mail::Needs>| waits.map(|needs| books.mail.meets(needs));
        let waiting = [
            ready(orders.needs()),
            ready(frames.needs()),
            ready(entries.needs()),
        ];
        if waiting == [None; 3] {
            return Ok(());
        }
        let next = match waiting.iter().position(|ready| *ready == Some(true)) {
            Some(next) => next,
            // What it waits for may have come since another stream was read to its end.
            None if waiting[0].is_none() && orders.reopen()
                || waiting[1].is_none() && frames.reopen()
                || waiting[2].is_none() && entries.reopen() =>
            {
                continue;
            }
            // Nothing will ever meet it: it is folded all the same, and found out.
            None => waiting.iter().position(Option::is_some).unwrap_or(0),
        };
        match next {
            0 => {
                if let Some(next) = orders.take() {
                    control.fold(next, books);
                }
            }
            1 => fold_frame(&mut frames, areas, books).await?,
            _ => fold_entry(&mut entries, lobby, books),
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
async fn opened(past: &Past, area: &AreaId, report: &mut Report) -> Result<(), ReplayError> {
    let subject = keyed_events(Domain::Control, area.as_str());
    if past.last(&subject).await?.is_none() {
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
