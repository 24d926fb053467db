//! `replay tail`: every command with its outcome and every event, as it happens.
//!
//! A command is told together with its outcome, so when the frame (or entry) that consumed it is
//! read. Several streams are followed at once; among what is there already the order is that of
//! the times at which it was decided.

mod areas;
mod keyed;
pub(crate) mod source;

use std::io::Write;

use eventlog::Follow;
use past::Past;
use schemas::account::{Account, AccountCommand, AccountEvent};
use schemas::control::{
    AreaControl, ControlCommand, ControlEvent, FleetCommand, FleetEvent, WorkerControl,
};
use schemas::credential::{Credential, CredentialCommand, CredentialEvent};
use schemas::lobby::{Character, LobbyCommand, LobbyEvent};
use schemas::name::{Name, NameCommand, NameEvent};
use schemas::subjects::{AREA_EVENTS, Domain, area_events};

pub(crate) use self::areas::AreaTail;
pub(crate) use self::keyed::KeyedTail;
use self::source::Sources;
use crate::cli::TailArgs;
use crate::describe::Line;
use crate::readable::Reader;
use crate::skipped::Skips;
use crate::{ReplayError, exit};

impl TailArgs {
    fn wants(&self, line: &Line) -> bool {
        let area = self.area.is_empty() || self.area.iter().any(|area| line.is_in(area));
        let player = self.player.is_empty()
            || self
                .player
                .iter()
                .any(|player| line.characters.contains(player));
        let kind = if self.kind.is_empty() {
            // There is at least one a second of each; who wants them asks.
            !matches!(line.kind.as_str(), "clock" | "alive")
        } else {
            self.kind.iter().any(|kind| line.is_of_kind(kind))
        };
        area && player && kind && (!self.refused || line.is_refused())
    }

    const fn follow(&self) -> Follow {
        if self.once || self.to.is_some() {
            Follow::UntilHead
        } else {
            Follow::Tail
        }
    }
}

impl Line {
    fn is_refused(&self) -> bool {
        let refused =
            |outcome: &String| outcome.starts_with("refused") || outcome.starts_with("rejected");
        self.outcome.as_ref().is_some_and(refused)
    }

    fn is_in(&self, area: &schemas::AreaId) -> bool {
        self.place == area.as_str()
            || self
                .place
                .strip_prefix("control.")
                .is_some_and(|key| key == area.as_str())
    }
}

pub(crate) async fn tail(
    args: &TailArgs,
    past: &Past,
    reader: &Reader,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let mut skips = Skips::new(args.answer.tolerant);
    let mut told = 0;
    let filters = args.area.iter().map(area_events).collect();
    let mut sources = Sources::new(args.follow() == Follow::UntilHead);
    sources.add(past, AREA_EVENTS, filters, args).await?;
    for domain in Domain::ALL {
        sources
            .add(past, domain.event_stream(), Vec::new(), args)
            .await?;
    }
    let mut areas = AreaTail::open(past, args, &mut skips).await?;
    let mut identity: KeyedTail<AccountCommand, AccountEvent, Account> =
        KeyedTail::open(past, Domain::Identity, args).await?;
    let mut credentials: KeyedTail<CredentialCommand, CredentialEvent, Credential> =
        KeyedTail::open(past, Domain::Credential, args).await?;
    let mut names: KeyedTail<NameCommand, NameEvent, Name> =
        KeyedTail::open(past, Domain::Name, args).await?;
    let mut lobby: KeyedTail<LobbyCommand, LobbyEvent, Character> =
        KeyedTail::open(past, Domain::Lobby, args).await?;
    let mut control: KeyedTail<ControlCommand, ControlEvent, AreaControl> =
        KeyedTail::open(past, Domain::Control, args).await?;
    let mut fleet: KeyedTail<FleetCommand, FleetEvent, WorkerControl> =
        KeyedTail::open(past, Domain::Fleet, args).await?;
    while let Some((stream, record)) = sources.next(&mut skips).await? {
        if args.to.is_some_and(|to| source::decided_at(&record) > to) {
            break;
        }
        // The areas stand before the domains.
        let domain = stream.checked_sub(1).map(|at| Domain::ALL[at]);
        let lines = match domain {
            None => {
                let seen = areas.see(past, &record, &mut skips).await?;
                seen.map_or_else(Vec::new, |seen| seen.lines(reader))
            }
            Some(Domain::Identity) => identity.lines(&record, reader, &mut skips).await?,
            Some(Domain::Credential) => credentials.lines(&record, reader, &mut skips).await?,
            Some(Domain::Name) => names.lines(&record, reader, &mut skips).await?,
            Some(Domain::Lobby) => lobby.lines(&record, reader, &mut skips).await?,
            Some(Domain::Control) => control.lines(&record, reader, &mut skips).await?,
            Some(Domain::Fleet) => fleet.lines(&record, reader, &mut skips).await?,
        };
        for line in lines.iter().filter(|line| args.wants(line)) {
            if args.limit.is_some_and(|limit| told >= limit) {
                return Ok(skips.code(exit::CLEAN));
            }
            line.write(args.answer.form(), out)?;
            told += 1;
        }
        // Whoever watches wants to see it now.
        out.flush()?;
        if args.limit.is_some_and(|limit| told >= limit) {
            break;
        }
    }
    Ok(skips.code(exit::CLEAN))
}
