//! Where a credential or a name is kept: under a keyed hash, so that neither the log nor its
//! subjects tell who they are about, and everybody who holds the realm's key finds the same place.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;

use crate::ids::Digest;

/// Finds the keys of credentials and names, and tags addresses. HKDF-SHA256 of a secret that edges
/// and identity share.
#[derive(Clone)]
pub struct Locator(Hkdf<Sha256>);

impl Locator {
    /// The one that these 32 secret bytes make.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Hkdf::new(None, &bytes))
    }

    /// The realm's: from the bytes of the realm's key.
    #[must_use]
    pub fn of_realm(realm_key: [u8; 32]) -> Self {
        Self::from_bytes(Self::bytes_of_realm(realm_key))
    }

    /// The secret bytes of the realm's locator, for services that must not have the realm's key
    /// itself: it would open what people write.
    #[must_use]
    pub fn bytes_of_realm(realm_key: [u8; 32]) -> [u8; 32] {
        let mut bytes = [0; 32];
        derive(
            &Hkdf::<Sha256>::new(None, &realm_key),
            &[b"worldline locator 1"],
            &mut bytes,
        );
        bytes
    }

    /// Where the credential of a login name is. Names that [`fold`] alike are one.
    #[must_use]
    pub fn login_name(&self, name: &str) -> Digest {
        self.digest(&[b"login name", fold(name).as_bytes()])
    }

    /// Where the credential of somebody known to an OpenID provider is; the account key is
    /// (`iss`, `sub`), with `iss` in its canonical spelling.
    #[must_use]
    pub fn openid(&self, issuer: &str, subject: &str) -> Digest {
        self.digest(&[b"openid", issuer.as_bytes(), subject.as_bytes()])
    }

    /// Where a character's name is reserved. Names that [`fold`] alike are one.
    #[must_use]
    pub fn character_name(&self, name: &str) -> Digest {
        self.digest(&[b"character name", fold(name).as_bytes()])
    }

    /// Stands for a network address (an IPv4 address, or the /64 of an IPv6 one) in the log.
    #[must_use]
    pub fn address(&self, address: std::net::IpAddr) -> Digest {
        match network(address) {
            std::net::IpAddr::V4(v4) => self.digest(&[b"address", &v4.octets()]),
            std::net::IpAddr::V6(v6) => self.digest(&[b"address", &v6.octets()]),
        }
    }

    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut digest = Digest([0; 16]);
        derive(&self.0, parts, &mut digest.0);
        digest
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Locator([redacted])")
    }
}

/// The network that counts as one address: all of an IPv4 address, the first 64 bits of an IPv6
/// one; an IPv4 address written as IPv6 is the IPv4 address.
#[must_use]
pub fn network(address: std::net::IpAddr) -> std::net::IpAddr {
    match address.to_canonical() {
        std::net::IpAddr::V6(v6) => {
            let masked = u128::from(v6) >> 64 << 64;
            std::net::IpAddr::V6(masked.into())
        }
        v4 => v4,
    }
}

/// Names that look alike in upper and lower case, with other blanks, or typed as other code points
/// (normal form C counts), are the same name.
#[must_use]
pub fn fold(name: &str) -> String {
    let name: String = name.nfc().collect();
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// Parts are told apart by their lengths.
fn derive(from: &Hkdf<Sha256>, parts: &[&[u8]], into: &mut [u8]) {
    let mut info = Vec::new();
    for part in parts {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    if from.expand(&info, into).is_err() {
        unreachable!("{} bytes are fewer than HKDF can give", into.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_found_in_the_same_place_and_nothing_else_is() {
        let locator = Locator::of_realm([7; 32]);
        assert_eq!(locator.login_name("Ann"), locator.login_name("  aNN "));
        assert_eq!(
            locator.login_name("Zo\u{eb}"),
            locator.login_name("Zoe\u{308}")
        );
        assert_ne!(locator.login_name("Ann"), locator.login_name("Anna"));
        assert_ne!(locator.login_name("Ann"), locator.character_name("Ann"));
        assert_ne!(locator.openid("ab", "c"), locator.openid("a", "bc"));
        assert_ne!(
            locator.login_name("Ann"),
            Locator::of_realm([8; 32]).login_name("Ann")
        );
    }

    #[test]
    fn a_network_is_one_address() {
        let locator = Locator::of_realm([7; 32]);
        let tag = |text: &str| locator.address(text.parse().unwrap());
        assert_eq!(tag("2001:db8::1"), tag("2001:db8::ffff:2"));
        assert_ne!(tag("2001:db8::1"), tag("2001:db8:0:1::1"));
        assert_eq!(tag("::ffff:192.0.2.1"), tag("192.0.2.1"));
        assert_ne!(tag("192.0.2.1"), tag("192.0.2.2"));
    }
}
