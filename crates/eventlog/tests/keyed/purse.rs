//! A toy aggregate for these tests: a character's purse, from which coins may be given away.
//!
//! Coins on their way to another purse travel as an effect; the one kind of effect with a number
//! in it that nobody here needs otherwise, `Located`, carries them in its session.

use eventlog::keyed::{Aggregate, Context, Input, Verdict};
use schemas::effect::EffectPayload;
use schemas::keyed::Refusal;
use schemas::subjects::{AggregateId, Domain};
use schemas::{AreaId, CharacterId, SessionFence};
use serde::{Deserialize, Serialize};

#[derive(Debug)]
pub(crate) struct Purses;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum PurseCommand {
    /// Coins from nowhere.
    Put { coins: u64 },
    /// One coin to another purse.
    Give { to: CharacterId },
    /// One coin to an area, which nobody serves here.
    Drop { area: AreaId },
    /// The rules have a hole here.
    Break,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum PurseEvent {
    Came { coins: u64 },
    Went { coins: u64 },
    Clung,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Purse {
    pub(crate) coins: u64,
}

pub(crate) fn coins(character: CharacterId, coins: u64) -> EffectPayload {
    EffectPayload::Located {
        character,
        area: AreaId::new("nowhere").unwrap(),
        session: SessionFence(coins),
    }
}

impl Aggregate for Purses {
    const DOMAIN: Domain = Domain::Lobby;
    type Command = PurseCommand;
    type Event = PurseEvent;
    type State = Purse;
    type Answer = u64;

    fn id(&self, key: &str) -> Option<AggregateId> {
        key.parse().ok().map(AggregateId::Character)
    }

    fn decide(
        &self,
        _: &str,
        state: &Purse,
        input: Input<'_, PurseCommand>,
        _: &Context,
    ) -> Verdict<PurseEvent> {
        let went = |target, to| {
            if state.coins == 0 {
                // An event beside a refusal, as a failed login is one.
                Verdict::refused(Refusal::new("empty", "no coin is left")).and(PurseEvent::Clung)
            } else {
                Verdict::events([PurseEvent::Went { coins: 1 }]).asking(target, coins(to, 1))
            }
        };
        match input {
            Input::Command(PurseCommand::Put { coins }) => {
                Verdict::events([PurseEvent::Came { coins: *coins }])
            }
            Input::Command(PurseCommand::Give { to }) => went(AggregateId::Character(*to), *to),
            Input::Command(PurseCommand::Drop { area }) => {
                went(AggregateId::Area(area.clone()), CharacterId(0))
            }
            Input::Command(PurseCommand::Break) => panic!("a hole in the rules, as the test asked"),
            Input::Effect(message) => match message.effect.payload {
                EffectPayload::Located { session, .. } => {
                    Verdict::events([PurseEvent::Came { coins: session.0 }])
                }
                _ => Verdict::unchanged(),
            },
        }
    }

    fn evolve(state: &mut Purse, event: &PurseEvent) {
        match event {
            PurseEvent::Came { coins } => state.coins += coins,
            PurseEvent::Went { coins } => state.coins -= coins,
            PurseEvent::Clung => {}
        }
    }

    fn answer(&self, _: &str, state: &Purse, _: &PurseCommand, _: &Context) -> u64 {
        state.coins
    }
}
