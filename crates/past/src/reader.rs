//! Reading in order, over the border between archive and broker.
//!
//! Up to the archive's end messages come from there, after it from the broker. Meanwhile the border moves: more is
//! archived, and then purged from the broker. A purge is announced in the manifest, and happens only after a delay; so a
//! reader that has read the manifest knows for that long that nothing is missing between the messages it gets. When it
//! knows that no longer, it reads the manifest again before it hands out the next message, and where a purge has
//! overtaken it, it goes back to the archive.

use eventlog::{Follow, Reader, Record};
use schemas::{Incarnation, Sequence};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::archive::{Archive, Piece, Reading, Start};
use crate::subject::Filters;
use crate::{Past, PastError};

/// Pieces that wait, each of at most 1,024 messages.
const AHEAD: usize = 8;

/// Reads a stream in order; see [`Past::read`](crate::Past::read).
pub struct PastReader {
    stage: Stage,
    position: Sequence,
    /// What was read from the broker and is not yet known to follow on what was handed out.
    held: Option<Record>,
    wanted: Wanted,
}

enum Stage {
    Archive {
        pieces: mpsc::Receiver<Piece>,
        piece: std::vec::IntoIter<Record>,
        _task: AbortOnDropHandle<()>,
    },
    Live {
        reader: Box<Reader>,
        /// Up to here nothing is missing.
        covered: Sequence,
        /// The life of the stream that is read.
        life: Option<Incarnation>,
        /// Whether its first message has been met; before that, one that begins at a time may begin anywhere.
        begun: bool,
    },
    Head,
}

/// What is read, to begin anew.
struct Wanted {
    past: Past,
    stream: String,
    filters: Filters,
    follow: Follow,
    start: Start,
}

/// Whether a message follows on what was handed out.
enum Verdict {
    Follows,
    /// It is not known, and has to be asked.
    Unknown,
    /// Messages between have been purged: they are in the archive.
    Purged,
}

impl PastReader {
    pub(crate) fn open(
        past: Past,
        stream: &str,
        filters: Vec<String>,
        start: Start,
        follow: Follow,
    ) -> Self {
        let position = match start {
            Start::After(after) => after,
            Start::Time(_) => Sequence(0),
        };
        let wanted = Wanted {
            past,
            stream: stream.to_owned(),
            filters: Filters::new(filters),
            follow,
            start,
        };
        Self {
            stage: wanted.stage(start),
            position,
            held: None,
            wanted,
        }
    }

    /// The next message; `None` at the head, with [`Follow::UntilHead`] only. Cancel safe.
    ///
    /// # Errors
    /// See [`PastError`]. The reader may be asked again and goes on where it stood; over what is damaged it does not
    /// get, and a new one after [`PastError::skip_to`] does.
    pub async fn next(&mut self) -> Result<Option<Record>, PastError> {
        loop {
            if let Some(record) = self.release()? {
                return Ok(Some(record));
            }
            if self.held.is_some() {
                // It is held because it has to be asked whether anything is missing before it.
                let stream = &self.wanted.stream;
                if let Some(archive) = self.wanted.past.archive() {
                    archive.refresh(stream).await?;
                }
                continue;
            }
            match &mut self.stage {
                Stage::Head => return Ok(None),
                Stage::Live { reader, .. } => match reader.next().await? {
                    Some(record) => self.held = Some(record),
                    None => {
                        if self.ended().await? {
                            return Ok(None);
                        }
                    }
                },
                Stage::Archive { pieces, piece, .. } => {
                    if let Some(record) = piece.next() {
                        self.position = record.sequence;
                        return Ok(Some(record));
                    }
                    let next = pieces.recv().await;
                    self.take(next)?;
                }
            }
        }
    }

    /// A message if one is there already; never waits.
    pub fn try_next(&mut self) -> Option<Record> {
        loop {
            match self.release() {
                Ok(Some(record)) => return Some(record),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a reader of the past waits");
                    return None;
                }
            }
            if self.held.is_some() {
                self.wanted.ask_in_background();
                return None;
            }
            match &mut self.stage {
                Stage::Head => return None,
                Stage::Live { reader, .. } => self.held = Some(reader.try_next()?),
                Stage::Archive { pieces, piece, .. } => {
                    if let Some(record) = piece.next() {
                        self.position = record.sequence;
                        return Some(record);
                    }
                    let next = pieces.try_recv().ok()?;
                    if let Err(error) = self.take(Some(next)) {
                        tracing::warn!(%error, "a reader of the past waits");
                        return None;
                    }
                }
            }
        }
    }

    /// At least one message, at most `max`: waits for the first, takes what is there. Empty at the head, with
    /// [`Follow::UntilHead`] only. Cancel safe.
    ///
    /// # Errors
    /// As [`PastReader::next`].
    pub async fn next_batch(&mut self, max: usize) -> Result<Vec<Record>, PastError> {
        let Some(first) = self.next().await? else {
            return Ok(Vec::new());
        };
        let mut batch = vec![first];
        while batch.len() < max {
            match self.try_next() {
                Some(record) => batch.push(record),
                None => break,
            }
        }
        Ok(batch)
    }

    /// The sequence of the last message handed out; at first, where reading began.
    #[must_use]
    pub const fn position(&self) -> Sequence {
        self.position
    }
}

impl PastReader {
    /// What is held, if it follows on what was handed out.
    fn release(&mut self) -> Result<Option<Record>, PastError> {
        let Stage::Live {
            covered,
            begun,
            life,
            ..
        } = &self.stage
        else {
            return Ok(None);
        };
        let Some(record) = &self.held else {
            return Ok(None);
        };
        let (covered, begun) = (*covered, *begun);
        match self.wanted.verdict(covered, *life) {
            Verdict::Unknown => return Ok(None),
            Verdict::Purged => {
                self.held = None;
                let again = if begun {
                    Start::After(covered)
                } else {
                    self.wanted.start
                };
                self.stage = self.wanted.stage(again);
                return Ok(None);
            }
            Verdict::Follows => {}
        }
        let is_next = record.sequence == covered.next();
        if begun && !is_next && self.wanted.is_gapless() {
            return Err(self
                .wanted
                .hole(covered.next(), Sequence(record.sequence.0 - 1)));
        }
        let released = self.held.take();
        if let (Stage::Live { covered, begun, .. }, Some(record)) = (&mut self.stage, &released) {
            (*covered, *begun) = (record.sequence, true);
            self.position = record.sequence;
        }
        Ok(released)
    }

    /// What to do with what the reading of the archive hands over.
    fn take(&mut self, next: Option<Piece>) -> Result<(), PastError> {
        match next {
            Some(Piece::Records(records)) => {
                if let Stage::Archive { piece, .. } = &mut self.stage {
                    *piece = records;
                }
            }
            Some(Piece::Live(reader, after, life)) => {
                let begun = matches!(self.wanted.start, Start::After(_));
                self.stage = Stage::Live {
                    reader,
                    covered: after.max(self.position),
                    life,
                    begun: begun || self.position > Sequence(0),
                };
            }
            Some(Piece::Head) => self.stage = Stage::Head,
            Some(Piece::Failed(error)) => {
                self.stage = self.wanted.stage(self.stands());
                return Err(error);
            }
            None => {
                self.stage = self.wanted.stage(self.stands());
                let place = self.wanted.past.archive().map_or("", Archive::place);
                return Err(PastError::Unreachable {
                    place: place.to_owned(),
                    reason: "reading it broke off".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Where to begin anew.
    const fn stands(&self) -> Start {
        match (self.position, self.wanted.start) {
            (Sequence(0), start) => start,
            (position, _) => Start::After(position),
        }
    }

    /// At the broker's head. Whether it is the end: what was purged on the way is read from the archive first.
    async fn ended(&mut self) -> Result<bool, PastError> {
        let Stage::Live { covered, life, .. } = &self.stage else {
            return Ok(false);
        };
        let (covered, life) = (*covered, *life);
        if let Some(archive) = self.wanted.past.archive() {
            let view = archive.refresh(&self.wanted.stream).await?;
            if view.purge_to(life) > covered {
                self.stage = self.wanted.stage(Start::After(covered));
                return Ok(false);
            }
        }
        self.stage = Stage::Head;
        Ok(true)
    }
}

impl Wanted {
    /// Begins to read.
    fn stage(&self, start: Start) -> Stage {
        let (archive, log) = (self.past.archive(), self.past.log());
        let Some(archive) = archive else {
            return self.live(start);
        };
        let reading = Reading {
            archive: archive.clone(),
            log: log.cloned(),
            stream: self.stream.clone(),
            filters: self.filters.clone(),
            follow: self.follow,
        };
        let (out, pieces) = mpsc::channel(AHEAD);
        Stage::Archive {
            pieces,
            piece: Vec::new().into_iter(),
            _task: AbortOnDropHandle::new(tokio::spawn(reading.run(start, out))),
        }
    }

    /// Reads the broker alone.
    fn live(&self, start: Start) -> Stage {
        let Some(log) = self.past.log() else {
            return Stage::Head;
        };
        let filters = self.filters.patterns();
        let (reader, covered) = match start {
            Start::After(after) => (log.read(&self.stream, filters, after, self.follow), after),
            Start::Time(from) => {
                let reader = log.read_from_time(&self.stream, filters, from, self.follow);
                (reader, Sequence(0))
            }
        };
        Stage::Live {
            reader: Box::new(reader),
            covered,
            life: None,
            begun: matches!(start, Start::After(_)),
        }
    }

    /// Whether what comes next from the broker follows on `covered`.
    fn verdict(&self, covered: Sequence, life: Option<Incarnation>) -> Verdict {
        let Some(archive) = self.past.archive() else {
            return Verdict::Follows;
        };
        match archive.known(&self.stream) {
            Some(view) if view.purge_to(life) > covered => Verdict::Purged,
            Some(view) if view.holds() => Verdict::Follows,
            _ => Verdict::Unknown,
        }
    }

    /// Whether each of its sequences has a message: events are removed by purges only.
    fn is_gapless(&self) -> bool {
        self.filters.is_all() && self.stream.ends_with("_EVENTS")
    }

    fn hole(&self, first: Sequence, last: Sequence) -> PastError {
        let reason = match self.past.archive() {
            None => "no longer in the broker: what is archived is purged there; name the archive with --archive".to_owned(),
            Some(archive) => format!(
                "neither in the broker nor in {}: look for the archive that has them; --tolerant reads on after them",
                archive.place()
            ),
        };
        PastError::Hole {
            stream: self.stream.clone(),
            first,
            last,
            reason,
        }
    }

    /// For those who cannot wait.
    fn ask_in_background(&self) {
        if let Some(archive) = self.past.archive() {
            archive.ask(&self.stream);
        }
    }
}
