//! Control: which areas exist and how they are led; who works, what operators want of them, and
//! who shall own what.

use serde::{Deserialize, Serialize};

use crate::ids::{AreaId, EdgeId, UnixMillis, WorkerId};

/// Who ordered something, and why: every operator's action is a command in the log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Order {
    /// Who: an operator's name, or `director`.
    pub by: String,
    /// Why, for people.
    pub reason: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Commands to an area's control aggregate (`cmd.control.<partition>.<area>`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum ControlCommand {
    /// Open an area; opening one that is open is no error.
    #[serde(rename = "open_area.1")]
    OpenArea {
        /// Which.
        area: AreaId,
        /// Seed of its random numbers.
        seed: u64,
    },
    /// Steer an open area: its control sends the area the effect of the same name.
    #[serde(rename = "steer.1")]
    Steer {
        /// Which.
        area: AreaId,
        /// It shall take nobody any more.
        closed: bool,
        /// To which instance it sends on those whom it does not take; `None`: to the lobby.
        overflow: Option<AreaId>,
        /// Bodies from which on it sends those who come to `overflow`; 0: as many as the rules say.
        #[serde(default, skip_serializing_if = "is_zero")]
        soft: u32,
        /// Who wants it, and why.
        order: Order,
    },
    /// Bind an area to one worker, or unbind it.
    #[serde(rename = "pin.1")]
    Pin {
        /// Which.
        area: AreaId,
        /// The worker; `None`: any.
        worker: Option<WorkerId>,
        /// Who wants it, and why.
        order: Order,
    },
}

/// Events (`evt.control.<area>`). An area's first frame is allowed only after `AreaOpened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum ControlEvent {
    /// The area may be owned from now on.
    #[serde(rename = "area_opened.1")]
    AreaOpened {
        /// Which.
        area: AreaId,
        /// Name of its map.
        map: String,
        /// Seed of its random numbers.
        seed: u64,
    },
    /// The area was told how to treat those who come; the effect of the same entry tells it.
    #[serde(rename = "steered.1")]
    Steered {
        /// It shall take nobody any more.
        closed: bool,
        /// To which instance it sends on those whom it does not take.
        overflow: Option<AreaId>,
        /// Bodies from which on it sends those who come to `overflow`; 0: as many as the rules say.
        #[serde(default, skip_serializing_if = "is_zero")]
        soft: u32,
        /// Who wanted it, and why.
        order: Order,
    },
    /// The area was bound to one worker, or unbound.
    #[serde(rename = "pinned.1")]
    Pinned {
        /// The worker; `None`: any.
        worker: Option<WorkerId>,
        /// Who wanted it, and why.
        order: Order,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

/// The state of an area's control aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AreaControl {
    /// Name of its map; `None` while it has not been opened.
    pub map: Option<String>,
    /// Seed of its random numbers.
    pub seed: u64,
    /// It takes nobody any more. It may still be owned: who comes all the same is sent on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// To which instance it sends on those whom it does not take; `None`: to the lobby.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow: Option<AreaId>,
    /// Bodies from which on it sends those who come to `overflow`; 0: as many as the rules say.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub soft: u32,
    /// Who steered it last, and why; `None` while nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steered: Option<Order>,
    /// The only worker that may own it; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<WorkerId>,
}

/// The answer to a [`ControlCommand`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Opened {
    /// Name of its map.
    pub map: String,
}

/// What operators want of a worker.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// It may be given areas.
    #[default]
    Serve,
    /// It keeps what it has and is given nothing more. Holds for the name, until it is lifted.
    Cordon,
    /// It shall hand over all it has and end. Holds for one life of the name.
    Drain,
}

/// Commands to a worker's aggregate (`cmd.fleet.<partition>.<worker>`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum FleetCommand {
    /// Set a worker's duty.
    #[serde(rename = "set_duty.1")]
    SetDuty {
        /// Which.
        worker: WorkerId,
        /// The life that is meant, as its entry in `members` says.
        life: u64,
        /// What it shall do.
        duty: Duty,
        /// Who wants it, and why.
        order: Order,
    },
}

/// Events of a worker (`evt.fleet.<worker>`); the director and the worker itself follow them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum FleetEvent {
    /// Its duty was set.
    #[serde(rename = "duty_set.1")]
    DutySet {
        /// The life that is meant.
        life: u64,
        /// What it shall do.
        duty: Duty,
        /// Who wanted it, and why.
        order: Order,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

/// The state of a worker's aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WorkerControl {
    /// The life for which the duty was set.
    pub life: u64,
    /// What it shall do.
    pub duty: Duty,
    /// Who wanted it, and why.
    pub order: Order,
}

impl WorkerControl {
    /// What the life `life` of this worker shall do: a drain ends with the life it was meant for.
    #[must_use]
    pub const fn duty_of(&self, life: u64) -> Duty {
        match self.duty {
            Duty::Drain if self.life != life => Duty::Serve,
            duty => duty,
        }
    }
}

/// The answer to a [`FleetCommand`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DutySet {
    /// What it shall do from now on.
    pub duty: Duty,
}

/// A worker's entry in the bucket `members`; written again every second, gone after its TTL.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Member {
    /// Its name, unique among running workers.
    pub worker: WorkerId,
    /// Differs between two lives of one name, and is higher the later one began.
    pub life: u64,
    /// How many areas it is willing to own.
    pub capacity: u32,
    /// Whether it wants to leave: give it nothing, take everything.
    pub draining: bool,
    /// The areas it owns now, with the share of a core each has used, in 1/1000.
    pub areas: Vec<(AreaId, u32)>,
    /// The areas it has stopped owning because their rules break again and again; an operator
    /// looks into them, nobody is given them meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<AreaId>,
    /// When it wrote this.
    pub at: UnixMillis,
    /// The areas of others of which it keeps a folded replica, so as to take them at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<AreaId>,
    /// How many bodies are in each area that it owns and that is awake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub population: Vec<(AreaId, u32)>,
    /// The build it runs: a rolling upgrade shows here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub build: String,
}

/// An edge's entry in the bucket `members`, under `edge.<id>`: where players may connect. Written
/// again every second, gone after its TTL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EdgeMember {
    /// Which.
    pub edge: EdgeId,
    /// Address of its websocket: `wss://one.play.example/v1/ws`.
    pub url: String,
    /// Open websockets.
    pub connections: u32,
}

/// A heartbeat on `hb.worker.<worker>`, every 100 ms, not stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Heartbeat {
    /// Who.
    pub worker: WorkerId,
    /// Which life of that name.
    pub life: u64,
    /// How late its last tick was, in ms.
    pub late_ms: u32,
    /// How long ago the oldest of its frames on their way into the log set out, in ms, once that is
    /// a second: neither taken nor refused, its area stands still. 0: no frame is late.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stuck_ms: u32,
    /// How long ago the youngest of its frames that the log has taken set out, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_ms: Option<u32>,
}

impl Heartbeat {
    /// Whether a frame of this worker is late: neither taken nor refused.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        self.stuck_ms > 0
    }
}

/// An area's entry in the bucket `placements`: who shall own it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Placement {
    /// Which area.
    pub area: AreaId,
    /// Who shall own it; `None`: nobody for now.
    pub worker: Option<WorkerId>,
    /// Rises with every change of `worker`.
    pub generation: u64,
    /// Nobody shall own it until an operator has cleared this mark.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quarantined: bool,
    /// Who will most likely own it next, and so keeps a folded replica of it while it is awake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<WorkerId>,
}
