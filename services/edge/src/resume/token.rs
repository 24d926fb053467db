//! Resume tokens: where a session stood, sealed so that only edges can read or make one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use schemas::{AreaId, CharacterId, ClientSeq, Incarnation, Sequence, SessionFence, UnixMillis};
use serde::{Deserialize, Serialize};

/// How long a token is good, ms.
pub(crate) const GOOD_FOR_MILLIS: u64 = 5 * 60 * 1000;
const PURPOSE: &[u8] = b"worldline resume 1";

/// Where a session stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResumePoint {
    /// Whose.
    pub(crate) character: CharacterId,
    /// Its fence then.
    pub(crate) session: SessionFence,
    /// In which area.
    pub(crate) area: AreaId,
    /// Which life of the event stream `sequence` counts in.
    pub(crate) incarnation: Incarnation,
    /// The newest frame that the client has been sent.
    pub(crate) sequence: Sequence,
    /// All commands up to this one had had their outcome.
    pub(crate) ack: ClientSeq,
    /// When the token was made.
    pub(crate) issued_at: UnixMillis,
}

/// Why a token is refused; the client starts over with a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// Not made by an edge of this realm, or changed since.
    #[error("the resume token is not known here; start over with a ticket")]
    Forged,
    /// Older than five minutes.
    #[error("the resume token is older than five minutes; start over with a ticket")]
    Old,
}

/// The key of all edges of a realm.
#[derive(Clone)]
pub(crate) struct ResumeKey(XChaCha20Poly1305);

impl ResumeKey {
    /// The key made of these 32 secret bytes.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&bytes.into()))
    }

    /// Makes a token.
    pub(crate) fn seal(&self, point: &ResumePoint) -> String {
        let nonce = XNonce::generate();
        let plain = rmp_serde::to_vec(point).unwrap_or_default();
        let payload = Payload {
            msg: &plain,
            aad: PURPOSE,
        };
        let mut bytes = nonce.to_vec();
        // Encryption fails only beyond 256 GiB; the token would then be refused when used.
        bytes.extend(self.0.encrypt(&nonce, payload).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(&bytes)
    }

    /// Reads a token.
    pub(crate) fn open(&self, token: &str, now: UnixMillis) -> Result<ResumePoint, TokenError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| TokenError::Forged)?;
        let (nonce, sealed) = bytes.split_at_checked(24).ok_or(TokenError::Forged)?;
        let nonce = <[u8; 24]>::try_from(nonce).map_err(|_| TokenError::Forged)?;
        let payload = Payload {
            msg: sealed,
            aad: PURPOSE,
        };
        let plain = self.0.decrypt(&XNonce::from(nonce), payload);
        let plain = plain.map_err(|_| TokenError::Forged)?;
        let point: ResumePoint = rmp_serde::from_slice(&plain).map_err(|_| TokenError::Forged)?;
        if point.issued_at.0 + GOOD_FOR_MILLIS < now.0 {
            return Err(TokenError::Old);
        }
        Ok(point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point() -> ResumePoint {
        ResumePoint {
            character: CharacterId(5),
            session: SessionFence(6),
            area: AreaId::new("harbor-1").expect("an area"),
            incarnation: Incarnation(7),
            sequence: Sequence(8),
            ack: 9,
            issued_at: UnixMillis(1_000_000),
        }
    }

    #[test]
    fn a_token_reads_back_on_any_edge_of_the_realm_for_five_minutes() {
        let (one, other) = (
            ResumeKey::from_bytes([1; 32]),
            ResumeKey::from_bytes([1; 32]),
        );
        let token = one.seal(&point());
        let at = |ms| UnixMillis(1_000_000 + ms);
        assert_eq!(other.open(&token, at(GOOD_FOR_MILLIS)), Ok(point()));
        assert_eq!(
            other.open(&token, at(GOOD_FOR_MILLIS + 1)),
            Err(TokenError::Old)
        );
        let stranger = ResumeKey::from_bytes([2; 32]);
        assert_eq!(stranger.open(&token, at(0)), Err(TokenError::Forged));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let key = ResumeKey::from_bytes([1; 32]);
        let token = key.seal(&point());
        let mut changed = token.clone().into_bytes();
        changed[40] = if changed[40] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ascii");
        for bad in [
            "",
            "x",
            "é",
            &token[1..],
            &token[..60],
            &changed,
            &"A".repeat(4000),
        ] {
            assert_eq!(
                key.open(bad, UnixMillis(0)),
                Err(TokenError::Forged),
                "{bad:?}"
            );
        }
    }
}
