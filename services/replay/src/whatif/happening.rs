//! One thing that happened in an area, in a form that can be compared between what was recorded and what would have been.
//!
//! Compared is what a player or an analyst would see: not handles, which are numbers of bodies, nor the numbering of
//! effects, and not what is given to both: who owned the area when, and that effects have been received.

use schemas::effect::{Effect, EffectPayload};
use schemas::fact::Fact;
use schemas::outcome::{EffectOutcome, EffectVerdict, Reason, Rejected};
use schemas::segment::Segment;
use schemas::subjects::AggregateId;
use schemas::{CharacterId, ClientSeq};
use serde_json::{Value, json};

/// Something that happened to somebody.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Happening {
    /// To whom.
    pub(super) player: Option<CharacterId>,
    /// What.
    pub(super) what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Fact(Box<Fact>),
    Moved(Segment),
    Accepted {
        up_to: ClientSeq,
    },
    Rejected {
        seq: ClientSeq,
        reason: Reason,
    },
    EffectSent {
        target: AggregateId,
        payload: Box<EffectPayload>,
    },
    EffectApplied {
        source: AggregateId,
        number: u64,
        verdict: EffectVerdict,
    },
}

impl Happening {
    /// `None`: it is given, the same for every way of deciding.
    pub(super) fn of_fact(fact: &Fact) -> Option<Self> {
        let mut fact = fact.clone();
        let player = match &mut fact {
            Fact::Owned { .. }
            | Fact::Hibernated {}
            | Fact::Released { .. }
            | Fact::EffectsConfirmed { .. } => return None,
            Fact::Arrived {
                handle, traveller, ..
            } => {
                *handle = 0;
                Some(traveller.character)
            }
            Fact::Departed {
                handle, character, ..
            }
            | Fact::SessionTaken {
                handle, character, ..
            }
            | Fact::LinkLost { handle, character }
            | Fact::LinkRestored { handle, character }
            | Fact::Spoken {
                handle, character, ..
            } => {
                *handle = 0;
                Some(*character)
            }
            Fact::Steered { .. } | Fact::Unknown => None,
        };
        let what = What::Fact(Box::new(fact));
        Some(Self { player, what })
    }

    pub(super) const fn of_rejection(rejected: &Rejected) -> Self {
        Self {
            player: Some(rejected.character),
            what: What::Rejected {
                seq: rejected.seq,
                reason: rejected.reason,
            },
        }
    }

    pub(super) fn of_verdict(outcome: &EffectOutcome) -> Self {
        Self {
            player: character(&outcome.source),
            what: What::EffectApplied {
                source: outcome.source.clone(),
                number: outcome.number,
                verdict: outcome.verdict,
            },
        }
    }

    pub(super) fn of_effect(effect: &Effect) -> Self {
        Self {
            player: effect
                .payload
                .character()
                .or_else(|| character(&effect.target)),
            what: What::EffectSent {
                target: effect.target.clone(),
                payload: Box::new(effect.payload.clone()),
            },
        }
    }

    /// Its type, as everywhere: a fact's without the version.
    pub(super) fn kind(&self) -> &'static str {
        match &self.what {
            What::Fact(fact) => bare(fact.kind()),
            What::Moved(_) => "moved",
            What::Accepted { .. } => "accepted",
            What::Rejected { .. } => "rejected",
            What::EffectSent { .. } => "effect_sent",
            What::EffectApplied { .. } => "effect_applied",
        }
    }

    /// All of it, as data.
    pub(super) fn data(&self) -> Value {
        match &self.what {
            What::Fact(fact) => {
                let mut data = json!(fact);
                if let Some(fields) = data.as_object_mut() {
                    fields.remove("handle");
                }
                data
            }
            What::Moved(segment) => json!(segment),
            What::Accepted { up_to } => json!({ "up_to": up_to }),
            What::Rejected { seq, reason } => json!({ "seq": seq, "reason": reason }),
            What::EffectSent { target, payload } => {
                json!({ "target": target.to_string(), "payload": payload })
            }
            What::EffectApplied {
                source,
                number,
                verdict,
            } => json!({ "source": source.to_string(), "number": number, "verdict": verdict }),
        }
    }
}

fn bare(kind: &'static str) -> &'static str {
    kind.split_once('.').map_or(kind, |(bare, _)| bare)
}

const fn character(aggregate: &AggregateId) -> Option<CharacterId> {
    match aggregate {
        AggregateId::Character(character) => Some(*character),
        AggregateId::Area(_) | AggregateId::Control(_) => None,
    }
}
