//! The lobby: keeps the characters that are not in the world, and lets them in.

use serde::{Deserialize, Serialize};

use crate::control::Order;
use crate::effect::{LastSeen, Traveller};
use crate::fact::DepartureReason;
use crate::ids::{
    AccountId, AreaId, CharacterId, Digest, EdgeId, Incarnation, LoginId, Sequence, SessionFence,
    UnixMillis,
};
use crate::sealed::Sealed;

/// Milliseconds of play in ten minutes, the first level's length.
const LEVEL_MILLIS: u64 = 600_000;

/// The level that somebody has who has played so long: 1 + ⌊√(minutes / 10)⌋. So the second comes
/// after ten minutes, the third after forty, the eleventh after 1,000 minutes.
#[must_use]
pub fn level(played_ms: u64) -> u32 {
    let root = (played_ms / LEVEL_MILLIS).isqrt();
    u32::try_from(root).map_or(u32::MAX, |root| root.saturating_add(1))
}

/// New fields are left out while they say nothing, so that old bytes stay as they are.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whom a ticket admits, besides its character, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Admission {
    /// Whose character.
    pub account: AccountId,
    /// The login session that asked for it.
    pub login: LoginId,
    /// Where the character is, or will appear.
    pub area: Option<AreaId>,
    /// The websocket protocol that the client speaks.
    pub protocol: u32,
    /// The party that it joins when it enters; 0: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub party: CharacterId,
}

/// A party to travel with, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Company {
    /// The party, named after one of its members.
    pub party: CharacterId,
    /// The area in which one of them is.
    pub area: AreaId,
}

/// The proof that a character is nowhere: all areas, folded to one causally closed cut, without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Evidence {
    /// The areas' events up to this one were folded.
    pub cut: Sequence,
    /// In this life of their stream.
    pub incarnation: Incarnation,
    /// How many areas were looked through.
    pub areas: u32,
    /// The newest session's fence at the cut.
    pub session: SessionFence,
    /// Since when it had been missing.
    pub missing: UnixMillis,
}

/// An order that only who holds the lobby's secret can give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ordered {
    /// Who wants it, and why; without anything personal.
    pub order: Order,
    /// [`crate::erasure::ErasureKey::seal`].
    pub seal: Digest,
}

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
        /// When the edge asked.
        now: UnixMillis,
        /// The login session that asks.
        #[serde(default, skip_serializing_if = "is_default")]
        login: LoginId,
        /// The websocket protocol that the client speaks.
        #[serde(default, skip_serializing_if = "is_default")]
        protocol: u32,
        /// With whom it wants to travel, as the edge has found them.
        #[serde(default, skip_serializing_if = "is_default")]
        company: Option<Company>,
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
        /// What the ticket says.
        #[serde(default, skip_serializing_if = "is_default")]
        admits: Admission,
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
    /// Delete the character, for good after a grace. In the world, it is made to leave. The same
    /// twice is no error.
    #[serde(rename = "delete.1")]
    Delete {
        /// Which.
        character: CharacterId,
        /// Who asks, as proven by the access token.
        account: AccountId,
    },
    /// Undo a deletion within its grace. The same twice is no error.
    #[serde(rename = "restore.1")]
    Restore {
        /// Which.
        character: CharacterId,
        /// Who asks, as proven by the access token.
        account: AccountId,
    },
    /// Forget a character whose grace is over, or one that never came to be: it will never be
    /// created. The same twice is no error.
    #[serde(rename = "erase.1")]
    Erase {
        /// Which.
        character: CharacterId,
        /// Who asks, as proven by the access token.
        account: AccountId,
        /// The erasure of its person, which waits for no grace.
        #[serde(default, skip_serializing_if = "is_default")]
        ordered: Option<Ordered>,
    },
    /// The character is nowhere: take it back into the lobby. Only the lobby itself asks this.
    #[serde(rename = "reclaim.1")]
    Reclaim {
        /// Which.
        character: CharacterId,
        /// The proof.
        evidence: Evidence,
        /// Keyed digest of the two, which only the lobby can make.
        seal: Digest,
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
        /// Whom it admits.
        #[serde(default, skip_serializing_if = "is_default")]
        admits: Admission,
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
        /// The login session in which it was begun.
        #[serde(default, skip_serializing_if = "is_default")]
        login: LoginId,
    },
    /// The character was sent into an area; the effect of the same entry holds it.
    #[serde(rename = "entered_world.1")]
    EnteredWorld {
        /// Where.
        area: AreaId,
        /// When it was let in: its time in the world counts from here.
        #[serde(default, skip_serializing_if = "is_default")]
        at: UnixMillis,
        /// The party it travels with; 0: alone.
        #[serde(default, skip_serializing_if = "is_default")]
        party: CharacterId,
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
    /// What was sent for the character came to where it was last heard of, and it was not there.
    /// The next news tells where it is; if none comes, it is looked for.
    #[serde(rename = "missed.1")]
    Missed {
        /// Where.
        area: AreaId,
        /// When that area decided it.
        at: UnixMillis,
    },
    /// The character was nowhere, and the lobby has taken it back as it was last known.
    #[serde(rename = "reclaimed.1")]
    Reclaimed {
        /// Which.
        character: CharacterId,
        /// From now on this fence is the newest; all sessions before are stale.
        session: SessionFence,
        /// When.
        at: UnixMillis,
        /// Why.
        evidence: Evidence,
    },
    /// The character was deleted; it can be restored for a while.
    #[serde(rename = "deleted.1")]
    Deleted {
        /// When.
        at: UnixMillis,
        /// From then on it cannot be restored.
        until: UnixMillis,
    },
    /// Its deletion was undone.
    #[serde(rename = "restored.1")]
    Restored,
    /// It is gone for good, and nothing of it is kept but that its id is used up.
    #[serde(rename = "erased.1")]
    Erased {
        /// Whose it was; `None`: it never came to be.
        account: Option<AccountId>,
        /// Who ordered it, and why, where its person was erased.
        #[serde(default, skip_serializing_if = "is_default")]
        order: Option<Order>,
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
    /// Whom it admits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admits: Admission,
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
    /// The login session in which the newest session was begun.
    #[serde(default, skip_serializing_if = "is_default")]
    pub login: LoginId,
    /// How long it has been in the world, up to the last news of it, in ms.
    #[serde(default, skip_serializing_if = "is_default")]
    pub played_ms: u64,
    /// From when on its time in the world is not counted yet; 0: it is not in the world.
    #[serde(default, skip_serializing_if = "is_default")]
    pub counted_to: UnixMillis,
    /// Deleted; it can be restored until then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deleted_until: Option<UnixMillis>,
    /// Gone for good.
    #[serde(default, skip_serializing_if = "is_default")]
    pub erased: bool,
    /// The party it entered the world with; 0: alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub party: CharacterId,
    /// Since when it has not been found where it was believed to be.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing: Option<UnixMillis>,
}

impl Character {
    /// How long it has been in the world at `now`, in ms.
    #[must_use]
    pub fn played_at(&self, now: UnixMillis) -> u64 {
        match self.counted_to {
            UnixMillis(0) => self.played_ms,
            since => self.played_ms + now.0.saturating_sub(since.0),
        }
    }
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
        /// Where the character is, or will appear.
        area: AreaId,
    },
    /// The session has begun; the character appears in (or is) in this area.
    Joined {
        /// The session's fence.
        session: SessionFence,
        /// Where the character is or is about to arrive.
        area: AreaId,
        /// The character's name.
        name: Sealed,
        /// Whose it is.
        #[serde(default)]
        account: AccountId,
        /// The login session in which it was begun.
        #[serde(default)]
        login: LoginId,
    },
    /// It is deleted.
    Deleted {
        /// It can be restored until then.
        until: UnixMillis,
    },
    /// It is so now.
    Done,
}

/// Who has played longest: the value of `played` in the bucket `ranking`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ranking {
    /// Characters and how long each has been in the world in ms, longest first; at most 1,000.
    pub characters: Vec<(CharacterId, u64)>,
}

impl Ranking {
    /// The bucket.
    pub const BUCKET: &'static str = "ranking";
    /// Its key there.
    pub const KEY: &'static str = "played";
    /// How many characters it names at most.
    pub const MOST: usize = 1000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_later_and_later() {
        let minutes = |n: u64| level(n * 60_000);
        let at = [0, 9, 10, 39, 40, 89, 90, 999, 1000].map(minutes);
        assert_eq!(at, [1, 1, 2, 2, 3, 3, 4, 10, 11]);
        assert_eq!(level(u64::MAX), 5_544_779);
    }
}
