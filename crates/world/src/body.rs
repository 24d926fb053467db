//! A body: a character inside an area, and all that the area knows of it.

use std::sync::Arc;

use schemas::effect::Traveller;
use schemas::outcome::Reason;
use schemas::sealed::Sealed;
use schemas::segment::{Controller, Segment};
use schemas::{AccountId, CharacterId, ClientSeq, EdgeId, Handle, SessionFence, Step, Tick};
use serde::{Deserialize, Serialize};

use crate::rules::{HISTORY_STEPS, Rules};

/// A character inside an area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Its number in the area.
    pub handle: Handle,
    /// Who.
    pub character: CharacterId,
    /// Whose.
    pub account: AccountId,
    /// The character's name.
    pub name: Arc<Sealed>,
    /// The session that may command it.
    pub session: SessionFence,
    /// The edge that holds that session.
    pub edge: EdgeId,
    /// The last few rejections, oldest first.
    pub rejections: Vec<(ClientSeq, Reason)>,
    /// How it moves.
    pub segment: Segment,
    /// What steers it; holds the last client sequence.
    pub controller: Controller,
    /// Its earlier segments that cover any of the last 25 steps before `segment`, oldest first.
    pub history: Vec<Segment>,
    /// The tick in which its session was last heard.
    pub heard: Tick,
    /// Since when its session is link-dead.
    pub link_lost: Option<Tick>,
    /// The party it travels with; 0: it travels alone.
    #[serde(default, skip_serializing_if = "is_alone")]
    pub party: CharacterId,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_alone(party: &CharacterId) -> bool {
    party.0 == 0
}

impl Body {
    /// The last of the client's commands that had its outcome.
    #[must_use]
    pub const fn last_seq(&self) -> ClientSeq {
        self.controller.last_seq
    }

    /// Where it stands at the end of `step`; (x, y) of its upper left corner, 1/256 px.
    #[must_use]
    pub fn position(&self, step: Step) -> (i32, i32) {
        self.segment_at(step).position(step)
    }

    /// The segment that told its motion in `step`, also a past one within the last 25 steps.
    #[must_use]
    pub fn segment_at(&self, step: Step) -> &Segment {
        std::iter::once(&self.segment)
            .chain(self.history.iter().rev())
            .find(|segment| segment.from <= step)
            .unwrap_or(&self.segment)
    }

    /// The character as it travels on, holding `held`.
    #[must_use]
    pub fn traveller(&self) -> Traveller {
        Traveller {
            character: self.character,
            account: self.account,
            name: (*self.name).clone(),
            session: self.session,
            edge: self.edge,
            last_seq: self.controller.last_seq,
            held: self.controller.input,
            rejections: self.rejections.clone(),
            party: self.party,
            hops: 0,
        }
    }

    /// The tick in which its silence will have a consequence.
    #[must_use]
    pub(crate) fn link_deadline(&self, rules: &Rules) -> Tick {
        self.silence().deadline(rules)
    }

    /// Since when nothing has been heard of its session.
    #[must_use]
    pub(crate) fn silence(&self) -> Silence {
        Silence {
            since: self.link_lost.unwrap_or(self.heard),
            lost: self.link_lost.is_some(),
        }
    }

    /// The first step that its segment does not tell.
    #[must_use]
    pub(crate) const fn motion_due(&self) -> Step {
        Step(self.segment.until.0.saturating_add(1))
    }

    /// Begins `segment`; what came before is history.
    pub(crate) fn set_motion(&mut self, segment: Segment, controller: Controller) {
        if segment.from > self.segment.from {
            self.history.push(self.segment);
        }
        self.segment = segment;
        self.controller = Controller {
            last_seq: self.controller.last_seq,
            ..controller
        };
        let oldest = segment.from.0.saturating_sub(HISTORY_STEPS);
        let covered = |next: &Segment| next.from.0 <= oldest;
        let stale = self
            .history
            .iter()
            .skip(1)
            .chain(std::iter::once(&segment))
            .take_while(|next| covered(next))
            .count();
        self.history.drain(..stale.min(self.history.len()));
    }
}

/// How long a session has been silent; what that leads to, and when, the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Silence {
    /// When it was last heard, or noticed to be lost.
    since: Tick,
    /// Whether it has been noticed.
    lost: bool,
}

impl Silence {
    /// The tick in which it will have a consequence.
    pub(crate) fn deadline(self, rules: &Rules) -> Tick {
        let patience = if self.lost {
            rules.link_grace_ticks
        } else {
            rules.link_lost_ticks
        };
        Tick(self.since.0.saturating_add(u64::from(patience)))
    }
}
