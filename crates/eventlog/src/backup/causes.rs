//! Where several streams may end so that nothing is there without what caused it.
//!
//! Streams are copied one after the other while players play. Every copy holds all that was stored
//! before the first was begun, and each may hold more; so each is taken to end at that moment. On
//! one broker that is enough: what causes something is stored before it. In a cluster each stream
//! has a leader with a clock of its own, so what the messages say of each other is compared too,
//! and where a cause is missing, its stream ends earlier:
//!
//! | a message | needs |
//! |---|---|
//! | a frame, an entry | the commands that it has consumed |
//! | an effect among commands | the event that issued it |
//! | a receipt among commands | the event that applied what it confirms |
//! | an area's snapshot | the frame after which it was taken |
//!
//! A stream ends at one sequence and not at one for each subject: then positions in it stay
//! comparable, and what was lost is one piece at its end.

use std::collections::{BTreeMap, HashMap};

use schemas::command::AreaMessage;
use schemas::frame::Frame;
use schemas::keyed::{KeyedEntry, KeyedMessage};
use schemas::outcome::EffectVerdict;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, AggregateId, Domain, Subject};
use schemas::{Sequence, decode};
use serde::de::IgnoredAny;

use super::Message;
use crate::snapshots;

/// The last sequence of each stream.
pub type Cut = BTreeMap<String, Sequence>;

/// A message, and what must be there when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    stream: String,
    sequence: u64,
    needs: (String, u64),
}

/// A receipt, and what must have been applied when it is there.
#[derive(Debug)]
struct Receipt {
    stream: String,
    sequence: u64,
    pair: Pair,
    up_to: u64,
}

/// Target and source of effects.
type Pair = (AggregateId, AggregateId);

/// What messages say of each other. Only the last ones matter: a minute of them outlasts the
/// differences of any clocks.
#[derive(Debug, Default)]
pub struct Causes {
    links: Vec<Link>,
    receipts: Vec<Receipt>,
    /// Number, stream and place of what was applied.
    applied: HashMap<Pair, Vec<(u64, String, u64)>>,
}

impl Causes {
    /// Takes note of what `message` of `stream` needs. What cannot be read needs nothing.
    pub fn read(&mut self, stream: &str, message: &Message) {
        let at = (stream, message.sequence);
        match Subject::parse(&message.subject) {
            Subject::AreaEvents(area) => {
                if let Ok(frame) = decode::<Frame>(&message.payload) {
                    self.frame(at, &AggregateId::Area(area), &frame);
                }
            }
            Subject::KeyedEvents(domain, key) => {
                if let Ok(entry) = decode(&message.payload) {
                    self.entry(at, domain, &key, entry);
                }
            }
            Subject::AreaCommand(area, _) => {
                let received = AreaMessage::received(&message.subject, &message.payload);
                match received {
                    Ok(AreaMessage::Effect(effect)) => {
                        self.link(at, effect.cause.stream, effect.cause.sequence)
                    }
                    Ok(AreaMessage::Confirmation(receipt)) => {
                        let pair = (receipt.target, AggregateId::Area(area));
                        self.receipt(at, pair, receipt.up_to);
                    }
                    Ok(AreaMessage::Players(_)) | Err(_) => {}
                }
            }
            Subject::KeyedCommand(domain, _, key, _) => {
                let subject = &message.subject;
                let received = KeyedMessage::<IgnoredAny>::received(subject, &message.payload);
                match (received, aggregate(domain, &key)) {
                    (Ok((_, KeyedMessage::Effect(effect))), _) => {
                        self.link(at, effect.cause.stream, effect.cause.sequence);
                    }
                    (Ok((_, KeyedMessage::Confirmation(receipt))), Some(source)) => {
                        self.receipt(at, (receipt.target, source), receipt.up_to);
                    }
                    _ => {}
                }
            }
            Subject::Other => {
                if let Some(point) = snapshots::point(stream, &message.payload) {
                    self.link(at, AREA_EVENTS.to_owned(), point.sequence);
                }
            }
        }
    }

    fn frame(&mut self, at: (&str, u64), area: &AggregateId, frame: &Frame) {
        self.link(at, AREA_COMMANDS.to_owned(), frame.pos.sequence);
        for outcome in &frame.outcomes.effects {
            if outcome.verdict == EffectVerdict::Applied {
                let pair = (area.clone(), outcome.source.clone());
                self.applied(at, pair, outcome.number);
            }
        }
    }

    fn entry(
        &mut self,
        at: (&str, u64),
        domain: Domain,
        key: &str,
        entry: KeyedEntry<IgnoredAny, IgnoredAny>,
    ) {
        self.link(at, domain.command_stream().to_owned(), entry.handled);
        let Some(target) = aggregate(domain, key) else {
            return;
        };
        for (source, number) in entry.outbox.received {
            self.applied(at, (target.clone(), source), number);
        }
    }

    fn link(&mut self, (stream, sequence): (&str, u64), needed: String, up_to: Sequence) {
        self.links.push(Link {
            stream: stream.to_owned(),
            sequence,
            needs: (needed, up_to.0),
        });
    }

    fn receipt(&mut self, (stream, sequence): (&str, u64), pair: Pair, up_to: u64) {
        self.receipts.push(Receipt {
            stream: stream.to_owned(),
            sequence,
            pair,
            up_to,
        });
    }

    fn applied(&mut self, (stream, sequence): (&str, u64), pair: Pair, number: u64) {
        let known = self.applied.entry(pair).or_default();
        // An entry repeats what those before it have had.
        if !known.iter().any(|(known, _, _)| *known >= number) {
            known.push((number, stream.to_owned(), sequence));
        }
    }

    /// The latest ends, none beyond `cut`, at which every message has what it needs. A receipt for
    /// something that was applied before the messages read here begins is content.
    #[must_use]
    pub fn close(mut self, mut cut: Cut) -> Cut {
        for receipt in std::mem::take(&mut self.receipts) {
            let applied = self.applied.get(&receipt.pair).into_iter().flatten();
            let first = applied
                .filter(|(number, _, _)| *number >= receipt.up_to)
                .min_by_key(|(_, _, sequence)| *sequence);
            if let Some((_, stream, sequence)) = first {
                self.links.push(Link {
                    stream: receipt.stream,
                    sequence: receipt.sequence,
                    needs: (stream.clone(), *sequence),
                });
            }
        }
        shrink(&self.links, &mut cut);
        cut
    }
}

/// Lowers ends until every link is content; what is left is the largest such cut.
fn shrink(links: &[Link], cut: &mut Cut) {
    loop {
        let before = cut.clone();
        for Link {
            stream,
            sequence,
            needs: (needed, up_to),
        } in links
        {
            let missing = cut.get(needed).is_some_and(|end| end.0 < *up_to);
            if let Some(end) = cut.get_mut(stream)
                && missing
                && end.0 >= *sequence
            {
                *end = Sequence(sequence - 1);
            }
        }
        if *cut == before {
            return;
        }
    }
}

fn aggregate(domain: Domain, key: &str) -> Option<AggregateId> {
    let token = match domain {
        Domain::Lobby => format!("character-{key}"),
        Domain::Control => format!("control-{key}"),
        _ => return None,
    };
    AggregateId::from_token(&token)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng};

    use super::*;

    const STREAMS: [&str; 3] = ["A", "B", "C"];

    fn link(stream: &str, sequence: u64, needed: &str, up_to: u64) -> Link {
        Link {
            stream: stream.to_owned(),
            sequence,
            needs: (needed.to_owned(), up_to),
        }
    }

    fn cut(ends: [u64; 3]) -> Cut {
        let ends = STREAMS.into_iter().zip(ends);
        ends.map(|(stream, end)| (stream.to_owned(), Sequence(end)))
            .collect()
    }

    fn is_closed(links: &[Link], cut: &Cut) -> bool {
        links
            .iter()
            .all(|link| cut[&link.stream].0 < link.sequence || cut[&link.needs.0].0 >= link.needs.1)
    }

    #[test]
    fn what_lacks_its_cause_goes_and_takes_along_what_it_caused() {
        let links = [link("B", 5, "A", 9), link("C", 3, "B", 7)];
        let mut ends = cut([8, 9, 9]);
        shrink(&links, &mut ends);
        assert_eq!(ends, cut([8, 4, 2]));
    }

    #[test]
    fn the_cut_is_closed_and_no_larger_one_is() {
        for seed in 0..500 {
            let mut random = StdRng::seed_from_u64(seed);
            let links: Vec<Link> = (0..12)
                .map(|_| {
                    let mut stream = || STREAMS[random.random_range(0..3)];
                    let (from, to) = (stream(), stream());
                    link(
                        from,
                        random.random_range(1..6),
                        to,
                        random.random_range(1..6),
                    )
                })
                .collect();
            let start = cut([5, 4, 3]);
            let mut found = start.clone();
            shrink(&links, &mut found);
            assert!(is_closed(&links, &found), "seed {seed}");
            for (a, b, c) in (0..6 * 5 * 4).map(|n| (n / 20, n / 4 % 5, n % 4)) {
                let other = cut([a, b, c]);
                let larger = other.iter().any(|(stream, end)| *end > found[stream]);
                assert!(
                    !(larger && is_closed(&links, &other)),
                    "seed {seed}: {other:?}"
                );
            }
        }
    }
}
