//! Reading an archived stream in order, as a task that runs ahead by a segment.

use std::time::Duration;

use eventlog::{EventLog, Follow, Reader, Record};
use schemas::{Incarnation, Sequence, UnixMillis};
use tokio::sync::mpsc;

use super::{Archive, Manifest, View};
use crate::PastError;
use crate::subject::Filters;

/// Messages handed over at once.
const PIECE: usize = 1024;
/// How often an archive that is read alone is looked at for more.
const LOOK: Duration = Duration::from_secs(2);

/// What a [`Reading`] hands over.
pub(crate) enum Piece {
    Records(std::vec::IntoIter<Record>),
    /// It cannot go on; nothing follows.
    Failed(PastError),
    /// The archive's end: from here the broker's log goes on.
    Live(Box<Reader>, Sequence, Option<Incarnation>),
    /// The end of what was wanted.
    Head,
}

/// Where to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    After(Sequence),
    Time(UnixMillis),
}

/// One reading of an archived stream.
pub(crate) struct Reading {
    pub(crate) archive: Archive,
    /// What comes after the archive; `None`: it is read alone.
    pub(crate) log: Option<EventLog>,
    pub(crate) stream: String,
    pub(crate) filters: Filters,
    pub(crate) follow: Follow,
}

impl Reading {
    /// Hands over pieces until the end, or until nobody takes them.
    pub(crate) async fn run(self, start: Start, out: mpsc::Sender<Piece>) {
        match self.read(start, &out).await {
            Ok(()) | Err(Stop::Gone) => {}
            Err(Stop::Failed(error)) => {
                out.send(Piece::Failed(error)).await.ok();
            }
        }
    }

    async fn read(&self, start: Start, out: &mpsc::Sender<Piece>) -> Result<(), Stop> {
        let mut view = self.archive.view(&self.stream).await?;
        let mut after = match start {
            Start::After(after) => after,
            Start::Time(from) => match self.before(&view, from).await? {
                Some(after) => after,
                // All that is archived is older.
                None => return self.live_from(from, &view, out).await,
            },
        };
        loop {
            let (reach, _) = self.reach(&view).await?;
            if let Some(manifest) = view.manifest.clone() {
                after = self.pass(&manifest, after, reach, out).await?;
            }
            // While this was read, more may have been archived, and purged from the broker.
            view = self.archive.refresh(&self.stream).await?;
            let (reach, life) = self.reach(&view).await?;
            if reach > after {
                continue;
            }
            match (&self.log, self.follow) {
                (Some(log), follow) => {
                    let filters = self.filters.patterns();
                    let live = log.read(&self.stream, filters, after, follow);
                    return send(out, Piece::Live(Box::new(live), after, life)).await;
                }
                (None, Follow::UntilHead) => return send(out, Piece::Head).await,
                (None, Follow::Tail) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Up to where the archive is this log's past, and the life that the log is in.
    async fn reach(&self, view: &View) -> Result<(Sequence, Option<Incarnation>), PastError> {
        let Some(log) = &self.log else {
            return Ok((view.end(), None));
        };
        let info = log.stream_info(&self.stream).await?;
        let reach = match &view.manifest {
            Some(manifest) => self.archive.reach(manifest, &info)?,
            None => Sequence(0),
        };
        Ok((reach, Some(info.incarnation)))
    }

    /// Reads what is archived after `after`, up to `reach`; where that ends.
    async fn pass(
        &self,
        manifest: &Manifest,
        mut after: Sequence,
        reach: Sequence,
        out: &mpsc::Sender<Piece>,
    ) -> Result<Sequence, Stop> {
        for segment in manifest.after(after) {
            if segment.first > reach {
                break;
            }
            let is_hole = segment.first > after.next() && Some(segment.first) != manifest.start();
            if is_hole {
                return Err(self
                    .hole(after.next(), Sequence(segment.first.0 - 1))
                    .into());
            }
            let mut segment = segment.clone();
            segment.until = segment.until.min(reach);
            let found = self
                .archive
                .messages(&self.stream, &segment, &self.filters, after)
                .await?;
            let mut records = found.records;
            while !records.is_empty() {
                let rest = records.split_off(records.len().min(PIECE));
                send(out, Piece::Records(records.into_iter())).await?;
                records = rest;
            }
            if let Some(wrong) = found.wrong {
                return Err(wrong.into());
            }
            after = after.max(segment.until);
        }
        Ok(after)
    }

    fn hole(&self, first: Sequence, last: Sequence) -> PastError {
        PastError::Hole {
            stream: self.stream.clone(),
            first,
            last,
            reason: "not in the archive: they were gone from the broker before they were archived; --tolerant reads on \
                     after them"
                .to_owned(),
        }
    }

    /// The message before the first that was stored at or after `from`; `None`: the archive has none so late.
    async fn before(&self, view: &View, from: UnixMillis) -> Result<Option<Sequence>, PastError> {
        let Some(manifest) = &view.manifest else {
            return Ok(None);
        };
        let mut late = manifest.segments().iter();
        let Some(segment) = late.find(|segment| segment.last_at >= from) else {
            return Ok(None);
        };
        let before = Sequence(segment.first.0.saturating_sub(1));
        if segment.first_at >= from {
            return Ok(Some(before));
        }
        let all = Filters::default();
        let found = self.archive.messages(&self.stream, segment, &all, before);
        let found = found.await?;
        let first = found.records.iter().find(|one| one.stored_at >= from);
        match (first, found.wrong) {
            (Some(first), _) => Ok(Some(Sequence(first.sequence.0 - 1))),
            (None, Some(wrong)) => Err(wrong),
            (None, None) => Ok(Some(segment.until)),
        }
    }

    async fn live_from(
        &self,
        from: UnixMillis,
        view: &View,
        out: &mpsc::Sender<Piece>,
    ) -> Result<(), Stop> {
        let Some(log) = &self.log else {
            return send(out, Piece::Head).await;
        };
        let filters = self.filters.patterns();
        let (reach, life) = self.reach(view).await?;
        let live = log.read_from_time(&self.stream, filters, from, self.follow);
        send(out, Piece::Live(Box::new(live), reach, life)).await
    }
}

/// Why a reading ends before its end.
enum Stop {
    Gone,
    Failed(PastError),
}

impl<E: Into<PastError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

async fn send(out: &mpsc::Sender<Piece>, piece: Piece) -> Result<(), Stop> {
    out.send(piece).await.map_err(|_| Stop::Gone)
}
