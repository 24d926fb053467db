//! Which segments an archived stream has.
//!
//! A manifest is one object, lines of JSON: a head, a line for each segment, and the SHA-256 of all that. It is
//! never changed: the next one has the next number, names the digest of the one before, and is stored on the condition
//! that its number is free, so that of two archivers one is told. The one with the highest number is valid.

use eventlog::{Lineage, StreamInfo};
use schemas::{Digest, Incarnation, Sequence, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::segment::{Sealed, sha256};

/// The format that this build writes, and the newest that it reads.
pub(crate) const FORMAT: u16 = 1;

/// What is archived of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub(crate) head: Head,
    pub(crate) segments: Vec<Segment>,
    /// SHA-256 of the object that this was read from or written to; empty before.
    pub(crate) digest: String,
}

/// What is true of the whole stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// [`FORMAT`] of the writer.
    pub(crate) archive: u16,
    pub(crate) stream: String,
    pub(crate) number: u64,
    /// The digest of the manifest before.
    pub(crate) previous: String,
    pub(crate) incarnation: Incarnation,
    /// Former lives, the first first, each with its last message that is still good.
    pub(crate) ancestors: Vec<(Incarnation, Sequence)>,
    /// Up to here messages may have been purged from the broker, or will be after `purge_delay` has passed.
    pub(crate) purge_to: Sequence,
    /// Milliseconds between the writing of a `purge_to` and the first purge up to it: so long a reader may rely on a
    /// manifest it has read.
    pub(crate) purge_delay: u64,
    pub(crate) written_at: UnixMillis,
}

/// A segment, as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its file, under `segments/`.
    pub file: String,
    /// Its first message.
    pub first: Sequence,
    /// Its last message.
    pub last: Sequence,
    /// The last of its messages that are of this world: those after it were lost by a restore.
    pub until: Sequence,
    /// How many messages it holds.
    pub messages: u64,
    /// When its first message was stored.
    pub first_at: UnixMillis,
    /// When its last message was stored.
    pub last_at: UnixMillis,
    /// Its size in bytes.
    pub bytes: u64,
    /// What its messages took in the broker, in bytes, about.
    pub plain: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of its footer.
    pub footer: String,
    /// Over its messages.
    pub content: String,
    /// The digest of its last message.
    pub end: Digest,
    /// The life of the stream it was read from.
    pub incarnation: Incarnation,
}

#[derive(Serialize, Deserialize)]
struct Check {
    sha256: String,
}

/// Why bytes are no manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unread {
    Format(u16),
    Damaged(String),
}

impl Manifest {
    /// Of a stream of which nothing is archived yet.
    pub(crate) fn first(stream: &str, info: &StreamInfo, purge_delay: u64) -> Self {
        let mut manifest = Self {
            head: Head {
                archive: FORMAT,
                stream: stream.to_owned(),
                number: 0,
                previous: String::new(),
                incarnation: info.incarnation,
                ancestors: Vec::new(),
                purge_to: Sequence(0),
                purge_delay,
                written_at: UnixMillis(0),
            },
            segments: Vec::new(),
            digest: String::new(),
        };
        manifest.set_lineage(&info.lineage);
        manifest
    }

    pub(crate) fn set_lineage(&mut self, lineage: &Lineage) {
        self.head.incarnation = lineage.incarnation();
        self.head.ancestors = lineage.ancestors().collect();
    }

    /// The life that is archived, and those before.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        Lineage::of(self.head.incarnation, self.head.ancestors.iter().copied())
    }

    /// Its stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.head.stream
    }

    /// Its number; 0 before it is stored.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.head.number
    }

    /// The segments in order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Up to here messages may be purged from the broker.
    #[must_use]
    pub const fn purge_to(&self) -> Sequence {
        self.head.purge_to
    }

    /// Milliseconds between the announcement of a purge and the purge.
    #[must_use]
    pub const fn purge_delay(&self) -> u64 {
        self.head.purge_delay
    }

    /// The first archived message; `None`: nothing is.
    #[must_use]
    pub fn start(&self) -> Option<Sequence> {
        self.segments.first().map(|segment| segment.first)
    }

    /// The last archived message that is of this world; 0: nothing is.
    #[must_use]
    pub fn end(&self) -> Sequence {
        let last = self.segments.last();
        last.map_or(Sequence(0), |segment| segment.until)
    }

    /// How many messages are archived.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.segments.iter().map(Segment::good).sum()
    }

    /// The segments' size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The segments that hold anything after `after`.
    pub(crate) fn after(&self, after: Sequence) -> &[Segment] {
        let at = self.segments.partition_point(|one| one.until <= after);
        self.segments.get(at..).unwrap_or_default()
    }

    /// The segment with the message at `sequence`.
    pub(crate) fn holding(&self, sequence: Sequence) -> Option<&Segment> {
        let found = self.after(Sequence(sequence.0.saturating_sub(1))).first()?;
        (found.first <= sequence).then_some(found)
    }

    /// Takes in what has been sealed, stored under `file` and read back.
    pub(crate) fn push(&mut self, file: String, sealed: &Sealed) {
        self.segments.push(Segment {
            file,
            first: sealed.first,
            last: sealed.last,
            until: sealed.last,
            messages: sealed.messages,
            first_at: sealed.first_at,
            last_at: sealed.last_at,
            bytes: sealed.size(),
            plain: sealed.plain,
            sha256: sealed.sha256.clone(),
            footer: sealed.footer.clone(),
            content: sealed.content.clone(),
            end: sealed.end,
            incarnation: self.head.incarnation,
        });
    }

    /// Leaves out what a restore has lost: everything after `cut`.
    pub(crate) fn cut(&mut self, cut: Sequence) {
        self.segments.retain(|segment| segment.first <= cut);
        if let Some(last) = self.segments.last_mut() {
            last.until = last.until.min(cut);
        }
        self.head.purge_to = self.head.purge_to.min(cut);
    }

    /// The bytes of the object, and their digest.
    pub(crate) fn encode(&self) -> (Vec<u8>, String) {
        // Texts and numbers: there is nothing in it that JSON cannot say.
        let mut out = serde_json::to_vec(&self.head).unwrap_or_default();
        out.push(b'\n');
        for segment in &self.segments {
            serde_json::to_writer(&mut out, segment).ok();
            out.push(b'\n');
        }
        let check = Check {
            sha256: sha256(&out),
        };
        serde_json::to_writer(&mut out, &check).ok();
        out.push(b'\n');
        let digest = sha256(&out);
        (out, digest)
    }

    /// Reads the object with the number `number` of `stream`.
    pub(crate) fn decode(bytes: &[u8], stream: &str, number: u64) -> Result<Self, Unread> {
        let damaged = |why: &str| Unread::Damaged(why.to_owned());
        let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let at = body.iter().rposition(|byte| *byte == b'\n');
        let at = at.ok_or_else(|| damaged("it has no end"))? + 1;
        let (lines, check) = body.split_at(at);
        let mut lines_of = lines.split(|byte| *byte == b'\n');
        let head = lines_of.next().unwrap_or_default();
        // A later format is told from a damaged one, whatever it looks like further on.
        let format: Value = serde_json::from_slice(head).unwrap_or_default();
        if let Some(format) = format["archive"]
            .as_u64()
            .and_then(|f| u16::try_from(f).ok())
            && format > FORMAT
        {
            return Err(Unread::Format(format));
        }
        let check: Check = serde_json::from_slice(check).map_err(|_| damaged("it has no end"))?;
        if check.sha256 != sha256(lines) {
            return Err(damaged("it is not what was written"));
        }
        let head: Head =
            serde_json::from_slice(head).map_err(|error| Unread::Damaged(error.to_string()))?;
        if head.stream != stream || head.number != number {
            return Err(damaged("it is the manifest of something else"));
        }
        let segments = lines_of
            .filter(|line| !line.is_empty())
            .map(serde_json::from_slice)
            .collect::<Result<Vec<Segment>, _>>()
            .map_err(|error| Unread::Damaged(error.to_string()))?;
        let ordered = segments.windows(2).all(|pair| match pair {
            [one, next] => one.until < next.first,
            _ => true,
        });
        if !ordered || segments.iter().any(|one| one.first > one.last) {
            return Err(damaged("its segments do not follow on each other"));
        }
        Ok(Self {
            head,
            segments,
            digest: sha256(bytes),
        })
    }
}

impl Segment {
    /// How many of its messages are of this world. Within a segment nothing is missing, as a rule.
    fn good(&self) -> u64 {
        let lost = self.last.0 - self.until.0.min(self.last.0);
        self.messages.saturating_sub(lost)
    }
}
