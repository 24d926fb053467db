//! The frames' columns of `characters`: where each is and how it moves.

mod upsert;

use std::collections::{BTreeMap, BTreeSet};

use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::segment::Segment;
use schemas::{AreaId, CharacterId, ClientSeq, Handle, Sequence, SessionFence, Tick, UnixMillis};
use world::{AreaState, Body};

#[derive(Debug)]
struct Row {
    in_world: bool,
    area: AreaId,
    handle: Handle,
    segment: Segment,
    client_seq: ClientSeq,
    session: SessionFence,
    tick: Tick,
    at: UnixMillis,
    sequence: Sequence,
}

/// What is known of a character that a frame sends away.
#[derive(Debug)]
pub(super) struct Leaving {
    handle: Handle,
    character: CharacterId,
    segment: Segment,
    client_seq: ClientSeq,
    session: SessionFence,
}

/// What has changed since the last transaction.
#[derive(Debug, Default)]
pub(super) struct BodyRows(BTreeMap<CharacterId, Row>);

impl BodyRows {
    /// Looks, before `frame` is folded, at the bodies that it removes.
    pub(super) fn leaving(&self, before: Option<&AreaState>, frame: &Frame) -> Vec<Leaving> {
        let gone = |fact: &Fact| match fact {
            Fact::Departed {
                handle, character, ..
            } => Some((*handle, *character)),
            _ => None,
        };
        frame
            .facts
            .iter()
            .filter_map(gone)
            .filter_map(|(handle, character)| {
                before
                    .and_then(|state| state.body(handle))
                    .filter(|body| body.character == character)
                    .map(|body| standing(body, frame))
                    .or_else(|| passing_through(frame, character))
            })
            .collect()
    }

    /// Takes the rows of all bodies that `frame` says something about; `after` is the state after it.
    pub(super) fn fold(
        &mut self,
        area: &AreaId,
        frame: &Frame,
        sequence: Sequence,
        after: &AreaState,
        leaving: Vec<Leaving>,
    ) {
        let row = |in_world, handle, segment, client_seq, session| Row {
            in_world,
            area: area.clone(),
            handle,
            segment,
            client_seq,
            session,
            tick: frame.tick,
            at: frame.at,
            sequence,
        };
        for gone in leaving {
            let Leaving {
                handle,
                character,
                segment,
                client_seq,
                session,
            } = gone;
            self.0
                .insert(character, row(false, handle, segment, client_seq, session));
        }
        for handle in touched(frame, after) {
            if let Some(body) = after.body(handle) {
                self.0.insert(
                    body.character,
                    row(true, handle, body.segment, body.last_seq(), body.session),
                );
            }
        }
    }
}

/// A body as its last frame here finds it: standing where it was when it left.
fn standing(body: &Body, frame: &Frame) -> Leaving {
    let accepted = frame
        .outcomes
        .accepted()
        .filter(|(handle, _)| *handle == body.handle)
        .map(|(_, seq)| seq)
        .max();
    let at = frame.tick.first_step();
    Leaving {
        handle: body.handle,
        character: body.character,
        segment: Segment {
            until: at.max(body.segment.from),
            ..body.segment.rebased(at)
        },
        client_seq: body.last_seq().max(accepted.unwrap_or(0)),
        session: body.session,
    }
}

/// A character that arrived in the very frame that sends it on.
fn passing_through(frame: &Frame, who: CharacterId) -> Option<Leaving> {
    frame.facts.iter().find_map(|fact| match fact {
        Fact::Arrived {
            handle,
            traveller,
            segment,
            ..
        } if traveller.character == who => Some(Leaving {
            handle: *handle,
            character: who,
            segment: *segment,
            client_seq: traveller.last_seq,
            session: traveller.session,
        }),
        _ => None,
    })
}

/// The bodies that a frame says something about.
fn touched(frame: &Frame, after: &AreaState) -> BTreeSet<Handle> {
    let facts = frame.facts.iter().filter_map(|fact| match fact {
        Fact::Arrived { handle, .. } | Fact::SessionTaken { handle, .. } => Some(*handle),
        _ => None,
    });
    let rejected = frame
        .outcomes
        .rejected
        .iter()
        .filter_map(|rejected| Some(after.by_character(rejected.character)?.handle));
    facts
        .chain(rejected)
        .chain(frame.outcomes.accepted().map(|(handle, _)| handle))
        .chain(frame.motion.handles())
        .collect()
}
