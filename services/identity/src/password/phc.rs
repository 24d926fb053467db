//! A password's hash as text: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// How many bytes of salt and of hash.
const SALT: usize = 16;
const HASH: usize = 32;

/// How much work a hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashParameters {
    /// Memory, KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for HashParameters {
    /// What OWASP asks for at least: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self {
            memory: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

impl HashParameters {
    /// As the algorithm takes them; `None` when it does not.
    pub(crate) fn params(self) -> Option<Params> {
        Params::new(self.memory, self.passes, self.lanes, Some(HASH)).ok()
    }
}

/// The hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    parameters: HashParameters,
    salt: Vec<u8>,
    hash: [u8; HASH],
}

impl PasswordHash {
    /// Of this password, with a fresh salt. `None` when the parameters are none.
    pub(super) fn of(
        password: &str,
        parameters: HashParameters,
        memory: &mut Vec<Block>,
    ) -> Option<Self> {
        let salt = rand::random::<[u8; SALT]>().to_vec();
        let hash = compute(password, &salt, parameters, memory)?;
        Some(Self {
            parameters,
            salt,
            hash,
        })
    }

    /// Whether it is the hash of this password.
    pub(super) fn is_of(&self, password: &str, memory: &mut Vec<Block>) -> bool {
        compute(password, &self.salt, self.parameters, memory)
            .is_some_and(|hash| bool::from(hash.ct_eq(&self.hash)))
    }

    /// With how much work it was made.
    pub(super) const fn parameters(&self) -> HashParameters {
        self.parameters
    }

    /// The hash that this text says; `None` when it says none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$argon2id$v=19$")?;
        let mut parts = rest.split('$');
        let (parameters, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut numbers = ["m=", "t=", "p="]
            .into_iter()
            .zip(parameters.split(','))
            .map(|(name, part)| part.strip_prefix(name)?.parse().ok());
        let parameters = HashParameters {
            memory: numbers.next()??,
            passes: numbers.next()??,
            lanes: numbers.next()??,
        };
        Some(Self {
            parameters: parts.next().is_none().then_some(parameters)?,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            hash: STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?,
        })
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HashParameters {
            memory,
            passes,
            lanes,
        } = self.parameters;
        let (salt, hash) = (
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(self.hash),
        );
        write!(
            f,
            "$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"
        )
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({:?})", self.parameters)
    }
}

impl Drop for PasswordHash {
    fn drop(&mut self) {
        self.hash.zeroize();
    }
}

fn compute(
    password: &str,
    salt: &[u8],
    parameters: HashParameters,
    memory: &mut Vec<Block>,
) -> Option<[u8; HASH]> {
    let params = parameters.params()?;
    memory.resize(params.block_count().max(memory.len()), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; HASH];
    argon2
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, memory)
        .ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: HashParameters = HashParameters {
        memory: 64,
        passes: 1,
        lanes: 1,
    };

    #[test]
    fn a_hash_survives_being_written_and_knows_its_password() {
        let mut memory = Vec::new();
        let hash = PasswordHash::of("correct horse", QUICK, &mut memory).unwrap();
        let text = hash.to_string();
        assert!(text.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{text}");
        let read = PasswordHash::parse(&text).unwrap();
        assert!(read.is_of("correct horse", &mut memory));
        assert!(!read.is_of("correct house", &mut memory));
        assert!(!format!("{read:?}").contains(&STANDARD_NO_PAD.encode(read.hash)));
    }

    #[test]
    fn a_hash_that_the_reference_implementation_made_is_understood() {
        let text =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let hash = PasswordHash::parse(text).unwrap();
        assert!(hash.is_of("password", &mut Vec::new()));
        assert_eq!(hash.to_string(), text);
    }

    #[test]
    fn what_is_no_hash_of_ours_is_none() {
        for text in [
            "",
            "$argon2i$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA",
            "$argon2id$v=16$m=64,t=1,p=1$c2FsdA$aGFzaA",
            "$argon2id$v=19$m=64,t=1$c2FsdA$aGFzaA",
            "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA",
        ] {
            assert!(PasswordHash::parse(text).is_none(), "{text}");
        }
    }
}
