//! Given events, when a message, then events: how an aggregate's rules are tested.
//!
//! ```ignore
//! given(&accounts, KEY, [registered()])
//!     .when(login_with(WRONG_PROOF))
//!     .then([login_failed()])
//!     .refused("bad_login");
//! ```

use std::fmt::Debug;

use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload};
use schemas::subjects::AggregateId;
use schemas::{Sequence, UnixMillis};

use super::aggregate::{Aggregate, Context, Input, Verdict};

/// An aggregate to which these events have happened.
pub fn given<A: Aggregate>(
    aggregate: &A,
    key: impl Into<String>,
    events: impl IntoIterator<Item = A::Event>,
) -> Given<'_, A> {
    let mut state = A::State::default();
    for event in events {
        A::evolve(&mut state, &event);
    }
    Given {
        aggregate,
        key: key.into(),
        state,
        ctx: Context {
            sequence: Sequence(100),
            stored_at: UnixMillis(1_000_000),
            pending: 0,
        },
    }
}

/// See [`given`].
pub struct Given<'a, A: Aggregate> {
    aggregate: &'a A,
    key: String,
    /// The state after the given events.
    pub state: A::State,
    ctx: Context,
}

/// What came of it.
pub struct When<A: Aggregate> {
    verdict: Verdict<A::Event>,
    answer: Option<A::Answer>,
    /// The state after the new events.
    pub state: A::State,
}

impl<A: Aggregate> Given<'_, A> {
    /// The message is stored at this time (else at 1,000,000 ms).
    #[must_use]
    pub const fn at(mut self, stored_at: UnixMillis) -> Self {
        self.ctx.stored_at = stored_at;
        self
    }

    /// The message stands at this place (else at 100).
    #[must_use]
    pub const fn sequence(mut self, sequence: u64) -> Self {
        self.ctx.sequence = Sequence(sequence);
        self
    }

    /// So many effects wait for their confirmation.
    #[must_use]
    pub const fn pending(mut self, pending: usize) -> Self {
        self.ctx.pending = pending;
        self
    }

    /// This is asked.
    #[must_use]
    pub fn when(self, command: A::Command) -> When<A> {
        let decided = self.decide(Input::Command(&command));
        let answer = decided.verdict.refusal.is_none().then(|| {
            self.aggregate
                .answer(&self.key, &decided.state, &command, &self.ctx)
        });
        When { answer, ..decided }
    }

    /// `source` sends this effect, issued at `issued_at`.
    #[must_use]
    pub fn when_sent(
        self,
        source: AggregateId,
        issued_at: UnixMillis,
        payload: EffectPayload,
    ) -> When<A> {
        let message = EffectMessage {
            cause: Cause {
                stream: "AREA_EVENTS".into(),
                sequence: Sequence(1),
            },
            effect: Effect {
                target: self.aggregate.id(&self.key).unwrap_or(source.clone()),
                number: 1,
                issued_at,
                payload,
            },
            source,
        };
        self.decide(Input::Effect(&message))
    }

    fn decide(&self, input: Input<'_, A::Command>) -> When<A> {
        let verdict = self
            .aggregate
            .decide(&self.key, &self.state, input, &self.ctx);
        let mut state = self.state.clone();
        for event in &verdict.events {
            A::evolve(&mut state, event);
        }
        When {
            verdict,
            answer: None,
            state,
        }
    }
}

impl<A: Aggregate> When<A>
where
    A::Event: PartialEq + Debug,
{
    /// Exactly these events follow.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = A::Event>) -> Self {
        let expected: Vec<_> = events.into_iter().collect();
        assert_eq!(self.verdict.events, expected, "the events");
        self
    }

    /// Exactly these effects are asked of others.
    #[track_caller]
    pub fn asking(self, effects: impl IntoIterator<Item = (AggregateId, EffectPayload)>) -> Self {
        let expected: Vec<_> = effects.into_iter().collect();
        assert_eq!(self.verdict.effects, expected, "the effects");
        self
    }

    /// Nobody else is asked anything.
    #[track_caller]
    pub fn asking_nobody(self) -> Self {
        self.asking([])
    }

    /// It was refused with this code.
    #[track_caller]
    pub fn refused(self, code: &str) -> Self {
        let found = self.verdict.refusal.as_ref().map(|r| r.code.as_str());
        assert_eq!(found, Some(code), "the refusal");
        self
    }

    /// It was accepted and answered so; `None` after an effect, which nobody answers.
    #[track_caller]
    pub fn answer(self) -> Option<A::Answer> {
        assert_eq!(self.verdict.refusal, None, "it was refused");
        self.answer
    }
}
