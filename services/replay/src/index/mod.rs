//! `replay index`: snapshots of every area at regular distances, so that any tick is a short fold away.
//!
//! They are made by folding the log and by nothing else, can be thrown away and made anew at any time, and `verify` never
//! looks at them: it proves the log from its first frame. A run goes on where the last one ended, whatever ended it.

mod mark;
mod store;

use std::io::Write;

use bytes::Bytes;
use eventlog::{Follow, Record};
use past::{Past, Span};
use schemas::subjects::AREA_EVENTS;
use schemas::{Digest, Incarnation, Sequence};
use serde_json::json;

pub(crate) use self::mark::Mark;
pub use self::store::Index;
use crate::answer::Form;
use crate::cli::IndexArgs;
use crate::folding::Folding;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::reading::{From, Reading};
use crate::skipped::{Skipped, Skips};
use crate::{ReplayError, exit};

/// Frames between two notes of how far it is, should the process be killed: some seconds of work.
const NOTED_EVERY: u64 = 500_000;
/// Messages taken at once.
const BATCH: usize = 512;

/// What a run has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
struct Run {
    /// The message after which it began.
    from: Sequence,
    /// The last message folded.
    to: Sequence,
    frames: u64,
    snapshots: u64,
}

struct Building<'a> {
    index: &'a Index,
    incarnation: Incarnation,
    every: u64,
    folding: Folding,
    skips: Skips,
    run: Run,
    /// The last message's bytes.
    last: Option<Bytes>,
    noted: u64,
}

pub(crate) async fn index(
    args: &IndexArgs,
    past: &Past,
    place: Option<&str>,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let Some(place) = place else {
        return Err(ReplayError::Usage(
            "where shall the index be kept? --index DIR says it".to_owned(),
        ));
    };
    if args.status {
        return status(args, place, out).await;
    }
    if args.every == 0 {
        return Err(ReplayError::Usage(
            "--every 0 would never take a snapshot; 5000 frames are a good distance".to_owned(),
        ));
    }
    let index = Index::create(place)?;
    if args.rebuild {
        index.clear().await?;
    }
    let interrupt = Interrupt::on_signals();
    build(args, past, &index, &interrupt, out).await
}

/// Folds what has come since the last run.
pub(crate) async fn build(
    args: &IndexArgs,
    past: &Past,
    index: &Index,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let span = past.span(AREA_EVENTS).await?;
    let (folding, from) = resumed(past, index, &span).await?;
    let mut building = Building {
        index,
        incarnation: span.incarnation,
        every: args.every,
        folding,
        skips: Skips::new(args.answer.tolerant),
        run: Run {
            from,
            to: from,
            ..Run::default()
        },
        last: None,
        noted: 0,
    };
    let mut progress = Progress::new("messages indexed", span.last.0.saturating_sub(from.0));
    let from = From::After(from);
    let mut reader = Reading::open(past, AREA_EVENTS, Vec::new(), from, Follow::UntilHead);
    loop {
        let batch = reader.next_batch(BATCH, &mut building.skips).await?;
        if batch.is_empty() {
            break;
        }
        for record in &batch {
            building.fold(record).await?;
            if args.at_most.is_some_and(|most| building.run.frames >= most) {
                return Err(building.stop().await?);
            }
        }
        progress.advance(batch.len());
        if interrupt.asked() {
            return Err(building.stop().await?);
        }
        if building.run.frames - building.noted >= NOTED_EVERY {
            building.note().await?;
        }
    }
    building.note().await?;
    building.tell(args.answer.form(), out)?;
    Ok(building.skips.code(exit::CLEAN))
}

/// Where the last run ended, if that is still a place in this log.
async fn resumed(
    past: &Past,
    index: &Index,
    span: &Span,
) -> Result<(Folding, Sequence), ReplayError> {
    let mut folding = Folding::default();
    let Some(tail) = index.tail().await else {
        return Ok((folding, Sequence(0)));
    };
    let known = span.lineage.knows(tail.incarnation, tail.sequence) && tail.sequence <= span.last;
    let there = match known {
        true => past.get(AREA_EVENTS, tail.sequence).await?,
        false => None,
    };
    let same = there.is_none_or(|record| Digest::of(&record.payload) == tail.digest);
    if !known || !same {
        eprintln!(
            "the index in {} is of another log: it is made anew",
            index.place()
        );
        index.clear().await?;
        return Ok((folding, Sequence(0)));
    }
    for (sequence, state) in tail.areas {
        folding.resume(state, sequence);
    }
    Ok((folding, tail.sequence))
}

impl Building<'_> {
    async fn fold(&mut self, record: &Record) -> Result<(), ReplayError> {
        self.run.to = record.sequence;
        self.last = Some(record.payload.clone());
        let folded = match self.folding.fold(record) {
            Ok(folded) => folded,
            Err(error) => {
                return self.skips.skip(Skipped {
                    stream: AREA_EVENTS.to_owned(),
                    from: record.sequence,
                    to: record.sequence,
                    place: Some(record.subject.clone()),
                    why: format!("{error}; nothing of that area after it is indexed"),
                });
            }
        };
        let Some(folded) = folded else {
            return Ok(());
        };
        self.run.frames += 1;
        if folded.state.frame_no().0.is_multiple_of(self.every) {
            let mark = Mark::of(&folded.state, record.sequence, self.incarnation);
            self.index.save(&mark, &folded.state).await?;
            self.run.snapshots += 1;
        }
        Ok(())
    }

    /// Stops before the head, so that another run goes on from here.
    async fn stop(&mut self) -> Result<ReplayError, ReplayError> {
        self.note().await?;
        Ok(ReplayError::Interrupted(format!(
            "`worldline replay index` goes on after message {}",
            self.run.to
        )))
    }

    /// Notes how far it is.
    async fn note(&mut self) -> Result<(), ReplayError> {
        self.noted = self.run.frames;
        let Some(last) = &self.last else {
            return Ok(());
        };
        let whole = self.folding.areas().filter(|folded| !folded.broken);
        let areas = whole.map(|folded| (folded.sequence, folded.state.clone()));
        let areas = areas.collect();
        let at = (self.run.to, Digest::of(last));
        self.index.save_tail(self.incarnation, at, areas).await
    }

    fn tell(&self, form: Form, out: &mut dyn Write) -> Result<(), ReplayError> {
        let Run {
            from,
            to,
            frames,
            snapshots,
        } = &self.run;
        if form == Form::Text {
            let place = self.index.place();
            writeln!(
                out,
                "folded {frames} frames, messages {from} to {to}; {snapshots} snapshots more in {place}"
            )?;
            return Ok(());
        }
        let mut told = json!(self.run);
        told["skipped"] = json!(self.skips.list());
        writeln!(out, "{told}")?;
        Ok(())
    }
}

/// What the index holds.
async fn status(args: &IndexArgs, place: &str, out: &mut dyn Write) -> Result<u8, ReplayError> {
    let Some(index) = Index::open(place)? else {
        return Err(ReplayError::Usage(format!(
            "there is no index in {place}; `worldline replay index` makes one"
        )));
    };
    let holding = index.holding().await.map_err(|error| {
        ReplayError::Broken(format!("the index in {place} cannot be listed: {error}"))
    })?;
    match args.answer.form() {
        Form::Json => writeln!(out, "{}", json!({ "areas": holding }))?,
        Form::Ndjson => {
            for (area, held) in &holding {
                let mut line = json!(held);
                line["area"] = area.as_str().into();
                writeln!(out, "{line}")?;
            }
        }
        Form::Text => {
            writeln!(
                out,
                "{:<16} {:>9} {:>12} {:>12} {:>12}",
                "AREA", "SNAPSHOTS", "FIRST", "LAST", "BYTES"
            )?;
            for (area, held) in &holding {
                let (first, last) = (held.first.0, held.last.0);
                writeln!(
                    out,
                    "{area:<16} {:>9} {first:>12} {last:>12} {:>12}",
                    held.snapshots, held.bytes
                )?;
            }
        }
    }
    Ok(exit::CLEAN)
}
