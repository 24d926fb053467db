//! The lobby: keeps the characters that are not in the world, and lets them in.

use serde::{Deserialize, Serialize};

use crate::effect::{LastSeen, Traveller};
use crate::fact::DepartureReason;
use crate::ids::{AccountId, AreaId, CharacterId, Digest, EdgeId, SessionFence, UnixMillis};
use crate::sealed::Sealed;

/// Commands to a character (`cmd.lobby.…`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum LobbyCommand {
    /// Create the character if it does not exist; the same command twice is no error.
    #[serde(rename = "create.1")]
    Create {
        /// Which.
        character: CharacterId,
        /// Whose.
        account: AccountId,
        /// Its name.
        name: Sealed,
    },
    /// Ask for a join ticket.
    #[serde(rename = "start.1")]
    Start {
        /// Which.
        character: CharacterId,
        /// Who asks, as proven by the access token.
        account: AccountId,
        /// When the edge asked; the ticket is good for 30 s from here.
        now: UnixMillis,
    },
    /// Use a ticket: begin a session and enter the world (or take over where the character is).
    #[serde(rename = "join.1")]
    Join {
        /// Which.
        character: CharacterId,
        /// Digest of the ticket's id.
        ticket: Digest,
        /// The edge that will hold the session.
        edge: EdgeId,
        /// When the edge asked.
        now: UnixMillis,
    },
    /// Go on with a session, perhaps on another edge.
    #[serde(rename = "resume.1")]
    Resume {
        /// Which.
        character: CharacterId,
        /// The session that the resume token names.
        session: SessionFence,
        /// The edge that holds it from now on.
        edge: EdgeId,
    },
}

/// Events of a character (`evt.lobby.<character>`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum LobbyEvent {
    /// The character came to be.
    #[serde(rename = "created.1")]
    Created {
        /// Which.
        character: CharacterId,
        /// Whose.
        account: AccountId,
        /// Its name.
        name: Sealed,
    },
    /// A join ticket was given out.
    #[serde(rename = "ticket_issued.1")]
    TicketIssued {
        /// Digest of its id.
        ticket: Digest,
        /// Not good after this.
        expires_at: UnixMillis,
    },
    /// A session began (or went on elsewhere); older fences are stale.
    #[serde(rename = "session_started.1")]
    SessionStarted {
        /// The new fence.
        session: SessionFence,
        /// The edge that holds it.
        edge: EdgeId,
        /// Whether it continues an earlier one.
        resumed: bool,
    },
    /// The character was sent into an area; the effect of the same entry holds it.
    #[serde(rename = "entered_world.1")]
    EnteredWorld {
        /// Where.
        area: AreaId,
    },
    /// News: the character is in this area now.
    #[serde(rename = "located.1")]
    Located {
        /// Where.
        area: AreaId,
        /// When that area decided it.
        at: UnixMillis,
    },
    /// The character came back from the world.
    #[serde(rename = "returned.1")]
    Returned {
        /// Who, with all that travels along.
        traveller: Box<Traveller>,
        /// Where it stood.
        last_seen: Option<LastSeen>,
        /// Why it left.
        reason: DepartureReason,
        /// When the area decided it.
        at: UnixMillis,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

/// Where a character is, as the lobby knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Here: the lobby holds it.
    Lobby(Box<Traveller>),
    /// In the world; last heard of in this area.
    World(AreaId),
}

/// A ticket that has been given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ticket {
    /// Digest of its id.
    pub id: Digest,
    /// Not good after this.
    pub expires_at: UnixMillis,
    /// Whether it has been used.
    pub used: bool,
}

/// The state of a character outside the world.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Character {
    /// Whose; `None` while the character does not exist.
    pub account: Option<AccountId>,
    /// Its name.
    pub name: Sealed,
    /// Where it is.
    pub place: Option<Place>,
    /// The newest session's fence.
    pub session: SessionFence,
    /// The edge that holds it.
    pub edge: EdgeId,
    /// Whether it continues the one before, so that client sequences go on.
    #[serde(default)]
    pub resumed: bool,
    /// Whether it has ended (logged out, kicked) and cannot be resumed.
    #[serde(default)]
    pub over: bool,
    /// When an area last had news of the character; older news of another one is passed over.
    #[serde(default)]
    pub placed_at: UnixMillis,
    /// The last ticket given out.
    pub ticket: Option<Ticket>,
    /// Where it was last seen.
    pub last_seen: Option<LastSeen>,
}

/// Answers of the lobby. `Ticket` holds a secret: core NATS only, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LobbyReply {
    /// It exists now (or did before).
    Created {
        /// Which.
        character: CharacterId,
    },
    /// A ticket: a signed token (JWT, EdDSA) good for one join.
    Ticket {
        /// The token.
        ticket: String,
        /// Not good after this.
        expires_at: UnixMillis,
    },
    /// The session has begun; the character appears in (or is) in this area.
    Joined {
        /// The session's fence.
        session: SessionFence,
        /// Where the character is or is about to arrive.
        area: AreaId,
        /// The character's name.
        name: Sealed,
    },
}
