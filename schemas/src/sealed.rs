//! Text of people as it stands in the log: unreadable without a key.
//!
//! Each text is sealed with its person's own key ([`crate::person`]), which a reader with the right
//! fetches and hands to its [`RealmKey`]; what was written before there were such keys is sealed
//! with the realm's.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::ids::AccountId;
use crate::person::{PersonKey, PersonKeyEntry, Wrapping, whose};

/// The name under which texts sealed with the realm's first key stand in the log.
pub const REALM_KEY_ID: &str = "realm.1";

/// A text encrypted with XChaCha20-Poly1305 (RFC 8439 with the extended nonce); only readers
/// that hold the key `key` can open it. Erasing the key erases the text everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Sealed {
    /// Which key: `person.<account>`, or `realm.1` in texts from before persons had keys.
    pub key: String,
    /// 24 bytes, random for each text.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub nonce: Vec<u8>,
    /// The ciphertext and its 16-byte tag.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub bytes: Vec<u8>,
}

/// The realm's key, and the persons' keys that this reader has learned so far: seals what people
/// write, and opens it for readers with the right to. Clones share what they learn.
#[derive(Clone)]
pub struct RealmKey {
    realm: XChaCha20Poly1305,
    wrapping: Wrapping,
    persons: Arc<RwLock<HashMap<AccountId, Person>>>,
}

/// What is known of a person's key.
enum Person {
    Key(PersonKey),
    Erased,
}

/// Why a sealed text stays closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed with a key that this reader does not hold; show a placeholder.
    #[error("the text was sealed with key {key:?}, this reader holds {REALM_KEY_ID:?}")]
    OtherKey {
        /// The key that it names.
        key: String,
    },
    /// It was sealed with the key of a person who has not been met: fetch the key and try again.
    #[error("the key of account {account} has not been fetched")]
    NotFetched {
        /// Whose.
        account: AccountId,
    },
    /// The person was erased, and nobody can read this any more.
    #[error("account {account} was erased, and its key with it")]
    Erased {
        /// Who.
        account: AccountId,
    },
    /// It is not what was sealed: cut, changed, or sealed with another realm's key.
    #[error("the sealed text of {length} bytes does not open with this realm's key")]
    Damaged {
        /// Length of the ciphertext and its tag.
        length: usize,
    },
}

/// Why a text cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The person's key has not been fetched: fetch or make it and try again.
    #[error("the key of account {0} has not been fetched")]
    NotFetched(AccountId),
    /// The person was erased, and nothing is written for them any more.
    #[error("account {0} was erased")]
    Erased(AccountId),
}

impl RealmKey {
    /// The key made of these 32 secret bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut wrapping = [0; 32];
        let derived = Hkdf::<Sha256>::new(None, &bytes);
        if derived
            .expand(b"worldline persons' keys 1", &mut wrapping)
            .is_err()
        {
            unreachable!("32 bytes are fewer than HKDF can give");
        }
        Self {
            realm: XChaCha20Poly1305::new(&bytes.into()),
            wrapping: Wrapping::new(wrapping),
            persons: Arc::default(),
        }
    }

    /// A fresh key for a person who has none, to be put into the bucket and learned if that succeeds.
    #[must_use]
    pub fn draw(&self, account: AccountId) -> PersonKeyEntry {
        self.wrapping.draw(account)
    }

    /// Takes in what the bucket says of a person's key.
    ///
    /// # Errors
    /// `Damaged` where it is not a key of this realm. `OtherKey` where a newer build wrote it.
    pub fn learn(&self, account: AccountId, entry: &PersonKeyEntry) -> Result<(), OpenError> {
        let person = match entry {
            PersonKeyEntry::Kept { key } => {
                let opened = self.wrapping.open(account, key);
                Person::Key(opened.ok_or(OpenError::Damaged {
                    length: key.bytes.len(),
                })?)
            }
            PersonKeyEntry::Erased { .. } => Person::Erased,
            PersonKeyEntry::Unknown => {
                return Err(OpenError::OtherKey {
                    key: crate::person::key_id(account),
                });
            }
        };
        let mut persons = self.persons.write().unwrap_or_else(PoisonError::into_inner);
        // Who was erased stays so, whatever an older answer says.
        if !matches!(persons.get(&account), Some(Person::Erased)) {
            persons.insert(account, person);
        }
        Ok(())
    }

    /// From now on nothing of this person is opened or sealed here.
    pub fn forget(&self, account: AccountId) {
        let mut persons = self.persons.write().unwrap_or_else(PoisonError::into_inner);
        persons.insert(account, Person::Erased);
    }

    /// Whether all is known here that there is to know of this person's key.
    #[must_use]
    pub fn knows(&self, account: AccountId) -> bool {
        let persons = self.persons.read().unwrap_or_else(PoisonError::into_inner);
        persons.contains_key(&account)
    }

    /// The person whose key is yet to be fetched before `sealed` can be opened.
    #[must_use]
    pub fn lacks(&self, sealed: &Sealed) -> Option<AccountId> {
        whose(sealed).filter(|account| !self.knows(*account))
    }

    /// Seals what `account` writes, under a fresh random nonce: two seals of one text differ.
    ///
    /// # Errors
    /// When the person's key is not known here, or gone.
    ///
    /// # Panics
    /// Only when the operating system has no randomness, or for a text beyond 256 GiB.
    pub fn seal_for(&self, account: AccountId, text: &str) -> Result<Sealed, SealError> {
        let persons = self.persons.read().unwrap_or_else(PoisonError::into_inner);
        match persons.get(&account) {
            Some(Person::Key(key)) => Ok(key.seal(text)),
            Some(Person::Erased) => Err(SealError::Erased(account)),
            None => Err(SealError::NotFetched(account)),
        }
    }

    /// Seals `text` with the realm's own key, as everything was before persons had keys. Nobody but
    /// tests and tools writes this any more: it cannot be erased for one person.
    ///
    /// # Panics
    /// As [`RealmKey::seal_for`].
    #[must_use]
    pub fn seal(&self, text: &str) -> Sealed {
        let nonce = XNonce::generate();
        let payload = Payload {
            msg: text.as_bytes(),
            aad: REALM_KEY_ID.as_bytes(),
        };
        match self.realm.encrypt(&nonce, payload) {
            Ok(bytes) => Sealed {
                key: REALM_KEY_ID.to_owned(),
                nonce: nonce.to_vec(),
                bytes,
            },
            Err(_) => unreachable!("a text of {} bytes is too long to seal", text.len()),
        }
    }

    /// Opens what was sealed for a person, or with the realm's key.
    ///
    /// # Errors
    /// When it was sealed with a key that is not known here or gone, or has been changed since.
    pub fn open(&self, sealed: &Sealed) -> Result<String, OpenError> {
        let damaged = || OpenError::Damaged {
            length: sealed.bytes.len(),
        };
        if let Some(account) = whose(sealed) {
            let persons = self.persons.read().unwrap_or_else(PoisonError::into_inner);
            return match persons.get(&account) {
                Some(Person::Key(key)) => key.open(sealed).ok_or_else(damaged),
                Some(Person::Erased) => Err(OpenError::Erased { account }),
                None => Err(OpenError::NotFetched { account }),
            };
        }
        if sealed.key != REALM_KEY_ID {
            return Err(OpenError::OtherKey {
                key: sealed.key.chars().take(40).collect(),
            });
        }
        let nonce = <[u8; 24]>::try_from(sealed.nonce.as_slice()).map_err(|_| damaged())?;
        let payload = Payload {
            msg: &sealed.bytes,
            aad: REALM_KEY_ID.as_bytes(),
        };
        let text = self
            .realm
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| damaged())?;
        String::from_utf8(text).map_err(|_| damaged())
    }
}

impl fmt::Debug for RealmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RealmKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMillis;

    const ANN: AccountId = AccountId(1);
    const BEN: AccountId = AccountId(2);

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        let (ours, theirs) = (RealmKey::from_bytes([7; 32]), RealmKey::from_bytes([8; 32]));
        let sealed = ours.seal("hé, Ann");
        assert_eq!(ours.open(&sealed).as_deref(), Ok("hé, Ann"));
        assert_ne!(ours.seal("hé, Ann"), sealed, "a fresh nonce each time");
        assert!(matches!(
            theirs.open(&sealed),
            Err(OpenError::Damaged { .. })
        ));
        let renamed = Sealed {
            key: "realm.2".into(),
            ..sealed
        };
        assert!(matches!(
            ours.open(&renamed),
            Err(OpenError::OtherKey { .. })
        ));
        assert!(ours.open(&Sealed::default()).is_err());
    }

    #[test]
    fn a_changed_byte_keeps_the_text_closed() {
        let key = RealmKey::from_bytes([7; 32]);
        let mut sealed = key.seal("meet me at the mill");
        sealed.bytes[3] ^= 1;
        assert_eq!(key.open(&sealed), Err(OpenError::Damaged { length: 35 }));
    }

    #[test]
    fn each_person_has_a_key_that_opens_their_texts_only() {
        let writer = RealmKey::from_bytes([7; 32]);
        assert_eq!(writer.seal_for(ANN, "hm"), Err(SealError::NotFetched(ANN)));
        let (ann, ben) = (writer.draw(ANN), writer.draw(BEN));
        writer.learn(ANN, &ann).unwrap();
        let sealed = writer.seal_for(ANN, "hé, Ben").unwrap();
        assert_eq!(sealed.key, crate::person::key_id(ANN));
        let reader = RealmKey::from_bytes([7; 32]);
        assert_eq!(reader.lacks(&sealed), Some(ANN));
        assert_eq!(
            reader.open(&sealed),
            Err(OpenError::NotFetched { account: ANN })
        );
        reader.learn(BEN, &ben).unwrap();
        assert!(reader.open(&sealed).is_err());
        assert!(
            reader.learn(BEN, &ann).is_err(),
            "a key is bound to whom it was made for"
        );
        reader.learn(ANN, &ann).unwrap();
        assert_eq!(reader.open(&sealed).as_deref(), Ok("hé, Ben"));
        let said_by_ben = Sealed {
            key: crate::person::key_id(BEN),
            ..sealed
        };
        assert!(reader.open(&said_by_ben).is_err());
        let other_realm = RealmKey::from_bytes([8; 32]);
        assert!(other_realm.learn(ANN, &ann).is_err());
    }

    #[test]
    fn who_is_erased_stays_so() {
        let key = RealmKey::from_bytes([7; 32]);
        let entry = key.draw(ANN);
        key.learn(ANN, &entry).unwrap();
        let sealed = key.seal_for(ANN, "here I was").unwrap();
        let gone = PersonKeyEntry::Erased { at: UnixMillis(1) };
        key.learn(ANN, &gone).unwrap();
        assert_eq!(key.open(&sealed), Err(OpenError::Erased { account: ANN }));
        assert_eq!(key.seal_for(ANN, "again"), Err(SealError::Erased(ANN)));
        // An answer that was on its way when the key went.
        key.learn(ANN, &entry).unwrap();
        assert_eq!(key.open(&sealed), Err(OpenError::Erased { account: ANN }));
    }
}
