//! Control: which areas exist, who works, and who shall own what.

use serde::{Deserialize, Serialize};

use crate::ids::{AreaId, EdgeId, UnixMillis, WorkerId};

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
}

/// The answer to [`ControlCommand::OpenArea`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Opened {
    /// Name of its map.
    pub map: String,
}

/// A worker's entry in the bucket `members`; written again every second, gone after its TTL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Member {
    /// Its name, unique among running workers.
    pub worker: WorkerId,
    /// Differs between two lives of one name.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Heartbeat {
    /// Who.
    pub worker: WorkerId,
    /// Which life of that name.
    pub life: u64,
    /// How late its last tick was, in ms.
    pub late_ms: u32,
}

/// An area's entry in the bucket `placements`: who shall own it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Placement {
    /// Which area.
    pub area: AreaId,
    /// Who shall own it; `None`: nobody for now.
    pub worker: Option<WorkerId>,
    /// Rises with every change of this area's placement.
    pub generation: u64,
    /// Nobody shall own it until an operator has cleared this mark.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quarantined: bool,
}
