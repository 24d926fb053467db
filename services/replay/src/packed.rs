//! What replay writes for itself to read again: checksummed and compressed.
//!
//! Nothing of it is the truth, so what does not read back is as good as not there.

use std::io::Read as _;

use bytes::Bytes;
use schemas::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version of the shell; what is inside has its own.
const VERSION: u16 = 1;
/// How hard is compressed: written rarely, read while somebody waits.
const LEVEL: i32 = 3;
/// Nothing is larger; what says so is damaged.
const MOST: u64 = 4 << 30;

#[derive(Serialize, Deserialize)]
struct Packed {
    v: u16,
    check: Digest,
    inside: Bytes,
}

/// As bytes to be kept.
pub(crate) fn pack<T: Serialize>(value: &T) -> Vec<u8> {
    let plain = schemas::encode(value);
    // Into memory, which does not refuse bytes; if it did, what is written would be found damaged.
    let inside = zstd::bulk::compress(&plain, LEVEL).unwrap_or_default();
    schemas::encode(&Packed {
        v: VERSION,
        check: Digest::of(&inside),
        inside: inside.into(),
    })
}

/// What was packed; `None`: damaged, or of another build.
pub(crate) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let packed: Packed = schemas::decode(bytes).ok()?;
    if packed.v != VERSION || packed.check != Digest::of(&packed.inside) {
        return None;
    }
    let mut plain = Vec::new();
    let unpacking = zstd::stream::Decoder::new(&*packed.inside).ok()?;
    unpacking.take(MOST).read_to_end(&mut plain).ok()?;
    schemas::decode(&plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_counts() {
        let value = vec!["one".to_owned(), "two".to_owned()];
        let bytes = pack(&value);
        assert_eq!(unpack(&bytes), Some(value));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let read: Option<Vec<String>> = unpack(&damaged);
            assert_eq!(read, None, "byte {at}");
        }
        assert_eq!(unpack::<Vec<String>>(&bytes[..bytes.len() / 2]), None);
    }
}
