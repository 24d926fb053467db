//! One message against one aggregate: what is to be written, sent, confirmed and answered.
//!
//! Pure, so that a test can drive every order of messages through it. The partition performs it.

use schemas::effect::{Confirmation, Effect, EffectMessage};
use schemas::keyed::{Answered, KeyedMessage, Outbox, Refusal};
use schemas::subjects::AggregateId;
use schemas::{Incarnation, Sequence, UnixMillis};

use super::aggregate::{Aggregate, Context, EntryOf, Input, Verdict};
use crate::outbox::{self, Arrival};

/// Where and when a message is handled.
#[derive(Debug, Clone, Copy)]
pub struct Handling {
    /// Which life of the command stream `sequence` counts in.
    pub incarnation: Incarnation,
    /// The message's place there.
    pub sequence: Sequence,
    /// When the broker stored it.
    pub stored_at: UnixMillis,
    /// This service's clock.
    pub now: UnixMillis,
}

/// What is to be done, in this order.
pub struct Step<A: Aggregate> {
    /// Append this; `None`: nothing changes.
    pub entry: Option<EntryOf<A>>,
    /// Send these, and wait until they are stored.
    pub effects: Vec<Effect>,
    /// Tell this source that its effects have been taken up to a number.
    pub confirm: Option<(AggregateId, u64)>,
    /// Answer whoever asked.
    pub reply: Option<Answering<A>>,
    /// What became of the message, for the metrics.
    pub outcome: Outcome,
}

/// An answer on its way.
pub struct Answering<A: Aggregate> {
    /// The asker's subject, as the command has it: it may be anything.
    pub to: String,
    /// The asker's number.
    pub request: u64,
    /// What was asked for, or why not.
    pub result: Result<A::Answer, Refusal>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A command was accepted, an effect applied, a receipt taken.
    Accepted,
    /// A command was refused.
    Refused,
    /// It had been handled before.
    Repeated,
    /// An effect came before one that it must follow.
    Gap,
}

impl Outcome {
    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Repeated => "repeated",
            Self::Gap => "gap",
        }
    }
}

/// Decides what `message` leads to for the aggregate whose last entry is `last`.
pub fn step<A: Aggregate>(
    aggregate: &A,
    key: &str,
    last: Option<&EntryOf<A>>,
    message: &KeyedMessage<A::Command>,
    handling: &Handling,
) -> Step<A> {
    let at = Subject {
        aggregate,
        key,
        last,
        handling,
    };
    if last.is_some_and(|entry| entry.handled >= handling.sequence) {
        return at.again(message);
    }
    match message {
        KeyedMessage::Command {
            request,
            reply,
            body,
        } => at.command(*request, reply.as_deref(), body),
        KeyedMessage::Effect(message) => at.effect(message),
        KeyedMessage::Confirmation(confirmation) => at.confirmation(confirmation),
    }
}

struct Subject<'a, A: Aggregate> {
    aggregate: &'a A,
    key: &'a str,
    last: Option<&'a EntryOf<A>>,
    handling: &'a Handling,
}

impl<A: Aggregate> Subject<'_, A> {
    fn command(&self, request: u64, reply: Option<&str>, body: &A::Command) -> Step<A> {
        let ctx = self.context();
        let state = self.state();
        let verdict = self
            .aggregate
            .decide(self.key, &state, Input::Command(body), &ctx);
        let refusal = verdict.refusal.clone();
        let answered = Answered {
            request,
            refused: refusal.as_ref().map(|refusal| refusal.code.clone()),
        };
        let changes = !verdict.events.is_empty() || !verdict.effects.is_empty();
        let mut step = if changes {
            self.change(state, verdict, self.outbox(), Some(answered))
        } else {
            self.nothing(Outcome::Accepted)
        };
        let result = if let Some(refusal) = refusal {
            step.outcome = Outcome::Refused;
            Err(refusal)
        } else {
            let after = step.entry.as_ref().map(|entry| &entry.state);
            let before = self.state();
            Ok(self
                .aggregate
                .answer(self.key, after.unwrap_or(&before), body, &ctx))
        };
        step.reply = answering(reply, request, result);
        step
    }

    fn effect(&self, message: &EffectMessage) -> Step<A> {
        let (source, number) = (&message.source, message.effect.number);
        let mut outbox = self.outbox();
        match outbox::arrival(&outbox, source, number) {
            Arrival::Gap => self.nothing(Outcome::Gap),
            Arrival::Repeated(up_to) => Step {
                confirm: Some((source.clone(), up_to)),
                ..self.nothing(Outcome::Repeated)
            },
            Arrival::Next => {
                let state = self.state();
                let verdict = self.aggregate.decide(
                    self.key,
                    &state,
                    Input::Effect(message),
                    &self.context(),
                );
                outbox::applied(&mut outbox, source, number);
                Step {
                    confirm: Some((source.clone(), number)),
                    ..self.change(state, verdict, outbox, None)
                }
            }
        }
    }

    fn confirmation(&self, confirmation: &Confirmation) -> Step<A> {
        let mut outbox = self.outbox();
        if outbox::confirmed(&mut outbox, confirmation) {
            self.change(self.state(), Verdict::unchanged(), outbox, None)
        } else {
            self.nothing(Outcome::Repeated)
        }
    }

    /// It has been handled, perhaps up to a crash: everything after the append once more.
    fn again(&self, message: &KeyedMessage<A::Command>) -> Step<A> {
        let outbox = self.outbox();
        let confirm = match message {
            KeyedMessage::Effect(message) => {
                match outbox::arrival(&outbox, &message.source, message.effect.number) {
                    Arrival::Repeated(up_to) => Some((message.source.clone(), up_to)),
                    Arrival::Next | Arrival::Gap => None,
                }
            }
            KeyedMessage::Command { .. } | KeyedMessage::Confirmation(_) => None,
        };
        Step {
            effects: outbox.pending,
            confirm,
            reply: self.answer_again(message),
            ..self.nothing(Outcome::Repeated)
        }
    }

    /// Only the last command can still be owed its answer: one that a later one has followed was
    /// answered before that later one was begun.
    fn answer_again(&self, message: &KeyedMessage<A::Command>) -> Option<Answering<A>> {
        let KeyedMessage::Command {
            request,
            reply,
            body,
        } = message
        else {
            return None;
        };
        let entry = self
            .last
            .filter(|entry| entry.handled == self.handling.sequence)?;
        let answered = entry.answered.as_ref()?;
        let result = match &answered.refused {
            Some(code) => Err(self.aggregate.refusal(code)),
            None => Ok(self
                .aggregate
                .answer(self.key, &entry.state, body, &self.context())),
        };
        answering(reply.as_deref(), *request, result)
    }

    fn change(
        &self,
        mut state: A::State,
        verdict: Verdict<A::Event>,
        mut outbox: Outbox,
        answered: Option<Answered>,
    ) -> Step<A> {
        let never_back = self.last.map_or(UnixMillis(0), |entry| entry.at);
        let at = self.handling.now.max(never_back);
        for event in &verdict.events {
            A::evolve(&mut state, event);
        }
        let effects = verdict
            .effects
            .into_iter()
            .map(|(target, payload)| outbox::issue(&mut outbox, target, at, payload))
            .collect();
        let entry = EntryOf::<A> {
            v: 1,
            at,
            incarnation: self.handling.incarnation,
            handled: self.handling.sequence,
            events: verdict.events,
            state,
            outbox,
            answered,
        };
        Step {
            entry: Some(entry),
            effects,
            ..self.nothing(Outcome::Accepted)
        }
    }

    const fn nothing(&self, outcome: Outcome) -> Step<A> {
        Step {
            entry: None,
            effects: Vec::new(),
            confirm: None,
            reply: None,
            outcome,
        }
    }

    fn state(&self) -> A::State {
        self.last
            .map_or_else(A::State::default, |entry| entry.state.clone())
    }

    fn outbox(&self) -> Outbox {
        self.last
            .map_or_else(Outbox::default, |entry| entry.outbox.clone())
    }

    fn context(&self) -> Context {
        Context {
            sequence: self.handling.sequence,
            stored_at: self.handling.stored_at,
            pending: self.last.map_or(0, |entry| entry.outbox.pending.len()),
        }
    }
}

fn answering<A: Aggregate>(
    reply: Option<&str>,
    request: u64,
    result: Result<A::Answer, Refusal>,
) -> Option<Answering<A>> {
    reply.map(|to| Answering {
        to: to.to_owned(),
        request,
        result,
    })
}
