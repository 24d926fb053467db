//! How stored messages become bytes: named MessagePack maps.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why stored bytes are not the message a reader hoped for.
#[derive(Debug, thiserror::Error)]
#[error("these {length} bytes are not a {what}")]
pub struct DecodeError {
    what: &'static str,
    length: usize,
    #[source]
    source: rmp_serde::decode::Error,
}

/// Encodes a message for the log. The same value always gives the same bytes.
///
/// # Panics
/// Never for the types of this crate: they hold only what MessagePack can say, and a vector
/// does not refuse bytes.
#[must_use]
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    match rmp_serde::to_vec_named(message) {
        Ok(bytes) => bytes,
        Err(error) => unreachable!("{} cannot be encoded: {error}", std::any::type_name::<T>()),
    }
}

/// Decodes a message from the log; fields that a newer writer added are passed over.
///
/// # Errors
/// When the bytes are not MessagePack or lack a field of `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    rmp_serde::from_slice(bytes).map_err(|source| DecodeError {
        what: std::any::type_name::<T>()
            .rsplit("::")
            .next()
            .unwrap_or("message"),
        length: bytes.len(),
        source,
    })
}
