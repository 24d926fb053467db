//! Taking back a character that is nowhere.
//!
//! Only what the lobby itself has proven is believed: see [`crate::lost`]. That a character is
//! nowhere stays true whatever happens after the proof, as nobody can send what nobody has; so
//! the one thing that could make two of it is the same proof used twice. It is not: the fence
//! that the proof names is raised when it is used.

use eventlog::keyed::{Context, Verdict};
use schemas::lobby::{Character, Evidence, LobbyEvent, Place};
use schemas::{CharacterId, Digest};
use subtle::ConstantTimeEq;

use super::{Characters, refuse};

impl Characters {
    /// The digest under which only an instance of this lobby can hand in `evidence`.
    #[must_use]
    pub fn seal(&self, character: CharacterId, evidence: &Evidence) -> Digest {
        self.tickets.seal(character, evidence)
    }

    pub(super) fn reclaim(
        &self,
        state: &Character,
        character: CharacterId,
        (evidence, seal): (&Evidence, Digest),
        ctx: &Context,
    ) -> Verdict<LobbyEvent> {
        if !bool::from(self.seal(character, evidence).0.ct_eq(&seal.0)) {
            return refuse("no_proof");
        }
        let in_the_world = matches!(state.place, Some(Place::World(_)));
        let still = state.session == evidence.session && state.missing == Some(evidence.missing);
        if !in_the_world || !still {
            return refuse("not_lost");
        }
        Verdict::events([LobbyEvent::Reclaimed {
            character,
            session: state.session.next(),
            at: ctx.stored_at,
            evidence: evidence.clone(),
        }])
    }
}
