//! Join tickets: signed, good for one join within thirty seconds.
//!
//! A ticket's id is derived from the lobby's secret, the character and the command that asked for
//! it, so that the command delivered twice gives the same ticket. The log holds its digest only.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use schemas::control::Order;
use schemas::erasure::{ErasureKey, Whom};
use schemas::lobby::{Admission, Evidence};
use schemas::{AccountId, AreaId, CharacterId, Digest, LoginId, Sequence, UnixMillis};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// How long a ticket is good, in ms.
pub(crate) const LIFETIME_MILLIS: u64 = 30_000;
/// Who signs.
pub(crate) const ISSUER: &str = "worldline";
/// What a ticket is for: joining, through an edge.
pub(crate) const AUDIENCE: &str = "worldline-join";

/// What a ticket says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketClaims {
    /// Who signed: `worldline`.
    pub iss: String,
    /// For what: `worldline-join`.
    pub aud: String,
    /// Its own id, used once; an edge sends its digest with the join.
    pub jti: String,
    /// The character.
    pub sub: CharacterId,
    /// Whose.
    pub account: AccountId,
    /// The login session that asked for it.
    pub sid: LoginId,
    /// Where the character is, or will appear.
    pub area: Option<AreaId>,
    /// The websocket protocol that the client speaks.
    pub protocol: u32,
    /// The party that it joins; left out: none.
    #[serde(default, skip_serializing_if = "is_alone")]
    pub party: CharacterId,
    /// Until when, in seconds since 1970.
    pub exp: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_alone(party: &CharacterId) -> bool {
    party.0 == 0
}

/// Derives and signs tickets.
#[derive(Clone)]
pub struct Tickets {
    ids: Hkdf<Sha256>,
    key: EncodingKey,
    orders: ErasureKey,
}

impl Tickets {
    /// Fewer characters than this are no secret.
    pub const SHORTEST_SECRET: usize = 32;

    /// From the lobby's secret and its private key, PKCS #8 in PEM; the key is tried once, so that
    /// signing cannot fail later.
    ///
    /// # Errors
    /// When the key is no such key.
    pub fn new(secret: &str, pem: &str) -> Result<Self, jsonwebtoken::errors::Error> {
        let tickets = Self {
            ids: Hkdf::new(None, secret.as_bytes()),
            key: EncodingKey::from_ed_pem(pem.as_bytes())?,
            orders: ErasureKey::of_secret(secret),
        };
        tickets.sign(&TicketClaims {
            iss: String::new(),
            aud: String::new(),
            jti: String::new(),
            sub: CharacterId(0),
            account: AccountId(0),
            sid: LoginId(0),
            area: None,
            protocol: 0,
            party: CharacterId(0),
            exp: 0,
        })?;
        Ok(tickets)
    }

    /// The digest of the id of the ticket that command `asked` of `character` asks for.
    #[must_use]
    pub fn digest(&self, character: CharacterId, asked: Sequence) -> Digest {
        Digest::of(self.id(character, asked).as_bytes())
    }

    /// That ticket, signed. The same at every call.
    #[must_use]
    pub fn ticket(
        &self,
        character: CharacterId,
        admits: &Admission,
        asked: Sequence,
        expires_at: UnixMillis,
    ) -> String {
        let claims = TicketClaims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            jti: self.id(character, asked),
            sub: character,
            account: admits.account,
            sid: admits.login,
            area: admits.area.clone(),
            protocol: admits.protocol,
            party: admits.party,
            exp: expires_at.0.div_ceil(1000),
        };
        match self.sign(&claims) {
            Ok(ticket) => ticket,
            Err(error) => unreachable!("the key signed when it was read: {error}"),
        }
    }

    /// The keyed digest of a proof that `character` is lost.
    #[must_use]
    pub(crate) fn seal(&self, character: CharacterId, evidence: &Evidence) -> Digest {
        let mut seal = [0; 16];
        let mut info = format!("worldline lost character 1 {character} ").into_bytes();
        info.extend(schemas::encode(evidence));
        if self.ids.expand(&info, &mut seal).is_err() {
            unreachable!("16 bytes are fewer than HKDF can give");
        }
        Digest(seal)
    }

    /// Whether who gave this order to erase `whom` holds the lobby's secret.
    pub(crate) fn orders(&self, seal: Digest, whom: &Whom, order: &Order) -> bool {
        self.orders.holds(seal, whom, order)
    }

    fn id(&self, character: CharacterId, asked: Sequence) -> String {
        let mut id = [0; 16];
        let info = format!("worldline join ticket 1 {character} {asked}");
        if self.ids.expand(info.as_bytes(), &mut id).is_err() {
            unreachable!("16 bytes are fewer than HKDF can give");
        }
        URL_SAFE_NO_PAD.encode(id)
    }

    fn sign(&self, claims: &TicketClaims) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &self.key)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets([redacted])")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    /// For tests alone.
    pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
    /// The key pair printed in RFC 8410, section 10.
    pub(crate) const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_ticket_is_derived_alike_and_names_the_digest_that_the_log_holds() {
        let tickets = Tickets::new(SECRET, PRIVATE).unwrap();
        let (ann, asked) = (CharacterId(7), Sequence(12));
        let later = UnixMillis(UnixMillis::now().0 + LIFETIME_MILLIS);
        let admits = Admission {
            account: AccountId(70),
            login: LoginId(9),
            area: Some(AreaId::new("harbor-1").unwrap()),
            protocol: 1,
            party: CharacterId(5),
        };
        let ticket = tickets.ticket(ann, &admits, asked, later);
        assert_eq!(ticket, tickets.ticket(ann, &admits, asked, later));

        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        let key = DecodingKey::from_ed_pem(PUBLIC.as_bytes()).unwrap();
        let claims = jsonwebtoken::decode::<TicketClaims>(&ticket, &key, &validation)
            .unwrap()
            .claims;
        let said = Admission {
            account: claims.account,
            login: claims.sid,
            area: claims.area,
            protocol: claims.protocol,
            party: claims.party,
        };
        assert_eq!((claims.sub, said), (ann, admits));
        assert_eq!(
            Digest::of(claims.jti.as_bytes()),
            tickets.digest(ann, asked)
        );
    }

    #[test]
    fn each_asking_gets_a_ticket_of_its_own() {
        let tickets = Tickets::new(SECRET, PRIVATE).unwrap();
        let first = tickets.digest(CharacterId(7), Sequence(12));
        assert_ne!(first, tickets.digest(CharacterId(7), Sequence(13)));
        assert_ne!(first, tickets.digest(CharacterId(8), Sequence(12)));
    }
}
