//! What happened: an event's own fields.

use schemas::account::AccountEvent;
use schemas::control::{ControlEvent, FleetEvent};
use schemas::credential::CredentialEvent;
use schemas::effect::Effect;
use schemas::fact::Fact;
use schemas::lobby::LobbyEvent;
use schemas::name::NameEvent;
use schemas::outcome::{EffectOutcome, Reason};
use schemas::segment::{InputBits, Mode, Segment};
use schemas::{ClientSeq, Handle, Step};
use serde::Serialize;
use serde_json::Value;

use super::json::Writer;
use super::kinds;
use super::people::{AsRecorded, People};

/// What happened. As JSON it is the fields alone; the type is told by the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Data {
    /// A fact of an area.
    Fact(Fact),
    /// `moved`: a body moves differently from now on.
    Moved(Moved),
    /// `accepted`: commands were accepted.
    Accepted(Accepted),
    /// `rejected`: a command was refused.
    Rejected(Refused),
    /// `effect_applied`: what became of an effect from another aggregate.
    EffectApplied(EffectOutcome),
    /// `effect_sent`: a message to another aggregate.
    EffectSent(Effect),
    /// An event of an account.
    Account(AccountEvent),
    /// An event of a credential.
    Credential(CredentialEvent),
    /// An event of a name.
    Name(NameEvent),
    /// An event of a character in the lobby.
    Lobby(LobbyEvent),
    /// An event of an area's control.
    Control(ControlEvent),
    /// An event of a worker.
    Fleet(FleetEvent),
}

/// A body moves differently from now on: position and velocity at the end of step `from`, with constant acceleration
/// until `until`. The body then stands at `x + n·vx + ax·n(n+1)/2` after `n` steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Moved {
    /// Which body.
    pub handle: Handle,
    /// The step at whose end the body stands at (`x`, `y`); steps are of 20 ms, two to a tick.
    pub from: Step,
    /// The last step for which the formula holds; null: until further notice.
    pub until: Option<Step>,
    /// Left edge of the body, 1/256 px.
    pub x: i32,
    /// Top edge of the body, 1/256 px; y grows downwards.
    pub y: i32,
    /// 1/256 px per step.
    pub vx: i32,
    /// 1/256 px per step.
    pub vy: i32,
    /// 1/256 px per step².
    pub ax: i32,
    /// 1/256 px per step².
    pub ay: i32,
    /// How the body moves meanwhile.
    pub mode: Mode,
    /// The keys that are held: 1 left, 2 right, 4 jump, 8 down, 16 run.
    pub input: InputBits,
}

impl From<&schemas::segment::Moved> for Moved {
    fn from(moved: &schemas::segment::Moved) -> Self {
        let (segment, controller) = (&moved.segment, &moved.controller);
        Self {
            handle: moved.handle,
            from: segment.from,
            until: (segment.until != Segment::FOREVER).then_some(segment.until),
            x: segment.x,
            y: segment.y,
            vx: segment.vx,
            vy: segment.vy,
            ax: segment.ax,
            ay: segment.ay,
            mode: segment.mode,
            input: controller.input,
        }
    }
}

/// All commands of a body up to a number have had their outcome; those not rejected were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Accepted {
    /// Whose body.
    pub handle: Handle,
    /// The client's number of the last command.
    pub seq: ClientSeq,
}

/// A command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Refused {
    /// The client's number of the command; null: the message could not be decoded.
    pub seq: Option<ClientSeq>,
    /// Why.
    pub reason: Reason,
}

impl Data {
    /// Under which name and version it stands in the log: `spoken.1`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Fact(fact) => fact.kind(),
            Self::Moved(_) => "moved.1",
            Self::Accepted(_) => "accepted.1",
            Self::Rejected(_) => "rejected.1",
            Self::EffectApplied(_) => "effect_applied.1",
            Self::EffectSent(_) => "effect_sent.1",
            Self::Account(event) => kinds::account(event),
            Self::Credential(event) => kinds::credential(event),
            Self::Name(event) => kinds::name(event),
            Self::Lobby(event) => kinds::lobby(event),
            Self::Control(event) => kinds::control(event),
            Self::Fleet(event) => kinds::fleet(event),
        }
    }

    /// Appends it to `out` as JSON, ids of people as `people` writes them.
    pub fn write_json(&self, people: &mut dyn People, out: &mut Vec<u8>) {
        // Digests in areas are of maps; those of the keyed domains stand for addresses, names and secrets.
        let personal = !matches!(self, Self::Fact(_));
        Writer::new(out, people)
            .with_personal_digests(personal)
            .without_type()
            .write(self);
    }

    /// It as JSON, ids as they stand in the log.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut text = Vec::new();
        self.write_json(&mut AsRecorded, &mut text);
        serde_json::from_slice(&text).unwrap_or(Value::Null)
    }
}
