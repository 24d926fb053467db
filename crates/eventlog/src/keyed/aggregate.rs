//! What a keyed aggregate is: rules over a small state, and nothing that touches the broker.

use std::future::Future;

use schemas::effect::{EffectMessage, EffectPayload};
use schemas::keyed::{KeyedEntry, Refusal};
use schemas::subjects::{AggregateId, Domain};
use schemas::{Sequence, UnixMillis};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Small aggregates of one domain, each loaded by its key when a command for it comes.
///
/// Deciding reads and may refuse; evolving writes and always succeeds. Neither looks at a clock,
/// draws a random number or asks anybody: a command that is delivered twice must come out alike.
pub trait Aggregate: Send + Sync + 'static {
    /// Where its commands and events stand.
    const DOMAIN: Domain;
    /// What may be asked of it.
    type Command: DeserializeOwned + Send + Sync;
    /// What can happen to it.
    type Event: Serialize + DeserializeOwned + Clone + Send + Sync;
    /// What it knows. The default is an aggregate that does not exist yet.
    type State: Serialize + DeserializeOwned + Clone + Default + Send + Sync;
    /// What an accepted command is answered with.
    type Answer: Serialize + Send;

    /// Under which name this key sends and receives effects; `None` when its domain has none.
    fn id(&self, key: &str) -> Option<AggregateId> {
        let _ = key;
        None
    }

    /// Gathers what deciding a command needs and cannot have of itself, because it takes long or asks
    /// somebody: a password's hash, a provider's keys. What it finds goes into the command (not into
    /// the log), and deciding stays pure. Called before a command that has not been handled yet is
    /// decided on `state`, hence again when somebody else has written in the meantime.
    fn prepare(
        &self,
        key: &str,
        state: &Self::State,
        command: Self::Command,
        ctx: &Context,
    ) -> impl Future<Output = Self::Command> + Send {
        let _ = (key, state, ctx);
        std::future::ready(command)
    }

    /// Decides what `input` leads to. An effect is never refused, only judged to change nothing.
    fn decide(
        &self,
        key: &str,
        state: &Self::State,
        input: Input<'_, Self::Command>,
        ctx: &Context,
    ) -> Verdict<Self::Event>;

    /// Applies an event.
    fn evolve(state: &mut Self::State, event: &Self::Event);

    /// The answer to an accepted command, from the state after it. Called again when the command
    /// is delivered again, so secrets are derived (from a key and the command's sequence), not drawn.
    fn answer(
        &self,
        key: &str,
        state: &Self::State,
        command: &Self::Command,
        ctx: &Context,
    ) -> Self::Answer;

    /// The refusal behind a code, for a refused command that is delivered again.
    fn refusal(&self, code: &str) -> Refusal {
        Refusal::new(code, "refused, as it was before")
    }
}

/// What stands in the event stream for an aggregate `A`.
pub type EntryOf<A> = KeyedEntry<<A as Aggregate>::Event, <A as Aggregate>::State>;

/// What an aggregate decides on.
#[derive(Debug)]
pub enum Input<'a, C> {
    /// Somebody asks and is answered.
    Command(&'a C),
    /// Another aggregate's effect, the next one of its source.
    Effect(&'a EffectMessage),
}

/// Where and when an aggregate decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The message's place in the command stream; the same at every delivery.
    pub sequence: Sequence,
    /// When the broker stored it; the same at every delivery.
    pub stored_at: UnixMillis,
    /// Effects of this aggregate that nobody has confirmed yet.
    pub pending: usize,
}

/// What an aggregate has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<E> {
    /// What happened, in order.
    pub events: Vec<E>,
    /// What is asked of other aggregates, in order.
    pub effects: Vec<(AggregateId, EffectPayload)>,
    /// Why the command was refused; `None`: accepted.
    pub refusal: Option<Refusal>,
}

impl<E> Verdict<E> {
    /// Accepted; nothing needs to change.
    #[must_use]
    pub const fn unchanged() -> Self {
        Self {
            events: Vec::new(),
            effects: Vec::new(),
            refusal: None,
        }
    }

    /// Accepted, and these things happened.
    #[must_use]
    pub fn events(events: impl IntoIterator<Item = E>) -> Self {
        Self {
            events: events.into_iter().collect(),
            ..Self::unchanged()
        }
    }

    /// Refused.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            refusal: Some(refusal),
            ..Self::unchanged()
        }
    }

    /// And this happened too.
    #[must_use]
    pub fn and(mut self, event: E) -> Self {
        self.events.push(event);
        self
    }

    /// And this is asked of `target`.
    #[must_use]
    pub fn asking(mut self, target: AggregateId, payload: EffectPayload) -> Self {
        self.effects.push((target, payload));
        self
    }
}
