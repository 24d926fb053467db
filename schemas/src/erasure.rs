//! Orders to erase a person: who may give them, and what is left of them.
//!
//! Edges may publish to identity and lobby, and must not be able to erase anybody. So an order
//! carries a **seal** that only who holds the service's own secret can make: an operator at the
//! machine where the realm's keys are.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;

use crate::codec::encode;
use crate::control::Order;
use crate::ids::{AccountId, CharacterId, Digest};

/// Makes and compares the seals of orders to one service.
#[derive(Clone)]
pub struct ErasureKey(Hkdf<Sha256>);

impl ErasureKey {
    /// The one made of a service's secret, as its configuration has it.
    #[must_use]
    pub fn of_secret(secret: &str) -> Self {
        Self(Hkdf::new(Some(b"worldline erasure 1"), secret.as_bytes()))
    }

    /// The seal of an order to erase `whom`.
    #[must_use]
    pub fn seal(&self, whom: &Whom, order: &Order) -> Digest {
        let mut seal = [0; 16];
        let order = encode(order);
        let whom = whom.to_string();
        if self
            .0
            .expand_multi_info(&[whom.as_bytes(), b"|", &order], &mut seal)
            .is_err()
        {
            unreachable!("16 bytes are fewer than HKDF can give");
        }
        Digest(seal)
    }

    /// Whether `seal` was made for this order.
    #[must_use]
    pub fn holds(&self, seal: Digest, whom: &Whom, order: &Order) -> bool {
        let expected = self.seal(whom, order);
        // All bytes are looked at, so that time tells nothing.
        let differ = expected
            .0
            .iter()
            .zip(seal.0)
            .fold(0, |all, (a, b)| all | (a ^ b));
        differ == 0
    }
}

impl fmt::Debug for ErasureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErasureKey([redacted])")
    }
}

/// What of a person is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// The account.
    Account(AccountId),
    /// What lets into it.
    Credential(Digest, AccountId),
    /// One of its characters.
    Character(CharacterId, AccountId),
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "account {account}"),
            Self::Credential(credential, account) => {
                write!(f, "credential {credential} of {account}")
            }
            Self::Character(character, account) => write!(f, "character {character} of {account}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_for_its_order_only() {
        let ours = ErasureKey::of_secret("0123456789abcdef0123456789abcdef");
        let theirs = ErasureKey::of_secret("0123456789abcdef0123456789abcdeg");
        let order = Order {
            by: "kim".into(),
            reason: "request 81".into(),
        };
        let whom = Whom::Account(AccountId(1));
        let seal = ours.seal(&whom, &order);
        assert!(ours.holds(seal, &whom, &order));
        assert!(!theirs.holds(seal, &whom, &order));
        assert!(!ours.holds(seal, &Whom::Account(AccountId(2)), &order));
        let other = Order {
            by: "lee".into(),
            ..order
        };
        assert!(!ours.holds(seal, &whom, &other));
    }
}
