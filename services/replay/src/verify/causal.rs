//! Folds areas, their controls and the lobby, each message only after what caused it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use eventlog::Follow;
use past::Past;
use schemas::subjects::{AREA_EVENTS, AggregateId, Domain};
use schemas::{Sequence, UnixMillis};

use super::alone::Alone;
use super::areas::{self, Areas};
use super::checkpoint::{self, Lent, SoFar, Verified};
use super::control::{self, Control};
use super::cursor::Cursor;
use super::lobby::{self, Lobby};
use super::mail::Needs;
use super::{Books, NOTED_EVERY, Run};
use crate::ReplayError;
use crate::cli::VerifyArgs;
use crate::commands::Commands;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::skipped::Skips;

/// Messages between two looks at the clock.
const LOOKED_EVERY: u64 = 1024;

const FRAMES: &str = AREA_EVENTS;
const ENTRIES: &str = Domain::Lobby.event_stream();
const ORDERS: &str = Domain::Control.event_stream();

/// Three streams in the course of being folded.
pub(super) struct Causal<'a> {
    past: &'a Past,
    args: &'a VerifyArgs,
    interrupt: &'a Interrupt,
    skips: Skips,
    books: Books,
    alone: BTreeMap<String, Alone>,
    areas: Areas,
    lobby: Lobby,
    control: Control,
    frames: Cursor<areas::Next>,
    entries: Cursor<lobby::Next>,
    orders: Cursor<control::Next>,
    /// Folded, in this run and those that it goes on from.
    messages: u64,
}

/// What it has come to.
pub(super) struct End {
    /// When the last order to an area was stored.
    pub(super) opened_until: Option<UnixMillis>,
    pub(super) books: Books,
    pub(super) areas: Areas,
    pub(super) lobby: Lobby,
}

/// In which of the three an aggregate's messages are.
const fn stream_of(id: &AggregateId) -> usize {
    match id {
        AggregateId::Control(_) => 0,
        AggregateId::Area(_) => 1,
        AggregateId::Character(_) => 2,
    }
}

impl<'a> Causal<'a> {
    /// Goes on from `verified`.
    pub(super) async fn resume(
        run: &'a Run<'a>,
        verified: Verified,
    ) -> Result<Causal<'a>, ReplayError> {
        let Run { args, past, .. } = *run;
        let SoFar {
            taken_to,
            commands,
            messages,
        } = verified.so_far;
        let follow = Follow::UntilHead;
        let commands = match commands {
            Some(point) => Commands::resume(past, point, follow).await?,
            None => Commands::open(past, Vec::new(), Sequence(0), follow).await?,
        };
        let commands = commands.tolerant(args.answer.tolerant);
        let after = |stream: &str| taken_to.get(stream).copied().unwrap_or_default();
        Ok(Causal {
            past,
            args,
            interrupt: &run.interrupt,
            skips: Skips::new(args.answer.tolerant),
            books: verified.books,
            alone: verified.alone,
            areas: Areas::new(commands, verified.folded),
            lobby: verified.lobby,
            control: verified.control,
            frames: Cursor::open(past, FRAMES, after(FRAMES)),
            entries: Cursor::open(past, ENTRIES, after(ENTRIES)),
            orders: Cursor::open(past, ORDERS, after(ORDERS)),
            messages,
        })
    }

    /// Folds to the heads of all three; of an archive alone, whose streams end at times of their own, as far as causes
    /// are archived.
    pub(super) async fn run(mut self) -> Result<End, ReplayError> {
        let mut total = 0;
        for stream in [FRAMES, ENTRIES, ORDERS] {
            total += self.past.span(stream).await?.messages;
        }
        let before = self.messages;
        let mut progress = Progress::resumed("messages verified", total, before);
        let mut noted = Instant::now();
        while let Some(next) = self.next().await? {
            self.fold(next).await?;
            self.messages += 1;
            progress.step();
            let Some(path) = &self.args.checkpoint else {
                continue;
            };
            let enough = self
                .args
                .at_most
                .is_some_and(|most| self.messages - before >= most);
            if enough || self.interrupt.asked() {
                self.note(path).await?;
                let (path, messages) = (path.display(), self.messages);
                return Err(ReplayError::Interrupted(format!(
                    "{messages} messages are verified; the same command goes on from {path}"
                )));
            }
            if self.messages.is_multiple_of(LOOKED_EVERY) && noted.elapsed() >= NOTED_EVERY {
                self.note(path).await?;
                noted = Instant::now();
            }
        }
        self.keep_skipped();
        if self.needs().iter().any(Option::is_some) {
            self.books.report.beyond_archive = total.saturating_sub(self.messages);
        }
        Ok(End {
            opened_until: self.orders.stored_at(),
            books: self.books,
            areas: self.areas,
            lobby: self.lobby,
        })
    }

    /// Which of the three has the next message; `None`: all are at their heads.
    async fn next(&mut self) -> Result<Option<usize>, ReplayError> {
        loop {
            self.orders
                .fill(&mut self.skips, |record| self.control.read(record))
                .await?;
            self.frames
                .fill(&mut self.skips, |record| self.areas.read(record))
                .await?;
            self.entries
                .fill(&mut self.skips, |record| self.lobby.read(record))
                .await?;
            let ready = |waits: Option<&Needs>| waits.map(|needs| self.books.mail.meets(needs));
            let waiting = self.needs().map(ready);
            if waiting == [None; 3] {
                return Ok(None);
            }
            match waiting.iter().position(|ready| *ready == Some(true)) {
                Some(next) => return Ok(Some(next)),
                // What it waits for may have come since another stream was read to its end.
                None if waiting[0].is_none() && self.orders.reopen()
                    || waiting[1].is_none() && self.frames.reopen()
                    || waiting[2].is_none() && self.entries.reopen() => {}
                // Nothing will ever meet it: it is folded all the same, and found out.
                None => {
                    let beyond = self.beyond_archive();
                    let lacks = |stream: &usize| waiting[*stream].is_some() && !beyond[*stream];
                    return Ok((0..3).find(lacks));
                }
            }
        }
    }

    /// What the next messages need: orders, frames, entries.
    fn needs(&self) -> [Option<&Needs>; 3] {
        [
            self.orders.needs(),
            self.frames.needs(),
            self.entries.needs(),
        ]
    }

    /// Which of the next messages wait for what is not in the archive yet. A cause is stored before its effect, so its
    /// stream must end before that, or wait itself.
    fn beyond_archive(&self) -> [bool; 3] {
        let mut beyond = [false; 3];
        if self.past.log().is_some() {
            return beyond;
        }
        let times = [
            self.orders.stored_at(),
            self.frames.stored_at(),
            self.entries.stored_at(),
        ];
        let needs = self.needs();
        for _ in 0..beyond.len() {
            for (stream, needed) in needs.iter().enumerate() {
                let Some(needed) = needed else { continue };
                let lacks = |cause: usize| {
                    let ended = needs[cause].is_none() && times[cause] <= times[stream];
                    ended || beyond[cause]
                };
                let waits = self
                    .books
                    .mail
                    .unmet(needed)
                    .any(|who| lacks(stream_of(who)));
                beyond[stream] |= waits;
            }
        }
        beyond
    }

    async fn fold(&mut self, next: usize) -> Result<(), ReplayError> {
        match next {
            0 => {
                if let Some(next) = self.orders.take() {
                    self.control.fold(next, &mut self.books);
                }
            }
            1 => {
                if let Some(next) = self.frames.take() {
                    self.areas.fold(next, &mut self.books).await?;
                }
            }
            _ => {
                if let Some(next) = self.entries.take() {
                    self.lobby.fold(next, &mut self.books);
                }
            }
        }
        Ok(())
    }

    /// Makes what was left out part of the report.
    fn keep_skipped(&mut self) {
        self.skips.absorb(self.areas.skips());
        self.books.report.skipped.extend(self.skips.take());
    }

    /// Writes down how far it is.
    async fn note(&mut self, path: &Path) -> Result<(), ReplayError> {
        self.keep_skipped();
        let taken_to = [
            (FRAMES, self.frames.taken_to()),
            (ENTRIES, self.entries.taken_to()),
            (ORDERS, self.orders.taken_to()),
        ];
        let taken_to = taken_to.map(|(stream, to)| (stream.to_owned(), to));
        let lent = Lent {
            books: &self.books,
            alone: &self.alone,
            folded: self.areas.folded(),
            lobby: &self.lobby,
            control: &self.control,
            so_far: SoFar {
                taken_to: taken_to.into(),
                commands: Some(self.areas.commands().resume_point()),
                messages: self.messages,
            },
        };
        checkpoint::save(path, self.past, &lent).await
    }
}
